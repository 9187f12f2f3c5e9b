// SPDX-License-Identifier: MIT
#include <cstdint>
#include <limits>
#include <string>
#include <support/hard_texts.hpp>
#include <support/small_vocabulary.hpp>
#include <vector>

#include <doctest/doctest.h>

#include <wafer/text/tokenizer.hpp>

using namespace wafer;
using wafer_test::small_sentencepiece;
using wafer_test::small_vocabulary;

namespace {

errc refusal(const vocabulary& v) {
    try {
        (void)tokenizer(v);
    } catch (const error& e) {
        return e.code();
    }
    return errc::cancelled;  // stands for "accepted"
}

}  // namespace

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
    CHECK(broken([](auto& v) { v.tokens[257] = v.tokens[256]; }) == errc::bad_vocabulary);  // a merge's token is gone
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

TEST_CASE("tokenizer: hostile SentencePiece vocabularies are refused or work") {
    const auto broken = [](auto&& change) {
        vocabulary v = small_sentencepiece();
        change(v);
        return refusal(v);
    };
    CHECK(broken([](auto&) {}) == errc::cancelled);
    CHECK(broken([](auto& v) { v.scores.clear(); }) == errc::bad_vocabulary);
    CHECK(broken([](auto& v) { v.scores.pop_back(); }) == errc::bad_vocabulary);
    CHECK(broken([](auto& v) { v.tokens[3] = "<0x0G>"; }) == errc::bad_vocabulary);
    CHECK(broken([](auto& v) { v.tokens[3] = ""; }) == errc::bad_vocabulary);
    CHECK(broken([](auto& v) { v.merges = {{"a", "q"}}; }) == errc::bad_vocabulary);
    CHECK(broken([](auto& v) { v.merges = {{"", ""}}; }) == errc::bad_vocabulary);
    CHECK(broken([](auto& v) { v.tokens[259] = std::string(2000, 'a'); }) == errc::bad_vocabulary);
    CHECK(broken([](auto& v) { v.tokens[267] = std::string(2000, '<'); }) == errc::bad_vocabulary);
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

TEST_CASE("tokenizer: of tokens that are the same text the last one counts, and a warning tells") {
    vocabulary v = small_vocabulary();
    v.tokens.insert(v.tokens.end(), {"ab", "<s>"});  // 266 and 267, twins of 256 and 261
    v.types.insert(v.types.end(), {token_type::normal, token_type::control});
    const tokenizer t(v);
    CHECK((t.encode("ab<s>abc") == std::vector<token_id>{266, 267, 257}));
    CHECK(t.decode(std::vector<token_id>{256, 266}) == "abab");
    CHECK(t.find("<s>") == 267);
    CHECK((t.is_control(261) && t.is_control(267)));
    CHECK(t.encode("<s>", special_text::as_text).size() == 3);
    REQUIRE(t.warnings().size() == 2);
    CHECK(t.warnings()[0] == "tokens 256 and 266 are both \"ab\": the text is encoded as the latter");
    CHECK(t.warnings()[1] == "tokens 261 and 267 are both \"<s>\": the text is encoded as the latter");

    vocabulary s = small_sentencepiece();
    s.tokens.push_back("ab");  // 268, a twin of 260
    s.types.push_back(token_type::normal);
    s.scores.push_back(-1);
    const tokenizer words(s);
    CHECK(words.encode("cab") == std::vector<token_id>{263, 266, 268});
    CHECK(words.warnings().size() == 1);

    v = small_vocabulary();
    for (int i = 0; i < 1000; ++i) {
        v.tokens.push_back("ab");
        v.types.push_back(token_type::normal);
    }
    CHECK(tokenizer(v).warnings().size() == 17);  // nobody reads a thousand
}

TEST_CASE("tokenizer: a token with the name of a control token is one, whatever its type, and a warning tells") {
    for (const auto& known : control_names)
        for (const auto type :
             {token_type::normal, token_type::user_defined, token_type::unused, token_type::control}) {
            CAPTURE(known.text);
            vocabulary v = small_vocabulary();
            const bool tag = known.text == "</s>";  // may be HTML: it is what its type says
            if (tag) {
                v.tokens[262] = "<other>";
                v.eos.reset();
            }
            v.tokens.emplace_back(known.text);
            v.types.push_back(type);
            const tokenizer t(v);
            const bool is_control = !tag || type == token_type::control;
            CHECK(t.is_control(266) == is_control);
            CHECK(t.is_end(266) == (known.ends && (is_control || type == token_type::user_defined)));
            CHECK(t.warnings().size() == (is_control && type != token_type::control ? 1 : 0));
            if (!is_control) continue;
            CHECK(t.encode(std::string("a") + std::string(known.text)) == std::vector<token_id>{'a', 266});
            CHECK(t.decode(std::vector<token_id>{266}).empty());
            CHECK(t.encode(known.text, special_text::as_text).size() > 1);  // what a user types stays text
        }
    vocabulary v = small_vocabulary();
    v.types.clear();  // all normal
    v.tokens.emplace_back("<|im_end|>");
    CHECK(tokenizer(v).is_end(266));
    // In harmony a message's end does not end the turn.
    for (const bool harmony : {false, true}) {
        v = small_vocabulary();
        for (const char* name : {"<|end|>", "<|return|>", harmony ? "<|call|>" : "<|other|>"}) {
            v.tokens.emplace_back(name);
            v.types.push_back(token_type::normal);
        }
        const tokenizer t(v);
        CHECK(t.is_end(266) == !harmony);
        CHECK(t.is_control(266));
    }
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
