// SPDX-License-Identifier: MIT
// No option of a session is accepted without effect.
#include <optional>
#include <string>
#include <support/small_chat.hpp>
#include <vector>

#include <doctest/doctest.h>

#include <wafer/gen/plan.hpp>
#include <wafer/gen/session.hpp>

using namespace wafer;
using wafer_test::small_chat;

namespace {

constexpr const char* plain_template = "{% for m in messages %}[{{ m.role }}]{{ m.content }}{% endfor %}";
constexpr const char* tool_template = "{% if tools %}TOOLS{{ tools | tojson }}{% endif %}{% for m in messages %}[{{ "
                                      "m.role }}]{{ m.content }}{% endfor %}";

model with_templates(wafer_test::warnings& heard, const char* chat, const char* tool_use = nullptr) {
    return small_chat(
        [&](auto& file) {
            if (chat != nullptr) file.pair("tokenizer.chat_template", chat);
            if (tool_use != nullptr) file.pair("tokenizer.chat_template.tool_use", tool_use);
        },
        heard);
}

session_options asking(const std::function<void(session_options&)>& change) {
    session_options o;
    o.max_tokens = 1;
    change(o);
    return o;
}
void with_a_tool(session_options& o) {
    o.tools = json::parse(R"([{"type":"function","function":{"name":"put_log","parameters":{"type":"object"}}}])");
}

/// What making this session is refused with, or nothing.
std::optional<errc> refused(const model& m, const std::function<void(session_options&)>& change) {
    const auto e = error_of([&] { const session<> chat(m, asking(change)); });
    return e ? std::optional(e->code()) : std::nullopt;
}

/// What the model reads of a conversation that begins with "hi".
std::string prompt_of(const model& m, const std::function<void(session_options&)>& change) {
    session<> chat(m, asking(change));
    (void)chat.ask("hi").text();
    const auto all = m.words().decode(chat.tokens().tokens());
    return all.substr(0, all.find("hi") + 2);
}

}  // namespace

TEST_CASE("session: tools that the chat template does not show are refused, not lost") {
    wafer_test::warnings heard;
    const auto plain = with_templates(heard, plain_template), tools = with_templates(heard, tool_template);
    CHECK(refused(plain, with_a_tool) == errc::invalid_argument);
    CHECK(!refused(plain, [](auto& o) { o.tools = json::array{}; }));
    CHECK(!refused(tools, with_a_tool));
    CHECK(prompt_of(tools, with_a_tool)
              .starts_with("TOOLS[{\"type\": \"function\", \"function\": {\"name\": \"put_log\""));
    // Some templates show them only beside a system prompt.
    const auto beside =
        with_templates(heard, "{% if messages[0].role == 'system' and tools %}{{ tools | tojson }}{% endif %}"
                              "{% for m in messages %}[{{ m.role }}]{{ m.content }}{% endfor %}");
    CHECK(!refused(beside, with_a_tool));
    // One that cannot be tried is left to the question.
    const auto odd = with_templates(heard, "{{ raise_exception('never') }}");
    CHECK(!refused(odd, with_a_tool));
    CHECK(heard.empty());
}

TEST_CASE("session: a template of its own for tools is used where there are tools") {
    wafer_test::warnings heard;
    const auto m = with_templates(heard, plain_template, tool_template);
    CHECK(prompt_of(m, with_a_tool).starts_with("TOOLS["));
    CHECK(prompt_of(m, [](auto&) {}) == "[user]hi");
    CHECK(m.chat().source() == plain_template);
    CHECK(m.chat(true).source() == tool_template);
    // Its way of writing calls counts, too.
    const std::string hermes = std::string(tool_template) + "{# <tool_call> #}";
    CHECK(with_templates(heard, plain_template, hermes.c_str()).calls() == call_dialect::hermes);
    CHECK(with_templates(heard, plain_template).calls() == call_dialect::none);
    CHECK(heard.empty());

    const auto broken = with_templates(heard, plain_template, "{% if %}");
    CHECK(heard.size() == 1);
    CHECK(refused(broken, with_a_tool) == errc::bad_template);
    CHECK(!refused(broken, [](auto&) {}));

    const auto named =
        small_chat([](auto& file) { file.pair("tokenizer.chat_template.default", plain_template); }, heard);
    CHECK(named.has_chat_template());
}

TEST_CASE("session: a system prompt that the chat template does not show is refused") {
    wafer_test::warnings heard;
    const auto set = [](auto& o) { o.system = "Be brief."; };
    CHECK(!refused(with_templates(heard, plain_template), set));
    const auto deaf = with_templates(heard, "{% for m in messages if m.role != 'system' %}{{ m.content }}{% endfor %}");
    CHECK(refused(deaf, set) == errc::invalid_argument);
    CHECK(!refused(deaf, [](auto&) {}));
    CHECK(!refused(with_templates(heard, nullptr), set));  // its conversations are refused anyway
    // A saved session's options are checked like others.
    const auto m = with_templates(heard, plain_template);
    session<> chat(m, asking(set)), other(deaf, asking([](auto&) {}));
    const auto saved = chat.save();
    const auto e = error_of([&] { other.load(saved); });
    CHECK((e && e->code() == errc::invalid_argument));
}

TEST_CASE("session: texts among the options have to be UTF-8") {
    wafer_test::warnings heard;
    const auto m = with_templates(heard, plain_template);
    CHECK(refused(m, [](auto& o) { o.stop = {"ok", "\xff"}; }) == errc::bad_utf8);
    CHECK(refused(m, [](auto& o) { o.system = "\xc3"; }) == errc::bad_utf8);
    const auto e = error_of([&] { const session<> chat(m, asking([](auto& o) { o.stop = {"ok", "a\xff"}; })); });
    REQUIRE(e.has_value());
    CHECK(std::string(e->what()).find("stop string 1 is not UTF-8") != std::string::npos);
    CHECK(e->where().offset == 1);
}

TEST_CASE("session: what merely has no effect is told through the log") {
    wafer_test::warnings heard;
    const auto m = with_templates(heard, plain_template);
    CHECK(!refused(m, [](auto& o) { o.stop = {""}; }));
    REQUIRE(heard.size() == 1);
    CHECK(heard[0] == "an empty stop string has no effect");
    heard.clear();
    CHECK(!refused(m, [](auto& o) { o.thinking = true; }));
    REQUIRE(heard.size() == 1);
    CHECK(heard[0].find("does not ask whether to think") != std::string::npos);
    heard.clear();
    session<> chat(m, asking([](auto& o) { o.shape.n_context = 32769; }));
    REQUIRE(heard.size() == 1);  // its context is longer than the model's
    CHECK(heard[0] == "a context of 32769 positions is longer than the 32768 that the model was made for: answers go "
                      "wrong beyond those");
    chat.set_thinking(false);
    CHECK(heard.size() == 2);

    heard.clear();
    const auto asks = with_templates(heard, "{% if enable_thinking %}<think>{% endif %}{{ messages[0].content }}");
    CHECK(!refused(asks, [](auto& o) { o.thinking = true; }));
    CHECK(heard.empty());
}

TEST_CASE("plan: tells of a context that is longer than the model's") {
    const auto image = wafer_test::small_llama::make().gguf().bytes();
    CHECK(plan(parse_gguf(image), {.n_context = 64}, 1).warnings.empty());
    CHECK(plan(parse_gguf(image), {}, 1).warnings.empty());
    const auto longer = plan(parse_gguf(image), {.n_context = 65}, 1);
    REQUIRE(longer.warnings.size() == 1);
    CHECK(longer.warnings[0].starts_with("a context of 65 positions is longer than the 64"));
}

TEST_CASE("session: tokens are drawn as the model's file recommends, unless something else is asked for") {
    wafer_test::warnings heard;
    const auto m = small_chat(
        [](auto& file) {
            file.pair("tokenizer.chat_template", plain_template);
            file.pair("general.sampling.temp", 0.25f).pair("general.sampling.top_k", std::uint32_t{7});
            file.pair("general.sampling.top_p", 7.0f);  // out of range
            file.pair("general.sampling.penalty_last_n", std::uint32_t{9})
                .pair("general.sampling.mirostat", std::uint32_t{2});
        },
        heard);
    REQUIRE(heard.size() == 2);
    CHECK(heard[0] == "key general.sampling.top_p is not used: sampling needs 0 < top_p <= 1");
    CHECK(heard[1] == "key general.sampling.mirostat is not honoured: there is no such step");

    session<> chat(m, asking([](auto& o) { o.how.top_k = 3; }));
    const auto& how = chat.options().how;
    CHECK(how.temperature == 0.25f);
    CHECK(how.top_k == 3);
    CHECK(how.top_p == default_sampling.top_p);
    CHECK(how.min_p == default_sampling.min_p);
    CHECK(how.repeat_penalty == default_sampling.repeat_penalty);
    CHECK(how.repeat_last == 9);
    chat.set_sampling({.temperature = 0});
    CHECK((how.temperature == 0.0f && how.top_k == 7 && how.repeat_last == 9));
    CHECK_THROWS_AS(chat.set_sampling({.top_p = 0}), error);
    CHECK(how.temperature == 0.0f);

    // A saved session draws on as it was, whatever the file recommends.
    session<> other(m, asking([](auto&) {}));
    other.load(chat.save());
    CHECK((other.options().how.temperature == 0.0f && other.options().how.top_k == 7));
}
