// SPDX-License-Identifier: MIT
// L7 model: what decoder-only transformers share: the blocks, as weights, their tensor names, and functions over them.
// An architecture's own file puts these together.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <wafer/core/config.hpp>
#include <wafer/core/error.hpp>
#include <wafer/exec/context.hpp>
#include <wafer/kernel/attention.hpp>
#include <wafer/kernel/embed.hpp>
#include <wafer/kernel/feed_forward.hpp>
#include <wafer/kernel/matmul.hpp>
#include <wafer/kernel/rope.hpp>
#include <wafer/kernel/route.hpp>
#include <wafer/model/config.hpp>
#include <wafer/model/kv_cache.hpp>
#include <wafer/model/weights.hpp>

namespace wafer::inline WAFER_ABI {

/// A batch of consecutive tokens of one sequence, and where its pass reads and writes.
struct forward_batch {
    std::span<const std::int32_t> tokens{};  // ids; unused by a phantom
    std::size_t n_tok = 0;
    std::size_t pos = 0;       // position of the first one
    std::size_t n_output = 1;  // logits are wanted for the last n_output tokens
    float* logits = nullptr;   // (n_output, padded(n_vocab))
    const kv_cache* cache = nullptr;
    std::span<std::uint64_t> expert_use{};  // (n_layer, n_expert) counters, or empty
};

/// What the blocks of one pass have in common.
template <class Context>
struct forward_pass {
    Context& ctx;
    const model_config& config;
    const forward_batch& batch;
    float* residual;  // (n_tok, d_model)
    rope_angles angles;
};

/// The rows of the vocabulary: embedding, last norm, head. Without a head of its own the model is tied: the embedding is it.
struct vocabulary_weights {
    resident_matrix embedding, head;
    resident_vector norm, head_bias;

    void list(weight_list& to, const model_config& c) {
        to.matrix(embedding, "token_embd.weight", c.n_vocab, c.d_model);
        to.vector(norm, "output_norm.weight", c.d_model);
        to.matrix(head, "output.weight", c.n_vocab, c.d_model, c.n_layer - 1, presence::optional);
        to.vector(head_bias, "output.bias", c.n_vocab, presence::optional);
    }
};

/// Grouped-query attention with its norm; biases and per-head norms only where the checkpoint has them.
struct attention_weights {
    resident_vector norm;
    resident_matrix q, k, v, output;
    resident_vector q_bias, k_bias, v_bias, output_bias;
    resident_vector q_norm, k_norm;

    void list(weight_list& to, const model_config& c, std::size_t layer, presence head_norms) {
        const std::string at = "blk." + std::to_string(layer) + ".";
        const std::size_t d_q = c.n_head * c.d_head, d_k = c.n_kv * c.d_head, d_v = c.n_kv * c.d_value;
        to.vector(norm, at + "attn_norm.weight", c.d_model);
        to.matrix(q, at + "attn_q.weight", d_q, c.d_model, layer);
        to.matrix(k, at + "attn_k.weight", d_k, c.d_model, layer);
        to.matrix(v, at + "attn_v.weight", d_v, c.d_model, layer);
        to.matrix(output, at + "attn_output.weight", c.d_model, c.n_head * c.d_value, layer);
        to.vector(q_bias, at + "attn_q.bias", d_q, presence::optional);
        to.vector(k_bias, at + "attn_k.bias", d_k, presence::optional);
        to.vector(v_bias, at + "attn_v.bias", d_v, presence::optional);
        to.vector(output_bias, at + "attn_output.bias", c.d_model, presence::optional);
        to.vector(q_norm, at + "attn_q_norm.weight", c.d_head, head_norms);
        to.vector(k_norm, at + "attn_k_norm.weight", c.d_head, head_norms);
    }
};

/// A dense feed-forward network with its norm.
struct dense_weights {
    resident_vector norm;
    feed_forward_weights ffn;

    void list(weight_list& to, const model_config& c, std::size_t layer) {
        const std::string at = "blk." + std::to_string(layer) + ".";
        to.vector(norm, at + "ffn_norm.weight", c.d_model);
        to.matrix(ffn.gate, at + "ffn_gate.weight", c.d_ff, c.d_model, layer);
        to.matrix(ffn.up, at + "ffn_up.weight", c.d_ff, c.d_model, layer);
        to.matrix(ffn.down, at + "ffn_down.weight", c.d_model, c.d_ff, layer);
        to.vector(ffn.gate_bias, at + "ffn_gate.bias", c.d_ff, presence::optional);
        to.vector(ffn.up_bias, at + "ffn_up.bias", c.d_ff, presence::optional);
        to.vector(ffn.down_bias, at + "ffn_down.bias", c.d_model, presence::optional);
    }
};

/// A mixture of experts with its norm and its gate.
struct expert_weights {
    resident_vector norm;
    resident_matrix gate;
    std::vector<feed_forward_weights> experts;

    void list(weight_list& to, const model_config& c, std::size_t layer) {
        const std::string at = "blk." + std::to_string(layer) + ".";
        if (c.n_expert == 0)
            raise(errc::missing_key, "this architecture needs experts", {{}, {}, c.architecture + ".expert_count"});
        to.vector(norm, at + "ffn_norm.weight", c.d_model);
        to.matrix(gate, at + "ffn_gate_inp.weight", c.n_expert, c.d_model, layer);
        experts.resize(c.n_expert);
        const auto each = [&](resident_matrix feed_forward_weights::*which) {
            std::vector<resident_matrix*> views;
            for (auto& e : experts) views.push_back(&(e.*which));
            return views;
        };
        to.stack(each(&feed_forward_weights::gate), at + "ffn_gate_exps.weight", c.d_ff_expert, c.d_model, layer);
        to.stack(each(&feed_forward_weights::up), at + "ffn_up_exps.weight", c.d_ff_expert, c.d_model, layer);
        to.stack(each(&feed_forward_weights::down), at + "ffn_down_exps.weight", c.d_model, c.d_ff_expert, layer);
    }
};

/// Begins a pass: the residual stream holds the tokens' embeddings.
template <class Context>
[[nodiscard]] forward_pass<Context> begin_pass(Context& ctx, const model_config& c, const rope_frequencies& rope,
                                               const resident_matrix& embedding, const forward_batch& batch) noexcept {
    float* const residual = ctx.scratch().template take<float>(batch.n_tok * padded(c.d_model));
    embed(ctx, embedding, batch.tokens, batch.n_tok, residual);
    return {ctx, c, batch, residual, take_angles(ctx, rope, batch.pos, batch.n_tok)};
}

/// x[t, h, :] = rms_norm(x[t, h, :]) * weight for each head of d elements (Qwen3's query and key norms).
template <class Context>
void head_norm(Context& ctx, const activation_batch& x, resident_vector weight, float eps) noexcept {
    if (weight.empty()) return;
    [[maybe_unused]] const auto metered = ctx.measure([&] {
        const std::uint64_t n = x.n_tok * x.width;
        return work{.kind = op::norm,
                    .n_tok = x.n_tok,
                    .arithmetic = flops(4 * n),
                    .weights = bytes(weight.size_bytes()),
                    .activations = bytes(2 * n * sizeof(float)),
                    .outputs = x.width,
                    .inputs = x.width,
                    .resident = bytes(weight.size_bytes())};
    });
    if constexpr (Context::computes) {
        ctx.split(x.n_tok, x.width * 2, [&](std::size_t begin, std::size_t end) {
            for (std::size_t t = begin; t < end; ++t)
                for (std::size_t at = 0; at < x.width; at += weight.count)
                    ctx.kernels().rms_norm(x.row(t) + at, weight.data(), weight.count, eps, x.row(t) + at);
        });
    }
}

/// residual += output(attention(rope(q), rope(k), v)) of the normed residual.
template <class Context>
void attention_block(const forward_pass<Context>& p, const attention_weights& w, std::size_t layer) noexcept {
    auto& ctx = p.ctx;
    const auto& c = p.config;
    const scratch::frame frame(ctx.scratch());
    const std::size_t n_tok = p.batch.n_tok;
    const auto x = take_batch(ctx, n_tok, c.d_model, any_blocked(w.q, w.k, w.v));
    const auto q = take_batch(ctx, n_tok, c.n_head * c.d_head, false);
    const auto k = take_batch(ctx, n_tok, c.n_kv * c.d_head, false);
    const auto v = take_batch(ctx, n_tok, c.n_kv * c.d_value, false);
    const auto out = take_batch(ctx, n_tok, c.n_head * c.d_value, any_blocked(w.output));
    const kv_view cache = p.batch.cache->layer(layer);

    rms_norm(ctx, p.residual, w.norm, c.rms_eps, x);
    matmul(ctx, op::qkv, x, {{w.q, w.q_bias, &q}, {w.k, w.k_bias, &k}, {w.v, w.v_bias, &v}});
    head_norm(ctx, q, w.q_norm, c.rms_eps);
    head_norm(ctx, k, w.k_norm, c.rms_eps);
    rope_and_store(ctx, p.angles, q, k, v, cache, p.batch.pos);
    attention(ctx, cache, q, c.n_head, p.batch.pos, 1.0f / std::sqrt(static_cast<float>(c.d_head)), out);
    quantize(ctx, out);
    matmul_add(ctx, op::attn_out, out, w.output, w.output_bias, p.residual);
}

/// residual += feed_forward of the normed residual.
template <class Context>
void dense_block(const forward_pass<Context>& p, const dense_weights& w) noexcept {
    const scratch::frame frame(p.ctx.scratch());
    const auto x = take_batch(p.ctx, p.batch.n_tok, p.config.d_model, any_blocked(w.ffn.gate, w.ffn.up));
    rms_norm(p.ctx, p.residual, w.norm, p.config.rms_eps, x);
    feed_forward(p.ctx, w.ffn, x, p.residual);
}

/// residual += the chosen experts' feed_forward of the normed residual.
template <class Context, gating_rule Rule>
void expert_block(const forward_pass<Context>& p, const expert_weights& w, const Rule& rule,
                  std::size_t layer) noexcept {
    const scratch::frame frame(p.ctx.scratch());
    const auto& one = w.experts.front();
    const auto x = take_batch(p.ctx, p.batch.n_tok, p.config.d_model, any_blocked(one.gate, one.up, w.gate));
    const auto use = p.batch.expert_use.empty()
                         ? p.batch.expert_use
                         : p.batch.expert_use.subspan(layer * p.config.n_expert, p.config.n_expert);
    rms_norm(p.ctx, p.residual, w.norm, p.config.rms_eps, x);
    const auto r = route(p.ctx, rule, x, w.gate, {}, p.config.n_active, use);
    expert_feed_forward(p.ctx, w.experts, r, x, p.residual);
}

/// Ends a pass: logits of the last n_output tokens.
template <class Context>
void end_pass(const forward_pass<Context>& p, const vocabulary_weights& w) noexcept {
    auto& ctx = p.ctx;
    const auto& batch = p.batch;
    const scratch::frame frame(ctx.scratch());
    const resident_matrix& head = w.head ? w.head : w.embedding;
    const auto x = take_batch(ctx, batch.n_output, p.config.d_model, any_blocked(head));
    activation_batch logits{.x = batch.logits, .n_tok = batch.n_output, .width = p.config.n_vocab};
    rms_norm(ctx, p.residual == nullptr ? nullptr : p.residual + (batch.n_tok - batch.n_output) * x.ld(), w.norm,
             p.config.rms_eps, x);
    matmul(ctx, op::head, x, {{head, w.head_bias, &logits}});
}

/// A stack of equal layers between the rows of a vocabulary: what an architecture is, once it has said what a Layer is.
/// A Layer has list(weight_list&, const model_config&, index) and forward(const forward_pass<Context>&, index).
template <class Layer>
struct decoder {
    vocabulary_weights vocabulary;
    resident_vector rope_divisors;  // Llama 3.1 and later: divides the frequencies
    std::vector<Layer> layers;

    void list(weight_list& to, const model_config& c) {
        vocabulary.list(to, c);
        to.vector(rope_divisors, "rope_freqs.weight", c.rope.d_rope / 2, presence::optional);
        layers.resize(c.n_layer);
        for (std::size_t i = 0; i < c.n_layer; ++i) layers[i].list(to, c, i);
    }

    template <class Context>
    void forward(Context& ctx, const model_config& c, const rope_frequencies& rope,
                 const forward_batch& batch) const noexcept {
        const scratch::frame frame(ctx.scratch());
        const auto pass = begin_pass(ctx, c, rope, vocabulary.embedding, batch);
        for (std::size_t i = 0; i < layers.size() && !ctx.stopped(); ++i) layers[i].forward(pass, i);
        end_pass(pass, vocabulary);
    }
};

}  // namespace wafer::inline WAFER_ABI
