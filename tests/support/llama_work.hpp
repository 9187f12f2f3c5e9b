// SPDX-License-Identifier: MIT
// Test support: the operations of one forward pass of a Llama-shaped model, written down by hand, for pricing without a
// model.
#pragma once

#include <cmath>
#include <cstdint>
#include <vector>

#include <wafer/cost/meter.hpp>

namespace llama_work {

struct shape {
    std::uint64_t n_layer, d_model, d_kv, d_ff, n_vocab;
    std::uint64_t weight_bytes = 2;
};
inline constexpr shape llama2_7b{32, 4096, 4096, 11008, 32000};
inline constexpr shape llama3_8b{32, 4096, 1024, 14336, 128256};
inline constexpr shape llama2_13b{40, 5120, 5120, 13824, 32000};
inline constexpr shape codellama_34b{48, 8192, 1024, 22016, 32000};
inline constexpr shape llama2_70b{80, 8192, 1024, 28672, 32000};

struct step {
    wafer::pass whole;
    std::vector<wafer::work> ops;
};

/// A pass of n_tok tokens behind n_past others. WaferLLM's figures leave the head out: with_head false.
inline step forward(const shape& m, wafer::stage at, std::uint64_t n_tok, std::uint64_t n_past, bool with_head = true) {
    using namespace wafer;
    const std::uint64_t d = m.d_model, f32 = 4, position = 2 * m.d_kv * 2;  // K and V in f16
    const auto product = [&](op kind, std::uint64_t rows, std::uint64_t cols, std::uint64_t tokens) {
        work w;
        w.kind = kind;
        w.n_tok = tokens;
        w.arithmetic = flops(2 * tokens * rows * cols);
        w.weights = w.resident = bytes(rows * cols * m.weight_bytes);
        w.activations = bytes((rows + cols) * tokens * f32);
        w.outputs = rows;
        w.inputs = cols;
        return w;
    };
    const auto elementwise = [&](op kind, std::uint64_t each) {
        work w;
        w.kind = kind;
        w.n_tok = n_tok;
        w.arithmetic = flops(each * n_tok * d);
        w.activations = bytes(2 * n_tok * d * f32);
        w.outputs = w.inputs = d;
        return w;
    };
    step s;
    s.whole = {at, n_tok, n_past, m.n_layer, d, {}, bytes((n_past + n_tok) * position * m.n_layer)};
    s.ops.push_back(elementwise(op::embed, 0));
    for (std::uint64_t layer = 0; layer < m.n_layer; ++layer) {
        s.ops.push_back(elementwise(op::norm, 4));
        s.ops.push_back(product(op::qkv, d + 2 * m.d_kv, d, n_tok));
        s.ops.push_back(elementwise(op::rope, 3));
        work attention = elementwise(op::attention, 0);
        const std::uint64_t pairs = n_tok * n_past + n_tok * (n_tok + 1) / 2;
        attention.arithmetic = flops(4 * pairs * d);
        attention.cache = bytes((n_past + n_tok) * position);
        s.ops.push_back(attention);
        s.ops.push_back(product(op::attn_out, d, d, n_tok));
        s.ops.push_back(elementwise(op::norm, 4));
        s.ops.push_back(product(op::ffn_up, 2 * m.d_ff, d, n_tok));
        s.ops.push_back(product(op::ffn_down, d, m.d_ff, n_tok));
    }
    if (with_head) {
        s.ops.push_back(elementwise(op::norm, 4));
        s.ops.push_back(product(op::head, m.n_vocab, d, 1));
    }
    for (const auto& w : s.ops) s.whole.weights += w.resident;
    return s;
}

template <class Meter>
void feed(Meter& meter, const step& s) {
    meter.begin(s.whole);
    for (const auto& w : s.ops) [[maybe_unused]] const auto metered = meter.measure([&] { return w; });
    meter.end();
}

/// Seconds of one pass on one device.
template <wafer::device_model Model>
double time(const Model& device, const step& s) {
    double sum = device.overhead(s.whole).total.count;
    for (const auto& w : s.ops) sum += device.price(w, s.whole).total.count;
    return sum;
}

/// How far a modelled figure is from a published one, as a share of it.
inline double off(double modelled, double published) { return std::abs(modelled / published - 1); }

}  // namespace llama_work
