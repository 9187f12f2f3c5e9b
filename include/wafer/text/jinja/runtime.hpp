// SPDX-License-Identifier: MIT
// L1 text/jinja: what filters, tests, methods and the interpreter share: bounds, errors with their place, element access.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <wafer/core/config.hpp>
#include <wafer/core/error.hpp>
#include <wafer/core/utf8.hpp>
#include <wafer/text/jinja/lexer.hpp>
#include <wafer/text/jinja/value.hpp>

namespace wafer::inline WAFER_ABI::jinja {

/// What rendering may use at most. A template that needs more fails with errc::template_failed.
struct limits {
    std::uint64_t steps = 10'000'000;  // nodes evaluated, elements and 64-byte units of text touched
    std::uint64_t bytes = 256u << 20;  // printed or built, in all
    int depth = 400;                   // evaluations inside one another
};

/// Arguments of a call. The first positional one of a filter, test or method is what it is applied to.
struct arguments {
    std::vector<value> positional;
    std::vector<std::pair<std::string_view, value>> named;

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

/// The characters of a text, each as its bytes.
[[nodiscard]] inline std::vector<std::string_view> characters(std::string_view text) {
    std::vector<std::string_view> out;
    out.reserve(text.size());
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t length = decode_utf8(text, at).length;
        out.push_back(text.substr(at, length));
        at += length;
    }
    return out;
}

/// The state of one rendering that does not depend on the tree.
class runtime {
public:
    runtime(std::string_view source, const limits& bounds, std::chrono::sys_seconds now)
        : source_(source), bounds_(bounds), now_(now) {}

    /// @throws error{errc::template_failed} at the node being evaluated, always.
    [[noreturn]] void fail(std::string_view what) const {
        raise(errc::template_failed, "chat template: " + std::string(what) + " (" + position(source_, offset_) + ")");
    }
    void move_to(std::uint32_t offset) noexcept { offset_ = offset; }
    [[nodiscard]] std::chrono::sys_seconds now() const noexcept { return now_; }

    void spend(std::uint64_t steps) {
        if (steps > bounds_.steps - steps_) fail("more than " + std::to_string(bounds_.steps) + " steps");
        steps_ += steps;
    }
    /// Counts memory that is about to be taken.
    void charge(std::uint64_t bytes) {
        if (bytes > bounds_.bytes - bytes_)
            fail("more than " + std::to_string(bounds_.bytes) + " bytes of text and values");
        bytes_ += bytes;
    }
    /// Counts the reading of a text.
    void touch(std::string_view text) { spend(1 + text.size() / 64); }
    /// Counts a search, whose worst case is the product of the lengths.
    void touch_search(std::string_view text, std::string_view what) {
        touch(text);
        spend(static_cast<std::uint64_t>(text.size()) / 32 * what.size() / 32);
    }
    /// Counts a walk over everything inside a value, which may be far more than memory holds where parts are shared.
    void touch_all(const value& v) {
        spend(1);
        if (v.is_string()) charge(v.as_string().size());
        if (v.is(value::kind::list))
            for (const value& item : v.as_list()) touch_all(item);
        if (v.is(value::kind::dict))
            for (const auto& [name, item] : v.as_dict()) {
                charge(name.size());
                touch_all(item);
            }
    }

    [[nodiscard]] value make(std::string text) {
        charge(text.size());
        return value(std::move(text));
    }
    [[nodiscard]] value make(value_list items) {
        charge(items.size() * sizeof(value));
        return value(std::move(items));
    }
    [[nodiscard]] name_space* make_name_space(value_dict members) {
        charge(sizeof(name_space) + members.size() * sizeof(value_dict::value_type));
        spaces_.push_back(std::make_unique<name_space>(name_space{std::move(members)}));
        return spaces_.back().get();
    }

    /// What printing a value gives.
    [[nodiscard]] std::string print(const value& v) {
        touch_all(v);
        return v.text();
    }
    [[nodiscard]] bool equal(const value& a, const value& b) {
        touch_all(a);
        return a == b;
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
                for (const auto& member : v.as_dict()) out.push_back(make(member.first));
                break;
            case value::kind::string:
                charge(v.as_string().size() * 2 * sizeof(value));
                for (const std::string_view c : characters(v.as_string())) out.emplace_back(c);
                break;
            default: fail(describe(v) + " is not iterable");
        }
        spend(out.size());
        return out;
    }

    [[nodiscard]] value attribute(const value& object, std::string_view name) {
        if (object.is_undefined())
            fail("'" + object.missing_name() + "' is undefined and has no attribute '" + std::string(name) + "'");
        if (object.is(value::kind::loop)) return object.as_loop().attribute(name);
        if (object.is(value::kind::dict)) spend(1 + object.as_dict().size() / 8);
        if (const value* member = object.member(name)) return *member;
        return undefined{std::string(name)};
    }

    [[nodiscard]] value subscript(const value& object, const value& key) {
        if (key.is_string()) return attribute(object, key.as_string());
        if (object.is_undefined()) fail("'" + object.missing_name() + "' is undefined and has no elements");
        if (!key.is(value::kind::integer)) return undefined{"element"};
        const auto pick = [&](const auto& sequence) -> value {
            const auto size = static_cast<std::int64_t>(sequence.size());
            const std::int64_t index = key.as_int() < 0 ? key.as_int() + size : key.as_int();
            if (index < 0 || index >= size) return undefined{"element " + std::to_string(key.as_int())};
            return value(sequence[static_cast<std::size_t>(index)]);
        };
        if (object.is(value::kind::list)) return pick(object.as_list());
        if (!object.is_string()) return undefined{"element"};
        touch(object.as_string());
        charge(object.as_string().size() * sizeof(std::string_view));
        return pick(characters(object.as_string()));
    }

    /// Python's sequence[start:stop:step]; an undefined or none bound is absent.
    [[nodiscard]] value slice(const value& object, const value& start, const value& stop, const value& step) {
        const auto given = [](const value& v) { return !v.is_undefined() && !v.is(value::kind::none); };
        const std::int64_t by = given(step) ? integer_of(step, "a slice's step") : 1;
        if (by == 0) fail("a slice's step must not be 0");
        const auto cut = [&](const auto& sequence, const auto& take) {
            const auto size = static_cast<std::int64_t>(sequence.size());
            const auto bound = [&](const value& v, std::int64_t absent) {
                if (!given(v)) return absent;
                const std::int64_t i = integer_of(v, "a slice's bound");
                return std::clamp(i < 0 ? i + size : i, by < 0 ? std::int64_t{-1} : std::int64_t{0},
                                  by < 0 ? size - 1 : size);
            };
            const std::int64_t from = bound(start, by < 0 ? size - 1 : 0), to = bound(stop, by < 0 ? -1 : size);
            // Beyond the sequence's length, one step is as good as another, and none overflows.
            const std::int64_t stride = std::clamp(by, -size - 1, size + 1);
            for (std::int64_t i = from; stride > 0 ? i < to : i > to; i += stride)
                take(sequence[static_cast<std::size_t>(i)]);
        };
        if (object.is_string()) {
            charge(object.as_string().size() * sizeof(std::string_view));
            std::string out;
            cut(characters(object.as_string()), [&](std::string_view c) { out += c; });
            return make(std::move(out));
        }
        if (!object.is(value::kind::list)) fail(describe(object) + " cannot be sliced");
        value_list out;
        cut(object.as_list(), [&](const value& item) { out.push_back(item); });
        return make(std::move(out));
    }

private:
    std::string_view source_;
    limits bounds_;
    std::chrono::sys_seconds now_;
    std::uint64_t steps_ = 0, bytes_ = 0;
    std::uint32_t offset_ = 0;
    std::vector<std::unique_ptr<name_space>> spaces_;
};

}  // namespace wafer::inline WAFER_ABI::jinja
