// SPDX-License-Identifier: MIT
#include <sstream>
#include <string>
#include <support/hf_tokenizer.hpp>
#include <vector>

#include <doctest/doctest.h>

#include <wafer/gen/vocabulary.hpp>
#include <wafer/io/gguf.hpp>
#include <wafer/text/tokenizer.hpp>

using namespace wafer;

TEST_CASE("vocabulary: a GGUF vocabulary of GPT-2 encodes every case of llama.cpp equally") {
    const std::string path = std::string(WAFER_SHARED) + "/oracle/tokenizers/ggml-vocab-gpt-2.gguf";
    const auto input = wafer_test::read_text(path + ".inp");
    if (!input) {
        MESSAGE("skipped: " << path << " is missing");
        return;
    }
    const tokenizer t(read_vocabulary(open_gguf(path)).value());
    CHECK(t.size() == 50257);
    std::istringstream output(wafer_test::read_text(path + ".out").value());
    const std::string separator = "\n__ggml_vocab_test__\n";
    std::size_t n = 0;
    for (std::size_t at = 0; at < input->size(); ++n) {
        const std::size_t end = input->find(separator, at);
        if (end == std::string::npos) break;  // what follows the last separator is no case
        const std::string text = input->substr(at, end - at);
        at = end + separator.size();
        std::string line;
        REQUIRE(std::getline(output, line));
        std::istringstream numbers(line);
        std::vector<token_id> expected;
        for (token_id id; numbers >> id;) expected.push_back(id);
        CAPTURE(text);
        CHECK(t.encode(text) == expected);
        CHECK(t.decode(expected, control_text::show) == text);
    }
    std::string rest;
    CHECK_FALSE(std::getline(output, rest));
    CHECK(n == 46);
}
