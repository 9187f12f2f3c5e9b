// SPDX-License-Identifier: MIT
// L0 core: the storage types of weights and caches: their names, GGUF numbers and block sizes. A new format starts here.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include <wafer/core/config.hpp>

namespace wafer::inline WAFER_ABI {

/// How numbers are stored. Blocked types share scales among block_len consecutive elements of a row.
enum class dtype : std::uint8_t {
    f32,
    f16,
    bf16,
    q4_0,
    q4_1,
    q5_0,
    q5_1,
    q8_0,
    q2_k,
    q3_k,
    q4_k,
    q5_k,
    q6_k,
    iq4_nl,
    iq4_xs,
    mxfp4,
    tq1_0,
    tq2_0,
};
inline constexpr std::size_t dtype_count = 18;

/// Facts about one dtype. bits per weight = 8 * block_bytes / block_len.
struct dtype_info {
    dtype type;
    std::string_view name;  // as ggml prints it, in lower case
    std::uint32_t gguf_id;  // the type field of a GGUF tensor info
    std::size_t block_len;  // elements per block; rows hold whole blocks
    std::size_t block_bytes;
};

/// The list of known dtypes, in enumerator order. @cite GGUF specification, ggml_type.
inline constexpr std::array<dtype_info, dtype_count> dtypes{{
    {dtype::f32, "f32", 0, 1, 4},
    {dtype::f16, "f16", 1, 1, 2},
    {dtype::bf16, "bf16", 30, 1, 2},
    {dtype::q4_0, "q4_0", 2, 32, 18},
    {dtype::q4_1, "q4_1", 3, 32, 20},
    {dtype::q5_0, "q5_0", 6, 32, 22},
    {dtype::q5_1, "q5_1", 7, 32, 24},
    {dtype::q8_0, "q8_0", 8, 32, 34},
    {dtype::q2_k, "q2_k", 10, 256, 84},
    {dtype::q3_k, "q3_k", 11, 256, 110},
    {dtype::q4_k, "q4_k", 12, 256, 144},
    {dtype::q5_k, "q5_k", 13, 256, 176},
    {dtype::q6_k, "q6_k", 14, 256, 210},
    {dtype::iq4_nl, "iq4_nl", 20, 32, 18},
    {dtype::iq4_xs, "iq4_xs", 23, 256, 136},
    {dtype::mxfp4, "mxfp4", 39, 32, 17},
    {dtype::tq1_0, "tq1_0", 34, 256, 54},
    {dtype::tq2_0, "tq2_0", 35, 256, 66},
}};

/// Whether it is one of them, and no number that was cast.
[[nodiscard]] constexpr bool is_known(dtype type) noexcept { return static_cast<std::size_t>(type) < dtype_count; }

namespace detail {

// What is said of a number that is no type: blocks without bytes, so that sizes are 0.
inline constexpr dtype_info no_dtype{static_cast<dtype>(0xFF), "unknown", 0xFFFF'FFFF, 256, 0};

}  // namespace detail

/// The facts about a type; of one that is not known, blocks of no bytes, with the name "unknown".
[[nodiscard]] constexpr const dtype_info& info(dtype type) noexcept {
    return is_known(type) ? dtypes[static_cast<std::size_t>(type)] : detail::no_dtype;
}
/// Its name as ggml prints it, in lower case: "q4_k".
[[nodiscard]] constexpr std::string_view to_string(dtype type) noexcept { return info(type).name; }

/// The type of that number in a GGUF file; nothing where this release does not read it.
[[nodiscard]] constexpr std::optional<dtype> dtype_from_gguf(std::uint32_t id) noexcept {
    for (const auto& d : dtypes)
        if (d.gguf_id == id) return d.type;
    return std::nullopt;
}

/// Bytes of a row of n elements as files store it. @pre n is a multiple of block_len.
[[nodiscard]] constexpr std::size_t row_bytes(dtype type, std::size_t n) noexcept {
    return n / info(type).block_len * info(type).block_bytes;
}

/// f32, f16 and bf16 multiply with float activations; all others with activations quantised to 8 bits.
[[nodiscard]] constexpr bool is_float(dtype type) noexcept { return info(type).block_len == 1; }

static_assert(
    [] {
        for (std::size_t i = 0; i < dtype_count; ++i)
            if (dtypes[i].type != static_cast<dtype>(i)) return false;
        return true;
    }(),
    "dtypes must be listed in enumerator order");

}  // namespace wafer::inline WAFER_ABI
