// SPDX-License-Identifier: MIT
// Test support: a small vocabulary of each kind, for tests to change.
#pragma once

#include <string>

#include <wafer/core/utf8.hpp>
#include <wafer/text/bpe.hpp>
#include <wafer/text/sentencepiece.hpp>
#include <wafer/text/vocabulary.hpp>

namespace wafer_test {

/// 256 bytes, then a few merges, then special tokens.
inline wafer::vocabulary small_vocabulary() {
    wafer::vocabulary v;
    v.model = "gpt2";
    v.pre = "gpt-2";
    for (const char16_t c : wafer::byte_level_alphabet) {
        std::string text;
        wafer::append_utf8(text, c);
        v.tokens.push_back(text);
    }
    const auto merge = [&](const std::string& left, const std::string& right) {
        v.merges.emplace_back(left, right);
        v.tokens.push_back(left + right);
    };
    merge("a", "b");          // 256
    merge("ab", "c");         // 257
    merge("a", "a");          // 258
    merge("aa", "aa");        // 259
    merge("\xC4\xA0", "ab");  // 260: space + ab
    v.types.assign(v.tokens.size(), wafer::token_type::normal);
    for (const char* text : {"<s>", "</s>", "<s>x", "<unk>"}) {  // 261 262 263 264
        v.tokens.push_back(text);
        v.types.push_back(wafer::token_type::control);
    }
    v.tokens.push_back("<think>");  // 265
    v.types.push_back(wafer::token_type::user_defined);
    v.bos = 261;
    v.eos = 262;
    v.add_bos = true;
    return v;
}

/// The letters and what they merge to, bytes, then special tokens.
inline wafer::vocabulary small_sentencepiece() {
    wafer::vocabulary v;
    v.model = "llama";
    const auto add = [&](const std::string& text, wafer::token_type type, float score = 0) {
        v.tokens.push_back(text);
        v.types.push_back(type);
        v.scores.push_back(score);
    };
    add("<unk>", wafer::token_type::unknown);  // 0
    add("<s>", wafer::token_type::control);    // 1
    add("</s>", wafer::token_type::control);   // 2
    const char* hex = "0123456789ABCDEF";
    for (int byte = 0; byte < 256; ++byte)  // 3 + byte
        add(std::string("<0x") + hex[byte >> 4] + hex[byte & 15] + ">", wafer::token_type::byte);
    const std::string space(wafer::visible_space);
    float score = 0;
    for (const std::string& text : {space + "a", std::string("ab"), space + "ab", space + space, space,
                                    std::string("a"), std::string("b"), std::string("c")})  // 259 ... 266
        add(text, wafer::token_type::normal, --score);
    add("<think>", wafer::token_type::user_defined);  // 267
    v.bos = 1;
    v.eos = 2;
    v.unknown = 0;
    v.add_bos = true;
    return v;
}

}  // namespace wafer_test
