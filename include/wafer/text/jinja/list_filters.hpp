// SPDX-License-Identifier: MIT
// L1 text/jinja: the filters of sequences: choosing, ordering, grouping.
#pragma once

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <wafer/core/config.hpp>
#include <wafer/text/jinja/operators.hpp>
#include <wafer/text/jinja/runtime.hpp>
#include <wafer/text/jinja/strings.hpp>
#include <wafer/text/jinja/tests.hpp>

namespace wafer::inline WAFER_ABI::jinja {

namespace detail {

inline const value& filter_operand(runtime& rt, const arguments& in, std::size_t place, std::string_view name) {
    const value* operand = in.find(place, name);
    if (operand == nullptr) rt.fail("the filter needs the argument '" + std::string(name) + "'");
    return *operand;
}

inline bool flag(const arguments& in, std::size_t place, std::string_view name) {
    const value* given = in.find(place, name);
    return given != nullptr && given->truth();
}

// x.a.b or x.0 for the filters that take an attribute's path; `otherwise` for each part that is missing.
inline value path_of(runtime& rt, value object, const value& path, const value* otherwise = nullptr) {
    const auto step = [&](const value& key) {
        value found = rt.subscript(object, key);
        return found.is_undefined() && otherwise != nullptr ? *otherwise : found;
    };
    if (!path.is_string()) return step(path);
    std::string_view rest = path.as_string();
    while (true) {
        const std::size_t dot = rest.find('.');
        const std::string_view part = rest.substr(0, dot);
        std::int64_t index = 0;
        const auto [end, ec] = std::from_chars(part.data(), part.data() + part.size(), index);
        const bool number = ec == std::errc{} && end == part.data() + part.size();
        object = step(number ? value(index) : value(part));
        if (dot == rest.npos) return object;
        rest.remove_prefix(dot + 1);
    }
}

inline value attribute_or_self(runtime& rt, const value& item, const value* path) {
    return path == nullptr || path->is(value::kind::none) ? item : path_of(rt, item, *path);
}

// What map, select and the like walk over: they take whatever is false for an empty sequence.
inline value_list items_if_true(runtime& rt, const value& sequence) {
    return sequence.truth() ? rt.items(sequence) : value_list{};
}

// What map, select and the like hand on with each item: the arguments from a place on, and all that have a name.
inline arguments arguments_from(runtime& rt, const arguments& in, std::size_t first, value item) {
    arguments out;
    out.positional.push_back(std::move(item));
    for (std::size_t i = first; i < in.positional.size(); ++i) out.positional.push_back(in.positional[i]);
    out.named = in.named;
    rt.spend(out.positional.size() + out.named.size());
    return out;
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
    for (const value& item : items_if_true(rt, in.self())) {
        const arguments call = arguments_from(rt, in, first + 1, attribute_or_self(rt, item, path));
        const bool passes = test == nullptr ? call.self().truth() : test(rt, call).truth();
        if (passes == Keep) out.push_back(item);
    }
    return rt.make(std::move(out));
}

inline value filter_items(runtime& rt, const arguments& in) {
    value_list out;
    if (in.self().is_undefined()) return rt.make(std::move(out));
    if (!in.self().is(value::kind::dict)) rt.fail("'items' needs a mapping, not " + runtime::describe(in.self()));
    for (const auto& [key, item] : in.self().as_dict()) {
        rt.spend(1);
        out.push_back(rt.make_tuple({key, item}));
    }
    return rt.make(std::move(out));
}

// What elements are ordered by: an attribute, several ("a,b") or they themselves; strings without regard to case unless
// asked.
inline value key_of(runtime& rt, const value& item, const value* path, bool exact) {
    const auto folded = [&](value v) { return v.is_string() && !exact ? rt.make(lowered(v.as_string())) : v; };
    if (path == nullptr || !path->is_string() || path->as_string().find(',') == std::string::npos)
        return folded(attribute_or_self(rt, item, path));
    value_list keys;
    const value separator(","), parts = split(path->as_string(), &separator, -1, rt);
    for (const value& part : parts.as_list()) keys.push_back(folded(path_of(rt, item, part)));
    return rt.make(std::move(keys));
}

// Sorted copies. A key is computed once per element.
inline value_list sorted(runtime& rt, const value_list& items, const value* path, bool exact, bool backwards) {
    std::vector<std::pair<value, std::size_t>> keys;
    for (std::size_t i = 0; i < items.size(); ++i) keys.emplace_back(key_of(rt, items[i], path, exact), i);
    std::stable_sort(keys.begin(), keys.end(), [&](const auto& a, const auto& b) {
        // As Python orders the lists of keys: none has no order, but is no less than none.
        return !rt.equal(a.first, b.first) &&
               in_order(rt, backwards ? b.first : a.first, "<", backwards ? a.first : b.first);
    });
    value_list out;
    for (const auto& [key, i] : keys) out.push_back(items[i]);
    return out;
}

inline value filter_sort(runtime& rt, const arguments& in) {
    return rt.make(sorted(rt, rt.items(in.self()), in.find(3, "attribute"), flag(in, 2, "case_sensitive"),
                          flag(in, 1, "reverse")));
}

inline value filter_dictsort(runtime& rt, const arguments& in) {
    const value* by = in.find(2, "by");
    const value place(std::int64_t{by != nullptr && rt.string_of(*by, "by") == "value" ? 1 : 0});
    const value pairs = filter_items(rt, in);
    return rt.make(sorted(rt, pairs.as_list(), &place, flag(in, 1, "case_sensitive"), flag(in, 3, "reverse")));
}

inline value filter_unique(runtime& rt, const arguments& in) {
    value_list out, seen;
    for (const value& item : rt.items(in.self())) {
        value key = key_of(rt, item, in.find(2, "attribute"), flag(in, 1, "case_sensitive"));
        if (std::any_of(seen.begin(), seen.end(), [&](const value& other) { return rt.equal(other, key); })) continue;
        seen.push_back(std::move(key));
        out.push_back(item);
    }
    return rt.make(std::move(out));
}

template <bool Greatest>
value filter_extreme(runtime& rt, const arguments& in) {
    const value_list items =
        sorted(rt, rt.items(in.self()), in.find(2, "attribute"), flag(in, 1, "case_sensitive"), Greatest);
    return items.empty() ? value(undefined{"element"}) : items.front();
}

// Pairs of an attribute's value and the elements that have it, ordered by it.
inline value filter_groupby(runtime& rt, const arguments& in) {
    const value& path = filter_operand(rt, in, 1, "attribute");
    const value* otherwise = in.find(2, "default");
    const bool exact = flag(in, 3, "case_sensitive");
    value_list pairs;
    for (const value& item : rt.items(in.self())) {
        value key = path_of(rt, item, path, otherwise);
        pairs.push_back(rt.make_tuple({std::move(key), item}));
    }
    const value first(std::int64_t{0});
    value_list out, group;
    value known;
    const auto close = [&] {
        if (!group.empty()) out.push_back(rt.make_tuple({known, rt.make(std::exchange(group, {}))}));
    };
    for (const value& pair : sorted(rt, pairs, &first, exact, false)) {
        const value& key = pair.as_list()[0];
        if (!group.empty() && !rt.equal(key_of(rt, key, nullptr, exact), key_of(rt, known, nullptr, exact))) close();
        if (group.empty()) known = key;
        group.push_back(pair.as_list()[1]);
    }
    close();
    return rt.make(std::move(out));
}

// Rows of n elements; the last is filled up where there is something to fill it with.
inline value filter_batch(runtime& rt, const arguments& in) {
    const std::int64_t n = rt.integer_of(filter_operand(rt, in, 1, "linecount"), "linecount");
    const value* fill = in.find(2, "fill_with");
    if (n <= 0) rt.fail("a row of 'batch' needs at least one element");
    value_list out, row;
    const auto close = [&] { out.push_back(rt.make(std::exchange(row, {}))); };
    for (value& item : rt.items(in.self())) {
        row.push_back(std::move(item));
        if (static_cast<std::int64_t>(row.size()) == n) close();
    }
    if (row.empty()) return rt.make(std::move(out));
    for (; fill != nullptr && static_cast<std::int64_t>(row.size()) < n; row.push_back(*fill)) rt.charge(sizeof(value));
    close();
    return rt.make(std::move(out));
}

// n columns, the first ones longer by one where the elements do not divide evenly.
inline value filter_slice(runtime& rt, const arguments& in) {
    const std::int64_t n = rt.integer_of(filter_operand(rt, in, 1, "slices"), "slices");
    const value* fill = in.find(2, "fill_with");
    if (n <= 0) rt.fail("'slice' needs at least one column");
    const value_list items = rt.items(in.self());
    const auto columns = static_cast<std::uint64_t>(n), length = items.size() / columns,
               longer = items.size() % columns;
    rt.spend(columns);
    rt.charge(columns * sizeof(value));
    value_list out;
    auto at = items.begin();
    for (std::uint64_t i = 0; i < columns; ++i) {
        const auto end = at + static_cast<std::ptrdiff_t>(length + (i < longer ? 1 : 0));
        value_list column(at, end);
        at = end;
        if (fill != nullptr && longer != 0 && i >= longer) column.push_back(*fill);
        out.push_back(rt.make(std::move(column)));
    }
    return rt.make(std::move(out));
}

inline value filter_sum(runtime& rt, const arguments& in) {
    const value* path = in.find(1, "attribute");
    const value* start = in.find(2, "start");
    value total = std::int64_t{0};
    const auto add = [&](const value& x) {
        if (!x.is_number()) rt.fail("'sum' needs numbers, not " + runtime::describe(x));
        total = combine(rt, "+", total, x);
    };
    if (start != nullptr) add(*start);
    for (const value& item : rt.items(in.self())) add(attribute_or_self(rt, item, path));
    return total;
}

inline value filter_join(runtime& rt, const arguments& in) {
    const value* separator = in.find(1, "d");
    const value* path = in.find(2, "attribute");
    value_list parts = rt.items(in.self());
    if (path != nullptr)
        for (value& part : parts) part = path_of(rt, part, *path);
    return joined(parts, separator == nullptr ? std::string() : rt.print(*separator), rt);
}

}  // namespace detail

}  // namespace wafer::inline WAFER_ABI::jinja
