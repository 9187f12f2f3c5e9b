// SPDX-License-Identifier: MIT
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include <doctest/doctest.h>

#include <wafer/text/token_table.hpp>

using namespace wafer;

TEST_CASE("token_index: ids are found by their bytes, twins are reported and replaced") {
    token_pieces pieces;
    token_index index(1000);
    for (token_id id = 0; id < 1000; ++id) {
        pieces.add("t" + std::to_string(id % 999));
        CHECK(index.insert(pieces, id) == (id == 999 ? std::optional<token_id>(0) : std::nullopt));
    }
    CHECK(index.find(pieces, "t998") == 998);
    CHECK(index.find(pieces, "t0") == 999);
    CHECK(index.find(pieces, "t1000") == std::nullopt);
    CHECK(token_index().find(pieces, "t0") == std::nullopt);
}

TEST_CASE("token_index: tokens that are made to share a slot are refused before they take quadratic time") {
    // In a table for 2000 tokens: those whose hashes agree in the bits that it looks at.
    token_pieces pieces;
    token_index index(2000);
    const auto crowded = [](const std::string& text) { return (std::hash<std::string_view>{}(text)&4095) < 4; };
    const auto fill = [&] {
        for (std::uint32_t i = 0; pieces.size() < 2000; ++i) {
            const std::string text = std::to_string(i);
            if (!crowded(text)) continue;
            pieces.add(text);
            index.insert(pieces, static_cast<token_id>(pieces.size()) - 1);
        }
    };
    CHECK_THROWS_WITH_AS(fill(), doctest::Contains("collide"), error);
    CHECK(pieces.size() > 1000);
    CHECK(index.find(pieces, pieces[500]) == 500);
    CHECK(index.find(pieces, "no such") == std::nullopt);
}
