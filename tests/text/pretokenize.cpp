// SPDX-License-Identifier: MIT
#include <string>
#include <support/hard_texts.hpp>
#include <support/read_text.hpp>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include <wafer/core/json.hpp>
#include <wafer/text/pretokenize.hpp>

using namespace wafer;
using chunks = std::vector<std::string>;

namespace {

chunks split(std::string_view name, std::string_view text) {
    const pretokenizer* pre = find_pretokenizer(name);
    REQUIRE(pre != nullptr);
    chunks out;
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
    CHECK(split("gpt-2", "Hello world's 123abc!?") == chunks{"Hello", " world", "'s", " 123", "abc", "!?"});
    CHECK(split("gpt-2", "a  b   ") == chunks{"a", " ", " b", "   "});
    CHECK(split("gpt-2", "a\n\nb") == chunks{"a", "\n", "\n", "b"});
    CHECK(split("gpt-2", "I'LL we'll 'x") == chunks{"I", "'", "LL", " we", "'ll", " '", "x"});
    CHECK(split("gpt-2", "\t x") == chunks{"\t", " x"});
}

TEST_CASE("pretokenize: smollm is that around single digits, before which spaces stay together") {
    CHECK(split("smollm", "I'm  12 a 3b") == chunks{"I", "'m", "  ", "1", "2", " a", " ", "3", "b"});
    CHECK(split("smollm", "\n\n7\n\nx") == chunks{"\n\n", "7", "\n", "\n", "x"});
}

TEST_CASE("pretokenize: llama-bpe cuts numbers at three digits and keeps one character before a word") {
    CHECK(split("llama-bpe", "12345 x") == chunks{"123", "45", " x"});
    CHECK(split("llama-bpe", "(word) .end") == chunks{"(word", ")", " .", "end"});
    CHECK(split("llama-bpe", "I'LL'm") == chunks{"I", "'LL", "'m"});
    CHECK(split("llama-bpe", "it'\xC5\xBF!") == chunks{"it", "'\xC5\xBF", "!"});  // a long s
    CHECK(split("llama-bpe", "a \n\n  b") == chunks{"a", " \n\n", " ", " b"});
    CHECK(split("llama-bpe", "x!\n\ny") == chunks{"x", "!\n\n", "y"});
    CHECK(split("llama-bpe", "\tif") == chunks{"\tif"});
    CHECK(split("llama-bpe", " 12") == chunks{" ", "12"});
    CHECK(split("llama-bpe", "a  ") == chunks{"a", "  "});
    CHECK(split("llama-bpe", "a\r\n") == chunks{"a", "\r\n"});
}

TEST_CASE("pretokenize: a file that names none gets the cascade of llama.cpp") {
    CHECK(split("default", " (x1234") == chunks{" ", "(", "x", "123", "4"});
    CHECK(split("", "don't  (a) $1.50 12\xC2\xBD"
                    "3456 `b`") == chunks{"don", "'", "t", "  ", "(", "a", ")", " ", "$", "1", ".", "50", " ",
                                          "12\xC2\xBD", "345", "6", " `", "b", "`"});
}

TEST_CASE("pretokenize: qwen2 takes digits one by one") { CHECK(split("qwen2", "a123") == chunks{"a", "1", "2", "3"}); }

TEST_CASE("pretokenize: a combining mark is no letter, a digit of any script is a number") {
    CHECK(split("qwen2", "e\xCC\x81x") == chunks{"e", "\xCC\x81x"});
    CHECK(split("gpt-2", "\xD9\xA1\xD9\xA2 ") == chunks{"\xD9\xA1\xD9\xA2", " "});
}

TEST_CASE("pretokenize: gpt-4o keeps a word of mixed case apart where its capitals begin") {
    CHECK(split("gpt-4o", "HelloWorld's 1234") == chunks{"Hello", "World's", " ", "123", "4"});
    CHECK(split("gpt-4o", "USA today") == chunks{"USA", " today"});
    CHECK(split("gpt-4o", "e\xCC\x81t /a//\n") == chunks{"e\xCC\x81t", " /", "a", "//\n"});
    CHECK(split("gpt-4o", "\xE4\xB8\xADXY") == chunks{"\xE4\xB8\xAD", "XY"});
}

TEST_CASE("pretokenize: tekken is that without contractions, digit by digit") {
    CHECK(split("tekken", "HelloWorld's 12") == chunks{"Hello", "World", "'s", " ", "1", "2"});
    CHECK(find_pretokenizer("tekken")->ignore_merges);
}

TEST_CASE("pretokenize: deepseek-v3 takes out numbers and ideographs first") {
    CHECK(split("deepseek-v3", "a  1234") == chunks{"a", "  ", "123", "4"});
    CHECK(split("deepseek-v3", "x.end(y)") == chunks{"x", ".end", "(y", ")"});
    CHECK(split("deepseek-v3", "ab\xE4\xB8\xAD"
                               "c") == chunks{"ab", "\xE4\xB8\xAD", "c"});
}

TEST_CASE("pretokenize: deepseek-llm cuts letters that it does not list off a word") {
    CHECK(split("deepseek-llm", " \xC3\x84pfel 12") == chunks{" \xC3\x84", "pfel", " ", "1", "2"});
    CHECK(split("deepseek-coder", " \xC3\x84pfel 12") == chunks{" \xC3\x84pfel", " ", "1", "2"});
}

TEST_CASE("pretokenize: deepseek-llm takes exactly the letters that its published pattern lists") {
    const json all =
        json::parse(wafer_test::read_text(std::string(WAFER_TEST_DATA) + "/text/known_splits.json").value());
    std::string letters;
    for (const json& known : all.as_array())
        if (known.at("pre").as_string() == "deepseek-llm") letters = known.at("patterns").at(1).as_string();
    letters = letters.substr(4, letters.size() - 6);  // of \s?[...]+
    std::vector<bool> listed(0x110000);
    char32_t first = 0;
    for (std::size_t at = 0; at < letters.size();) {
        const bool range = letters[at] == '-';
        if (range) ++at;
        const char32_t code = decode_utf8(letters, at).code;
        at = utf8_next(letters, at);
        for (char32_t c = range ? first : code; c <= code; ++c) listed[c] = true;
        first = code;
    }
    std::size_t wrong = 0;
    for (char32_t c = 0; c < listed.size(); ++c) {
        const bool letter = (detail::unzoned(detail::classify_llm(c)) & detail::cc_letter) != 0;
        wrong += letter == listed[c] ? 0 : 1;
    }
    CHECK(wrong == 0);
}

TEST_CASE("pretokenize: random texts are cut as the published patterns cut them") {
    const json cases = json::parse(wafer_test::read_text(std::string(WAFER_TEST_DATA) + "/text/splits.json").value());
    for (const json& c : cases.as_array()) {
        chunks expected;
        std::string text;
        for (const json& piece : c.at("pieces").as_array()) text += expected.emplace_back(piece.as_string());
        CAPTURE(c.dump());
        CHECK(split(c.at("pre").as_string(), text) == expected);
    }
    CHECK(cases.as_array().size() == 10 * 24);
}

TEST_CASE("pretokenize: hard texts are cut in linear time, without a byte lost") {
    for (const char* name : {"gpt-2", "smollm", "llama-bpe", "qwen2", "gpt-4o", "tekken", "deepseek-v3",
                             "deepseek-coder", "deepseek-llm", "default"})
        for (const std::string_view unit : wafer_test::hard_units) {
            CAPTURE(name);
            CAPTURE(unit);
            wafer_test::check_near_linear(1 << 16, wafer_test::repeated(unit, 1 << 16), [&](const std::string& text) {
                const pretokenizer* pre = find_pretokenizer(name);
                std::size_t at = 0;
                while (at < text.size()) {
                    const std::size_t end = pre->next(text, at);
                    if (end <= at) break;
                    at = end;
                }
                CHECK(at == text.size());
            });
        }
}

TEST_CASE("pretokenize: names and aliases are known, others are not") {
    for (const char* name : {"gpt-2", "default", "llama-bpe", "qwen2", "deepseek-llm", "deepseek-coder", "deepseek-v3",
                             "gpt-4o", "tekken", "smollm"})
        CHECK(find_pretokenizer(name) != nullptr);
    const std::pair<const char*, const char*> aliases[] = {
        {"gpt2", "gpt-2"},        {"", "default"},           {"llama3", "llama-bpe"}, {"llama-v3", "llama-bpe"},
        {"falcon3", "llama-bpe"}, {"midm-2.0", "llama-bpe"}, {"refact", "smollm"},    {"minerva-7b", "smollm"},
        {"a.x-4.0", "gpt-2"},     {"mellum", "gpt-2"},       {"trillion", "gpt-2"},   {"deepseek-r1-qwen", "qwen2"},
        {"llama4", "gpt-4o"}};
    for (const auto& pair : aliases) {
        CAPTURE(pair.first);
        const pretokenizer *one = find_pretokenizer(pair.first), *other = find_pretokenizer(pair.second);
        REQUIRE(one != nullptr);
        CHECK((one->next == other->next));
        CHECK(one->ignore_merges == other->ignore_merges);
        CHECK(one->nfc == other->nfc);
    }
    CHECK((find_pretokenizer("smaug-bpe")->next == find_pretokenizer("llama-bpe")->next));
    CHECK_FALSE(find_pretokenizer("smaug-bpe")->ignore_merges);
    CHECK(find_pretokenizer("llama3")->ignore_merges);
    CHECK_FALSE(find_pretokenizer("qwen2")->ignore_merges);
    CHECK(find_pretokenizer("qwen2")->nfc);
    CHECK_FALSE(find_pretokenizer("llama3")->nfc);
    CHECK(find_pretokenizer("no-such") == nullptr);
}
