// SPDX-License-Identifier: MIT
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include <wafer/text/chat_template.hpp>
#include <wafer/text/reply_reader.hpp>
#include <wafer/text/tools.hpp>

using namespace wafer;

namespace {

// What is wrong with them; empty if nothing is.
std::string fault(const std::function<void()>& work) {
    const auto failed = error_of(work);
    if (!failed) return {};
    CHECK(failed->code() == errc::invalid_argument);
    return failed->what();
}
std::string fault_of_tools(const json& tools) {
    return fault([&] { check_tools(tools); });
}
std::string fault_of_calls(const json& calls) {
    return fault([&] { check_tool_calls(calls); });
}
bool begins(const std::string& text, std::string_view part) { return text.starts_with(part); }

}  // namespace

TEST_CASE("tools: definitions as the OpenAI API has them are taken, and the function's own object") {
    for (
        const char* tools :
        {"null", "[]", R"([{"type": "function", "function": {"name": "f"}}])",
         R"([{"type": "function", "function": {"name": "f", "description": "d", "parameters": {"type": "object"}, "strict": true}}])",
         R"([{"function": {"name": "f", "description": null, "parameters": null}}])",
         R"([{"name": "f", "description": "d", "parameters": {}}, {"type": "function", "function": {"name": "g"}}])",
         R"([{"name": "f", "type": "custom"}])"}) {
        CAPTURE(tools);
        CHECK(fault_of_tools(json::parse(tools)) == "");
    }
}

TEST_CASE("tools: what is wrong is told with its index and its member") {
    const std::pair<const char*, const char*> cases[] = {
        {R"("[]")", "tools is \"[]\", not an array of objects, or null: if it is JSON, pass what json::parse"},
        {"5", "tools is 5, not an array"},
        {"{}", "tools is {}, not an array"},
        {R"(["f"])", "tools[0] is \"f\", not an object"},
        {R"([{"function": {"name": "f"}}, null])", "tools[1] is null, not an object"},
        {"[{}]", "tools[0] has no \"name\""},
        {R"([{"type": "function"}])", "tools[0] has no \"name\""},
        {R"([{"type": "function", "function": "f"}])", "tools[0].function is \"f\", not an object"},
        {R"([{"type": "function", "function": {}}])", "tools[0].function has no \"name\""},
        {R"([{"type": "function", "function": {"name": ""}}])", "tools[0].function.name is \"\", not a name"},
        {R"([{"type": "function", "function": {"name": 5}}])", "tools[0].function.name is 5, not a name"},
        {R"([{"type": "web_search", "function": {"name": "f"}}])", "tools[0].type is \"web_search\", not \"function\""},
        {R"([{"type": null, "function": {"name": "f"}}])", "tools[0].type is null"},
        {R"([{"name": "f", "description": ["d"]}])", "tools[0].description is [\"d\"], not a text"},
        {R"([{"function": {"name": "f", "parameters": "{}"}}])",
         "tools[0].function.parameters is \"{}\", not an object"},
    };
    for (const auto& [tools, message] : cases) {
        const std::string what = fault_of_tools(json::parse(tools));
        CHECK_MESSAGE(begins(what, message), what);
    }
    CHECK(begins(fault([] { check_tools("[]", "session_options::tools"); }), "session_options::tools is \"[]\""));
    CHECK(fault_of_tools(json(std::string(100'000, 'x'))).size() < 300);
}

TEST_CASE("tools: calls in a conversation are checked in the same way") {
    for (const json& calls :
         {json(), json(json::array{}), json(json::array{make_tool_call("f", json::object{}, "abcdefgh1")}),
          json(json::array{make_tool_call("f", R"({"a": 1})", "1")}), json::parse(R"([{"function": {"name": "f"}}])"),
          json::parse(R"([{"name": "f", "arguments": {"a": 1}}])")})
        CHECK(fault_of_calls(calls) == "");
    const std::pair<const char*, const char*> cases[] = {
        {R"("f")", "tool_calls is \"f\", not an array"},
        {"{}", "tool_calls is {}, not an array"},
        {"[1]", "tool_calls[0] is 1, not an object"},
        {R"([{"function": {"name": "f", "arguments": [1]}}])",
         "tool_calls[0].function.arguments is [1], not an object, or a text"},
        {R"([{"function": {"arguments": {}}}])", "tool_calls[0].function has no \"name\""},
        {R"([{"id": 7, "function": {"name": "f"}}])", "tool_calls[0].id is 7, not a text"},
    };
    for (const auto& [calls, message] : cases) {
        const std::string what = fault_of_calls(json::parse(calls));
        CHECK_MESSAGE(begins(what, message), what);
    }
}

TEST_CASE(
    "tools: templates and readers refuse what is no list of tools or calls, also text that should have been read") {
    const chat_template printing("{{ messages|tojson }}{{ tools|tojson }}{{ x }}");
    const auto render = [&](const message& m, const template_options& options = {}) {
        return fault([&] { (void)printing.render(std::span(&m, 1), options); });
    };
    const message good{.role = "user", .content = "?"};
    CHECK(render(good, {.tools = json::parse(R"([{"name": "f"}])"), .variables = json().set("x", 1)}) == "");
    CHECK(begins(render(good, {.tools = R"([{"name": "f"}])"}), "tools is "));
    CHECK(begins(render(good, {.variables = R"({"x": 1})"}), "a template's variables are not an object"));
    CHECK(begins(render(good, {.variables = json::array{}}), "a template's variables are not an object"));
    CHECK(begins(render({.role = "assistant", .tool_calls = "f"}), "messages[0].tool_calls is \"f\""));
    CHECK(begins(render({.role = "assistant", .tool_calls = json::array{json(1)}}), "messages[0].tool_calls[0] is 1"));
    for (const json& messages : {json("[]"), json(), json(json::object{}), json(json::array{json("hello")})})
        CHECK(begins(fault([&] { (void)printing.render(messages); }), "messages are not an array of objects"));
    CHECK(printing.render(json(json::array{}), {.variables = json().set("x", 1)}) == "[]null1");
    for (const auto dialect : {call_dialect::none, call_dialect::hermes, call_dialect::qwen_coder})
        CHECK(begins(fault([&] { (void)reply_reader(dialect, "", R"([{"name": "f"}])"); }), "tools is "));
}

TEST_CASE("tools: numbers in tools and calls reach the prompt as they were written") {
    const chat_template printing("{{ tools|tojson }}{{ messages[0].tool_calls[0].function.arguments|tojson }}");
    template_options options;
    options.tools = json::parse(
        R"([{"name": "f", "parameters": {"properties": {"n": {"enum": [12345678901234567890, 1.10, 1e2, -0]}}}}])");
    message call{.role = "assistant"};
    const json arguments = json::parse(R"({"n": 12345678901234567890, "price": 1.10, "e": 1e2, "zero": -0})");
    call.tool_calls.push_back(make_tool_call("f", arguments, "abcdefgh1"));
    CHECK(printing.render(std::span(&call, 1), options) ==
          R"([{"name": "f", "parameters": {"properties": {"n": {"enum": [12345678901234567890, 1.10, 1e2, -0]}}}}])"
          R"({"n": 12345678901234567890, "price": 1.10, "e": 1e2, "zero": -0})");
    // Templates that want arguments as text get the same text.
    const chat_template as_text("{% for m in messages %}{% for c in m.tool_calls or [] %}{{ c.function.name }}"
                                "{{ c.function.arguments + '' }}{% endfor %}{% endfor %}");
    CHECK(as_text.render(std::span(&call, 1)) ==
          R"(f{"n": 12345678901234567890, "price": 1.10, "e": 1e2, "zero": -0})");
}

TEST_CASE("tools: JSON that is as deep as it may be is rendered, or refused with a typed error") {
    const chat_template printing("{{ messages|tojson }}{{ tools|tojson }}{{ k|default(0)|tojson }}");
    const auto deep = [](int levels) {
        json out = json::object{};
        for (int i = 1; i < levels; ++i) out = json::object{{"k", std::move(out)}};
        return out;
    };
    int rendered = 0, refused = 0;
    for (int levels = json::max_depth - 10; levels <= json::max_depth; ++levels) {
        const json value = deep(levels);
        CHECK(value.depth() == levels);
        const auto tried = [&](const std::function<void()>& work) {
            const auto failed = error_of(work);
            ++(failed ? refused : rendered);
            if (failed) CHECK(failed->code() == errc::invalid_argument);
        };
        const message plain{.role = "user", .content = "?"};
        tried([&] {
            message m{.role = "assistant"};
            m.tool_calls = json::array{make_tool_call("f", value, "1")};
            (void)printing.render(std::span(&m, 1));
        });
        tried([&] {
            template_options options;
            options.tools = json::array{json::object{{"name", "f"}, {"parameters", value}}};
            (void)printing.render(std::span(&plain, 1), options);
        });
        tried([&] { (void)printing.render(std::span(&plain, 1), {.variables = value}); });
        tried([&] { (void)printing.render(json(json::array{value})); });
    }
    CHECK(rendered > 20);
    CHECK(refused > 4);
}

namespace {

// The calls in a reply, each with its arguments' text and what was read of it.
std::vector<reply_event> calls_in(call_dialect dialect, std::string_view text, const json& tools = {}) {
    reply_reader reader(dialect, "", tools);
    std::vector<reply_event> out;
    const auto add = [&](std::vector<reply_event> events) {
        for (reply_event& e : events)
            if (e.kind == reply_kind::call_end || e.kind == reply_kind::call_invalid) out.push_back(std::move(e));
    };
    add(reader.feed(text));
    add(reader.flush());
    return out;
}

}  // namespace

TEST_CASE("tools: the numbers of a call are those that the model wrote, in every dialect") {
    const std::string arguments = R"({"n":12345678901234567890,"x":1.10,"e":1E2,"z":-0,"big":1e400})";
    const std::string separator(format_of(call_dialect::deepseek).separator);
    const std::pair<call_dialect, std::string> texts[] = {
        {call_dialect::hermes, R"(<tool_call>{"name":"f","arguments":)" + arguments + "}</tool_call>"},
        {call_dialect::llama, R"({"name":"f","parameters":)" + arguments + "}"},
        {call_dialect::mistral, R"([TOOL_CALLS][{"name":"f","arguments":)" + arguments + "}]"},
        {call_dialect::mistral_args, "[TOOL_CALLS]f[ARGS]" + arguments},
        {call_dialect::deepseek, std::string(format_of(call_dialect::deepseek).open) + "function" + separator +
                                     "f\n```json\n" + arguments + "\n```" +
                                     std::string(format_of(call_dialect::deepseek).close)},
        {call_dialect::harmony, "<|channel|>commentary to=functions.f<|message|>" + arguments + "<|call|>"}};
    for (const auto& one : texts) {
        const auto dialect = one.first;
        const std::string& text = one.second;
        CAPTURE(text);
        const auto calls = calls_in(dialect, text);
        REQUIRE(calls.size() == 1);
        CHECK(calls[0].kind == reply_kind::call_end);
        CHECK(calls[0].text == arguments);
        CHECK(calls[0].arguments.dump() == arguments);
    }
    const json tools = json::parse(
        R"([{"function":{"name":"f","parameters":{"properties":{"n":{"type":"integer"},"x":{"type":"number"}}}}}])");
    const auto tagged =
        calls_in(call_dialect::qwen_coder,
                 "<function=f><parameter=n>12345678901234567890</parameter><parameter=x>1.10</parameter>"
                 "</function>",
                 tools);
    REQUIRE(tagged.size() == 1);
    CHECK(tagged[0].arguments.dump() == R"({"n":12345678901234567890,"x":1.10})");
}

TEST_CASE("tools: a call that is accepted fits into the conversation that follows, however deep its arguments are") {
    const chat_template printing("{{ messages|tojson }}");
    int accepted = 0, invalid = 0;
    for (int levels = json::max_depth - 12; levels <= json::max_depth; ++levels) {
        std::string arguments = "1";
        for (int i = 0; i < levels; ++i) arguments = "{\"k\":" + arguments + "}";
        for (const auto dialect : {call_dialect::hermes, call_dialect::mistral_args}) {
            const bool named = dialect == call_dialect::hermes;
            const auto calls =
                calls_in(dialect, named ? R"(<tool_call>{"name":"f","arguments":)" + arguments + "}</tool_call>"
                                        : "[TOOL_CALLS]f[ARGS]" + arguments);
            REQUIRE(calls.size() == 1);
            if (calls[0].kind == reply_kind::call_invalid) {
                ++invalid;
                continue;
            }
            ++accepted;
            message said{.role = "assistant"};
            said.tool_calls.push_back(make_tool_call(calls[0].name, calls[0].arguments, "abcdefgh1"));
            CHECK(printing.render(std::span(&said, 1)).find(R"({"k": 1})") != std::string::npos);
            CHECK(json::parse(said.tool_calls.dump()) == said.tool_calls);
        }
    }
    CHECK(accepted == 16);
    CHECK(invalid == 10);
}
