// SPDX-License-Identifier: MIT
// Any text as a grammar and as a JSON schema, any bytes as rules that a host makes: what is taken is followed over a small
// vocabulary, mask by mask, and never ends in a dead end.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
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

/// Rules as a host might make them, right or wrong: each byte puts an expression on a stack, or takes some off it for one more.
grammar::ruleset rules_of(std::string_view bytes) {
    using grammar::expression, grammar::expression_kind;
    grammar::ruleset out;
    std::vector<expression> stack;
    std::size_t at = 0;
    const auto next = [&] { return at < bytes.size() ? static_cast<std::uint8_t>(bytes[at++]) : std::uint8_t{0}; };
    const auto take = [&](std::size_t n) {
        std::vector<expression> parts;
        for (; n > 0 && !stack.empty(); --n) {
            parts.push_back(std::move(stack.back()));
            stack.pop_back();
        }
        return parts;
    };
    out.root = bytes.empty() ? 0 : next() % 4;
    while (at < bytes.size()) {
        const std::uint8_t what = next();
        switch (what % 8) {
            case 0: {
                const std::size_t n = what / 8 % 4;
                stack.push_back(grammar::text(std::string(bytes.substr(std::min(at, bytes.size()), n))));
                at = std::min(at + n, bytes.size());
                break;
            }
            case 1: stack.push_back(grammar::chars({{next(), next()}})); break;
            case 2: stack.push_back(grammar::reference(next() % 5)); break;
            case 3: stack.push_back(grammar::sequence(take(what / 8 % 4))); break;
            case 4: stack.push_back(grammar::choice(take(what / 8 % 4))); break;
            case 5: {
                expression e{.kind = expression_kind::repeat, .parts = take(what / 8 % 3)};
                e.min = next() % 5;
                e.max = what >= 128 ? grammar::unlimited : next() % 5;
                stack.push_back(std::move(e));
                break;
            }
            case 6: stack.push_back({.kind = static_cast<expression_kind>(next()), .parts = take(1)}); break;
            default: {
                auto body = take(1);
                out.rules.push_back({"r", body.empty() ? expression() : std::move(body[0]), next()});
            }
        }
    }
    return out;
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
    for (const auto policy : {grammar::unsatisfiable::refuse, grammar::unsatisfiable::prune}) try {
            follow(grammar::compile(rules_of(text), policy), size);
        } catch (const error&) {
        }
    return 0;
}
