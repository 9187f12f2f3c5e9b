// SPDX-License-Identifier: MIT
// A program of one file and one header, built by a bare compiler:
//   g++ -std=c++20 -O2 -pthread -Isingle_include single_header.cpp -o single_header && ./single_header MODEL.gguf
// No flag is needed for speed: it says which kernels this CPU runs.
#include <iostream>

#include <wafer/llm.hpp>

int main(int argc, char** argv) try {
    if (argc != 2) {
        std::cerr << "usage: single_header MODEL.gguf\n";
        return 1;
    }
    const auto model = wafer::load(argv[1]);
    wafer::session chat{model};
    std::cout << chat.ask("What is 17 + 25?").text() << '\n';
    std::cout << "wafer " << WAFER_VERSION_STRING << ", " << wafer::simd::select().features << " kernels, "
              << wafer::three_digits(chat.stats().decode_rate()) << " tokens/s\n";
} catch (const std::exception& e) {
    std::cerr << "single_header: " << e.what() << '\n';
    return 1;
}
