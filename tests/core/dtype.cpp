// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <wafer/core/dtype.hpp>

using namespace wafer;

TEST_CASE("dtype: names and GGUF numbers lead to the type and back") {
    for (const dtype_info& d : dtypes) {
        CHECK(is_known(d.type));
        CHECK(&info(d.type) == &d);
        CHECK(to_string(d.type) == d.name);
        CHECK(dtype_from_gguf(d.gguf_id) == d.type);
    }
    CHECK_FALSE(dtype_from_gguf(0xFFFF'FFFF));
}

TEST_CASE("dtype: a number that is no type has no bytes and is called unknown") {
    for (const int n : {18, 77, 255}) {
        const auto none = static_cast<dtype>(n);
        CHECK_FALSE(is_known(none));
        CHECK(to_string(none) == "unknown");
        CHECK(row_bytes(none, 1024) == 0);
        CHECK_FALSE(is_float(none));
    }
    static_assert(to_string(static_cast<dtype>(77)) == "unknown");
}
