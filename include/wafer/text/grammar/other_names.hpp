// SPDX-License-Identifier: MIT
// L1 text/grammar: names of JSON members that are none of those given, as rules.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <wafer/core/config.hpp>
#include <wafer/core/utf8.hpp>
#include <wafer/text/grammar/code_points.hpp>
#include <wafer/text/grammar/grammar.hpp>

namespace wafer::inline WAFER_ABI::grammar {

/// A name with its quotes and without escapes that is none of `names`. `rest` matches the remainder of any string, with
/// its quote; add_rule() adds an empty rule to `out` and gives its number. Rules are as many as the names' beginnings.
template <class AddRule>
[[nodiscard]] expression other_name(std::vector<std::string_view> names, const expression& rest, ruleset& out,
                                    const AddRule& add_rule) {
    struct beginning {
        std::uint32_t rule;
        std::vector<std::pair<char32_t, std::size_t>> next{};
        bool taken = false;
    };
    std::vector<beginning> tree{{add_rule()}};
    std::sort(names.begin(), names.end());  // what begins alike is then added in a row
    for (const std::string_view name : names) {
        std::size_t at = 0;
        for (std::size_t i = 0; i < name.size();) {
            const utf8_step step = decode_utf8(name, i);
            i += step.length;
            if (tree[at].next.empty() || tree[at].next.back().first != step.code) {
                tree[at].next.emplace_back(step.code, tree.size());
                tree.push_back({add_rule()});
            }
            at = tree[at].next.back().second;
        }
        tree[at].taken = true;
    }
    for (const beginning& here : tree) {
        std::vector<expression> ways;
        std::vector<code_range> excluded{{0, 0x1F}, {U'"', U'"'}, {U'\\', U'\\'}};
        for (const auto& [c, longer] : here.next) {
            excluded.push_back({c, c});
            if (c < 0x20 || c == U'"' || c == U'\\') continue;  // written with an escape, so never by this rule
            std::string spelled;
            append_utf8(spelled, c);
            ways.push_back(sequence({text(std::move(spelled)), reference(tree[longer].rule)}));
        }
        expression other{.kind = expression_kind::chars, .chars = code_points(std::move(excluded)).complement()};
        ways.push_back(sequence({std::move(other), rest}));
        if (!here.taken) ways.push_back(text("\""));
        out.rules[here.rule].body = choice(std::move(ways));
    }
    return sequence({text("\""), reference(tree[0].rule)});
}

}  // namespace wafer::inline WAFER_ABI::grammar
