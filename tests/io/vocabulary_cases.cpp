// SPDX-License-Identifier: MIT
// The real vocabularies of ../shared/oracle, from GGUF and from tokenizer.json.
#include <optional>
#include <sstream>
#include <string>
#include <support/hard_texts.hpp>
#include <support/hf_tokenizer.hpp>
#include <vector>

#include <doctest/doctest.h>

#include <wafer/gen/vocabulary.hpp>
#include <wafer/io/gguf.hpp>
#include <wafer/text/nfc.hpp>
#include <wafer/text/tokenizer.hpp>

using namespace wafer;

namespace {

const std::string folder = std::string(WAFER_SHARED) + "/oracle/tokenizers/";

void check_case(const tokenizer& t, const std::string& text, const std::vector<token_id>& expected) {
    CAPTURE(text);
    CHECK(t.encode(text) == expected);
    CHECK(t.decode(expected, control_text::show) == text);
}

void check_hard_texts(const tokenizer& t) {
    const auto check = [&](const std::string& text) {
        wafer_test::check_near_linear(1 << 18, text, [&](const std::string& some) { CHECK(!t.encode(some).empty()); });
    };
    check(wafer_test::one_long_word(1 << 18));
    for (const std::string_view unit : {"a", " ", "\xF0\x9F\x9A\x80", "\xE4\xB8\xAD", "<"}) {
        CAPTURE(unit);
        check(wafer_test::repeated(unit, 1 << 18));
    }
}

// Cases as llama.cpp keeps them: texts between separators, and a line of ids for each.
void check_gguf(const std::string& name, std::size_t n_tokens) {
    const std::string path = folder + name;
    const auto input = wafer_test::read_text(path + ".inp");
    if (!input) {
        MESSAGE("skipped: " << path << " is missing");
        return;
    }
    const tokenizer t(read_vocabulary(open_gguf(path)).value());
    CHECK(t.size() == n_tokens);
    std::istringstream output(wafer_test::read_text(path + ".out").value());
    const std::string separator = "\n__ggml_vocab_test__\n";
    std::size_t n = 0;
    for (std::size_t at = 0; at < input->size(); ++n) {
        const std::size_t end = input->find(separator, at);
        if (end == std::string::npos) break;  // what follows the last separator is no case
        std::string line;
        REQUIRE(std::getline(output, line));
        std::istringstream numbers(line);
        std::vector<token_id> expected;
        for (token_id id; numbers >> id;) expected.push_back(id);
        check_case(t, input->substr(at, end - at), expected);
        at = end + separator.size();
    }
    std::string rest;
    CHECK_FALSE(std::getline(output, rest));
    CHECK(n == 46);
    check_hard_texts(t);
}

std::optional<tokenizer> check_json(const std::string& name, std::size_t n_cases) {
    std::optional<tokenizer> t = wafer_test::hf_tokenizer(folder + name);
    if (!t) {
        MESSAGE("skipped: " << folder + name << " is missing");
        return t;
    }
    const json cases = json::parse(wafer_test::read_text(folder + name + "/expected.json").value());
    for (const json& c : cases.as_array()) {
        std::vector<token_id> expected;
        for (const json& id : c.at("ids").as_array()) expected.push_back(static_cast<token_id>(id.as_int()));
        const std::string& text = c.at("text").as_string();
        CAPTURE(text);
        CHECK(t->encode(text) == expected);
        CHECK(t->decode(expected, control_text::show) == (name == "qwen2" ? nfc(text) : text));
    }
    CHECK(cases.as_array().size() == n_cases);
    check_hard_texts(*t);
    return t;
}

}  // namespace

TEST_CASE("vocabulary: GPT-2 from GGUF encodes every case of llama.cpp equally") {
    check_gguf("ggml-vocab-gpt-2.gguf", 50257);
}

TEST_CASE("vocabulary: Llama's SentencePiece from GGUF encodes every case of llama.cpp equally") {
    check_gguf("ggml-vocab-llama-spm.gguf", 32000);
}

TEST_CASE("vocabulary: DeepSeek-LLM from GGUF encodes every case of llama.cpp equally") {
    check_gguf("ggml-vocab-deepseek-llm.gguf", 102400);
}

TEST_CASE("vocabulary: Llama 3 from tokenizer.json encodes every case equally") {
    const auto t = check_json("llama3", 65);
    if (!t) return;
    CHECK(t->adds_bos());
    CHECK(t->piece(t->bos().value()) == "<|begin_of_text|>");
    CHECK(t->is_end(t->eos().value()));
    CHECK(t->piece(t->eos().value()) == "<|eot_id|>");
}

TEST_CASE("vocabulary: Qwen2 from tokenizer.json encodes every case equally, the one that NFC changes included") {
    const auto t = check_json("qwen2", 65);
    if (!t) return;
    CHECK_FALSE(t->adds_bos());
    CHECK(t->piece(t->eos().value()) == "<|im_end|>");
}

TEST_CASE("vocabulary: DeepSeek-V3 from tokenizer.json encodes every case equally") {
    const auto t = check_json("deepseek_v3", 65);
    if (!t) return;
    CHECK(t->adds_bos());
    CHECK(t->is_end(t->eos().value()));
}
