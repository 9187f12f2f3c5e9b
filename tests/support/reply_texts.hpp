// SPDX-License-Identifier: MIT
// Replies as models write them in each dialect, with calls and without, and what becomes of them when parts go wrong.
#pragma once

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <wafer/core/json.hpp>
#include <wafer/text/call_format.hpp>

namespace wafer_test {

/// The tools that those replies call.
inline const wafer::json& tools_of_replies() {
    static const auto tools = wafer::json::parse(R"([{"type": "function", "function": {"name": "f", "parameters": {
        "type": "object", "properties": {"n": {"type": "integer"}, "s": {"type": "string"},
        "m": {"type": ["string", "null"]}, "l": {"type": "array"}, "u": {}}}}}])");
    return tools;
}

/// A call of `f` as the dialect writes it, without what stands around all calls.
inline std::string call_in(wafer::call_dialect dialect, std::mt19937& random) {
    using enum wafer::call_dialect;
    static constexpr const char* texts[] = {"a", "", "h\xC3\xA9", "\\\"q\\\"", "</tool_call>", "<|end|>", "} {", "\\n"};
    const auto text = [&] { return std::string(texts[random() % std::size(texts)]); };
    const std::string arguments =
        random() % 3 == 0 ? "{}" : R"({"n": 1, "s": ")" + text() + R"(", "l": [1, {"a": null}]})";
    const auto f = wafer::format_of(dialect);
    const std::string gap = random() % 2 == 0 ? "\n" : "", open(f.open), close(f.close), separator(f.separator);
    switch (dialect) {
        case hermes: return open + gap + R"({"name": "f", "arguments": )" + arguments + "}" + gap + close;
        case llama: return (random() % 2 == 0 ? open : "") + R"({"name": "f", "parameters": )" + arguments + "}";
        case mistral: return R"({"name": "f", "arguments": )" + arguments + "}";
        case mistral_args: return open + "f" + (random() % 2 == 0 ? "[CALL_ID]abc" : "") + separator + arguments;
        case deepseek:
            if (random() % 2 == 0) return open + "f" + separator + arguments + close;
            return (random() % 2 == 0 ? open : "") + "function" + separator + "f\n```json\n" + arguments + "\n```" +
                   close;
        case qwen_coder: {
            std::string out = open + "f>\n";
            for (const char* key : {"s", "n", "m", "u"})
                if (random() % 2 == 0)
                    out +=
                        "<parameter=" + std::string(key) + ">\n" + (*key == 'n' ? "12" : text()) + "\n</parameter>\n";
            return out + close;
        }
        case harmony:
            return std::string(random() % 2 == 0 ? "<|channel|>commentary to=functions.f <|constrain|>json"
                                                 : " to=functions.f<|channel|>commentary json") +
                   "<|message|>" + arguments + close;
        case none: break;
    }
    return text();
}

/// A reply without a fault.
inline std::string good_reply(wafer::call_dialect dialect, std::mt19937& random) {
    using enum wafer::call_dialect;
    const auto maybe = [&](std::string text) { return random() % 2 == 0 ? text : std::string(); };
    const auto f = wafer::format_of(dialect);
    const std::size_t n = random() % 4;
    std::string out;
    if (dialect == harmony) {
        const std::string next = "<|start|>assistant";
        std::vector<std::string> messages;
        if (random() % 2 == 0) messages.push_back("<|channel|>analysis<|message|>Hm.<|end|>");
        if (random() % 2 == 0) messages.push_back("<|channel|>commentary<|message|>I look.<|end|>");
        for (std::size_t i = 0; i < n; ++i) messages.push_back(call_in(dialect, random));
        if (random() % 2 == 0) messages.push_back("<|channel|>analysis<|message|>So.<|end|>");
        if (random() % 2 == 0) messages.push_back("<|channel|>final<|message|>Hello.<|return|>");
        for (const auto& m : messages) out += (out.empty() ? "" : next) + m;
        return out;
    }
    out = maybe(maybe("<think>\n") + "Hm <b> \n</think>\n\n") + maybe("Let me see.\n");
    const std::string open = dialect == qwen_coder ? "" : std::string(f.block_open);
    if (n > 0) out += dialect == mistral ? "[TOOL_CALLS][" : open;
    for (std::size_t i = 0; i < n; ++i) {
        if (i > 0) out += dialect == mistral ? ", " : dialect == llama ? "; " : maybe("\n");
        const std::string call = call_in(dialect, random);
        const bool around = dialect == qwen_coder && random() % 4 > 0;
        out += around ? "<tool_call>\n" + call + "\n</tool_call>" : call;
    }
    if (n > 0 && dialect != qwen_coder) out += f.block_close;
    return out + maybe("\n") + maybe("Done.");
}

/// A reply, often with faults: parts that are missing, doubled, in the wrong place, foreign, or cut off.
inline std::string any_reply(wafer::call_dialect dialect, std::mt19937& random) {
    std::string text = good_reply(dialect, random);
    const auto f = wafer::format_of(dialect);
    const std::string_view foreign[] = {
        f.open,     f.close,       f.separator, f.block_open, f.block_close, f.bare_open, f.id_mark, "{",
        "}",        "\"",          "\n",        " ",          "oops",        "<",         "<oops>",  "\xC3\xA9",
        "[",        "]",           ",",         "<|start|>",  "<|message|>", "<|end|>",   "to=f",    "<think>",
        "</think>", "<parameter=", ">",         "```",        "<|channel|>"};
    const auto whole = [&](std::size_t at) {  // does not cut a character
        while (at > 0 && at < text.size() && (text[at] & '\xC0') == '\x80') --at;
        return std::min(at, text.size());
    };
    for (std::size_t faults = random() % 4; faults > 0 && !text.empty(); --faults) {
        const std::size_t at = whole(random() % text.size()), n = whole(at + random() % 16) - at;
        const std::size_t to = whole(random() % text.size());
        switch (random() % 5) {
            case 0: text.erase(at, n); break;
            case 1: text.insert(to, text.substr(at, n)); break;
            case 2: text.insert(at, foreign[random() % std::size(foreign)]); break;
            case 3: text.replace(at, n, foreign[random() % std::size(foreign)]); break;
            default:
                if (random() % 3 == 0) text.resize(at);
        }
    }
    return text;
}

}  // namespace wafer_test
