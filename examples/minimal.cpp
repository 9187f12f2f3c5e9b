// SPDX-License-Identifier: MIT
#include <iostream>

#include <wafer/llm.hpp>

int main(int argc, char** argv) try {
    const auto model = wafer::load(argc > 1 ? argv[1] : "model.gguf");  // resident from here on
    wafer::session chat{model};
    for (const auto& piece : chat.ask("Why keep weights in SRAM?")) std::cout << piece.text << std::flush;
} catch (const wafer::error& e) {
    std::cerr << e.what() << '\n';
    return 1;
}
