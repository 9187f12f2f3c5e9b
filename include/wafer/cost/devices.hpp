// SPDX-License-Identifier: MIT
// L4 cost: the catalogue of devices. A device is one constant and one entry in a list below it; every figure says
// whether it is the vendor's, measured, fitted or assumed, and whose. The names in those comments are
//   Vidur      "Vidur: A Large-Scale Simulation Framework for LLM Inference" (MLSys 2024); its published profiles,
//              data/profiling/compute, mlp.csv at one token, for Llama-2-70B (H100) and Llama-3-70B (A100)
//   gpt-fast   README of github.com/pytorch-labs/gpt-fast (2023): Llama-2-7B on 1, 2, 4 and 8 A100
//   SGLang     pull request 2904 of github.com/sgl-project/sglang: one-shot all-reduce on 2, 4 and 8 H100
//   NCCL       issue 1453 of github.com/NVIDIA/nccl (in gpu.hpp)
//   CUDA graph "Look Ma, No Bubbles! Designing a Low-Latency Megakernel for Llama-1B" (Hazy Research, 2025)
//   WaferLLM   "WaferLLM: Large Language Model Inference at Wafer Scale" (OSDI 2025, arXiv 2502.04563), tables 3 (T3,
//              prefill) and 4 (T4, decode), and the code published with it
//   vendor     NVIDIA's figures as listed at acecloud.ai/blog/nvidia-b200-vs-h200-h100-a100 (B200 in a
//              DGX: hmc-tech.com); Cerebras's cores and clocks as in WaferLLM, SRAM bandwidth of WSE-3 as in
//              "Introducing Cerebras Inference" (cerebras.ai/blog, August 2024), of WSE-2 as ExtremeTech printed it,
//              links as in the CS-3 specification
#pragma once

#include <array>
#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>

#include <wafer/core/config.hpp>
#include <wafer/core/error.hpp>
#include <wafer/core/units.hpp>
#include <wafer/cost/compare.hpp>
#include <wafer/cost/gpu.hpp>
#include <wafer/cost/wafer.hpp>

namespace wafer::inline WAFER_ABI {

namespace devices {

/// NVIDIA A100 SXM, 80 GB.
inline constexpr cost::gpu_spec a100_80g{
    .name = "a100",
    .basis = "HBM efficiency measured (Vidur), reductions and host time fitted (gpt-fast), the rest as sold",
    .memory = bytes(80'000'000'000),                             // vendor
    .bandwidth = bytes_per_second{2.039e12},                     // vendor
    .peak = flops_per_second{312e12},                            // vendor: BF16, dense
    .link = bytes_per_second{300e9},                             // vendor: NVLink 3, one way
    .memory_efficiency = 0.80,                                   // measured: Vidur, A100 MLP profile, 70B shapes
    .compute_efficiency = 0.68,                                  // fitted: WaferLLM T3, LLaMA3-8B prefill on one A100
    .product_kernel = seconds{3e-6},                             // measured: 2 to 7 us around the stream time, Vidur
    .small_kernel = seconds{1.5e-6},                             // measured on H100: 1.3 us in a CUDA graph
    .reduce = {seconds{13e-6}, seconds{17e-6}, seconds{20e-6}},  // fitted: gpt-fast at TP 2, 4, 8, skew included
    .host = seconds{250e-6},                                     // fitted: gpt-fast, Llama-2-7B
};
/// NVIDIA H100 SXM, 80 GB.
inline constexpr cost::gpu_spec h100_sxm{
    .name = "h100",
    .basis = "HBM efficiency, launches and reductions measured (Vidur, SGLang), host time assumed, the rest as sold",
    .memory = bytes(80'000'000'000),                          // vendor
    .bandwidth = bytes_per_second{3.35e12},                   // vendor
    .peak = flops_per_second{989e12},                         // vendor: BF16, dense
    .link = bytes_per_second{450e9},                          // vendor: NVLink 4, one way
    .memory_efficiency = 0.90,                                // measured: Vidur, H100 MLP profile, 70B shapes
    .compute_efficiency = 0.60,                               // assumed
    .product_kernel = seconds{3e-6},                          // measured: 1.3 us launch, plus ramp and tail
    .small_kernel = seconds{1.5e-6},                          // measured: 1.3 us in a CUDA graph
    .reduce = {seconds{4e-6}, seconds{5e-6}, seconds{8e-6}},  // measured: one-shot kernels to 32 KB, SGLang PR 2904
    .host = seconds{100e-6},                                  // assumed
};
/// NVIDIA H200 SXM, 141 GB.
inline constexpr cost::gpu_spec h200{
    .name = "h200",
    .basis = "memory and links as sold, HBM efficiency and host time assumed, launches and reductions as on H100",
    .memory = bytes(141'000'000'000),       // vendor
    .bandwidth = bytes_per_second{4.8e12},  // vendor
    .peak = h100_sxm.peak,                  // vendor
    .link = h100_sxm.link,                  // vendor
    .memory_efficiency = 0.85,              // assumed
    .compute_efficiency = h100_sxm.compute_efficiency,
    .product_kernel = h100_sxm.product_kernel,
    .small_kernel = h100_sxm.small_kernel,
    .reduce = h100_sxm.reduce,
    .host = h100_sxm.host,
};
/// NVIDIA B200 as in a DGX, 180 GB.
inline constexpr cost::gpu_spec b200{
    .name = "b200",
    .basis = "memory, arithmetic and links as sold, HBM efficiency and host time assumed, launches and reductions as "
             "on H100",
    .memory = bytes(180'000'000'000),       // vendor: DGX B200
    .bandwidth = bytes_per_second{8.0e12},  // vendor: 7.7 to 8.0
    .peak = flops_per_second{2.25e15},      // vendor: BF16, dense
    .link = bytes_per_second{900e9},        // vendor: NVLink 5, one way
    .memory_efficiency = 0.80,              // assumed
    .compute_efficiency = h100_sxm.compute_efficiency,
    .product_kernel = h100_sxm.product_kernel,
    .small_kernel = h100_sxm.small_kernel,
    .reduce = h100_sxm.reduce,
    .host = h100_sxm.host,
};

/// Cerebras WSE-2 (CS-2): 850,000 cores of 48 KiB.
inline constexpr cost::wafer_spec wse2{
    .name = "wse2",
    .basis =
        "cycles fitted to WaferLLM's published decode and prefill (WSE-2), wafer crossing assumed, the rest as sold",
    .tile = {.capacity = 48_KiB,                            // vendor
             .reserved = 7_KiB,                             // assumed: program and buffers take 10 to 15 %
             .bandwidth = bytes_per_second{20e15 / 850e3},  // vendor: 20 PB/s over 850,000 cores
             .clock = hertz{1.1e9}},                        // vendor: at most; WaferLLM's benchmarks use it
    .columns = 750,
    .rows = 1133,                     // 750: largest region in WaferLLM; rows make 850,000 cores
    .mac_cycles = 1.155,              // fitted: all nine rows of T4, grouped-query widths, 2 % or better
    .hop_cycles = 1.564,              // fitted: 15.64 a layer, 10 reductions
    .reduce_cycles = 449.4,           // fitted: 4494 a layer, 10 reductions
    .batch_mac_cycles = 1.206,        // fitted: three 8B rows of T3, 0.4 %
    .batch_step_cycles = 661.3,       // fitted: 3968 a layer, 6 products
    .link = bytes_per_second{150e9},  // vendor: 12 x 100 GbE
    .crossing = seconds{5e-6},        // assumed: 2 to 10 us, nothing is published
};
/// Cerebras WSE-3 (CS-3): 900,000 cores of 48 KiB. Its arithmetic is assumed: no measurement was found.
inline constexpr cost::wafer_spec wse3{
    .name = "wse3",
    .basis = "reductions as fitted on WSE-2 (same network), arithmetic and wafer crossing assumed, the rest as sold",
    .tile = {.capacity = 48_KiB,                            // vendor
             .reserved = 7_KiB,                             // assumed
             .bandwidth = bytes_per_second{21e15 / 900e3},  // vendor: 21 PB/s over 900,000 cores
             .clock = hertz{1.1e9}},                        // WaferLLM's WSE-3 launcher
    .columns = 750,
    .rows = 1200,        // assumed: width of WSE-2; rows make 900,000 cores
    .mac_cycles = 0.35,  // assumed: 0.25 to 0.45, wider SIMD; no measurement is published
    .hop_cycles = wse2.hop_cycles,
    .reduce_cycles = wse2.reduce_cycles,
    .batch_mac_cycles = 0.60,  // assumed: SIMD twice as wide
    .batch_step_cycles = wse2.batch_step_cycles,
    .link = bytes_per_second{150e9},  // vendor
    .crossing = seconds{5e-6},        // assumed
};

/// What make_device knows.
inline constexpr std::array gpus{&a100_80g, &h100_sxm, &h200, &b200};
inline constexpr std::array wafers{&wse2, &wse3};

}  // namespace devices

namespace detail {

[[noreturn]] inline void refuse_device(std::string_view text, std::string_view why) {
    std::string known;
    for (const auto* spec : devices::gpus) known += (known.empty() ? "" : ", ") + std::string(spec->name);
    for (const auto* spec : devices::wafers) known += ", " + std::string(spec->name);
    raise(errc::invalid_argument, "device '" + std::string(text) + "' " + std::string(why) + "; known are " + known +
                                      ", with a count behind them as in h100x8 or wse3x4");
}

// Takes "<mark><number>" off the end of `name`, if it is there.
[[nodiscard]] inline std::uint32_t take_number(std::string_view text, std::string_view& name, char mark,
                                               std::uint32_t absent) {
    const auto at = name.rfind(mark);
    if (at == std::string_view::npos) return absent;
    const char* const end = name.data() + name.size();
    std::uint32_t number = 0;
    const auto [stop, bad] = std::from_chars(name.data() + at + 1, end, number);
    if (bad != std::errc{} || stop != end || number == 0)
        refuse_device(text, "needs a whole number behind '" + std::string(1, mark) + "'");
    name = name.substr(0, at);
    return number;
}

}  // namespace detail

namespace cost {

/// The device that a command line names: "a100", "h100x8" (eight), "wse3x4" (four), "wse2@660" (regions of 660 x 660
/// cores), "wse3x4-packed" (each expert on cores of its own).
/// @throws error{errc::invalid_argument} listing the known names
[[nodiscard]] inline any_device make_device(std::string_view text) {
    constexpr std::string_view packed = "-packed";
    std::string_view name = text;
    const bool pack_experts = name.ends_with(packed);
    if (pack_experts) name.remove_suffix(packed.size());
    const std::uint32_t side = detail::take_number(text, name, '@', 0);
    const std::uint32_t count = detail::take_number(text, name, 'x', 1);
    for (const auto* spec : devices::wafers)
        if (spec->name == name) return wafer(*spec, count, {.side = side, .pack_experts = pack_experts});
    for (const auto* spec : devices::gpus)
        if (spec->name == name && side == 0 && !pack_experts) return gpu(*spec, count);
    detail::refuse_device(text,
                          side != 0 || pack_experts ? "has a wafer's layout, but is no known wafer" : "is not known");
}

}  // namespace cost

}  // namespace wafer::inline WAFER_ABI
