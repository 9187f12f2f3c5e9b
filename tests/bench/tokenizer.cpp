// SPDX-License-Identifier: MIT
// How fast a tokenizer encodes here, on one thread: a text of yours, and megabytes made to be hard. Not a test: run it
// by hand on a quiet machine.
//   bench_tokenizer VOCABULARY TEXT    VOCABULARY: a .gguf file, or a folder with a tokenizer.json
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <iostream>
#include <optional>
#include <string>
#include <support/hf_tokenizer.hpp>

#include <wafer/gen/vocabulary.hpp>
#include <wafer/io/gguf.hpp>

using namespace wafer;

namespace {

std::optional<tokenizer> load(const std::string& path) {
    if (path.ends_with(".gguf")) return tokenizer(read_vocabulary(open_gguf(path)).value());
    return wafer_test::hf_tokenizer(path);
}

void measure(const tokenizer& words, const char* name, const std::string& text) {
    double best = 1e9;
    std::size_t tokens = 0;
    for (int i = 0; i < 5; ++i) {
        const auto start = std::chrono::steady_clock::now();
        tokens = words.encode(text).size();
        best = std::min(best, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
    }
    std::printf("%-24s %8.3f MB %9zu tokens %8.1f MB/s\n", name, static_cast<double>(text.size()) / 1e6, tokens,
                static_cast<double>(text.size()) / 1e6 / best);
}

std::string repeat(const std::string& unit) {
    std::string out;
    while (out.size() < 1'000'000) out += unit;
    return out;
}

std::string letters() {  // no space
    std::string out;
    for (unsigned state = 1; out.size() < 1'000'000; state = state * 1664525u + 1013904223u)
        out.push_back("etaoinshrdlucmfwypvbgkjqxz"[(state >> 24) % 26]);
    return out;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 3) return std::cerr << "usage: bench_tokenizer FILE.gguf|FOLDER-OF-tokenizer.json TEXT\n", 2;
    const auto start = std::chrono::steady_clock::now();
    const auto loaded = load(argv[1]);
    if (!loaded) return std::cerr << "cannot read " << argv[1] << "\n", 1;
    const tokenizer& words = *loaded;
    std::printf("%zu tokens, loaded in %.0f ms\n", words.size(),
                std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() * 1e3);
    const auto text = wafer_test::read_text(argv[2]);
    if (!text) return std::cerr << "cannot read " << argv[2] << "\n", 1;
    measure(words, "your text", *text);
    measure(words, "letters, no space", letters());
    measure(words, "one character", repeat("a"));
    measure(words, "emoji", repeat("\xF0\x9F\x9A\x80"));
    measure(words, "spaces", repeat(" "));
    measure(words, "ideographs", repeat("\xE4\xB8\xAD\xE6\x96\x87"));
}
