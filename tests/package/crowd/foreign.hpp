// SPDX-License-Identifier: MIT
// What the rest of a program may look like: llama.cpp's names, C linkage and all, and plain words in the global namespace.
#pragma once

extern "C" {
struct ggml_context {
    int size;
};
struct llama_model {
    int layers;
};
struct gguf_context;
ggml_context* ggml_init(ggml_context params);
void ggml_quantize_init(int type);
int llama_decode(llama_model* model, int n_tokens);
gguf_context* gguf_init_from_file(const char* path);
extern int ggml_type_size;
}

struct model {
    int layers = 1;
};
struct session : model {};
struct tokenizer {
    int vocabulary = 2;
};
struct error {};
enum dtype { f16, f32, q8_0 };
enum class errc { none };
namespace cost {
extern int gpu;
}
namespace simd {
extern int select;
}
extern int matmul, network, plan, bytes, system_pages;
int load(const char* path);
