// SPDX-License-Identifier: MIT
// The vector of the static target: xsimd's default batch (whatever the user's own flags allow: SSE2, NEON, AVX-512 ...),
// or the compiler's own vectors of 16 bytes. Nothing here needs more than xsimd 8.

inline constexpr std::size_t tile_tokens = 4;  // tokens that a float kernel keeps in registers

#if WAFER_USE_XSIMD
using vf = xsimd::batch<float>;         // f32 lanes
using vi = xsimd::batch<std::int32_t>;  // i32 lanes
using vh = xsimd::batch<std::int16_t>;  // pairs of i16 per i32 lane
inline constexpr std::size_t width = vf::size;

// The same bits as another batch. (xsimd 11 asks for its element.)
template <class To, class From>
WAFER_FORCE_INLINE To same_bits(From a) noexcept {
#if XSIMD_VERSION_MAJOR >= 11
    return xsimd::bitwise_cast<typename To::value_type>(a);
#else
    return xsimd::bitwise_cast<To>(a);
#endif
}
WAFER_FORCE_INLINE vf load(const float* p) noexcept { return vf::load_unaligned(p); }
WAFER_FORCE_INLINE void store(float* p, vf a) noexcept { a.store_unaligned(p); }
WAFER_FORCE_INLINE vi load(const std::int32_t* p) noexcept { return vi::load_unaligned(p); }
WAFER_FORCE_INLINE void store(std::int32_t* p, vi a) noexcept { a.store_unaligned(p); }
WAFER_FORCE_INLINE vf set(float a) noexcept { return vf(a); }
WAFER_FORCE_INLINE vf add(vf a, vf b) noexcept { return a + b; }
WAFER_FORCE_INLINE vf sub(vf a, vf b) noexcept { return a - b; }
WAFER_FORCE_INLINE vf mul(vf a, vf b) noexcept { return a * b; }
WAFER_FORCE_INLINE vf div(vf a, vf b) noexcept { return a / b; }
WAFER_FORCE_INLINE vf root(vf a) noexcept { return xsimd::sqrt(a); }
WAFER_FORCE_INLINE vf max(vf a, vf b) noexcept { return xsimd::max(a, b); }
WAFER_FORCE_INLINE vf min(vf a, vf b) noexcept { return xsimd::min(a, b); }
WAFER_FORCE_INLINE vf fma(vf a, vf b, vf c) noexcept { return xsimd::fma(a, b, c); }    // a b + c
WAFER_FORCE_INLINE vf fnma(vf a, vf b, vf c) noexcept { return xsimd::fnma(a, b, c); }  // c - a b
WAFER_FORCE_INLINE vf select_less(vf a, vf b, vf then, vf otherwise) noexcept {
    return xsimd::select(a < b, then, otherwise);
}

WAFER_FORCE_INLINE vi set(std::int32_t a) noexcept { return vi(a); }
WAFER_FORCE_INLINE vi add(vi a, vi b) noexcept { return a + b; }
WAFER_FORCE_INLINE vi bit_and(vi a, vi b) noexcept { return a & b; }
WAFER_FORCE_INLINE vi bit_or(vi a, vi b) noexcept { return a | b; }
template <int N>
WAFER_FORCE_INLINE vi shift_left(vi a) noexcept {
    return a << N;
}
template <int N>
WAFER_FORCE_INLINE vi shift_right(vi a) noexcept {
    return same_bits<vi>(same_bits<xsimd::batch<std::uint32_t>>(a) >> N);
}
WAFER_FORCE_INLINE vf to_float(vi a) noexcept { return xsimd::to_float(a); }
WAFER_FORCE_INLINE vi as_int(vf a) noexcept { return same_bits<vi>(a); }
WAFER_FORCE_INLINE vf as_float(vi a) noexcept { return same_bits<vf>(a); }

WAFER_FORCE_INLINE vh halves(vi a) noexcept { return same_bits<vh>(a); }
WAFER_FORCE_INLINE vh add(vh a, vh b) noexcept { return a + b; }
WAFER_FORCE_INLINE vh mul(vh a, vh b) noexcept { return a * b; }
WAFER_FORCE_INLINE vi sum_pairs(vh a) noexcept {
    const vi w = same_bits<vi>(a);
    return ((w << 16) >> 16) + (w >> 16);
}
WAFER_FORCE_INLINE vh extend_low(vh a) noexcept { return (a << 8) >> 8; }  // low byte of each i16, signed
WAFER_FORCE_INLINE vh extend_high(vh a) noexcept { return a >> 8; }
WAFER_FORCE_INLINE vh load(const std::int16_t* p) noexcept { return vh::load_unaligned(p); }
WAFER_FORCE_INLINE void store(std::int16_t* p, vh a) noexcept { a.store_unaligned(p); }
#else
using vf = float __attribute__((vector_size(16)));         // f32 lanes
using vi = std::int32_t __attribute__((vector_size(16)));  // i32 lanes
using vh = std::int16_t __attribute__((vector_size(16)));  // pairs of i16 per i32 lane
inline constexpr std::size_t width = 4;

WAFER_FORCE_INLINE vf load(const float* p) noexcept {
    vf a;
    std::memcpy(&a, p, sizeof a);
    return a;
}
WAFER_FORCE_INLINE void store(float* p, vf a) noexcept { std::memcpy(p, &a, sizeof a); }
WAFER_FORCE_INLINE vi load(const std::int32_t* p) noexcept {
    vi a;
    std::memcpy(&a, p, sizeof a);
    return a;
}
WAFER_FORCE_INLINE void store(std::int32_t* p, vi a) noexcept { std::memcpy(p, &a, sizeof a); }
WAFER_FORCE_INLINE vf set(float a) noexcept { return vf{a, a, a, a}; }
WAFER_FORCE_INLINE vf add(vf a, vf b) noexcept { return a + b; }
WAFER_FORCE_INLINE vf sub(vf a, vf b) noexcept { return a - b; }
WAFER_FORCE_INLINE vf mul(vf a, vf b) noexcept { return a * b; }
WAFER_FORCE_INLINE vf div(vf a, vf b) noexcept { return a / b; }
WAFER_FORCE_INLINE vf root(vf a) noexcept {
    return vf{std::sqrt(a[0]), std::sqrt(a[1]), std::sqrt(a[2]), std::sqrt(a[3])};
}
WAFER_FORCE_INLINE vf fma(vf a, vf b, vf c) noexcept { return a * b + c; }
WAFER_FORCE_INLINE vf fnma(vf a, vf b, vf c) noexcept { return c - a * b; }
WAFER_FORCE_INLINE vi as_int(vf a) noexcept {
    vi b;
    std::memcpy(&b, &a, sizeof b);
    return b;
}
WAFER_FORCE_INLINE vf as_float(vi a) noexcept {
    vf b;
    std::memcpy(&b, &a, sizeof b);
    return b;
}
WAFER_FORCE_INLINE vf select_less(vf a, vf b, vf then, vf otherwise) noexcept {
    const vi mask = a < b;
    return as_float((as_int(then) & mask) | (as_int(otherwise) & ~mask));
}
WAFER_FORCE_INLINE vf max(vf a, vf b) noexcept { return select_less(b, a, a, b); }
WAFER_FORCE_INLINE vf min(vf a, vf b) noexcept { return select_less(a, b, a, b); }

WAFER_FORCE_INLINE vi set(std::int32_t a) noexcept { return vi{a, a, a, a}; }
WAFER_FORCE_INLINE vi add(vi a, vi b) noexcept { return a + b; }
WAFER_FORCE_INLINE vi bit_and(vi a, vi b) noexcept { return a & b; }
WAFER_FORCE_INLINE vi bit_or(vi a, vi b) noexcept { return a | b; }
using vu = std::uint32_t __attribute__((vector_size(16)));
using vhu = std::uint16_t __attribute__((vector_size(16)));
template <int N>
WAFER_FORCE_INLINE vi shift_left(vi a) noexcept {
    return reinterpret_cast<vi>(reinterpret_cast<vu>(a) << N);
}
template <int N>
WAFER_FORCE_INLINE vi shift_right(vi a) noexcept {
    return reinterpret_cast<vi>(reinterpret_cast<vu>(a) >> N);
}
WAFER_FORCE_INLINE vf to_float(vi a) noexcept { return __builtin_convertvector(a, vf); }

WAFER_FORCE_INLINE vh halves(vi a) noexcept { return reinterpret_cast<vh>(a); }
WAFER_FORCE_INLINE vh add(vh a, vh b) noexcept { return a + b; }
WAFER_FORCE_INLINE vh mul(vh a, vh b) noexcept { return a * b; }
WAFER_FORCE_INLINE vi sum_pairs(vh a) noexcept {
    const vi w = reinterpret_cast<vi>(a);
    return (shift_left<16>(w) >> 16) + (w >> 16);
}
WAFER_FORCE_INLINE vh extend_low(vh a) noexcept {  // low byte of each i16, signed
    return reinterpret_cast<vh>(reinterpret_cast<vhu>(a) << 8) >> 8;
}
WAFER_FORCE_INLINE vh extend_high(vh a) noexcept { return a >> 8; }
WAFER_FORCE_INLINE vh load(const std::int16_t* p) noexcept {
    vh a;
    std::memcpy(&a, p, sizeof a);
    return a;
}
WAFER_FORCE_INLINE void store(std::int16_t* p, vh a) noexcept { std::memcpy(p, &a, sizeof a); }
#endif

inline constexpr std::size_t groups = 16 / width;  // vectors per panel row

// To the nearest, ties to even: adding 1.5 2^23 leaves the integer in the low bits. @pre |a| < 2^22.
WAFER_FORCE_INLINE vi round(vf a) noexcept {
    const vf magic = set(12582912.0f);
    return add(as_int(add(a, magic)), set(-0x4b400000));
}

WAFER_FORCE_INLINE float reduce_add(vf a) noexcept {
    float lane[width];
    store(lane, a);
    for (std::size_t step = width / 2; step > 0; step /= 2)
        for (std::size_t i = 0; i < step; ++i) lane[i] += lane[i + step];
    return lane[0];
}
WAFER_FORCE_INLINE float reduce_max(vf a) noexcept {
    float lane[width];
    store(lane, a);
    for (std::size_t i = 1; i < width; ++i) lane[0] = lane[i] > lane[0] ? lane[i] : lane[0];
    return lane[0];
}
WAFER_FORCE_INLINE std::int32_t reduce_add(vi a) noexcept {
    std::int32_t lane[width];
    store(lane, a);
    for (std::size_t i = 1; i < width; ++i) lane[0] += lane[i];
    return lane[0];
}

template <std::size_t Lines>
WAFER_FORCE_INLINE void prefetch(const std::byte*) noexcept {}  // left to the hardware

// `width` elements of other types, widened or narrowed.
template <class T>
WAFER_FORCE_INLINE vi widen(const std::byte* p) noexcept {
    T narrow[width];
    std::memcpy(narrow, p, sizeof narrow);
    std::int32_t wide[width];
    for (std::size_t i = 0; i < width; ++i) wide[i] = narrow[i];
    return load(wide);
}
WAFER_FORCE_INLINE vi load_bits(const std::byte* p) noexcept {
    std::int32_t words[width];
    std::memcpy(words, p, sizeof words);
    return load(words);
}
WAFER_FORCE_INLINE vi load_i8(const std::byte* p) noexcept { return widen<std::int8_t>(p); }
WAFER_FORCE_INLINE vi load_u8(const std::byte* p) noexcept { return widen<std::uint8_t>(p); }
WAFER_FORCE_INLINE vi load_u16(const std::byte* p) noexcept { return widen<std::uint16_t>(p); }

// Exponent and fraction shifted into place are the value times 2^-112, subnormals included; 2^16 and above is infinity.
WAFER_FORCE_INLINE vf load_f16(const std::byte* p) noexcept {
    const vi h = load_u16(p);
    const vf magnitude = mul(as_float(shift_left<13>(bit_and(h, set(0x7fff)))), set(0x1p112f));
    const vf special = as_float(bit_or(as_int(magnitude), set(0x7f800000)));
    const vf value = select_less(magnitude, set(65536.0f), magnitude, special);
    return as_float(bit_or(as_int(value), shift_left<16>(bit_and(h, set(0x8000)))));
}
WAFER_FORCE_INLINE void store_f16(std::byte* p, vf a) noexcept {
    float lane[width];
    store(lane, a);
    for (std::size_t i = 0; i < width; ++i) {
        const f16 half(lane[i]);
        std::memcpy(p + 2 * i, &half, 2);
    }
}
WAFER_FORCE_INLINE void store_i8(std::int8_t* p, vi a) noexcept {
    std::int32_t lane[width];
    store(lane, a);
    for (std::size_t i = 0; i < width; ++i) p[i] = static_cast<std::int8_t>(lane[i]);
}

// Bytes 0..15 looked up in a table of 16 bytes.
WAFER_FORCE_INLINE vi lookup(const std::uint8_t* table, vi index) noexcept {
    std::uint8_t byte[4 * width];
    std::int32_t lane[width];
    store(lane, index);
    std::memcpy(byte, lane, sizeof byte);
    for (std::size_t i = 0; i < 4 * width; ++i) byte[i] = table[byte[i]];
    std::memcpy(lane, byte, sizeof byte);
    return load(lane);
}

constexpr int dot_class(int max) noexcept { return max <= 15 ? 15 : max <= 31 ? 31 : max <= 63 ? 63 : 255; }

template <int Max>
WAFER_FORCE_INLINE vi prepare_codes(vi codes) noexcept {
    return codes;
}

// Integer dot products: lane r of the result is sum_i (code(r, i) - Offset) a(i) over 4 N consecutive i, exactly.
// `bias` is Offset times the sum of the same a.
// Codes and activations become i16, even and odd apart; a product fits i16, and so do sums of `run` groups of small codes.
template <int Max, std::size_t N>
WAFER_FORCE_INLINE vi dot(const vi* codes, const std::int8_t* a, std::int32_t bias) noexcept {
    std::int16_t even[2 * N];
    std::int16_t odd[2 * N];
    if constexpr (width <= N) {
        for (std::size_t i = 0; i < N; i += width) {
            std::int16_t pairs[2 * width];
            std::memcpy(pairs, a + 4 * i, sizeof pairs);
            const vh h = load(pairs);
            store(even + 2 * i, extend_low(h));
            store(odd + 2 * i, extend_high(h));
        }
    } else {
        for (std::size_t i = 0; i < 2 * N; ++i) {
            even[i] = a[2 * i];
            odd[i] = a[2 * i + 1];
        }
    }
    constexpr int most = 32767 / (2 * Max * 127);
    constexpr std::size_t run = most >= N ? N : most >= 4 ? 4 : most >= 2 ? 2 : 1;
    vi acc = set(-bias);
    for (std::size_t i = 0; i < N / run; ++i) {
        vh sum = halves(set(std::int32_t{0}));
        for (std::size_t j = i * run; j < (i + 1) * run; ++j) {
            std::int32_t even_pair, odd_pair;
            std::memcpy(&even_pair, even + 2 * j, 4);
            std::memcpy(&odd_pair, odd + 2 * j, 4);
            const vi mask = set(0x00ff00ff);
            const vh e = mul(halves(bit_and(codes[j], mask)), halves(set(even_pair)));
            const vh o = mul(halves(bit_and(shift_right<8>(codes[j]), mask)), halves(set(odd_pair)));
            if constexpr (Max > 127) {
                acc = add(acc, add(sum_pairs(e), sum_pairs(o)));
            } else {
                sum = add(sum, add(e, o));
            }
        }
        if constexpr (Max <= 127) acc = add(acc, sum_pairs(sum));
    }
    return acc;
}
