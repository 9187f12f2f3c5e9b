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
#include <wafer/core/json.hpp>
#include <wafer/text/jinja/runtime.hpp>
#include <wafer/text/jinja/strings.hpp>
#include <wafer/text/jinja/tests.hpp>

namespace wafer::inline WAFER_ABI::jinja {

[[nodiscard]] inline native_function find_filter(std::string_view name) noexcept;

/// A value as JSON. @throws error{errc::template_failed} for what JSON cannot hold.
[[nodiscard]] inline json to_json(runtime& rt, const value& v) {
    rt.spend(1);
    switch (v.type()) {
        case value::kind::none: return nullptr;
        case value::kind::boolean: return v.as_bool();
        case value::kind::integer: return v.as_int();
        case value::kind::real: return v.as_double();
        case value::kind::string: rt.charge(2 * v.as_string().size()); return v.as_string();
        case value::kind::list: {
            json::array items;
            for (const value& item : v.as_list()) items.push_back(to_json(rt, item));
            return items;
        }
        case value::kind::dict: {
            json::object members;
            for (const auto& [name, item] : v.as_dict()) {
                rt.charge(2 * name.size());
                members.emplace_back(name, to_json(rt, item));
            }
            return members;
        }
        default: rt.fail(runtime::describe(v) + " is not JSON serializable");
    }
}

namespace detail {

inline const value& filter_operand(runtime& rt, const arguments& in, std::size_t place, std::string_view name) {
    const value* operand = in.find(place, name);
    if (operand == nullptr) rt.fail("the filter needs the argument '" + std::string(name) + "'");
    return *operand;
}

// As Python's json.dumps prints, with ensure_ascii off: what models were trained on.
inline value filter_tojson(runtime& rt, const arguments& in) {
    const value* indent = in.find(1, "indent");
    const bool lines = indent != nullptr && !indent->is(value::kind::none);
    const std::int64_t width = lines ? std::clamp<std::int64_t>(rt.integer_of(*indent, "indent"), 0, 32) : -1;
    const json data = to_json(rt, in.self());
    return rt.make(data.dump(json_format{static_cast<int>(width), lines ? "," : ", ", ": "}));
}

inline value filter_length(runtime& rt, const arguments& in) {
    const value& x = in.self();
    if (x.is(value::kind::list)) return static_cast<std::int64_t>(x.as_list().size());
    if (x.is(value::kind::dict)) return static_cast<std::int64_t>(x.as_dict().size());
    if (x.is_undefined()) return std::int64_t{0};
    rt.touch(rt.string_of(x, "what has a length"));
    return static_cast<std::int64_t>(
        std::ranges::count_if(x.as_string(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

inline value filter_default(runtime&, const arguments& in) {
    const value* otherwise = in.find(1, "default_value");
    const value* also_false = in.find(2, "boolean");
    const bool missing =
        in.self().is_undefined() || (also_false != nullptr && also_false->truth() && !in.self().truth());
    return !missing ? in.self() : otherwise != nullptr ? *otherwise : value("");
}

// x.a.b or x.0 for the filters that take an attribute's path.
inline value path_of(runtime& rt, value object, const value& path) {
    if (!path.is_string()) return rt.subscript(object, path);
    std::string_view rest = path.as_string();
    while (true) {
        const std::size_t dot = rest.find('.');
        const std::string_view part = rest.substr(0, dot);
        std::int64_t index = 0;
        const auto [end, ec] = std::from_chars(part.data(), part.data() + part.size(), index);
        const bool number = ec == std::errc{} && end == part.data() + part.size();
        object = number ? rt.subscript(object, index) : rt.attribute(object, part);
        if (dot == rest.npos) return object;
        rest.remove_prefix(dot + 1);
    }
}

inline value attribute_or_self(runtime& rt, const value& item, const value* path) {
    return path == nullptr || path->is(value::kind::none) ? item : path_of(rt, item, *path);
}

// select, reject, selectattr and rejectattr: arguments are [attribute,] [test, operands...].
template <bool Attribute, bool Keep>
value filter_select(runtime& rt, const arguments& in) {
    const value* path = Attribute ? &filter_operand(rt, in, 1, "attribute") : nullptr;
    const std::size_t first = Attribute ? 2 : 1;
    native_function test = nullptr;
    if (const value* name = in.find(first)) {
        test = find_builtin(tests, rt.string_of(*name, "a test's name"));
        if (test == nullptr) rt.fail("unknown test '" + name->as_string() + "'");
    }
    value_list out;
    for (const value& item : rt.items(in.self())) {
        arguments call;
        call.positional.push_back(attribute_or_self(rt, item, path));
        for (std::size_t i = first + 1; i < in.positional.size(); ++i) call.positional.push_back(in.positional[i]);
        const bool passes = test == nullptr ? call.self().truth() : test(rt, call).truth();
        if (passes == Keep) out.push_back(item);
    }
    return rt.make(std::move(out));
}

inline value filter_map(runtime& rt, const arguments& in) {
    const value* path = in.find(in.positional.size(), "attribute");
    native_function filter = nullptr;
    if (path == nullptr) {
        const std::string& name = rt.string_of(filter_operand(rt, in, 1, "filter"), "a filter's name");
        filter = find_filter(name);
        if (filter == nullptr) rt.fail("unknown filter '" + name + "'");
    }
    const value* otherwise = in.find(in.positional.size(), "default");
    value_list out;
    for (const value& item : rt.items(in.self())) {
        if (path != nullptr) {
            value found = path_of(rt, item, *path);
            out.push_back(found.is_undefined() && otherwise != nullptr ? *otherwise : std::move(found));
            continue;
        }
        arguments call;
        call.positional.push_back(item);
        for (std::size_t i = 2; i < in.positional.size(); ++i) call.positional.push_back(in.positional[i]);
        out.push_back(filter(rt, call));
    }
    return rt.make(std::move(out));
}

inline value filter_items(runtime& rt, const arguments& in) {
    value_list out;
    if (in.self().is_undefined()) return out;
    if (!in.self().is(value::kind::dict)) rt.fail("'items' needs a mapping, not " + runtime::describe(in.self()));
    for (const auto& [name, item] : in.self().as_dict()) {
        rt.charge(4 * sizeof(value) + name.size());
        out.push_back(value_list{name, item});
    }
    return rt.make(std::move(out));
}

// Sorted copies; strings without regard to case unless asked. A key is computed once per element.
inline value_list sorted(runtime& rt, const value_list& items, const value* path, bool exact, bool backwards) {
    std::vector<std::pair<value, std::size_t>> keys;
    for (std::size_t i = 0; i < items.size(); ++i) {
        value key = attribute_or_self(rt, items[i], path);
        if (key.is_string() && !exact) key = rt.make(lowered(key.as_string()));
        keys.emplace_back(std::move(key), i);
    }
    // Comparing must not throw halfway through a sort, and needs a strict weak order: kinds are checked first.
    for (const auto& [key, i] : keys)
        if (const auto self = compare(key, keys.front().first); !self || *self == std::partial_ordering::unordered)
            rt.fail("values of different kinds have no order");
    rt.spend(keys.size() * 16);
    std::stable_sort(keys.begin(), keys.end(), [&](const auto& a, const auto& b) {
        const auto order = backwards ? compare(b.first, a.first) : compare(a.first, b.first);
        return *order < 0;
    });
    value_list out;
    for (const auto& [key, i] : keys) out.push_back(items[i]);
    return out;
}

inline bool flag(const arguments& in, std::size_t place, std::string_view name) {
    const value* given = in.find(place, name);
    return given != nullptr && given->truth();
}

inline value filter_sort(runtime& rt, const arguments& in) {
    return rt.make(sorted(rt, rt.items(in.self()), in.find(3, "attribute"), flag(in, 2, "case_sensitive"),
                          flag(in, 1, "reverse")));
}

inline value filter_dictsort(runtime& rt, const arguments& in) {
    const value first(std::int64_t{0});
    const value pairs = filter_items(rt, in);
    return rt.make(sorted(rt, pairs.as_list(), &first, flag(in, 1, "case_sensitive"), flag(in, 3, "reverse")));
}

inline value filter_unique(runtime& rt, const arguments& in) {
    value_list out;
    for (const value& item : rt.items(in.self()))
        if (std::ranges::none_of(out, [&](const value& seen) { return rt.equal(seen, item); })) out.push_back(item);
    return rt.make(std::move(out));
}

template <bool Greatest>
value filter_extreme(runtime& rt, const arguments& in) {
    const value_list items =
        sorted(rt, rt.items(in.self()), in.find(2, "attribute"), flag(in, 1, "case_sensitive"), Greatest);
    return items.empty() ? value(undefined{"element"}) : items.front();
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
        if (const auto [end, ec] = std::from_chars(first, last, whole); ec == std::errc{} && end == last) return whole;
        if (const auto [end, ec] = std::from_chars(first, last, real); ec != std::errc{} || end != last)
            return fallback;
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
    if (in.self().is(value::kind::real)) return std::fabs(in.self().as_double());
    const std::int64_t x = rt.integer_of(in.self(), "a number");
    if (x == std::numeric_limits<std::int64_t>::min()) rt.fail("integer overflow");
    return x < 0 ? -x : x;
}

inline value filter_round(runtime& rt, const arguments& in) {
    if (!in.self().is_number()) rt.fail("'round' needs a number, not " + runtime::describe(in.self()));
    const value* precision = in.find(1, "precision");
    const value* method = in.find(2, "method");
    const double scale = std::pow(10.0, precision == nullptr ? 0.0
                                                             : static_cast<double>(std::clamp<std::int64_t>(
                                                                   rt.integer_of(*precision, "precision"), -300, 300)));
    const double x = in.self().as_double() * scale;
    const std::string_view how = method == nullptr ? "common" : std::string_view(rt.string_of(*method, "method"));
    return (how == "ceil" ? std::ceil(x) : how == "floor" ? std::floor(x) : std::nearbyint(x)) / scale;
}

inline value filter_sum(runtime& rt, const arguments& in) {
    const value* path = in.find(1, "attribute");
    double total = 0;
    bool whole = true;
    for (const value& item : rt.items(in.self())) {
        const value x = attribute_or_self(rt, item, path);
        if (!x.is_number()) rt.fail("'sum' needs numbers, not " + runtime::describe(x));
        whole = whole && !x.is(value::kind::real);
        total += x.as_double();
    }
    return whole && std::fabs(total) < 9e15 ? value(static_cast<std::int64_t>(total)) : value(total);
}

inline value filter_join(runtime& rt, const arguments& in) {
    const value* separator = in.find(1, "d");
    const value* path = in.find(2, "attribute");
    value_list parts = rt.items(in.self());
    if (path != nullptr)
        for (value& part : parts) part = path_of(rt, part, *path);
    return joined(parts, separator == nullptr ? std::string() : rt.print(*separator), rt);
}

inline value filter_replace(runtime& rt, const arguments& in) {
    const value* count = in.find(3, "count");
    const bool all = count == nullptr || count->is(value::kind::none);
    return rt.make(replaced(rt.print(in.self()), rt.print(filter_operand(rt, in, 1, "old")),
                            rt.print(filter_operand(rt, in, 2, "new")), all ? -1 : rt.integer_of(*count, "count"), rt));
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

inline value filter_list(runtime& rt, const arguments& in) { return rt.items(in.self()); }
inline value filter_string(runtime& rt, const arguments& in) { return rt.make(rt.print(in.self())); }
inline value filter_lower(runtime& rt, const arguments& in) { return rt.make(lowered(rt.print(in.self()))); }
inline value filter_upper(runtime& rt, const arguments& in) { return rt.make(uppered(rt.print(in.self()))); }

}  // namespace detail

inline constexpr builtin filters[] = {
    {"abs", detail::filter_abs},
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
         return in.self().is_string() ? rt.slice(in.self(), {}, {}, back) : rt.slice(rt.items(in.self()), {}, {}, back);
     }},
    {"round", detail::filter_round},
    {"safe", detail::filter_string},
    {"select", detail::filter_select<false, true>},
    {"selectattr", detail::filter_select<true, true>},
    {"sort", detail::filter_sort},
    {"string", detail::filter_string},
    {"sum", detail::filter_sum},
    {"title", [](runtime& rt, const arguments& in) { return rt.make(titled(rt.print(in.self()))); }},
    {"tojson", detail::filter_tojson},
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
