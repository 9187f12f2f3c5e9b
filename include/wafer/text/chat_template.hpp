// SPDX-License-Identifier: MIT
// L1 text: a conversation to the prompt its model was trained on. Knows nothing of models and tokens.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <wafer/core/config.hpp>
#include <wafer/core/error.hpp>
#include <wafer/core/json.hpp>
#include <wafer/core/utf8.hpp>
#include <wafer/text/jinja/program.hpp>
#include <wafer/text/json_check.hpp>
#include <wafer/text/tools.hpp>

namespace wafer::inline WAFER_ABI {

/// One turn of a conversation. Empty members are not shown to the template.
struct message {
    std::string role{};  // "system", "user", "assistant" or "tool"
    std::string content{};
    std::string reasoning{};     // of the assistant: what it thought
    json tool_calls{};           // of the assistant: as check_tool_calls says
    std::string tool_call_id{};  // of a tool: which call it answers
    std::string name{};          // of a tool: which function it was
};

/// An entry of message::tool_calls. Arguments are an object; some templates insist on ids of nine letters and digits.
[[nodiscard]] inline json make_tool_call(std::string_view name, json arguments, std::string_view id) {
    json function;
    function.set("name", name).set("arguments", std::move(arguments));
    return json().set("id", id).set("type", "function").set("function", std::move(function));
}

/// What a template may ask for besides the conversation.
struct template_options {
    bool add_generation_prompt = true;
    std::optional<bool> enable_thinking{};  // absent: the template decides
    json tools{};                           // as check_tools says
    std::string bos_token{}, eos_token{};
    std::optional<std::chrono::sys_seconds> now{};  // for strftime_now, in UTC; absent: the system's clock
    json variables{};                               // an object: further variables by name, or null
    jinja::limits limits{};
    const stop_signal* stop = nullptr;  // ends a rendering with errc::cancelled; of no effect where exceptions are off
};

/// A chat template in Jinja, as models carry it. Const after construction and shared by threads.
class chat_template {
public:
    /// @throws error{errc::bad_template} with line and column.
    explicit chat_template(std::string_view source)
        : program_(or_out_of_memory([&] { return jinja::program(source); })),
          calls_(or_out_of_memory([&] { return find_call_shape(); })) {}

    /// The prompt for a conversation. Calls of tools are written as this template reads them. @throws
    /// error{errc::template_failed} with line and column: when the template raises an error of its own, or exceeds its
    /// limits; error{errc::bad_utf8} for messages, tools or variables that are not UTF-8; error{errc::invalid_argument} for
    /// tools, calls, variables, a time or limits of another form than they have; error{errc::out_of_memory}.
    [[nodiscard]] std::string render(std::span<const message> messages, const template_options& options = {}) const {
        return or_out_of_memory([&] { return render(to_json(messages, calls_), options); });
    }

    /// The same for messages given as a JSON array of objects, which the template sees as they are.
    [[nodiscard]] std::string render(const json& messages, const template_options& options = {}) const {
        return or_out_of_memory([&] { return render_json(messages, options); });
    }

    /// Whether the template shows definitions of tools: where it does not, a model never hears of them. True where that
    /// cannot be tried.  @cost it is rendered once or twice, as are those below
    [[nodiscard]] bool shows_tools() const {
        template_options options;
        options.tools.push_back(json::parse(
            R"({"type":"function","function":{"name":"a_function","description":"?","parameters":{"type":"object","properties":{}}}})"));
        return shows({}, options, "a_function");
    }
    /// Whether it shows a system prompt.
    [[nodiscard]] bool shows_system() const { return shows("a_system_prompt", {}, "a_system_prompt"); }
    /// Whether it shows something else where thinking is wanted than where it is not.
    [[nodiscard]] bool asks_for_thinking() const {
        const auto with = [&](bool on) { return tried({}, {.enable_thinking = on}); };
        const auto on = with(true), off = with(false);
        return !on || !off || *on != *off;
    }

    /// The text it was made from, with every line end as one \n and none at its end.
    [[nodiscard]] const std::string& source() const noexcept { return program_.source(); }

private:
    static constexpr jinja::limits probe_limits{.steps = 100'000, .bytes = 1u << 20};

    // Templates differ in what they take for a message with calls.
    struct call_shape {
        bool null_content = false;    // they show calls only where there is no content
        bool null_empty = false;      // they want no content, rather than an empty one
        bool text_arguments = false;  // they want arguments as JSON text, rather than as an object
    };

    [[nodiscard]] std::string render_json(const json& messages, const template_options& options) const {
        const auto refuse = [](const char* what) { raise(errc::invalid_argument, what); };
        const auto is_list = [](const json& v) {
            return v.is_array() && std::all_of(v.as_array().begin(), v.as_array().end(),
                                               [](const json& item) { return item.is_object(); });
        };
        if (!is_list(messages))
            refuse("messages are not an array of objects: pass what json::parse makes of their text");
        if (!options.variables.is_null() && !options.variables.is_object())
            refuse("a template's variables are not an object: pass what json::parse makes of their text");
        check_tools(options.tools);
        jinja::value_dict variables;
        const auto add = [&](std::string_view name, const json& source) {
            variables.emplace_back(name, jinja::value(source));
            require_utf8(name, source);
        };
        add("messages", messages);
        add("tools", options.tools);
        add("documents", nullptr);
        add("add_generation_prompt", options.add_generation_prompt);
        add("bos_token", options.bos_token);
        add("eos_token", options.eos_token);
        if (options.enable_thinking)  // under both names that are in use
            for (const char* name : {"enable_thinking", "thinking"}) add(name, *options.enable_thinking);
        if (!options.variables.is_null())
            for (const auto& [name, item] : options.variables.as_object()) add(name, item);
        const auto now =
            options.now.value_or(std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()));
        return program_.render(variables, now, options.limits, options.stop);
    }

    static void require_utf8(std::string_view variable, const json& v) {
        const auto require = [&](std::string_view text) {
            if (const std::size_t bad = find_invalid_utf8(text); bad != text.size())
                raise(errc::bad_utf8, "a text in \"" + std::string(variable) + "\" is not UTF-8", {{}, bad, {}});
        };
        if (v.is_string()) require(v.as_string());
        if (v.is_array())
            for (const json& item : v.as_array()) require_utf8(variable, item);
        if (v.is_object())
            for (const auto& [name, item] : v.as_object()) {
                require(name);
                require_utf8(variable, item);
            }
    }

    static json to_json(std::span<const message> messages, call_shape shape) {
        json::array out;
        for (const message& m : messages) {
            check_tool_calls(m.tool_calls, "messages[" + std::to_string(out.size()) + "].tool_calls");
            out.push_back(to_json(m, shape));
        }
        return out;
    }

    static json to_json(const message& m, call_shape shape) {
        json out;
        const bool calls = m.tool_calls.is_array() && !m.tool_calls.as_array().empty();
        const bool without = calls && (m.content.empty() ? shape.null_empty : shape.null_content);
        out.set("role", m.role).set("content", without ? json() : json(m.content));
        if (!m.reasoning.empty()) {
            out.set("reasoning_content", m.reasoning);
            // gpt-oss refuses this beside content and calls.
            if (!calls || m.content.empty()) out.set("thinking", m.reasoning);
        }
        if (calls) {
            json list(json::array{});
            for (const json& call : m.tool_calls.as_array()) list.push_back(shaped(call, shape));
            out.set("tool_calls", std::move(list));
        }
        if (!m.tool_call_id.empty()) out.set("tool_call_id", m.tool_call_id);
        if (!m.name.empty()) out.set("name", m.name);
        return out;
    }

    static json shaped(json call, call_shape shape) {
        const json* function = call.find("function");
        const json* arguments = function != nullptr ? function->find("arguments") : nullptr;
        if (arguments == nullptr || arguments->is_string() == shape.text_arguments) return call;
        if (arguments->is_string() && !is_json(arguments->as_string())) return call;
        json inner = *function;
        inner.set("arguments", shape.text_arguments ? json(arguments->dump(json_format{-1, ", ", ": "}))
                                                    : json::parse(arguments->as_string()));
        call.set("function", std::move(inner));
        return call;
    }

    // A short conversation, or nothing if the template refuses it. Not where an error would end the program.
    [[nodiscard]] std::optional<std::string> tried(const std::string& system, template_options options) const {
        if (WAFER_EXCEPTIONS == 0) return std::nullopt;
        std::vector<message> turns;
        if (!system.empty()) turns.push_back({.role = "system", .content = system});
        turns.push_back({.role = "user", .content = "?"});
        options.now.emplace();
        options.limits = probe_limits;
        std::optional<std::string> shown;
        (void)refusal_of([&] { shown = render(turns, options); });
        return shown;
    }
    // Some show tools only beside a system prompt.
    [[nodiscard]] bool shows(const std::string& system, const template_options& options, std::string_view what) const {
        const auto shown = tried(system, options);
        if (shown && shown->find(what) != shown->npos) return true;
        const auto again = system.empty() ? tried("!", options) : std::nullopt;
        return again ? again->find(what) != again->npos : !shown;
    }

    // The shape with which the template shows a call. Not where an error would end the program: the usual one.
    [[nodiscard]] call_shape find_call_shape() const {
        if (WAFER_EXCEPTIONS == 0 || source().find("tool_calls") == std::string::npos) return {};
        // How long the prompt is, or nothing if the call is not in it.
        const auto length = [&](const std::string& content, call_shape shape) {
            message question{.role = "user", .content = "?"}, call{.role = "assistant", .content = content};
            call.tool_calls.push_back(make_tool_call("a_function", json().set("a_name", "a_value"), "abcdefgh1"));
            const message conversation[] = {
                question, call, {.role = "tool", .content = "!", .tool_call_id = "abcdefgh1"}};
            template_options options;
            options.now.emplace();
            options.limits = probe_limits;
            std::optional<std::size_t> found;
            (void)refusal_of([&] {
                const std::string shown = render(to_json(conversation, shape), options);
                if (shown.find("a_function") != shown.npos && shown.find("a_value") != shown.npos) found = shown.size();
            });
            return found;
        };
        for (const bool text : {false, true}) {
            const call_shape usual{.text_arguments = text}, null{true, true, text};
            const auto as_empty = length("", usual), as_null = length("", null);
            if (!as_empty && !as_null) continue;
            // An empty content may be shown as a turn of its own, no content as "None": the shorter is right.
            return {.null_content = as_null && !length("a_text", usual),
                    .null_empty = as_null && (!as_empty || *as_null < *as_empty),
                    .text_arguments = text};
        }
        return {};
    }

    jinja::program program_;
    call_shape calls_;
};

}  // namespace wafer::inline WAFER_ABI
