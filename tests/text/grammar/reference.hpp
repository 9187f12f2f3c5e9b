// SPDX-License-Identifier: MIT
// What a grammar means, said a second time and as simply as can be: try every way, byte by byte, and go back. And small
// vocabularies to write with.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include <wafer/core/error.hpp>
#include <wafer/core/utf8.hpp>
#include <wafer/text/grammar/compiler.hpp>
#include <wafer/text/grammar/gbnf.hpp>
#include <wafer/text/grammar/grammar.hpp>
#include <wafer/text/grammar/matcher.hpp>
#include <wafer/text/grammar/token_trie.hpp>

namespace wafer_test {

/// Why a text is no grammar, or "accepted".
inline std::string refusal(std::string_view source) {
    try {
        (void)wafer::grammar::gbnf(source);
    } catch (const wafer::error& e) {
        CHECK(e.code() == wafer::errc::bad_grammar);
        return e.what();
    }
    return "accepted";
}

/// Backtracking over the rules as written. The grammar must not be left-recursive, and every rule must be satisfiable.
class recogniser {
public:
    explicit recogniser(const wafer::grammar::ruleset& rules) : rules_(rules) {}

    /// Whether the text satisfies the grammar.
    bool accepts(std::string_view text) {
        run(text);
        return accepted_;
    }
    /// Whether it may be continued to one that does.
    bool begins(std::string_view text) {
        run(text);
        return accepted_ || cut_off_;
    }
    /// Whether the last answer came before so many steps that it was given up.
    bool gave_up() const { return steps_ > max_steps; }

private:
    using then = std::function<void(std::size_t)>;

    void run(std::string_view text) {
        text_ = text;
        accepted_ = cut_off_ = false;
        steps_ = 0;
        follow(rules_.rules[rules_.root].body, 0, [&](std::size_t at) { accepted_ = accepted_ || at == text_.size(); });
    }

    void follow(const wafer::grammar::expression& e, std::size_t at, const then& next) {
        using wafer::grammar::expression_kind;
        if (++steps_ > max_steps) return;
        switch (e.kind) {
            case expression_kind::text: {
                const std::string_view rest = text_.substr(at);
                if (rest.starts_with(e.text)) next(at + e.text.size());
                else if (e.text.starts_with(rest)) cut_off_ = true;
                break;
            }
            case expression_kind::chars: one_char(e, at, next); break;
            case expression_kind::sequence: in_order(e, 0, at, next); break;
            case expression_kind::choice:
                for (const auto& way : e.parts) follow(way, at, next);
                break;
            case expression_kind::repeat: again(e, 0, at, next); break;
            case expression_kind::rule: follow(rules_.rules[e.rule].body, at, next); break;
        }
    }
    void in_order(const wafer::grammar::expression& e, std::size_t part, std::size_t at, const then& next) {
        if (part == e.parts.size()) return next(at);
        follow(e.parts[part], at, [&, part](std::size_t after) { in_order(e, part + 1, after, next); });
    }
    void again(const wafer::grammar::expression& e, std::uint32_t times, std::size_t at, const then& next) {
        if (times >= e.min) next(at);
        if (times == e.max) return;
        follow(e.parts[0], at, [&, times, at](std::size_t after) {
            if (after != at || times < e.min) again(e, times + 1, after, next);
        });
    }
    void one_char(const wafer::grammar::expression& e, std::size_t at, const then& next) {
        if (at == text_.size()) {
            cut_off_ = true;
            return;
        }
        const wafer::utf8_step step = wafer::decode_utf8(text_, at);
        if (step.status == wafer::utf8_status::ok && e.chars.contains(step.code)) next(at + step.length);
        if (step.status != wafer::utf8_status::truncated) return;
        for (const auto range : e.chars.ranges()) {
            if (range.last < 0x80) continue;
            // Whether a character of the range begins with these bytes: the ends do, or the bytes lie between them.
            std::string first, last;
            wafer::append_utf8(first, std::max(range.first, char32_t{0x80}));
            wafer::append_utf8(last, range.last);
            const std::string_view rest = text_.substr(at);
            if (first.substr(0, rest.size()) <= rest && rest <= last.substr(0, rest.size())) cut_off_ = true;
        }
    }

    const wafer::grammar::ruleset& rules_;
    static constexpr std::size_t max_steps = 20'000;
    std::string_view text_;
    std::size_t steps_ = 0;
    bool accepted_ = false, cut_off_ = false;
};

/// Every byte, some longer tokens (also ones that cut characters apart), one without text, and one that ends a turn.
struct small_vocabulary {
    std::vector<std::string> pieces;
    wafer::token_id end;
    std::shared_ptr<const wafer::grammar::token_trie> trie;

    explicit small_vocabulary(std::vector<std::string> longer = {}, bool bytes = true) : pieces(std::move(longer)) {
        for (int b = 0; bytes && b < 256; ++b) pieces.emplace_back(1, static_cast<char>(b));
        pieces.emplace_back();
        pieces.emplace_back("<end>");
        end = static_cast<wafer::token_id>(pieces.size() - 1);
        std::vector<std::string_view> views(pieces.begin(), pieces.end());
        views.back() = {};
        trie = std::make_shared<const wafer::grammar::token_trie>(views, std::vector{end});
    }
    const std::string& piece(wafer::token_id id) const { return pieces[static_cast<std::size_t>(id)]; }
};

inline bool has(std::span<const std::uint64_t> mask, wafer::token_id id) {
    return (mask[static_cast<std::size_t>(id) / 64] >> (id % 64) & 1) != 0;
}
inline std::vector<wafer::token_id> members(std::span<const std::uint64_t> mask) {
    std::vector<wafer::token_id> out;
    for (wafer::token_id id = 0; id < static_cast<wafer::token_id>(mask.size() * 64); ++id)
        if (has(mask, id)) out.push_back(id);
    return out;
}

/// Writes as an untrained model under a mask would: `steps` tokens at random, and from then on the first of the
/// `closing` bytes that may follow, until the turn may end.
inline std::string random_text(wafer::grammar::matcher& m, const small_vocabulary& words, std::mt19937& random,
                               int steps, std::string_view closing = "\"]}:0") {
    std::string out;
    m.reset();
    for (int i = 0; i < 1000 && !m.is_final(); ++i) {
        const auto allowed = members(m.mask());
        wafer::token_id pick = allowed[random() % allowed.size()];
        if (i >= steps) {
            if (m.can_stop()) break;
            const auto closes = [&](char c) {
                return [&, c](wafer::token_id id) { return words.piece(id) == std::string_view(&c, 1); };
            };
            for (const char c : closing) {
                const auto found = std::find_if(allowed.begin(), allowed.end(), closes(c));
                if (found == allowed.end()) continue;
                pick = *found;
                break;
            }
        }
        if (pick == words.end) break;
        m.accept(pick);
        out += words.piece(pick);
    }
    return out;
}

}  // namespace wafer_test
