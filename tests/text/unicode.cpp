// SPDX-License-Identifier: MIT
#include <array>

#include <doctest/doctest.h>

#include <wafer/text/unicode.hpp>

using namespace wafer;
using gc = general_category;

TEST_CASE("unicode: categories of well-known characters") {
    static_assert(category(U'a') == gc::ll);
    const struct {
        char32_t code;
        gc expected;
    } facts[] = {{0x0, gc::cc},     {U'\n', gc::cc},    {U' ', gc::zs},     {U'A', gc::lu},     {U'z', gc::ll},
                 {U'0', gc::nd},    {U'_', gc::pc},     {U'-', gc::pd},     {U'(', gc::ps},     {U')', gc::pe},
                 {U'!', gc::po},    {U'$', gc::sc},     {U'+', gc::sm},     {U'^', gc::sk},     {0xA0, gc::zs},
                 {0xA6, gc::so},    {0xAA, gc::lo},     {0xAB, gc::pi},     {0xAD, gc::cf},     {0xB2, gc::no},
                 {0xBB, gc::pf},    {0xBD, gc::no},     {0xC4, gc::lu},     {0xDF, gc::ll},     {0x1C5, gc::lt},
                 {0x2B0, gc::lm},   {0x300, gc::mn},    {0x378, gc::cn},    {0x488, gc::me},    {0x5D0, gc::lo},
                 {0x661, gc::nd},   {0x903, gc::mc},    {0x1780, gc::lo},   {0x200D, gc::cf},   {0x2028, gc::zl},
                 {0x2029, gc::zp},  {0x20AC, gc::sc},   {0x2160, gc::nl},   {0x3042, gc::lo},   {0x4E00, gc::lo},
                 {0x9FFF, gc::lo},  {0xAC00, gc::lo},   {0xD7A3, gc::lo},   {0xD800, gc::cs},   {0xE000, gc::co},
                 {0xFE0F, gc::mn},  {0xFF5E, gc::sm},   {0xFFFF, gc::cn},   {0x1F680, gc::so},  {0x1F3FB, gc::sk},
                 {0x20000, gc::lo}, {0x10FFFD, gc::co}, {0x10FFFF, gc::cn}, {0x110000, gc::cn}, {0xFFFFFFFF, gc::cn}};
    for (const auto& fact : facts)
        CHECK_MESSAGE(category(fact.code) == fact.expected, static_cast<unsigned>(fact.code));
}

TEST_CASE("unicode: the table holds as many characters of each category as Unicode 14.0.0 has") {
    std::array<int, 30> counts{};
    for (char32_t code = 0; code < 0x110000; ++code) ++counts[static_cast<std::size_t>(category(code))];
    const auto count = [&](gc c) { return counts[static_cast<std::size_t>(c)]; };
    // DerivedGeneralCategory-14.0.0.txt, the totals of its sections.
    CHECK(count(gc::lu) == 1831);
    CHECK(count(gc::ll) == 2227);
    CHECK(count(gc::lt) == 31);
    CHECK(count(gc::nd) == 660);
    CHECK(count(gc::cc) == 65);
    CHECK(count(gc::cs) == 2048);
    CHECK(count(gc::co) == 137468);
    CHECK(count(gc::zs) == 17);
    CHECK(count(gc::zl) == 1);
    CHECK(count(gc::sc) == 63);
}

TEST_CASE("unicode: classes are sets of categories, and white space is a property of its own") {
    CHECK(is_letter(gc::lo));
    CHECK_FALSE(is_letter(gc::mn));
    CHECK(is_mark(gc::me));
    CHECK(is_number(gc::no));
    CHECK(is_punctuation(gc::pc));
    CHECK(is_symbol(gc::so));
    CHECK_FALSE(is_symbol(gc::zs));
    int blanks = 0;
    for (char32_t code = 0; code < 0x110000; ++code) blanks += is_white_space(code) ? 1 : 0;
    CHECK(blanks == 25);  // PropList-14.0.0.txt
    CHECK(is_white_space(0x85));
    CHECK_FALSE(is_white_space(0x200B));
}
