// SPDX-License-Identifier: MIT
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <wafer/text/special_splitter.hpp>

using namespace wafer;

namespace {

const std::string joint = "\xEF\xB7\x90";

special_splitter some(bool nfc = false) {
    return special_splitter({{"<s>", true, {.id = 7}},
                             {"#", true, {.id = 8}},
                             {"<t>", false, {.id = 9, .rstrip = true}},
                             {"e\xCC\x81", false, {.id = 10, .after_normalizing = true}},
                             {"\xFF", true, {.id = 11}},
                             {"", true, {.id = 12}}},
                            nfc);
}

// Ids in brackets, and what is between them.
std::string cut(const special_splitter& splitter, std::string_view text, special_text how = special_text::parse) {
    std::string out;
    splitter.cut(
        text, how, nullptr, [&](token_id id, std::string_view) { out += "[" + std::to_string(id) + "]"; },
        [&](std::string_view part) { out += part; });
    return out;
}

}  // namespace

TEST_CASE("special_splitter: tokens are cut out, or those that steer the model left in") {
    CHECK(cut(some(), "a<s>b#<t>  c") == "a[7]b[8][9]c");
    CHECK(cut(some(), "a<s>b#<t>  c", special_text::as_text) == "a<s>b#[9]c");
    CHECK(cut(some(), "").empty());
    CHECK(cut(special_splitter(), "a<s>") == "a<s>");
}

TEST_CASE("special_splitter: late tokens are found in normal text, in their own normal form") {
    CHECK(cut(some(true), "\xC3\xA9 e\xCC\x81") == "[10] [10]");
    CHECK(cut(some(true), "a\xCC\x80") == "\xC3\xA0");
    CHECK(cut(some(), "\xC3\xA9 e\xCC\x81") == "\xC3\xA9 [10]");
}

TEST_CASE("special_splitter: inert text is cut as text") {
    CHECK(some().inert("a<s>#b") == "a<" + joint + "s>#" + joint + "b");
    CHECK(some().inert("<t>x") == "<t>" + joint + "x");
    CHECK(cut(some(), some().inert("a<s>#<t>b")) == "a<s>#[9]b");
    CHECK(cut(some(), "<" + joint + "s>" + joint) == "<s>");
    CHECK(some().inert(joint + "a" + joint) == "a");
}
