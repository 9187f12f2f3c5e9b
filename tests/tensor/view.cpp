// SPDX-License-Identifier: MIT
#include <numeric>
#include <type_traits>
#include <vector>

#include <doctest/doctest.h>

#include <wafer/tensor/view.hpp>

using wafer::matrix_view;

TEST_CASE("view: a row keeps the stride") {
    std::vector<int> numbers(2 * 5 + 3);
    std::iota(numbers.begin(), numbers.end(), 0);
    const matrix_view<int> m(numbers.data(), 3, 3, 5);
    CHECK(m.row(0)[0] == 0);
    CHECK(m.row(1)[2] == 7);
    CHECK(m.row(2).size() == 3);
    CHECK(m.row(2)[2] == 12);
    m.row(2)[2] = -1;
    CHECK(numbers.back() == -1);
}

TEST_CASE("view: a stretch of rows is a view of its own") {
    std::vector<int> numbers(12);
    std::iota(numbers.begin(), numbers.end(), 0);
    const matrix_view<const int> m = matrix_view<int>(numbers.data(), 4, 3);
    const auto middle = m.middle_rows(1, 2);
    CHECK(middle.rows() == 2);
    CHECK(middle.row(1)[0] == 6);
    CHECK(m.middle_rows(4, 0).empty());
}

TEST_CASE("view: what may be written can be read, not the other way round") {
    static_assert(std::is_convertible_v<matrix_view<float>, matrix_view<const float>>);
    static_assert(!std::is_convertible_v<matrix_view<const float>, matrix_view<float>>);
    static_assert(std::is_trivially_copyable_v<matrix_view<float>>);
    CHECK(matrix_view<float>().empty());
}
