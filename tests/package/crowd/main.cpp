// SPDX-License-Identifier: MIT
#include <iostream>

#include "crowd.hpp"

int main(int argc, char** argv) {
    if (argc != 2) return 2;
    const answer all[] = {answer_plain(argv[1]), answer_native(argv[1]), answer_next(argv[1])};
    for (const auto& a : all) std::cout << a.abi << ": " << a.text << " (" << a.kernels << ")\n";
    bool agree = all[2].abi != all[0].abi && all[2].abi != all[1].abi && all[0].text.find("42") != std::string::npos;
    for (const auto& a : all) agree = agree && a.text == all[0].text && a.kernels == all[0].kernels && a.foreign == 13;
    return agree ? 0 : 1;
}
