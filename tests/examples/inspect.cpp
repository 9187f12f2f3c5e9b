// SPDX-License-Identifier: MIT
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <map>
#include <sstream>
#include <string>
#include <support/synthetic.hpp>
#include <system_error>
#include <vector>

#include <doctest/doctest.h>

#include "run.hpp"

using namespace wafer_test;

namespace {

[[nodiscard]] outcome inspect(const std::vector<std::string>& arguments) { return run(WAFER_INSPECT, arguments); }

template <class Numbers>
[[nodiscard]] std::string joined(const Numbers& numbers) {
    std::string text;
    for (const auto n : numbers) text += (text.empty() ? "" : ",") + std::to_string(n);
    return text;
}

[[nodiscard]] std::map<std::size_t, std::vector<float>> logits_in(const std::string& text) {
    std::map<std::size_t, std::vector<float>> all;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
        std::istringstream in(line);
        std::string word;
        std::size_t position = 0;
        in >> word >> position;
        REQUIRE(word == "logits");
        for (float v = 0; in >> v;) all[position].push_back(v);
    }
    return all;
}

[[nodiscard]] double relative_distance(const std::vector<float>& a, const std::vector<float>& b) {
    REQUIRE(a.size() == b.size());
    double difference = 0, norm = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
        difference += std::pow(static_cast<double>(a[i]) - static_cast<double>(b[i]), 2);
        norm += std::pow(static_cast<double>(b[i]), 2);
    }
    return std::sqrt(difference / norm);
}

}  // namespace

TEST_CASE("inspect: --logits gives llama.cpp's logits, and the same digits however the tokens are cut") {
    const temporary_directory folder;
    for (const std::string name : {"llama3", "qwen3moe"}) {
        CAPTURE(name);
        const auto path = (folder.path() / (name + ".gguf")).string();
        synthetic_model::read(name).gguf().save(path);
        const auto reference = reference_answer::read(name);
        std::vector<std::size_t> at;
        for (const auto& [position, values] : reference.logits) at.push_back(position);

        const auto whole = inspect({path, "--logits", joined(reference.tokens), "--at", joined(at), "--threads", "2"});
        REQUIRE(whole.status == 0);
        const auto found = logits_in(whole.out);
        REQUIRE(found.size() == reference.logits.size());
        // Ten times what llama.cpp differs from itself by: shared/oracle/README.md.
        for (const auto& [position, values] : reference.logits)
            CHECK(relative_distance(found.at(position), values) <= 5e-5);

        CHECK(
            inspect({path, "--logits", joined(reference.tokens), "--at", joined(at), "--threads", "1", "--batch", "7"})
                .out == whole.out);
        CHECK(inspect({path, "--read", "--logits", joined(reference.tokens), "--at", joined(at)}).out == whole.out);
        const auto last = inspect({path, "--logits", joined(reference.tokens)});
        CHECK(whole.out.ends_with(last.out));
        CHECK(is_one_line(last.out));
    }
}

TEST_CASE("inspect: metadata, plan and placements of the default model") {
    const auto r = inspect(
        {default_model, "--ctx", "100", "--cache-type", "q8_0", "--tensors", "--device", "wse3x2", "--device", "h100"});
    CHECK(r.status == 0);
    CHECK(r.err.empty());
    for (const auto* text : {"general.architecture", "\"qwen3moe\"", "100 positions in q8_0", "resident",
                             "token_embd.weight", "on wse3x2", "on h100"}) {
        CAPTURE(text);
        CHECK(r.out.find(text) != r.out.npos);
    }
}

TEST_CASE("inspect: a model too large for a wafer is refused in one line that says how many would hold it") {
    // 4 layers of 16384 x 65536 in f32: 64 GiB, in a file without content.
    const std::uint64_t width = 16384, hidden = 4 * width, n_layer = 4, n_vocab = 32;
    gguf_writer file;
    file.pair("general.architecture", "llama").pair("llama.block_count", static_cast<std::uint32_t>(n_layer));
    file.pair("llama.context_length", 64u).pair("llama.attention.head_count", 128u);
    file.pair("llama.embedding_length", static_cast<std::uint32_t>(width));
    file.pair("llama.feed_forward_length", static_cast<std::uint32_t>(hidden));
    std::uint64_t end = 0;
    const auto tensor = [&](const std::string& name, std::uint64_t rows, std::uint64_t cols) {
        file.raw_tensor(name, rows == 1 ? std::vector{cols} : std::vector{cols, rows}, 0, end);
        end += rows * cols * sizeof(float);
    };
    tensor("token_embd.weight", n_vocab, width);
    tensor("output_norm.weight", 1, width);
    for (std::uint64_t i = 0; i < n_layer; ++i) {
        const auto name = [&](const char* rest) { return "blk." + std::to_string(i) + "." + rest + ".weight"; };
        for (const auto* norm : {"attn_norm", "ffn_norm"}) tensor(name(norm), 1, width);
        for (const auto* square : {"attn_q", "attn_k", "attn_v", "attn_output"}) tensor(name(square), width, width);
        for (const auto* up : {"ffn_gate", "ffn_up"}) tensor(name(up), hidden, width);
        tensor(name("ffn_down"), width, hidden);
    }
    const temporary_directory folder;
    const auto path = folder.path() / "large.gguf";
    file.save(path);
    std::error_code error;
    std::filesystem::resize_file(path, end + (std::uint64_t{1} << 20), error);
    if (error) {
        MESSAGE("skipped: no sparse file of 64 GiB can be had here");
        return;
    }
    const auto one = inspect({path.string(), "--device", "wse3"});
    CHECK(one.status == 1);
    CHECK(is_one_line(one.err));
    CHECK(one.err.find("do not fit 1 wafer") != one.err.npos);
    CHECK(one.err.find("2 would") != one.err.npos);
    CHECK(inspect({path.string(), "--device", "wse3x2"}).status == 0);
}

TEST_CASE("inspect: errors are one line") {
    const temporary_directory folder;
    const auto expect = [](const outcome& r, int status) {
        CHECK(r.status == status);
        CHECK(r.out.empty());
        CHECK(is_one_line(r.err));
        CHECK(r.err.starts_with("inspect: "));
    };
    expect(inspect({(folder.path() / "missing.gguf").string()}), 1);
    expect(inspect({folder.path().string()}), 1);
    expect(inspect({folder.file("empty.gguf").string()}), 1);
    expect(inspect({default_model, "--logits", "1,99999999"}), 1);
    expect(inspect({}), 2);
    expect(inspect({default_model, "--logits", "1,,2"}), 2);
    expect(inspect({default_model, "--logits", "1,2", "--at", "2"}), 2);
    expect(inspect({default_model, "--device", "abacus"}), 2);
    expect(inspect({default_model, "--nonsense"}), 2);
    expect(inspect({default_model, default_model}), 2);
    expect(inspect({default_model, "--threads", "5000"}), 2);
    expect(inspect({default_model, "--batch", "4"}), 2);
    expect(inspect({default_model, "--logits", "1", "--tensors"}), 2);
    CHECK(inspect({default_model, "--ctx", "-1"}).err == "inspect: --ctx: '-1' must be a whole number, 0 or more\n");
    CHECK(inspect({"/nope.gguf"}).err == "inspect: /nope.gguf: no such file\n");
    CHECK(inspect({"-h"}).out == inspect({"--help"}).out);
}

TEST_CASE("inspect: what will not be as somebody may expect is told on stderr") {
    const auto r = inspect({default_model, "--ctx", "2000"});
    CHECK(r.status == 0);
    CHECK(is_one_line(r.err));
    CHECK(r.err.starts_with("inspect: warning: a context of 2000 positions is longer than the 1024 "));
}
