// SPDX-License-Identifier: MIT
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <support/read_text.hpp>
#include <support/reasoner.hpp>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include <wafer/core/json.hpp>
#include <wafer/gen/answer_stream.hpp>
#include <wafer/gen/model.hpp>
#include <wafer/gen/session.hpp>
#include <wafer/io/gguf.hpp>
#include <wafer/text/grammar/gbnf.hpp>
#include <wafer/text/grammar/json_schema.hpp>

using namespace wafer;
using wafer_test::greedy;
using wafer_test::reasoner;

namespace {

/// All pieces of an answer whose tokens spell `text`, taken as they come.
std::vector<reply_piece> pieces_of(answer_stream& a, std::string_view text) {
    std::vector<reply_piece> out;
    const auto take = [&] {
        while (auto piece = a.take()) out.push_back(std::move(*piece));
    };
    for (const auto id : reasoner().words().encode(text)) {
        a.add(id);
        take();
    }
    a.end();
    take();
    return out;
}

/// The default model with another template, no longer than its own.
model with_template(std::string text) {
    auto file = *wafer_test::read_text(WAFER_EXAMPLES "/tiny_reasoner/tiny_reasoner.gguf");
    const auto at = file.find("tokenizer.chat_template") + 23 + 4 + 8;  // a key, a type and a size
    std::uint64_t size = 0;
    std::memcpy(&size, file.data() + at - 8, 8);
    text.resize(size, ' ');  // templates end in white space as they like
    file.replace(at, size, text);
    return model(parse_gguf(std::as_bytes(std::span(file))));
}

}  // namespace

TEST_CASE("answer_stream: thinking, text and calls of tools come apart, and together are the turn that was said") {
    answer_stream a(reasoner().words(), call_dialect::hermes, {}, "<think>\n");
    std::string thought, said, arguments;
    std::vector<reply_event> calls;
    for (const auto& p : pieces_of(a, "Hm.\n</think>\n\nLet me add.\n<tool_call>\n{\"name\": \"add\", \"arguments\": "
                                      "{\"a\": 1, \"b\": [2]}}\n</tool_call>")) {
        if (p.call) {
            CHECK(p.text.empty());
            if (p.call->kind == reply_kind::call_arguments) arguments += p.call->text;
            else calls.push_back(*p.call);
        } else {
            (p.thinking ? thought : said) += p.text;
        }
    }
    CHECK(thought == "Hm.");
    CHECK(said == "Let me add.\n");
    REQUIRE(calls.size() == 2);
    CHECK(calls[0].kind == reply_kind::call_begin);
    CHECK(calls[0].text == "add");
    CHECK(json::parse(arguments) == json::parse(R"({"a": 1, "b": [2]})"));
    CHECK(calls[1].kind == reply_kind::call_end);
    CHECK(calls[1].arguments == json::parse(arguments));
    CHECK(calls[1].id == "call00001");
    CHECK(a.said().reasoning == thought);
    CHECK(a.said().content == said);
    CHECK(a.said().tool_calls.dump() ==
          R"([{"id":"call00001","type":"function","function":{"name":"add","arguments":{"a":1,"b":[2]}}}])");
}

TEST_CASE("answer_stream: a call that cannot be read is not lost") {
    answer_stream a(reasoner().words(), call_dialect::hermes, {}, "");
    std::string raw;
    for (const auto& p : pieces_of(a, "<tool_call>\n{\"name\": oops}\n</tool_call>"))
        raw += p.call ? p.call->text : p.text;
    CHECK(raw.find("oops") != std::string::npos);
    CHECK(a.said().content.find("oops") != std::string::npos);
    CHECK(a.said().tool_calls.is_null());
}

TEST_CASE("answer_stream: the tools tell what a call's tags hold") {
    json tools = json::parse(
        R"([{"type": "function", "function": {"name": "add", "parameters": {"properties": {"a": {"type": "integer"}}}}}])");
    answer_stream a(reasoner().words(), call_dialect::qwen_coder, {}, "", 0, false, std::move(tools));
    (void)pieces_of(a, "<tool_call>\n<function=add>\n<parameter=a>\n1\n</parameter>\n</function>\n</tool_call>");
    REQUIRE(a.said().tool_calls.is_array());
    CHECK(a.said().tool_calls.at(0).at("function").at("arguments").dump() == R"({"a":1})");
    CHECK(a.said().content.empty());
}

TEST_CASE("answer_stream: stop strings end it, and are no part of it") {
    answer_stream a(reasoner().words(), call_dialect::none, {"END"}, "");
    std::string text;
    for (const auto& p : pieces_of(a, "one two EN three END four")) text += p.text;
    CHECK(text == "one two EN three ");
    CHECK(a.stopped());
}

TEST_CASE("session: a grammar holds whatever the model would rather say, thinking apart") {
    auto how = greedy();
    how.grammar = grammar::gbnf(R"(root ::= "yes" | "no" ", never" )");
    session chat{reasoner(), how};
    for (const bool thinking : {true, false}) {
        chat.set_thinking(thinking);
        const auto text = chat.ask("What is 17 + 25?").text();
        CHECK((text == "yes" || text == "no, never"));
        CHECK(chat.ended() == finish::end_of_turn);
        CHECK(chat.messages().back().content == text);
    }
    chat.set_grammar(nullptr);
    chat.set_thinking(true);
    CHECK(chat.ask("What is 17 + 25?").text() == "17 + 25 = 42");
}

TEST_CASE("session: an answer to a JSON schema is JSON of that schema, at any temperature") {
    session_options how;
    how.how.temperature = 2;
    how.thinking = false;
    how.grammar = grammar::json_schema(json::parse(R"({"type": "object", "required": ["sum", "sure"],
        "properties": {"sum": {"type": "integer", "minimum": 0, "maximum": 99}, "sure": {"type": "boolean"}}})"));
    for (std::uint64_t seed = 0; seed < 8; ++seed) {
        how.how.seed = seed;
        session chat{reasoner(), how};
        const auto answer = json::parse(chat.ask("What is 17 + 25?").text());
        CHECK(answer.at("sum").as_int() >= 0);
        CHECK(answer.at("sum").as_int() <= 99);
        (void)answer.at("sure").as_bool();
    }
}

TEST_CASE("session: an answer that the template does not take cannot end the conversation") {
    auto how = greedy();
    how.thinking = false;
    how.tools =
        json::parse(R"([{"type":"function","function":{"name":"f"}},{"type":"function","function":{"name":"g"}}])");
    how.grammar = grammar::gbnf(
        R"(root ::= "Hm.<tool_call>{\"name\": \"f\"}</tool_call><tool_call>{\"name\": \"g\"}</tool_call>")");
    // Takes no assistant of whom `refused` is true.
    const auto last_turn = [&](const std::string& refused) {
        const auto m = with_template(
            "{{ tools[0].function.name }}{%- for m in messages %}{%- if m.role == 'assistant' and (" + refused +
            ") %}{{ raise_exception('<tool_call>') }}{%- endif %}{{ m.role + m.content }}"
            "{%- endfor %}");
        session chat{m, how};
        (void)chat.ask("a").text();
        const auto n = chat.messages().size();
        const auto last = n == 0 ? message{} : chat.messages().back();
        (void)chat.ask("b").text();
        CHECK(chat.messages().size() == 2 * n);
        return last;
    };
    CHECK(last_turn("false").tool_calls.as_array().size() == 2);
    // Ids are those of the session, not of the answer.
    const auto m = with_template(
        "{# <tool_call> #}{{ tools | tojson }}{%- for m in messages %}{{ m.role + m.content }}{%- endfor %}");
    session chat{m, how};
    std::vector<std::string> ids;
    for (const auto* question : {"a", "b"})
        for (const auto& piece : chat.ask(question))
            if (piece.call && piece.call->kind == reply_kind::call_end) ids.push_back(piece.call->id);
    CHECK(ids == std::vector<std::string>{"call00001", "call00002", "call00003", "call00004"});
    const auto one = last_turn("m.tool_calls and m.tool_calls|length > 1");
    REQUIRE(one.tool_calls.as_array().size() == 1);
    CHECK(one.tool_calls.at(0).at("function").at("name").as_string() == "f");
    const auto none = last_turn("m.tool_calls");
    CHECK(none.tool_calls.is_null());
    CHECK(none.content == "Hm.");
    CHECK(last_turn("'Hm' in m.content").role.empty());
}
