// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cstdint>
#include <string>
#include <support/small_vocabulary.hpp>
#include <vector>

#include <doctest/doctest.h>

#include <wafer/text/tokenizer.hpp>

using namespace wafer;
using wafer_test::small_sentencepiece;
using wafer_test::small_vocabulary;

TEST_CASE("tokenizer: special tokens are recognised longest first, or taken as text") {
    const tokenizer t(small_vocabulary());
    CHECK(t.encode("<s>ab</s>") == std::vector<token_id>{261, 256, 262});
    CHECK(t.encode("<s>x<s>y") == std::vector<token_id>{263, 261, 'y'});
    CHECK(t.encode("<s<s>") == std::vector<token_id>{'<', 's', 261});
    CHECK(t.encode("<s>", special_text::as_text) == std::vector<token_id>{'<', 's', '>'});
    CHECK(t.encode("<think>") == std::vector<token_id>{265});
    CHECK(t.encode("<think>", special_text::as_text) == std::vector<token_id>{265});  // is text, taken whole
}

TEST_CASE("tokenizer: the unknown token is special where it is written out") {
    vocabulary v = small_vocabulary();
    v.types[264] = token_type::unknown;
    const tokenizer t(v);
    CHECK(t.encode("a<unk>") == std::vector<token_id>{'a', 264});
    CHECK(t.encode("<unk>", special_text::as_text) == std::vector<token_id>{'<', 'u', 'n', 'k', '>'});
    CHECK(t.encode(t.inert("<unk>")) == std::vector<token_id>{'<', 'u', 'n', 'k', '>'});
    CHECK(tokenizer(small_sentencepiece()).encode("<unk>") == std::vector<token_id>{0});
}

TEST_CASE("tokenizer: what is typed does not become a special token of SentencePiece") {
    const tokenizer t(small_sentencepiece());
    CHECK(t.encode("</s>", special_text::as_text) == std::vector<token_id>{263, 3 + '<', 3 + '/', 3 + 's', 3 + '>'});
    CHECK(t.encode(t.inert("</s>")) == t.encode("</s>", special_text::as_text));
}

TEST_CASE("tokenizer: added tokens take white space with them, or stand alone, as their flags say") {
    vocabulary v = small_vocabulary();
    v.added = {{.id = 261, .lstrip = true}, {.id = 262, .rstrip = true}, {.id = 265, .single_word = true}};
    const tokenizer t(v);
    CHECK(t.encode("a \n\xC2\xA0<s> b") == std::vector<token_id>{'a', 261, ' ', 'b'});
    CHECK(t.encode("a </s> \xE3\x80\x80\nb") == std::vector<token_id>{'a', ' ', 262, 'b'});
    CHECK(t.encode("</s>  <s>") == std::vector<token_id>{262, 261});
    CHECK(t.encode("  <s>") == std::vector<token_id>{261});
    CHECK(t.encode("a <think>!") == std::vector<token_id>{'a', ' ', 265, '!'});
    // Letters, digits, marks, joiners and other word characters.
    for (const std::string around : {"x", "1", "_", "\xC3\xA9", "\xCC\x81", "\xE2\x85\xA7", "\xE2\x80\x8C",
                                     "\xE2\x80\x8D", "\xE2\x92\xB6", "\xF0\x9F\x84\xB0", "\xF0\x9F\x85\xB0"}) {
        CAPTURE(around);
        CHECK(t.encode(around + "<think>").size() == around.size() + 7);
        CHECK(t.encode("<think>" + around).size() == around.size() + 7);
    }
}

TEST_CASE("tokenizer: a normalized added token is found where only normal text shows it, after the others") {
    vocabulary v = small_vocabulary();
    v.nfc = true;
    v.tokens[264] = "\xC3\xA9";  // e with acute
    v.types[264] = token_type::user_defined;
    CHECK(tokenizer(v).encode("e\xCC\x81") == std::vector<token_id>{0xC3, 0xA9});
    v.added = {{.id = 264, .after_normalizing = true}};
    const tokenizer t(v);
    CHECK(t.encode("xe\xCC\x81<s>") == std::vector<token_id>{'x', 264, 261});
    CHECK(t.find("\xC3\xA9") == 264);
    v.tokens[264] = "e\xCC\x81";  // compared in its normal form
    CHECK(tokenizer(v).encode("xe\xCC\x81\xC3\xA9") == std::vector<token_id>{'x', 264, 264});
}

TEST_CASE("tokenizer: normalizing does not complete a special token that somebody typed in parts") {
    vocabulary v = small_vocabulary();
    v.nfc = true;
    v.tokens[262] = "<\xC3\xA9>";
    const tokenizer t(v);
    CHECK(t.encode("<\xC3\xA9>") == std::vector<token_id>{262});
    const auto typed = t.encode(t.inert("<e\xCC\x81>"));
    CHECK(typed == std::vector<token_id>{'<', 0xC3, 0xA9, '>'});
}

TEST_CASE("tokenizer: a special token of one character is disarmed, whatever surrounds it") {
    vocabulary v = small_vocabulary();
    v.tokens[262] = "#";
    v.tokens[263] = "\xE2\x82\xAC";
    const tokenizer t(v);
    CHECK(t.encode("a#\xE2\x82\xAC") == std::vector<token_id>{'a', 262, 263});
    CHECK(t.encode(t.inert("#")) == std::vector<token_id>{'#'});
    CHECK(t.encode(t.inert("##\xE2\x82\xAC")) == std::vector<token_id>{'#', '#', 0xE2, 0x82, 0xAC});
    // Typed joints disarm nothing of a template.
    const std::string typed = "\xEF\xB7\x90";
    CHECK(t.encode("#" + t.inert(typed + "#" + typed) + "#") == std::vector<token_id>{262, '#', 262});
    CHECK(t.encode("#" + t.inert("<think>") + "#") == std::vector<token_id>{262, 265, 262});
}

TEST_CASE("tokenizer: an inert text encodes as text, with user-defined tokens whole") {
    vocabulary v = small_vocabulary();
    v.nfc = true;
    for (const char* text : {"<s", "<think>b", "k><", "#", "e\xCC\x81<", "\xC3\xA9>"}) {
        v.tokens.push_back(text);
        v.types.push_back(v.tokens.size() % 2 == 0 ? token_type::control : token_type::user_defined);
    }
    v.added = {{.id = 269, .lstrip = true, .rstrip = true}, {.id = 271, .after_normalizing = true}};
    const tokenizer t(v);
    const std::string parts[] = {"<s",       ">", "x", "<think>",  "b",    "k><",          "#",    "e\xCC\x81",
                                 "\xC3\xA9", "<", " ", "\xCC\x81", "</s>", "\xEF\xB7\x90", "<unk>"};
    std::uint32_t state = 9;
    for (int round = 0; round < 3000; ++round) {
        std::string text;
        for (int n = 0; n < 6; ++n) text += parts[((state = state * 1664525u + 1013904223u) >> 8) % std::size(parts)];
        CAPTURE(text);
        const auto tokens = t.encode(text, special_text::as_text);
        CHECK(std::ranges::none_of(tokens, [&](token_id id) { return t.is_control(id); }));
        const std::string inert = t.inert(text);
        CHECK(t.encode(inert) == tokens);
        CHECK_FALSE(inert.starts_with("\xEF\xB7\x90"));
    }
}
