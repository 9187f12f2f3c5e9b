// SPDX-License-Identifier: MIT
// L1 text: the form of tools and of calls, as hosts pass them on from elsewhere. What is wrong is told by its place.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <wafer/core/config.hpp>
#include <wafer/core/error.hpp>
#include <wafer/core/json.hpp>

namespace wafer::inline WAFER_ABI {

namespace detail {

// Checks one list of what names functions.
class tool_list_check {
public:
    explicit tool_list_check(std::string_view where) : where_(where) {}

    // check(item, place) for each object of a list.
    template <class Check>
    void each(const json& list, const Check& check) const {
        if (list.is_null()) return;
        if (!list.is_array()) fail(where_, list, "an array of objects, or null", list.is_string());
        for (std::size_t i = 0; i < list.as_array().size(); ++i) {
            const std::string place = where_ + "[" + std::to_string(i) + "]";
            if (!list.at(i).is_object()) fail(place, list.at(i), "an object");
            check(list.at(i), place);
        }
    }

    // What describes or names the function: that member, or the item itself. Its name is a text.
    static const json& function_of(const json& item, std::string& place) {
        if (const json* type = item.find("type"); type != nullptr && item.find("function") != nullptr)
            if (!type->is_string() || type->as_string() != "function")
                fail(place + ".type", *type, "\"function\", the one type that is known");
        const json* const function = item.find("function");
        if (function != nullptr) place += ".function";
        if (function != nullptr && !function->is_object()) fail(place, *function, "an object");
        const json& named = function != nullptr ? *function : item;
        const json* const name = named.find("name");
        if (name == nullptr) raise(errc::invalid_argument, place + " has no \"name\"");
        if (!name->is_string() || name->as_string().empty()) fail(place + ".name", *name, "a name");
        return named;
    }
    // A member that may be missing, or null.
    template <class Is>
    static void member(const json& object, std::string_view name, const std::string& place, std::string_view wanted,
                       const Is& is) {
        const json* const value = object.find(name);
        if (value != nullptr && !value->is_null() && !is(*value)) fail(place + "." + std::string(name), *value, wanted);
    }

private:
    [[noreturn]] static void fail(const std::string& place, const json& value, std::string_view wanted,
                                  bool is_text = false) {
        std::string shown = value.dump();
        if (shown.size() > 60) shown = shown.substr(0, 60) + "...";
        raise(errc::invalid_argument, place + " is " + shown + ", not " + std::string(wanted) +
                                          (is_text ? ": if it is JSON, pass what json::parse makes of it" : ""));
    }

    std::string where_;
};

}  // namespace detail

/// Checks what tools a host offers: null, or an array of
///     {"type": "function", "function": {"name": "...", "description": "...", "parameters": {a JSON schema}}}
/// as in the OpenAI API. Only the name is needed. The function's own object, {"name": ..., ...}, is taken too, for templates
/// that show it as it is. `where` is what errors call the list.
/// @throws error{errc::invalid_argument} with the index and the member that is wrong
inline void check_tools(const json& tools, std::string_view where = "tools") {
    using check = detail::tool_list_check;
    check(where).each(tools, [](const json& tool, std::string place) {
        const json& function = check::function_of(tool, place);
        check::member(function, "description", place, "a text", [](const json& v) { return v.is_string(); });
        check::member(function, "parameters", place, "an object: a JSON schema",
                      [](const json& v) { return v.is_object() || v == json(true); });
    });
}

/// Checks calls that are part of a conversation: null, or an array of what make_tool_call gives. Arguments are an object, or a
/// text that holds one. @throws error{errc::invalid_argument} with the index and the member that is wrong
inline void check_tool_calls(const json& calls, std::string_view where = "tool_calls") {
    using check = detail::tool_list_check;
    check(where).each(calls, [](const json& call, std::string place) {
        check::member(call, "id", place, "a text", [](const json& v) { return v.is_string(); });
        const json& function = check::function_of(call, place);
        check::member(function, "arguments", place, "an object, or a text that holds one",
                      [](const json& v) { return v.is_object() || v.is_string(); });
    });
}

}  // namespace wafer::inline WAFER_ABI
