// SPDX-License-Identifier: MIT
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <wafer/text/pretokenize.hpp>

using namespace wafer;
using pieces = std::vector<std::string>;

namespace {

pieces split(std::string_view name, std::string_view text) {
    const pretokenizer* pre = find_pretokenizer(name);
    REQUIRE(pre != nullptr);
    pieces out;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = pre->next(text, at);
        REQUIRE(end > at);
        REQUIRE(end <= text.size());
        out.emplace_back(text.substr(at, end - at));
        at = end;
    }
    return out;
}

}  // namespace

TEST_CASE("pretokenize: gpt-2 splits words with the space before them") {
    CHECK(split("gpt-2", "Hello world's 123abc!?") == pieces{"Hello", " world", "'s", " 123", "abc", "!?"});
    CHECK(split("gpt-2", "a  b   ") == pieces{"a", " ", " b", "   "});
    CHECK(split("gpt-2", "a\n\nb") == pieces{"a", "\n", "\n", "b"});
    CHECK(split("gpt-2", "I'LL we'll 'x") == pieces{"I", "'", "LL", " we", "'ll", " '", "x"});
    CHECK(split("gpt-2", "\t x") == pieces{"\t", " x"});
}

TEST_CASE("pretokenize: llama-bpe cuts numbers at three digits and keeps one character before a word") {
    CHECK(split("llama-bpe", "12345 x") == pieces{"123", "45", " x"});
    CHECK(split("llama-bpe", "(word) .end") == pieces{"(word", ")", " .", "end"});
    CHECK(split("llama-bpe", "I'LL'm") == pieces{"I", "'LL", "'m"});
    CHECK(split("llama-bpe", "a \n\n  b") == pieces{"a", " \n\n", " ", " b"});
    CHECK(split("llama-bpe", "x!\n\ny") == pieces{"x", "!\n\n", "y"});
    CHECK(split("llama-bpe", "\tif") == pieces{"\tif"});
    CHECK(split("llama-bpe", " 12") == pieces{" ", "12"});
    CHECK(split("llama-bpe", "a  ") == pieces{"a", "  "});
    CHECK(split("llama-bpe", "a\r\n") == pieces{"a", "\r\n"});
}

TEST_CASE("pretokenize: qwen2 takes digits one by one") { CHECK(split("qwen2", "a123") == pieces{"a", "1", "2", "3"}); }

TEST_CASE("pretokenize: a combining mark is no letter, a digit of any script is a number") {
    CHECK(split("qwen2", "e\xCC\x81x") == pieces{"e", "\xCC\x81x"});
    CHECK(split("gpt-2", "\xD9\xA1\xD9\xA2 ") == pieces{"\xD9\xA1\xD9\xA2", " "});
}

TEST_CASE("pretokenize: names and aliases are known, others are not") {
    for (const char* name :
         {"gpt-2", "gpt2", "default", "", "llama-bpe", "llama3", "llama-v3", "qwen2", "deepseek-r1-qwen"})
        CHECK(find_pretokenizer(name) != nullptr);
    CHECK(find_pretokenizer("llama3")->ignore_merges);
    CHECK_FALSE(find_pretokenizer("qwen2")->ignore_merges);
    CHECK(find_pretokenizer("no-such") == nullptr);
}
