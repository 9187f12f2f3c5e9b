// SPDX-License-Identifier: MIT
// L0 core: a JSON value, and how it is written. (How it is read: json_parser.hpp.)
#pragma once

#include <algorithm>
#include <charconv>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <variant>
#include <vector>

#include <wafer/core/config.hpp>
#include <wafer/core/error.hpp>
#include <wafer/core/utf8.hpp>

namespace wafer::inline WAFER_ABI {

/// How json::dump lays out its text. A negative indent writes one line.
struct json_format {
    int indent = -1;
    std::string_view comma = ",";
    std::string_view colon = ":";
};

/// A JSON value. Objects keep the order of their members, so that what is written reads as it was built.
class json {
public:
    /// The elements in order; the members in order, each a name and a value.
    using array = std::vector<json>;
    using object = std::vector<std::pair<std::string, json>>;
    /// What a value is. A number is an integer or a real by how it was made; for those in a text see parse.
    enum class kind : std::uint8_t { null, boolean, integer, real, string, array, object };

    /// Arrays and objects inside one another, at most. Deeper text is refused, so that reading it cannot exhaust the stack.
    static constexpr int max_depth = 256;

    /// Null.
    json() noexcept = default;
    json(std::nullptr_t) noexcept {}
    /// A boolean.
    json(std::same_as<bool> auto value) noexcept : value_(value) {}
    /// An integer; a real where it is beyond std::int64_t.
    template <std::integral T>
    requires(!std::same_as<T, bool>) json(T value)
    noexcept : value_(to_number(value)) {}
    /// A real; NaN and infinities are kept, and written as null.
    json(std::floating_point auto value) noexcept : value_(static_cast<double>(value)) {}
    /// A string: the bytes as they are. @pre the pointer is not null
    json(std::string value) noexcept : value_(std::move(value)) {}
    json(std::string_view value) : value_(std::string(value)) {}
    json(const char* value) : value_(std::string(value)) {}
    /// An array; an object, whose names should differ.
    json(array value) noexcept : value_(std::move(value)) {}
    json(object value) noexcept : value_(std::move(value)) {}

    /// Reads one JSON document (RFC 8259): no comments, no trailing commas, UTF-8 only, no duplicate keys.
    /// Whole numbers within 64 bits, signed, are integers, all others reals.
    /// @throws error{errc::bad_json} with line, column and byte offset; `file` is named in it when given.
    /// @cost  O(n log n) for one object of n members, else linear.
    [[nodiscard]] static json parse(std::string_view text, std::string_view file = {});

    /// Writes the value. Reals are the shortest that read back equal; those that JSON cannot hold become null,
    /// bytes that are not UTF-8 become U+FFFD.
    [[nodiscard]] std::string dump(int indent = -1) const {
        return dump(json_format{indent, ",", indent < 0 ? ":" : ": "});
    }
    [[nodiscard]] std::string dump(const json_format& format) const {
        std::string out;
        write(out, format, 0);
        return out;
    }

    /// What it is.
    [[nodiscard]] kind type() const noexcept { return static_cast<kind>(value_.index()); }
    /// Whether it is of that kind; is_number: an integer or a real.
    [[nodiscard]] bool is_null() const noexcept { return type() == kind::null; }
    [[nodiscard]] bool is_bool() const noexcept { return type() == kind::boolean; }
    [[nodiscard]] bool is_integer() const noexcept { return type() == kind::integer; }
    [[nodiscard]] bool is_number() const noexcept { return is_integer() || type() == kind::real; }
    [[nodiscard]] bool is_string() const noexcept { return type() == kind::string; }
    [[nodiscard]] bool is_array() const noexcept { return type() == kind::array; }
    [[nodiscard]] bool is_object() const noexcept { return type() == kind::object; }

    /// The value as one type. @throws error{errc::wrong_type} where it is another; as_double also takes integers,
    /// rounded to the nearest double. References are into this value.
    [[nodiscard]] bool as_bool() const { return as<bool>("a boolean"); }
    [[nodiscard]] std::int64_t as_int() const { return as<std::int64_t>("an integer"); }
    [[nodiscard]] double as_double() const {
        return is_integer() ? static_cast<double>(as_int()) : as<double>("a number");
    }
    [[nodiscard]] const std::string& as_string() const { return as<std::string>("a string"); }
    [[nodiscard]] const array& as_array() const { return as<array>("an array"); }
    [[nodiscard]] const object& as_object() const { return as<object>("an object"); }
    [[nodiscard]] array& as_array() { return const_cast<array&>(std::as_const(*this).as_array()); }
    [[nodiscard]] object& as_object() { return const_cast<object&>(std::as_const(*this).as_object()); }

    /// The member of that name, or nullptr; also nullptr where this is no object. Linear in the number of members.
    [[nodiscard]] const json* find(std::string_view key) const noexcept {
        if (const auto* members = std::get_if<object>(&value_))
            for (const auto& [name, value] : *members)
                if (name == key) return &value;
        return nullptr;
    }
    /// The member of that name. @throws error{errc::missing_key}.
    [[nodiscard]] const json& at(std::string_view key) const {
        if (const json* value = find(key)) return *value;
        raise(errc::missing_key, "JSON object has no member \"" + std::string(key) + "\"");
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
    /// @throws error{errc::wrong_type} where it is neither
    json& set(std::string key, json value) {
        if (is_null()) value_ = object{};
        for (auto& [name, old] : as_object())
            if (name == key) return old = std::move(value), *this;
        as_object().emplace_back(std::move(key), std::move(value));
        return *this;
    }
    /// Adds an element; null becomes an array first. Gives *this. @throws error{errc::wrong_type} where it is neither
    json& push_back(json value) {
        if (is_null()) value_ = array{};
        as_array().push_back(std::move(value));
        return *this;
    }

    /// Same kind and same content; objects also in the same order.
    friend bool operator==(const json& a, const json& b) { return a.value_ == b.value_; }

    /// Appends a JSON string literal with its quotes.
    static void write_string(std::string& out, std::string_view text);
    /// Appends the shortest text that reads back as this double and is recognisably not an integer.
    static void write_real(std::string& out, double value);

private:
    using storage = std::variant<std::monostate, bool, std::int64_t, double, std::string, array, object>;

    template <std::integral T>
    static storage to_number(T value) noexcept {
        if (std::in_range<std::int64_t>(value)) return static_cast<std::int64_t>(value);
        return static_cast<double>(value);
    }
    template <class T>
    const T& as(std::string_view wanted) const {
        if (const T* value = std::get_if<T>(&value_)) return *value;
        static constexpr std::string_view names[] = {"null",     "a boolean", "an integer", "a number",
                                                     "a string", "an array",  "an object"};
        raise(errc::wrong_type, "JSON value is " + std::string(names[value_.index()]) + ", not " + std::string(wanted));
    }
    void write(std::string& out, const json_format& format, int level) const;

    storage value_;
};

inline void json::write_string(std::string& out, std::string_view text) {
    out.push_back('"');
    for (std::size_t at = 0; at < text.size();) {
        const utf8_step step = decode_utf8(text, at);
        const char c = text[at];
        static constexpr std::string_view specials = "\"\\\b\f\n\r\t", letters = "\"\\bfnrt";
        if (step.status != utf8_status::ok) {
            out += replacement_utf8;
        } else if (const auto special = specials.find(c); special != specials.npos) {
            out.push_back('\\');
            out.push_back(letters[special]);
        } else if (step.code < 0x20) {
            static constexpr char hex[] = "0123456789abcdef";
            out += "\\u00";
            out.push_back(hex[step.code >> 4]);
            out.push_back(hex[step.code & 15]);
        } else {
            out.append(text, at, step.length);
        }
        at += step.length;
    }
    out.push_back('"');
}

inline void json::write_real(std::string& out, double value) {
    if (!std::isfinite(value)) {
        out += "null";
        return;
    }
    // Plain digits between 1e-4 and 1e16, as JavaScript and Python print; shortest-form alone would write 1e+05.
    const double size = std::fabs(value);
    const bool plain = size == 0 || (size >= 1e-4 && size < 1e16);
    char text[32];
    const auto end =
        std::to_chars(text, text + sizeof text, value, plain ? std::chars_format::fixed : std::chars_format::scientific)
            .ptr;
    const std::string_view digits(text, static_cast<std::size_t>(end - text));
    out += digits;
    if (plain && digits.find('.') == digits.npos) out += ".0";
}

inline void json::write(std::string& out, const json_format& format, int level) const {
    const auto new_line = [&](int depth) {
        if (format.indent < 0) return;
        out.push_back('\n');
        out.append(static_cast<std::size_t>(depth) * static_cast<std::size_t>(format.indent), ' ');
    };
    const auto list = [&](char open, const auto& items, char close, const auto& write_item) {
        out.push_back(open);
        bool first = true;
        for (const auto& item : items) {
            if (!first) out += format.comma;
            first = false;
            new_line(level + 1);
            write_item(item);
        }
        if (!items.empty()) new_line(level);
        out.push_back(close);
    };
    switch (type()) {
        case kind::null: out += "null"; break;
        case kind::boolean: out += as_bool() ? "true" : "false"; break;
        case kind::integer: out += std::to_string(as_int()); break;
        case kind::real: write_real(out, as_double()); break;
        case kind::string: write_string(out, as_string()); break;
        case kind::array:
            list('[', as_array(), ']', [&](const json& item) { item.write(out, format, level + 1); });
            break;
        case kind::object:
            list('{', as_object(), '}', [&](const auto& member) {
                write_string(out, member.first);
                out += format.colon;
                member.second.write(out, format, level + 1);
            });
            break;
    }
}

}  // namespace wafer::inline WAFER_ABI
