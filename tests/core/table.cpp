// SPDX-License-Identifier: MIT
#include <sstream>

#include <doctest/doctest.h>

#include <wafer/core/table.hpp>

TEST_CASE("text_table: columns are as wide as their widest cell, numbers to the right, no blanks at the end") {
    wafer::text_table table({2});
    table.add({"name", "count", "note"});
    table.add({"a", "1", "x"});
    table.add({});
    table.add({"longer", "", ""});
    std::ostringstream out;
    out << table;
    CHECK(out.str() == "  name    count  note\n"
                       "  a           1  x\n"
                       "\n"
                       "  longer\n");
    std::ostringstream nothing;
    nothing << wafer::text_table();
    CHECK(nothing.str().empty());
}
