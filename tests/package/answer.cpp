// SPDX-License-Identifier: MIT
// What every consumer builds: the smallest program that needs all of wafer.
#include <iostream>

#include <wafer/llm.hpp>

int main(int argc, char** argv) {
    if (argc != 2) return 2;
    const auto model = wafer::load(argv[1]);
    wafer::session chat{model};
    std::cout << chat.ask("What is 17 + 25?").text() << '\n';
}
