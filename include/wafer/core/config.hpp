// SPDX-License-Identifier: MIT
// L0 core: every switch, always 0 or 1, and the name of the inline namespace they select.
// A project may put its own answers in <wafer_config.hpp>, found on its include path.
#pragma once

#if __has_include(<wafer_config.hpp>)
#include <wafer_config.hpp>
#endif

#include <wafer/core/version.hpp>

/// 1: the static SIMD target is built from xsimd::batch; 0: from the compiler's own vectors. Default: 1 where <xsimd/xsimd.hpp> is found.
#ifndef WAFER_USE_XSIMD
#if __has_include(<xsimd/xsimd.hpp>)
#define WAFER_USE_XSIMD 1
#else
#define WAFER_USE_XSIMD 0
#endif
#endif

/// 1: compile AVX2 and AVX-512 kernels as well and choose at run time (x86-64 with GCC or Clang). 0: the static target only.
#ifndef WAFER_DISPATCH
#if defined(__x86_64__) && (defined(__GNUC__) || defined(__clang__))
#define WAFER_DISPATCH 1
#else
#define WAFER_DISPATCH 0
#endif
#endif

// Inline code compiled with other flags is other code: the flags that change it are part of every symbol's name, so that
// two translation units that disagree get two sets of symbols instead of one that is silently wrong.
#if defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512VL__) && defined(__AVX512DQ__)
#define WAFER_ABI_ISA avx512
#elif defined(__AVX2__) && defined(__FMA__)
#define WAFER_ABI_ISA avx2
#elif defined(__x86_64__)
#define WAFER_ABI_ISA x86
#elif defined(__aarch64__)
#define WAFER_ABI_ISA arm64
#else
#define WAFER_ABI_ISA any
#endif
#if WAFER_USE_XSIMD && WAFER_DISPATCH
#define WAFER_ABI_VEC xd
#elif WAFER_USE_XSIMD
#define WAFER_ABI_VEC x
#elif WAFER_DISPATCH
#define WAFER_ABI_VEC d
#else
#define WAFER_ABI_VEC s
#endif
#define WAFER_ABI_JOIN_(major, minor, isa, vec) v##major##_##minor##_##isa##_##vec
#define WAFER_ABI_JOIN(major, minor, isa, vec) WAFER_ABI_JOIN_(major, minor, isa, vec)
/// The inline namespace that everything lives in: wafer::v0_1_x86_xd, say. Users never write it.
#define WAFER_ABI WAFER_ABI_JOIN(WAFER_VERSION_MAJOR, WAFER_VERSION_MINOR, WAFER_ABI_ISA, WAFER_ABI_VEC)
