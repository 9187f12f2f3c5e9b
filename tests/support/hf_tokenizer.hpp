// SPDX-License-Identifier: MIT
// A tokenizer from a folder as Hugging Face publishes it: tokenizer.json with tokenizer_config.json beside it.
#pragma once

#include <optional>
#include <string>
#include <support/read_text.hpp>

#include <wafer/core/json.hpp>
#include <wafer/text/tokenizer.hpp>
#include <wafer/text/tokenizer_json.hpp>

namespace wafer_test {

/// Nothing where the folder holds no tokenizer.json.
inline std::optional<wafer::tokenizer> hf_tokenizer(const std::string& folder) {
    const auto file = read_text(folder + "/tokenizer.json");
    if (!file) return std::nullopt;
    const auto config = read_text(folder + "/tokenizer_config.json");
    return wafer::tokenizer(
        wafer::read_tokenizer_json(wafer::json::parse(*file), config ? wafer::json::parse(*config) : wafer::json{}));
}

}  // namespace wafer_test
