// SPDX-License-Identifier: MIT
// A device of your own: three functions, and every answer also says what it would have taken there.
//   custom_policy MODEL.gguf
#include <algorithm>
#include <iostream>
#include <string>

#include <wafer/llm.hpp>

namespace {

/// A phone that keeps its weights in DRAM: each operation takes as long as its bytes or its arithmetic, whichever is
/// slower.
struct phone {
    wafer::bytes_per_second dram{50e9};
    wafer::flops_per_second npu{2e12};

    std::string name() const { return "phone"; }
    std::string basis() const { return "modelled; an invented phone: 50 GB/s, 2 TFLOP/s"; }
    wafer::bytes capacity() const { return wafer::bytes{8'000'000'000}; }

    wafer::charge price(const wafer::work& w, const wafer::pass&) const noexcept {
        wafer::charge c;
        c[wafer::bound::memory] = (w.weights + w.cache) / dram;
        c[wafer::bound::compute] = w.arithmetic / npu;
        c.total = std::max(c[wafer::bound::memory], c[wafer::bound::compute]);
        return c;
    }
    wafer::charge overhead(const wafer::pass&) const noexcept { return {}; }
};
static_assert(wafer::device_model<phone>);

}  // namespace

int main(int argc, char** argv) try {
    if (argc != 2) {
        std::cerr << "usage: custom_policy MODEL.gguf\n";
        return 1;
    }
    const auto model = wafer::load(argv[1]);
    wafer::session chat{model, wafer::cost::compare{phone{}, wafer::cost::wafer{wafer::devices::wse3}}};

    for (const auto& piece : chat.ask("What is 17 + 25?")) std::cout << piece.text << std::flush;
    std::cout << "\n\n" << chat.cost();
} catch (const std::exception& e) {
    std::cerr << "custom_policy: " << e.what() << '\n';
    return 1;
}
