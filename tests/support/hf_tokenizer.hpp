// SPDX-License-Identifier: MIT
// A vocabulary from a Hugging Face tokenizer.json, enough for the byte-level BPE files of ../shared/oracle.
#pragma once

#include <fstream>
#include <iterator>
#include <optional>
#include <string>

#include <wafer/core/json.hpp>
#include <wafer/text/vocabulary.hpp>

namespace wafer_test {

inline std::optional<std::string> read_text(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) return std::nullopt;
    return std::string(std::istreambuf_iterator<char>(file), {});
}

inline wafer::vocabulary hf_vocabulary(const wafer::json& file, std::string pre) {
    wafer::vocabulary v;
    v.model = "gpt2";
    v.pre = std::move(pre);
    const auto put = [&](std::int64_t id, const std::string& text, wafer::token_type type) {
        const auto i = static_cast<std::size_t>(id);
        if (i >= v.tokens.size()) {
            v.tokens.resize(i + 1);
            v.types.resize(i + 1, wafer::token_type::unused);
        }
        v.tokens[i] = text;
        v.types[i] = type;
    };
    const wafer::json& model = file.at("model");
    for (const auto& [text, id] : model.at("vocab").as_object()) put(id.as_int(), text, wafer::token_type::normal);
    for (const auto& added : file.at("added_tokens").as_array())
        put(added.at("id").as_int(), added.at("content").as_string(),
            added.at("special").as_bool() ? wafer::token_type::control : wafer::token_type::user_defined);
    for (const auto& merge : model.at("merges").as_array())
        v.merges.push_back(merge.is_string()
                               ? merge.as_string()
                               : merge.at(std::size_t{0}).as_string() + " " + merge.at(std::size_t{1}).as_string());
    return v;
}

}  // namespace wafer_test
