// SPDX-License-Identifier: MIT
// Row operations: norms, activations, softmax pieces, rotations. Sums run in `width` lanes, in an order that n alone fixes.

// The first n < width elements at p, zeros after them; and back.
WAFER_FORCE_INLINE vf load_some(const float* p, std::size_t n, float rest = 0.0f) noexcept {
    float lane[width];
    for (std::size_t i = 0; i < width; ++i) lane[i] = i < n ? p[i] : rest;
    return load(lane);
}
WAFER_FORCE_INLINE void store_some(float* p, std::size_t n, vf a) noexcept {
    float lane[width];
    store(lane, a);
    for (std::size_t i = 0; i < n; ++i) p[i] = lane[i];
}

// e^x = 2^n e^r with n = round(x / ln 2) and a degree-6 polynomial in r. Relative error below 2e-7 where the result is
// a normal float; 0 below that; from 2^127.5 on the polynomial runs on towards infinity. NaN stays NaN.
WAFER_FORCE_INLINE vf exp(vf x) noexcept {
    const vf lowest = set(-87.33654f);
    const vf clamped = min(max(x, lowest), set(88.37626f));
    const vi n = round(mul(clamped, set(1.44269504f)));
    const vf nf = to_float(n);
    const vf r = fnma(nf, set(-2.12194440e-4f), fnma(nf, set(0.693359375f), x));  // ln 2 in two parts
    vf p = set(1.98756912e-4f);
    p = fma(p, r, set(1.39819994e-3f));
    p = fma(p, r, set(8.33345205e-3f));
    p = fma(p, r, set(4.16657962e-2f));
    p = fma(p, r, set(1.66666657e-1f));
    p = fma(p, r, set(0.5f));
    p = add(fma(mul(p, r), r, r), set(1.0f));
    const vf power = as_float(shift_left<23>(add(n, set(std::int32_t{127}))));
    return select_less(x, lowest, set(0.0f), mul(p, power));
}

inline void quantize_row(const float* x, std::size_t k, std::int8_t* q, float* scale, std::int32_t* sum) noexcept {
    constexpr std::size_t vectors = 32 / width;
    const vi magnitude = set(std::int32_t{0x7fffffff});
    for (std::size_t at = 0; at < k; at += 32, q += 32, ++scale, sum += 2) {
        vf v[vectors];
        if (k - at >= 32) {
            WAFER_UNROLL
            for (std::size_t i = 0; i < vectors; ++i) v[i] = load(x + at + i * width);
        } else {
            alignas(64) float padded[32] = {};
            for (std::size_t i = 0; i < k - at; ++i) padded[i] = x[at + i];
            WAFER_UNROLL
            for (std::size_t i = 0; i < vectors; ++i) v[i] = load(padded + i * width);
        }
        vf largest = set(0.0f);
        WAFER_UNROLL
        for (std::size_t i = 0; i < vectors; ++i) largest = max(largest, as_float(bit_and(as_int(v[i]), magnitude)));
        const float top = reduce_max(largest);
        const bool tiny = !(top > 0x1p-100f);  // such a block is stored as zeros: 127 / top must stay finite
        const vf inverse = set(tiny ? 0.0f : 127.0f / top);
        *scale = tiny ? 0.0f : top / 127.0f;
        vi sums[2] = {set(std::int32_t{0}), set(std::int32_t{0})};
        WAFER_UNROLL
        for (std::size_t i = 0; i < vectors; ++i) {  // the clamps are for infinities and NaN
            const vi r = round(min(max(mul(v[i], inverse), set(-127.0f)), set(127.0f)));
            store_i8(q + i * width, r);
            sums[i * width / 16] = add(sums[i * width / 16], r);
        }
        sum[0] = reduce_add(sums[0]);
        sum[1] = reduce_add(sums[1]);
    }
}

inline void rms_norm_row(const float* x, const float* weight, std::size_t n, float eps, float* y) noexcept {
    vf part[4] = {set(0.0f), set(0.0f), set(0.0f), set(0.0f)};
    std::size_t i = 0;
    for (; i + 4 * width <= n; i += 4 * width) {
        WAFER_UNROLL
        for (std::size_t j = 0; j < 4; ++j) {
            const vf v = load(x + i + j * width);
            part[j] = fma(v, v, part[j]);
        }
    }
    for (; i + width <= n; i += width) {
        const vf v = load(x + i);
        part[0] = fma(v, v, part[0]);
    }
    if (i < n) {
        const vf v = load_some(x + i, n - i);
        part[1] = fma(v, v, part[1]);
    }
    const float mean = reduce_add(add(add(part[0], part[1]), add(part[2], part[3]))) / static_cast<float>(n);
    const vf factor = div(set(1.0f), root(set(mean + eps)));
    for (i = 0; i + width <= n; i += width) store(y + i, mul(mul(load(x + i), factor), load(weight + i)));
    if (i < n) store_some(y + i, n - i, mul(mul(load_some(x + i, n - i), factor), load_some(weight + i, n - i)));
}

inline void add_row(float* y, const float* x, std::size_t n) noexcept {
    std::size_t i = 0;
    for (; i + width <= n; i += width) store(y + i, add(load(y + i), load(x + i)));
    for (; i < n; ++i) y[i] += x[i];
}

inline void add_scaled_row(float* y, const float* x, float a, std::size_t n) noexcept {
    std::size_t i = 0;
    for (; i + width <= n; i += width) store(y + i, fma(set(a), load(x + i), load(y + i)));
    if (i < n) store_some(y + i, n - i, fma(set(a), load_some(x + i, n - i), load_some(y + i, n - i)));
}

inline void scale_row(float* y, float a, std::size_t n) noexcept {
    std::size_t i = 0;
    for (; i + width <= n; i += width) store(y + i, mul(set(a), load(y + i)));
    for (; i < n; ++i) y[i] *= a;
}

WAFER_FORCE_INLINE vf swiglu(vf gate, vf up) noexcept {
    const vf one = set(1.0f);
    return mul(div(gate, add(one, exp(sub(set(0.0f), gate)))), up);
}

inline void swiglu_row(const float* gate, const float* up, std::size_t n, float* y) noexcept {
    std::size_t i = 0;
    for (; i + width <= n; i += width) store(y + i, swiglu(load(gate + i), load(up + i)));
    if (i < n) store_some(y + i, n - i, swiglu(load_some(gate + i, n - i), load_some(up + i, n - i)));
}

inline void rope_interleaved_row(float* x, const float* cosines, const float* sines, std::size_t n_pairs) noexcept {
    for (std::size_t i = 0; i < n_pairs; ++i) {
        const float a = x[2 * i];
        const float b = x[2 * i + 1];
        x[2 * i] = a * cosines[i] - b * sines[i];
        x[2 * i + 1] = a * sines[i] + b * cosines[i];
    }
}

inline void rope_half_row(float* x, const float* cosines, const float* sines, std::size_t n_pairs) noexcept {
    std::size_t i = 0;
    for (; i + width <= n_pairs; i += width) {
        const vf a = load(x + i), b = load(x + n_pairs + i), c = load(cosines + i), s = load(sines + i);
        store(x + i, fnma(b, s, mul(a, c)));
        store(x + n_pairs + i, fma(a, s, mul(b, c)));
    }
    for (; i < n_pairs; ++i) {
        const float a = x[i];
        const float b = x[n_pairs + i];
        x[i] = a * cosines[i] - b * sines[i];
        x[n_pairs + i] = a * sines[i] + b * cosines[i];
    }
}

inline float max_row(const float* x, std::size_t n) noexcept {
    vf top = set(x[0]);
    std::size_t i = 0;
    for (; i + width <= n; i += width) top = max(top, load(x + i));
    if (i < n) top = max(top, load_some(x + i, n - i, x[0]));
    return reduce_max(top);
}

inline float exp_sum_row(float* x, std::size_t n, float highest) noexcept {
    vf total = set(0.0f);
    std::size_t i = 0;
    for (; i + width <= n; i += width) {
        const vf e = exp(sub(load(x + i), set(highest)));
        store(x + i, e);
        total = add(total, e);
    }
    float rest = 0.0f;
    if (i < n) {
        const vf e = exp(sub(load_some(x + i, n - i, highest), set(highest)));
        store_some(x + i, n - i, e);
        for (; i < n; ++i) rest += x[i];
    }
    return reduce_add(total) + rest;
}
