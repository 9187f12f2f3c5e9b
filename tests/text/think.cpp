// SPDX-License-Identifier: MIT
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <wafer/text/think.hpp>

using namespace wafer;

namespace {

// What comes out in all, neighbours of one kind joined.
std::vector<text_piece> split(think_splitter splitter, std::string_view text, std::size_t step) {
    std::vector<text_piece> out;
    const auto add = [&](std::vector<text_piece> pieces) {
        for (auto& piece : pieces) {
            CHECK_FALSE(piece.text.empty());
            if (!out.empty() && out.back().kind == piece.kind) out.back().text += piece.text;
            else out.push_back(std::move(piece));
        }
    };
    for (std::size_t at = 0; at < text.size(); at += step) add(splitter.feed(text.substr(at, step)));
    add(splitter.flush());
    return out;
}

constexpr auto thinking = text_kind::thinking, answer = text_kind::answer;

}  // namespace

TEST_CASE("think: the split does not depend on where the stream is cut") {
    const std::string text = "<think>\nplan <b> </thin\n</think>\n\nHello <world> </think>!";
    for (std::size_t step = 1; step <= text.size(); ++step)
        CHECK(split(think_splitter(), text, step) ==
              std::vector<text_piece>{{thinking, "plan <b> </thin\n"}, {answer, "Hello <world> </think>!"}});
}

TEST_CASE("think: a tag that the prompt opened is honoured") {
    for (const std::size_t step : {1u, 3u, 100u})
        CHECK(split(think_splitter(true), "\nplan</think>\n\n42", step) ==
              std::vector<text_piece>{{thinking, "plan"}, {answer, "42"}});
}

TEST_CASE("think: text without tags is an answer and keeps its line breaks") {
    CHECK(split(think_splitter(), "\n\nHi\n", 1) == std::vector<text_piece>{{answer, "\n\nHi\n"}});
}

TEST_CASE("think: empty thinking leaves no piece") {
    CHECK(split(think_splitter(), "<think>\n\n</think>\n\nHi", 2) == std::vector<text_piece>{{answer, "Hi"}});
}

TEST_CASE("think: thinking may come again, and may be cut off") {
    CHECK(split(think_splitter(), "a<think>b</think>c<think>d</thi", 1) ==
          std::vector<text_piece>{{answer, "a"}, {thinking, "b"}, {answer, "c"}, {thinking, "d</thi"}});
}

TEST_CASE("think: nothing is held back but the beginning of a tag") {
    think_splitter splitter;
    CHECK(splitter.feed("Hi") == std::vector<text_piece>{{answer, "Hi"}});
    CHECK(splitter.feed(" <t") == std::vector<text_piece>{{answer, " "}});
    CHECK(splitter.feed("<th") == std::vector<text_piece>{{answer, "<t"}});
    CHECK(splitter.feed("en") == std::vector<text_piece>{{answer, "<then"}});
    CHECK(splitter.kind() == answer);
    CHECK(splitter.flush().empty());
}

TEST_CASE("think: other tags can be given, and self-overlapping ones are found") {
    CHECK(split(think_splitter(false, {"[[", "]]"}), "a[[[b]]]", 1) ==
          std::vector<text_piece>{{answer, "a"}, {thinking, "[b"}, {answer, "]"}});
}
