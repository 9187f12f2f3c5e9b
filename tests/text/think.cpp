// SPDX-License-Identifier: MIT
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <wafer/text/think.hpp>

using namespace wafer;

namespace {

// What comes out in all, the pieces of one stretch joined.
std::vector<text_piece> split(think_splitter splitter, std::string_view text, std::size_t step) {
    std::vector<text_piece> out;
    const auto add = [&](std::vector<text_piece> pieces) {
        for (auto& piece : pieces) {
            CHECK_FALSE(piece.text.empty());
            CHECK((piece.begins || (!out.empty() && out.back().kind == piece.kind)));
            if (piece.begins) out.push_back({piece.kind, piece.text});
            else out.back().text += piece.text;
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
              std::vector<text_piece>{{thinking, "plan <b> </thin"}, {answer, "Hello <world> </think>!"}});
}

TEST_CASE("think: a tag that the prompt opened is honoured") {
    for (const std::size_t step : {1u, 3u, 100u})
        CHECK(split(think_splitter(true), "\nplan</think>\n\n42", step) ==
              std::vector<text_piece>{{thinking, "plan"}, {answer, "42"}});
}

TEST_CASE("think: white space on either side of thinking is no part of the text, other white space is") {
    for (std::size_t step = 1; step < 30; ++step) {
        CHECK(split(think_splitter(), " \n<think> a b \r\n\n</think>\t c \n", step) ==
              std::vector<text_piece>{{thinking, "a b"}, {answer, "c \n"}});
        CHECK(split(think_splitter(), " <think>\n</think>\n y", step) == std::vector<text_piece>{{answer, "y"}});
        CHECK(split(think_splitter(true), "a \n b \n", step) == std::vector<text_piece>{{thinking, "a \n b \n"}});
    }
}

TEST_CASE("think: a model may repeat the tag that the prompt opened") {
    for (std::size_t step = 1; step < 30; ++step) {
        CHECK(split(think_splitter(true), "\n<think>\n\nhm</think>\nx", step) ==
              std::vector<text_piece>{{thinking, "hm"}, {answer, "x"}});
        CHECK(split(think_splitter(true), "<thin</think>x", step) ==
              std::vector<text_piece>{{thinking, "<thin"}, {answer, "x"}});
        CHECK(split(think_splitter(true), "<think", step) == std::vector<text_piece>{{thinking, "<think"}});
    }
}

TEST_CASE("think: characters of several bytes may be cut too") {
    const std::string text = "<think>\xC3\xA9\xF0\x9F\x98\x80</think>\xE2\x82\xAC";
    for (std::size_t step = 1; step <= text.size(); ++step)
        CHECK(split(think_splitter(), text, step) ==
              std::vector<text_piece>{{thinking, "\xC3\xA9\xF0\x9F\x98\x80"}, {answer, "\xE2\x82\xAC"}});
}

TEST_CASE("think: a prompt opens thinking when its last word is the tag") {
    CHECK(opens_thinking("<|Assistant|><think>\n"));
    CHECK(opens_thinking("<think>"));
    CHECK_FALSE(opens_thinking("<think>\n\n</think>\n\n"));
    CHECK_FALSE(opens_thinking("assistant\n"));
    CHECK_FALSE(opens_thinking(""));
    CHECK(opens_thinking("x[[ ", {"[[", "]]"}));
}

TEST_CASE("think: text without tags is an answer and keeps its line breaks") {
    CHECK(split(think_splitter(), "\n\nHi\n", 1) == std::vector<text_piece>{{answer, "\n\nHi\n"}});
}

TEST_CASE("think: empty thinking leaves no piece") {
    CHECK(split(think_splitter(), "<think>\n\n</think>\n\nHi", 2) == std::vector<text_piece>{{answer, "Hi"}});
}

TEST_CASE("think: thinking may come again before the answer, and may be cut off") {
    const std::string text = "<think>a</think>\n<think>b</thi";
    for (std::size_t step = 1; step <= text.size(); ++step)
        CHECK(split(think_splitter(), text, step) == std::vector<text_piece>{{thinking, "a"}, {thinking, "b</thi"}});
}

TEST_CASE("think: a tag in the middle of an answer is its text") {
    for (const std::string text : {"R1 writes <think> before it reasons, then </think>.", "a<think>b</think>c",
                                   " {\"a\": \"<think>\"}", "<b><think>c", "<think", "<thin <think>"})
        for (std::size_t step = 1; step <= text.size(); ++step) {
            CHECK(split(think_splitter(), text, step) == std::vector<text_piece>{{answer, text}});
            CHECK(split(think_splitter(true), "x</think>\n" + text, step).back().text ==
                  text.substr(text.find_first_not_of(' ')));
        }
}

TEST_CASE("think: nothing is held back but the beginning of a tag") {
    think_splitter splitter;
    CHECK(splitter.feed("<t").empty());
    CHECK(splitter.feed("hink>Hi") == std::vector<text_piece>{{thinking, "Hi", true}});
    CHECK(splitter.feed("</t") == std::vector<text_piece>{});
    CHECK(splitter.feed("</th") == std::vector<text_piece>{{thinking, "</t"}});
    CHECK(splitter.feed("en") == std::vector<text_piece>{{thinking, "</then"}});
    CHECK(splitter.kind() == thinking);
    CHECK(splitter.feed("</think> <t").empty());
    CHECK(splitter.feed("o") == std::vector<text_piece>{{answer, "<to", true}});
    CHECK(splitter.feed("<think>") == std::vector<text_piece>{{answer, "<think>"}});
    CHECK(splitter.flush().empty());
}

TEST_CASE("think: it knows which text goes on with an opening tag, before an answer and only there") {
    think_splitter splitter;
    for (const auto* text : {"<", " \n<th", "<think>", "<think>\nhm"}) CHECK(splitter.opens(text));
    for (const auto* text : {"", " ", "a<", "<b", "think>"}) CHECK_FALSE(splitter.opens(text));
    (void)splitter.feed(" <th");
    CHECK(splitter.may_open());
    for (const auto* text : {"i", "ink>", "ink>\nhm"}) CHECK(splitter.opens(text));
    for (const auto* text : {"", " ", " ink>", "<", "e"}) CHECK_FALSE(splitter.opens(text));
    (void)splitter.feed("ink>");
    CHECK_FALSE(splitter.may_open());
    CHECK_FALSE(splitter.opens("<think>"));
    (void)splitter.feed("</think>\n");
    CHECK(splitter.opens("<"));
    (void)splitter.feed("4");
    CHECK_FALSE(splitter.opens("<"));
}

TEST_CASE("think: it knows where white space is no part of the answer") {
    think_splitter splitter(true);
    for (const auto* text : {"", " \n", "a", "</think"}) {
        (void)splitter.feed(text);
        CHECK_FALSE(splitter.drops_blanks());
    }
    for (const auto* text : {">", "\n\n", " "}) {
        (void)splitter.feed(text);
        CHECK(splitter.drops_blanks());
    }
    (void)splitter.feed("b");
    CHECK_FALSE(splitter.drops_blanks());
    CHECK_FALSE(think_splitter().drops_blanks());
}

TEST_CASE("think: other tags can be given, and self-overlapping ones are found") {
    CHECK(split(think_splitter(false, {"[[", "]]"}), "[[[b]]]", 1) ==
          std::vector<text_piece>{{thinking, "[b"}, {answer, "]"}});
}

TEST_CASE("think: empty tags are refused") {
    for (const think_tags& tags : {think_tags{"", "</t>"}, think_tags{"<t>", ""}, think_tags{"", ""}}) {
        CHECK(error_of([&] { (void)think_splitter(false, tags); })->code() == errc::invalid_argument);
        CHECK(error_of([&] { (void)opens_thinking("?", tags); })->code() == errc::invalid_argument);
    }
}
