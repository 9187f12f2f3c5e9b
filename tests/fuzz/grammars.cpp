// SPDX-License-Identifier: MIT
// Any text as a grammar and as a JSON schema: what is taken is followed over a small vocabulary, mask by mask, and never ends
// in a dead end.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <wafer/core/json.hpp>
#include <wafer/text/grammar/gbnf.hpp>
#include <wafer/text/grammar/json_schema.hpp>
#include <wafer/text/grammar/matcher.hpp>

using namespace wafer;

namespace {

/// Every byte, some words, and a token that ends the turn.
std::shared_ptr<const grammar::token_trie> words_of_bytes() {
    std::vector<std::string> words;
    for (int i = 0; i < 256; ++i) words.emplace_back(1, static_cast<char>(i));
    for (const char* word : {"{\"", "\":", "true", "null", "ab", "abc", "\xC3\xA9", "12", ""}) words.emplace_back(word);
    const std::vector<std::string_view> views(words.begin(), words.end());
    return std::make_shared<const grammar::token_trie>(views, std::vector{static_cast<token_id>(words.size() - 1)});
}

void follow(const std::shared_ptr<const grammar::program>& rules, std::uint64_t seed) {
    static const auto words = words_of_bytes();
    grammar::matcher m(rules, words);
    for (int step = 0; step < 24 && !m.is_final(); ++step) {
        const auto mask = m.mask();
        std::vector<token_id> allowed;
        for (std::size_t i = 0; i < mask.size() * 64; ++i)
            if ((mask[i / 64] >> i % 64 & 1) != 0) allowed.push_back(static_cast<token_id>(i));
        if (allowed.empty()) __builtin_trap();
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        const auto id = allowed[(seed >> 33) % allowed.size()];
        if (!m.allows(id)) __builtin_trap();
        m.accept(id);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    try {
        follow(grammar::gbnf(text), size);
    } catch (const error&) {
    }
    try {
        follow(grammar::json_schema(json::parse(text)), size);
    } catch (const error&) {
    }
    return 0;
}
