// SPDX-License-Identifier: MIT
#include <map>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <wafer/text/grammar/code_points.hpp>

using namespace wafer;
using grammar::code_points;
using grammar::code_range;

TEST_CASE("code_points: ranges are joined, ordered and without surrogates") {
    const code_points set(
        {{'x', 'z'}, {'a', 'c'}, {'d', 'f'}, {'e', 'h'}, {'q', 'p'}, {0xD000, 0xE001}, {0x10FFFE, 0x7FFFFFFF}});
    CHECK(set.ranges() ==
          std::vector<code_range>{{'a', 'h'}, {'x', 'z'}, {0xD000, 0xD7FF}, {0xE000, 0xE001}, {0x10FFFE, 0x10FFFF}});
    CHECK(set.contains('h'));
    CHECK_FALSE(set.contains('i'));
    CHECK_FALSE(set.contains(0xD800));
    CHECK(set.complement().complement().ranges() == set.ranges());
    CHECK(code_points().complement().ranges() == std::vector<code_range>{{0, 0xD7FF}, {0xE000, 0x10FFFF}});
    CHECK(code_points({{0, 0x10FFFF}}).complement().empty());
}

TEST_CASE("code_points: byte ranges spell each character of a range once, and nothing else") {
    const code_range ranges[] = {{0, 0x7F},        {0x41, 0x41},      {0x7E, 0x81},       {0x80, 0x7FF},
                                 {0x7C0, 0x840},   {0x3FF, 0x1001},   {0x1234, 0x1234},   {0xD700, 0xD7FF},
                                 {0xE000, 0xFFFF}, {0xFFF0, 0x10010}, {0x1F0F0, 0x21003}, {0x10FF00, 0x10FFFF},
                                 {0, 0xD7FF}};
    for (const code_range r : ranges) {
        std::vector<grammar::byte_ranges> parts;
        grammar::for_each_utf8(r, [&](const grammar::byte_ranges& p) { parts.push_back(p); });
        std::size_t spelled = 0;
        for (const auto& p : parts) {
            std::size_t n = 1;
            for (std::size_t i = 0; i < p.length; ++i) n *= p.bytes[i].last - p.bytes[i].first + 1u;
            spelled += n;
        }
        CHECK(spelled == r.last - r.first + 1);
        for (char32_t c = r.first; c <= r.last; ++c) {
            std::string bytes;
            append_utf8(bytes, c);
            int found = 0;
            for (const auto& p : parts) {
                bool in = p.length == bytes.size();
                for (std::size_t i = 0; in && i < p.length; ++i) {
                    const auto b = static_cast<std::uint8_t>(bytes[i]);
                    in = p.bytes[i].first <= b && b <= p.bytes[i].last;
                }
                found += in;
            }
            if (found != 1) FAIL("U+", static_cast<unsigned>(c));
        }
    }
}
