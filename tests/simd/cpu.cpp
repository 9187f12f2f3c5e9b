// SPDX-License-Identifier: MIT
#include <initializer_list>

#include <doctest/doctest.h>

#include <wafer/simd/cpu.hpp>

using namespace wafer::simd;

namespace {

// Leaf 1 ECX: FMA 12, OSXSAVE 27, AVX 28, F16C 29. Leaf 7 EBX: AVX2 5, AVX-512 F 16, DQ 17, BW 30, VL 31.
// Leaf 7 ECX: VNNI 11. Leaf 7.1 EAX: AVX512_BF16 5. XCR0: x87 0, SSE 1, ymm 2, opmask 5, zmm 6 and 7.
constexpr cpu_leaves nehalem{0x009ce3bd, 0, 0, 0, 0};
constexpr cpu_leaves haswell{0x7ffafbff, 0x000037ab, 0, 0, 0x07};
constexpr cpu_leaves zen_2{0x7ed8320b, 0x219c91a9, 0x00400004, 0, 0x207};
constexpr cpu_leaves skylake_x{0x7ffefbff, 0xd39ffffb, 0, 0, 0x2ff};
constexpr cpu_leaves cascade_lake{0x7ffefbff, 0xd39ffffb, 0x00000808, 0, 0x2ff};
constexpr cpu_leaves zen_4{0x7ef8320b, 0xf1bf97a9, 0x00405fce, 0x00000020, 0x2e7};

constexpr cpu_leaves without(cpu_leaves leaves, std::uint32_t leaf1_ecx, std::uint64_t xcr0) {
    leaves.leaf1_ecx &= ~leaf1_ecx;
    leaves.xcr0 &= ~xcr0;
    return leaves;
}

constexpr bool is(const cpu_leaves& leaves, bool avx2, bool avx512, bool vnni, bool bf16) {
    const cpu_features f = features_from(leaves);
    return f.avx2 == avx2 && f.avx512 == avx512 && f.avx512_vnni == vnni && f.avx512_bf16 == bf16;
}

}  // namespace

TEST_SUITE("simd") {

    TEST_CASE("features_from: known processors have what they are known to have") {
        CHECK(is({}, false, false, false, false));
        CHECK(is(nehalem, false, false, false, false));
        CHECK(is(haswell, true, false, false, false));
        CHECK(is(zen_2, true, false, false, false));
        CHECK(is(skylake_x, true, true, false, false));
        CHECK(is(cascade_lake, true, true, true, false));
        CHECK(is(zen_4, true, true, true, true));
    }

    TEST_CASE("features_from: what the system does not save cannot be used") {
        CHECK(is(without(haswell, 1u << 27, 0), false, false, false, false));  // AVX without OSXSAVE
        CHECK(is(without(haswell, 0, 0x04), false, false, false, false));      // ymm not saved
        CHECK(is(without(zen_4, 0, 0x04), false, false, false, false));
        CHECK(is(without(zen_4, 0, 0xe0), true, false, false, false));  // zmm not saved
        CHECK(is(without(zen_4, 0, 0x20), true, false, false, false));  // opmask not saved
    }

    TEST_CASE("features_from: a hypervisor may hide any part of a target") {
        CHECK(is(without(zen_4, 1u << 12, 0), false, false, false, false));  // no FMA
        CHECK(is(without(zen_4, 1u << 29, 0), false, false, false, false));  // no F16C
        for (const int bit : {16, 17, 30, 31}) {                             // AVX-512 in part
            cpu_leaves part = zen_4;
            part.leaf7_ebx &= ~(1u << bit);
            CHECK(is(part, true, false, false, false));
        }
    }

    TEST_CASE("host_features: the same at every call, and never less than the compiler assumes") {
        const cpu_features a = host_features(), b = host_features();
        CHECK((a.avx2 == b.avx2 && a.avx512 == b.avx512 && a.avx512_vnni == b.avx512_vnni &&
               a.avx512_bf16 == b.avx512_bf16));
#if defined(__AVX2__) && defined(__FMA__) && defined(__F16C__)
        CHECK(a.avx2);
#endif
    }
}
