// SPDX-License-Identifier: MIT
#include <string>
#include <support/synthetic.hpp>
#include <vector>

#include <doctest/doctest.h>

#include <wafer/io/gguf.hpp>
#include <wafer/tensor/block.hpp>

TEST_CASE("synthetic: the generator gives the numbers that the reference names") {
    static_assert(wafer_test::fnv1a("token_embd.weight") == 0x2d85b88e70e67727);
    constexpr auto key = wafer_test::fnv1a("token_embd.weight");
    CHECK(wafer_test::synthetic_unit(key, 0) == 0.19982540607452393f);
    CHECK(wafer_test::synthetic_unit(key, 1) == 0.020654797554016113f);
    CHECK(wafer_test::synthetic_unit(key, 2) == 0.35309696197509766f);
    CHECK(wafer_test::synthetic_unit(key, 3) == -0.796823263168335f);
}

TEST_CASE("synthetic: a reference model written as GGUF is read back") {
    for (const std::string name : {"llama3", "llama_tied", "qwen2", "qwen3"}) {
        CAPTURE(name);
        const auto model = wafer_test::synthetic_model::read(name);
        const auto file = model.gguf().bytes();
        const auto opened = wafer::parse_gguf(file, name);
        const auto arch = opened.metadata().require<std::string>("general.architecture");
        CHECK(opened.metadata().require<std::uint32_t>(arch + ".vocab_size") == (name == "llama_tied" ? 512 : 320));
        CHECK(opened.metadata().require<std::string_view>("tokenizer.ggml.model") == "no_vocab");
        CHECK(opened.metadata().entries().size() == model.pairs.size());
        REQUIRE(opened.tensors().size() == model.tensors.size());
        for (const auto& tensor : model.tensors) {
            const auto& stored = opened.require(tensor.name);
            const auto want = tensor.weights();
            std::vector<float> got(stored.dims.elements());
            REQUIRE(got.size() == want.size());
            wafer::decode_row(stored.type, stored.data.data(), got.size(), got.data());
            CHECK(got == want);
        }
    }
}

TEST_CASE("synthetic: the reference answers are complete") {
    for (const std::string name : {"llama3", "llama_tied", "mixtral", "qwen2", "qwen3", "qwen3moe"}) {
        CAPTURE(name);
        const auto answer = wafer_test::reference_answer::read(name);
        CHECK(answer.tokens.size() == 96);
        CHECK(answer.greedy.size() == 32);
        CHECK(answer.smallest_greedy_margin > 0);
        CHECK(answer.logits.size() == 6);
        for (const auto& [position, logits] : answer.logits) {
            CHECK(position < 96);
            CHECK(logits.size() == (name == "llama_tied" ? 512 : 320));
        }
    }
}
