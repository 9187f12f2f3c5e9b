// SPDX-License-Identifier: MIT
// The vector of the AVX-512 target (F, BW, DQ, VL): 16 lanes, a whole panel of rows. Integer dot products need VNNI and
// are there where WAFER_SIMD_VNNI is defined, products of bf16 where
// WAFER_SIMD_BF16 is.

using vf = __m512;   // f32 lanes
using vi = __m512i;  // i32 lanes
inline constexpr std::size_t width = 16;
inline constexpr std::size_t groups = 16 / width;  // vectors per panel row
inline constexpr std::size_t tile_tokens = 8;      // tokens that a float kernel keeps in registers

WAFER_FORCE_INLINE vf load(const float* p) noexcept { return _mm512_loadu_ps(p); }
WAFER_FORCE_INLINE void store(float* p, vf a) noexcept { _mm512_storeu_ps(p, a); }
WAFER_FORCE_INLINE vf set(float a) noexcept { return _mm512_set1_ps(a); }
WAFER_FORCE_INLINE vf add(vf a, vf b) noexcept { return _mm512_add_ps(a, b); }
WAFER_FORCE_INLINE vf sub(vf a, vf b) noexcept { return _mm512_sub_ps(a, b); }
WAFER_FORCE_INLINE vf mul(vf a, vf b) noexcept { return _mm512_mul_ps(a, b); }
WAFER_FORCE_INLINE vf div(vf a, vf b) noexcept { return _mm512_div_ps(a, b); }
WAFER_FORCE_INLINE vf root(vf a) noexcept { return _mm512_sqrt_ps(a); }
WAFER_FORCE_INLINE vf max(vf a, vf b) noexcept { return _mm512_max_ps(a, b); }
WAFER_FORCE_INLINE vf min(vf a, vf b) noexcept { return _mm512_min_ps(a, b); }
WAFER_FORCE_INLINE vf fma(vf a, vf b, vf c) noexcept { return _mm512_fmadd_ps(a, b, c); }    // a b + c
WAFER_FORCE_INLINE vf fnma(vf a, vf b, vf c) noexcept { return _mm512_fnmadd_ps(a, b, c); }  // c - a b
WAFER_FORCE_INLINE vf select_less(vf a, vf b, vf then, vf otherwise) noexcept {
    return _mm512_mask_blend_ps(_mm512_cmp_ps_mask(a, b, _CMP_LT_OQ), otherwise, then);
}

WAFER_FORCE_INLINE vi set(std::int32_t a) noexcept { return _mm512_set1_epi32(a); }
WAFER_FORCE_INLINE vi add(vi a, vi b) noexcept { return _mm512_add_epi32(a, b); }
WAFER_FORCE_INLINE vi bit_and(vi a, vi b) noexcept { return _mm512_and_si512(a, b); }
WAFER_FORCE_INLINE vi bit_or(vi a, vi b) noexcept { return _mm512_or_si512(a, b); }
template <int N>
WAFER_FORCE_INLINE vi shift_left(vi a) noexcept {
    return _mm512_slli_epi32(a, N);
}
template <int N>
WAFER_FORCE_INLINE vi shift_right(vi a) noexcept {
    return _mm512_srli_epi32(a, N);
}
WAFER_FORCE_INLINE vf to_float(vi a) noexcept { return _mm512_cvtepi32_ps(a); }
WAFER_FORCE_INLINE vi round(vf a) noexcept { return _mm512_cvtps_epi32(a); }
WAFER_FORCE_INLINE vi as_int(vf a) noexcept { return _mm512_castps_si512(a); }
WAFER_FORCE_INLINE vf as_float(vi a) noexcept { return _mm512_castsi512_ps(a); }

// Halving by hand: the order of a sum must not depend on the compiler.
WAFER_FORCE_INLINE float reduce_add(vf a) noexcept {
    const __m256 b = _mm256_add_ps(_mm512_extractf32x8_ps(a, 0), _mm512_extractf32x8_ps(a, 1));
    __m128 c = _mm_add_ps(_mm256_castps256_ps128(b), _mm256_extractf128_ps(b, 1));
    c = _mm_add_ps(c, _mm_movehl_ps(c, c));
    return _mm_cvtss_f32(_mm_add_ss(c, _mm_movehdup_ps(c)));
}
WAFER_FORCE_INLINE float reduce_max(vf a) noexcept {
    const __m256 b = _mm256_max_ps(_mm512_extractf32x8_ps(a, 0), _mm512_extractf32x8_ps(a, 1));
    __m128 c = _mm_max_ps(_mm256_castps256_ps128(b), _mm256_extractf128_ps(b, 1));
    c = _mm_max_ps(c, _mm_movehl_ps(c, c));
    return _mm_cvtss_f32(_mm_max_ss(c, _mm_movehdup_ps(c)));
}
WAFER_FORCE_INLINE std::int32_t reduce_add(vi a) noexcept {
    const __m256i b = _mm256_add_epi32(_mm512_extracti32x8_epi32(a, 0), _mm512_extracti32x8_epi32(a, 1));
    __m128i c = _mm_add_epi32(_mm256_castsi256_si128(b), _mm256_extracti128_si256(b, 1));
    c = _mm_add_epi32(c, _mm_shuffle_epi32(c, 0x4e));
    return _mm_cvtsi128_si32(_mm_add_epi32(c, _mm_shuffle_epi32(c, 0xb1)));
}

template <std::size_t Lines>
WAFER_FORCE_INLINE void prefetch(const std::byte* p) noexcept {
    WAFER_UNROLL
    for (std::size_t i = 0; i < Lines; ++i) _mm_prefetch(reinterpret_cast<const char*>(p + 64 * i), _MM_HINT_T0);
}

// `width` elements of other types, widened or narrowed.
WAFER_FORCE_INLINE vi load_bits(const std::byte* p) noexcept { return _mm512_loadu_si512(p); }
WAFER_FORCE_INLINE vi load_i8(const std::byte* p) noexcept {
    return _mm512_cvtepi8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
}
WAFER_FORCE_INLINE vi load_u8(const std::byte* p) noexcept {
    return _mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
}
WAFER_FORCE_INLINE vi load_u16(const std::byte* p) noexcept {
    return _mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
}
WAFER_FORCE_INLINE vf load_f16(const std::byte* p) noexcept {
    return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
}
WAFER_FORCE_INLINE void store_f16(std::byte* p, vf a) noexcept {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm512_cvtps_ph(a, _MM_FROUND_TO_NEAREST_INT));
}
WAFER_FORCE_INLINE void store_i8(std::int8_t* p, vi a) noexcept {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm512_cvtepi32_epi8(a));
}

// Bytes 0..15 looked up in a table of 16 bytes.
WAFER_FORCE_INLINE vi lookup(const std::uint8_t* table, vi index) noexcept {
    const __m128i t = _mm_loadu_si128(reinterpret_cast<const __m128i*>(table));
    return _mm512_shuffle_epi8(_mm512_broadcast_i32x4(t), index);
}

WAFER_FORCE_INLINE vi broadcast4(const std::int8_t* p) noexcept {
    std::int32_t word;
    __builtin_memcpy(&word, p, 4);
    return _mm512_set1_epi32(word);
}

#ifdef WAFER_SIMD_BF16
// acc + a pair of bf16 in each lane times another pair. Denormals count as zero.
WAFER_FORCE_INLINE vf dot_pairs(vi a, std::uint32_t b, vf acc) noexcept {
    return _mm512_dpbf16_ps(acc, __builtin_bit_cast(__m512bh, a),
                            __builtin_bit_cast(__m512bh, set(static_cast<std::int32_t>(b))));
}
// n elements, rounded to nearest even, as pairs; the odd one out has a zero beside it.
WAFER_FORCE_INLINE void round_to_pairs(const float* x, std::size_t n, std::uint32_t* out) noexcept {
    for (std::size_t i = 0; i < n; i += 2 * width) {
        const std::size_t left = n - i;
        const auto low = static_cast<__mmask16>(left < width ? (1u << left) - 1 : 0xffffu);
        const auto high = static_cast<__mmask16>(left < width       ? 0u
                                                 : left < 2 * width ? (1u << (left - width)) - 1
                                                                    : 0xffffu);
        const __m512bh both =
            _mm512_cvtne2ps_pbh(_mm512_maskz_loadu_ps(high, x + i + width), _mm512_maskz_loadu_ps(low, x + i));
        _mm512_storeu_si512(out + i / 2, __builtin_bit_cast(__m512i, both));
    }
}
#endif

#ifdef WAFER_SIMD_VNNI
// Integer dot products: lane r of the result is sum_i (code(r, i) - Offset) a(i) over 4 N consecutive i, exactly.
// `bias` is Offset times the sum of the same a.
constexpr int dot_class(int) noexcept { return 255; }  // one instruction sequence serves all codes

template <int Max>
WAFER_FORCE_INLINE vi prepare_codes(vi codes) noexcept {
    return codes;
}

template <int Max, std::size_t N>
WAFER_FORCE_INLINE vi dot(const vi* codes, const std::int8_t* a, std::int32_t bias) noexcept {
    vi acc = set(-bias);
    WAFER_UNROLL
    for (std::size_t j = 0; j < N; ++j) acc = _mm512_dpbusd_epi32(acc, codes[j], broadcast4(a + 4 * j));
    return acc;
}
#endif
