// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <random>
#include <span>
#include <string>
#include <support/read_text.hpp>
#include <support/reasoner.hpp>
#include <support/reply_texts.hpp>
#include <support/small_vocabulary.hpp>
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

TEST_CASE("answer_stream: what cannot be read of a call is kept as it was written, with the markers around it") {
    const std::string block =
        "<tool_call>\n<function=f>\n<parameter=a>\n1\n</parameter>\n<oops>\n</function>\n</tool_call>";
    answer_stream a(reasoner().words(), call_dialect::qwen_coder, {}, "");
    const auto pieces = pieces_of(a, "Hm.\n" + block + "\nDone.");
    std::string raw;
    for (const auto& p : pieces)
        if (p.call && p.call->kind == reply_kind::call_invalid) raw += p.call->text;
    CHECK(raw == block);
    CHECK(a.said().content == "Hm.\n" + block + "\nDone.");
}

TEST_CASE("answer_stream: the token that ends the turn is no text, but closes a call") {
    auto v = wafer_test::small_vocabulary();
    for (const auto* text : {"<|channel|>", "<|message|>", "<|return|>", "<|call|>"}) {
        v.tokens.push_back(text);
        v.types.push_back(token_type::control);
    }
    const tokenizer words(std::move(v));
    const auto said = [&](call_dialect dialect, std::string_view text, std::string_view last) {
        answer_stream a(words, dialect, {}, "");
        for (const auto id : words.encode(text)) a.add(id);
        a.add_last(words.find(last).value());
        a.end();
        return a.said();
    };
    const std::string to_f = "<|channel|>commentary to=functions.f<|message|>";
    CHECK(said(call_dialect::harmony, to_f + "{oops", "<|call|>").content == to_f + "{oops<|call|>");
    CHECK(said(call_dialect::harmony, to_f + "{}", "<|call|>").content.empty());
    CHECK(said(call_dialect::harmony, to_f + "{}", "<|call|>").tool_calls.as_array().size() == 1);
    CHECK(said(call_dialect::harmony, "<|channel|>final<|message|>a", "<|return|>").content == "a");
    CHECK(said(call_dialect::none, "a", "</s>").content == "a");
    CHECK(said(call_dialect::none, "a", "<|return|>").content == "a");
}

TEST_CASE("answer_stream: messages of one turn are one text, a line each") {
    answer_stream a(reasoner().words(), call_dialect::harmony, {}, "<|start|>assistant");
    std::string text, thought;
    for (const auto& p :
         pieces_of(a, "<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant<|channel|>analysis<|message|>So."
                      "<|end|><|start|>assistant<|channel|>commentary<|message|>I will look.<|end|>"
                      "<|start|>assistant<|channel|>final<|message|>Hello<|return|>"))
        (p.thinking ? thought : text) += p.text;
    CHECK(text == "I will look.\nHello");
    CHECK(thought == "Hm.\nSo.");
    CHECK(a.said().content == text);
    CHECK(a.said().reasoning == thought);
}

TEST_CASE("answer_stream: stop strings end it, and are no part of it") {
    answer_stream a(reasoner().words(), call_dialect::none, {"END"}, "");
    std::string text;
    for (const auto& p : pieces_of(a, "one two EN three END four")) text += p.text;
    CHECK(text == "one two EN three ");
    CHECK(a.stopped());
}

TEST_CASE(
    "answer_stream: stop strings are looked for in what is said, not in thinking, calls or what stands around them") {
    const std::string call = "<tool_call>\n{\"name\": \"f\", \"arguments\": {\"a\": \"END\"}}\n</tool_call>";
    const std::string bad = "<tool_call>\n{\"name\": END}\n</tool_call>";
    const auto said = [](const std::vector<std::string>& stop, const std::string& text, bool stops) {
        answer_stream a(reasoner().words(), call_dialect::hermes, stop, "<think>\n");
        std::string out;
        for (const auto& p : pieces_of(a, text)) {
            if (p.call && p.call->kind == reply_kind::call_begin) continue;
            if (p.call && p.call->kind == reply_kind::call_arguments) continue;
            out += p.call ? "[" + p.call->text + "]" : p.thinking ? "(" + p.text + ")" : p.text;
        }
        CHECK(a.stopped() == stops);
        for (std::size_t at; (at = out.find(")(")) != out.npos;) out.erase(at, 2);
        return out;
    };
    const std::string arguments = "[{\"a\": \"END\"}]";
    CHECK(said({"END"}, "an END\n</think>\n\nHi. " + call + "\nOne END two", true) ==
          "(an END)Hi. " + arguments + "\nOne ");
    CHECK(said({"END"}, "an END\n</think>" + bad + "x END", true) == "(an END)[" + bad + "]x ");
    for (const std::string stop : {"</think>", "\n\n", "END", "tool_call", "\"f\"", "{", ". <"})
        CHECK(said({stop}, "an END\n</think>\n\nHi. " + call + "\n", false) == "(an END)Hi. " + arguments);
    // Neither do they go from one stretch to the next, nor does one that is held back stay so.
    CHECK(said({"ab"}, "</think>a" + call + "b", false) == "a" + arguments + "\nb");
    CHECK(said({"END"}, "</think>E" + call + "N", false) == "E" + arguments + "\nN");
    CHECK(said({"END"}, "</think>An EN", false) == "An EN");
    // What might have become a marker may be a stop string in the end.
    CHECK(said({"<"}, "</think>a <", true) == "a ");
    CHECK(said({"<tool"}, "</think>a <tool_c", true) == "a ");
    CHECK(said({"<tool_call>"}, "</think>a <tool_call> b", true) == "a ");
}

TEST_CASE("answer_stream: what it hands out is what it keeps, and a stop string cuts both alike") {
    std::mt19937 random(5);
    std::size_t stops = 0;
    for (const call_format& format : call_formats) {
        for (int i = 0; i < 400; ++i) {
            const bool inside = random() % 8 == 0;
            const std::string text = wafer_test::any_reply(format.dialect, random);
            const std::string prompt = inside ? "<think>\n" : "";
            CAPTURE(text);
            // In order: what is said, stretch by stretch, and all else.
            using parts = std::vector<std::pair<bool, std::string>>;
            const auto parts_of = [&](answer_stream& a) {
                parts all;
                std::string content, thought;
                for (const auto& p : pieces_of(a, text)) {
                    const bool is_said = !p.call && !p.thinking;
                    const bool goes_on = !all.empty() && all.back().first && is_said;
                    const std::string piece =
                        p.call ? std::to_string(static_cast<int>(p.call->kind)) + p.call->text : p.text;
                    if (goes_on) all.back().second += piece;
                    else all.emplace_back(is_said, piece);
                    if (is_said) content += p.text;
                    if (p.thinking) thought += p.text;
                    if (p.call && p.call->kind == reply_kind::call_invalid) content += p.call->text;
                }
                CHECK(a.said().content == content);
                CHECK(a.said().reasoning == thought);
                return all;
            };
            answer_stream free(reasoner().words(), format.dialect, {}, prompt, 0, false,
                               wafer_test::tools_of_replies());
            parts expected = parts_of(free);
            std::vector<std::string> stop;
            for (std::size_t n = 1 + random() % 2; n > 0; --n)
                stop.push_back(
                    random() % 4 == 0 || text.empty() ? "a" : text.substr(random() % text.size(), 1 + random() % 4));
            bool met = false;
            for (std::size_t k = 0; k < expected.size() && !met; ++k) {
                std::string& whole = expected[k].second;
                for (std::size_t end = 1; expected[k].first && end <= whole.size() && !met; ++end)
                    for (std::size_t begin = 0; begin < end && !met; ++begin) {
                        met = std::find(stop.begin(), stop.end(), whole.substr(begin, end - begin)) != stop.end();
                        if (met) whole.resize(begin);
                    }
                if (met) expected.resize(whole.empty() ? k : k + 1);
            }
            CAPTURE(stop[0]);
            CAPTURE(stop.back());
            answer_stream cut(reasoner().words(), format.dialect, stop, prompt, 0, false,
                              wafer_test::tools_of_replies());
            CHECK((parts_of(cut) == expected));
            CHECK(cut.stopped() == met);
            stops += met;
        }
    }
    CHECK(stops > 500);
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
