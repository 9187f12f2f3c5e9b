// SPDX-License-Identifier: MIT
// Test support: what the program was built with.
#pragma once

/// Whether a sanitizer is in the program, which has threads, memory and locks of its own.
#define WAFER_TEST_SANITIZED 0
#if defined(__has_feature)
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
#undef WAFER_TEST_SANITIZED
#define WAFER_TEST_SANITIZED 1
#endif
#endif
