// SPDX-License-Identifier: MIT
#include "foreign.hpp"

ggml_context* ggml_init(ggml_context params) {
    static ggml_context only;
    only = params;
    return &only;
}
void ggml_quantize_init(int type) { ggml_type_size = type; }
int llama_decode(llama_model* model, int n_tokens) { return model->layers * n_tokens; }
gguf_context* gguf_init_from_file(const char*) { return nullptr; }
int ggml_type_size = 0;

namespace cost {
int gpu = 0;
}
namespace simd {
int select = 0;
}
int matmul = 1, network = 2, plan = 3, bytes = 4, system_pages = 5;
int load(const char* path) { return path[0]; }
