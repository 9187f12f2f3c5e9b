// SPDX-License-Identifier: MIT
// L1 simd: what this CPU and its operating system can run. Reading the CPU and judging what was read are two functions,
// so that tests judge recorded machines. (__builtin_cpu_supports is not used: clang 14 cannot ask it for F16C, and
// libgcc reported F16C where the system does not save ymm registers.)
#pragma once

#include <cstdint>

#include <wafer/core/config.hpp>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace wafer::inline WAFER_ABI::simd {

/// The registers that the cpuid instruction and xgetbv returned; zero where a leaf does not exist.
/// @cite Intel SDM volume 2A, CPUID; volume 1, section 13.3 (XCR0).
struct cpu_leaves {
    std::uint32_t leaf1_ecx = 0;
    std::uint32_t leaf7_ebx = 0;
    std::uint32_t leaf7_ecx = 0;
    std::uint32_t leaf7_1_eax = 0;
    std::uint64_t xcr0 = 0;
};

/// What kernels may use: instructions that the CPU has and whose registers the system saves.
struct cpu_features {
    bool avx2 = false;    // with FMA and F16C, the ymm state saved
    bool avx512 = false;  // F, BW, DQ and VL on top of avx2, the zmm state saved
    bool avx512_vnni = false;
    bool avx512_bf16 = false;  // with avx512_vnni: no CPU has it without
};

/// Judges what a CPU reported: a feature counts only where the system also saves its registers.
[[nodiscard]] constexpr cpu_features features_from(const cpu_leaves& leaves) noexcept {
    const auto bit = [](std::uint32_t word, int n) { return ((word >> n) & 1u) != 0; };
    const bool osxsave = bit(leaves.leaf1_ecx, 27);
    const bool saves_ymm = osxsave && (leaves.xcr0 & 0x06) == 0x06;
    const bool saves_zmm = saves_ymm && (leaves.xcr0 & 0xe0) == 0xe0;
    cpu_features f;
    f.avx2 = saves_ymm && bit(leaves.leaf1_ecx, 28) && bit(leaves.leaf1_ecx, 12) && bit(leaves.leaf1_ecx, 29) &&
             bit(leaves.leaf7_ebx, 5);
    f.avx512 = f.avx2 && saves_zmm && bit(leaves.leaf7_ebx, 16) && bit(leaves.leaf7_ebx, 17) &&
               bit(leaves.leaf7_ebx, 30) && bit(leaves.leaf7_ebx, 31);
    f.avx512_vnni = f.avx512 && bit(leaves.leaf7_ecx, 11);
    f.avx512_bf16 = f.avx512_vnni && bit(leaves.leaf7_1_eax, 5);
    return f;
}

/// What this machine reports; all zero on CPUs without cpuid.
[[nodiscard]] inline cpu_leaves host_leaves() noexcept {
    cpu_leaves leaves;
#if defined(__x86_64__)
    unsigned a = 0, b = 0, c = 0, d = 0;
    if (__get_cpuid(1, &a, &b, &c, &d) != 0) leaves.leaf1_ecx = c;
    unsigned last_subleaf = 0;
    if (__get_cpuid_count(7, 0, &last_subleaf, &b, &c, &d) != 0) {
        leaves.leaf7_ebx = b;
        leaves.leaf7_ecx = c;
        if (last_subleaf >= 1 && __get_cpuid_count(7, 1, &a, &b, &c, &d) != 0) leaves.leaf7_1_eax = a;
    }
    if ((leaves.leaf1_ecx >> 27 & 1u) != 0) {
        unsigned low = 0, high = 0;
        __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
        leaves.xcr0 = std::uint64_t{high} << 32 | low;
    }
#endif
    return leaves;
}

/// What this machine can run. Executes cpuid at every call.
[[nodiscard]] inline cpu_features host_features() noexcept { return features_from(host_leaves()); }

}  // namespace wafer::inline WAFER_ABI::simd
