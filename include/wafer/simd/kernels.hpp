// SPDX-License-Identifier: MIT
// L1 simd: every target's kernels, compiled here, and the choice among them.
//
// The bodies (detail/*.ipp) are included once per target, inside a target region and a namespace of their own. They
// include nothing, call nothing from std that could be shared with other code, and use no lambdas: so no instruction of
// a region can reach code outside it. Every target is compiled whatever flags the user gives: a region only adds to
// them, and the flags that matter are part of WAFER_ABI.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

#include <wafer/core/dtype.hpp>
#include <wafer/core/error.hpp>
#include <wafer/core/half.hpp>
#include <wafer/simd/cpu.hpp>
#include <wafer/simd/kernel_table.hpp>
#include <wafer/simd/panel.hpp>
#include <wafer/simd/target.hpp>

#if WAFER_USE_XSIMD
#include <xsimd/xsimd.hpp>
#endif
#if WAFER_DISPATCH
#include <immintrin.h>
#endif

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push  // GCC 12 warns falsely inside its own AVX-512 intrinsics
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

// The bodies build on one another in this order.
// clang-format off
namespace wafer::inline WAFER_ABI::simd::t_static {
#include <wafer/simd/detail/vec_static.ipp>
//
#include <wafer/simd/detail/matmul.ipp>
#include <wafer/simd/detail/matmul_float.ipp>
#include <wafer/simd/detail/rows.ipp>
#include <wafer/simd/detail/cache.ipp>
#include <wafer/simd/detail/table.ipp>
inline constexpr kernel_table table =
    make_table(target::static_target, "static", "static", blocked_matmul, matmul_float<dtype::bf16>);
}  // namespace wafer::inline WAFER_ABI::simd::t_static

#if WAFER_DISPATCH
WAFER_TARGET_BEGIN("avx2,fma,f16c")
namespace wafer::inline WAFER_ABI::simd::t_avx2 {
#include <wafer/simd/detail/vec_avx2.ipp>
//
#include <wafer/simd/detail/matmul.ipp>
#include <wafer/simd/detail/matmul_float.ipp>
#include <wafer/simd/detail/rows.ipp>
#include <wafer/simd/detail/cache.ipp>
#include <wafer/simd/detail/table.ipp>
inline constexpr kernel_table table =
    make_table(target::avx2, "avx2", "avx2 fma f16c", blocked_matmul, matmul_float<dtype::bf16>);
}  // namespace wafer::inline WAFER_ABI::simd::t_avx2
WAFER_TARGET_END

WAFER_TARGET_BEGIN("avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl")
namespace wafer::inline WAFER_ABI::simd::t_avx512 {
#include <wafer/simd/detail/vec_avx512.ipp>
#undef WAFER_SIMD_VNNI
//
#include <wafer/simd/detail/matmul_float.ipp>
#include <wafer/simd/detail/rows.ipp>
#include <wafer/simd/detail/cache.ipp>
#include <wafer/simd/detail/table.ipp>
// Without VNNI (Skylake-X and its kin) integer dot products gain nothing from wider registers: they are AVX2's.
inline constexpr kernel_table table =
    make_table(target::avx512, "avx512", "avx512", t_avx2::blocked_matmul, matmul_float<dtype::bf16>);
}  // namespace wafer::inline WAFER_ABI::simd::t_avx512
WAFER_TARGET_END

WAFER_TARGET_BEGIN("avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")
namespace wafer::inline WAFER_ABI::simd::t_avx512_vnni {
#define WAFER_SIMD_VNNI
#include <wafer/simd/detail/vec_avx512.ipp>
#undef WAFER_SIMD_VNNI
//
#include <wafer/simd/detail/matmul.ipp>
inline constexpr kernel_table table =
    t_avx512::make_table(target::avx512, "avx512", "avx512 vnni", blocked_matmul, t_avx512::matmul_float<dtype::bf16>);
}  // namespace wafer::inline WAFER_ABI::simd::t_avx512_vnni
WAFER_TARGET_END

WAFER_TARGET_BEGIN("avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx512bf16")
namespace wafer::inline WAFER_ABI::simd::t_avx512_bf16 {
#define WAFER_SIMD_BF16
#include <wafer/simd/detail/vec_avx512.ipp>
//
#include <wafer/simd/detail/matmul_float.ipp>
#undef WAFER_SIMD_BF16
#undef WAFER_SIMD_VNNI
inline constexpr kernel_table table = t_avx512::make_table(target::avx512, "avx512", "avx512 vnni bf16",
                                                           t_avx512_vnni::blocked_matmul, matmul_float<dtype::bf16>);
}  // namespace wafer::inline WAFER_ABI::simd::t_avx512_bf16
WAFER_TARGET_END
#endif
// clang-format on

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

namespace wafer::inline WAFER_ABI::simd {

/// The tables that a machine with these features can run, worst to best; at most one per target.
struct table_list {
    const kernel_table* tables[3] = {};
    std::size_t count = 0;

    /// The static table, then those that this build has (WAFER_DISPATCH) and `cpu` allows. Never empty.
    explicit constexpr table_list(const cpu_features& cpu) noexcept {
        tables[count++] = &t_static::table;
#if WAFER_DISPATCH
        if (cpu.avx2) tables[count++] = &t_avx2::table;
        if (cpu.avx512)
            tables[count++] = cpu.avx512_bf16   ? &t_avx512_bf16::table
                              : cpu.avx512_vnni ? &t_avx512_vnni::table
                                                : &t_avx512::table;
#else
        static_cast<void>(cpu);
#endif
    }
    /// Worst to best. Valid as long as this list; the tables live for ever.
    [[nodiscard]] constexpr std::span<const kernel_table* const> all() const noexcept { return {tables, count}; }
};

/// This machine's tables, worst to best: always the static one, and each of avx2 and avx512 that CPU and system allow,
/// also where the static target already uses the same instructions (it has no integer dot products).
[[nodiscard]] inline std::span<const kernel_table* const> available_targets() noexcept {
    // Every list there can be, since each feature implies the one before. (A variable that is made when it is first wanted has
    // a lock, and a forked child may find that held.)
    static constexpr table_list lists[] = {
        table_list({}), table_list({.avx2 = true}), table_list({.avx2 = true, .avx512 = true}),
        table_list({.avx2 = true, .avx512 = true, .avx512_vnni = true}),
        table_list({.avx2 = true, .avx512 = true, .avx512_vnni = true, .avx512_bf16 = true})};
    const auto cpu = host_features();
    return lists[cpu.avx2 + cpu.avx512 + cpu.avx512_vnni + cpu.avx512_bf16].all();
}

/// The table of that name: "static", "avx2" or "avx512".
/// @throws errc::target_unavailable naming those that this machine and build have.
[[nodiscard]] inline const kernel_table& table(std::string_view name) {
    std::string known;
    for (const kernel_table* t : available_targets()) {
        if (t->name == name) return *t;
        known += known.empty() ? "" : ", ";
        known += t->name;
    }
    raise(errc::target_unavailable,
          "no kernels named \"" + std::string(name) + "\" here; this machine and build have: " + known);
}

/// The table of that target. @throws errc::target_unavailable as above.
[[nodiscard]] inline const kernel_table& table(target id) {
    constexpr std::string_view names[] = {"static", "avx2", "avx512"};
    return table(detail::name_in(names, id));
}

/// The best table of this machine, or the one that the environment variable WAFER_TARGET names. Read at every call:
/// whoever runs a model asks once and keeps the reference.
/// @throws errc::target_unavailable where WAFER_TARGET names another.
[[nodiscard]] inline const kernel_table& select() {
    const char* forced = std::getenv("WAFER_TARGET");
    if (forced != nullptr && *forced != '\0') return table(std::string_view(forced));
    return *available_targets().back();
}

}  // namespace wafer::inline WAFER_ABI::simd
