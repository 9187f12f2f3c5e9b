// SPDX-License-Identifier: MIT
#include <cstddef>
#include <cstdint>
#include <set>
#include <span>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include <wafer/core/hash.hpp>

using wafer::hash64;

namespace {

std::vector<std::byte> some_bytes(std::size_t n) {
    std::vector<std::byte> bytes(n);
    for (std::size_t i = 0; i < n; ++i) bytes[i] = static_cast<std::byte>(i * 7 + 1);
    return bytes;
}

}  // namespace

TEST_CASE("hash64: equal bytes give equal hashes, however they are cut") {
    const auto bytes = some_bytes(100);
    const auto whole = hash64().add(bytes).value();
    for (std::size_t a = 0; a <= bytes.size(); ++a)
        for (std::size_t b = a; b <= bytes.size(); b += 9) {
            const std::span all(bytes);
            CHECK(hash64().add(all.first(a)).add(all.subspan(a, b - a)).add(all.subspan(b)).value() == whole);
        }
}

TEST_CASE("hash64: every single bit, and every length, makes another hash") {
    auto bytes = some_bytes(64);
    std::set<std::uint64_t> seen{hash64().add(bytes).value()};
    for (auto& byte : bytes)
        for (int bit = 0; bit < 8; ++bit) {
            byte ^= static_cast<std::byte>(1 << bit);
            CHECK(seen.insert(hash64().add(bytes).value()).second);
            byte ^= static_cast<std::byte>(1 << bit);
        }
    for (std::size_t n = 0; n < 64; ++n) CHECK(seen.insert(hash64().add(std::span(bytes).first(n)).value()).second);
    const std::vector<std::byte> zeros(64);
    for (std::size_t n = 1; n < 64; ++n) CHECK(seen.insert(hash64().add(std::span(zeros).first(n)).value()).second);
}

TEST_CASE("hash64: texts know their length, so that neighbours do not run together") {
    using namespace std::string_view_literals;
    CHECK(hash64().add("ab"sv).add("c"sv).value() != hash64().add("a"sv).add("bc"sv).value());
    CHECK(hash64().add(1.0f).value() != hash64().add(2.0f).value());
}

TEST_CASE("hash64: files written today are read tomorrow") {
    CHECK(hash64().add(some_bytes(20)).value() == 0x93d2b470daa368ce);  // the value of version 1 of saved sessions
}
