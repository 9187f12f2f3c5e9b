// SPDX-License-Identifier: MIT
// L1 text/jinja: the values that templates compute with, and what Python says of them: truth and text.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <wafer/core/config.hpp>
#include <wafer/core/error.hpp>
#include <wafer/core/json.hpp>

namespace wafer::inline WAFER_ABI::jinja {

class value;
struct statement;
struct loop_state;
struct arguments;
class runtime;

using value_list = std::vector<value>;
using value_dict = std::vector<std::pair<value, value>>;  // few members: a search walks
using native_function = value (*)(runtime&, const arguments&);

/// The result of looking up what is not there; the name is for error messages.
struct undefined {
    std::string name;
};

/// What a namespace() holds. The runtime owns it, so that values cannot form cycles of ownership.
struct name_space {
    value_dict members;
};

/// A value. Strings, lists and dicts are immutable and shared: copies are cheap. A tuple is a list that prints as one.
class value {
public:
    enum class kind : std::uint8_t {
        undefined,
        none,
        boolean,
        integer,
        real,
        string,
        list,
        dict,
        name_space,
        loop,
        function,
        macro
    };

    /// Containers inside one another, at most: what is built must not exhaust the stack when it is walked. Constructors raise
    /// error{errc::template_failed} beyond that; one level more is let through, for the runtime to say where it came from.
    static constexpr int max_depth = json::max_depth;

    value() = default;
    value(undefined missing) : shared_(std::make_shared<const undefined>(std::move(missing))) {}
    value(std::nullptr_t) : kind_(kind::none) {}
    value(std::same_as<bool> auto b) : kind_(kind::boolean), scalar_{.integer = b} {}
    value(std::int64_t n) : kind_(kind::integer), scalar_{.integer = n} {}
    value(double x) : kind_(kind::real), scalar_{.real = x} {}
    value(std::string text) : kind_(kind::string), shared_(std::make_shared<const std::string>(std::move(text))) {}
    value(std::string_view text) : value(std::string(text)) {}
    value(const char* text) : value(std::string(text)) {}
    explicit value(value_list items);
    explicit value(value_dict members);
    [[nodiscard]] static value tuple(value_list items) {
        value out(std::move(items));
        out.scalar_.integer = 1;
        return out;
    }
    value(name_space* space) : kind_(kind::name_space), scalar_{.space = space} {}
    value(std::shared_ptr<const loop_state> loop) : kind_(kind::loop), shared_(std::move(loop)) {}
    value(native_function f) : kind_(kind::function), scalar_{.function = f} {}
    /// A method, bound to what it was looked up in.
    value(native_function method, value self)
        : kind_(kind::function), scalar_{.function = method}, shared_(std::make_shared<const value>(std::move(self))) {
        check_depth(depth());
    }
    value(const statement* macro) : kind_(kind::macro), scalar_{.macro = macro} {}
    /// A number keeps the text in which it was written.
    explicit value(const json& source);

    [[nodiscard]] kind type() const noexcept { return kind_; }
    [[nodiscard]] bool is(kind k) const noexcept { return type() == k; }
    [[nodiscard]] bool is_undefined() const noexcept { return is(kind::undefined); }
    [[nodiscard]] bool is_string() const noexcept { return is(kind::string); }
    [[nodiscard]] bool is_tuple() const noexcept { return is(kind::list) && scalar_.integer != 0; }
    [[nodiscard]] bool is_number() const noexcept { return is(kind::boolean) || is(kind::integer) || is(kind::real); }

    /// The content; as_int and as_double take every number.
    /// @throws error{errc::template_failed} where the value is of another kind, or too large, which callers should have ruled out.
    [[nodiscard]] bool as_bool() const { return expect(kind::boolean).scalar_.integer != 0; }
    [[nodiscard]] std::int64_t as_int() const {
        if (is(kind::real) && scalar_.real > -9.2e18 && scalar_.real < 9.2e18)
            return static_cast<std::int64_t>(scalar_.real);
        return is(kind::boolean) ? scalar_.integer : expect(kind::integer).scalar_.integer;
    }
    [[nodiscard]] double as_double() const { return is(kind::real) ? scalar_.real : static_cast<double>(as_int()); }
    /// How a number is written that came as JSON, unless it is an integer that prints so anyway; else empty.
    [[nodiscard]] std::string_view written() const noexcept {
        const bool number = is(kind::integer) || is(kind::real);
        return number && shared_ ? *static_cast<const std::string*>(shared_.get()) : std::string_view{};
    }
    /// Whether it is a whole number that as_int() cannot give, with all of its digits in written().
    [[nodiscard]] bool is_big_integer() const noexcept {
        return is(kind::real) && shared_ && written().find_first_of(".eE") == std::string_view::npos;
    }
    [[nodiscard]] const std::string& as_string() const { return shared<std::string>(kind::string); }
    [[nodiscard]] const value_list& as_list() const;
    [[nodiscard]] const value_dict& as_dict() const;
    [[nodiscard]] name_space& as_name_space() const { return *expect(kind::name_space).scalar_.space; }
    [[nodiscard]] const loop_state& as_loop() const { return shared<loop_state>(kind::loop); }
    [[nodiscard]] native_function as_function() const { return expect(kind::function).scalar_.function; }
    /// What a function is bound to, or nullptr.
    [[nodiscard]] const value* bound_to() const {
        return static_cast<const value*>(expect(kind::function).shared_.get());
    }
    [[nodiscard]] const statement& as_macro() const { return *expect(kind::macro).scalar_.macro; }
    /// Of an undefined value: what was looked up.
    [[nodiscard]] std::string missing_name() const {
        return shared_ ? shared<undefined>(kind::undefined).name : "value";
    }

    /// Containers inside this value; 0 for a scalar.
    [[nodiscard]] int depth() const noexcept;

    /// Python's truth: empty containers, zero, None and undefined are false.
    [[nodiscard]] bool truth() const;
    /// What printing gives (str). A real prints as Python prints it; undefined prints nothing.
    [[nodiscard]] std::string text() const;
    /// Appends what printing gives inside a container (repr).
    void repr(std::string& out) const;
    [[nodiscard]] std::string_view type_name() const noexcept;

    /// Whether two values share one content. runtime::equal compares what is not shared.
    [[nodiscard]] bool shares_with(const value& other) const noexcept {
        return shared_ != nullptr && shared_ == other.shared_;
    }

private:
    template <class T>
    struct container {
        T content;
        int depth;
    };
    static int check_depth(int depth) {
        if (depth > max_depth + 1) raise(errc::template_failed, "chat template: values are nested too deeply");
        return depth;
    }
    const value& expect(kind k) const {
        if (kind_ != k) raise(errc::template_failed, "chat template: a value is of another kind than expected");
        return *this;
    }
    template <class T>
    [[nodiscard]] const T& shared(kind k) const {
        return *static_cast<const T*>(expect(k).shared_.get());
    }

    // Not a std::variant: of these twelve kinds it would take a second to compile in every program.
    kind kind_ = kind::undefined;
    union {
        std::int64_t integer;  // also of a boolean
        double real;
        name_space* space;
        native_function function;
        const statement* macro;
    } scalar_{.integer = 0};
    // A string, list, dict or loop, how a number is written, what a method is bound to, the name of an undefined value; or nothing.
    std::shared_ptr<const void> shared_;
};

/// What `loop` is inside a for loop.
struct loop_state {
    value sequence;  // a list
    std::size_t index = 0;
    const statement* source = nullptr;  // of a recursive loop
    std::size_t home = 0;               // the frame around the loop
    int level = 1;                      // of recursion
    mutable std::optional<std::string>
        seen{};  // what loop.changed saw last, as it prints: a value could hold this loop

    explicit loop_state(value list) : sequence(std::move(list)) {}
    [[nodiscard]] const value_list& items() const { return sequence.as_list(); }
    [[nodiscard]] value attribute(std::string_view name) const;
};

inline value::value(value_list items) {
    int inner = 0;
    for (const value& item : items) inner = std::max(inner, item.depth());
    const int whole = check_depth(inner + 1);
    kind_ = kind::list;
    shared_ = std::make_shared<const container<value_list>>(container<value_list>{std::move(items), whole});
}
inline value::value(value_dict members) {
    int inner = 0;
    for (const auto& [key, item] : members) inner = std::max({inner, key.depth(), item.depth()});
    const int whole = check_depth(inner + 1);
    kind_ = kind::dict;
    shared_ = std::make_shared<const container<value_dict>>(container<value_dict>{std::move(members), whole});
}

inline value::value(const json& source) {
    switch (source.type()) {
        case json::kind::null: *this = nullptr; break;
        case json::kind::boolean: *this = source.as_bool(); break;
        case json::kind::integer: *this = source.as_int(); break;
        case json::kind::real: *this = source.as_double(); break;
        case json::kind::string: *this = source.as_string(); break;
        case json::kind::array: {
            value_list items;
            for (const json& item : source.as_array()) items.emplace_back(item);
            *this = value(std::move(items));
            break;
        }
        case json::kind::object: {
            value_dict members;
            for (const auto& [name, item] : source.as_object()) members.emplace_back(name, value(item));
            *this = value(std::move(members));
            break;
        }
    }
    if (!source.written().empty()) shared_ = std::make_shared<const std::string>(source.written());
}

inline const value_list& value::as_list() const { return shared<container<value_list>>(kind::list).content; }
inline const value_dict& value::as_dict() const { return shared<container<value_dict>>(kind::dict).content; }

inline int value::depth() const noexcept {
    switch (kind_) {
        case kind::list: return shared<container<value_list>>(kind::list).depth;
        case kind::dict: return shared<container<value_dict>>(kind::dict).depth;
        case kind::loop: return as_loop().sequence.depth() + 1;
        case kind::function: return shared_ ? bound_to()->depth() + 1 : 0;
        default: return 0;
    }
}

inline bool value::truth() const {
    switch (type()) {
        case kind::undefined:
        case kind::none: return false;
        case kind::boolean: return as_bool();
        case kind::integer: return as_int() != 0;
        case kind::real: return as_double() != 0;
        case kind::string: return !as_string().empty();
        case kind::list: return !as_list().empty();
        case kind::dict: return !as_dict().empty();
        default: return true;
    }
}

inline std::string value::text() const {
    if (is_undefined()) return {};
    if (is_string()) return as_string();
    std::string out;
    repr(out);
    return out;
}

inline void value::repr(std::string& out) const {
    bool first = true;
    const auto separate = [&] {
        if (!first) out += ", ";
        first = false;
    };
    const auto quote = [&](std::string_view text) {
        const char mark = text.find('\'') != text.npos && text.find('"') == text.npos ? '"' : '\'';
        static constexpr std::string_view specials = "\n\r\t\\", letters = "nrt\\";
        out.push_back(mark);
        for (const char c : text) {
            const auto special = specials.find(c);
            const auto code = static_cast<unsigned char>(c);
            if (special != specials.npos || c == mark) out.push_back('\\');
            if (special == specials.npos && (code < 0x20 || code == 0x7F)) {
                static constexpr std::string_view digits = "0123456789abcdef";
                out += {'\\', 'x', digits[code >> 4], digits[code & 15]};
            } else {
                out.push_back(special != specials.npos ? letters[special] : c);
            }
        }
        out.push_back(mark);
    };
    switch (type()) {
        case kind::undefined: out += "Undefined"; break;
        case kind::none: out += "None"; break;
        case kind::boolean: out += as_bool() ? "True" : "False"; break;
        case kind::integer: out += written().empty() ? std::to_string(as_int()) : written(); break;
        case kind::real:
            if (!written().empty()) out += written();
            else if (const double x = as_double(); x != x) out += "nan";
            else if (x - x != 0) out += x > 0 ? "inf" : "-inf";
            else json::write_real(out, x);
            break;
        case kind::string: quote(as_string()); break;
        case kind::list:
            out.push_back(is_tuple() ? '(' : '[');
            for (const value& item : as_list()) {
                separate();
                item.repr(out);
            }
            if (is_tuple() && as_list().size() == 1) out.push_back(',');
            out.push_back(is_tuple() ? ')' : ']');
            break;
        case kind::dict:
            out.push_back('{');
            for (const auto& [key, item] : as_dict()) {
                separate();
                key.repr(out);
                out += ": ";
                item.repr(out);
            }
            out.push_back('}');
            break;
        default: out += "<" + std::string(type_name()) + ">";
    }
}

inline std::string_view value::type_name() const noexcept {
    static constexpr std::string_view names[] = {"undefined", "none", "boolean",   "integer", "float",    "string",
                                                 "list",      "dict", "namespace", "loop",    "function", "macro"};
    return names[static_cast<std::size_t>(kind_)];
}

inline value loop_state::attribute(std::string_view name) const {
    const value_list& all = items();
    const auto size = static_cast<std::int64_t>(all.size()), at = static_cast<std::int64_t>(index);
    if (name == "index") return at + 1;
    if (name == "index0") return at;
    if (name == "revindex") return size - at;
    if (name == "revindex0") return size - at - 1;
    if (name == "first") return at == 0;
    if (name == "last") return at + 1 == size;
    if (name == "length") return size;
    if (name == "depth") return std::int64_t{level};
    if (name == "depth0") return std::int64_t{level} - 1;
    if (name == "previtem") return at > 0 ? all[index - 1] : value(undefined{"loop.previtem"});
    if (name == "nextitem") return at + 1 < size ? all[index + 1] : value(undefined{"loop.nextitem"});
    return undefined{"loop." + std::string(name)};
}

}  // namespace wafer::inline WAFER_ABI::jinja
