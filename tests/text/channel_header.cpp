// SPDX-License-Identifier: MIT
#include <string>
#include <string_view>

#include <doctest/doctest.h>

#include <wafer/text/channel_header.hpp>

using namespace wafer;
using form = channel_header::form;

TEST_CASE("channel_header: it tells channel and recipient, in both places for that") {
    const struct {
        const char *text, *channel, *recipient;
        bool addressed = true;
    } headers[] = {{"<|channel|>analysis<|message|>", "analysis", "", false},
                   {"<|start|>assistant<|channel|>final <|constrain|>json<|message|>", "final", "", false},
                   {"<|message|>", "", "", false},
                   {"\n <|start|> assistant <|message|>", "", "", false},
                   {" to=functions.f<|channel|>commentary json<|message|>", "commentary", "functions.f"},
                   {"<|start|>assistant to=f<|channel|>commentary<|constrain|>json<|message|>", "commentary", "f"},
                   {"<|channel|>analysis to=browser.search code<|message|>", "analysis", "browser.search"},
                   {"<|channel|>commentary to=<|message|>", "commentary", ""},
                   {"<|channel|>commentary<|channel|>analysis<|message|>", "analysis", "", false}};
    for (const auto& h : headers) {
        CAPTURE(h.text);
        const std::string text = h.text;
        const std::string message = text + "Hello";
        const auto header = read_channel_header(message);
        CHECK(header.state == form::whole);
        CHECK(header.size == text.size());
        CHECK(header.addressed == h.addressed);
        CHECK(header.channel == h.channel);
        CHECK(header.recipient == h.recipient);
        for (std::size_t n = 0; n < text.size(); ++n)
            CHECK(read_channel_header(std::string_view(text).substr(0, n)).state == form::unfinished);
    }
}

TEST_CASE("channel_header: what does not fit into one ends it at once, wherever the text is cut") {
    const struct {
        const char* text;
        std::size_t size;
    } headers[] = {{"Hello", 0},
                   {" \nHello", 2},
                   {"<|end|>", 0},
                   {"<|channel|>final Hello there<|message|>", 23},
                   {"<|channel|>final<|end|><|message|>", 16},
                   {"<|channel|>final<|start|>assistant<|message|>", 16},
                   {"<|start|>assistant Hello<|message|>", 19},
                   {"<|constrain|>json json<|message|>", 18},
                   {"<|channel|>final <b><|message|>", 17},
                   {"<|channel|>final \xC3\xA9<|message|>", 17},
                   {"<|channel|>final a,b<|message|>", 17},
                   {"to=f to=g<|message|>", 5}};
    for (const auto& h : headers) {
        CAPTURE(h.text);
        const std::string text = h.text;
        bool none = false;
        for (std::size_t n = 0; n <= text.size(); ++n) {
            const auto header = read_channel_header(std::string_view(text).substr(0, n));
            CHECK(header.state != form::whole);
            CHECK((header.state == form::none || !none));
            none = header.state == form::none;
            if (none) CHECK(header.size == h.size);
        }
        CHECK(none);
    }
}

TEST_CASE("channel_header: one that is unfinished can be finished, but not for ever") {
    std::string text = "<|channel|>";
    while (text.size() < channel_header::longest) {
        const std::string whole = text + std::string(channel_header::message);
        CHECK(read_channel_header(whole).state == (whole.size() > channel_header::longest ? form::none : form::whole));
        CHECK(read_channel_header(text).state == form::unfinished);
        text += 'a';
    }
    CHECK(read_channel_header(text + "a").state == form::none);
}
