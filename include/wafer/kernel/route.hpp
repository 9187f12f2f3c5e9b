// SPDX-License-Identifier: MIT
// L6 kernel: mixture-of-experts gating: which experts a token goes to, and with what weights.
#pragma once

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>

#include <wafer/core/config.hpp>
#include <wafer/exec/context.hpp>
#include <wafer/kernel/activations.hpp>
#include <wafer/kernel/matmul.hpp>

namespace wafer::inline WAFER_ABI {

/// One expert of one token.
struct chosen_expert {
    std::uint32_t expert;
    float weight;
};

/// Turns one token's gating logits into n_active experts with weights. A rule is a small value; it may overwrite the logits.
/// Ties go to the expert of lower index. The result's order is by falling score.
template <class Rule>
concept gating_rule = std::copyable<Rule> &&
    requires(const Rule& rule, std::span<float> logits, std::span<chosen_expert> out) {
    { rule(logits, out) }
    noexcept;
};

namespace gating {

/// The out.size() largest scores, in falling order.
inline void top_k(std::span<const float> scores, std::span<chosen_expert> out) noexcept {
    std::size_t n = 0;
    for (std::uint32_t e = 0; e < scores.size(); ++e) {
        std::size_t at = n;
        while (at > 0 && scores[e] > out[at - 1].weight) --at;
        if (at == out.size()) continue;
        n = std::min(n + 1, out.size());
        std::copy_backward(out.begin() + static_cast<std::ptrdiff_t>(at),
                           out.begin() + static_cast<std::ptrdiff_t>(n - 1),
                           out.begin() + static_cast<std::ptrdiff_t>(n));
        out[at] = {e, scores[e]};
    }
}

/// p = softmax(logits); the top k of p; renormalised to sum 1, or not.
/// @cite Qwen3-MoE (norm_topk_prob); DeepSeek-V2 2024, eq. 21-22 (not renormalised)
struct softmax_then_top_k {
    bool renormalise = true;
    void operator()(std::span<float> logits, std::span<chosen_expert> out) const noexcept {
        top_k(logits, out);
        const float top = out[0].weight;
        float total = 0;
        for (const float l : logits) total += std::exp(l - top);
        float kept = 0;
        for (auto& c : out) kept += (c.weight = std::exp(c.weight - top) / total);
        if (renormalise)
            for (auto& c : out) c.weight /= kept;
    }
};

/// The top k logits; softmax over these.  @cite Jiang et al. 2024, Mixtral of Experts, section 2.1
struct top_k_then_softmax {
    void operator()(std::span<float> logits, std::span<chosen_expert> out) const noexcept {
        top_k(logits, out);
        const float top = out[0].weight;
        float total = 0;
        for (auto& c : out) total += (c.weight = std::exp(c.weight - top));
        for (auto& c : out) c.weight /= total;
    }
};

}  // namespace gating

/// How a batch's tokens are dealt to experts.
struct routing {
    chosen_expert* chosen = nullptr;  // (n_tok, n_active), each token's by rising expert
    std::uint32_t* first = nullptr;   // (n_expert + 1): assignments of expert e are [first[e], first[e + 1])
    std::uint32_t* token = nullptr;   // (n_tok * n_active): the token of each assignment, by expert, then by token
    std::uint32_t* slot = nullptr;    // (n_tok, n_active): where each chosen expert's assignment is in that list
    std::size_t n_tok = 0, n_expert = 0, n_active = 0;

    [[nodiscard]] std::size_t assignments() const noexcept { return n_tok * n_active; }
    [[nodiscard]] std::size_t load(std::size_t expert) const noexcept { return first[expert + 1] - first[expert]; }
};

/// Gates a batch: logits = W x, then the rule for every token, then the lists by expert.
/// Shapes: x (n_tok, d_model), W (n_expert, d_model). `used` (n_expert), if not empty, counts each expert's tokens.
template <class Context, gating_rule Rule>
[[nodiscard]] routing route(Context& ctx, const Rule& rule, const activation_batch& x, const resident_matrix& w,
                            resident_vector bias, std::size_t n_active, std::span<std::uint64_t> used) noexcept {
    routing r{.n_tok = x.n_tok, .n_expert = w.rows, .n_active = n_active};
    r.chosen = ctx.scratch().template take<chosen_expert>(r.assignments());
    r.first = ctx.scratch().template take<std::uint32_t>(r.n_expert + 1);
    r.token = ctx.scratch().template take<std::uint32_t>(r.assignments());
    r.slot = ctx.scratch().template take<std::uint32_t>(r.assignments());
    const scratch::frame frame(ctx.scratch());
    const auto logits = take_batch(ctx, x.n_tok, w.rows, false);
    matmul(ctx, op::route, x, {{w, bias, &logits}});
    if constexpr (Context::computes) {
        std::fill_n(r.first, r.n_expert + 1, 0u);
        for (std::size_t t = 0; t < r.n_tok; ++t) {
            if (ctx.stopped()) {  // its logits may be garbage: route nobody
                std::fill_n(r.first, r.n_expert + 1, 0u);
                return r;
            }
            const std::span<chosen_expert> mine(r.chosen + t * n_active, n_active);
            rule(std::span(logits.row(t), r.n_expert), mine);
            std::sort(mine.begin(), mine.end(), [](auto a, auto b) { return a.expert < b.expert; });
            for (const auto& c : mine) ++r.first[c.expert + 1];
        }
        for (std::size_t e = 0; e < r.n_expert; ++e) {
            if (!used.empty()) used[e] += r.first[e + 1];
            r.first[e + 1] += r.first[e];
        }
        // Filling the lists moves each start to its end, which is the next expert's start: shift back afterwards.
        for (std::size_t a = 0; a < r.assignments(); ++a) {
            r.slot[a] = r.first[r.chosen[a].expert]++;
            r.token[r.slot[a]] = static_cast<std::uint32_t>(a / n_active);
        }
        std::copy_backward(r.first, r.first + r.n_expert, r.first + r.n_expert + 1);
        r.first[0] = 0;
    } else {
        r.first = nullptr;  // no lists, whatever the scratch
    }
    return r;
}

}  // namespace wafer::inline WAFER_ABI
