// SPDX-License-Identifier: MIT
// L8 gen: ends a stream of text where a stop string begins, wherever the stream was cut.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <wafer/core/config.hpp>
#include <wafer/core/error.hpp>
#include <wafer/text/partial_marker.hpp>

namespace wafer::inline WAFER_ABI {

/// Passes text through until one of the strings appears: the one that is whole first, of several at once the longest. Holds
/// back only what may be the beginning of one. It is for what is said alone: thinking and calls of tools are told apart
/// before, since a stop string that cut the one would leave no answer, and the other no call.
class stop_strings {
public:
    /// Stops at any of these; empty ones count for nothing, and without any all text passes.
    explicit stop_strings(std::vector<std::string> strings = {}) : strings_(std::move(strings)) {
        std::erase_if(strings_, [](const std::string& s) { return s.empty(); });
    }

    /// The text that is certain to come before any stop string. Nothing more after one was met.
    [[nodiscard]] std::string feed(std::string_view text) {
        if (met_) return {};
        or_out_of_memory([&] { held_ += text; });
        std::size_t begin = std::string::npos, end = std::string::npos;
        for (const auto& s : strings_) {
            const std::size_t at = held_.find(s);
            if (at == std::string::npos || at + s.size() > end || (at + s.size() == end && at > begin)) continue;
            begin = at;
            end = at + s.size();
        }
        if (begin != std::string::npos) {
            met_ = true;
            held_.resize(begin);
            return std::exchange(held_, {});
        }
        std::size_t keep = 0;
        for (const auto& s : strings_) keep = std::max(keep, partial_marker(held_, s));
        std::string certain = or_out_of_memory([&] { return held_.substr(0, held_.size() - keep); });
        held_.erase(0, certain.size());
        return certain;
    }
    /// Ends the stream, or a stretch of it that no stop string goes across: what was held back after all.
    [[nodiscard]] std::string flush() { return std::exchange(held_, {}); }
    /// Whether a stop string was met.
    [[nodiscard]] bool met() const noexcept { return met_; }

private:
    std::vector<std::string> strings_;
    std::string held_;
    bool met_ = false;
};

}  // namespace wafer::inline WAFER_ABI
