// SPDX-License-Identifier: MIT
// L8 gen: what a session does to the turns of its conversation so that a template can show them. Knows no models.
#pragma once

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <wafer/core/config.hpp>
#include <wafer/core/json.hpp>
#include <wafer/core/stop_signal.hpp>
#include <wafer/text/chat_template.hpp>
#include <wafer/text/tokenizer.hpp>

namespace wafer::inline WAFER_ABI {

namespace detail {

// The same value with every text in it, names of members too, as change(text) gives it.
template <class Change>
[[nodiscard]] json with_texts(const json& value, const Change& change) {
    if (value.is_string()) return change(value.as_string());
    if (value.is_array()) {
        json::array items;
        for (const json& item : value.as_array()) items.push_back(with_texts(item, change));
        return items;
    }
    if (value.is_object()) {
        json::object members;
        for (const auto& [key, item] : value.as_object()) members.emplace_back(change(key), with_texts(item, change));
        return members;
    }
    return value;
}

}  // namespace detail

/// Control tokens are for templates and system prompts to write: look-alikes in what users, tools and the model itself said
/// become text. Of no use once it is stopped.
inline void make_inert(std::vector<message>& turns, const tokenizer& words, const stop_signal* stop = nullptr) {
    const auto inert = [&](std::string_view text) { return words.inert(text, stop); };
    for (auto& m : turns) {
        if (m.role == "system" || m.role == "developer") continue;
        for (auto* text : {&m.content, &m.reasoning, &m.tool_call_id, &m.name}) *text = inert(*text);
        m.tool_calls = detail::with_texts(m.tool_calls, inert);
    }
}

/// The id of a session's n-th call: nine letters and digits, the one form that every template takes.
[[nodiscard]] inline std::string id_of_call(std::size_t n) {
    const auto digits = std::to_string(n);
    return "call" + std::string(digits.size() < 5 ? 5 - digits.size() : 0, '0') + digits;
}
/// The largest n of such an id in a conversation, 0 if there is none.
[[nodiscard]] inline std::size_t last_call(const std::vector<message>& turns) {
    std::size_t last = 0;
    for (const auto& m : turns) {
        if (!m.tool_calls.is_array()) continue;
        for (const json& call : m.tool_calls.as_array()) {
            const json* id = call.find("id");
            const std::string_view text = id != nullptr && id->is_string() ? id->as_string() : std::string_view();
            std::size_t n = 0;
            if (text.size() == 9 && text.starts_with("call")) std::from_chars(text.data() + 4, text.data() + 9, n);
            last = std::max(last, n);
        }
    }
    return last;
}

/// Makes the last turn, an answer, one that the template takes with what may follow, since no answer may end a conversation
/// for good: some take only one call at a time, or no empty text. False if the answer cannot be shown at all.
/// @param takes  whether the template takes these turns
template <class Takes>
[[nodiscard]] bool make_showable(std::vector<message>& turns, const Takes& takes) {
    const auto taken = [&] {
        auto all = turns;
        if (const auto& calls = turns.back().tool_calls; calls.is_null())
            all.push_back({.role = "user", .content = "?"});
        else
            for (const json& call : calls.as_array())
                all.push_back({.role = "tool", .content = "?", .tool_call_id = call.at("id").as_string()});
        return takes(std::move(all));
    };
    if (taken()) return true;
    message& last = turns.back();
    const message said = last;
    if (last.tool_calls.is_array()) {
        last.tool_calls = json::array{said.tool_calls.at(std::size_t{0})};
        if (taken()) return true;
        last.tool_calls = {};
        if (taken()) return true;
    }
    last = {.role = said.role, .content = "?"};
    if (taken()) return false;
    last = said;  // it takes no second turn, whatever the first was
    return true;
}

}  // namespace wafer::inline WAFER_ABI
