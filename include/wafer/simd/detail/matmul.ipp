// SPDX-License-Identifier: MIT
// matmul over packed panels of blocked types. The lanes are rows: no sum ever crosses a lane.

inline constexpr std::size_t batch_tile = 32;                 // tokens that share one unpacking of codes
inline constexpr std::size_t panel_group_bytes = 256 * 1024;  // panels that stay in L2 while all tokens pass
inline constexpr std::size_t prefetch_distance = 8 * 1024;

// Turns a sub-block's code planes into 8 vectors of bytes, one per group of 4 elements.
template <dtype D>
WAFER_FORCE_INLINE void unpack_codes(const std::byte* codes, vi* u) noexcept {
    constexpr panel_format f = panel_format_of(D);
    if constexpr (f.low_bits == 8) {
        WAFER_UNROLL
        for (std::size_t j = 0; j < 8; ++j) u[j] = load_bits(codes + 64 * j);
    } else if constexpr (f.low_bits == 4) {
        const vi mask = set(0x0f0f0f0f);
        WAFER_UNROLL
        for (std::size_t j = 0; j < 4; ++j) {
            const vi c = load_bits(codes + 64 * j);
            u[j] = bit_and(c, mask);
            u[j + 4] = bit_and(shift_right<4>(c), mask);
        }
    } else {
        const vi mask = set(0x03030303);
        WAFER_UNROLL
        for (std::size_t j = 0; j < 2; ++j) {
            const vi c = load_bits(codes + 64 * j);
            u[4 * j] = bit_and(c, mask);
            u[4 * j + 1] = bit_and(shift_right<2>(c), mask);
            u[4 * j + 2] = bit_and(shift_right<4>(c), mask);
            u[4 * j + 3] = bit_and(shift_right<6>(c), mask);
        }
    }
    constexpr int low = f.low_bits;
    const std::byte* plane = codes + 64 * low;
    if constexpr (f.high_bits == 1) {
        const vi mask = set(0x01010101 << low);
        const vi h = load_bits(plane);
        const vi up = shift_left<low>(h);  // group 0 in place; group g needs g fewer
        u[0] = bit_or(u[0], bit_and(up, mask));
        u[1] = bit_or(u[1], bit_and(shift_left<low - 1>(h), mask));
        u[2] = bit_or(u[2], bit_and(shift_left<low - 2>(h), mask));
        if constexpr (low == 4) {
            u[3] = bit_or(u[3], bit_and(shift_left<1>(h), mask));
            u[4] = bit_or(u[4], bit_and(h, mask));
            u[5] = bit_or(u[5], bit_and(shift_right<1>(h), mask));
            u[6] = bit_or(u[6], bit_and(shift_right<2>(h), mask));
            u[7] = bit_or(u[7], bit_and(shift_right<3>(h), mask));
        } else {
            u[3] = bit_or(u[3], bit_and(shift_right<1>(h), mask));
            u[4] = bit_or(u[4], bit_and(shift_right<2>(h), mask));
            u[5] = bit_or(u[5], bit_and(shift_right<3>(h), mask));
            u[6] = bit_or(u[6], bit_and(shift_right<4>(h), mask));
            u[7] = bit_or(u[7], bit_and(shift_right<5>(h), mask));
        }
    } else if constexpr (f.high_bits == 2) {
        const vi mask = set(0x03030303 << low);
        WAFER_UNROLL
        for (std::size_t j = 0; j < 2; ++j) {
            const vi h = load_bits(plane + 64 * j);
            u[4 * j] = bit_or(u[4 * j], bit_and(shift_left<4>(h), mask));
            u[4 * j + 1] = bit_or(u[4 * j + 1], bit_and(shift_left<2>(h), mask));
            u[4 * j + 2] = bit_or(u[4 * j + 2], bit_and(h, mask));
            u[4 * j + 3] = bit_or(u[4 * j + 3], bit_and(shift_right<2>(h), mask));
        }
    }
    WAFER_UNROLL
    for (std::size_t j = 0; j < 8; ++j) {
        if constexpr (f.book == codebook::iq4) u[j] = lookup(iq4_codebook, u[j]);
        if constexpr (f.book == codebook::mxfp4) u[j] = lookup(mxfp4_codebook, u[j]);
        u[j] = prepare_codes<dot_class(f.max_value)>(u[j]);
    }
}

// d of a record, for `width` rows.
template <dtype D>
WAFER_FORCE_INLINE vf load_head(const std::byte* record, std::size_t g) noexcept {
    if constexpr (panel_format_of(D).sub == sub_scale::exponent) {
        const vi e = load_u8(record + g * width);  // 2^(e - 128) as a product of two powers that both are normal
        const vi half = shift_right<1>(e);
        const vi other = add(half, bit_and(e, set(1)));
        return mul(as_float(shift_left<23>(add(half, set(63)))), as_float(shift_left<23>(add(other, set(63)))));
    } else {
        return load_f16(record + 2 * g * width);
    }
}

// Scales and minima of the sub-blocks of one 32-element block: parts of them.
template <dtype D>
WAFER_FORCE_INLINE void load_scales(const std::byte* sub, std::size_t g, vf d, vf m, vf* scale, vf* minimum) noexcept {
    constexpr panel_format f = panel_format_of(D);
    const std::byte* p = sub + g * width;
    if constexpr (f.sub == sub_scale::signed_32) {
        scale[0] = mul(d, to_float(load_i8(p)));
    } else if constexpr (f.sub == sub_scale::signed_16) {
        scale[0] = mul(d, to_float(load_i8(p)));
        scale[1] = mul(d, to_float(load_i8(p + 16)));
    } else if constexpr (f.sub == sub_scale::pair_32) {
        scale[0] = mul(d, to_float(load_u8(p)));
        minimum[0] = mul(m, to_float(load_u8(p + 16)));
    } else if constexpr (f.sub == sub_scale::nibbles_16) {
        WAFER_UNROLL
        for (std::size_t i = 0; i < 2; ++i) {
            const vi b = load_u8(p + 16 * i);
            scale[i] = mul(d, to_float(bit_and(b, set(15))));
            minimum[i] = mul(m, to_float(shift_right<4>(b)));
        }
    } else {
        scale[0] = d;
        minimum[0] = m;
    }
}

// What the arithmetic of a format needs to know at compile time: formats that agree in it share code.
struct block_kind {
    int max_value;      // bound of value(code), rounded up to what the target's dot product tells apart
    std::size_t parts;  // sub-blocks in 32 elements
    bool has_min;
};
template <dtype D>
inline constexpr block_kind kind_of{dot_class(panel_format_of(D).max_value), 32 / panel_format_of(D).granule(),
                                    panel_format_of(D).has_min};

// 32 elements of `width` rows, ready to multiply.
struct block {
    vi u[8];
    vf scale[2];
    vf minimum[2];
};

// acc += one block times one token's activations.
template <int Max, std::size_t Parts, bool HasMin>
WAFER_FORCE_INLINE vf multiply_block(const block& w, std::int32_t offset, const std::int8_t* a, float a_scale,
                                     const std::int32_t* a_sum, vf acc) noexcept {
    WAFER_UNROLL
    for (std::size_t i = 0; i < Parts; ++i) {
        const std::int32_t sum = Parts == 1 ? a_sum[0] + a_sum[1] : a_sum[i];
        const vi products = dot<Max, 8 / Parts>(w.u + 4 * i, a + 16 * i, offset * sum);
        acc = fma(to_float(products), mul(w.scale[i], set(a_scale)), acc);
        if constexpr (HasMin) acc = fnma(w.minimum[i], set(a_scale * static_cast<float>(sum)), acc);
    }
    return acc;
}

// The same for several tokens, whose sums lie in memory. A function of its own: formats of one kind share it.
template <int Max, std::size_t Parts, bool HasMin>
WAFER_NOINLINE void multiply_batch(const block& in_memory, std::int32_t offset, const std::int8_t* q,
                                   const float* a_scale, const std::int32_t* a_sum, std::size_t ld, std::size_t n_tok,
                                   float* acc) noexcept {
    const block w = in_memory;
    for (std::size_t t = 0; t < n_tok; ++t, q += ld, a_scale += ld / 32, a_sum += ld / 16, acc += width)
        store(acc, multiply_block<Max, Parts, HasMin>(w, offset, q, *a_scale, a_sum, load(acc)));
}

// y(t, r) of `Groups` vectors of a panel's rows, from vector `group` on, for n_tok <= batch_tile tokens.
// One token keeps its sums in registers, several in L1, so that any number of them shares the unpacked codes.
// Either way the same operations in the same order.
template <dtype D, std::size_t Groups, bool Batch>
inline void block_tile(const std::byte* panel, std::size_t group, std::size_t k, const activations& x,
                       std::size_t first, std::size_t n_tok, float* y, std::size_t ld_y) noexcept {
    constexpr panel_format f = panel_format_of(D);
    constexpr block_kind kind = kind_of<D>;
    const std::byte* record = panel;
    const std::byte* codes = panel + f.scales_bytes(k) + 4 * group * width;
    const std::byte* ahead = panel + prefetch_distance;  // runs through the scales and codes of panel after panel
    const std::int8_t* q = x.q + first * x.ld;
    const float* a_scale = x.scale + first * (x.ld / 32);
    const std::int32_t* a_sum = x.sum + first * (x.ld / 16);

    vf one[Groups];
    alignas(64) float many[Batch ? batch_tile * width : 1];
    WAFER_UNROLL
    for (std::size_t g = 0; g < Groups; ++g) one[g] = set(0.0f);
    if constexpr (Batch)
        for (std::size_t t = 0; t < n_tok; ++t) store(many + t * width, one[0]);

    for (const std::byte* const end = codes + k / 32 * f.code_bytes(); codes < end; record += f.record_bytes()) {
        vf d[Groups], m[Groups];
        WAFER_UNROLL
        for (std::size_t g = 0; g < Groups; ++g) {
            d[g] = load_head<D>(record, group + g);
            m[g] = f.has_min ? load_f16(record + f.head_bytes() + 2 * (group + g) * width) : set(0.0f);
        }
        const std::byte* sub = record + f.head_bytes() + f.min_bytes();
        for (std::size_t i = 0; i < f.span / 32; ++i) {
            if constexpr (!Batch) {
                prefetch<f.code_bytes() / 64 + 1>(ahead);
                ahead += f.code_bytes() + f.record_bytes() * 32 / f.span;
            }
            WAFER_UNROLL
            for (std::size_t g = 0; g < Groups; ++g) {
                block w;
                unpack_codes<D>(codes + 4 * g * width, w.u);
                load_scales<D>(sub, group + g, d[g], m[g], w.scale, w.minimum);
                if constexpr (Batch)
                    multiply_batch<kind.max_value, kind.parts, kind.has_min>(w, f.offset, q, a_scale, a_sum, x.ld,
                                                                             n_tok, many);
                else
                    one[g] = multiply_block<kind.max_value, kind.parts, kind.has_min>(w, f.offset, q, *a_scale, a_sum,
                                                                                      one[g]);
            }
            sub += f.sub_bytes();
            codes += f.code_bytes();
            q += 32;
            a_scale += 1;
            a_sum += 2;
        }
    }
    y += group * width;
    if constexpr (Batch) {
        for (std::size_t t = 0; t < n_tok; ++t) store(y + t * ld_y, load(many + t * width));
    } else {
        WAFER_UNROLL
        for (std::size_t g = 0; g < Groups; ++g) store(y + g * width, one[g]);
    }
}

template <dtype D>
inline void matmul_blocked(const std::byte* panels, std::size_t n_panels, std::size_t k, const activations& x,
                           std::size_t n_tok, float* y, std::size_t ld_y) noexcept {
    const std::size_t bytes = panel_bytes(D, k);
    if constexpr (groups <= 2) {  // more would not stay in registers
        if (n_tok == 1) {
            for (std::size_t p = 0; p < n_panels; ++p)
                block_tile<D, groups, false>(panels + p * bytes, 0, k, x, 0, 1, y + 16 * p, ld_y);
            return;
        }
    }
    const std::size_t step = panel_group_bytes / (bytes + 1) + 1;
    for (std::size_t p0 = 0; p0 < n_panels; p0 += step) {
        const std::size_t p1 = n_panels - p0 < step ? n_panels : p0 + step;
        for (std::size_t t = 0; t < n_tok; t += batch_tile) {
            const std::size_t n = n_tok - t < batch_tile ? n_tok - t : batch_tile;
            for (std::size_t p = p0; p < p1; ++p)
                for (std::size_t g = 0; g < groups; ++g)
                    block_tile<D, 1, true>(panels + p * bytes, g, k, x, t, n, y + t * ld_y + 16 * p, ld_y);
        }
    }
}

inline constexpr kernel_table::matmul_fn blocked_matmul[] = {
    // in the order of dtype, from q4_0 on
    matmul_blocked<dtype::q4_0>,  matmul_blocked<dtype::q4_1>,   matmul_blocked<dtype::q5_0>,
    matmul_blocked<dtype::q5_1>,  matmul_blocked<dtype::q8_0>,   matmul_blocked<dtype::q2_k>,
    matmul_blocked<dtype::q3_k>,  matmul_blocked<dtype::q4_k>,   matmul_blocked<dtype::q5_k>,
    matmul_blocked<dtype::q6_k>,  matmul_blocked<dtype::iq4_nl>, matmul_blocked<dtype::iq4_xs>,
    matmul_blocked<dtype::mxfp4>, matmul_blocked<dtype::tq2_0>,  matmul_blocked<dtype::tq2_0>,
};
