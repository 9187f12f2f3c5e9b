// SPDX-License-Identifier: MIT
// L8 gen: from logits to the next token. Knows neither text nor networks.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <wafer/core/config.hpp>
#include <wafer/core/error.hpp>

namespace wafer::inline WAFER_ABI {

/// How the next token is drawn. The steps run in this order: repetition penalty, top_k, top_p, min_p, temperature; each works
/// on what the one before left. What is not set is as the model's file recommends, or else as default_sampling has it.
struct sampling {
    std::optional<float> temperature{};     // 0: greedy, the most likely token; ties go to the lower id
    std::optional<std::size_t> top_k{};     // keep the k most likely; 0: all
    std::optional<float> top_p{};           // keep the most likely until their probabilities sum to this; 1: all
    std::optional<float> min_p{};           // keep what is at least this fraction of the most likely; 0: all
    std::optional<float> repeat_penalty{};  // divides logits of recent tokens if positive, else multiplies them; 1: off
    std::optional<std::size_t> repeat_last{};  // how many recent tokens that covers
    std::uint64_t seed = 0;                    // equal seeds give equal answers
};

/// Where neither the caller nor the model's file says otherwise.
inline constexpr sampling default_sampling{
    .temperature = 0.7f, .top_k = 40, .top_p = 0.95f, .min_p = 0.05f, .repeat_penalty = 1.0f, .repeat_last = 64};

/// `how`, with what is not set taken from `otherwise`.
[[nodiscard]] constexpr sampling filled(sampling how, const sampling& otherwise = default_sampling) noexcept {
    const auto fill = [](auto& value, const auto& other) {
        if (!value) value = other;
    };
    fill(how.temperature, otherwise.temperature), fill(how.top_k, otherwise.top_k), fill(how.top_p, otherwise.top_p);
    fill(how.min_p, otherwise.min_p), fill(how.repeat_penalty, otherwise.repeat_penalty);
    fill(how.repeat_last, otherwise.repeat_last);
    return how;
}

/// What sampling needs where a value that is set is out of range, or null.
[[nodiscard]] inline const char* fault_of(const sampling& how) noexcept {
    const auto within = [](const auto& value, auto&& good) {
        return !value || (std::isfinite(*value) && good(*value));
    };
    if (!within(how.temperature, [](float t) { return t >= 0; })) return "a temperature of 0 or more";
    if (!within(how.top_p, [](float p) { return p > 0 && p <= 1; })) return "0 < top_p <= 1";
    if (!within(how.min_p, [](float p) { return p >= 0 && p <= 1; })) return "0 <= min_p <= 1";
    if (!within(how.repeat_penalty, [](float r) { return r > 0; })) return "a repetition penalty above 0";
    return nullptr;
}

/// Draws tokens. After the first draw nothing allocates, but room for the recent tokens that a penalty concerns.
/// @cite Fan et al. 2018 (top-k); Holtzman et al. 2020 (top-p); Nguyen et al. 2024 (min-p); Keskar et al. 2019, eq. 2 (penalty)
class sampler {
public:
    /// Draws from how.seed on. @throws error{errc::invalid_argument} for values out of range
    explicit sampler(const sampling& how = {}) : sampler(how, how.seed) {}
    /// Draws on as the one whose state() that was.
    /// @throws error{errc::invalid_argument} for values out of range
    sampler(const sampling& how, std::uint64_t state) : how_(filled(how)), random_(state) {
        if (const char* needs = fault_of(how_)) raise(errc::invalid_argument, std::string("sampling needs ") + needs);
    }

    /// The next token after `recent`. Logits that are not numbers are never drawn.
    /// @param allowed  bit i % 64 of word i / 64 for each token that may be drawn, one at least; empty: all may. The others are
    ///                 taken out before anything else, so that the rest keep their proportions.
    /// @param logits  (n_vocab), not normalised
    /// @param recent  tokens that the repetition penalty may concern, the newest last
    /// @throws error{errc::invalid_argument} where there is no token to draw; error{errc::out_of_memory}
    /// @cost  O(n_vocab log top_k), greedy O(n_vocab); with a penalty O(repeat_last log repeat_last) more
    [[nodiscard]] std::int32_t pick(std::span<const float> logits, std::span<const std::int32_t> recent = {},
                                    std::span<const std::uint64_t> allowed = {}) {
        candidates_.clear();
        or_out_of_memory([&] { candidates_.reserve(logits.size()); });
        for (std::size_t i = 0; i < logits.size(); ++i) {
            if (!allowed.empty() && (i / 64 >= allowed.size() || (allowed[i / 64] >> i % 64 & 1) == 0)) continue;
            candidates_.push_back(
                {static_cast<std::int32_t>(i), std::isnan(logits[i]) ? lowest : std::min(logits[i], highest)});
        }
        if (candidates_.empty())
            raise(errc::invalid_argument, "there is no token to draw: no logits, or none is allowed");
        penalise(recent.last(std::min(*how_.repeat_last, recent.size())));
        if (*how_.temperature == 0) return std::min_element(candidates_.begin(), candidates_.end(), likelier)->id;
        keep_top_k();
        keep_probable();
        return draw();
    }

    /// What it was made with, filled.
    [[nodiscard]] const sampling& how() const noexcept { return how_; }
    /// All that draws change: with it, another sampler of the same `how` goes on alike.
    [[nodiscard]] std::uint64_t state() const noexcept { return random_; }

private:
    struct candidate {
        std::int32_t id;
        float logit;
    };
    static constexpr float lowest = -std::numeric_limits<float>::infinity();
    static constexpr float highest = std::numeric_limits<float>::max();  // infinities have no differences
    static bool likelier(const candidate& a, const candidate& b) noexcept {
        return a.logit > b.logit || (a.logit == b.logit && a.id < b.id);
    }

    void penalise(std::span<const std::int32_t> recent) {
        if (*how_.repeat_penalty == 1) return;
        recent_.assign(recent.begin(), recent.end());
        std::sort(recent_.begin(), recent_.end());
        recent_.erase(std::unique(recent_.begin(), recent_.end()), recent_.end());
        auto found = candidates_.begin();        // both rise by id
        for (const std::int32_t id : recent_) {  // once for each token, however often it came
            found = std::lower_bound(found, candidates_.end(), id,
                                     [](const candidate& c, std::int32_t other) { return c.id < other; });
            if (found == candidates_.end() || found->id != id) continue;
            float& l = found->logit;
            if (l != lowest)
                l = std::clamp(l > 0 ? l / *how_.repeat_penalty : l * *how_.repeat_penalty, -highest, highest);
        }
    }
    void keep_top_k() {
        const std::size_t k = *how_.top_k == 0 ? candidates_.size() : std::min(*how_.top_k, candidates_.size());
        if (k == candidates_.size()) std::sort(candidates_.begin(), candidates_.end(), likelier);  // twice as fast
        else
            std::partial_sort(candidates_.begin(), candidates_.begin() + static_cast<std::ptrdiff_t>(k),
                              candidates_.end(), likelier);
        candidates_.resize(k);
    }
    /// top_p and min_p, over probabilities at temperature 1 of what top_k left.
    void keep_probable() {
        const float top = candidates_.front().logit;
        if (top == lowest) return;  // nothing can be told apart
        double total = 0;
        for (const auto& c : candidates_) total += std::exp(static_cast<double>(c.logit - top));
        double sum = 0;
        std::size_t kept = 0;
        while (kept < candidates_.size()) {
            const double likelihood =
                std::exp(static_cast<double>(candidates_[kept].logit - top));  // relative to the best
            if (kept != 0 && likelihood < static_cast<double>(*how_.min_p)) break;
            ++kept;
            if ((sum += likelihood / total) >= static_cast<double>(*how_.top_p)) break;
        }
        candidates_.resize(kept);
    }
    /// 64 random bits.  @cite Steele, Lea, Flood 2014 (SplitMix)
    [[nodiscard]] std::uint64_t random() noexcept {
        std::uint64_t z = random_ += 0x9e3779b97f4a7c15;
        z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
        z = (z ^ z >> 27) * 0x94d049bb133111eb;
        return z ^ z >> 31;
    }
    [[nodiscard]] std::int32_t draw() {
        const float top = candidates_.front().logit;
        if (top == lowest) return candidates_.front().id;
        const auto weight = [&](const candidate& c) {
            return std::exp(static_cast<double>((c.logit - top) / *how_.temperature));
        };
        double total = 0;
        for (const auto& c : candidates_) total += weight(c);
        // 53 random bits make a double in [0, 1), the same on every system.
        double left = static_cast<double>(random() >> 11) * 0x1p-53 * total;
        for (const auto& c : candidates_)
            if ((left -= weight(c)) < 0) return c.id;
        return candidates_.back().id;
    }

    sampling how_;
    std::uint64_t random_;
    std::vector<candidate> candidates_;
    std::vector<std::int32_t> recent_;  // each once
};

}  // namespace wafer::inline WAFER_ABI
