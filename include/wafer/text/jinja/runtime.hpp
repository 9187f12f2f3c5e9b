// SPDX-License-Identifier: MIT
// L1 text/jinja: what filters, tests, methods and the interpreter share: making, comparing and taking apart values.
#pragma once

#include <algorithm>
#include <chrono>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <wafer/core/config.hpp>
#include <wafer/core/error.hpp>
#include <wafer/core/json_number.hpp>
#include <wafer/core/utf8.hpp>
#include <wafer/text/jinja/budget.hpp>
#include <wafer/text/jinja/value.hpp>

namespace wafer::inline WAFER_ABI::jinja {

/// Arguments of a call. The first positional one of a filter, test or method is what it is applied to.
struct arguments {
    std::vector<value> positional;
    std::vector<std::pair<std::string_view, value>> named;
    value spread{};  // the dict behind **, which owns names

    /// Adds the members of a dict as named arguments.
    void spread_out(value dict) {
        spread = std::move(dict);
        for (const auto& [key, item] : spread.as_dict())
            if (key.is_string()) named.emplace_back(key.as_string(), item);
    }

    /// The argument at that place or of that name, or nullptr.
    [[nodiscard]] const value* find(std::size_t place, std::string_view name = {}) const noexcept {
        if (place < positional.size()) return &positional[place];
        for (const auto& [key, item] : named)
            if (!name.empty() && key == name) return &item;
        return nullptr;
    }
    [[nodiscard]] const value& self() const noexcept { return positional.front(); }
};

/// A name that templates can use, and what it does.
struct builtin {
    std::string_view name;
    native_function call;
};

[[nodiscard]] inline native_function find_builtin(std::span<const builtin> table, std::string_view name) noexcept {
    for (const builtin& entry : table)
        if (entry.name == name) return entry.call;
    return nullptr;
}

/// How many characters a text has.
[[nodiscard]] inline std::size_t count_characters(std::string_view text) noexcept {
    std::size_t n = 0;
    for (const char c : text) n += (static_cast<unsigned char>(c) & 0xC0) != 0x80;
    return n;
}

/// The state of one rendering that does not depend on the tree.
class runtime : public budget {
public:
    runtime(std::string_view source, const limits& bounds, std::chrono::sys_seconds now, const stop_signal* stop)
        : budget(source, bounds, stop), now_(now) {}

    [[nodiscard]] std::chrono::sys_seconds now() const noexcept { return now_; }

    [[nodiscard]] value make(std::string text) {
        charge(text.size());
        return value(std::move(text));
    }
    [[nodiscard]] value make(value_list items) {
        charge(items.size() * sizeof(value));
        return not_too_deep(value(std::move(items)));
    }
    [[nodiscard]] value make_tuple(value_list items) {
        charge(items.size() * sizeof(value));
        return not_too_deep(value::tuple(std::move(items)));
    }
    [[nodiscard]] value make(value_dict members) {
        charge(members.size() * sizeof(value_dict::value_type));
        return not_too_deep(value(std::move(members)));
    }
    [[nodiscard]] value make_name_space(value_dict members) {
        charge(sizeof(name_space) + members.size() * sizeof(value_dict::value_type));
        spaces_.push_back(std::make_unique<name_space>(name_space{std::move(members)}));
        return spaces_.back().get();
    }

    /// What printing a value gives.
    [[nodiscard]] std::string print(const value& v) {
        touch_all(v);
        return v.text();
    }

    /// Python's ==: numbers by value, others by kind and content. Counts what it reads.
    [[nodiscard]] bool equal(const value& a, const value& b) {
        using kind = value::kind;
        spend(1);
        if (a.is_number() && b.is_number()) return order_numbers(a, b) == 0;
        if (a.type() != b.type()) return false;
        if (!a.is(kind::function) && a.shares_with(b)) return true;
        switch (a.type()) {
            case kind::string: return same_text(a.as_string(), b.as_string());
            case kind::list: {
                const value_list &x = a.as_list(), &y = b.as_list();
                if (a.is_tuple() != b.is_tuple() || x.size() != y.size()) return false;
                for (std::size_t i = 0; i < x.size(); ++i)
                    if (!equal(x[i], y[i])) return false;
                return true;
            }
            case kind::dict: {
                const value_dict &x = a.as_dict(), &y = b.as_dict();
                if (x.size() != y.size()) return false;
                for (const auto& [key, item] : x) {
                    const std::size_t i = place_of(y, key);
                    if (i == y.size() || !equal(item, y[i].second)) return false;
                }
                return true;
            }
            case kind::loop: return false;
            case kind::name_space: return &a.as_name_space() == &b.as_name_space();
            case kind::function: return a.as_function() == b.as_function();
            case kind::macro: return &a.as_macro() == &b.as_macro();
            default: return true;  // undefined and none
        }
    }

    /// Whether a < b, a > b or neither, for two numbers, two strings or two lists; nothing for other pairs.
    [[nodiscard]] std::optional<std::partial_ordering> order(const value& a, const value& b) {
        using kind = value::kind;
        spend(1);
        if (a.is_number() && b.is_number()) return order_numbers(a, b);
        if (a.is_string() && b.is_string()) {
            touch(std::string_view(a.as_string()).substr(0, b.as_string().size()));
            return a.as_string() <=> b.as_string();
        }
        if (!a.is(kind::list) || !b.is(kind::list) || a.is_tuple() != b.is_tuple()) return std::nullopt;
        const value_list &x = a.as_list(), &y = b.as_list();
        for (std::size_t i = 0; i < std::min(x.size(), y.size()); ++i)
            if (!equal(x[i], y[i])) return order(x[i], y[i]);
        return x.size() <=> y.size();
    }

    /// Which member has that key, where 1, 1.0 and true are one key; members.size() if none.
    [[nodiscard]] std::size_t place_of(const value_dict& members, const value& key) {
        if (key.is_string()) return place_of(members, std::string_view(key.as_string()));
        std::size_t i = 0;
        while (i < members.size() && !equal(members[i].first, key)) ++i;
        return i;
    }
    [[nodiscard]] std::size_t place_of(const value_dict& members, std::string_view name) {
        spend(1 + members.size() * (1 + name.size() / 64) / 8);
        std::size_t i = 0;
        while (i < members.size() && !(members[i].first.is_string() && members[i].first.as_string() == name)) ++i;
        return i;
    }
    /// members[key] = item.
    void put(value_dict& members, value key, value item) {
        if ((key.is(value::kind::list) && !key.is_tuple()) || key.is(value::kind::dict))
            fail("a " + describe(key) + " cannot be the key of a dict");
        const std::size_t i = place_of(members, key);
        if (i < members.size()) members[i].second = std::move(item);
        else members.emplace_back(std::move(key), std::move(item));
    }

    /// "'x' is undefined", or what the value is: for messages.
    [[nodiscard]] static std::string describe(const value& v) {
        return v.is_undefined() ? "undefined '" + v.missing_name() + "'" : std::string(v.type_name());
    }
    [[nodiscard]] const std::string& string_of(const value& v, std::string_view role) const {
        if (!v.is_string()) fail(std::string(role) + " must be a string, not " + describe(v));
        return v.as_string();
    }
    [[nodiscard]] std::int64_t integer_of(const value& v, std::string_view role) const {
        if (!v.is(value::kind::integer) && !v.is(value::kind::boolean))
            fail(std::string(role) + " must be an integer, not " + describe(v));
        return v.as_int();
    }

    /// The elements that a loop would visit: of a list, the keys of a dict, the characters of a string; none of undefined.
    [[nodiscard]] value_list items(const value& v) {
        value_list out;
        switch (v.type()) {
            case value::kind::undefined: break;
            case value::kind::list:
                charge(v.as_list().size() * sizeof(value));
                out = v.as_list();
                break;
            case value::kind::dict:
                charge(v.as_dict().size() * sizeof(value));
                for (const auto& member : v.as_dict()) out.push_back(member.first);
                break;
            case value::kind::string:
                charge(v.as_string().size() * 2 * sizeof(value));
                for (std::size_t at = 0, next; at < v.as_string().size(); at = next) {
                    next = utf8_next(v.as_string(), at);
                    out.emplace_back(std::string_view(v.as_string()).substr(at, next - at));
                }
                break;
            default: fail(describe(v) + " is not iterable");
        }
        spend(out.size());
        return out;
    }

    /// object[key], where strings also name what loops and namespaces hold.
    [[nodiscard]] value subscript(const value& object, const value& key) {
        if (key.is_string()) return attribute(object, key.as_string());
        if (object.is_undefined()) fail("'" + object.missing_name() + "' is undefined and has no elements");
        if (object.is(value::kind::dict)) {
            const std::size_t i = place_of(object.as_dict(), key);
            return i < object.as_dict().size() ? object.as_dict()[i].second : value(undefined{"element"});
        }
        if (!key.is(value::kind::integer) && !key.is(value::kind::boolean)) return undefined{"element"};
        if (object.is(value::kind::list)) {
            const auto size = static_cast<std::int64_t>(object.as_list().size());
            const std::int64_t i = key.as_int() < 0 ? key.as_int() + size : key.as_int();
            if (i >= 0 && i < size) return object.as_list()[static_cast<std::size_t>(i)];
        } else if (object.is_string()) {
            const std::string_view text = object.as_string();
            const std::size_t at = offset_of(text, key.as_int());
            if (at < text.size()) return text.substr(at, utf8_next(text, at) - at);
        }
        return undefined{"element " + std::to_string(key.as_int())};
    }
    /// The same by name.
    [[nodiscard]] value attribute(const value& object, std::string_view name) {
        if (object.is_undefined())
            fail("'" + object.missing_name() + "' is undefined and has no attribute '" + std::string(name) + "'");
        if (object.is(value::kind::loop)) return object.as_loop().attribute(name);
        const value_dict* members = object.is(value::kind::dict)         ? &object.as_dict()
                                    : object.is(value::kind::name_space) ? &object.as_name_space().members
                                                                         : nullptr;
        const std::size_t i = members != nullptr ? place_of(*members, name) : 0;
        if (members != nullptr && i < members->size()) return (*members)[i].second;
        return undefined{std::string(name)};
    }

    /// Where the i-th character of a text begins, counted from the end if i is negative; npos if there is none.
    [[nodiscard]] std::size_t offset_of(std::string_view text, std::int64_t i) {
        const bool backwards = i < 0;
        std::size_t at = backwards ? text.size() : 0;
        if (backwards)
            for (; i < 0 && at > 0; ++i) at = utf8_previous(text, at);
        else
            for (; i > 0 && at < text.size(); --i) at = utf8_next(text, at);
        touch(backwards ? text.substr(at) : text.substr(0, at));
        return i == 0 ? at : text.npos;
    }

    /// Python's sequence[start:stop:step]; an undefined or none bound is absent.
    [[nodiscard]] value slice(const value& object, const value& start, const value& stop, const value& step) {
        const auto given = [](const value& v) { return !v.is_undefined() && !v.is(value::kind::none); };
        const std::int64_t by = given(step) ? integer_of(step, "a slice's step") : 1;
        if (by == 0) fail("a slice's step must not be 0");
        if (object.is_string() && by == 1) return make(std::string(part_of(object.as_string(), start, stop)));
        if (!object.is_string() && !object.is(value::kind::list)) fail(describe(object) + " cannot be sliced");
        const value_list characters = object.is_string() ? items(object) : value_list{};
        const value_list& all = object.is_string() ? characters : object.as_list();
        const auto size = static_cast<std::int64_t>(all.size());
        const auto bound = [&](const value& v, std::int64_t absent) {
            if (!given(v)) return absent;
            const std::int64_t i = integer_of(v, "a slice's bound");
            return std::clamp(i < 0 ? i + size : i, by < 0 ? std::int64_t{-1} : std::int64_t{0},
                              by < 0 ? size - 1 : size);
        };
        const std::int64_t from = bound(start, by < 0 ? size - 1 : 0), to = bound(stop, by < 0 ? -1 : size);
        // Beyond the sequence's length, one step is as good as another, and none overflows.
        const std::int64_t stride = std::clamp(by, -size - 1, size + 1);
        value_list out;
        std::string text;
        for (std::int64_t i = from; stride > 0 ? i < to : i > to; i += stride) {
            spend(1);
            const value& item = all[static_cast<std::size_t>(i)];
            if (object.is_string()) text += item.as_string();
            else out.push_back(item);
        }
        return object.is_string()  ? make(std::move(text))
               : object.is_tuple() ? make_tuple(std::move(out))
                                   : make(std::move(out));
    }
    /// Python's text[start:stop], in place.
    [[nodiscard]] std::string_view part_of(std::string_view text, const value& start, const value& stop) {
        const auto bound = [&](const value& v, std::size_t absent) {
            if (v.is_undefined() || v.is(value::kind::none)) return absent;
            const std::int64_t i = integer_of(v, "a bound");
            const std::size_t at = offset_of(text, i);
            return at != text.npos ? at : i < 0 ? std::size_t{0} : text.size();
        };
        const std::size_t begin = bound(start, 0), end = bound(stop, text.size());
        return text.substr(begin, std::max(begin, end) - begin);
    }

private:
    // Integers of any size exactly, others as doubles.
    [[nodiscard]] std::partial_ordering order_numbers(const value& a, const value& b) {
        const auto is_whole = [](const value& v) { return !v.is(value::kind::real) || v.is_big_integer(); };
        if (!is_whole(a) || !is_whole(b)) return a.as_double() <=> b.as_double();
        if (!a.is_big_integer() && !b.is_big_integer()) return a.as_int() <=> b.as_int();
        const auto digits = [&](const value& v) {
            touch(v.written());
            return decimal_of(v.written().empty() ? std::to_string(v.as_int()) : std::string(v.written()));
        };
        return digits(a) <=> digits(b);
    }
    [[nodiscard]] value not_too_deep(value v) const {
        if (v.depth() > value::max_depth) fail("values are nested too deeply");
        return v;
    }

    std::chrono::sys_seconds now_;
    std::vector<std::unique_ptr<name_space>> spaces_;
};

}  // namespace wafer::inline WAFER_ABI::jinja
