// SPDX-License-Identifier: MIT
#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <wafer/text/bpe.hpp>

using namespace wafer;

namespace {

std::string stored(std::string_view bytes) {
    std::string out;
    for (const char c : bytes) append_utf8(out, byte_level_alphabet[static_cast<unsigned char>(c)]);
    return out;
}

struct byte_vocabulary {
    vocabulary source;
    token_pieces pieces;
    std::vector<std::pair<std::string, std::string>> merges;  // as bytes

    void merge(const std::string& left, const std::string& right) {
        merges.emplace_back(left, right);
        source.merges.emplace_back(stored(left), stored(right));
        const std::string joined = stored(left + right);
        if (std::ranges::find(source.tokens, joined) == source.tokens.end()) add(joined);
    }
    void add(const std::string& token) {
        source.tokens.push_back(token);
        pieces.add(byte_level_decode(token));
    }
    // By the definition: join the best pair, leftmost first, everywhere, until none is left.
    std::vector<std::string> reference(std::string_view text) const {
        std::vector<std::string> parts;
        for (const char c : text) parts.emplace_back(1, c);
        while (true) {
            std::size_t best = merges.size(), at = 0;
            for (std::size_t i = 0; i + 1 < parts.size(); ++i) {
                const auto rank = static_cast<std::size_t>(
                    std::ranges::find(merges, std::pair(parts[i], parts[i + 1])) - merges.begin());
                if (rank < best) best = rank, at = i;
            }
            if (best == merges.size()) return parts;
            parts[at] += parts[at + 1];
            parts.erase(parts.begin() + static_cast<std::ptrdiff_t>(at) + 1);
        }
    }
};

byte_vocabulary bytes_only() {
    byte_vocabulary m;
    m.source.model = "gpt2";
    m.source.pre = "gpt-2";
    for (int byte = 0; byte < 256; ++byte) m.add(stored(std::string(1, static_cast<char>(byte))));
    return m;
}

}  // namespace

TEST_CASE("bpe: the byte alphabet is that of GPT-2") {
    CHECK(stored(" ") == "\xC4\xA0");   // U+0120
    CHECK(stored("\n") == "\xC4\x8A");  // U+010A
    CHECK(stored("A") == "A");
    CHECK(stored("\xC3") == "\xC3\x83");
    CHECK(std::set<char16_t>(byte_level_alphabet.begin(), byte_level_alphabet.end()).size() == 256);
    for (int byte = 0; byte < 256; ++byte)
        CHECK(byte_level_decode(stored(std::string(1, static_cast<char>(byte)))) ==
              std::string(1, static_cast<char>(byte)));
    CHECK(byte_level_decode("\xEF\xBD\x9C"
                            "A") == "\xEF\xBD\x9C"
                                    "A");  // outside the alphabet
}

TEST_CASE("bpe: random merges agree with the definition") {
    std::uint32_t state = 7;
    const auto random = [&](std::uint32_t n) {
        state = state * 1664525u + 1013904223u;
        return (state >> 8) % n;
    };
    for (int round = 0; round < 30; ++round) {
        byte_vocabulary m = bytes_only();
        std::vector<std::string> known{"a", "b", "c"};
        for (int i = 0; i < 12; ++i) {
            const std::string left = known[random(static_cast<std::uint32_t>(known.size()))],
                              right = known[random(static_cast<std::uint32_t>(known.size()))];
            if (std::ranges::find(m.merges, std::pair(left, right)) != m.merges.end()) continue;
            m.merge(left, right);
            if (std::ranges::find(known, left + right) == known.end()) known.push_back(left + right);
        }
        const byte_level_bpe bpe(m.source, m.pieces);
        for (int i = 0; i < 20; ++i) {
            std::string text;
            for (std::uint32_t n = random(60) + 1; n > 0; --n) text.push_back(static_cast<char>('a' + random(3)));
            std::vector<token_id> ids;
            piece_cache cache(text.size());
            bpe.encode(text, m.pieces, cache, ids);
            std::vector<std::string> parts;
            for (const token_id id : ids) parts.emplace_back(m.pieces[id]);
            CHECK(parts == m.reference(text));
        }
    }
}

TEST_CASE("bpe: tokens that are not normal take no part in merging") {
    byte_vocabulary m = bytes_only();
    m.merge("a", "b");
    m.source.types.assign(m.source.tokens.size(), token_type::normal);
    m.source.types.back() = token_type::control;
    m.merge("b", "c");
    m.source.types.push_back(token_type::normal);
    m.merge("ab", "c");  // of a token that is not normal
    m.source.types.push_back(token_type::normal);
    const byte_level_bpe bpe(m.source, m.pieces);
    std::vector<token_id> ids;
    piece_cache cache(3);
    bpe.encode("abc", m.pieces, cache, ids);
    CHECK(ids == std::vector<token_id>{'a', 257});
    m.source.merges.emplace_back("a", "q");
    CHECK_THROWS_WITH_AS(byte_level_bpe(m.source, m.pieces), doctest::Contains("not in the vocabulary"), error);
    m.source.merges.back() = {stored(" "), stored(" ")};  // named as stored, the special token is as it is written
    m.add("  ");
    m.source.types.push_back(token_type::user_defined);
    (void)byte_level_bpe(m.source, m.pieces);
}

TEST_CASE("bpe: a vocabulary without merges yields bytes") {
    const byte_vocabulary m = bytes_only();
    vocabulary source = m.source;
    const byte_level_bpe bpe(source, m.pieces);
    std::vector<token_id> ids;
    piece_cache cache(3);
    bpe.encode("h\xC3\xA9", m.pieces, cache, ids);
    CHECK(ids == std::vector<token_id>{'h', 0xC3, 0xA9});
    CHECK(bpe.find(m.pieces, "h") == 'h');
    CHECK(bpe.find(m.pieces, "hh") == std::nullopt);
}
