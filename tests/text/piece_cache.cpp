// SPDX-License-Identifier: MIT
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <wafer/text/piece_cache.hpp>

using namespace wafer;

TEST_CASE("piece_cache: a piece gives the same tokens again, whether it is remembered or not") {
    for (const std::size_t bytes : {0u, 100u, 1u << 20}) {
        piece_cache cache(bytes);
        std::vector<token_id> out, expected;
        int encoded = 0;
        for (int round = 0; round < 3; ++round)
            for (int length = 1; length < 40; ++length) {
                const std::string piece(static_cast<std::size_t>(length), static_cast<char>('a' + length % 7));
                const auto encode = [&](std::string_view text, std::vector<token_id>& to) {
                    for (std::size_t i = 0; i < text.size(); ++i)
                        to.push_back(static_cast<token_id>(text.size() * 100 + i));
                };
                encode(piece, expected);
                cache.append(piece, out, [&](std::string_view text) {
                    ++encoded;
                    encode(text, out);
                });
            }
        CHECK(out == expected);
        if (bytes == 1 << 20) CHECK(encoded < 3 * 39);  // some were remembered
    }
}
