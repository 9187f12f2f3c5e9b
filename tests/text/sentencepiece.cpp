// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <wafer/text/sentencepiece.hpp>

using namespace wafer;

namespace {

const std::string space{visible_space};

struct spelling {
    vocabulary source;
    token_pieces pieces;

    token_id add(const std::string& token, float score = 0, token_type type = token_type::normal) {
        source.tokens.push_back(token);
        source.types.push_back(type);
        source.scores.push_back(score);
        if (type == token_type::byte)
            pieces.add(std::string(1, static_cast<char>(std::stoi(token.substr(3, 2), nullptr, 16))));
        else pieces.add(type == token_type::normal ? sentencepiece::piece(token) : token);
        return static_cast<token_id>(source.tokens.size() - 1);
    }
    spelling() {
        source.model = "llama";
        source.unknown = add("<unk>", 0, token_type::unknown);
        source.add_space_prefix = false;
    }
    void add_bytes() {
        static constexpr char hex[] = "0123456789ABCDEF";
        for (int b = 0; b < 256; ++b) add(std::string("<0x") + hex[b >> 4] + hex[b & 15] + ">", 0, token_type::byte);
    }
    std::vector<token_id> encode(std::string_view text) const {
        vocabulary mine = source;
        const sentencepiece words(mine, pieces);
        std::vector<token_id> ids;
        piece_cache cache(text.size());
        words.encode(text, pieces, cache, ids);
        return ids;
    }
    std::vector<std::string> parts(std::string_view text) const {
        std::vector<std::string> out;
        for (const token_id id : encode(text)) out.push_back(source.tokens[static_cast<std::size_t>(id)]);
        return out;
    }
};
using strings = std::vector<std::string>;

// By the definition: join the neighbours whose join scores best, leftmost first, until none is a token.
strings reference(const std::map<std::string, float>& scores, std::string_view text) {
    strings parts;
    for (const char c : text) parts.push_back(c == ' ' ? space : std::string(1, c));
    while (true) {
        std::size_t at = parts.size();
        float best = 0;
        for (std::size_t i = 0; i + 1 < parts.size(); ++i) {
            const auto found = scores.find(parts[i] + parts[i + 1]);
            if (found != scores.end() && (at == parts.size() || found->second > best)) best = found->second, at = i;
        }
        if (at == parts.size()) return parts;
        parts[at] += parts[at + 1];
        parts.erase(parts.begin() + static_cast<std::ptrdiff_t>(at) + 1);
    }
}

}  // namespace

TEST_CASE("sentencepiece: random vocabularies merge by score as the definition says, across spaces too") {
    std::uint32_t state = 11;
    const auto random = [&](std::uint32_t n) {
        state = state * 1664525u + 1013904223u;
        return (state >> 8) % n;
    };
    for (int round = 0; round < 40; ++round) {
        spelling m;
        std::map<std::string, float> scores;
        std::vector<std::string> known{"a", "b", "c", space};
        for (const std::string& one : known) scores[one] = 0;
        // In odd rounds no token has a space inside, as in real vocabularies.
        for (int i = 0; i < 14; ++i) {
            const std::string left = known[random(static_cast<std::uint32_t>(known.size()))],
                              right = known[random(static_cast<std::uint32_t>(known.size()))];
            if (round % 2 == 1 && right.find(space) != right.npos && left != space) continue;
            if (scores.contains(left + right)) continue;
            scores[left + right] = -static_cast<float>(random(6));  // ties are common
            known.push_back(left + right);
        }
        for (const auto& [token, score] : scores) m.add(token, score);
        for (int i = 0; i < 20; ++i) {
            std::string text;
            for (std::uint32_t n = random(40) + 1; n > 0; --n) text.push_back("abc "[random(4)]);
            CAPTURE(text);
            CHECK(m.parts(text) == reference(scores, text));
        }
    }
}

TEST_CASE("sentencepiece: the best score joins first, and of equals the leftmost") {
    spelling m;
    for (const char* letter : {"a", "b", "c"}) m.add(letter);
    m.add("ab", -2);
    m.add("bc", -1);
    CHECK(m.parts("abc") == strings{"a", "bc"});
    m.source.scores.back() = -2;
    CHECK(m.parts("abc") == strings{"ab", "c"});
    m.add("abc", -9);
    CHECK(m.parts("abcab") == strings{"abc", "ab"});
}

TEST_CASE("sentencepiece: merges that are listed go before scores") {
    spelling m;
    for (const char* token : {"a", "b", "c", "ab", "bc", "abc"}) m.add(token);
    m.source.scores.clear();
    m.source.merges = {{"b", "c"}, {"a", "b"}, {"ab", "c"}};
    CHECK(m.parts("abc") == strings{"a", "bc"});
    m.source.merges.emplace_back("a", "bc");
    CHECK(m.parts("abc") == strings{"abc"});
}

TEST_CASE("sentencepiece: a character without a token becomes its bytes") {
    spelling m;
    m.add("a");
    m.add_bytes();
    CHECK(m.parts("a\xC3\xA9") == strings{"a", "<0xC3>", "<0xA9>"});
    CHECK(m.parts(" ") == strings{"<0xE2>", "<0x96>", "<0x81>"});  // the space that is stored
    CHECK(m.parts(std::string(1, '\0')) == strings{"<0x00>"});
}

TEST_CASE("sentencepiece: of two tokens for a byte the first is used") {
    spelling m;
    m.add_bytes();
    m.add("<0x61>", 0, token_type::byte);
    CHECK(m.encode("a") == std::vector<token_id>{1 + 'a'});
}

TEST_CASE("sentencepiece: tokens that are long are refused, as their splits take quadratic time") {
    spelling m;
    for (std::size_t length = 1; length <= 256; length *= 2) m.add(std::string(length, 'a'));
    CHECK(m.parts(std::string(256, 'a')) == strings{std::string(256, 'a')});
    m.add(std::string(257, 'a'));
    CHECK_THROWS_WITH_AS(sentencepiece(m.source, m.pieces), doctest::Contains("257"), error);
}

TEST_CASE("sentencepiece: spaces that do not count are left out where the file says so") {
    spelling m;
    for (const std::string& token : {std::string("a"), space, space + "a"}) m.add(token, -1);
    m.source.remove_extra_whitespaces = true;
    CHECK(m.parts("  a   a ") == strings{"a", space + "a"});
    CHECK(m.parts("   ").empty());
    m.source.add_space_prefix = true;
    CHECK(m.parts("  a   a ") == strings{space + "a", space + "a"});
    CHECK(m.parts(" ").empty());
}

TEST_CASE("sentencepiece: without bytes, a run of characters that have no token is one unknown token") {
    spelling m;
    m.add("a");
    CHECK(m.parts("xyaz") == strings{"<unk>", "a", "<unk>"});
    m.source.unknown = m.add("</s>", 0, token_type::control);
    CHECK_THROWS_AS((void)m.encode("a"), error);
    m.source.unknown.reset();
    CHECK_THROWS_AS((void)m.encode("a"), error);
}

TEST_CASE("sentencepiece: U+2581 in a text is a space, and a space stands before it where that is the rule") {
    spelling m;
    m.add("a");
    m.add(space);
    m.add(space + "a", -1);
    CHECK(m.parts("a" + space + "a") == strings{"a", space + "a"});
    CHECK(m.encode("a a") == m.encode("a" + space + "a"));
    m.source.add_space_prefix.reset();
    CHECK(m.parts("a a") == strings{space + "a", space + "a"});
}

TEST_CASE("sentencepiece: only normal tokens are made by merging") {
    spelling m;
    for (const char* letter : {"<", "s", ">", "<s"}) m.add(letter);
    m.add("<s>", 9, token_type::control);
    m.add("s>", 9, token_type::user_defined);
    CHECK(m.parts("<s>") == strings{"<s", ">"});
}

TEST_CASE("sentencepiece: tokens that can be split in too many ways are refused") {
    spelling m;
    // Every substring of a text of few letters is a token: each has as many splits as letters.
    std::string text;
    std::uint32_t state = 1;
    for (int i = 0; i < 1500; ++i) text.push_back("ab"[((state = state * 1664525u + 1013904223u) >> 24) % 2]);
    std::set<std::string> tokens;
    for (std::size_t length = 1; length <= 60; ++length)
        for (std::size_t at = 0; at + length <= text.size(); ++at) tokens.insert(text.substr(at, length));
    for (const auto& token : tokens) m.add(token);
    CHECK_THROWS_WITH_AS(sentencepiece(m.source, m.pieces), doctest::Contains("ways"), error);
}
