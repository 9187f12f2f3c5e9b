// SPDX-License-Identifier: MIT
// L1 text/grammar: some of an expression's texts, all of them within bounds on their length.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

#include <wafer/core/config.hpp>
#include <wafer/text/grammar/grammar.hpp>

namespace wafer::inline WAFER_ABI::grammar {

/// For contents of JSON strings: counts their characters, an escape as one. Where several parts share a bound, each gets
/// a share of it beforehand, so that texts are left out in which one takes more.
class bounded_length {
public:
    /// Least and greatest; unbounded ones are endless.
    struct range {
        std::uint64_t min = 0, max = endless;
    };
    static constexpr std::uint64_t endless = std::numeric_limits<std::uint64_t>::max();

    /// The rules that expressions may refer to; none of them to itself. They must outlive this.
    explicit bounded_length(std::span<const rule> rules) noexcept : rules_(rules) {}

    /// The lengths of an expression's texts; min above max where it has none.  @cost linear in the expression
    [[nodiscard]] range of(const expression& e) const {
        range out{0, 0};
        switch (e.kind) {
            case expression_kind::text:
                if (!e.text.starts_with('\\')) out.min = out.max = e.text.size();  // else the lead of an escape
                return out;
            case expression_kind::chars: return {1, 1};
            case expression_kind::rule: return of(rules_[e.rule].body);
            case expression_kind::choice:
                out = {endless, 0};
                for (const expression& part : e.parts) {
                    const range r = of(part);
                    out = {std::min(out.min, r.min), std::max(out.max, r.max)};
                }
                return out;
            case expression_kind::repeat: {
                const range r = of(e.parts[0]);
                return {times(r.min, e.min), times(r.max, e.max == unlimited ? endless : e.max)};
            }
            case expression_kind::sequence:
                for (const expression& part : e.parts) {
                    const range r = of(part);
                    out = {plus(out.min, r.min), plus(out.max, r.max)};
                }
                return out;
        }
        return out;
    }

    /// Texts of the expression whose lengths are within the bounds; a choice of nothing if there are none, or none is left.
    /// @cost linear in the expression for each level of it
    [[nodiscard]] expression within(const expression& e, range bounds) const {
        const range r = of(e);
        if (r.min > r.max || r.max < bounds.min || r.min > bounds.max || bounds.min > bounds.max) return choice({});
        if (r.min >= bounds.min && r.max <= bounds.max) return e;
        switch (e.kind) {
            case expression_kind::rule: return within(rules_[e.rule].body, bounds);
            case expression_kind::repeat: return repeat_within(e, bounds);
            case expression_kind::sequence: return sequence_within(e, bounds);
            default: break;
        }
        std::vector<expression> ways;
        for (const expression& part : e.parts)
            if (expression way = within(part, bounds); !is_nothing(way)) ways.push_back(std::move(way));
        return choice(std::move(ways));
    }

    /// Whether that is a choice of nothing.
    [[nodiscard]] static bool is_nothing(const expression& e) noexcept {
        return e.kind == expression_kind::choice && e.parts.empty();
    }

private:
    static std::uint64_t plus(std::uint64_t a, std::uint64_t b) noexcept { return a > endless - b ? endless : a + b; }
    static std::uint64_t times(std::uint64_t a, std::uint64_t b) noexcept {
        if (a == 0 || b == 0) return 0;
        return a > endless / b ? endless : a * b;
    }
    static std::uint64_t shares(std::uint64_t whole, std::uint64_t share) noexcept {  // how many it takes
        return whole / share + (whole % share != 0 ? 1 : 0);
    }

    // Every part may have its least; what is left of the greatest length is dealt out evenly, those first that need little.
    [[nodiscard]] expression sequence_within(const expression& e, range bounds) const {
        std::vector<range> own;
        for (const expression& part : e.parts) own.push_back(of(part));
        std::vector<std::size_t> order(own.size());
        std::iota(order.begin(), order.end(), std::size_t{0});
        const auto room = [&](std::size_t i) { return own[i].max - own[i].min; };
        std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return room(a) < room(b); });
        std::uint64_t least = 0;
        for (const range& r : own) least += r.min;
        if (bounds.max != endless) {
            std::uint64_t left = bounds.max - least, parts = own.size();
            for (const std::size_t i : order) {
                const std::uint64_t given = std::min(room(i), left / parts--);
                own[i].max = own[i].min + given;
                left -= given;
            }
        }
        std::uint64_t missing = bounds.min > least ? bounds.min - least : 0;
        for (auto i = order.rbegin(); i != order.rend(); ++i) {
            const std::uint64_t given = std::min(room(*i), missing);
            own[*i].min += given;
            missing -= given;
        }
        if (missing > 0) return choice({});
        std::vector<expression> parts;
        for (std::size_t i = 0; i < own.size(); ++i) {
            parts.push_back(within(e.parts[i], own[i]));
            if (is_nothing(parts.back())) return choice({});
        }
        return sequence(std::move(parts));
    }

    // As many as fit at their longest; where that is endless, or too few, as many as there must be, or eight, of equal shares.
    [[nodiscard]] expression repeat_within(const expression& e, range bounds) const {
        expression part = e.parts[0];
        range whole = of(part), count{whole.min == 0 ? 0 : e.min, e.max == unlimited ? endless : e.max};
        if (whole.min == 0 && bounds.min > 0) {  // empty ones do not count
            part = within(part, {1, endless});
            if (is_nothing(part)) return part;
            whole = of(part);
        }
        range each = whole;
        if (times(whole.max, count.max) > bounds.max) {
            const std::uint64_t most =
                whole.max == endless ? std::min(std::uint64_t{8}, count.max) : bounds.max / whole.max;
            const std::uint64_t fit = whole.min == 0 ? most : std::min(most, bounds.max / whole.min);
            count.max = std::max({fit, count.min, std::uint64_t{1}});
            each.max = std::min(each.max, bounds.max / count.max);
        }
        if (times(whole.min, count.min) < bounds.min) {
            count.min = std::min(count.max, shares(bounds.min, whole.min));
            each.min = std::max(each.min, shares(bounds.min, count.min));
        }
        expression one = within(part, each);
        if (is_nothing(one)) return count.min == 0 ? sequence({}) : choice({});
        const auto number = [](std::uint64_t n) {
            return static_cast<std::uint32_t>(std::min<std::uint64_t>(n, unlimited));
        };
        return repeat(std::move(one), number(count.min), number(count.max));
    }

    std::span<const rule> rules_;
};

}  // namespace wafer::inline WAFER_ABI::grammar
