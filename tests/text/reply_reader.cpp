// SPDX-License-Identifier: MIT
#include <string>
#include <string_view>
#include <support/hf_tokenizer.hpp>
#include <support/reply_events.hpp>
#include <vector>

#include <doctest/doctest.h>

#include <wafer/text/reply_reader.hpp>

using namespace wafer;
using wafer_test::called;

namespace {

std::string read(call_dialect dialect, std::string_view prompt, std::string_view text) {
    return wafer_test::shown(wafer_test::read_every_way(reply_reader(dialect, prompt), text));
}

}  // namespace

TEST_CASE("reply_reader: thinking, answer and calls come apart, in order") {
    CHECK(read(call_dialect::hermes, "<|im_start|>assistant\n",
               "<think>\nI could <tool_call>{} here.\n</think>\n\nLooking.\n<tool_call>\n{\"name\": \"f\", "
               "\"arguments\": {\"a\": 1}}\n</tool_call>") ==
          "think[I could <tool_call>{} here.]text[Looking.\n]" + called("f", R"({"a": 1})"));
    CHECK(read(call_dialect::llama, "", R"({"name": "f", "parameters": {}})") == called("f", "{}"));
    CHECK(read(call_dialect::llama, "assistant\n<think>\n", "hm</think>\n\n{\"name\": \"f\", \"parameters\": {}}") ==
          "think[hm]" + called("f", "{}"));
    CHECK(read(call_dialect::none, "<think>\n", "a</think> b") == "think[a]text[b]");
}

TEST_CASE("reply_reader: gpt-oss says the same through its channels") {
    CHECK(
        read(call_dialect::harmony, "<|start|>assistant",
             "<|channel|>analysis<|message|>Need weather.<|end|><|start|>assistant<|channel|>commentary<|message|>One "
             "moment.<|end|><|start|>assistant<|channel|>commentary to=functions.get_weather "
             "<|constrain|>json<|message|>{\"city\": \"Paris\"}<|call|>") ==
        "think[Need weather.]text[One moment.]" + called("get_weather", R"({"city": "Paris"})"));
    CHECK(read(call_dialect::harmony, "<|start|>assistant",
               " to=functions.f<|channel|>commentary json<|message|>{\"a\": 1}") == called("f", R"({"a": 1})"));
    CHECK(read(call_dialect::harmony, "",
               "<|channel|>analysis<|message|>x<|end|><|start|>assistant<|channel|>final"
               "<|message|>{\"name\": 1}<|return|>") == "think[x]text[{\"name\": 1}]");
}

TEST_CASE("reply_reader: what is said in several stretches stays apart by a line break") {
    const std::string next = "<|start|>assistant<|channel|>", call = " to=f<|message|>{}<|call|>";
    const auto harmony = [](const std::string& text) {
        return read(call_dialect::harmony, "<|start|>assistant", text);
    };
    CHECK(harmony("<|channel|>commentary<|message|>I will look.<|end|>" + next + "final<|message|>Hello<|return|>") ==
          "text[I will look.\nHello]");
    CHECK(harmony("<|channel|>analysis<|message|>a<|end|>" + next + "analysis<|message|>b<|end|>" + next +
                  "final<|message|>c") == "think[a\nb]text[c]");
    CHECK(harmony("<|channel|>commentary<|message|>a<|end|>" + next + "analysis<|message|>b<|end|>" + next +
                  "final<|message|>c<|end|>" + next + "analysis<|message|>d") == "text[a]think[b]text[\nc]think[\nd]");
    CHECK(harmony("<|channel|>commentary<|message|>a<|end|><|start|>assistant" + call + next + "final<|message|>b") ==
          "text[a]" + called("f", "{}") + "text[\nb]");
    // Where there is a line break no other is added, nor for messages that are empty.
    for (const std::string& text :
         {"a\n<|end|>" + next + "final<|message|>b", "a<|end|>" + next + "final<|message|>\nb",
          "a<|end|>" + next + "final<|message|><|end|>" + next + "final<|message|>\nb"})
        CHECK(harmony("<|channel|>final<|message|>" + text) == "text[a\nb]");
    CHECK(harmony("<|channel|>final<|message|><|end|>" + next + "final<|message|>a<|end|>" + next +
                  "final<|message|>") == "text[a]");
    // The halves of a marker in two messages are none.
    CHECK(harmony("<|channel|>final<|message|>a <|st<|end|>" + next + "final<|message|>art|>b") ==
          "text[a <|st\nart|>b]");

    const std::string hermes = R"(<tool_call>{"name": "f", "arguments": {}}</tool_call>)";
    CHECK(read(call_dialect::hermes, "", "<think>a</think>\n<think>b</think>c" + hermes + "d") ==
          "think[a\nb]text[c]" + called("f", "{}") + "text[\nd]");
    CHECK(read(call_dialect::hermes, "", "c\n" + hermes + hermes + "\nd" + hermes) ==
          "text[c\n]" + called("f", "{}") + called("f", "{}") + "text[\nd]" + called("f", "{}"));
    CHECK(read(call_dialect::hermes, "", hermes + " d") == called("f", "{}") + "text[ d]");
    CHECK(read(call_dialect::hermes, "", "c<tool_call>{}</tool_call>d") ==
          "text[c]invalid[<tool_call>{}</tool_call>]text[\nd]");
}

TEST_CASE("reply_reader: markers of gpt-oss inside the strings of a call's arguments are text") {
    const std::string to_f = "<|channel|>commentary to=functions.f<|constrain|>json<|message|>";
    for (const std::string marker : {"<|end|>", "<|call|>", "<|return|>", "<|start|>"})
        for (const std::string& text : {marker, "\\\"" + marker, "\\\\" + marker + "\\\\", marker + marker}) {
            const std::string arguments = "{\"a\":\"" + text + "\"}";
            CHECK(read(call_dialect::harmony, "<|start|>assistant", to_f + arguments + "<|call|>") ==
                  called("f", arguments));
        }
    // Outside of them each ends the message, and is what was written.
    for (const std::string end : {"<|end|>", "<|call|>", "<|return|>"}) {
        const std::string next = "<|start|>assistant<|channel|>final<|message|>b";
        CHECK(read(call_dialect::harmony, "", to_f + "{\"a\":1}" + end + next) == called("f", "{\"a\":1}") + "text[b]");
        CHECK(read(call_dialect::harmony, "", to_f + "code" + end + next) ==
              "invalid[" + to_f + "code" + end + "]text[b]");
    }
}

TEST_CASE("reply_reader: what is held back of an answer comes before the thinking that follows") {
    CHECK(read(call_dialect::harmony, "",
               "<|channel|>final<|message|>a <|st<|end|><|channel|>analysis<|message|>b<|end|>") ==
          "text[a <|st]think[b]");
}

TEST_CASE("reply_reader: a thinking tag inside a call is part of its arguments") {
    CHECK(read(call_dialect::llama, "", R"({"name": "f", "parameters": {"a": "<think>"}})") ==
          called("f", R"({"a": "<think>"})"));
    CHECK(read(call_dialect::hermes, "", R"(<tool_call>{"name": "f", "arguments": {"a": "<think>"}}</tool_call>)") ==
          called("f", R"({"a": "<think>"})"));
}

TEST_CASE("reply_reader: control tokens that are markers are known") {
    CHECK(reply_reader::is_marker(call_dialect::none, "<think>"));
    CHECK(reply_reader::is_marker(call_dialect::hermes, "</tool_call>"));
    CHECK(reply_reader::is_marker(call_dialect::llama, "<|python_tag|>"));
    CHECK(reply_reader::is_marker(call_dialect::harmony, "<|constrain|>"));
    CHECK(reply_reader::is_marker(call_dialect::harmony, "<|end|>"));
    CHECK(reply_reader::is_marker(call_dialect::deepseek, format_of(call_dialect::deepseek).separator));
    CHECK_FALSE(reply_reader::is_marker(call_dialect::llama, "<|eot_id|>"));
    CHECK_FALSE(reply_reader::is_marker(call_dialect::none, ""));
}
