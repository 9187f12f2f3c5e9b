// SPDX-License-Identifier: MIT
// L1 text/jinja: what may stand after "|". A new filter is a function and one entry.
#pragma once

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <wafer/core/config.hpp>
#include <wafer/text/jinja/formatting.hpp>
#include <wafer/text/jinja/list_filters.hpp>
#include <wafer/text/jinja/methods.hpp>
#include <wafer/text/jinja/operators.hpp>
#include <wafer/text/jinja/runtime.hpp>
#include <wafer/text/jinja/strings.hpp>
#include <wafer/text/jinja/tojson.hpp>

namespace wafer::inline WAFER_ABI::jinja {

[[nodiscard]] inline native_function find_filter(std::string_view name) noexcept;

namespace detail {

inline value filter_map(runtime& rt, const arguments& in) {
    value_list out;
    if (in.positional.size() == 1 && in.find(1, "attribute") != nullptr) {
        const value *path = in.find(1, "attribute"), *given = in.find(1, "default");
        const value* otherwise = given != nullptr && !given->is(value::kind::none) ? given : nullptr;
        for (const value& item : items_if_true(rt, in.self())) out.push_back(path_of(rt, item, *path, otherwise));
        return rt.make(std::move(out));
    }
    const std::string& name = rt.string_of(filter_operand(rt, in, 1, "filter"), "a filter's name");
    const native_function filter = find_filter(name);
    if (filter == nullptr) rt.fail("unknown filter '" + name + "'");
    for (const value& item : items_if_true(rt, in.self())) out.push_back(filter(rt, arguments_from(rt, in, 2, item)));
    return rt.make(std::move(out));
}

inline value filter_length(runtime& rt, const arguments& in) {
    const value& x = in.self();
    if (x.is(value::kind::list)) return static_cast<std::int64_t>(x.as_list().size());
    if (x.is(value::kind::dict)) return static_cast<std::int64_t>(x.as_dict().size());
    if (x.is_undefined()) return std::int64_t{0};
    if (x.is(value::kind::loop)) return static_cast<std::int64_t>(x.as_loop().items().size());
    rt.touch(rt.string_of(x, "what has a length"));
    return static_cast<std::int64_t>(count_characters(x.as_string()));
}

inline value filter_default(runtime&, const arguments& in) {
    const value* otherwise = in.find(1, "default_value");
    const value* also_false = in.find(2, "boolean");
    const bool missing =
        in.self().is_undefined() || (also_false != nullptr && also_false->truth() && !in.self().truth());
    return !missing ? in.self() : otherwise != nullptr ? *otherwise : value("");
}

inline value filter_round(runtime& rt, const arguments& in) {
    const value& x = in.self();
    if (!x.is_number()) rt.fail("'round' needs a number, not " + runtime::describe(x));
    const value* given = in.find(1, "precision");
    const value* method = in.find(2, "method");
    const auto precision =
        std::clamp<std::int64_t>(given == nullptr ? 0 : rt.integer_of(*given, "precision"), -300, 300);
    const std::string_view how = method == nullptr ? "common" : std::string_view(rt.string_of(*method, "method"));
    if (how == "common" && x.is_big_integer() && precision >= 0) return x;
    if (how == "common" && !x.is(value::kind::real) && precision >= 0) return x.as_int();
    const double scale = std::pow(10.0, static_cast<double>(precision)), scaled = x.as_double() * scale;
    double out = (how == "ceil"    ? std::ceil(scaled)
                  : how == "floor" ? std::floor(scaled)
                                   : std::nearbyint(scaled)) /
                 scale;
    if (how == "common" && precision > 0) {  // the decimal nearest to the number itself, not to its product
        char text[700];
        const auto end = std::to_chars(text, text + sizeof text, x.as_double(), std::chars_format::fixed,
                                       static_cast<int>(precision));
        if (end.ec == std::errc{}) std::from_chars(text, end.ptr, out);
    }
    if (how != "common" || x.is(value::kind::real)) return out;
    if (!(std::fabs(out) < 9.2e18)) rt.fail("integer overflow");
    return static_cast<std::int64_t>(out);
}

inline value filter_indent(runtime& rt, const arguments& in) {
    const value* width = in.find(1, "width");
    const std::string margin =
        width == nullptr ? std::string(4, ' ')
        : width->is_string()
            ? width->as_string()
            : std::string(static_cast<std::size_t>(std::clamp<std::int64_t>(rt.integer_of(*width, "width"), 0, 1024)),
                          ' ');
    std::string text = rt.print(in.self()), out;
    for (std::size_t at = 0; at <= text.size();) {
        const std::size_t end = std::min(text.find('\n', at), text.size());
        rt.charge(margin.size());
        const bool blank = end == at && !flag(in, 3, "blank");
        if (at == 0 ? flag(in, 2, "first") : !blank) out += margin;
        out.append(text, at, end - at);
        if (end < text.size()) out.push_back('\n');
        at = end + 1;
    }
    return rt.make(std::move(out));
}

inline value filter_int(runtime& rt, const arguments& in) {
    const value& x = in.self();
    const value* otherwise = in.find(1, "default");
    const value fallback = otherwise != nullptr ? *otherwise : value(std::int64_t{0});
    double real = 0;
    if (x.is_string()) {
        const value trimmed(stripped(x.as_string(), nullptr, sides::both, rt));
        const std::string& text = trimmed.as_string();
        const char* first = text.data() + (text.starts_with('+') ? 1 : 0);
        const char* last = text.data() + text.size();
        std::int64_t whole = 0;
        const auto read = std::from_chars(first, last, whole);
        if (read.ptr == last && read.ec == std::errc{}) return whole;
        if (read.ptr == last && read.ec == std::errc::result_out_of_range) {
            const std::string_view digits(first, static_cast<std::size_t>(last - first));
            const std::string sign = digits.starts_with('-') ? "-" : "";
            return value(json::parse(sign + std::string(digits.substr(digits.find_first_of("123456789")))));
        }
        if (const auto [end, ec] = std::from_chars(first, last, real); ec != std::errc{} || end != last)
            return fallback;
    } else if (x.is_big_integer()) {
        return x;
    } else if (x.is(value::kind::real)) {
        real = x.as_double();
    } else {
        return x.is_number() ? value(x.as_int()) : fallback;
    }
    return std::fabs(real) < 9.2e18 ? value(static_cast<std::int64_t>(real)) : fallback;
}

inline value filter_float(runtime& rt, const arguments& in) {
    const value& x = in.self();
    if (x.is_number()) return x.as_double();
    const value* otherwise = in.find(1, "default");
    const value fallback = otherwise != nullptr ? *otherwise : value(0.0);
    if (!x.is_string()) return fallback;
    const std::string_view text = stripped(x.as_string(), nullptr, sides::both, rt);
    double real = 0;
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), real);
    return ec == std::errc{} && end == text.data() + text.size() ? value(real) : fallback;
}

inline value filter_abs(runtime& rt, const arguments& in) {
    if (in.self().is_big_integer()) return apply_sign(rt, in.self().as_double() < 0 ? "-" : "+", in.self());
    if (in.self().is(value::kind::real)) return std::fabs(in.self().as_double());
    const std::int64_t x = rt.integer_of(in.self(), "a number");
    if (x == std::numeric_limits<std::int64_t>::min()) rt.fail("integer overflow");
    return x < 0 ? -x : x;
}

inline value filter_escape(runtime& rt, const arguments& in) {
    static constexpr std::string_view specials = "&<>\"'", entities[] = {"&amp;", "&lt;", "&gt;", "&#34;", "&#39;"};
    std::string out;
    for (const char c : rt.print(in.self())) {
        const auto special = specials.find(c);
        if (special == specials.npos) out.push_back(c);
        else out += entities[special];
    }
    return rt.make(std::move(out));
}

inline value filter_format(runtime& rt, const arguments& in) {
    arguments values = in;
    values.positional.erase(values.positional.begin());
    rt.spend(values.positional.size() + values.named.size());
    return percent_formatted(rt, rt.print(in.self()), values);
}

// Unlike x.name: members of a dict are no attributes.
inline value filter_attr(runtime& rt, const arguments& in) {
    const std::string& name = rt.string_of(filter_operand(rt, in, 1, "name"), "an attribute's name");
    if (const native_function method = find_method(in.self(), name)) return {method, in.self()};
    return in.self().is(value::kind::dict) ? undefined{name} : rt.attribute(in.self(), name);
}

inline value filter_list(runtime& rt, const arguments& in) { return rt.make(rt.items(in.self())); }
inline value filter_string(runtime& rt, const arguments& in) { return rt.make(rt.print(in.self())); }

}  // namespace detail

inline constexpr builtin filters[] = {
    {"abs", detail::filter_abs},
    {"attr", detail::filter_attr},
    {"batch", detail::filter_batch},
    {"capitalize", [](runtime& rt, const arguments& in) { return rt.make(capitalized(rt.print(in.self()))); }},
    {"count", detail::filter_length},
    {"d", detail::filter_default},
    {"default", detail::filter_default},
    {"dictsort", detail::filter_dictsort},
    {"e", detail::filter_escape},
    {"escape", detail::filter_escape},
    {"first",
     [](runtime& rt, const arguments& in) {
         const value_list items = rt.items(in.self());
         return items.empty() ? value(undefined{"element"}) : items.front();
     }},
    {"float", detail::filter_float},
    {"format", detail::filter_format},
    {"groupby", detail::filter_groupby},
    {"indent", detail::filter_indent},
    {"int", detail::filter_int},
    {"items", detail::filter_items},
    {"join", detail::filter_join},
    {"last",
     [](runtime& rt, const arguments& in) {
         const value_list items = rt.items(in.self());
         return items.empty() ? value(undefined{"element"}) : items.back();
     }},
    {"length", detail::filter_length},
    {"list", detail::filter_list},
    {"lower", detail::filter_lower},
    {"map", detail::filter_map},
    {"max", detail::filter_extreme<true>},
    {"min", detail::filter_extreme<false>},
    {"reject", detail::filter_select<false, false>},
    {"rejectattr", detail::filter_select<true, false>},
    {"replace", detail::filter_replace},
    {"reverse",
     [](runtime& rt, const arguments& in) {
         const value back(std::int64_t{-1});
         return in.self().is_string() ? rt.slice(in.self(), {}, {}, back)
                                      : rt.slice(rt.make(rt.items(in.self())), {}, {}, back);
     }},
    {"round", detail::filter_round},
    {"safe", detail::filter_string},
    {"select", detail::filter_select<false, true>},
    {"selectattr", detail::filter_select<true, true>},
    {"slice", detail::filter_slice},
    {"sort", detail::filter_sort},
    {"string", detail::filter_string},
    {"sum", detail::filter_sum},
    {"title", [](runtime& rt, const arguments& in) { return rt.make(title_filtered(rt.print(in.self()))); }},
    {"tojson", filter_tojson},
    {"trim",
     [](runtime& rt, const arguments& in) {
         const std::string text = rt.print(in.self());
         return rt.make(std::string(stripped(text, in.find(1, "chars"), sides::both, rt)));
     }},
    {"unique", detail::filter_unique},
    {"upper", detail::filter_upper},
};

[[nodiscard]] inline native_function find_filter(std::string_view name) noexcept { return find_builtin(filters, name); }

}  // namespace wafer::inline WAFER_ABI::jinja
