// SPDX-License-Identifier: MIT
// Test support: whole texts and grammars.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <wafer/text/grammar/automaton.hpp>

namespace wafer_test {

inline bool accepts(wafer::grammar::automaton& walk, std::string_view text) {
    auto s = walk.start();
    for (const char c : text) s = walk.step(s, static_cast<std::uint8_t>(c));
    return walk.can_stop(s);
}

/// Every text over an alphabet, the short ones first.
inline std::vector<std::string> texts_of(std::string_view alphabet, std::size_t longest) {
    std::vector<std::string> texts{""};
    for (std::size_t i = 0; i < texts.size(); ++i)
        if (texts[i].size() < longest)
            for (const char c : alphabet) texts.push_back(texts[i] + c);
    return texts;
}

}  // namespace wafer_test
