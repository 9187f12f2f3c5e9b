// SPDX-License-Identifier: MIT
// L1 text/grammar: a grammar as plain data. Notations (gbnf.hpp, json_schema.hpp) make it; compiler.hpp checks
// and compiles it.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <wafer/core/config.hpp>
#include <wafer/core/error.hpp>
#include <wafer/text/grammar/code_points.hpp>

namespace wafer::inline WAFER_ABI::grammar {

/// What an expression matches.
enum class expression_kind : std::uint8_t {
    text,      // this text
    chars,     // one character of a set
    sequence,  // the parts in order; none: the empty text
    choice,    // one of the parts; none: nothing can match
    repeat,    // the part, min to max times
    rule,      // what another rule matches
};

/// A repetition's max where it has none.
inline constexpr std::uint32_t unlimited = std::numeric_limits<std::uint32_t>::max();

struct expression;

/// The parts of an expression. They are added and replaced as a whole, never changed inside, so that their depth is known and
/// walking, copying or destroying them cannot exhaust the stack.
class expression_parts {
public:
    /// Expressions inside one another, at most.
    static constexpr int max_depth = 512;

    expression_parts() = default;
    /// @throws error{errc::bad_grammar} beyond max_depth
    expression_parts(std::vector<expression> parts);
    void push_back(expression part);

    [[nodiscard]] bool empty() const noexcept { return parts_.empty(); }
    [[nodiscard]] std::size_t size() const noexcept;
    [[nodiscard]] const expression& operator[](std::size_t i) const noexcept;
    [[nodiscard]] auto begin() const noexcept { return parts_.begin(); }
    [[nodiscard]] auto end() const noexcept { return parts_.end(); }
    [[nodiscard]] auto rbegin() const noexcept { return parts_.rbegin(); }
    [[nodiscard]] auto rend() const noexcept { return parts_.rend(); }
    /// Of the deepest part, itself counted; 0 without parts.
    [[nodiscard]] int depth() const noexcept { return empty() ? 0 : depth_; }

private:
    void count(const expression& part);

    std::vector<expression> parts_;
    int depth_ = 0;
};

/// A part of a rule's right side. Which members count depends on the kind; the functions below make each of them.
struct expression {
    expression_kind kind = expression_kind::sequence;
    std::string text{};
    code_points chars{};
    expression_parts parts{};
    std::uint32_t min = 0, max = 0;
    std::uint32_t rule = 0;  // its index in the ruleset
};

inline expression_parts::expression_parts(std::vector<expression> parts) : parts_(std::move(parts)) {
    for (const expression& part : parts_) count(part);
}
inline void expression_parts::push_back(expression part) {
    if (empty()) depth_ = 0;  // whatever was moved out of here
    count(part);
    parts_.push_back(std::move(part));
}
inline std::size_t expression_parts::size() const noexcept { return parts_.size(); }
inline const expression& expression_parts::operator[](std::size_t i) const noexcept { return parts_[i]; }
inline void expression_parts::count(const expression& part) {
    const int depth = part.parts.depth() + 1;
    if (depth > max_depth)
        raise(errc::bad_grammar, "grammar: expressions are nested more than " + std::to_string(max_depth) + " deep");
    depth_ = std::max(depth_, depth);
}

/// These bytes, in UTF-8, as all text that is matched.
[[nodiscard]] inline expression text(std::string bytes) {
    return {.kind = expression_kind::text, .text = std::move(bytes)};
}
/// One character of the ranges, in UTF-8.
[[nodiscard]] inline expression chars(std::vector<code_range> ranges) {
    return {.kind = expression_kind::chars, .chars = code_points(std::move(ranges))};
}
/// The parts in order; without any, the empty text.
[[nodiscard]] inline expression sequence(std::vector<expression> parts) {
    return {.kind = expression_kind::sequence, .parts = std::move(parts)};
}
/// One of the parts; without any, nothing.
[[nodiscard]] inline expression choice(std::vector<expression> parts) {
    return {.kind = expression_kind::choice, .parts = std::move(parts)};
}
/// The same thing min to max times, min <= max; max may be `unlimited`.
[[nodiscard]] inline expression repeat(expression what, std::uint32_t min, std::uint32_t max) {
    expression out{.kind = expression_kind::repeat, .min = min, .max = max};
    out.parts.push_back(std::move(what));
    return out;
}
/// Whatever the rule of that index matches.
[[nodiscard]] inline expression reference(std::uint32_t rule) { return {.kind = expression_kind::rule, .rule = rule}; }

/// A name for an expression, by which others refer to it and errors speak of it.
struct rule {
    std::string name;
    expression body;
    std::size_t offset = 0;  // into the ruleset's source
};

/// The index of the rule of that name; as many as there are if none has it.
[[nodiscard]] inline std::uint32_t find_rule(std::span<const rule> rules, std::string_view name) {
    std::uint32_t id = 0;
    while (id < rules.size() && rules[id].name != name) ++id;
    return id;
}

/// A whole grammar: what `root` matches.
struct ruleset {
    std::vector<rule> rules;
    std::uint32_t root = 0;
    std::string source;  // the text that offsets count in; empty where rules have none
};

/// " (line L, column C)" of an offset, both from 1; columns count bytes. Nothing where there is no source.
[[nodiscard]] inline std::string position(std::string_view source, std::size_t offset) {
    if (source.empty()) return {};
    const std::string_view before = source.substr(0, offset);
    const std::size_t start = before.rfind('\n') + 1;  // npos + 1 is 0
    return " (line " + std::to_string(1 + std::count(before.begin(), before.end(), '\n')) + ", column " +
           std::to_string(before.size() - start + 1) + ")";
}

}  // namespace wafer::inline WAFER_ABI::grammar
