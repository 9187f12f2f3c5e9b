// SPDX-License-Identifier: MIT
#include <support/child.hpp>

#if !defined(_WIN32)

#include <doctest/doctest.h>

#include <wafer/core/process.hpp>

using namespace wafer;

TEST_SUITE("core.process") {

    TEST_CASE(
        "home_process: is where it was made, and not in a child or a child's child, where copies are refused too") {
        const home_process here;
        const auto is_refused = [](const home_process& home) {
            const auto refusal = error_of([&] { home.check(); });
            return !home.is_here() && refusal && refusal->code() == errc::wrong_process;
        };
        CHECK(here.is_here());
        CHECK_NOTHROW(here.check());
        const int status = wafer_test::status_of_child([&] {
            const home_process child, copy = here;
            if (!is_refused(here) || !is_refused(copy) || !child.is_here()) return 1;
            return wafer_test::status_of_child([&] {
                const home_process grandchild;
                return is_refused(here) && is_refused(copy) && is_refused(child) && grandchild.is_here() ? 7 : 2;
            });
        });
        CHECK(status == 7);
        CHECK(here.is_here());
    }
}

#endif
