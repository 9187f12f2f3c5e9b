// SPDX-License-Identifier: MIT
// Any text as a chat template, rendered for a conversation with all that one can hold.
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include <wafer/text/chat_template.hpp>

using namespace wafer;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const json messages = json::parse(R"([
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "What is 2 + 2? \u00e9"},
        {"role": "assistant", "content": "", "reasoning_content": "Hm.",
         "tool_calls": [{"type": "function", "id": "1", "function": {"name": "add", "arguments": {"a": 2, "b": [2]}}}]},
        {"role": "tool", "name": "add", "tool_call_id": "1", "content": "4"}])");
    static const json tools = json::parse(R"([{"type": "function", "function": {"name": "add", "description": "d",
        "parameters": {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}}}])");
    const std::string_view source(reinterpret_cast<const char*>(data), size);
    template_options options;
    options.tools = tools;
    options.enable_thinking = true;
    options.bos_token = "<s>";
    options.now = std::chrono::sys_seconds{};
    options.limits = {.steps = 100'000, .bytes = 1 << 20, .depth = 200};
    try {
        (void)chat_template(source).render(messages, options);
    } catch (const error&) {
    }
    return 0;
}
