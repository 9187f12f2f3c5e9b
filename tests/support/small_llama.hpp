// SPDX-License-Identifier: MIT
// Test support: a model of architecture llama small enough to be made hundreds of times, and what it must answer: the same
// network in plain float64.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <support/synthetic.hpp>
#include <utility>
#include <vector>

namespace wafer_test {

struct small_llama {
    static constexpr std::size_t n_layer = 2, d_model = 32, n_head = 4, n_kv = 2, d_head = 8, d_ff = 64, n_vocab = 48;
    static inline const std::vector<std::int32_t> prompt{1, 7, 3, 40, 22, 5};

    /// A dense one, or a mixture of four experts of which two work on a token.
    [[nodiscard]] static synthetic_model make(bool experts = false, const std::string& architecture = "llama") {
        synthetic_model m;
        const auto key = [&](const std::string& name, const std::string& type, const std::string& value) {
            m.pairs.push_back({architecture + "." + name, type, value});
        };
        m.pairs.push_back({"general.architecture", "string", architecture});
        key("block_count", "uint32", std::to_string(n_layer));
        key("context_length", "uint32", "64");
        key("embedding_length", "uint32", std::to_string(d_model));
        key("feed_forward_length", "uint32", std::to_string(d_ff));
        key("attention.head_count", "uint32", std::to_string(n_head));
        key("attention.head_count_kv", "uint32", std::to_string(n_kv));
        key("attention.layer_norm_rms_epsilon", "float32", "1e-5");
        key("rope.freq_base", "float32", "10000");
        if (experts) {
            key("expert_count", "uint32", "4");
            key("expert_used_count", "uint32", "2");
        }
        const auto matrix = [&](const std::string& name, std::vector<std::uint64_t> extents) {
            m.tensors.push_back({name, std::move(extents), 0, 0.3f});
        };
        const auto norm = [&](const std::string& name) { m.tensors.push_back({name, {d_model}, 1, 0.25f}); };
        matrix("token_embd.weight", {n_vocab, d_model});
        norm("output_norm.weight");
        matrix("output.weight", {n_vocab, d_model});
        for (std::size_t i = 0; i < n_layer; ++i) {
            const std::string at = "blk." + std::to_string(i) + ".";
            norm(at + "attn_norm.weight");
            matrix(at + "attn_q.weight", {n_head * d_head, d_model});
            matrix(at + "attn_k.weight", {n_kv * d_head, d_model});
            matrix(at + "attn_v.weight", {n_kv * d_head, d_model});
            matrix(at + "attn_output.weight", {d_model, n_head * d_head});
            norm(at + "ffn_norm.weight");
            if (experts) {
                matrix(at + "ffn_gate_inp.weight", {4, d_model});
                matrix(at + "ffn_gate_exps.weight", {4, d_ff, d_model});
                matrix(at + "ffn_up_exps.weight", {4, d_ff, d_model});
                matrix(at + "ffn_down_exps.weight", {4, d_model, d_ff});
            } else {
                matrix(at + "ffn_gate.weight", {d_ff, d_model});
                matrix(at + "ffn_up.weight", {d_ff, d_model});
                matrix(at + "ffn_down.weight", {d_model, d_ff});
            }
        }
        return m;
    }

    /// Logits after the last token, of a dense model with whatever biases it has.
    [[nodiscard]] static std::vector<double> logits(const synthetic_model& m, std::span<const std::int32_t> tokens) {
        std::map<std::string, std::vector<double>> weights;
        for (const auto& t : m.tensors) {
            const auto w = t.weights();
            weights[t.name].assign(w.begin(), w.end());
        }
        using row = std::vector<double>;
        const auto product = [&](const std::string& name, const row& x) {
            const row& w = weights.at(name + ".weight");
            row y(w.size() / x.size());
            for (std::size_t r = 0; r < y.size(); ++r)
                for (std::size_t c = 0; c < x.size(); ++c) y[r] += w[r * x.size() + c] * x[c];
            if (const auto bias = weights.find(name + ".bias"); bias != weights.end())
                for (std::size_t r = 0; r < y.size(); ++r) y[r] += bias->second[r];
            return y;
        };
        const auto normed = [&](const std::string& name, row x) {
            double squares = 0;
            for (const double v : x) squares += v * v;
            const double scale = 1 / std::sqrt(squares / static_cast<double>(x.size()) + 1e-5);
            for (std::size_t i = 0; i < x.size(); ++i) x[i] *= scale * weights.at(name + ".weight")[i];
            return x;
        };
        const auto rotated = [&](row x, std::size_t pos) {
            for (std::size_t i = 0; i < x.size(); i += 2) {
                const double turn = static_cast<double>(pos) *
                                    std::pow(10000.0, -static_cast<double>(i % d_head) / static_cast<double>(d_head));
                const double a = x[i], b = x[i + 1];
                x[i] = a * std::cos(turn) - b * std::sin(turn);
                x[i + 1] = a * std::sin(turn) + b * std::cos(turn);
            }
            return x;
        };
        const auto add = [](row& to, const row& from) {
            for (std::size_t i = 0; i < to.size(); ++i) to[i] += from[i];
        };
        std::vector<row> residual;
        for (const auto id : tokens) {
            const auto begin =
                weights.at("token_embd.weight").begin() + static_cast<std::ptrdiff_t>(id) * std::ptrdiff_t{d_model};
            residual.emplace_back(begin, begin + d_model);
        }
        for (std::size_t layer = 0; layer < n_layer; ++layer) {
            const std::string at = "blk." + std::to_string(layer) + ".";
            std::vector<row> keys, values;
            for (std::size_t t = 0; t < tokens.size(); ++t) {
                const row x = normed(at + "attn_norm", residual[t]);
                const row q = rotated(product(at + "attn_q", x), t);
                keys.push_back(rotated(product(at + "attn_k", x), t));
                values.push_back(product(at + "attn_v", x));
                row seen(n_head * d_head);
                for (std::size_t h = 0; h < n_head; ++h) {
                    const std::size_t kv = h / (n_head / n_kv) * d_head;
                    row share(t + 1);
                    double total = 0;
                    for (std::size_t u = 0; u <= t; ++u) {
                        for (std::size_t i = 0; i < d_head; ++i) share[u] += q[h * d_head + i] * keys[u][kv + i];
                        total += share[u] = std::exp(share[u] / std::sqrt(static_cast<double>(d_head)));
                    }
                    for (std::size_t u = 0; u <= t; ++u)
                        for (std::size_t i = 0; i < d_head; ++i)
                            seen[h * d_head + i] += share[u] / total * values[u][kv + i];
                }
                add(residual[t], product(at + "attn_output", seen));
                const row y = normed(at + "ffn_norm", residual[t]), up = product(at + "ffn_up", y);
                row gate = product(at + "ffn_gate", y);
                for (std::size_t i = 0; i < gate.size(); ++i) gate[i] *= up[i] / (1 + std::exp(-gate[i]));
                add(residual[t], product(at + "ffn_down", gate));
            }
        }
        return product("output", normed("output_norm", residual.back()));
    }
};

}  // namespace wafer_test
