// SPDX-License-Identifier: MIT
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <wafer/text/special_tokens.hpp>

using namespace wafer;

namespace {

struct fixture {
    token_pieces pieces;
    special_tokens tokens;
    explicit fixture(std::initializer_list<std::string_view> texts) {
        std::vector<token_id> ids;
        for (const auto text : texts) {
            ids.push_back(static_cast<token_id>(pieces.size()));
            pieces.add(text);
        }
        tokens = special_tokens(pieces, ids);
    }
    std::string find(std::string_view text, std::size_t from = 0) const {
        const auto found = tokens.find(pieces, text, from);
        return found ? std::to_string(found->begin) + ":" + std::string(pieces[found->id]) : "none";
    }
};

}  // namespace

TEST_CASE("special_tokens: the leftmost is found, and of several the longest") {
    const fixture f{"<a>", "<a>b", "<a>bcd", "x", "\xEF\xBD\x9C", ""};
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
    CHECK(fixture{}.find("abc") == "none");
    CHECK_FALSE(special_tokens().find(token_pieces(), "abc", 0));
}
