// SPDX-License-Identifier: MIT
// Three copies of wafer in one program, each in a translation unit of its own (answer.cpp).
#pragma once

#include <string>

struct answer {
    std::string text;     // to 17 + 25
    std::string kernels;  // that this CPU runs
    std::string abi;      // the inline namespace
    int foreign;          // what the program's own functions gave beside wafer
};

answer answer_plain(const char* path);   // the tree, with the build's flags
answer answer_native(const char* path);  // the tree, with -march=native
answer answer_next(const char* path);    // the single header, of another version
