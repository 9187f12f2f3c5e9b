// SPDX-License-Identifier: MIT
// The vector of the AVX2 target (with FMA and F16C): 8 lanes, half a panel of rows.

using vf = __m256;   // f32 lanes
using vi = __m256i;  // i32 lanes
inline constexpr std::size_t width = 8;
inline constexpr std::size_t groups = 16 / width;  // vectors per panel row
inline constexpr std::size_t tile_tokens = 4;      // tokens that a float kernel keeps in registers

WAFER_FORCE_INLINE vf load(const float* p) noexcept { return _mm256_loadu_ps(p); }
WAFER_FORCE_INLINE void store(float* p, vf a) noexcept { _mm256_storeu_ps(p, a); }
WAFER_FORCE_INLINE vf set(float a) noexcept { return _mm256_set1_ps(a); }
WAFER_FORCE_INLINE vf add(vf a, vf b) noexcept { return _mm256_add_ps(a, b); }
WAFER_FORCE_INLINE vf sub(vf a, vf b) noexcept { return _mm256_sub_ps(a, b); }
WAFER_FORCE_INLINE vf mul(vf a, vf b) noexcept { return _mm256_mul_ps(a, b); }
WAFER_FORCE_INLINE vf div(vf a, vf b) noexcept { return _mm256_div_ps(a, b); }
WAFER_FORCE_INLINE vf root(vf a) noexcept { return _mm256_sqrt_ps(a); }
WAFER_FORCE_INLINE vf max(vf a, vf b) noexcept { return _mm256_max_ps(a, b); }
WAFER_FORCE_INLINE vf min(vf a, vf b) noexcept { return _mm256_min_ps(a, b); }
WAFER_FORCE_INLINE vf fma(vf a, vf b, vf c) noexcept { return _mm256_fmadd_ps(a, b, c); }    // a b + c
WAFER_FORCE_INLINE vf fnma(vf a, vf b, vf c) noexcept { return _mm256_fnmadd_ps(a, b, c); }  // c - a b
WAFER_FORCE_INLINE vf select_less(vf a, vf b, vf then, vf otherwise) noexcept {
    return _mm256_blendv_ps(otherwise, then, _mm256_cmp_ps(a, b, _CMP_LT_OQ));
}

WAFER_FORCE_INLINE vi set(std::int32_t a) noexcept { return _mm256_set1_epi32(a); }
WAFER_FORCE_INLINE vi add(vi a, vi b) noexcept { return _mm256_add_epi32(a, b); }
WAFER_FORCE_INLINE vi bit_and(vi a, vi b) noexcept { return _mm256_and_si256(a, b); }
WAFER_FORCE_INLINE vi bit_or(vi a, vi b) noexcept { return _mm256_or_si256(a, b); }
template <int N>
WAFER_FORCE_INLINE vi shift_left(vi a) noexcept {
    return _mm256_slli_epi32(a, N);
}
template <int N>
WAFER_FORCE_INLINE vi shift_right(vi a) noexcept {
    return _mm256_srli_epi32(a, N);
}
WAFER_FORCE_INLINE vf to_float(vi a) noexcept { return _mm256_cvtepi32_ps(a); }
WAFER_FORCE_INLINE vi round(vf a) noexcept { return _mm256_cvtps_epi32(a); }
WAFER_FORCE_INLINE vi as_int(vf a) noexcept { return _mm256_castps_si256(a); }
WAFER_FORCE_INLINE vf as_float(vi a) noexcept { return _mm256_castsi256_ps(a); }

WAFER_FORCE_INLINE float reduce_add(vf a) noexcept {
    __m128 c = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    c = _mm_add_ps(c, _mm_movehl_ps(c, c));
    return _mm_cvtss_f32(_mm_add_ss(c, _mm_movehdup_ps(c)));
}
WAFER_FORCE_INLINE float reduce_max(vf a) noexcept {
    __m128 c = _mm_max_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    c = _mm_max_ps(c, _mm_movehl_ps(c, c));
    return _mm_cvtss_f32(_mm_max_ss(c, _mm_movehdup_ps(c)));
}
WAFER_FORCE_INLINE std::int32_t reduce_add(vi a) noexcept {
    __m128i c = _mm_add_epi32(_mm256_castsi256_si128(a), _mm256_extracti128_si256(a, 1));
    c = _mm_add_epi32(c, _mm_shuffle_epi32(c, 0x4e));
    return _mm_cvtsi128_si32(_mm_add_epi32(c, _mm_shuffle_epi32(c, 0xb1)));
}

template <std::size_t Lines>
WAFER_FORCE_INLINE void prefetch(const std::byte* p) noexcept {
    WAFER_UNROLL
    for (std::size_t i = 0; i < Lines; ++i) _mm_prefetch(reinterpret_cast<const char*>(p + 64 * i), _MM_HINT_T0);
}

// `width` elements of other types, widened or narrowed.
WAFER_FORCE_INLINE vi load_bits(const std::byte* p) noexcept {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
}
WAFER_FORCE_INLINE vi load_i8(const std::byte* p) noexcept {
    return _mm256_cvtepi8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p)));
}
WAFER_FORCE_INLINE vi load_u8(const std::byte* p) noexcept {
    return _mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p)));
}
WAFER_FORCE_INLINE vi load_u16(const std::byte* p) noexcept {
    return _mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
}
WAFER_FORCE_INLINE vf load_f16(const std::byte* p) noexcept {
    return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
}
WAFER_FORCE_INLINE void store_f16(std::byte* p, vf a) noexcept {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm256_cvtps_ph(a, _MM_FROUND_TO_NEAREST_INT));
}
WAFER_FORCE_INLINE void store_i8(std::int8_t* p, vi a) noexcept {
    const __m128i words = _mm_packs_epi32(_mm256_castsi256_si128(a), _mm256_extracti128_si256(a, 1));
    _mm_storel_epi64(reinterpret_cast<__m128i*>(p), _mm_packs_epi16(words, words));
}

// Bytes 0..15 looked up in a table of 16 bytes.
WAFER_FORCE_INLINE vi lookup(const std::uint8_t* table, vi index) noexcept {
    const __m128i t = _mm_loadu_si128(reinterpret_cast<const __m128i*>(table));
    return _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(t), index);
}

WAFER_FORCE_INLINE vi broadcast4(const std::int8_t* p) noexcept {
    std::int32_t word;
    __builtin_memcpy(&word, p, 4);
    return _mm256_set1_epi32(word);
}

// Integer dot products: lane r of the result is sum_i (code(r, i) - Offset) a(i) over 4 N consecutive i, exactly.
// `bias` is Offset times the sum of the same a.
// 8-bit codes are kept signed (offset 128 taken off) and multiplied as |code| times a with the code's sign: a product
// pair of full-range unsigned codes would saturate. Smaller codes are added up in 16 bits as long as they fit.
constexpr int dot_class(int max) noexcept { return max <= 15 ? 15 : max <= 31 ? 31 : max <= 63 ? 63 : 255; }

template <int Max>
WAFER_FORCE_INLINE vi prepare_codes(vi codes) noexcept {
    return Max > 63 ? _mm256_xor_si256(codes, _mm256_set1_epi8(-128)) : codes;
}

template <int Max, std::size_t N>
WAFER_FORCE_INLINE vi dot(const vi* codes, const std::int8_t* a, std::int32_t bias) noexcept {
    const vi ones = _mm256_set1_epi16(1);
    if constexpr (Max > 63) {
        vi acc = _mm256_setzero_si256();
        WAFER_UNROLL
        for (std::size_t j = 0; j < N; ++j) {
            const vi with_sign = _mm256_sign_epi8(broadcast4(a + 4 * j), codes[j]);
            acc = add(acc, _mm256_madd_epi16(_mm256_maddubs_epi16(_mm256_abs_epi8(codes[j]), with_sign), ones));
        }
        return acc;
    } else {
        constexpr int most = 32767 / (2 * Max * 127);  // pair sums that fit 16 bits
        constexpr std::size_t run = most >= N ? N : most >= 4 ? 4 : 2;
        vi acc = set(-bias);
        WAFER_UNROLL
        for (std::size_t i = 0; i < N / run; ++i) {
            vi sum = _mm256_maddubs_epi16(codes[i * run], broadcast4(a + 4 * i * run));
            WAFER_UNROLL
            for (std::size_t j = i * run + 1; j < (i + 1) * run; ++j)
                sum = _mm256_add_epi16(sum, _mm256_maddubs_epi16(codes[j], broadcast4(a + 4 * j)));
            acc = add(acc, _mm256_madd_epi16(sum, ones));
        }
        return acc;
    }
}
