// SPDX-License-Identifier: MIT
// L6 kernel: rotary position embedding: frequencies with every scaling in use, and the angles of a batch.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>
#include <span>
#include <vector>

#include <wafer/core/config.hpp>
#include <wafer/exec/context.hpp>
#include <wafer/simd/kernel_table.hpp>

namespace wafer::inline WAFER_ABI {

/// Which elements of a head rotate together.
enum class rope_pairs : std::uint8_t {
    interleaved,  // (2i, 2i+1): llama and deepseek as GGUF stores them
    half,         // (i, i + d_rope/2): qwen, gpt-oss ("NEOX")
};

/// How angles are stretched for contexts longer than the trained one.
enum class rope_scaling : std::uint8_t { none, linear, yarn };

/// The parameters of RoPE. Angle of pair i at position p: p * frequency_i.
struct rope_config {
    rope_pairs pairs = rope_pairs::interleaved;
    std::size_t d_rope = 0;  // rotated elements of each head; even
    double base = 10000;     // theta
    rope_scaling scaling = rope_scaling::none;
    double factor = 1;            // linear and yarn: how many times longer the context is
    double original_context = 0;  // yarn: the trained context
    double beta_fast = 32, beta_slow = 1;
    double attention_factor = 1;  // extra scale of cosines and sines

    friend bool operator==(const rope_config&, const rope_config&) = default;
};

/// Angular frequency of each pair, radians per position, and the scale of cosines and sines.
///   none:   f_i = base^(-2i/d)          linear: f_i / factor
///   yarn:   f_i (1 - r_i) / factor + f_i r_i, where r_i falls from 1 to 0 between the pairs that turn beta_fast and
///           beta_slow times within the original context; cosines and sines times 0.1 ln(factor) + 1.
/// Cosines and sines of any kind are also multiplied by attention_factor.
/// @cite Su et al. 2021, RoFormer, eq. 15; Peng et al. 2023, YaRN, section 3.2 and eq. 21-22.
class rope_frequencies {
public:
    rope_frequencies() = default;
    /// @param divisors  one per pair (Llama 3.x's rope_freqs.weight), or empty; frequencies are divided by them
    rope_frequencies(const rope_config& c, std::span<const float> divisors) : frequency_(c.d_rope / 2) {
        set(c, divisors);
    }
    /// Becomes those of another configuration, in place. @pre its d_rope is the same
    void set(const rope_config& c, std::span<const float> divisors) noexcept {
        pairs_ = c.pairs;
        const double d = static_cast<double>(c.d_rope);
        const bool yarn = c.scaling == rope_scaling::yarn;
        // The pair that turns `turns` times within the original context.
        const auto pair_turning = [&](double turns) {
            return d * std::log(c.original_context / (turns * 2 * std::numbers::pi)) / (2 * std::log(c.base));
        };
        const double low = yarn ? std::max(0.0, std::floor(pair_turning(c.beta_fast))) : 0;
        const double high = yarn ? std::min(d - 1, std::ceil(pair_turning(c.beta_slow))) : 0;
        for (std::size_t i = 0; i < frequency_.size(); ++i) {
            double f = std::pow(c.base, -2 * static_cast<double>(i) / d);
            if (!divisors.empty()) f /= static_cast<double>(divisors[i]);
            const double ramp =
                yarn ? 1 - std::clamp((static_cast<double>(i) - low) / std::max(0.001, high - low), 0.0, 1.0) : 0;
            frequency_[i] = c.scaling == rope_scaling::none ? f : f * (1 - ramp) / c.factor + f * ramp;
        }
        magnitude_ = c.attention_factor * (yarn ? 1 + 0.1 * std::log(c.factor) : 1);
    }

    [[nodiscard]] std::size_t n_pairs() const noexcept { return frequency_.size(); }
    [[nodiscard]] rope_pairs pairs() const noexcept { return pairs_; }

    /// Cosines and sines at one position, n_pairs() each. Computed in double, so that far positions stay exact.
    void angles(std::size_t pos, float* cosines, float* sines) const noexcept {
        for (std::size_t i = 0; i < frequency_.size(); ++i) {
            const double angle = static_cast<double>(pos) * frequency_[i];
            cosines[i] = static_cast<float>(std::cos(angle) * magnitude_);
            sines[i] = static_cast<float>(std::sin(angle) * magnitude_);
        }
    }

private:
    rope_pairs pairs_ = rope_pairs::interleaved;
    std::vector<double> frequency_;
    double magnitude_ = 1;
};

/// The angles of a batch's positions, computed once per pass and used by every layer: (n_tok, n_pairs) each.
struct rope_angles {
    const float* cosines = nullptr;
    const float* sines = nullptr;
    std::size_t n_pairs = 0;
    rope_pairs pairs = rope_pairs::interleaved;

    /// Rotates the first 2 n_pairs elements of a head that belongs to token t.
    void rotate(const simd::kernel_table& kernels, std::size_t t, float* head) const noexcept {
        const auto turn = pairs == rope_pairs::half ? kernels.rope_half : kernels.rope_interleaved;
        turn(head, cosines + t * n_pairs, sines + t * n_pairs, n_pairs);
    }
};

template <class Context>
[[nodiscard]] rope_angles take_angles(Context& ctx, const rope_frequencies& rope, std::size_t pos,
                                      std::size_t n_tok) noexcept {
    const std::size_t n = rope.n_pairs();
    float* const cosines = ctx.scratch().template take<float>(n_tok * n);
    float* const sines = ctx.scratch().template take<float>(n_tok * n);
    if constexpr (Context::computes) {
        ctx.split(n_tok, n * 64, [&](std::size_t begin, std::size_t end) {
            for (std::size_t t = begin; t < end; ++t) rope.angles(pos + t, cosines + t * n, sines + t * n);
        });
    }
    return {cosines, sines, n, rope.pairs()};
}

}  // namespace wafer::inline WAFER_ABI
