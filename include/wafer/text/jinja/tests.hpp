// SPDX-License-Identifier: MIT
// L1 text/jinja: what may stand after "is". A new test is one entry.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <wafer/core/config.hpp>
#include <wafer/text/jinja/runtime.hpp>
#include <wafer/text/jinja/strings.hpp>

namespace wafer::inline WAFER_ABI::jinja {

/// x in y, as the operator and as a test.
[[nodiscard]] inline bool contains(runtime& rt, const value& container, const value& item) {
    switch (container.type()) {
        case value::kind::undefined: return false;
        case value::kind::string: {
            const std::string& what = rt.string_of(item, "what is sought in a string");
            return rt.find(container.as_string(), what) != std::string::npos;
        }
        case value::kind::list:
            for (const value& element : container.as_list())
                if (rt.equal(element, item)) return true;
            return false;
        case value::kind::dict: return rt.place_of(container.as_dict(), item) < container.as_dict().size();
        case value::kind::name_space: {
            const value_dict& members = container.as_name_space().members;
            return rt.place_of(members, item) < members.size();
        }
        default: rt.fail(runtime::describe(container) + " contains nothing");
    }
}

/// a < b, a <= b and so on. @throws error{errc::template_failed} for values that have no order.
[[nodiscard]] inline bool in_order(runtime& rt, const value& a, std::string_view op, const value& b) {
    const auto order = rt.order(a, b);
    if (!order)
        rt.fail("'" + std::string(op) + "' cannot compare " + runtime::describe(a) + " with " + runtime::describe(b));
    if (op == "<") return *order < 0;
    if (op == "<=") return *order <= 0;
    if (op == ">") return *order > 0;
    return *order >= 0;
}

namespace detail {

template <value::kind Kind>
value is_kind(runtime&, const arguments& in) {
    return in.self().is(Kind);
}

inline const value& test_operand(runtime& rt, const arguments& in, std::string_view name = {}) {
    const value* operand = in.find(1, name);
    if (operand == nullptr) rt.fail("the test needs an argument");
    return *operand;
}

inline value is_equal(runtime& rt, const arguments& in) { return rt.equal(in.self(), test_operand(rt, in)); }
inline value is_unequal(runtime& rt, const arguments& in) { return !rt.equal(in.self(), test_operand(rt, in)); }

// As Python's islower and isupper: there are letters, and none of the other case.
template <bool (*Is)(char), bool (*Other)(char)>
value is_case(runtime& rt, const arguments& in) {
    const std::string text = rt.print(in.self());
    return std::any_of(text.begin(), text.end(), Is) && std::none_of(text.begin(), text.end(), Other);
}

// One template per operator: a builtin is a plain function and cannot hold it.
enum class order : std::uint8_t { lt, le, gt, ge };
template <order Op>
value is_ordered(runtime& rt, const arguments& in) {
    static constexpr std::string_view ops[] = {"<", "<=", ">", ">="};
    return in_order(rt, in.self(), ops[static_cast<std::size_t>(Op)], test_operand(rt, in));
}

}  // namespace detail

inline constexpr builtin tests[] = {
    {"defined", [](runtime&, const arguments& in) -> value { return !in.self().is_undefined(); }},
    {"undefined", detail::is_kind<value::kind::undefined>},
    {"none", detail::is_kind<value::kind::none>},
    {"string", detail::is_kind<value::kind::string>},
    {"mapping", [](runtime&, const arguments& in) -> value { return in.self().is(value::kind::dict); }},
    {"integer",
     [](runtime&, const arguments& in) -> value {
         return in.self().is(value::kind::integer) || in.self().is_big_integer();
     }},
    {"float",
     [](runtime&, const arguments& in) -> value {
         return in.self().is(value::kind::real) && !in.self().is_big_integer();
     }},
    {"boolean", detail::is_kind<value::kind::boolean>},
    {"number", [](runtime&, const arguments& in) -> value { return in.self().is_number(); }},
    {"true",
     [](runtime&, const arguments& in) -> value { return in.self().is(value::kind::boolean) && in.self().as_bool(); }},
    {"false",
     [](runtime&, const arguments& in) -> value { return in.self().is(value::kind::boolean) && !in.self().as_bool(); }},
    {"iterable",
     [](runtime&, const arguments& in) -> value {
         const auto& x = in.self();
         return x.is(value::kind::list) || x.is(value::kind::dict) || x.is_string() || x.is_undefined();
     }},
    {"sequence",
     [](runtime&, const arguments& in) -> value {
         const auto& x = in.self();
         return x.is(value::kind::list) || x.is(value::kind::dict) || x.is_string() || x.is_undefined();
     }},
    {"callable",
     [](runtime&, const arguments& in) -> value {
         const auto& x = in.self();  // an undefined value can be called, too: it fails by itself
         return x.is(value::kind::function) || x.is(value::kind::macro) || x.is(value::kind::loop) || x.is_undefined();
     }},
    {"equalto", detail::is_equal},
    {"eq", detail::is_equal},
    {"==", detail::is_equal},
    {"sameas",  // of what templates can build, only equal values of one kind can be the same
     [](runtime& rt, const arguments& in) -> value {
         const value& other = detail::test_operand(rt, in, "other");
         return in.self().type() == other.type() && rt.equal(in.self(), other);
     }},
    {"ne", detail::is_unequal},
    {"!=", detail::is_unequal},
    {"lt", detail::is_ordered<detail::order::lt>},
    {"lessthan", detail::is_ordered<detail::order::lt>},
    {"<", detail::is_ordered<detail::order::lt>},
    {"le", detail::is_ordered<detail::order::le>},
    {"<=", detail::is_ordered<detail::order::le>},
    {"gt", detail::is_ordered<detail::order::gt>},
    {"greaterthan", detail::is_ordered<detail::order::gt>},
    {">", detail::is_ordered<detail::order::gt>},
    {"ge", detail::is_ordered<detail::order::ge>},
    {">=", detail::is_ordered<detail::order::ge>},
    {"in",
     [](runtime& rt, const arguments& in) -> value {
         return contains(rt, detail::test_operand(rt, in, "seq"), in.self());
     }},
    {"even",
     [](runtime& rt, const arguments& in) -> value { return rt.integer_of(in.self(), "an even number") % 2 == 0; }},
    {"odd",
     [](runtime& rt, const arguments& in) -> value { return rt.integer_of(in.self(), "an odd number") % 2 != 0; }},
    {"divisibleby",
     [](runtime& rt, const arguments& in) -> value {
         const std::int64_t by = rt.integer_of(detail::test_operand(rt, in, "num"), "a divisor");
         if (by == 0) rt.fail("division by zero");
         return by == -1 || rt.integer_of(in.self(), "a dividend") % by == 0;
     }},
    {"lower", detail::is_case<is_lower, is_upper>},
    {"upper", detail::is_case<is_upper, is_lower>},
};

}  // namespace wafer::inline WAFER_ABI::jinja
