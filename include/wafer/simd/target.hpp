// SPDX-License-Identifier: MIT
// L1 simd: the compiler idioms of per-target code. A region compiles the functions in it for other instructions than the
// rest of the file; what it holds must live in a namespace of its own, so that no other code can be merged with it.
#pragma once

#include <wafer/core/config.hpp>

// Internal: may change.
#define WAFER_FORCE_INLINE inline __attribute__((always_inline))
#define WAFER_NOINLINE inline __attribute__((noinline))

// Loops over registers must be unrolled, or the registers become an array in memory. GCC at -O2 has to be told.
#if defined(__clang__)
#define WAFER_UNROLL
#else
#define WAFER_UNROLL _Pragma("GCC unroll 16")
#endif

#define WAFER_PRAGMA(text) _Pragma(#text)
#if defined(__clang__)
#define WAFER_TARGET_BEGIN(features)                                                                                   \
    WAFER_PRAGMA(clang attribute push(__attribute__((target(features))), apply_to = function))
#define WAFER_TARGET_END _Pragma("clang attribute pop")
#else
#define WAFER_TARGET_BEGIN(features) _Pragma("GCC push_options") WAFER_PRAGMA(GCC target(features))
#define WAFER_TARGET_END _Pragma("GCC pop_options")
#endif
