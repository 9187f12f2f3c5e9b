// SPDX-License-Identifier: MIT
// L1 text/jinja: what may be called on strings, lists, dicts and loops, as in Python. A new method is one entry.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include <wafer/core/config.hpp>
#include <wafer/text/jinja/formatting.hpp>
#include <wafer/text/jinja/list_filters.hpp>
#include <wafer/text/jinja/runtime.hpp>
#include <wafer/text/jinja/strings.hpp>

namespace wafer::inline WAFER_ABI::jinja {

namespace detail {

inline const value& method_operand(runtime& rt, const arguments& in, std::size_t place) {
    const value* operand = in.find(place);
    if (operand == nullptr) rt.fail("the method needs " + std::to_string(place) + " argument" + (place > 1 ? "s" : ""));
    return *operand;
}

inline std::string_view text_operand(runtime& rt, const arguments& in, std::size_t place) {
    return rt.string_of(method_operand(rt, in, place), "the argument");
}

inline std::int64_t count_operand(runtime& rt, const arguments& in, std::size_t place, std::string_view name) {
    const value* count = in.find(place, name);
    return count == nullptr ? -1 : rt.integer_of(*count, name);
}

// Filters, too: of anything that prints.
inline value filter_replace(runtime& rt, const arguments& in) {
    const value* count = in.find(3, "count");
    const bool all = count == nullptr || count->is(value::kind::none);
    return rt.make(replaced(rt.print(in.self()), rt.print(filter_operand(rt, in, 1, "old")),
                            rt.print(filter_operand(rt, in, 2, "new")), all ? -1 : rt.integer_of(*count, "count"), rt));
}

inline value filter_lower(runtime& rt, const arguments& in) { return rt.make(lowered(rt.print(in.self()))); }
inline value filter_upper(runtime& rt, const arguments& in) { return rt.make(uppered(rt.print(in.self()))); }

template <sides Where>
value method_strip(runtime& rt, const arguments& in) {
    return rt.make(std::string(stripped(in.self().as_string(), in.find(1), Where, rt)));
}

// The part of a text between the offsets that some methods take last.
inline std::string_view part_of(runtime& rt, const arguments& in, std::size_t place) {
    const value *start = in.find(place), *stop = in.find(place + 1);
    return rt.part_of(in.self().as_string(), start != nullptr ? *start : value(), stop != nullptr ? *stop : value());
}

// startswith and endswith also take a list of alternatives.
template <bool Start>
value method_affix(runtime& rt, const arguments& in) {
    const std::string_view text = part_of(rt, in, 2);
    const auto matches = [&](const value& affix) {
        const std::string& part = rt.string_of(affix, "a prefix or suffix");
        rt.touch(part);
        return Start ? text.starts_with(part) : text.ends_with(part);
    };
    const value& affixes = method_operand(rt, in, 1);
    if (!affixes.is(value::kind::list)) return matches(affixes);
    return std::any_of(affixes.as_list().begin(), affixes.as_list().end(), matches);
}

// Offsets count characters, as in Python. index and rindex fail where find and rfind give -1.
template <bool Last, bool Must>
value method_find(runtime& rt, const arguments& in) {
    const std::string_view text = in.self().as_string(), part = part_of(rt, in, 2), what = text_operand(rt, in, 1);
    const std::size_t found = Last ? rt.find_last(part, what) : rt.find(part, what);
    if (found == part.npos && Must) rt.fail("the text is not in the string");
    if (found == part.npos) return std::int64_t{-1};
    const auto before = text.substr(0, static_cast<std::size_t>(part.data() - text.data()) + found);
    rt.touch(before);
    return static_cast<std::int64_t>(count_characters(before));
}

inline value method_count(runtime& rt, const arguments& in) {
    const std::string_view text = part_of(rt, in, 2), what = text_operand(rt, in, 1);
    rt.touch(text);
    if (what.empty()) return static_cast<std::int64_t>(count_characters(text) + 1);
    std::int64_t n = 0;
    for (std::size_t at = rt.find(text, what); at != text.npos; at = rt.find(text, what, at + what.size())) ++n;
    return n;
}

inline value method_join(runtime& rt, const arguments& in) {
    const value_list parts = rt.items(method_operand(rt, in, 1));
    for (const value& part : parts) (void)rt.string_of(part, "what is joined");
    return joined(parts, in.self().as_string(), rt);
}

inline value method_split(runtime& rt, const arguments& in) {
    return split(in.self().as_string(), in.find(1, "sep"), count_operand(rt, in, 2, "maxsplit"), rt);
}

inline value method_rsplit(runtime& rt, const arguments& in) {
    return split_right(in.self().as_string(), in.find(1, "sep"), count_operand(rt, in, 2, "maxsplit"), rt);
}

inline value method_splitlines(runtime& rt, const arguments& in) {
    std::string_view text = in.self().as_string();
    const bool keep = flag(in, 1, "keepends");
    rt.touch(text);
    value_list out;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find_first_of("\r\n"), text.size());
        const std::size_t next = std::min(end + (text.substr(end, 2) == "\r\n" ? 2 : 1), text.size());
        rt.charge(sizeof(value) + 32);
        out.push_back(rt.make(std::string(text.substr(0, keep ? next : end))));
        text.remove_prefix(next);
    }
    return rt.make(std::move(out));
}

// The text around the first or last separator, and the separator itself.
template <bool Last>
value method_partition(runtime& rt, const arguments& in) {
    const std::string_view text = in.self().as_string(), mark = text_operand(rt, in, 1);
    if (mark.empty()) rt.fail("empty separator");
    const std::size_t found = Last ? rt.find_last(text, mark) : rt.find(text, mark);
    if (found == text.npos) return rt.make_tuple(Last ? value_list{"", "", in.self()} : value_list{in.self(), "", ""});
    return rt.make_tuple({rt.make(std::string(text.substr(0, found))), rt.make(std::string(mark)),
                          rt.make(std::string(text.substr(found + mark.size())))});
}

// Fills up to a width, in characters.
template <sides Where>
value method_pad(runtime& rt, const arguments& in) {
    const std::string& text = in.self().as_string();
    const std::int64_t width = rt.integer_of(method_operand(rt, in, 1), "a width");
    const value* fill = in.find(2);
    const std::string unit = fill == nullptr ? " " : rt.string_of(*fill, "what fills");
    rt.touch(unit);
    rt.touch(text);
    if (count_characters(unit) != 1) rt.fail("one character fills");
    const auto size = static_cast<std::int64_t>(count_characters(text));
    const std::uint64_t missing = width > size ? static_cast<std::uint64_t>(width - size) : 0;
    rt.charge(missing);
    rt.spend(missing);
    // Python puts the odd one left of centre if the width is odd.
    const std::uint64_t left = Where == sides::left ? 0
                               : Where == sides::right
                                   ? missing
                                   : missing / 2 + (missing & static_cast<std::uint64_t>(width) & 1);
    std::string out;
    for (std::uint64_t i = 0; i < left; ++i) out += unit;
    out += text;
    for (std::uint64_t i = left; i < missing; ++i) out += unit;
    return rt.make(std::move(out));
}

template <bool Prefix>
value method_remove_affix(runtime& rt, const arguments& in) {
    std::string_view text = in.self().as_string();
    const std::string_view part = text_operand(rt, in, 1);
    if (Prefix && text.starts_with(part)) text.remove_prefix(part.size());
    if (!Prefix && text.ends_with(part)) text.remove_suffix(part.size());
    return rt.make(std::string(text));
}

template <bool (*Is)(char32_t)>
value method_all(runtime& rt, const arguments& in) {
    const std::string_view text = in.self().as_string();
    std::size_t at = 0;
    for (; at < text.size() && Is(decode_utf8(text, at).code); at = utf8_next(text, at)) rt.spend(1);
    return !text.empty() && at == text.size();
}

inline bool is_alphabetic(char32_t c) { return is_letter(category(c)); }
inline bool is_digit(char32_t c) { return category(c) == general_category::nd; }
inline bool is_alphanumeric(char32_t c) { return is_letter(category(c)) || is_number(category(c)); }
inline bool is_numeric(char32_t c) { return is_number(category(c)); }

template <bool Values>
value dict_parts(runtime& rt, const arguments& in) {
    value_list out;
    for (const auto& [key, item] : in.self().as_dict()) out.push_back(Values ? item : key);
    rt.spend(out.size());
    return rt.make(std::move(out));
}

inline value dict_get(runtime& rt, const arguments& in) {
    const value_dict& members = in.self().as_dict();
    const std::size_t i = rt.place_of(members, method_operand(rt, in, 1));
    if (i < members.size()) return members[i].second;
    const value* otherwise = in.find(2, "default");
    return otherwise != nullptr ? *otherwise : value(nullptr);
}

inline value list_index(runtime& rt, const arguments& in) {
    const value_list& items = in.self().as_list();
    for (std::size_t i = 0; i < items.size(); ++i)
        if (rt.equal(items[i], method_operand(rt, in, 1))) return static_cast<std::int64_t>(i);
    rt.fail("the value is not in the list");
}

inline value list_count(runtime& rt, const arguments& in) {
    std::int64_t n = 0;
    for (const value& item : in.self().as_list()) n += rt.equal(item, method_operand(rt, in, 1)) ? 1 : 0;
    return n;
}

inline value copy(runtime&, const arguments& in) { return in.self(); }  // values are immutable

inline value loop_changed(runtime& rt, const arguments& in) {
    std::string now = rt.print(rt.make(value_list(in.positional.begin() + 1, in.positional.end())));
    const loop_state& loop = in.self().as_loop();
    const bool changed = loop.seen != now;
    loop.seen = std::move(now);
    return changed;
}

inline value loop_cycle(runtime& rt, const arguments& in) {
    if (in.positional.size() < 2) rt.fail("loop.cycle needs values");
    return in.positional[1 + in.self().as_loop().index % (in.positional.size() - 1)];
}

}  // namespace detail

inline constexpr builtin string_methods[] = {
    {"capitalize", [](runtime& rt, const arguments& in) { return rt.make(capitalized(in.self().as_string())); }},
    {"casefold", detail::filter_lower},
    {"center", detail::method_pad<sides::both>},
    {"count", detail::method_count},
    {"endswith", detail::method_affix<false>},
    {"find", detail::method_find<false, false>},
    {"format", [](runtime& rt, const arguments& in) { return brace_formatted(rt, in.self().as_string(), in); }},
    {"index", detail::method_find<false, true>},
    {"isalnum", detail::method_all<detail::is_alphanumeric>},
    {"isalpha", detail::method_all<detail::is_alphabetic>},
    {"isdecimal", detail::method_all<detail::is_digit>},
    {"isdigit", detail::method_all<detail::is_digit>},
    {"islower", detail::is_case<is_lower, is_upper>},
    {"isnumeric", detail::method_all<detail::is_numeric>},
    {"isspace", detail::method_all<is_blank>},
    {"isupper", detail::is_case<is_upper, is_lower>},
    {"join", detail::method_join},
    {"ljust", detail::method_pad<sides::left>},
    {"lower", detail::filter_lower},
    {"lstrip", detail::method_strip<sides::left>},
    {"partition", detail::method_partition<false>},
    {"removeprefix", detail::method_remove_affix<true>},
    {"removesuffix", detail::method_remove_affix<false>},
    {"replace", detail::filter_replace},
    {"rfind", detail::method_find<true, false>},
    {"rindex", detail::method_find<true, true>},
    {"rjust", detail::method_pad<sides::right>},
    {"rpartition", detail::method_partition<true>},
    {"rsplit", detail::method_rsplit},
    {"rstrip", detail::method_strip<sides::right>},
    {"split", detail::method_split},
    {"splitlines", detail::method_splitlines},
    {"startswith", detail::method_affix<true>},
    {"strip", detail::method_strip<sides::both>},
    {"title", [](runtime& rt, const arguments& in) { return rt.make(titled(in.self().as_string())); }},
    {"upper", detail::filter_upper},
};

inline constexpr builtin dict_methods[] = {
    {"copy", detail::copy},
    {"get", detail::dict_get},
    {"items", detail::filter_items},
    {"keys", detail::dict_parts<false>},
    {"values", detail::dict_parts<true>},
};

inline constexpr builtin list_methods[] = {
    {"copy", detail::copy},
    {"count", detail::list_count},
    {"index", detail::list_index},
};

inline constexpr builtin loop_methods[] = {
    {"changed", detail::loop_changed},
    {"cycle", detail::loop_cycle},
};

/// The method of that name for this kind of value, or nullptr.
[[nodiscard]] inline native_function find_method(const value& object, std::string_view name) noexcept {
    switch (object.type()) {
        case value::kind::string: return find_builtin(string_methods, name);
        case value::kind::dict: return find_builtin(dict_methods, name);
        case value::kind::list: return find_builtin(list_methods, name);
        case value::kind::loop: return find_builtin(loop_methods, name);
        default: return nullptr;
    }
}

}  // namespace wafer::inline WAFER_ABI::jinja
