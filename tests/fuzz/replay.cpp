// SPDX-License-Identifier: MIT
// The seeds and every finding, once more, without a fuzzer: with any compiler, in every build.
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <doctest/doctest.h>

// Each target is compiled with its LLVMFuzzerTestOneInput named so.
extern "C" {
int fuzz_gguf(const std::uint8_t*, std::size_t);
int fuzz_grammars(const std::uint8_t*, std::size_t);
int fuzz_json(const std::uint8_t*, std::size_t);
int fuzz_replies(const std::uint8_t*, std::size_t);
int fuzz_sessions(const std::uint8_t*, std::size_t);
int fuzz_templates(const std::uint8_t*, std::size_t);
int fuzz_tokenizers(const std::uint8_t*, std::size_t);
}

TEST_CASE("fuzz: no seed and no finding crashes, hangs or escapes as anything but wafer::error") {
    const struct {
        const char* name;
        int (*run)(const std::uint8_t*, std::size_t);
    } targets[] = {{"gguf", fuzz_gguf},
                   {"grammars", fuzz_grammars},
                   {"json", fuzz_json},
                   {"replies", fuzz_replies},
                   {"sessions", fuzz_sessions},
                   {"templates", fuzz_templates},
                   {"tokenizers", fuzz_tokenizers}};
    for (const auto& target : targets) {
        int n = 0;
        for (const auto& entry :
             std::filesystem::directory_iterator(WAFER_FUZZ_CORPUS + std::string("/") + target.name)) {
            CAPTURE(entry.path().string());
            std::ifstream file(entry.path(), std::ios::binary);
            const std::vector<char> bytes{std::istreambuf_iterator<char>(file), {}};
            CHECK_NOTHROW(target.run(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()));
            ++n;
        }
        CHECK(n > 0);
    }
}
