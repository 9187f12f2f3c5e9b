// SPDX-License-Identifier: MIT
#include <optional>
#include <string>

#include <doctest/doctest.h>

#include <wafer/text/token_table.hpp>

using namespace wafer;

TEST_CASE("token_index: ids are found by their bytes, twins are reported") {
    token_pieces pieces;
    token_index index(1000);
    for (token_id id = 0; id < 1000; ++id) {
        pieces.add("t" + std::to_string(id % 999));
        CHECK(index.insert(pieces, id) == (id == 999 ? std::optional<token_id>(0) : std::nullopt));
    }
    CHECK(index.find(pieces, "t998") == 998);
    CHECK(index.find(pieces, "t0") == 0);
    CHECK(index.find(pieces, "t1000") == std::nullopt);
    CHECK(token_index().find(pieces, "t0") == std::nullopt);
}
