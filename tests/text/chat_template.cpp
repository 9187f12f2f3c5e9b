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
