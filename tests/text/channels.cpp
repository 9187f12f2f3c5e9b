// SPDX-License-Identifier: MIT
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <wafer/text/channels.hpp>

using namespace wafer;

namespace {

std::string channels_of(std::string_view text) {
    std::string whole;
    for (std::size_t step = text.size() + 1; step > 0; --step) {
        channel_splitter splitter;
        std::vector<text_piece> all;
        const auto add = [&](const std::vector<text_piece>& pieces) {
            for (const auto& piece : pieces) {
                CHECK_FALSE(piece.text.empty());
                if (!all.empty() && all.back().kind == piece.kind) all.back().text += piece.text;
                else all.push_back(piece);
            }
        };
        for (std::size_t at = 0; at < text.size(); at += step) add(splitter.feed(text.substr(at, step)));
        add(splitter.flush());
        std::string out;
        for (const auto& piece : all)
            out += (piece.kind == text_kind::thinking ? "think[" : "text[") + piece.text + "]";
        if (step == text.size() + 1) whole = out;
        CHECK(out == whole);
    }
    return whole;
}

}  // namespace

TEST_CASE("channels: analysis is thinking, final and commentary are the answer") {
    CHECK(channels_of("<|channel|>analysis<|message|>I add.<|end|><|start|>assistant<|channel|>final<|message|>4 < "
                      "5<|return|>") == "think[I add.]text[4 < 5]");
    CHECK(channels_of("<|channel|>commentary<|message|>First I look.<|end|>") == "text[First I look.]");
    CHECK(channels_of("<|channel|>final <|constrain|>json<|message|>{}") == "text[{}]");
    CHECK(channels_of("<|channel|>analysis<|message|>a<|end|><|start|>assistant<|channel|>analysis<|message|>b") ==
          "think[ab]");
}

TEST_CASE("channels: a message to a tool goes out whole, as it would stand among others") {
    CHECK(channels_of("<|channel|>analysis<|message|>hm<|end|><|start|>assistant<|channel|>commentary to=functions.f "
                      "<|constrain|>json<|message|>{\"a\": 1}<|call|>") ==
          "think[hm]text[<|start|>assistant<|channel|>commentary to=functions.f <|constrain|>json<|message|>{\"a\": "
          "1}<|call|>]");
    CHECK(channels_of(" to=functions.f<|channel|>commentary json<|message|>{}<|call|>") ==
          "text[<|start|> to=functions.f<|channel|>commentary json<|message|>{}<|call|>]");
    CHECK(channels_of("<|channel|>analysis to=python code<|message|>1+1") ==
          "text[<|start|><|channel|>analysis to=python code<|message|>1+1]");
}

TEST_CASE("channels: text without channels is the answer, and nothing is lost of what is cut off") {
    for (const std::string text : {"Hello <|world|>", "", "to be", "<|chan", "<|channel|>analysis", "  \n", "t",
                                   "<|chann%l|>analysis<|message|>a"})
        CHECK(channels_of(text) == (text.empty() ? "" : "text[" + text + "]"));
    CHECK(channels_of("<|channel|>analysis<|message|>cut <|en") == "think[cut <|en]");
}

TEST_CASE("channels: a message that was not ended is ended by the next") {
    CHECK(channels_of("<|channel|>analysis<|message|>a<|start|>assistant<|channel|>final<|message|>b") ==
          "think[a]text[b]");
}
