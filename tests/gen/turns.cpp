// SPDX-License-Identifier: MIT
#include <string>
#include <support/read_text.hpp>
#include <vector>

#include <doctest/doctest.h>

#include <wafer/gen/turns.hpp>

using namespace wafer;

TEST_CASE("turns: ids of calls have nine letters and digits, and are counted on") {
    CHECK(id_of_call(1) == "call00001");
    CHECK(id_of_call(12345) == "call12345");
    std::vector<message> turns(3);
    CHECK(last_call(turns) == 0);
    for (const auto* id : {"call00007", "call00042", "call000000099", "other0099", "callabcde"})
        turns[1].tool_calls.push_back(make_tool_call("f", json(json::object{}), id));
    turns[2].tool_calls.push_back(json(1));
    CHECK(last_call(turns) == 42);
}

TEST_CASE("turns: of several calls a template that takes one at a time gets the first") {
    const chat_template words(
        *wafer_test::read_text(WAFER_TEST_DATA "/text/templates/meta-llama-Llama-3.1-8B-Instruct.jinja"));
    const auto takes = [&](const std::vector<message>& turns) { return !error_of([&] { (void)words.render(turns); }); };
    std::vector<message> turns{{.role = "user", .content = "?"}, {.role = "assistant", .content = "Hm."}};
    CHECK(make_showable(turns, takes));
    CHECK(turns[1].content == "Hm.");
    for (const std::size_t n : {1u, 2u})
        turns[1].tool_calls.push_back(make_tool_call("f", json(json::object{}), id_of_call(n)));
    REQUIRE(!takes(turns));
    CHECK(make_showable(turns, takes));
    CHECK(turns[1].tool_calls.as_array().size() == 1);
    CHECK(takes(turns));
}

TEST_CASE("turns: an answer that nothing shows is told from a template that takes no second turn") {
    std::vector<message> turns{{.role = "user", .content = "a"}, {.role = "assistant"}};
    CHECK(!make_showable(turns, [](const std::vector<message>& all) { return !all[1].content.empty(); }));
    turns = {{.role = "user", .content = "a"}, {.role = "assistant", .content = "b"}};
    CHECK(make_showable(turns, [](const std::vector<message>&) { return false; }));
    CHECK(turns[1].content == "b");
}
