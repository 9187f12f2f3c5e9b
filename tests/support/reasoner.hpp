// SPDX-License-Identifier: MIT
// The default model, loaded once for a whole test program, and options that make its answers repeatable.
#pragma once

#include <wafer/gen/model.hpp>
#include <wafer/gen/session_options.hpp>

namespace wafer_test {

inline const wafer::model& reasoner() {
    static const wafer::model m = wafer::load(WAFER_EXAMPLES "/tiny_reasoner/tiny_reasoner.gguf");
    return m;
}

inline wafer::session_options greedy() {
    wafer::session_options o;
    o.how.temperature = 0;
    return o;
}

}  // namespace wafer_test
