// SPDX-License-Identifier: MIT
// Texts that make careless text code quadratic, and a check that time grows with their length and no faster.
#pragma once

#include <algorithm>
#include <ctime>
#include <string>
#include <string_view>

#include <doctest/doctest.h>

namespace wafer_test {

inline std::string repeated(std::string_view unit, std::size_t bytes) {
    std::string out;
    while (out.size() < bytes) out += unit;
    return out;
}

/// Letters in no order, without a space.
inline std::string one_long_word(std::size_t bytes) {
    std::string out;
    for (unsigned state = 1; out.size() < bytes; state = state * 1664525u + 1013904223u)
        out.push_back("etaoinshrdlucmfwypvbgkjqxz"[(state >> 24) % 26]);
    return out;
}

/// One character, emoji, spaces, marks, ideographs, and pairs at which patterns look ahead.
inline constexpr std::string_view hard_units[] = {"a",
                                                  "A",
                                                  "1",
                                                  " ",
                                                  "\n",
                                                  " \n",
                                                  "!",
                                                  "'",
                                                  "a ",
                                                  " a",
                                                  "aA",
                                                  "<",
                                                  "<s",
                                                  "<s>",
                                                  "\t",
                                                  ". ",
                                                  "!/",
                                                  "\xCC\x81",
                                                  "e\xCC\x81",
                                                  "\xE2\x96\x81",
                                                  "\xF0\x9F\x9A\x80",
                                                  "\xE4\xB8\xAD",
                                                  "\xE3\x80\x80",
                                                  "\xE3\x80\x82\xE3\x80\x80",
                                                  " \xE2\x80\x83",
                                                  "\xE2\x80\x8D",
                                                  "\xEF\xB7\x90",
                                                  "\xC3\xA9",
                                                  "\xE0\xA4\x95\xE0\xA4\xBE"};

/// A quadratic case takes minutes at these sizes, and sixteen times as long for four times the text. Processor time, so
/// that a busy machine makes no difference.
template <class Work>
void check_near_linear(std::size_t bytes, const std::string& text, Work&& work) {
    const auto seconds = [&](const std::string& some) {
        double best = 1e9;
        for (int i = 0; i < 2 && best > 0.02; ++i) {
            const std::clock_t start = std::clock();
            work(some);
            best = std::min(best, static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC);
        }
        return best;
    };
    REQUIRE(text.size() >= bytes);
    std::size_t quarter = text.size() / 4;
    while ((static_cast<unsigned char>(text[quarter]) & 0xC0) == 0x80) ++quarter;
    const double part = seconds(text.substr(0, quarter)), whole = seconds(text);
    CHECK(whole < 8.0);  // sanitizers included; quadratic work takes minutes
    CHECK(whole < part * 8 + 0.2);
}

}  // namespace wafer_test
