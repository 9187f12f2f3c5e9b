// SPDX-License-Identifier: MIT
#include <algorithm>
#include <limits>
#include <string>
#include <support/hard_texts.hpp>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include <wafer/text/tokenizer.hpp>

using namespace wafer;

namespace {

// 256 bytes, then a few merges, then special tokens.
vocabulary small_vocabulary() {
    vocabulary v;
    v.model = "gpt2";
    v.pre = "gpt-2";
    for (const char16_t c : byte_level_alphabet) {
        std::string text;
        append_utf8(text, c);
        v.tokens.push_back(text);
    }
    const auto merge = [&](const std::string& left, const std::string& right) {
        v.merges.emplace_back(left, right);
        v.tokens.push_back(left + right);
    };
    merge("a", "b");          // 256
    merge("ab", "c");         // 257
    merge("a", "a");          // 258
    merge("aa", "aa");        // 259
    merge("\xC4\xA0", "ab");  // 260: space + ab
    v.types.assign(v.tokens.size(), token_type::normal);
    for (const char* text : {"<s>", "</s>", "<s>x", "<unk>"}) {  // 261 262 263 264
        v.tokens.push_back(text);
        v.types.push_back(token_type::control);
    }
    v.tokens.push_back("<think>");  // 265
    v.types.push_back(token_type::user_defined);
    v.bos = 261;
    v.eos = 262;
    v.add_bos = true;
    return v;
}

errc refusal(const vocabulary& v) {
    try {
        (void)tokenizer(v);
    } catch (const error& e) {
        return e.code();
    }
    return errc::cancelled;  // stands for "accepted"
}

// The letters and what they merge to, bytes, then special tokens.
vocabulary small_sentencepiece() {
    vocabulary v;
    v.model = "llama";
    const auto add = [&](const std::string& text, token_type type, float score = 0) {
        v.tokens.push_back(text);
        v.types.push_back(type);
        v.scores.push_back(score);
    };
    add("<unk>", token_type::unknown);  // 0
    add("<s>", token_type::control);    // 1
    add("</s>", token_type::control);   // 2
    const char* hex = "0123456789ABCDEF";
    for (int byte = 0; byte < 256; ++byte)  // 3 + byte
        add(std::string("<0x") + hex[byte >> 4] + hex[byte & 15] + ">", token_type::byte);
    const std::string space(visible_space);
    float score = 0;
    for (const std::string& text : {space + "a", std::string("ab"), space + "ab", space + space, space,
                                    std::string("a"), std::string("b"), std::string("c")})  // 259 ... 266
        add(text, token_type::normal, --score);
    add("<think>", token_type::user_defined);  // 267
    v.bos = 1;
    v.eos = 2;
    v.unknown = 0;
    v.add_bos = true;
    return v;
}

}  // namespace

TEST_CASE("tokenizer: merges follow rank, leftmost first") {
    const tokenizer t(small_vocabulary());
    CHECK(t.encode("abc") == std::vector<token_id>{257});
    CHECK(t.encode("aaaaa") == std::vector<token_id>{259, 'a'});
    CHECK(t.encode("aab") == std::vector<token_id>{'a', 256});
    CHECK(t.encode("x ab") == std::vector<token_id>{'x', 260});
    CHECK(t.encode("").empty());
}

TEST_CASE("tokenizer: ignore_merges takes a piece that is a token as a whole") {
    vocabulary v = small_vocabulary();
    v.tokens[264] = "bca";  // a token that no merge makes
    v.types[264] = token_type::normal;
    CHECK(tokenizer(v).encode("bca") == std::vector<token_id>{'b', 'c', 'a'});
    v.ignore_merges = true;
    CHECK(tokenizer(v).encode("bca") == std::vector<token_id>{264});
    CHECK(tokenizer(v).encode("bcab") == std::vector<token_id>{'b', 'c', 256});
}

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

TEST_CASE("tokenizer: pieces, flags and look-up agree") {
    const tokenizer t(small_vocabulary());
    CHECK(t.size() == 266);
    CHECK(t.piece(260) == " ab");
    CHECK(t.piece('\n') == "\n");
    CHECK(t.piece(261) == "<s>");
    CHECK(t.piece(-1).empty());
    CHECK(t.piece(266).empty());
    CHECK(t.is_control(261));
    CHECK_FALSE(t.is_control(265));
    CHECK_FALSE(t.is_control(999));
    CHECK(t.is_end(262));
    CHECK_FALSE(t.is_end(261));
    CHECK(t.find(" ab") == 260);
    CHECK(t.find("<s>x") == 263);
    CHECK(t.find("nothing") == std::nullopt);
    CHECK(t.find("") == std::nullopt);
    CHECK(t.adds_bos());
    CHECK_FALSE(t.adds_eos());
    for (token_id id = 0; id < 266; ++id) CHECK(t.find(t.piece(id)) == id);
}

TEST_CASE("tokenizer: the usual names of tokens that end an answer are known") {
    for (const char* name : {"<|im_end|>", "<|eot_id|>", "<|eom_id|>", "<|end_of_text|>", "<|endoftext|>", "<|return|>",
                             "<|call|>", "</s>", "<end_of_turn>", "<EOT>",
                             "<\xEF\xBD\x9C"
                             "end\xE2\x96\x81of\xE2\x96\x81sentence\xEF\xBD\x9C>"}) {
        CAPTURE(name);
        vocabulary v = small_vocabulary();
        v.tokens[262] = "<other>";
        v.eos.reset();
        CHECK_FALSE(tokenizer(v).is_end(263));
        v.tokens[263] = name;
        CHECK(tokenizer(v).is_end(263));
    }
    for (auto id : {&vocabulary::eos, &vocabulary::eot, &vocabulary::eom}) {
        vocabulary v = small_vocabulary();
        v.*id = 'x';
        CHECK(tokenizer(v).is_end('x'));
    }
}

TEST_CASE("tokenizer: text that is not UTF-8 is refused with its offset") {
    const tokenizer t(small_vocabulary());
    try {
        (void)t.encode("abc\xFFz");
        FAIL("accepted");
    } catch (const error& e) {
        CHECK(e.code() == errc::bad_utf8);
        CHECK(e.where().offset == 3);
    }
}

TEST_CASE("tokenizer: vocabularies that contradict themselves are refused") {
    const vocabulary good = small_vocabulary();
    CHECK(refusal(good) == errc::cancelled);
    const auto broken = [&](auto&& change) {
        vocabulary v = good;
        change(v);
        return refusal(v);
    };
    CHECK(broken([](auto& v) { v.model = "rwkv"; }) == errc::unsupported_tokenizer);
    CHECK(broken([](auto& v) { v.pre = "no-such"; }) == errc::unsupported_tokenizer);
    CHECK(broken([](auto& v) { v.tokens.clear(); }) == errc::bad_vocabulary);
    CHECK(broken([](auto& v) { v.types.pop_back(); }) == errc::bad_vocabulary);
    CHECK(broken([](auto& v) { v.scores.assign(3, 0.f); }) == errc::bad_vocabulary);
    CHECK(broken([](auto& v) { v.eos = 266; }) == errc::bad_vocabulary);
    CHECK(broken([](auto& v) { v.unknown = -1; }) == errc::bad_vocabulary);
    CHECK(broken([](auto& v) { v.tokens[257] = v.tokens[256]; }) == errc::bad_vocabulary);
    CHECK(broken([](auto& v) { v.tokens[262] = v.tokens[261]; }) == errc::bad_vocabulary);
    CHECK(broken([](auto& v) { v.merges[0] = {"a", "q"}; }) == errc::bad_vocabulary);
    CHECK(broken([](auto& v) { v.merges[0] = {"ab", ""}; }) == errc::bad_vocabulary);
    CHECK(broken([](auto& v) { v.merges[0] = {}; }) == errc::bad_vocabulary);
    CHECK(broken([](auto& v) { v.tokens['a'] = "other"; }) == errc::bad_vocabulary);
    CHECK(broken([](auto& v) { v.tokens[265] = std::string(1000, '<'); }) == errc::bad_vocabulary);
    CHECK(broken([](auto& v) { v.added = {{.id = 266}}; }) == errc::bad_vocabulary);
    CHECK(broken([](auto& v) { v.tokens[263] = v.tokens[264] = ""; }) == errc::cancelled);  // never found: not refused
    CHECK(broken([](auto& v) {
              v.types[256] = token_type::byte;
              v.merges.clear();
          }) == errc::bad_vocabulary);
}

TEST_CASE("tokenizer: an unknown token stands for bytes that have none") {
    vocabulary v = small_vocabulary();
    v.tokens['z'] = "other";
    v.unknown = 264;
    CHECK(tokenizer(v).encode("z") == std::vector<token_id>{264});
}

TEST_CASE("tokenizer: the unknown model's message lists the known ones") {
    vocabulary v = small_vocabulary();
    v.pre = "no-such";
    CHECK_THROWS_WITH_AS(tokenizer{v}, doctest::Contains("qwen2"), error);
}

TEST_CASE("detokenizer: never emits a broken character and hides control tokens") {
    const tokenizer t(small_vocabulary());
    detokenizer d(t);
    CHECK(d.feed('a') == "a");
    CHECK(d.feed(0xF0) == "");
    CHECK(d.feed(0x9F) == "");
    CHECK(d.feed(0x9A) == "");
    CHECK(d.feed(0x80) == "\xF0\x9F\x9A\x80");
    CHECK(d.feed(262) == "");
    CHECK(d.feed(265) == "<think>");
    CHECK(d.feed(0xC3) == "");
    CHECK(d.flush() == "\xEF\xBF\xBD");
    detokenizer shown(t, control_text::show);
    CHECK(shown.feed(262) == "</s>");
    CHECK(t.decode(std::vector<token_id>{261, 'h', 'i', 0xC3, 262}) == "hi\xEF\xBF\xBD");
}

TEST_CASE("tokenizer: SentencePiece puts a space before a text and after special tokens, and decoding takes it away") {
    const tokenizer t(small_sentencepiece());
    const auto ids = t.encode("ab<s>ab</s> ab<think>c");
    CHECK(ids == std::vector<token_id>{261, 1, 261, 2, 263, 261, 267, 263, 266});
    CHECK(t.decode(ids, control_text::show) == "ab<s>ab</s> ab<think>c");
    CHECK(t.decode(ids) == "abab ab<think>c");
    CHECK(t.encode("").empty());
    CHECK(t.encode("<s>") == std::vector<token_id>{1});
    vocabulary v = small_sentencepiece();
    v.add_space_prefix = false;
    const tokenizer plain(v);
    CHECK(plain.encode("ab<s>ab") == std::vector<token_id>{260, 1, 260});
    CHECK(plain.decode(std::vector<token_id>{259}) == " a");
    v = small_sentencepiece();
    v.types['z' + 3] = token_type::unused;
    const tokenizer without_z(v);  // the unknown token is part of the text: the space after it stays
    CHECK(without_z.decode(without_z.encode("z ab"), control_text::show) == "<unk> ab");
}

TEST_CASE("detokenizer: what goes on with a text keeps its first space") {
    const tokenizer t(small_sentencepiece());
    detokenizer begins(t), goes_on(t, control_text::hide, true);
    CHECK(begins.feed(261) == "ab");
    CHECK(goes_on.feed(261) == " ab");
    CHECK(goes_on.feed(1) == "");
    CHECK(goes_on.feed(261) == "ab");
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

TEST_CASE("tokenizer: text is brought to NFC where the vocabulary asks for it") {
    vocabulary v = small_vocabulary();
    CHECK(tokenizer(v).encode("e\xCC\x81") == std::vector<token_id>{'e', 0xCC, 0x81});
    v.nfc = true;
    CHECK(tokenizer(v).encode("e\xCC\x81") == std::vector<token_id>{0xC3, 0xA9});
    v.nfc.reset();
    v.pre = "qwen2";
    CHECK(tokenizer(v).encode("e\xCC\x81") == std::vector<token_id>{0xC3, 0xA9});
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
    const std::string joint = "\xEF\xB7\x90";
    CHECK(t.encode("#" + t.inert(joint + "#" + joint) + "#") == std::vector<token_id>{262, '#', 262});
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
        const auto ids = t.encode(text, special_text::as_text);
        CHECK(std::ranges::none_of(ids, [&](token_id id) { return t.is_control(id); }));
        const std::string inert = t.inert(text);
        CHECK(t.encode(inert) == ids);
        CHECK_FALSE(inert.starts_with("\xEF\xB7\x90"));
    }
}

TEST_CASE("tokenizer: hostile SentencePiece vocabularies are refused or work") {
    const auto broken = [](auto&& change) {
        vocabulary v = small_sentencepiece();
        change(v);
        return refusal(v);
    };
    CHECK(broken([](auto&) {}) == errc::cancelled);
    CHECK(broken([](auto& v) { v.scores.clear(); }) == errc::bad_vocabulary);
    CHECK(broken([](auto& v) { v.scores.pop_back(); }) == errc::bad_vocabulary);
    CHECK(broken([](auto& v) { v.tokens[260] = v.tokens[259]; }) == errc::bad_vocabulary);
    CHECK(broken([](auto& v) { v.tokens[3] = "<0x0G>"; }) == errc::bad_vocabulary);
    CHECK(broken([](auto& v) { v.tokens[3] = ""; }) == errc::bad_vocabulary);
    CHECK(broken([](auto& v) { v.merges = {{"a", "q"}}; }) == errc::bad_vocabulary);
    CHECK(broken([](auto& v) { v.merges = {{"", ""}}; }) == errc::bad_vocabulary);
    CHECK(broken([](auto& v) { v.tokens[259] = std::string(2000, 'a'); }) == errc::bad_vocabulary);
    CHECK(broken([](auto& v) { v.tokens[267] = std::string(2000, '<'); }) == errc::bad_vocabulary);
    CHECK(broken([](auto& v) { v.tokens[2] = "<s>"; }) == errc::bad_vocabulary);
    CHECK(broken([](auto& v) { v.added = {{.id = 268}}; }) == errc::bad_vocabulary);
    CHECK(broken([](auto& v) { v.added = {{.id = -1}}; }) == errc::bad_vocabulary);
    CHECK(broken([](auto& v) {
              v.types[3] = token_type::unused;
              v.unknown.reset();
          }) == errc::bad_vocabulary);
    // These are odd, and work.
    for (const float score : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
                              -std::numeric_limits<float>::infinity(), -0.f}) {
        vocabulary v = small_sentencepiece();
        v.scores.assign(v.scores.size(), score);
        const tokenizer t(v);
        CHECK(t.decode(t.encode("abab <s> caab"), control_text::show) == "abab <s> caab");
    }
    vocabulary v = small_sentencepiece();
    v.tokens[265] = "";              // an empty token, a letter without one
    v.tokens[262] = "\xFF\xFE\x80";  // not UTF-8
    const tokenizer t(v);
    CHECK(t.decode(t.encode("abba")) == "abba");
}

TEST_CASE("tokenizer: whatever a vocabulary holds, it is refused or serves") {
    std::uint32_t state = 5;
    const auto random = [&](std::size_t n) {
        state = state * 1664525u + 1013904223u;
        return static_cast<std::size_t>(state >> 8) % n;
    };
    const std::string parts[] = {"a",
                                 "b",
                                 " ",
                                 "",
                                 "\xFF",
                                 "\xCC\x81",
                                 "e\xCC\x81",
                                 "\xE2\x96\x81",
                                 "<s>",
                                 "<0xE2>",
                                 "<0x",
                                 "\xC4\xA0",
                                 "\xEF\xB7\x90",
                                 "\n",
                                 "1",
                                 "abab",
                                 std::string(1, '\0')};
    const auto text = [&] {
        std::string out;
        for (std::size_t n = random(5); n > 0; --n) out += parts[random(std::size(parts))];
        return out;
    };
    const float scores[] = {0, -1, 1e30f, std::numeric_limits<float>::quiet_NaN(),
                            std::numeric_limits<float>::infinity()};
    int served = 0;
    for (int round = 0; round < 3000; ++round) {
        vocabulary v = round % 2 == 0 ? small_vocabulary() : small_sentencepiece();
        v.pre = pretokenizers[random(std::size(pretokenizers))].name;
        v.nfc = random(2) == 0;
        for (std::size_t n = random(4); n > 0; --n) {
            const std::size_t i = random(v.tokens.size()), last = v.tokens.size() - 1 - random(12);
            const auto id = static_cast<token_id>(random(v.tokens.size() + 8)) - 2;
            switch (random(9)) {
                case 0: v.tokens[last] = text(); break;
                case 1: v.types[last] = static_cast<token_type>(random(7)); break;
                case 2: v.tokens[i] = text(); break;
                case 3: v.types[i] = static_cast<token_type>(random(7)); break;
                case 4: v.scores.assign(v.tokens.size(), scores[random(std::size(scores))]); break;
                case 5: v.merges.emplace_back(text(), text()); break;
                case 6: v.added.push_back({id, random(2) == 0, random(2) == 0, random(2) == 0, random(2) == 0}); break;
                case 7: v.unknown = id; break;
                default: v.eos = id;
            }
        }
        try {
            const tokenizer t(v);
            ++served;
            for (int i = 0; i < 4; ++i) {
                const std::string some = text() + text();
                if (!is_utf8(some)) continue;
                for (const auto how : {special_text::parse, special_text::as_text})
                    for (const token_id id : t.encode(some, how)) CHECK(t.contains(id));
                for (const token_id id : t.encode(t.inert(some))) CHECK(t.contains(id));
                (void)t.decode(t.encode(some));
            }
        } catch (const error& e) {
            CHECK((e.code() == errc::bad_vocabulary || e.code() == errc::unsupported_tokenizer));
        }
    }
    CHECK(served > 1000);
}

TEST_CASE("tokenizer: hard texts take near linear time and survive the round trip") {
    vocabulary level = small_vocabulary();
    level.nfc = false;
    for (const tokenizer& t : {tokenizer(level), tokenizer(small_sentencepiece())}) {
        const auto check = [&](std::size_t bytes, const std::string& text) {
            wafer_test::check_near_linear(bytes, text, [&](const std::string& some) {
                const auto ids = t.encode(some);
                // A joint is dropped, U+2581 is a space to SentencePiece.
                if (some.find("\xEF\xB7\x90") == some.npos && some.find(visible_space) == some.npos)
                    CHECK(t.decode(ids, control_text::show) == some);
            });
        };
        for (const std::string_view unit : wafer_test::hard_units) {
            CAPTURE(unit);
            check(1 << 17, wafer_test::repeated(unit, 1 << 17));
        }
        for (const std::string_view unit : {"a", "\xF0\x9F\x9A\x80", " "})
            check(1 << 20, wafer_test::repeated(unit, 1 << 20));
        check(1 << 20, wafer_test::one_long_word(1 << 20));
    }
}

TEST_CASE("tokenizer: one tokenizer serves several threads") {
    const tokenizer t(small_vocabulary());
    const auto expected = t.encode("abc <s> aaaa abab");
    std::vector<int> equal(4);
    std::vector<std::thread> threads;
    for (int& n : equal)
        threads.emplace_back([&] {
            for (int i = 0; i < 100; ++i) n += t.encode("abc <s> aaaa abab") == expected ? 1 : 0;
        });
    for (auto& thread : threads) thread.join();
    CHECK(equal == std::vector<int>(4, 100));
}
