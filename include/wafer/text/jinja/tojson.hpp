// SPDX-License-Identifier: MIT
// L1 text/jinja: values as JSON, printed as transformers' tojson prints them, which is what models were trained on.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <wafer/core/config.hpp>
#include <wafer/core/json.hpp>
#include <wafer/core/utf8.hpp>
#include <wafer/text/jinja/runtime.hpp>
#include <wafer/text/jinja/tests.hpp>

namespace wafer::inline WAFER_ABI::jinja {

/// A dict's key as json.dumps writes it. @throws error{errc::template_failed} for what it refuses.
[[nodiscard]] inline std::string json_key(runtime& rt, const value& key) {
    if (key.is_string()) return key.as_string();
    if (key.is(value::kind::none)) return "null";
    if (key.is(value::kind::boolean)) return key.as_bool() ? "true" : "false";
    if (key.is_number()) return rt.print(key);
    rt.fail("a " + runtime::describe(key) + " cannot be a key in JSON");
}

/// A value as JSON; numbers that came as JSON are written as they were, unlike Python's, so that the arguments of a call read
/// as the model wrote them. @throws error{errc::template_failed} for what JSON cannot hold.
[[nodiscard]] inline json to_json(runtime& rt, const value& v, bool sort_keys = false) {
    rt.spend(1);
    if (!v.written().empty()) {
        rt.charge(2 * v.written().size());
        return json::parse(v.written());
    }
    switch (v.type()) {
        case value::kind::none: return nullptr;
        case value::kind::boolean: return v.as_bool();
        case value::kind::integer: return v.as_int();
        case value::kind::real: return v.as_double();
        case value::kind::string: rt.charge(2 * v.as_string().size()); return v.as_string();
        case value::kind::list: {
            json::array items;
            rt.charge(v.as_list().size() * sizeof(json));
            for (const value& item : v.as_list()) items.push_back(to_json(rt, item, sort_keys));
            return items;
        }
        case value::kind::dict: {
            std::vector<const value_dict::value_type*> order;
            for (const auto& member : v.as_dict()) order.push_back(&member);
            if (sort_keys)
                std::stable_sort(order.begin(), order.end(),
                                 [&](const auto* a, const auto* b) { return in_order(rt, a->first, "<", b->first); });
            json::object members;
            rt.charge(order.size() * sizeof(json::object::value_type));
            for (const auto* member : order) {
                std::string name = json_key(rt, member->first);
                rt.charge(2 * name.size());
                members.emplace_back(std::move(name), to_json(rt, member->second, sort_keys));
            }
            return members;
        }
        default: rt.fail(runtime::describe(v) + " is not JSON serializable");
    }
}

/// JSON text with every character outside of ASCII as an escape, in UTF-16 where it needs two.
[[nodiscard]] inline std::string ascii_json(std::string_view text) {
    static constexpr std::string_view digits = "0123456789abcdef";
    std::string out;
    const auto escape = [&](char32_t unit) {
        out += "\\u";
        for (int shift = 12; shift >= 0; shift -= 4) out.push_back(digits[(unit >> shift) & 15]);
    };
    for (std::size_t at = 0; at < text.size();) {
        const utf8_step step = decode_utf8(text, at);
        if (step.code < 0x7F) {
            out.push_back(text[at]);
        } else if (step.code < 0x10000) {
            escape(step.code);
        } else {
            escape(0xD800 + ((step.code - 0x10000) >> 10));
            escape(0xDC00 + ((step.code - 0x10000) & 0x3FF));
        }
        at += step.length;
    }
    return out;
}

namespace detail {

// What stands between the elements, before it is written: it may be far more than they are.
inline void charge_layout(runtime& rt, const json& data, const json_format& format, std::size_t level = 1) {
    const std::size_t margin = format.indent >= 0 ? 1 + static_cast<std::size_t>(format.indent) * level : 0;
    const auto between = [&](std::size_t n, std::size_t each) { rt.charge(n * (each + margin) + margin); };
    if (data.is_array()) {
        between(data.as_array().size(), format.comma.size());
        for (const json& item : data.as_array()) charge_layout(rt, item, format, level + 1);
    } else if (data.is_object()) {
        between(data.as_object().size(), format.comma.size() + format.colon.size());
        for (const auto& member : data.as_object()) charge_layout(rt, member.second, format, level + 1);
    }
}

}  // namespace detail

/// tojson(ensure_ascii=false, indent=none, separators=none, sort_keys=false), as Python's json.dumps.
inline value filter_tojson(runtime& rt, const arguments& in) {
    const auto given = [&](std::size_t place, std::string_view name) {
        const value* found = in.find(place, name);
        return found != nullptr && !found->is(value::kind::none) ? found : nullptr;
    };
    const value *ascii = given(1, "ensure_ascii"), *indent = given(2, "indent"), *separators = given(3, "separators"),
                *sort_keys = given(4, "sort_keys");
    const std::int64_t width =
        indent != nullptr ? std::clamp<std::int64_t>(rt.integer_of(*indent, "indent"), 0, 32) : -1;
    json_format format{static_cast<int>(width), indent != nullptr ? "," : ", ", ": "};
    if (separators != nullptr) {
        if (!separators->is(value::kind::list) || separators->as_list().size() != 2)
            rt.fail("'separators' must be two strings");
        format.comma = rt.string_of(separators->as_list()[0], "a separator");
        format.colon = rt.string_of(separators->as_list()[1], "a separator");
    }
    const json data = to_json(rt, in.self(), sort_keys != nullptr && sort_keys->truth());
    detail::charge_layout(rt, data, format);
    std::string text = data.dump(format);
    return rt.make(ascii != nullptr && ascii->truth() ? ascii_json(text) : std::move(text));
}

}  // namespace wafer::inline WAFER_ABI::jinja
