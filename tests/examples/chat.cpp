// SPDX-License-Identifier: MIT
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <wafer/core/json.hpp>

#include "run.hpp"

using namespace wafer_test;

namespace {

/// What was told apart from warnings: of a machine without fast kernels, say.
[[nodiscard]] std::string complaints(const std::string& err) {
    std::istringstream lines(err);
    std::string others;
    for (std::string line; std::getline(lines, line);)
        if (!line.starts_with("chat: warning: ")) others += line + '\n';
    return others;
}

[[nodiscard]] outcome chat(const std::vector<std::string>& arguments, std::string_view input = {}) {
    return run(WAFER_CHAT, arguments, input);
}

}  // namespace

TEST_CASE("chat: the default model knows 17 + 25, and nothing but the answer is printed") {
    const auto r = chat({"-p", question});
    CHECK(r.status == 0);
    CHECK(complaints(r.err).empty());
    CHECK(is_one_line(r.out));
    CHECK(r.out.find("42") != r.out.npos);
    CHECK(r.out.find("think") == r.out.npos);
    CHECK(r.out.find('\033') == r.out.npos);
}

TEST_CASE("chat: a pipe is a prompt") {
    CHECK(chat({}, question + "\n").out == chat({"-p", question}).out);
    CHECK(chat({"--read", "-p", question}).out == chat({"-p", question}).out);
    CHECK(chat({}, "\n").status == 2);
    CHECK(chat({"-p", ""}).status == 2);
}

TEST_CASE("chat: --json is one JSON object with answer, thinking, statistics and costs") {
    const auto r = chat({"--json", "-p", question, "--device", "h100x8", "--device=wse3x4"});
    REQUIRE(r.status == 0);
    const auto answer = wafer::json::parse(r.out);
    CHECK(answer.at("answer").as_string().find("42") != std::string::npos);
    CHECK(!answer.at("thinking").as_string().empty());
    CHECK(answer.at("finish").as_string() == "end_of_turn");
    const auto& stats = answer.at("stats");
    CHECK(stats.at("generated_tokens").as_int() > 0);
    CHECK(stats.at("decode_tokens_per_second").as_double() > 0);
    for (const auto& layer : stats.at("expert_tokens").as_array()) CHECK(layer.as_array().size() == 8);
    REQUIRE(answer.at("costs").as_array().size() == 2);
    CHECK(answer.at("costs").at(0).at("device").as_string() == "h100x8");
    CHECK(answer.at("costs").at(1).at("decode").at("seconds").as_double() > 0);

    const auto direct = wafer::json::parse(chat({"--json", "--think", "off", "-p", question}).out);
    CHECK(direct.at("thinking").as_string().empty());
    CHECK(direct.find("costs") == nullptr);
}

TEST_CASE("chat: limits and seeds are obeyed") {
    const auto cut = wafer::json::parse(chat({"--json", "--max-tokens", "3", "-p", question}).out);
    CHECK(cut.at("finish").as_string() == "max_tokens");
    CHECK(cut.at("stats").at("generated_tokens").as_int() == 3);

    auto arguments = babbling;
    arguments.insert(arguments.end(), {"-p", question, "--ctx", "28", "--seed", "7"});
    const auto full = chat(arguments);
    CHECK(full.status == 0);
    CHECK(full.out == chat(arguments).out);
    CHECK(full.err.find("context is full") != full.err.npos);
    arguments.back() = "8";
    CHECK(full.out != chat(arguments).out);
}

TEST_CASE("chat: a seed is told exactly") {
    const auto seed = [](const std::string& text) {
        return wafer::json::parse(chat({"--json", "--max-tokens", "1", "--seed", text, "-p", question}).out)
            .at("stats")
            .at("seed");
    };
    CHECK(seed("9223372036854775807").as_int() == 9223372036854775807);
    CHECK(seed("18446744073709551615").as_string() == "18446744073709551615");
}

TEST_CASE("chat: an error is one line without control characters, whatever the file's name") {
    const auto r = chat({"--model",
                         "a\nb\033[2Jc\xC2\x9B"
                         "d\xC3\xA9",
                         "-p", question});
    CHECK(r.status == 1);
    CHECK(is_one_line(r.err));
    CHECK(r.err.find("[2Jc") != r.err.npos);
    CHECK(r.err.find("d\xC3\xA9") != r.err.npos);
    CHECK(r.err.find('\033') == r.err.npos);
    CHECK(r.err.find("\xC2\x9B") == r.err.npos);
    CHECK(is_one_line(chat({"--a\nb"}).err));
}

TEST_CASE("chat: whatever is wrong with a file is one line, and exit status 1") {
    const temporary_directory folder;
    std::ifstream model(default_model, std::ios::binary);
    std::string content(std::istreambuf_iterator<char>(model), {});
    REQUIRE(content.size() > 1'000'000);
    const auto complain = [&](const std::string& path, std::string_view about) {
        CAPTURE(path);
        const auto r = chat({"--model", path, "-p", question});
        CHECK(r.status == 1);
        CHECK(r.out.empty());
        CHECK(is_one_line(r.err));
        CHECK(r.err.starts_with("chat: "));
        CHECK(r.err.find(about) != r.err.npos);
        CHECK(r.err.find(path) != r.err.npos);
    };
    complain((folder.path() / "missing.gguf").string(), "no such file");
    complain(folder.path().string(), "directory");
    complain(folder.file("empty.gguf").string(), "empty");
    complain(folder.file("four.gguf", "GGUF").string(), "ends");
    complain(folder.file("text.gguf", "this is no model at all\n").string(), "GGUF");
    for (const std::size_t size : {std::size_t{100}, content.size() / 100})  // inside the header
        complain(folder.file("cut.gguf", std::string_view(content).substr(0, size)).string(), "at byte");
    for (const std::size_t size : {content.size() / 2, content.size() - 100})  // inside the weights
        complain(folder.file("cut.gguf", std::string_view(content).substr(0, size)).string(), "ends before the tensor");
}

TEST_CASE("chat: what does not fit is one line that says what would, and exit status 1") {
    const auto small = chat({"--ctx", "8", "-p", question});
    CHECK(small.status == 1);
    CHECK(is_one_line(small.err));
    CHECK(small.err.find("context") != small.err.npos);
    const auto large = chat({"--ctx", "1000000000000", "-p", question});
    CHECK(large.status == 1);
    CHECK(is_one_line(large.err));
    const auto bytes = chat({"-p", "\xff\xfe"});
    CHECK(bytes.status == 1);
    CHECK(bytes.err.find("UTF-8") != bytes.err.npos);
}

TEST_CASE("chat: a bad value is told with what it must be") {
    const auto told = [](const char* name, const char* value) { return chat({name, value}, question).err; };
    CHECK(told("--ctx", "-1") == "chat: --ctx: '-1' must be a whole number, 0 or more\n");
    CHECK(told("--ctx", "12k") == "chat: --ctx: '12k' must be a whole number, 0 or more\n");
    CHECK(told("--threads", "0.5") == "chat: --threads: '0.5' must be a whole number from 0 to 1024\n");
    CHECK(told("--temp", "warm") == "chat: --temp: 'warm' must be a number, 0 or more\n");
    CHECK(told("--top-p", "1.5") == "chat: --top-p: '1.5' must be a number from 0 to 1\n");
    CHECK(told("--seed", "18446744073709551616") ==
          "chat: --seed: '18446744073709551616' must be a whole number from 0 to 18446744073709551615\n");
    CHECK(told("--model", "") == "chat: --model: the name of the file is empty\n");
    CHECK(told("--model", "/nope.gguf") == "chat: /nope.gguf: no such file\n");
}

TEST_CASE("chat: what the library warns of is told on stderr") {
    const auto r = chat({"--ctx", "2000", "--json", "-p", question});
    CHECK(r.status == 0);
    CHECK(complaints(r.err).empty());
    CHECK(r.err.starts_with("chat: warning: "));
    CHECK(r.err.find("a context of 2000 positions is longer than the 1024 ") != r.err.npos);
    CHECK_NOTHROW(static_cast<void>(wafer::json::parse(r.out)));
}

TEST_CASE("chat: a bad option is one line, and exit status 2") {
    const std::vector<std::vector<std::string>> all{
        {"--nonsense"},         {"model.gguf"},        {"--temp"},
        {"--temp", "warm"},     {"--temp", "-1"},      {"--top-p", "2"},
        {"--top-p", "0"},       {"--ctx", "12k"},      {"--threads", "1e6"},
        {"--device", "abc"},    {"--device", "h100x"}, {"--think", "maybe"},
        {"--cache-type", "q4"}, {"--help=yes"},        {"--repeat-penalty", "0"}};
    for (const auto& arguments : all) {
        CAPTURE(arguments.front());
        const auto r = chat(arguments, question);
        CHECK(r.status == 2);
        CHECK(r.out.empty());
        CHECK(is_one_line(r.err));
        CHECK(r.err.starts_with("chat: "));
    }
    CHECK(chat({"--help"}).out.find("--device") != std::string::npos);
    CHECK(chat({"-h"}).out == chat({"--help"}).out);
    CHECK(chat({"--version"}).status == 0);
}
