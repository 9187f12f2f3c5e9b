// SPDX-License-Identifier: MIT
// L1 text/jinja: the operators, with Python's meaning. Integers have 64 bits; what would not fit fails.
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <utility>

#include <wafer/core/config.hpp>
#include <wafer/core/json.hpp>
#include <wafer/text/jinja/formatting.hpp>
#include <wafer/text/jinja/runtime.hpp>
#include <wafer/text/jinja/tests.hpp>
#include <wafer/text/jinja/value.hpp>

namespace wafer::inline WAFER_ABI::jinja {

namespace detail {

inline std::int64_t power(runtime& rt, std::int64_t base, std::int64_t exponent) {
    std::int64_t out = 1;
    if (base == 0 || base == 1 || base == -1) return exponent == 0 ? 1 : base == -1 && exponent % 2 == 0 ? 1 : base;
    for (; exponent > 0; --exponent)
        if (__builtin_mul_overflow(out, base, &out)) rt.fail("integer overflow");
    return out;
}

inline value real_arithmetic(std::string_view op, double x, double y) {
    if (op == "+") return x + y;
    if (op == "-") return x - y;
    if (op == "*") return x * y;
    if (op == "/") return x / y;
    if (op == "//") return std::floor(x / y);
    if (op == "%") return x - y * std::floor(x / y);
    return std::pow(x, y);
}

inline value arithmetic(runtime& rt, std::string_view op, const value& a, const value& b) {
    const bool division = op == "/" || op == "//" || op == "%";
    if (division && b.as_double() == 0) rt.fail("division by zero");
    const auto is_real = [](const value& v) { return v.is(value::kind::real) && !v.is_big_integer(); };
    if (op != "/" && !is_real(a) && !is_real(b) && (a.is_big_integer() || b.is_big_integer()))
        rt.fail("integer overflow");
    if (op == "/" || is_real(a) || is_real(b)) return real_arithmetic(op, a.as_double(), b.as_double());
    const std::int64_t x = a.as_int(), y = b.as_int();
    std::int64_t out = 0;
    bool overflow = false;
    if (op == "+") overflow = __builtin_add_overflow(x, y, &out);
    else if (op == "-") overflow = __builtin_sub_overflow(x, y, &out);
    else if (op == "*") overflow = __builtin_mul_overflow(x, y, &out);
    else if (op == "**") return y < 0 ? value(std::pow(a.as_double(), b.as_double())) : value(power(rt, x, y));
    else if (y == -1) overflow = op == "//" && __builtin_sub_overflow(std::int64_t{0}, x, &out);  // x % -1 is 0
    else if (op == "//") out = x / y - (x % y != 0 && (x < 0) != (y < 0));
    else out = x % y + (x % y != 0 && (x < 0) != (y < 0) ? y : 0);  // of the divisor's sign
    if (overflow) rt.fail("integer overflow");
    return out;
}

inline value repeat(runtime& rt, const value& sequence, std::int64_t times) {
    const std::uint64_t n = times < 0 ? 0 : static_cast<std::uint64_t>(times);
    const std::uint64_t unit =
        sequence.is_string() ? sequence.as_string().size() : sequence.as_list().size() * sizeof(value);
    if (unit != 0 && n > std::numeric_limits<std::uint64_t>::max() / unit) rt.fail("a repeated sequence is too long");
    rt.charge(unit * n);
    if (unit != 0) rt.spend(n / 16);
    std::string text;
    value_list items;
    if (sequence.is_string()) text.reserve(unit * n);
    for (std::uint64_t i = 0; unit != 0 && i < n; ++i) {
        if (sequence.is_string()) text += sequence.as_string();
        else items.insert(items.end(), sequence.as_list().begin(), sequence.as_list().end());
    }
    if (sequence.is_string()) return text;
    return sequence.is_tuple() ? rt.make_tuple(std::move(items)) : rt.make(std::move(items));
}

}  // namespace detail

/// +x or -x.
inline value apply_sign(runtime& rt, std::string_view op, const value& x) {
    if (!x.is_number()) rt.fail("'" + std::string(op) + "' needs a number, not " + runtime::describe(x));
    if (op == "+" && !x.written().empty()) return x;
    if (x.is_big_integer()) {
        rt.charge(x.written().size());
        const std::string_view digits = x.written();
        return value(json::parse(digits.starts_with('-') ? std::string(digits.substr(1)) : "-" + std::string(digits)));
    }
    if (x.is(value::kind::real)) return op == "+" ? x.as_double() : -x.as_double();
    if (op == "-" && x.as_int() == std::numeric_limits<std::int64_t>::min()) rt.fail("integer overflow");
    return op == "+" ? x.as_int() : -x.as_int();
}

/// x op y for arithmetic and "~".
inline value combine(runtime& rt, std::string_view op, const value& a, const value& b) {
    const auto is_sequence = [](const value& v) { return v.is_string() || v.is(value::kind::list); };
    const auto is_count = [](const value& v) { return v.is(value::kind::integer) || v.is(value::kind::boolean); };
    if (op == "~") return rt.make(rt.print(a) + rt.print(b));
    if (a.is_number() && b.is_number()) return detail::arithmetic(rt, op, a, b);
    if (op == "+" && a.is_string() && b.is_string()) return rt.make(a.as_string() + b.as_string());
    if (op == "+" && a.is(value::kind::list) && b.is(value::kind::list) && a.is_tuple() == b.is_tuple()) {
        rt.charge((a.as_list().size() + b.as_list().size()) * sizeof(value));
        value_list all = a.as_list();
        all.insert(all.end(), b.as_list().begin(), b.as_list().end());
        return a.is_tuple() ? rt.make_tuple(std::move(all)) : rt.make(std::move(all));
    }
    if (op == "%" && a.is_string()) {
        arguments in;
        if (b.is_tuple()) in.positional = rt.items(b);
        else in.positional.push_back(b);
        if (b.is(value::kind::dict)) {
            rt.spend(b.as_dict().size());
            in.spread_out(b);
        }
        return percent_formatted(rt, a.as_string(), in);
    }
    if (op == "*" && is_sequence(a) && is_count(b)) return detail::repeat(rt, a, b.as_int());
    if (op == "*" && is_sequence(b) && is_count(a)) return detail::repeat(rt, b, a.as_int());
    rt.fail("'" + std::string(op) + "' cannot combine " + runtime::describe(a) + " and " + runtime::describe(b));
}

/// a op b for comparisons and containment.
[[nodiscard]] inline bool holds(runtime& rt, const value& a, std::string_view op, const value& b) {
    if (op == "==") return rt.equal(a, b);
    if (op == "!=") return !rt.equal(a, b);
    if (op == "in") return contains(rt, b, a);
    if (op == "not in") return !contains(rt, b, a);
    return in_order(rt, a, op, b);
}

}  // namespace wafer::inline WAFER_ABI::jinja
