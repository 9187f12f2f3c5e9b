// SPDX-License-Identifier: MIT
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include <wafer/text/pair_merge.hpp>

using namespace wafer;

namespace {

std::vector<token_id> merged(const pair_table& rules, const std::vector<token_id>& ids) {
    pair_merger merger;
    for (std::size_t i = 0; i < ids.size(); ++i) merger.add(ids[i], static_cast<std::uint32_t>(i));
    stop_poll never;
    merger.run(rules, never);
    std::vector<token_id> out;
    merger.each(never, [&](token_id id, std::uint32_t) { out.push_back(id); });
    return out;
}

}  // namespace

TEST_CASE("pair_table: finds what was entered, the first of two, and nothing for others") {
    pair_table rules(100);
    for (token_id i = 0; i < 100; ++i) rules.insert(i, i + 1, {static_cast<std::uint32_t>(i), 1000 + i});
    rules.insert(0, 1, {7, 7});
    for (token_id i = 0; i < 100; ++i) CHECK(rules.find(i, i + 1).merged == 1000 + i);
    for (const auto& [left, right] : {std::pair{1, 0}, {100, 101}, {-1, -1}, {-1, 0}, {0, -1}})
        CHECK(rules.find(left, right).rank == merge_rule::no_rank);
    CHECK(pair_table().find(0, 1).rank == merge_rule::no_rank);
}

TEST_CASE("pair_table: pairs that are made to share a slot are refused before they take quadratic time") {
    const auto undo = [](std::uint64_t x, int shift) {  // of x ^ x >> shift
        for (std::uint64_t y = x >> shift; y != 0; y >>= shift) x ^= y;
        return x;
    };
    pair_table rules(4000);
    const auto fill = [&] {
        for (std::uint64_t i = 0, entered = 0; entered < 4000; ++i) {  // the hash, upside down
            std::uint64_t key = undo(i << 32 | 5, 31);
            key = undo(key * 0x319642B2D24D8EC3u, 27);
            key = undo(key * 0x96DE1B173F119089u, 30);
            const auto left = static_cast<token_id>(key >> 32), right = static_cast<token_id>(key & 0xFFFFFFFF);
            if (left < 0 || right < 0) continue;
            rules.insert(left, right, {0, 1});
            ++entered;
        }
    };
    CHECK_THROWS_WITH_AS(fill(), doctest::Contains("collide"), error);
}

TEST_CASE("pair_merger: rank first, then place; symbols of no token join nothing") {
    pair_table rules(4);
    rules.insert(1, 2, {5, 12});
    rules.insert(2, 3, {4, 23});
    rules.insert(1, 23, {9, 123});
    rules.insert(7, 7, {5, 77});
    CHECK(merged(rules, {1, 2, 3}) == std::vector<token_id>{123});
    CHECK(merged(rules, {1, 2, 1, 2}) == std::vector<token_id>{12, 12});
    CHECK(merged(rules, {7, 7, 7}) == std::vector<token_id>{77, 7});
    CHECK(merged(rules, {1, -1, 2}) == std::vector<token_id>{1, -1, 2});
    CHECK(merged(rules, {-1, -1}) == std::vector<token_id>{-1, -1});
    CHECK(merged(rules, {1}) == std::vector<token_id>{1});
    CHECK(merged(rules, {}).empty());
}

TEST_CASE("pair_merger: says where each symbol began") {
    pair_table rules(1);
    rules.insert(1, 2, {0, 3});
    pair_merger merger;
    for (int round = 0; round < 2; ++round) {  // cleared, it is as new
        merger.clear();
        for (const auto& [id, begin] : {std::pair{9, 0u}, {1, 3u}, {2, 4u}, {9, 6u}}) merger.add(id, begin);
        stop_poll never;
        merger.run(rules, never);
        std::vector<std::uint32_t> begins;
        merger.each(never, [&](token_id, std::uint32_t begin) { begins.push_back(begin); });
        CHECK(begins == std::vector<std::uint32_t>{0, 3, 6});
    }
}
