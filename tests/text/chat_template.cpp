// SPDX-License-Identifier: MIT
#include <map>
#include <string>
#include <support/hf_tokenizer.hpp>
#include <vector>

#include <doctest/doctest.h>

#include <wafer/text/chat_template.hpp>

using namespace wafer;

namespace {

const std::string folder = std::string(WAFER_TEST_DATA) + "/text/templates/";

std::string read(const std::string& name) { return wafer_test::read_text(folder + name).value(); }

// 2024-07-26 12:00 UTC, the clock of the oracle.
constexpr std::chrono::sys_seconds oracle_clock{std::chrono::sys_days{std::chrono::year{2024} / 7 / 26} +
                                                std::chrono::hours{12}};

}  // namespace

TEST_CASE("chat_template: all eighty published renderings are reproduced") {
    const json conversations = json::parse(read("conversations.json"));
    const json cases = json::parse(read("expected.json"));
    CHECK(cases.as_array().size() == 80);
    std::map<std::string, chat_template> templates;
    for (const json& c : cases.as_array()) {
        const std::string& name = c.at("template").as_string();
        const auto known = templates.try_emplace(name, read(name + ".jinja")).first;
        template_options options;
        options.add_generation_prompt = c.at("add_generation_prompt").as_bool();
        options.bos_token = "<BOS>";
        options.eos_token = "<EOS>";
        options.now = oracle_clock;
        options.variables = json().set("date_string", "26 Jul 2024");
        CAPTURE(name);
        CAPTURE(c.at("conversation").as_string());
        const json& messages = conversations.at(c.at("conversation").as_string());
        CHECK(known->second.render(messages, options) == c.at("expected").as_string());
    }
}

namespace {

// The conversations of tool_cases.json, whose calls have empty content and arguments that are objects, as typed messages.
std::vector<message> typed(const json& conversation) {
    std::vector<message> out;
    for (const json& m : conversation.as_array()) {
        const auto text = [&](std::string_view key) {
            const json* found = m.find(key);
            return found == nullptr ? std::string() : found->as_string();
        };
        message& next = out.emplace_back();
        next.role = text("role");
        next.content = text("content");
        next.reasoning = text("reasoning_content");
        next.tool_call_id = text("tool_call_id");
        next.name = text("name");
        if (const json* calls = m.find("tool_calls")) next.tool_calls = *calls;
    }
    return out;
}

}  // namespace

TEST_CASE("chat_template: tools, calls, results and reasoning are rendered as Python's jinja2 renders them") {
    const json file = json::parse(read("tool_cases.json"));
    std::map<std::string, chat_template> templates;
    std::size_t refused = 0;
    for (const json& c : file.at("cases").as_array()) {
        const std::string& name = c.at("template").as_string();
        const auto known = templates.try_emplace(name, read(name + ".jinja")).first;
        template_options options;
        options.add_generation_prompt = true;
        options.bos_token = "<BOS>";
        options.eos_token = "<EOS>";
        options.now = oracle_clock;
        options.variables = json().set("date_string", "26 Jul 2024");
        if (c.at("tools").as_bool()) options.tools = file.at("tools");
        if (!c.at("thinking").is_null()) options.enable_thinking = c.at("thinking").as_bool();
        CAPTURE(name);
        CAPTURE(c.at("conversation").as_string());
        const auto messages = typed(file.at("conversations").at(c.at("conversation").as_string()));
        if (c.at("expected").is_null()) {
            CHECK_THROWS_AS((void)known->second.render(messages, options), error);
            ++refused;
        } else {
            // jinja2 was given "" for content, of which R1's template makes a turn behind the calls. Here it is given null.
            std::string expected = c.at("expected").as_string();
            constexpr std::string_view empty_turn = "<\xEF\xBD\x9C"
                                                    "Assistant\xEF\xBD\x9C><\xEF\xBD\x9C"
                                                    "end\xE2\x96\x81of\xE2\x96\x81sentence\xEF\xBD\x9C>";
            if (const auto at = expected.find(empty_turn); at != expected.npos) expected.erase(at, empty_turn.size());
            CHECK(known->second.render(messages, options) == expected);
        }
    }
    CHECK(refused == 2);  // Llama's templates take one call at a time
}

TEST_CASE("chat_template: conversations of three thousand messages are no attack") {
    std::vector<message> conversation;
    for (int i = 0; i < 3001; ++i)
        conversation.push_back(
            {.role = i % 2 == 0 ? "user" : "assistant", .content = "Some text, " + std::to_string(i)});
    for (const char* name : {"Qwen-Qwen3-0.6B", "meta-llama-Llama-3.1-8B-Instruct", "openai-gpt-oss-120b"})
        CHECK(chat_template(read(std::string(name) + ".jinja")).render(conversation).find("Some text, 3000") !=
              std::string::npos);
    // As Gemma 4 does: each message looks back at all before it.
    CHECK(chat_template(
              "{% for m in messages %}{% set last = namespace(found=false) %}"
              "{% for j in range(loop.index0 - 1, -1, -1) %}{% if not last.found and messages[j].role == 'user' %}"
              "{% set last.found = true %}{% endif %}{% endfor %}{{ m.content }}{% endfor %}")
              .render(conversation)
              .ends_with("Some text, 3000"));
}

TEST_CASE("chat_template: arguments may also be given as text, as the OpenAI API does") {
    message question{.role = "user", .content = "?"}, call{.role = "assistant"};
    call.tool_calls.push_back(make_tool_call("f", R"({"a": 1})", "abcdefgh1"));
    const message conversation[] = {question, call};
    for (const char* name : {"Qwen-Qwen2.5-7B-Instruct", "deepseek-ai-DeepSeek-R1-Distill-Llama-8B"})
        CHECK(chat_template(read(std::string(name) + ".jinja")).render(conversation).find(R"({"a": 1})") !=
              std::string::npos);
}

TEST_CASE("chat_template: messages, tools and variables that are not UTF-8 are refused") {
    const chat_template printing("{{ messages|tojson }}{{ tools|tojson }}{{ x }}{{ bos_token }}");
    const auto code = [&](const message& m, const template_options& options = {}) {
        errc out = errc::cancelled;  // stands for "rendered"
        try {
            (void)printing.render(std::span(&m, 1), options);
        } catch (const error& e) {
            out = e.code();
        }
        return out;
    };
    const std::string bad = "\xFF";
    const message good{.role = "user", .content = "?"};
    CHECK(code(good, {.variables = json().set("x", "")}) == errc::cancelled);
    CHECK(code({.role = "user", .content = bad}) == errc::bad_utf8);
    for (const json& call :
         {make_tool_call(bad, json(json::object{}), "1"), make_tool_call("f", json(bad), "1"),
          make_tool_call("f", json().set("a", bad), "1"), make_tool_call("f", json().set(bad, 1), "1")})
        CHECK(code({.role = "assistant", .tool_calls = json(json::array{call})}) == errc::bad_utf8);
    CHECK(code(good, {.tools = json(json::array{json().set("name", bad)})}) == errc::bad_utf8);
    CHECK(code(good, {.bos_token = bad}) == errc::bad_utf8);
    CHECK(code(good, {.variables = json().set("x", json().set("y", bad))}) == errc::bad_utf8);
    CHECK_THROWS_AS((void)printing.render(json(json::array{json(bad)})), error);
}

TEST_CASE("chat_template: a call without text has null for content where the template takes that") {
    message question{.role = "user", .content = "?"}, call{.role = "assistant"};
    call.tool_calls.push_back(make_tool_call("f", json(json::object{}), "abcdefgh1"));
    const auto shown = [&](const std::string& assistant, const std::string& content) {
        call.content = content;
        const message conversation[] = {question, call};
        return chat_template("{%- for m in messages if m.role == 'assistant' %}{% for c in m.tool_calls %}"
                             "{{ c.function.name }}{{ c.function.arguments|tojson }};{% endfor %}" +
                             assistant + "{% endfor %}")
            .render(conversation);
    };
    const std::string own_turn = "{% if m.content is not none %}[{{ m.content }}]{% endif %}";
    CHECK(shown(own_turn, "") == "f{};");
    CHECK(shown(own_turn, "text") == "f{};[text]");
    CHECK(shown("{{ m.content }}.", "") == "f{};.");  // not "None"
    CHECK(shown("{{ m.content|trim }}.", "text") == "f{};text.");
    CHECK(shown("{% if m.content is string %}{{ raise_exception('') }}{% endif %}.", "text") == "f{};.");
}
