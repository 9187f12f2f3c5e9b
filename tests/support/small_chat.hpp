// SPDX-License-Identifier: MIT
// Test support: a small model with a vocabulary, whose file may say whatever a test wants about conversations.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <support/gguf_writer.hpp>
#include <support/small_llama.hpp>
#include <support/small_vocabulary.hpp>
#include <utility>
#include <vector>

#include <wafer/gen/model.hpp>

namespace wafer_test {

/// What was logged while a model was loaded and used, warnings alone.
using warnings = std::vector<std::string>;

/// Loads small_llama with a vocabulary. `more` adds pairs to the file, and warnings go to `heard`, which must outlive the
/// model.
inline wafer::model small_chat(const std::function<void(gguf_writer&)>& more, warnings& heard,
                               const wafer::vocabulary& words = small_vocabulary()) {
    auto m = small_llama::make();
    for (auto& t : m.tensors)
        if (t.extents.front() == small_llama::n_vocab) t.extents.front() = words.tokens.size();
    for (auto& p : m.pairs)
        if (p.key == "llama.context_length") p.value = "32768";
    auto file = m.gguf();
    std::vector<std::string> merges;
    for (const auto& [left, right] : words.merges) merges.push_back(left + " " + right);
    std::vector<std::int32_t> types;
    for (const auto type : words.types) types.push_back(static_cast<std::int32_t>(type));
    file.pair("tokenizer.ggml.model", words.model).pair("tokenizer.ggml.pre", words.pre);
    file.array("tokenizer.ggml.tokens", words.tokens).array("tokenizer.ggml.merges", merges);
    file.array("tokenizer.ggml.token_type", types);
    file.pair("tokenizer.ggml.eos_token_id", static_cast<std::uint32_t>(*words.eos));
    more(file);
    wafer::load_options how;
    how.n_threads = 1;
    how.log = [&heard](wafer::log_level level, std::string_view line) {
        const bool about_kernels = line.find("portable kernels") != line.npos;  // on lesser targets
        if (level == wafer::log_level::warning && !about_kernels) heard.emplace_back(line);
    };
    const auto image = file.bytes();
    return wafer::load(image, how);
}

}  // namespace wafer_test
