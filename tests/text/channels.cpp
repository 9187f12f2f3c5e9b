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
                CHECK((piece.begins || (!all.empty() && all.back().kind == piece.kind)));
                if (piece.begins) all.push_back(piece);
                else all.back().text += piece.text;
            }
        };
        for (std::size_t at = 0; at < text.size(); at += step) add(splitter.feed(text.substr(at, step)));
        add(splitter.flush());
        std::string out;
        static constexpr std::string_view names[] = {"think", "text", "call"};
        for (const auto& piece : all)
            out += std::string(names[static_cast<std::size_t>(piece.kind)]) + "[" + piece.text + "]";
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
          "think[a]think[b]");
}

TEST_CASE("channels: messages of one kind are told apart") {
    const std::string next = "<|start|>assistant<|channel|>";
    CHECK(channels_of("<|channel|>commentary<|message|>I look.<|end|>" + next + "final<|message|>Hi<|return|>") ==
          "text[I look.]text[Hi]");
    CHECK(channels_of("<|channel|>final<|message|>a<|end|>b<|end|>" + next + "final<|message|><|end|>\n c") ==
          "text[a]text[b]text[\n c]");
}

TEST_CASE("channels: a message to a tool goes out whole, as it was written") {
    const std::string header = "<|start|>assistant<|channel|>commentary to=functions.f <|constrain|>json<|message|>";
    CHECK(channels_of("<|channel|>analysis<|message|>hm<|end|>" + header + "{\"a\": 1}<|call|>") ==
          "think[hm]call[" + header + "{\"a\": 1}<|call|>]");
    for (const std::string text :
         {" to=functions.f<|channel|>commentary json<|message|>{}<|call|>",
          "<|channel|>analysis to=python code<|message|>1+1", "<|channel|>commentary to=f<|message|>{\"<|end|>\": \"",
          "<|channel|>commentary to=functions.f", "<|start|>assistant to=f please<|message|>{}<|call|>",
          "<|channel|>commentary to=f {}<|call|>"})
        CHECK(channels_of(text) == "call[" + text + "]");
    CHECK(channels_of(header + "{}<|call|>" + header + "{}") == "call[" + header + "{}<|call|>]call[" + header + "{}]");
}

TEST_CASE("channels: text without channels is the answer, and nothing is lost of what is cut off") {
    for (const std::string text : {"Hello <|world|>", "", "to be", "to=day, he said", "<|chan", "<|channel|>analysis",
                                   "  \n", "t", "<|chann%l|>analysis<|message|>a"})
        CHECK(channels_of(text) == (text.empty() ? "" : "text[" + text + "]"));
    CHECK(channels_of("<|channel|>analysis<|message|>cut <|en") == "think[cut <|en]");
}

TEST_CASE("channels: a message that was not ended is ended by the next") {
    CHECK(channels_of("<|channel|>analysis<|message|>a<|start|>assistant<|channel|>final<|message|>b") ==
          "think[a]text[b]");
}

TEST_CASE("channels: what was said in the place of a header, or where its end was forgotten, is not lost") {
    const std::string bye = "<|start|>assistant<|channel|>final<|message|>Bye";
    for (const std::string said : {"<|channel|>final Hello there", "<|start|>assistant Hello", "Hello <|channel|>final",
                                   "<|channel|>final Hello <|foo|>", "<|channel|>final"})
        for (const std::string end : {"<|end|>", "<|return|>", ""})
            CHECK(channels_of(said + end + bye) == "text[" + said + "]text[Bye]");
    CHECK(channels_of("<|channel|>final Hello there you<|message|>all<|end|>" + bye) ==
          "text[<|channel|>final Hello there you<|message|>all]text[Bye]");
    CHECK(channels_of("<|channel|>analysis I think so<|end|>" + bye) ==
          "think[<|channel|>analysis I think so]text[Bye]");
    const std::string far = "<|channel|>final" + std::string(2000, ' ') + "<|message|>x";
    CHECK(channels_of(far) == "text[" + far + "]");
}
