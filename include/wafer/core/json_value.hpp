// SPDX-License-Identifier: MIT
// L0 core: a JSON value. How it is read is in json_parser.hpp, how it is written in json_writer.hpp.
#pragma once

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <wafer/core/config.hpp>
#include <wafer/core/error.hpp>
#include <wafer/core/json_number.hpp>

namespace wafer::inline WAFER_ABI {

/// How json::dump lays out its text. A negative indent writes one line.
struct json_format {
    int indent = -1;
    std::string_view comma = ",";
    std::string_view colon = ":";
};

namespace detail {
class json_parser;
}

/// A JSON value. Objects keep the order of their members, and numbers that were read the way in which they were written, so
/// that what is written again reads as it was built. No value is deeper than max_depth, however it is made, so that walking,
/// copying or destroying one cannot exhaust the stack. A value that was moved from is null. Building and copying take memory
/// as the standard's containers do.
class json {
public:
    /// The elements in order; the members in order, each a name and a value.
    using array = std::vector<json>;
    using object = std::vector<std::pair<std::string, json>>;
    /// What a value is. A number is an integer where as_int() can give it, else a real.
    enum class kind : std::uint8_t { null, boolean, integer, real, string, array, object };

    /// Arrays and objects inside one another, at most.
    static constexpr int max_depth = 256;

    /// Null.
    json() noexcept = default;
    json(std::nullptr_t) noexcept {}
    /// A boolean.
    json(std::same_as<bool> auto value) noexcept : value_(value) {}
    /// An integer, exactly; of the kind real where it is beyond std::int64_t.
    template <std::integral T>
    requires(!std::same_as<T, bool>) json(T value)
    noexcept(std::signed_integral<T> || sizeof(T) < sizeof(std::int64_t)) : value_(to_number(value)) {}
    /// A real; NaN and infinities are kept, and written as null.
    json(std::floating_point auto value) noexcept : value_(static_cast<double>(value)) {}
    /// A string: the bytes as they are. @throws error{errc::invalid_argument} for a null pointer
    json(std::string value) noexcept : value_(std::move(value)) {}
    json(std::string_view value) : value_(std::string(value)) {}
    json(const char* value) {
        if (value == nullptr) raise(errc::invalid_argument, "a JSON string cannot be made of a null pointer");
        value_ = std::string(value);
    }
    /// An array; an object, whose names should differ. @throws error{errc::invalid_argument} beyond max_depth
    json(array value) : value_(nest<array>(std::move(value))) {}
    json(object value) : value_(nest<object>(std::move(value))) {}

    json(const json&) = default;
    json& operator=(const json& other) { return *this = json(other); }  // which may be a part of this
    json(json&& other) noexcept : value_(std::exchange(other.value_, {})) {}
    json& operator=(json&& other) noexcept {
        value_ = std::exchange(other.value_, {});
        return *this;
    }
    ~json() = default;

    /// Reads one JSON document (RFC 8259): no comments, no trailing commas, UTF-8 only, no duplicate keys.
    /// Numbers may have any size; whole ones within 64 bits, signed, are integers where they are written as such.
    /// @throws error{errc::bad_json} with line, column and byte offset; `file` is named in it when given.
    /// @throws error{errc::out_of_memory}
    /// @cost  O(n log n) for one object of n members, else linear.
    [[nodiscard]] static json parse(std::string_view text, std::string_view file = {});

    /// Writes the value. Numbers that were read are written as they were: 1.10, 1e2, -0, or twenty digits. Reals that were
    /// built are the shortest that read back equal; those that JSON cannot hold become null, bytes that are not UTF-8 become
    /// U+FFFD. @throws error{errc::out_of_memory}
    [[nodiscard]] std::string dump(int indent = -1) const {
        return dump(json_format{indent, ",", indent < 0 ? ":" : ": "});
    }
    [[nodiscard]] std::string dump(const json_format& format) const {
        return or_out_of_memory([&] {
            std::string out;
            write(out, format, 0);
            return out;
        });
    }

    /// What it is.
    [[nodiscard]] kind type() const noexcept {
        if (const auto* number = std::get_if<written_number>(&value_))
            return number->text == "-0" ? kind::integer : kind::real;
        return static_cast<kind>(value_.index());
    }
    /// Whether it is of that kind; is_number: an integer or a real.
    [[nodiscard]] bool is_null() const noexcept { return type() == kind::null; }
    [[nodiscard]] bool is_bool() const noexcept { return type() == kind::boolean; }
    [[nodiscard]] bool is_integer() const noexcept { return type() == kind::integer; }
    [[nodiscard]] bool is_number() const noexcept { return is_integer() || type() == kind::real; }
    [[nodiscard]] bool is_string() const noexcept { return type() == kind::string; }
    [[nodiscard]] bool is_array() const noexcept { return type() == kind::array; }
    [[nodiscard]] bool is_object() const noexcept { return type() == kind::object; }

    /// The value as one type. @throws error{errc::wrong_type} where it is another; as_double also takes integers,
    /// rounded to the nearest double, which is infinite for numbers beyond the greatest. References are into this value,
    /// which stays as it is: what is inside is changed by making it anew, so that depths stay known.
    [[nodiscard]] bool as_bool() const { return as<bool>("a boolean"); }
    [[nodiscard]] std::int64_t as_int() const {
        return is_integer() && !written().empty() ? 0 : as<std::int64_t>("an integer");
    }
    [[nodiscard]] double as_double() const {
        if (!written().empty()) return nearest_double(written());
        return is_integer() ? static_cast<double>(as_int()) : as<double>("a number");
    }
    [[nodiscard]] const std::string& as_string() const { return as<std::string>("a string"); }
    [[nodiscard]] const array& as_array() const& { return as<nested<array>>("an array").items; }
    [[nodiscard]] const object& as_object() const& { return as<nested<object>>("an object").items; }
    /// The elements or members of a value that is no longer needed: std::move(value).as_array().
    [[nodiscard]] array as_array() && { return take<array>("an array"); }
    [[nodiscard]] object as_object() && { return take<object>("an object"); }

    /// How a number was written where it was read, unless it is an integer, which dump() writes the same anyway; how an
    /// integer beyond std::int64_t is written. Empty for all else.
    [[nodiscard]] std::string_view written() const noexcept {
        const auto* number = std::get_if<written_number>(&value_);
        return number != nullptr ? std::string_view(number->text) : std::string_view{};
    }
    /// Arrays and objects inside one another: 0 for what is neither, 1 for [1].
    [[nodiscard]] int depth() const noexcept {
        if (const auto* items = std::get_if<nested<array>>(&value_)) return items->depth;
        if (const auto* members = std::get_if<nested<object>>(&value_)) return members->depth;
        return 0;
    }

    /// The member of that name, or nullptr; also nullptr where this is no object. Linear in the number of members.
    [[nodiscard]] const json* find(std::string_view key) const noexcept {
        if (const auto* members = std::get_if<nested<object>>(&value_))
            for (const auto& [name, value] : members->items)
                if (name == key) return &value;
        return nullptr;
    }
    /// The member of that name. @throws error{errc::missing_key}.
    [[nodiscard]] const json& at(std::string_view key) const {
        if (const json* value = find(key)) return *value;
        raise(errc::missing_key, "JSON value is " + kind_name() + " and has no member \"" + std::string(key) + "\"");
    }
    /// The element at that index. @throws error{errc::invalid_argument} past the end; error{errc::wrong_type} of no
    /// array
    [[nodiscard]] const json& at(std::size_t index) const {
        const array& items = as_array();
        if (index < items.size()) return items[index];
        raise(errc::invalid_argument,
              "JSON array of " + std::to_string(items.size()) + " elements has no index " + std::to_string(index));
    }
    /// Adds or replaces a member; null becomes an object first. Gives *this. Linear in the number of members.
    /// @throws error{errc::wrong_type} where it is neither; error{errc::invalid_argument} beyond max_depth
    json& set(std::string key, json value) {
        auto& members = grow<object>(value, "an object");
        for (auto& [name, old] : members.items) {
            if (name != key) continue;
            const bool deepest = old.depth() + 1 == members.depth;
            old = std::move(value);
            if (deepest) members.depth = depth_of(members.items);
            return *this;
        }
        members.items.emplace_back(std::move(key), std::move(value));
        return *this;
    }
    /// Adds an element; null becomes an array first. Gives *this.
    /// @throws error{errc::wrong_type} where it is neither; error{errc::invalid_argument} beyond max_depth
    json& push_back(json value) {
        grow<array>(value, "an array").items.push_back(std::move(value));
        return *this;
    }

    /// The same content: numbers of equal value, as dump() writes them, so that 1, 1.0 and 1e0 are equal and integers of any
    /// size are compared exactly, though none with NaN or infinities that were built; objects with the same members in the
    /// same order.
    friend bool operator==(const json& a, const json& b) {
        if (a.is_number() && b.is_number()) return has_same_value(a, b);
        if (a.type() != b.type()) return false;
        switch (a.type()) {
            case kind::boolean: return a.as_bool() == b.as_bool();
            case kind::string: return a.as_string() == b.as_string();
            case kind::array: return a.as_array() == b.as_array();
            case kind::object: return a.as_object() == b.as_object();
            default: return true;
        }
    }

    /// Appends a JSON string literal with its quotes.
    static void write_string(std::string& out, std::string_view text);
    /// Appends the shortest text that reads back as this double and is recognisably not an integer.
    static void write_real(std::string& out, double value);

private:
    friend class detail::json_parser;

    // A number that is no integer of 64 bits, or is "-0", as JSON writes it.
    struct written_number {
        std::string text;
    };
    template <class Items>
    struct nested {
        Items items;
        int depth = 1;
    };
    // In the order of kind.
    using storage = std::variant<std::monostate, bool, std::int64_t, double, std::string, nested<array>, nested<object>,
                                 written_number>;

    explicit json(written_number number) noexcept : value_(std::move(number)) {}

    template <std::integral T>
    static storage to_number(T value) {
        if constexpr (std::unsigned_integral<T>)
            if (!std::in_range<std::int64_t>(value)) return written_number{std::to_string(value)};
        return static_cast<std::int64_t>(value);
    }
    template <class T>
    const T& as(std::string_view wanted) const {
        if (const T* value = std::get_if<T>(&value_)) return *value;
        raise(errc::wrong_type, "JSON value is " + kind_name() + ", not " + std::string(wanted));
    }
    [[nodiscard]] std::string kind_name() const {
        static constexpr std::string_view names[] = {"null",     "a boolean", "an integer", "a number",
                                                     "a string", "an array",  "an object"};
        return std::string(names[static_cast<std::size_t>(type())]);
    }

    static int depth_of(const array& items) noexcept {
        int inner = 0;
        for (const json& item : items) inner = std::max(inner, item.depth());
        return inner + 1;
    }
    static int depth_of(const object& members) noexcept {
        int inner = 0;
        for (const auto& member : members) inner = std::max(inner, member.second.depth());
        return inner + 1;
    }
    static void check_depth(int depth) {
        if (depth > max_depth)
            raise(errc::invalid_argument, "JSON is nested more than " + std::to_string(max_depth) + " deep");
    }
    template <class Items>
    static nested<Items> nest(Items items) {
        const int depth = depth_of(items);
        check_depth(depth);
        return {std::move(items), depth};
    }
    template <class Items>
    nested<Items>& own(std::string_view wanted) {
        return const_cast<nested<Items>&>(as<nested<Items>>(wanted));
    }
    template <class Items>
    Items take(std::string_view wanted) {
        Items out = std::move(own<Items>(wanted).items);
        value_ = {};
        return out;
    }
    // The array or object that this is, or becomes, with a depth at which the value may be put into it.
    template <class Items>
    nested<Items>& grow(const json& value, std::string_view wanted) {
        check_depth(value.depth() + 1);
        if (is_null()) value_ = nested<Items>{};
        auto& out = own<Items>(wanted);
        out.depth = std::max(out.depth, value.depth() + 1);
        return out;
    }

    static bool has_same_value(const json& a, const json& b) {
        if (a.value_.index() == b.value_.index()) {
            if (const auto* integer = std::get_if<std::int64_t>(&a.value_))
                return *integer == std::get<std::int64_t>(b.value_);
            if (const auto* real = std::get_if<double>(&a.value_)) return *real == std::get<double>(b.value_);
            if (a.written() == b.written()) return true;
        }
        const auto is_finite = [](const json& v) { return !v.written().empty() || std::isfinite(v.as_double()); };
        return is_finite(a) && is_finite(b) && decimal_of(a.dump()) == decimal_of(b.dump());
    }
    void write(std::string& out, const json_format& format, int level) const;

    storage value_;
};

}  // namespace wafer::inline WAFER_ABI
