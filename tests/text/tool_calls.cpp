// SPDX-License-Identifier: MIT
#include <chrono>
#include <random>
#include <string>
#include <support/reply_events.hpp>
#include <utility>

#include <doctest/doctest.h>

#include <wafer/core/json.hpp>
#include <wafer/text/reply_reader.hpp>
#include <wafer/text/tool_calls.hpp>

using namespace wafer;
using wafer_test::called;

namespace {

std::string read(call_dialect dialect, std::string_view text) {
    // The messages of gpt-oss have to be told apart first.
    if (dialect == call_dialect::harmony)
        return wafer_test::shown(wafer_test::read_every_way(reply_reader(dialect), text));
    return wafer_test::shown(wafer_test::read_every_way(tool_call_reader(dialect), text));
}

const std::string calls_begin(format_of(call_dialect::deepseek).block_open),
    calls_end(format_of(call_dialect::deepseek).block_close), call_begin(format_of(call_dialect::deepseek).open),
    call_end(format_of(call_dialect::deepseek).close), sep(format_of(call_dialect::deepseek).separator);

// With every kind of character that a scanner could trip over.
const std::string hard = R"({"a": "} ] </tool_call> \" \\ h\u00e9 )"
                         "\xC3\xA9\xF0\x9F\x98\x80"
                         R"(", "b": [1.5e-3, {"c": null}], "d": {}})";

}  // namespace

TEST_CASE("tool_calls: Hermes calls come as name and arguments, between text") {
    CHECK(read(call_dialect::hermes, R"(<tool_call>
{"name": "add", "arguments": {"a": 1, "b": 2}}
</tool_call>)") == called("add", R"({"a": 1, "b": 2})"));
    CHECK(read(call_dialect::hermes, "Let me see.\n<tool_call>{\"name\":\"f\",\"arguments\":" + hard +
                                         "}</tool_call>\n<tool_call>\n{\"arguments\": {}, \"name\": "
                                         "\"g\"}\n</tool_call>\n") ==
          "text[Let me see.\n]" + called("f", hard) + called("g", "{}"));
    CHECK(read(call_dialect::hermes, R"(<tool_call>{"name": "f", "arguments": {}}</tool_call> Done.)") ==
          called("f", "{}") + "text[ Done.]");
}

TEST_CASE("tool_calls: arguments stream as they are written, once the name is known") {
    tool_call_reader reader(call_dialect::hermes);
    CHECK(wafer_test::shown(reader.feed(R"(<tool_call>{"name": "f", "argu)")) == "");
    CHECK(wafer_test::shown(reader.feed(R"(ments": {"city": "Par)")) == R"(begin[f]args[{"city": "Par])");
    CHECK(wafer_test::shown(reader.feed("is\"}")) == "args[is\"}]");
    CHECK(wafer_test::shown(reader.feed("}\n</tool_call")) == "");
    CHECK(wafer_test::shown(reader.feed(">")) == R"(end[{"city": "Paris"}]f{"city":"Paris"})");
    CHECK(wafer_test::shown(reader.feed("x <b>")) == "text[x <b>]");
}

TEST_CASE("tool_calls: a call that lacks only its closing marker counts at the end of the stream") {
    CHECK(read(call_dialect::hermes, "<tool_call>{\"name\": \"f\", \"arguments\": {}}\n") == called("f", "{}"));
    CHECK(read(call_dialect::harmony, "<|start|>assistant<|channel|>commentary to=functions.f <|constrain|>json"
                                      "<|message|>{\"a\": 1}") == called("f", R"({"a": 1})"));
}

TEST_CASE("tool_calls: a call without arguments, or with arguments inside a string, is understood") {
    CHECK(read(call_dialect::hermes, R"(<tool_call>{"name": "f"}</tool_call>)") == called("f", "{}"));
    CHECK(read(call_dialect::hermes, R"(<tool_call>{"name": "f", "arguments": null}</tool_call>)") ==
          called("f", "{}"));
    CHECK(read(call_dialect::hermes, R"(<tool_call>{"name": "f", "arguments": "{\"a\":1}"}</tool_call>)") ==
          called("f", R"({"a":1})"));
}

TEST_CASE("tool_calls: Llama calls are JSON alone, or after a tag, and several may follow one another") {
    CHECK(read(call_dialect::llama, R"({"name": "add", "parameters": {"a": 1}})") == called("add", R"({"a": 1})"));
    CHECK(read(call_dialect::llama, R"(
 {"type": "function", "name": "add", "parameters": {"a": 1}}; {"function": "g", "parameters": {}})") ==
          called("add", R"({"a": 1})") + called("g", "{}"));
    CHECK(read(call_dialect::llama, R"(<|python_tag|>{"name": "f", "parameters": )" + hard + "}") == called("f", hard));
    CHECK(read(call_dialect::llama,
               R"(<|python_tag|>{"name": "f", "parameters": {}}<|python_tag|>{"name": "g", "parameters": {}})") ==
          called("f", "{}") + called("g", "{}"));
    CHECK(read(call_dialect::llama, R"({"type": "function", "function": {"name": "f", "parameters": {"a":1}}})") ==
          called("f", R"({"a":1})"));
}

TEST_CASE("tool_calls: JSON that is an answer stays one") {
    for (const std::string text :
         {R"({"answer": 42})", R"({"name": "Bob", "age": 3})", R"({"name": "Bob"})", R"({"type": 1})", "{", "{}",
          R"({"name": "f", "param)", R"({"name": "f", "what": "<|python_tag|", "parameters": {}})",
          R"({"name": 3, "parameters": {}})", "  { x }", "[1, 2]", R"(Sure: {"name": "f", "parameters": {}})", " \n",
          "<|python_tag", "<|python_tag|>print('hi')", "a < b"}) {
        CHECK(read(call_dialect::llama, text) == "text[" + text + "]");
    }
}

TEST_CASE("tool_calls: DeepSeek calls of both forms") {
    CHECK(read(call_dialect::deepseek,
               "Hm." + calls_begin + call_begin + "function" + sep + "get_weather\n```json\n{\"city\": \"Rome\"}\n```" +
                   call_end + "\n" + call_begin + "function" + sep + "f\n```json\n" + hard + "\n```" + call_end +
                   calls_end) == "text[Hm.]" + called("get_weather", R"({"city": "Rome"})") + called("f", hard));
    CHECK(read(call_dialect::deepseek, "\n\n" + calls_begin + call_begin + "get_weather" + sep +
                                           "{\"city\": \"Rome\"}" + call_end + call_begin + "f" + sep + hard +
                                           call_end + calls_end) ==
          called("get_weather", R"({"city": "Rome"})") + called("f", hard));
    // Without the markers of the block, as when a tokenizer hides them.
    CHECK(read(call_dialect::deepseek, call_begin + "f" + sep + "{}" + call_end) == called("f", "{}"));
}

TEST_CASE("tool_calls: DeepSeek R1 spells the block's marker in several ways and leaves out that of a call") {
    const auto& also = format_of(call_dialect::deepseek).other_block_opens;
    for (const std::string_view begin : {std::string_view(calls_begin), also[0], also[1], also[2], also[3]})
        for (const std::string& open : {call_begin, std::string()}) {
            const auto call = [&](const std::string& name) {
                return open + "function" + sep + name + "\n```json\n{\"a\": 1}\n```" + call_end;
            };
            CHECK(
                read(call_dialect::deepseek, "Hm.\n" + std::string(begin) + call("f") + "\n" + call("g") + calls_end) ==
                "text[Hm.\n]" + called("f", "{\"a\": 1}") + called("g", "{\"a\": 1}"));
            CHECK(read(call_dialect::deepseek, std::string(begin) + "x") == "text[" + std::string(begin) + "x]");
        }
    CHECK(reply_reader::is_marker(call_dialect::deepseek, also[3]));
    for (const std::string& text : {"function" + sep, calls_begin + "functio", calls_begin + "function"})
        CHECK(read(call_dialect::deepseek, text) == "text[" + text + "]");
}

TEST_CASE("tool_calls: calls of gpt-oss, in both places for the recipient") {
    CHECK(read(call_dialect::harmony, "<|start|>assistant<|channel|>commentary to=functions.get_weather "
                                      "<|constrain|>json<|message|>" +
                                          hard + "<|call|>") == called("get_weather", hard));
    CHECK(read(call_dialect::harmony,
               "<|start|>assistant to=functions.f<|channel|>commentary json<|message|>{\"a\": 1}<|call|>") ==
          called("f", R"({"a": 1})"));
    CHECK(read(call_dialect::harmony, "<|start|>assistant<|channel|>analysis to=browser.search code<|message|>"
                                      "{\"query\": \"x\"}<|call|>") == called("browser.search", R"({"query": "x"})"));
    const std::string python = "<|start|>assistant<|channel|>analysis to=python code<|message|>print({1})<|call|>";
    CHECK(read(call_dialect::harmony, python) == "invalid[" + python + "]");
}

TEST_CASE("tool_calls: Mistral calls are a list") {
    CHECK(
        read(
            call_dialect::mistral,
            R"([TOOL_CALLS][{"name": "f", "arguments": {"a": 1}}, {"name": "g", "arguments": {}, "id": "abcdefghi"}])") ==
        called("f", R"({"a": 1})") + called("g", "{}"));
}

TEST_CASE("tool_calls: Qwen3-Coder's calls are tags, and the tool's schema says what is a number") {
    const json tools = json::parse(R"([{"type": "function", "function": {"name": "g", "parameters": {}}},
        {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {
        "text": {"type": "string"}, "n": {"type": "integer"}, "on": {"type": "boolean"}, "list": {"type": "array"},
        "maybe": {"type": ["string", "null"]}, "any": {}, "either": {"anyOf": [{"type": "number"}, {"type": "string"}]},
        "pick": {"enum": ["1", "2"]}, "level": {"enum": [1, 2]}, "of_n": {"$ref": "#/$defs/n"}},
        "additionalProperties": {"type": ["null", "integer"]}, "$defs": {"n": {"type": "integer"}}}}}])");
    const auto read = [&](std::string_view text) {
        return wafer_test::shown(wafer_test::read_every_way(tool_call_reader(call_dialect::qwen_coder, tools), text));
    };
    const auto call = [](const std::string& key, const std::string& value) {
        return "<tool_call>\n<function=f>\n<parameter=" + key + ">\n" + value +
               "\n</parameter>\n</function>\n</tool_call>";
    };
    CHECK(read("Let me see.\n\n<tool_call>\n<function=f>\n<parameter=text>\nParis\n</parameter>\n<parameter=n>\n3\n"
               "</parameter>\n</function>\n</tool_call>\n<tool_call>\n<function=g>\n</function>\n</tool_call>") ==
          "text[Let me see.\n\n]" + called("f", R"({"text": "Paris", "n": 3})") + called("g", "{}"));
    const struct {
        const char *key, *written, *json;
    } values[] = {{"text", "3", R"("3")"},
                  {"text", "true", R"("true")"},
                  {"text", "", R"("")"},
                  {"text", "\n a\n\tb \\ \"q\"\n", R"("\n a\n\tb \\ \"q\"\n")"},
                  {"text", "a </paramete> b\n</para", R"("a </paramete> b\n</para")"},
                  {"text", "<parameter=n>\n3</function>", R"("<parameter=n>\n3</function>")"},
                  {"text", "\xC3\xA9\xF0\x9F\x98\x80", "\"\xC3\xA9\xF0\x9F\x98\x80\""},
                  {"n", " 3 ", "3"},
                  {"n", "-1.5e3", "-1.5e3"},
                  {"n", "three", R"("three")"},
                  {"on", "true", "true"},
                  {"on", "False", "false"},
                  {"on", "1", R"("1")"},
                  {"list", "[1, {\"a\": null}]", "[1, {\"a\": null}]"},
                  {"list", "[1,", R"("[1,")"},
                  {"maybe", "null", "null"},
                  {"maybe", "None", "null"},
                  {"maybe", "3", R"("3")"},
                  {"text", R"("use strict")", R"("\"use strict\"")"},
                  {"maybe", R"("use strict")", R"("\"use strict\"")"},
                  {"maybe", R"("use \u0041")", R"("\"use \\u0041\"")"},
                  {"any", R"("x")", R"("\"x\"")"},
                  {"either", "007", R"("007")"},
                  {"any", "{\"a\": 1}", "{\"a\": 1}"},
                  {"any", "a b", R"("a b")"},
                  {"either", "1.5", "1.5"},
                  {"either", "1.5.2", R"("1.5.2")"},
                  {"pick", "1", R"("1")"},
                  {"level", "1", "1"},
                  {"of_n", "7", "7"},
                  {"another", "7", "7"},
                  {"two words", "a", R"("a")"}};
    for (const auto& v : values) {
        CAPTURE(v.written);
        CHECK(read(call(v.key, v.written)) == called("f", "{\"" + std::string(v.key) + "\": " + v.json + "}"));
    }
    // Models forget the marker around the call, its end, line breaks.
    CHECK(read("<function=f><parameter=text>a</parameter><parameter=n>1</parameter></function></tool_call>!") ==
          called("f", R"({"text": "a", "n": 1})") + "text[!]");
    CHECK(read("<tool_call>\n<function=f>\n</function>\n") == called("f", "{}"));
    // A function that nobody described, or a parameter: all is text.
    CHECK(read("<function=g><parameter=n>1</parameter></function>") == called("g", R"({"n": "1"})"));
    CHECK(wafer_test::shown(wafer_test::read_every_way(tool_call_reader(call_dialect::qwen_coder), call("n", "1"))) ==
          called("f", R"({"n": "1"})"));

    for (const std::string text :
         {"<function=", "<function=f", "<function=f>", "a <function=f>\n b", "<function=f g></function>",
          "<function=></function>", "<tool_call>", "<tool_call> x", "</tool_call>", "<parameter=a>"})
        CHECK(read(text) == "text[" + text + "]");
    for (const std::string bad :
         {"<function=f><parameter=n>1</parameter><parameter=n>2</parameter></function>",
          "<function=f><parameter=n>1</parameter>x</function>", "<function=f><parameter=></function>"})
        CHECK_MESSAGE(
            read("<tool_call>" + bad + "</tool_call>!").ends_with("invalid[<tool_call>" + bad + "</tool_call>]text[!]"),
            bad);
    CHECK(read("<function=f>\n<parameter=text>\nab") == R"(begin[f]args[{"text": "ab]invalid[)"
                                                        "<function=f>\n<parameter=text>\nab]");

    tool_call_reader reader(call_dialect::qwen_coder, tools);
    CHECK(wafer_test::shown(reader.feed("<tool_call>\n<function=f>\n")) == "");
    CHECK(wafer_test::shown(reader.feed("<parameter=text>\nPar")) == R"(begin[f]args[{"text": "Par])");
    CHECK(wafer_test::shown(reader.feed("is\n</para")) == "args[is]");
    CHECK(wafer_test::shown(reader.feed("meter>\n<parameter=n>4")) == "args[\", \"n\": ]");
}

TEST_CASE("tool_calls: newer Mistral models write the name, perhaps an id, and the arguments after a marker each") {
    CHECK(
        read(call_dialect::mistral_args, "Hm.[TOOL_CALLS]f[ARGS]" + hard + "[TOOL_CALLS]g[CALL_ID]abcdefghi[ARGS]{}") ==
        "text[Hm.]" + called("f", hard) + called("g", "{}"));
    CHECK(read(call_dialect::mistral_args, "[TOOL_CALLS]f[ARGS]{} Done.") == called("f", "{}") + "text[ Done.]");
    for (const std::string text :
         {"[TOOL_CALLS]", "[TOOL_CALLS]f", "[TOOL_CALLS][{}]", "[ARGS]{}", "[TOOL_CALLS] f[CALL_ID]"})
        CHECK(read(call_dialect::mistral_args, text) == "text[" + text + "]");
    CHECK(read(call_dialect::mistral_args, "[TOOL_CALLS]f[ARGS]x{}").starts_with("invalid[[TOOL_CALLS]"));
    CHECK(read(call_dialect::mistral_args, "[TOOL_CALLS][CALL_ID]x[ARGS]{}").starts_with("invalid[[TOOL_CALLS]"));
    CHECK(reply_reader::is_marker(call_dialect::mistral_args, "[CALL_ID]"));
}

TEST_CASE("tool_calls: what begins like a call and is none comes out as text") {
    for (const std::string text :
         {"<tool_call> is a tag", "<tool_call>", "<tool_cal", "a <tool_call>\nb", "  <tool_call>x</tool_call> ",
          "</tool_call>", "<<tool_call", "<tool_call><tool_call>", "\n\n", "{\"name\": \"f\", \"arguments\": {}}"})
        CHECK(read(call_dialect::hermes, text) == "text[" + text + "]");
    for (const std::string& text : {calls_begin, calls_begin + "\nno", " " + calls_end, call_begin, call_begin + "f"})
        CHECK(read(call_dialect::deepseek, text) == "text[" + text + "]");
    for (const std::string text : {"<|start|>", "x<|star", "{\"name\": \"f\", \"arguments\": {}}"})
        CHECK(read(call_dialect::harmony, text) == "text[" + text + "]");
}

TEST_CASE("tool_calls: a call that cannot be read is handed out raw, and what follows is read on") {
    const std::string good = R"(<tool_call>{"name": "g", "arguments": {}}</tool_call>)";
    for (const std::string bad :
         {R"(<tool_call>{"name": "f", "arguments": {"a": tru}}</tool_call>)",
          R"(<tool_call>{"name": "f", "arguments": {"a": True}}</tool_call>)",
          R"(<tool_call>{"arguments": {"a": 1}}</tool_call>)",
          R"(<tool_call>{"name": "f", "arguments": 3}</tool_call>)",
          R"(<tool_call>{"name": "f", "arguments": {}}}</tool_call>)", R"(<tool_call>{]</tool_call>)",
          R"(<tool_call>{"name": "", "arguments": {}}</tool_call>)",
          R"(<tool_call>{"name": "f" "arguments": {}}</tool_call>)",
          R"(<tool_call>{"name": "f", "arguments": {"a": 1, "a": 2}}</tool_call>)"}) {
        const std::string out = read(call_dialect::hermes, bad + good);
        CHECK_MESSAGE(out.ends_with("invalid[" + bad + "]" + called("g", "{}")), out);
        CHECK_MESSAGE(out.find("text[") == out.npos, out);
    }
    // A string without its end hides the marker only until the stream ends.
    const std::string open = R"(<tool_call>{"name": "f", "arguments": {"a": "x}}</tool_call>)";
    CHECK(read(call_dialect::hermes, open + "bye").ends_with("invalid[" + open + "]text[bye]"));
    // Cut off in the middle.
    CHECK(read(call_dialect::hermes, R"(<tool_call>{"name": "f", "arguments": {"a": 1)") ==
          R"(begin[f]args[{"a": 1]invalid[<tool_call>{"name": "f", "arguments": {"a": 1])");
    CHECK(read(call_dialect::llama, R"({"name": "f", "parameters": {"a": x y}} z)")
              .starts_with(R"(begin[f]args[{"a": x)"));
    const std::string nameless = call_begin + sep + "{}" + call_end;
    CHECK(read(call_dialect::deepseek, nameless + "x") == "invalid[" + nameless + "]text[x]");
}

TEST_CASE("tool_calls: a call that cannot be read keeps the markers around it, also those of its block") {
    const std::string bad = "<function=save>\n<parameter=plain>\n1\n</parameter>\n<oops>\n</function>";
    const std::string begun = R"(begin[save]args[{"plain": "1"])", good = "<function=g>\n</function>";
    const auto coder = [](const std::string& text) { return read(call_dialect::qwen_coder, text); };
    for (const std::string gap : {"", "\n", " \n\n"}) {
        const std::string block = "<tool_call>" + gap + bad + gap + "</tool_call>";
        CHECK(coder(block) == begun + "invalid[" + block + "]");
        CHECK(coder("Hm." + block + gap + "Done.") ==
              "text[Hm.]" + begun + "invalid[" + block + "]text[" + gap + "Done.]");
        CHECK(coder(block + block) == begun + "invalid[" + block + "]" + begun + "invalid[" + block + "]");
        // Markers of the block belong to the call that they stand beside.
        CHECK(coder("<tool_call>" + good + gap + bad + gap + "</tool_call>!") ==
              called("g", "{}") + begun + "invalid[" + gap + bad + gap + "</tool_call>]text[!]");
        CHECK(coder("<tool_call>" + gap + bad + gap + good + gap + "</tool_call>") ==
              begun + "invalid[<tool_call>" + gap + bad + "]" + called("g", "{}"));
    }
    // White space beside it is text.
    CHECK(coder(bad + "\n") == begun + "invalid[" + bad + "]text[\n]");
    // The block's end also ends a call whose own was forgotten.
    const std::string open = "<tool_call>\n<function=f>\n<oops>\n</tool_call>";
    CHECK(coder(open + " Done.") == "text[" + open + " Done.]");
    const std::string cut = "<tool_call>\n<function=f>\n<parameter=a>\n1\n</parameter>\n<oops>\n</tool_call>";
    CHECK(coder(cut + " Done.") == R"(begin[f]args[{"a": "1"]invalid[)" + cut + "]text[ Done.]");

    const std::string nameless = call_begin + sep + "{}" + call_end, call = call_begin + "f" + sep + "{}" + call_end;
    const auto seek = [](const std::string& text) { return read(call_dialect::deepseek, text); };
    for (const std::string gap : {"", "\n"}) {
        CHECK(seek(calls_begin + nameless + gap + calls_end + "x") ==
              "invalid[" + calls_begin + nameless + gap + calls_end + "]text[x]");
        CHECK(seek(calls_begin + call + gap + nameless + gap + call + calls_end) ==
              called("f", "{}") + "invalid[" + gap + nameless + "]" + called("f", "{}"));
    }
    CHECK(seek(calls_begin + call_begin + "f" + sep + "{" + calls_end + "x")
              .ends_with("invalid[" + calls_begin + call_begin + "f" + sep + "{" + calls_end + "]text[x]"));

    // Lists have their bracket for a marker. A call that nothing closes goes up to the next, or to the end.
    CHECK(read(call_dialect::mistral, R"([TOOL_CALLS][{"name": 3, "arguments": {}}])") ==
          R"(invalid[[TOOL_CALLS][{"name": 3, "arguments": {}}]])");
    CHECK(read(call_dialect::mistral, R"([TOOL_CALLS][{"name": 3}, {"name": "g", "arguments": {}}] Done.)") ==
          R"(invalid[[TOOL_CALLS][{"name": 3}])" + called("g", "{}") + "text[ Done.]");
    CHECK(read(call_dialect::mistral, R"([TOOL_CALLS][{"name": 'f', "arguments": {}}])") ==
          R"(invalid[[TOOL_CALLS][{"name": 'f', "arguments": {}}]])");
    CHECK(read(call_dialect::mistral_args, "[TOOL_CALLS]f[ARGS]x{}[TOOL_CALLS]g[ARGS]{}") ==
          "invalid[[TOOL_CALLS]f[ARGS]x{}]" + called("g", "{}"));
    CHECK(read(call_dialect::llama,
               "<|python_tag|>{\"name\": 'f'} x<|python_tag|>{\"name\": \"g\", \"parameters\": {}}") ==
          "invalid[<|python_tag|>{\"name\": 'f'} x]" + called("g", "{}"));
}

TEST_CASE("tool_calls: what stands in a call beside its name and arguments makes it none, rather than being lost") {
    const auto fenced = [](const std::string& before, const std::string& after) {
        return call_begin + before + sep + after + "{}\n```" + call_end;
    };
    CHECK(read(call_dialect::deepseek, fenced("function", "f\n```json\n")) == called("f", "{}"));
    CHECK(read(call_dialect::deepseek, fenced("f", "\n```json\n")) == called("f", "{}"));
    CHECK(read(call_dialect::deepseek, fenced("f", "```")) == called("f", "{}"));
    for (const std::string& call :
         {fenced("I call function", "f\n```json\n"), fenced("f", "g\n```json\n"),
          fenced("function", "f\nplease\n```json\n"), fenced("function", "f\n``````json\n"), fenced("f g", "")})
        CHECK(read(call_dialect::deepseek, call) == "invalid[" + call + "]");
    const std::string id = "[TOOL_CALLS]f[CALL_ID]not an id[ARGS]{}";
    CHECK(read(call_dialect::mistral_args, id) == "invalid[" + id + "]");
    const std::string two = R"(<tool_call>{"name":"f","arguments":{"a":1},"parameters":{"b":2}}</tool_call>)";
    CHECK(read(call_dialect::hermes, two).ends_with("invalid[" + two + "]"));
    for (const std::string header :
         {"<|channel|>commentary to=functions.f please call<|message|>", "<|channel|>commentary to=f g h<|message|>",
          "<|start|>assistant to=f to=g<|message|>", "<|channel|>commentary to=<|message|>",
          "<|channel|>commentary to=f "})
        CHECK(read(call_dialect::harmony, header + "{}<|call|>") == "invalid[" + header + "{}<|call|>]");
}

TEST_CASE("tool_calls: a call that was announced as another is none") {
    for (const std::string body : {R"({"name":"x","arguments":{"q":1},"function":{"name":"g","arguments":{"a":12}}})",
                                   R"({"name":"x","arguments":{"q":1},"function":{"name":"x","arguments":{"q":2}}})",
                                   R"({"function":"x","arguments":{"q":1},"name":"g"})",
                                   R"({"name":"x","parameters":{"q":1},"arguments":{"q":2}})"}) {
        const std::string out = read(call_dialect::hermes, "<tool_call>" + body + "</tool_call>");
        CHECK_MESSAGE(out.find("end[") == out.npos, out);
        CHECK_MESSAGE(out.ends_with("invalid[<tool_call>" + body + "</tool_call>]"), out);
    }
    CHECK(read(call_dialect::hermes, R"(<tool_call>{"arguments":{"q":1},"function":{"name":"g","arguments":{"a":12}}})")
              .ends_with(R"(end[{"a":12}]g{"a":12})"));
}

TEST_CASE("tool_calls: a call whose closing marker was forgotten ends where the next begins, or the block ends") {
    const std::string f = R"(<tool_call>{"name": "f", "arguments": {"a": "<tool_call>"}})";
    const std::string g = R"(<tool_call>{"name": "g", "arguments": {}}</tool_call>)";
    for (const std::string gap : {"", "\n", " \n\n"})
        CHECK(read(call_dialect::hermes, f + gap + g) == called("f", R"({"a": "<tool_call>"})") + called("g", "{}"));
    CHECK(read(call_dialect::deepseek, calls_begin + call_begin + "f" + sep + "{}" + call_begin + "g" + sep + "{}\n" +
                                           calls_end + "x") == called("f", "{}") + called("g", "{}") + "text[x]");
}

TEST_CASE("tool_calls: without a dialect all is text") {
    const std::string text = R"( <tool_call>{"name": "f", "arguments": {}}</tool_call>)";
    CHECK(read(call_dialect::none, text) == "text[" + text + "]");
}

TEST_CASE("tool_calls: any mixture of fragments loses nothing and does not depend on the cuts") {
    std::mt19937 random(7);
    for (const call_dialect dialect :
         {call_dialect::llama, call_dialect::hermes, call_dialect::deepseek, call_dialect::mistral,
          call_dialect::harmony, call_dialect::qwen_coder, call_dialect::mistral_args}) {
        const call_format f = format_of(dialect);
        const std::string parts[] = {std::string(f.open),
                                     std::string(f.close),
                                     std::string(f.separator),
                                     std::string(f.block_open),
                                     std::string(f.block_close),
                                     "{",
                                     "}",
                                     "\"",
                                     "\\",
                                     "[",
                                     "]",
                                     "\n",
                                     " ",
                                     "a",
                                     "\"name\": \"f\"",
                                     ", ",
                                     "\"arguments\": ",
                                     "{}",
                                     "{\"name\": \"f\", \"arguments\": {\"a\": 1}}",
                                     "to=f",
                                     std::string(f.other_block_opens[0]),
                                     std::string(f.bare_open),
                                     "\xC3\xA9",
                                     "<",
                                     "`",
                                     "f>",
                                     "<parameter=a>",
                                     "</parameter>",
                                     std::string(f.open).substr(0, f.open.size() / 2)};
        for (int i = 0; i < 3000; ++i) {
            std::string text;
            for (std::size_t n = random() % 12; n > 0; --n) text += parts[random() % std::size(parts)];
            CAPTURE(text);
            const auto whole = wafer_test::read_in_steps(tool_call_reader(dialect), text, text.size() + 1);
            CHECK(wafer_test::read_in_steps(tool_call_reader(dialect), text, 1) == whole);
            CHECK(wafer_test::read_in_steps(tool_call_reader(dialect), text, 3) == whole);
            // All that is not white space or a marker's is in one of the events.
            std::size_t letters = 0, heard = 0;
            const auto count = [](std::string_view s) { return std::count(s.begin(), s.end(), '\xC3'); };
            letters = static_cast<std::size_t>(count(text));
            for (const auto& e : whole)
                if (e.kind == reply_kind::answer || e.kind == reply_kind::call_invalid ||
                    e.kind == reply_kind::call_end)
                    heard += static_cast<std::size_t>(count(e.text) + count(e.name));
            CHECK(heard == letters);
        }
    }
}

TEST_CASE("tool_calls: the work is linear in the text") {
    // The least of several runs: other programs cannot make one faster.
    const auto seconds = [](call_dialect dialect, std::string_view beginning, int n) {
        double least = 1e9;
        for (int run = 0; run < 4; ++run) {
            const auto start = std::chrono::steady_clock::now();
            tool_call_reader reader(dialect);
            std::size_t heard = 0;
            (void)reader.feed(beginning);
            for (int i = 0; i < n; ++i)
                for (const auto& e : reader.feed("<x")) heard += e.text.size();
            CHECK(heard == 2 * static_cast<std::size_t>(n));
            least = std::min(least, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
        }
        return least;
    };
    const std::pair<call_dialect, const char*> beginnings[] = {
        {call_dialect::hermes, R"(<tool_call>{"name": "f", "arguments": {"a": ")"},
        {call_dialect::qwen_coder, "<function=f><parameter=a>"}};
    // 64 times as long if it were quadratic
    for (const auto& [dialect, text] : beginnings)
        CHECK(seconds(dialect, text, 80'000) < 8 * 3 * seconds(dialect, text, 10'000));
}
