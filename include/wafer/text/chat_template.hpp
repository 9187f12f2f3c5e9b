// SPDX-License-Identifier: MIT
// L1 text: a conversation to the prompt its model was trained on. Knows nothing of models and tokens.
#pragma once

#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <wafer/core/config.hpp>
#include <wafer/core/error.hpp>
#include <wafer/core/json.hpp>
#include <wafer/text/jinja/program.hpp>

namespace wafer::inline WAFER_ABI {

/// One turn of a conversation. Empty members are not shown to the template.
struct message {
    std::string role{};  // "system", "user", "assistant" or "tool"
    std::string content{};
    std::string reasoning{};     // of the assistant: what it thought; templates see reasoning_content
    json tool_calls{};           // of the assistant: an array as in the OpenAI API
    std::string tool_call_id{};  // of a tool: which call it answers
    std::string name{};          // of a tool: which function it was
};

/// What a template may ask for besides the conversation.
struct template_options {
    bool add_generation_prompt = true;
    std::optional<bool> enable_thinking{};  // absent: the template decides
    json tools{};                           // an array of tool definitions, or null
    std::string bos_token{}, eos_token{};
    std::optional<std::chrono::sys_seconds> now{};  // for strftime_now, in UTC; absent: the system's clock
    json variables{};                               // an object: further variables by name, or null
    jinja::limits limits{};
};

/// A chat template in Jinja, as models carry it. Const after construction and shared by threads.
class chat_template {
public:
    /// @throws error{errc::bad_template} with line and column.
    explicit chat_template(std::string_view source) : program_(source) {}

    /// The prompt for a conversation. @throws error{errc::template_failed} with line and column: when the template raises
    /// an error of its own, or exceeds its limits; error{errc::bad_utf8} for messages that are not UTF-8.
    [[nodiscard]] std::string render(std::span<const message> messages, const template_options& options = {}) const {
        json::array list;
        for (const message& m : messages) list.push_back(to_json(m));
        return render(json(std::move(list)), options);
    }

    /// The same for messages given as a JSON array of objects.
    [[nodiscard]] std::string render(const json& messages, const template_options& options = {}) const {
        jinja::value_dict variables;
        const auto add = [&](std::string_view name, jinja::value v) { variables.emplace_back(name, std::move(v)); };
        add("messages", jinja::value(messages));
        add("add_generation_prompt", options.add_generation_prompt);
        add("bos_token", options.bos_token);
        add("eos_token", options.eos_token);
        if (!options.tools.is_null()) add("tools", jinja::value(options.tools));
        if (options.enable_thinking) add("enable_thinking", *options.enable_thinking);
        if (!options.variables.is_null())
            for (const auto& [name, item] : options.variables.as_object()) add(name, jinja::value(item));
        const auto now =
            options.now.value_or(std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()));
        return program_.render(variables, now, options.limits);
    }

    [[nodiscard]] const std::string& source() const noexcept { return program_.source(); }

private:
    static json to_json(const message& m) {
        json out;
        for (const auto* text : {&m.role, &m.content, &m.reasoning, &m.tool_call_id, &m.name})
            if (const std::size_t bad = find_invalid_utf8(*text); bad != text->size())
                raise(errc::bad_utf8, "message of role \"" + m.role + "\" is not UTF-8", {{}, bad, {}});
        out.set("role", m.role).set("content", m.content);
        if (!m.reasoning.empty()) out.set("reasoning_content", m.reasoning);
        if (!m.tool_calls.is_null()) out.set("tool_calls", m.tool_calls);
        if (!m.tool_call_id.empty()) out.set("tool_call_id", m.tool_call_id);
        if (!m.name.empty()) out.set("name", m.name);
        return out;
    }

    jinja::program program_;
};

}  // namespace wafer::inline WAFER_ABI
