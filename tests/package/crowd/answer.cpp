// SPDX-License-Identifier: MIT
// Compiled three times, as the function that CROWD_ANSWER names: with different flags, and with another version of wafer.
#include <string>

// The program's names come before wafer's.
// clang-format off
#include "foreign.hpp"
#include <wafer/llm.hpp>
// clang-format on

#include "crowd.hpp"

#define CROWD_TEXT_(name) #name
#define CROWD_TEXT(name) CROWD_TEXT_(name)

answer CROWD_ANSWER(const char* path) {
    const auto model = wafer::load(path);
    wafer::session chat{model};
    llama_model theirs{ggml_init({3})->size};
    const int foreign = llama_decode(&theirs, matmul + network) + ::model{}.layers + ::session{}.layers +
                        ::tokenizer{}.vocabulary + ::load(path) - path[0];
    return {chat.ask("What is 17 + 25?").text(), std::string(wafer::simd::select().features), CROWD_TEXT(WAFER_ABI),
            foreign};
}
