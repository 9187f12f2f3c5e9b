// SPDX-License-Identifier: MIT
// What Python's jinja2 3.1 prints for a few hundred snippets, configured as transformers configures it for chat templates:
// trim_blocks, lstrip_blocks, loop controls, its own tojson, the sandbox that forbids mutation. null: it refuses.
#include <chrono>
#include <string>
#include <support/hf_tokenizer.hpp>

#include <doctest/doctest.h>

#include <wafer/core/json.hpp>
#include <wafer/text/jinja/program.hpp>

using namespace wafer;

TEST_CASE("jinja: snippets print what Python's jinja2 prints, and are refused where it refuses") {
    const json file = json::parse(wafer_test::read_text(WAFER_TEST_DATA "/text/jinja/cases.json").value());
    jinja::value_dict variables;
    for (const auto& [name, item] : file.at("variables").as_object()) variables.emplace_back(name, jinja::value(item));
    constexpr std::chrono::sys_seconds noon{std::chrono::sys_days{std::chrono::year{2024} / 7 / 26} +
                                            std::chrono::hours{12}};
    const auto& cases = file.at("cases").as_array();
    CHECK(cases.size() > 300);
    for (const json& c : cases) {
        const std::string& source = c.at(std::size_t{0}).as_string();
        const json& expected = c.at(std::size_t{1});
        CAPTURE(source);
        json printed;
        std::string reason;
        try {
            printed = jinja::program(source).render(variables, noon);
        } catch (const error& e) {
            reason = e.what();
            CHECK(reason.find("(line ") != reason.npos);
        }
        CAPTURE(reason);
        CHECK(printed.dump() == expected.dump());
    }
}
