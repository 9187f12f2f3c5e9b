// SPDX-License-Identifier: MIT
// L8 gen: how long answers took on this machine.
#pragma once

#include <chrono>
#include <cstddef>

#include <wafer/core/config.hpp>
#include <wafer/core/units.hpp>

namespace wafer::inline WAFER_ABI {

/// Wall-clock figures of one answer.
struct answer_stats {
    std::size_t prompt = 0;     // tokens of the whole prompt
    std::size_t reused = 0;     // of these, tokens that an earlier turn had left in the cache
    std::size_t generated = 0;  // tokens drawn, the one that ended the turn included
    seconds to_first{};         // from the question to the first token
    seconds total{};            // from the question to the end

    /// Tokens per second once the first was there.
    [[nodiscard]] double decode_rate() const noexcept {
        const double t = (total - to_first).count;
        return generated > 1 && t > 0 ? static_cast<double>(generated - 1) / t : 0;
    }
    /// Prompt tokens per second, without the reused ones.
    [[nodiscard]] double prefill_rate() const noexcept {
        return to_first.count > 0 ? static_cast<double>(prompt - reused) / to_first.count : 0;
    }

    /// Starts the clock of a new answer.
    void begin(std::size_t n_prompt, std::size_t n_reused) noexcept {
        *this = {};
        prompt = n_prompt;
        reused = n_reused;
        start_ = clock::now();
    }
    /// Counts a token that was drawn.
    void token() noexcept {
        if (generated++ == 0) to_first = since_start();
    }
    /// Stops the clock.
    void end() noexcept { total = since_start(); }

private:
    using clock = std::chrono::steady_clock;
    [[nodiscard]] seconds since_start() const noexcept {
        return seconds(std::chrono::duration<double>(clock::now() - start_).count());
    }
    clock::time_point start_{};
};

}  // namespace wafer::inline WAFER_ABI
