// SPDX-License-Identifier: MIT
#include <ctime>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include <wafer/text/special_tokens.hpp>

using namespace wafer;

namespace {

struct fixture {
    std::vector<std::string> texts;
    special_tokens tokens;
    explicit fixture(std::vector<std::string> all) : texts(std::move(all)) {
        std::vector<special_tokens::entry> entries;
        for (const auto& text : texts) entries.push_back({text, static_cast<token_id>(entries.size())});
        tokens = special_tokens(entries);
    }
    std::string find(std::string_view text, std::size_t from = 0) const {
        const auto found = tokens.find(text, from);
        if (!found) return "none";
        CHECK(found->length == texts[static_cast<std::size_t>(found->id)].size());
        return std::to_string(found->begin) + ":" + texts[static_cast<std::size_t>(found->id)];
    }
    // By the definition.
    std::string reference(std::string_view text, std::size_t from) const {
        for (; from < text.size(); ++from) {
            std::string best;
            for (const auto& t : texts)
                if (text.substr(from).starts_with(t) && t.size() > best.size()) best = t;
            if (!best.empty()) return std::to_string(from) + ":" + best;
        }
        return "none";
    }
};

}  // namespace

TEST_CASE("special_tokens: the leftmost is found, and of several the longest") {
    const fixture f({"<a>", "<a>b", "<a>bcd", "x", "\xEF\xBD\x9C", ""});
    CHECK(f.find("..<a>bcd") == "2:<a>bcd");
    CHECK(f.find("..<a>bc") == "2:<a>b");
    CHECK(f.find("..<a>") == "2:<a>");
    CHECK(f.find("<a<a>") == "2:<a>");
    CHECK(f.find("yyx<a>") == "2:x");
    CHECK(f.find("x<a>", 1) == "1:<a>");
    CHECK(f.find("\xEF\xBD\x9C") == "0:\xEF\xBD\x9C");
    CHECK(f.find("\xEF\xBD") == "none");
    CHECK(f.find("") == "none");
}

TEST_CASE("special_tokens: none at all finds none") {
    CHECK(fixture({}).find("abc") == "none");
    CHECK_FALSE(special_tokens().find("abc", 0));
}

TEST_CASE("special_tokens: random tokens are found where the definition says") {
    std::uint32_t state = 3;
    const auto random = [&](std::size_t n) { return (state = state * 1664525u + 1013904223u, (state >> 8) % n); };
    const auto text = [&](std::size_t longest) {
        std::string out;
        for (std::size_t n = random(longest); n > 0; --n) out.push_back("ab\xFF"[random(3)]);
        return out;
    };
    for (int round = 0; round < 200; ++round) {
        std::vector<std::string> tokens;
        for (std::size_t n = random(8); n > 0; --n) tokens.push_back(text(6));
        const fixture f(tokens);
        for (int i = 0; i < 10; ++i) {
            const std::string some = text(30);
            CAPTURE(some);
            for (std::size_t from = 0; from <= some.size(); ++from)
                CHECK(f.find(some, from) == f.reference(some, from));
        }
    }
}

TEST_CASE("special_tokens: many tokens that begin alike cost no more than one") {
    std::vector<std::string> tokens;
    for (std::size_t i = 0; i < 256; ++i) tokens.push_back(std::string(i, 'a') + "!");
    const fixture f(tokens);
    const auto start = std::clock();
    CHECK(f.find(std::string(1 << 20, 'a')) == "none");
    CHECK(std::clock() - start < 5 * CLOCKS_PER_SEC);  // one by one it takes half a minute
}
