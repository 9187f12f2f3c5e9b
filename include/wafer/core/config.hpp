// SPDX-License-Identifier: MIT
// L0 core: every switch, always 0 or 1, and the name of the inline namespace they select.
// A project may put its own answers in <wafer_config.hpp>, found on its include path.
#pragma once

#ifdef WAFER_SINGLE_HEADER  // which it defines at its end
#error "wafer: this file includes the single header, and then headers that it is made of: include one or the other"
#include <wafer_stops_here>  // is nowhere: instead of an error for every name
#endif

#if __has_include(<wafer_config.hpp>)
#include <wafer_config.hpp>
#endif

#include <wafer/core/version.hpp>

#if (defined(__clang__) && __clang_major__ < 14) || (!defined(__clang__) && (!defined(__GNUC__) || __GNUC__ < 12))
#error "wafer needs GCC 12, Clang 14 (Apple's too) or later: its kernels are made of their vectors and target regions"
#endif
#if __cplusplus < 202002L
#error "wafer is C++20: compile with -std=c++20"
#endif
#if defined(__FINITE_MATH_ONLY__) && __FINITE_MATH_ONLY__
#error "wafer's masks are infinities: compile the file that includes it without -ffast-math and -ffinite-math-only"
#endif
static_assert(sizeof(void*) == 8, "wafer plans models of any size, whole, in std::size_t: 64-bit hosts only");
#if defined(min) || defined(max)
#error "define NOMINMAX before <windows.h>: its macros min and max would change wafer's and the standard library's code"
#endif

/// 1: errors are thrown. 0: they go to WAFER_ERROR_HANDLER and do not come back. Default: as the compiler is told.
///
/// WAFER_ERROR_HANDLER: a plain name, of a function that the program defines in the global namespace:
///     [[noreturn]] void my_handler(const wafer::error&);
/// It must not return: the work that failed cannot go on. Not defined: std::terminate. What the standard library throws by
/// itself, std::bad_alloc above all, cannot be handed on in such a build and ends the program: see std::set_new_handler.
#ifndef WAFER_EXCEPTIONS
#if defined(__cpp_exceptions)
#define WAFER_EXCEPTIONS 1
#else
#define WAFER_EXCEPTIONS 0
#endif
#endif

/// 1: the static SIMD target is built from xsimd::batch; 0: from the compiler's own vectors. Default: 1 where
/// <xsimd/xsimd.hpp> is found.
#ifndef WAFER_USE_XSIMD
#if __has_include(<xsimd/xsimd.hpp>)
#define WAFER_USE_XSIMD 1
#else
#define WAFER_USE_XSIMD 0
#endif
#endif

/// 1: compile AVX2 and AVX-512 kernels as well and choose at run time (x86-64). 0: the static target only.
/// GCC on Windows spills their registers to stack slots that it does not align (its bug 54412), unless a patch of the
/// distributor (Debian, MSYS2) or -fno-asynchronous-unwind-tables (seen here as no __SEH__) prevents it. The patch cannot
/// be seen: who has it may set this to 1 there.
#ifndef WAFER_DISPATCH
#if defined(__SEH__) && !defined(__clang__)
#define WAFER_DISPATCH 0
#elif defined(__x86_64__)
#define WAFER_DISPATCH 1
#else
#define WAFER_DISPATCH 0
#endif
#endif

// Inline code compiled with other flags is other code: the flags that change it are part of every symbol's name, so that
// two translation units that disagree get two sets of symbols instead of one that is silently wrong.
// (Each level below changes the width of xsimd's default batch, or what it is made of.)
// All macros from here on, WAFER_ABI_..., are internal: may change.
#if defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512VL__) && defined(__AVX512DQ__)
#if defined(__AVX512VNNI__) || defined(__AVX512VBMI__)
#define WAFER_ABI_ISA avx512v
#else
#define WAFER_ABI_ISA avx512
#endif
#elif defined(__AVX512F__)
#define WAFER_ABI_ISA avx512f
#elif defined(__AVX2__)
#define WAFER_ABI_ISA avx2
#elif defined(__AVX__)
#define WAFER_ABI_ISA avx
#elif defined(__SSE4_2__)
#define WAFER_ABI_ISA sse42
#elif defined(__SSE4_1__)
#define WAFER_ABI_ISA sse41
#elif defined(__SSSE3__)
#define WAFER_ABI_ISA ssse3
#elif defined(__SSE3__)
#define WAFER_ABI_ISA sse3
#elif defined(__x86_64__)
#define WAFER_ABI_ISA x86
#elif defined(__ARM_FEATURE_SVE)
#define WAFER_ABI_ISA sve
#elif defined(__aarch64__)
#define WAFER_ABI_ISA arm64
#else
#define WAFER_ABI_ISA any
#endif
#if defined(__FMA__)
#define WAFER_ABI_MORE _fma
#elif defined(__ARM_FEATURE_SVE)
#define WAFER_ABI_MORE __ARM_FEATURE_SVE_BITS
#else
#define WAFER_ABI_MORE
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
#if WAFER_EXCEPTIONS
#define WAFER_ABI_ERRORS
#elif defined(WAFER_ERROR_HANDLER)
#define WAFER_ABI_HANDLER_(name) _ne_##name
#define WAFER_ABI_HANDLER(name) WAFER_ABI_HANDLER_(name)
#define WAFER_ABI_ERRORS WAFER_ABI_HANDLER(WAFER_ERROR_HANDLER)
#else
#define WAFER_ABI_ERRORS _ne
#endif
#define WAFER_ABI_JOIN_(major, minor, patch, isa, more, vec, errors)                                                   \
    v##major##_##minor##_##patch##_##isa##more##_##vec##errors
#define WAFER_ABI_JOIN(major, minor, patch, isa, more, vec, errors)                                                    \
    WAFER_ABI_JOIN_(major, minor, patch, isa, more, vec, errors)
/// The inline namespace that everything lives in: wafer::v0_1_0_x86_xd, say. Users never write it.
#define WAFER_ABI                                                                                                      \
    WAFER_ABI_JOIN(WAFER_VERSION_MAJOR, WAFER_VERSION_MINOR, WAFER_VERSION_PATCH, WAFER_ABI_ISA, WAFER_ABI_MORE,       \
                   WAFER_ABI_VEC, WAFER_ABI_ERRORS)
