// SPDX-License-Identifier: MIT
// Speed of the kernels, one thread: matmul of one token against a plain read of the same bytes, from memory and from L2,
// and matmul of 512 tokens. Run by hand:  bench_kernels [target [dtype]]
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <simd/blocks.hpp>
#include <string_view>
#include <sys/mman.h>
#include <vector>

#include <wafer/simd/kernels.hpp>
#include <wafer/tensor/pack.hpp>

using namespace wafer;

namespace {

double seconds() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

/// The least time of one call within about `budget` seconds.
template <class F>
double best_time(double budget, F&& f) {
    double best = 1e9;
    for (const double start = seconds(); seconds() - start < budget;) {
        const double t0 = seconds();
        f();
        const double t = seconds() - t0;
        if (t < best) best = t;
    }
    return best;
}

volatile std::uint64_t sink;

#if WAFER_DISPATCH
__attribute__((target("avx512f"))) void read_all(const std::byte* p, std::size_t n) {
    __m512i a = _mm512_setzero_si512(), b = a, c = a, d = a;
    for (std::size_t i = 0; i + 256 <= n; i += 256) {
        a = _mm512_add_epi64(a, _mm512_loadu_si512(p + i));
        b = _mm512_add_epi64(b, _mm512_loadu_si512(p + i + 64));
        c = _mm512_add_epi64(c, _mm512_loadu_si512(p + i + 128));
        d = _mm512_add_epi64(d, _mm512_loadu_si512(p + i + 192));
    }
    alignas(64) std::uint64_t out[8];
    _mm512_store_si512(out, _mm512_add_epi64(_mm512_add_epi64(a, b), _mm512_add_epi64(c, d)));
    sink = out[0];
}
#else
void read_all(const std::byte* p, std::size_t n) {
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i + 8 <= n; i += 8) sum += load_le<std::uint64_t>(p + i);
    sink = sum;
}
#endif

struct area {
    explicit area(std::size_t n)  // on huge pages where granted, as the resident arena is
        : bytes(round_up<std::size_t>(n, 2u << 20)), p(static_cast<std::byte*>(std::aligned_alloc(2u << 20, bytes))) {
#ifdef MADV_HUGEPAGE
        static_cast<void>(madvise(p, bytes, MADV_HUGEPAGE));
#endif
    }
    area(const area&) = delete;
    area& operator=(const area&) = delete;
    ~area() { std::free(p); }
    std::size_t bytes;
    std::byte* p;
};

struct tokens {
    tokens(const simd::kernel_table& t, std::size_t n_tok, std::size_t k, std::size_t pad)
        : ld(k + pad), x(n_tok * ld), q(n_tok * ld), scale(n_tok * ld / 32), sum(n_tok * ld / 16) {
        test::random_bits random(1);
        for (auto& v : x) v = random.uniform(-1, 1);
        for (std::size_t i = 0; i < n_tok; ++i)
            t.quantize(x.data() + i * ld, k, q.data() + i * ld, scale.data() + i * ld / 32, sum.data() + i * ld / 16);
    }
    simd::activations view() const { return {x.data(), q.data(), scale.data(), sum.data(), ld}; }
    std::size_t ld;
    std::vector<float> x;
    std::vector<std::int8_t> q;
    std::vector<float> scale;
    std::vector<std::int32_t> sum;
};

}  // namespace

int main(int argc, char** argv) {
    const std::size_t k = 2048, n = 2048;
    test::random_bits random(3);
    for (const auto* t : simd::available_targets()) {
        if (argc > 1 && t->name != std::string_view(argv[1])) continue;
        std::printf("%s (%s)\n%-8s %9s %9s %5s   %9s %9s %5s   %9s   %9s\n", t->name.data(), t->features.data(), "type",
                    "mem GB/s", "read", "%", "L2 GB/s", "read", "%", "Gop/s 512", "pack GB/s");
        for (const auto& d : dtypes) {
            if (argc > 2 && d.name != std::string_view(argv[2])) continue;
            const auto matmul = t->matmul[static_cast<std::size_t>(d.type)];
            const std::size_t panel = simd::panel_bytes(d.type, k);
            const std::size_t many = (std::size_t{96} << 20) / panel;
            const std::size_t few = (std::size_t{512} << 10) / panel;
            area weights(many * panel);
            const auto rows = test::random_rows(d.type, 16, k, random);
            const std::size_t stride = row_bytes(d.type, k);
            for (std::size_t p = 0; p < many; ++p)
                pack_panel(d.type, rows.data(), stride, 16, k, weights.p + p * panel);
            const double pack = best_time(0.05, [&] {
                for (std::size_t p = 0; p < 4; ++p)
                    pack_panel(d.type, rows.data(), stride, 16, k, weights.p + p * panel);
            });
            const tokens one(*t, 1, k, 64);
            std::vector<float> y(many * 16);
            double read_memory = 1e9, memory = 1e9;  // in turn, so that a disturbance meets both
            for (int i = 0; i < 5; ++i) {
                read_memory = std::min(read_memory, best_time(0.03, [&] { read_all(weights.p, many * panel); }));
                memory = std::min(
                    memory, best_time(0.03, [&] { matmul(weights.p, many, k, one.view(), 1, y.data(), many * 16); }));
            }
            const double read_l2 = best_time(0.05, [&] { read_all(weights.p, few * panel); });
            const double l2 = best_time(0.05, [&] { matmul(weights.p, few, k, one.view(), 1, y.data(), few * 16); });
            const tokens prompt(*t, 512, k, 64);
            std::vector<float> out(512 * n);
            const double prefill =
                best_time(0.3, [&] { matmul(weights.p, n / 16, k, prompt.view(), 512, out.data(), n); });
            const auto bytes = static_cast<double>(many * panel), few_bytes = static_cast<double>(few * panel);
            std::printf("%-8s %9.1f %9.1f %5.0f   %9.1f %9.1f %5.0f   %9.0f   %9.1f\n", d.name.data(),
                        bytes / memory * 1e-9, bytes / read_memory * 1e-9, 100 * read_memory / memory,
                        few_bytes / l2 * 1e-9, few_bytes / read_l2 * 1e-9, 100 * read_l2 / l2,
                        2.0 * 512 * n * k / prefill * 1e-9, 4 * 16 * static_cast<double>(stride) / pack * 1e-9);
            std::fflush(stdout);
        }
    }
}
