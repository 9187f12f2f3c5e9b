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

// The targets, each under a name of its own; as one file, since what they have in common is most of it.
#define LLVMFuzzerTestOneInput fuzz_gguf
#include "gguf.cpp"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput fuzz_grammars
#include "grammars.cpp"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput fuzz_json
#include "json.cpp"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput fuzz_replies
#include "replies.cpp"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput fuzz_sessions
#include "sessions.cpp"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput fuzz_templates
#include "templates.cpp"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput fuzz_tokenizers
#include "tokenizers.cpp"
#undef LLVMFuzzerTestOneInput

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
