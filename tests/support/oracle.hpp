// SPDX-License-Identifier: MIT
// What kernels should give, in plain float64, and how far float32 may be from it. Every reference carries a bound beside its
// value, made of the roundings that the kernels are allowed; nothing here shares code with them.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numbers>
#include <span>
#include <vector>

namespace wafer::test {

inline constexpr double eps = 0x1p-24;  // the relative error of one float32 rounding
inline constexpr double exp_eps =
    1e-6;  // of one exponential and what is divided by it: 2e-7 promised, and some roundings

/// A value, and the error that a kernel's may have.
struct bounded {
    double value = 0, error = 0;
};
using row = std::vector<bounded>;

inline row exact(std::span<const float> x) {
    row r;
    for (const float v : x) r.push_back({static_cast<double>(v), 0});
    return r;
}

/// The largest |y - value| / error; at most 1 where y is within its bounds. Not a number counts as infinitely far.
inline double excess(std::span<const float> y, const row& reference) {
    double worst = y.size() == reference.size() ? 0 : std::numeric_limits<double>::infinity();
    for (std::size_t i = 0; i < std::min(y.size(), reference.size()); ++i) {
        const double off = std::fabs(static_cast<double>(y[i]) - reference[i].value);
        const double ratio = off == 0 ? 0 : off / (reference[i].error + std::numeric_limits<double>::min());
        worst = std::isfinite(ratio) ? std::max(worst, ratio) : std::numeric_limits<double>::infinity();
    }
    return worst;
}

/// x as 8-bit integers times a scale for 32 elements: off by at most half a step, max / 254.
inline row quantised(row x) {
    for (std::size_t at = 0; at < x.size(); at += 32) {
        double top = 0;
        const std::size_t end = std::min(at + 32, x.size());
        for (std::size_t i = at; i < end; ++i) top = std::max(top, std::fabs(x[i].value) + x[i].error);
        for (std::size_t i = at; i < end; ++i) x[i].error += top / 254 * (1 + 1e-5);
    }
    return x;
}

/// x as bf16: 8 significant bits, off by at most half of the last one.
inline row as_bf16(row x) {
    for (auto& v : x) v.error += (std::fabs(v.value) + v.error) * 0x1p-9 * (1 + 1e-5);
    return x;
}

/// W x + bias, summed in float32 in any order: each of the k products and sums is rounded, on partial sums of at most
/// sum |w x|; four more roundings for scales.
inline row product(const std::vector<double>& w, const row& x, std::span<const float> bias = {}) {
    const std::size_t k = x.size(), n = w.size() / k;
    row y(n);
    for (std::size_t r = 0; r < n; ++r) {
        double sum = 0, magnitude = 0, inherited = 0;
        for (std::size_t i = 0; i < k; ++i) {
            const double weight = w[r * k + i];
            sum += weight * x[i].value;
            magnitude += std::fabs(weight) * (std::fabs(x[i].value) + x[i].error);
            inherited += std::fabs(weight) * x[i].error;
        }
        if (!bias.empty()) {
            sum += static_cast<double>(bias[r]);
            magnitude += std::fabs(static_cast<double>(bias[r]));
        }
        y[r] = {sum, inherited + (static_cast<double>(k) + 5) * eps * magnitude};
    }
    return y;
}

/// x / sqrt(mean(x^2) + e) * weight. The sum of squares has no cancellation: n roundings, halved by the root; five more.
inline row rms_norm(std::span<const float> x, std::span<const float> weight, double e) {
    double squares = 0;
    for (const float v : x) squares += static_cast<double>(v) * static_cast<double>(v);
    const double n = static_cast<double>(x.size());
    const double factor = 1 / std::sqrt(squares / n + e);
    row y;
    for (std::size_t i = 0; i < x.size(); ++i) {
        const double v = static_cast<double>(x[i]) * factor * static_cast<double>(weight[i]);
        y.push_back({v, std::fabs(v) * (n / 2 + 5) * eps});
    }
    return y;
}

/// silu(gate) * up. |silu'| <= 1.1.
inline row swiglu(const row& gate, const row& up) {
    row y;
    for (std::size_t i = 0; i < gate.size(); ++i) {
        const double g = gate[i].value / (1 + std::exp(-gate[i].value));
        const double g_error = 1.1 * gate[i].error + std::fabs(g) * exp_eps;
        const double v = g * up[i].value;
        y.push_back({v, std::fabs(g) * up[i].error + g_error * (std::fabs(up[i].value) + up[i].error) +
                            std::fabs(v) * 2 * eps});
    }
    return y;
}

/// to += weight * x
inline void add(row& to, const row& x, bounded weight = {1, 0}) {
    for (std::size_t i = 0; i < to.size(); ++i) {
        const double v = weight.value * x[i].value;
        to[i].value += v;
        to[i].error += std::fabs(weight.value) * x[i].error + weight.error * (std::fabs(x[i].value) + x[i].error) +
                       2 * eps * (std::fabs(v) + std::fabs(to[i].value));
    }
}

/// softmax(scale q . K) V for one query; keys and values are rows. A score is off by d + 3 roundings of sum |q k| and by what
/// q is off; an exponential by twice that, since numerator and denominator both are, and by one exponential for each time
/// that a running maximum rose (at most once in 128 positions); sums by n roundings, above and below.
inline row attention(const row& q, const std::vector<std::vector<double>>& keys,
                     const std::vector<std::vector<double>>& values, double scale) {
    const std::size_t n = keys.size(), d = values.front().size();
    std::vector<double> score(n);
    double score_error = 0, top = -std::numeric_limits<double>::infinity();
    for (std::size_t p = 0; p < n; ++p) {
        double magnitude = 0, inherited = 0;
        for (std::size_t i = 0; i < q.size(); ++i) {
            score[p] += scale * q[i].value * keys[p][i];
            magnitude += std::fabs(scale * q[i].value * keys[p][i]);
            inherited += std::fabs(scale * keys[p][i]) * q[i].error;
        }
        score_error = std::max(score_error, inherited + (static_cast<double>(q.size()) + 3) * eps * magnitude);
        top = std::max(top, score[p]);
    }
    double total = 0;
    row out(d);
    std::vector<double> magnitude(d);
    for (std::size_t p = 0; p < n; ++p) {
        const double weight = std::exp(score[p] - top);
        total += weight;
        for (std::size_t i = 0; i < d; ++i) {
            out[i].value += weight * values[p][i];
            magnitude[i] += weight * std::fabs(values[p][i]);
        }
    }
    const double rises = static_cast<double>(n) / 128 + 2;
    for (std::size_t i = 0; i < d; ++i) {
        out[i].value /= total;
        out[i].error =
            magnitude[i] / total * (2 * std::expm1(score_error + rises * exp_eps) + 2 * static_cast<double>(n) * eps);
    }
    return out;
}

}  // namespace wafer::test
