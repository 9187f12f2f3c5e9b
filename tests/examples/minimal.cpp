// SPDX-License-Identifier: MIT
#include <string>

#include <doctest/doctest.h>

#include "run.hpp"

using namespace wafer_test;

TEST_CASE("minimal: ten lines answer") {
    const auto r = run(WAFER_MINIMAL, {default_model});
    CHECK(r.status == 0);
    CHECK(r.err.empty());
    CHECK(r.out.size() > 20);
}

TEST_CASE("minimal: an error is one line") {
    const auto r = run(WAFER_MINIMAL, {"/nonexistent/model.gguf"});
    CHECK(r.status == 1);
    CHECK(is_one_line(r.err));
}
