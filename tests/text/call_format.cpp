// SPDX-License-Identifier: MIT
#include <string>
#include <support/hf_tokenizer.hpp>

#include <doctest/doctest.h>

#include <wafer/text/call_format.hpp>
#include <wafer/text/reply_reader.hpp>

using namespace wafer;

TEST_CASE("call_format: the dialect follows from the chat template") {
    const std::pair<const char*, call_dialect> cases[] = {
        {"Qwen-Qwen2.5-7B-Instruct", call_dialect::hermes},
        {"Qwen-Qwen3-0.6B", call_dialect::hermes},
        {"deepseek-ai-DeepSeek-R1-Distill-Llama-8B", call_dialect::deepseek},
        {"deepseek-ai-DeepSeek-R1-Distill-Qwen-32B", call_dialect::deepseek},
        {"deepseek-ai-DeepSeek-V3.1", call_dialect::deepseek},
        {"meta-llama-Llama-3.1-8B-Instruct", call_dialect::llama},
        {"meta-llama-Llama-3.2-3B-Instruct", call_dialect::llama},
        {"meta-llama-Llama-3.3-70B-Instruct", call_dialect::llama},
        {"mistralai-Mistral-Nemo-Instruct-2407", call_dialect::mistral},
        {"openai-gpt-oss-120b", call_dialect::harmony}};
    for (const auto& c : cases) {
        const std::string name = c.first;
        CAPTURE(name);
        const auto source =
            wafer_test::read_text(std::string(WAFER_TEST_DATA) + "/text/templates/" + name + ".jinja").value();
        CHECK(dialect_of_template(source) == c.second);
    }
    CHECK(dialect_of_template("<tool_call>\n<function={{ f.name }}>\n<parameter={{ key }}>") ==
          call_dialect::qwen_coder);
    CHECK(dialect_of_template("[TOOL_CALLS]{{ f.name }}[ARGS]{{ f.arguments }}") == call_dialect::mistral_args);
    CHECK(dialect_of_template("{{ messages }}") == call_dialect::none);
}

TEST_CASE("call_format: the dialect follows from the special tokens") {
    CHECK(dialect_of_tokens([](std::string_view t) { return t == "<|python_tag|>"; }) == call_dialect::llama);
    CHECK(dialect_of_tokens([](std::string_view t) { return t == "<tool_call>"; }) == call_dialect::hermes);
    CHECK(dialect_of_tokens([](std::string_view) { return false; }) == call_dialect::none);
}

TEST_CASE("call_format: dialects have names") {
    CHECK(to_string(call_dialect::deepseek) == "deepseek");
    CHECK(to_string(call_dialect::none) == "none");
}

TEST_CASE("call_format: a number that is no dialect has no markers and is called unknown") {
    for (const int n : {8, 77, 255}) {
        const auto odd = static_cast<call_dialect>(n);
        CHECK(to_string(odd) == "unknown");
        CHECK(format_of(odd).open.empty());
        reply_reader reader(odd, "<think>");
        std::string text;
        for (const auto& e : reader.feed("Hm.</think>A <tool_call>{}</tool_call>")) text += e.text + "|";
        for (const auto& e : reader.flush()) text += e.text + "|";
        CHECK(text == "Hm.|A <tool_call>{}</tool_call>|");
    }
    CHECK(to_string(call_dialect::none) == "none");
    CHECK(to_string(call_dialect::hermes) == "hermes");
}
