// SPDX-License-Identifier: MIT
// How fast a Llama-3.2-1B-shaped model of random weights loads, reads and writes here, beside this machine's own limits,
// measured in the same run. Not a test: run it by hand on a quiet machine.
//   bench_model make q8_0 FILE            writes the model (other programs can be measured on the same file)
//   bench_model run FILE [THREADS] [N]    N decoded tokens (32), a prompt of 512
#include <algorithm>
#include <bit>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <memory>
#include <string>
#include <support/gguf_writer.hpp>
#include <sys/resource.h>
#include <vector>

#include <wafer/core/half.hpp>
#include <wafer/io/open.hpp>
#include <wafer/model/sequence.hpp>

using namespace wafer;

namespace {

double seconds_of(const std::function<void()>& work) {
    const auto start = std::chrono::steady_clock::now();
    work();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// Random blocks of q8_0 or q4_0: a scale, then codes.
std::vector<std::byte> random_rows(dtype type, std::size_t elements, std::uint64_t seed) {
    std::vector<std::byte> out(row_bytes(type, elements));
    for (std::size_t i = 0; i < out.size(); ++i) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        out[i] = static_cast<std::byte>(seed >> 56);
    }
    const auto scale = std::bit_cast<std::array<std::byte, 2>>(f16(type == dtype::q8_0 ? 0.0004f : 0.006f));
    for (std::size_t at = 0; at < out.size(); at += info(type).block_bytes)
        std::copy(scale.begin(), scale.end(), out.begin() + static_cast<std::ptrdiff_t>(at));
    return out;
}

int make(dtype type, const std::string& path) {
    constexpr std::uint64_t n_layer = 16, d = 2048, d_ff = 8192, n_vocab = 128256, d_kv = 512;
    wafer_test::gguf_writer out;
    out.pair("general.architecture", "llama")
        .pair("llama.vocab_size", std::uint32_t{n_vocab})
        .pair("tokenizer.ggml.model", "no_vocab");
    for (const auto& [key, value] : {std::pair{"block_count", n_layer},
                                     {"context_length", std::uint64_t{131072}},
                                     {"embedding_length", d},
                                     {"feed_forward_length", d_ff},
                                     {"attention.head_count", std::uint64_t{32}},
                                     {"attention.head_count_kv", std::uint64_t{8}},
                                     {"rope.dimension_count", std::uint64_t{64}}})
        out.pair(std::string("llama.") + key, static_cast<std::uint32_t>(value));
    out.pair("llama.attention.layer_norm_rms_epsilon", 1e-5f).pair("llama.rope.freq_base", 500000.0f);
    std::uint64_t seed = 1;
    const auto matrix = [&](const std::string& name, std::uint64_t rows, std::uint64_t cols) {
        out.tensor(name, type, {rows, cols}, random_rows(type, rows * cols, seed++));
    };
    const auto norm = [&](const std::string& name) { out.tensor(name, {d}, std::vector<float>(d, 1.0f)); };
    matrix("token_embd.weight", n_vocab, d);
    norm("output_norm.weight");
    for (std::uint64_t i = 0; i < n_layer; ++i) {
        const std::string at = "blk." + std::to_string(i) + ".";
        norm(at + "attn_norm.weight");
        matrix(at + "attn_q.weight", d, d);
        matrix(at + "attn_k.weight", d_kv, d);
        matrix(at + "attn_v.weight", d_kv, d);
        matrix(at + "attn_output.weight", d, d);
        norm(at + "ffn_norm.weight");
        matrix(at + "ffn_gate.weight", d_ff, d);
        matrix(at + "ffn_up.weight", d_ff, d);
        matrix(at + "ffn_down.weight", d, d_ff);
    }
    out.save(path);
    return 0;
}

/// Bytes per second at which the pool's threads together read memory that no cache holds, best of several tries.
double read_bandwidth(thread_pool& pool) {
    const std::size_t words = std::size_t{1} << 27;  // 1 GiB
    auto* const memory = reinterpret_cast<std::uint64_t*>(system::reserve_pages(words * 8));
    std::vector<std::uint64_t> sums(pool.size() * 8);
    const auto part = [&](std::size_t w) { return share::of(words / 64, w, pool.size()); };
    pool.run([&](std::size_t w) { std::fill(memory + part(w).begin * 64, memory + part(w).end * 64, 1); });
    double best = 1e9;
    for (int i = 0; i < 7; ++i)
        best = std::min(best, seconds_of([&] {
                            pool.run([&](std::size_t w) {
                                std::uint64_t s[8] = {};  // eight sums, so that the loads are what takes the time
                                for (const auto *p = memory + part(w).begin * 64, *end = memory + part(w).end * 64;
                                     p != end; p += 8) {
                                    __builtin_prefetch(p + 1024);  // the hardware's own prefetcher stops at pages
                                    for (int j = 0; j < 8; ++j) s[j] += p[j];
                                }
                                sums[w * 8] = s[0] + s[1] + s[2] + s[3] + s[4] + s[5] + s[6] + s[7];
                            });
                        }));
    system::release_pages(reinterpret_cast<std::byte*>(memory), words * 8);
    return sums[0] == 0 ? 0 : static_cast<double>(words * 8) / best;
}

int run(const std::string& path, std::size_t n_threads, std::size_t n_decode) {
    auto pool = std::make_shared<thread_pool>(n_threads);
    // Into memory of its own, as loading does; twice, so that the file is in the page cache for both.
    double read_once = 0;
    for (int i = 0; i < 2; ++i)
        read_once = seconds_of([&] {
            const auto size = static_cast<std::size_t>(std::filesystem::file_size(path));
            auto* const memory = system::reserve_pages(size);
            std::ifstream(path, std::ios::binary)
                .read(reinterpret_cast<char*>(memory), static_cast<std::streamsize>(size));
            system::release_pages(memory, size);
        });
    std::shared_ptr<network> net;
    const auto loads = [&](file_access how) {
        return seconds_of([&] {
            net.reset();
            const auto file = open_checkpoint(path, how);
            net = std::make_shared<network>(file, pool->size());
            net->load(file, *pool);
        });
    };
    const double by_reading = loads(file_access::read), load = loads(file_access::map);
    rusage use{};
    getrusage(RUSAGE_SELF, &use);
    const double stored = net->stored().value(), resident = net->plan().size().value();
    std::printf("load %.2f s mapped, %.2f s read; reading the file into memory once %.2f s (x%.2f); weights %.0f MB "
                "stored, %.0f MB resident; peak memory %.0f MB (%+.1f %% over the file's)\n",
                load, by_reading, read_once, load / read_once, stored / 1e6, resident / 1e6,
                static_cast<double>(use.ru_maxrss) * 1024 / 1e6,
                100 * (static_cast<double>(use.ru_maxrss) * 1024 / stored - 1));

    sequence_shape shape;
    shape.n_context = 1024;
    shape.n_batch = 512;
    sequence<> s(net, pool, shape);
    std::vector<std::int32_t> prompt(512);
    for (std::size_t i = 0; i < prompt.size(); ++i) prompt[i] = static_cast<std::int32_t>(i * 37 % 128256);
    (void)s.eval(std::span(prompt).first(32));  // warms up
    for (int round = 0; round < 3; ++round) {
        s.rewind(0);
        const double prefill = seconds_of([&] { (void)s.eval(prompt); });
        s.rewind(0);
        (void)s.eval(std::span(prompt).first(8));
        const double bandwidth = read_bandwidth(*pool);
        const double decode = seconds_of([&] {
                                  for (std::size_t i = 0; i < n_decode; ++i)
                                      (void)s.eval(std::span(prompt).subspan(i, 1));
                              }) /
                              static_cast<double>(n_decode);
        std::printf("%s, %zu threads: prompt %.1f tok/s; decode %.2f tok/s = %.1f GB/s of weights, %.1f %% of the %.1f "
                    "GB/s read bandwidth\n",
                    std::string(s.kernels().features).c_str(), pool->size(), 512 / prefill, 1 / decode,
                    stored / decode / 1e9, 100 * stored / decode / bandwidth, bandwidth / 1e9);
    }
    return 0;
}

}  // namespace

int main(int argc, char** argv) try {
    const std::vector<std::string> args(argv + 1, argv + argc);
    if (args.size() == 3 && args[0] == "make") return make(args[1] == "q4_0" ? dtype::q4_0 : dtype::q8_0, args[2]);
    if (args.size() >= 2 && args[0] == "run")
        return run(args[1], args.size() > 2 ? std::stoul(args[2]) : 0, args.size() > 3 ? std::stoul(args[3]) : 32);
    std::cerr << "bench_model make q8_0|q4_0 FILE | bench_model run FILE [THREADS] [TOKENS]\n";
    return 2;
} catch (const std::exception& e) {
    std::cerr << "bench_model: " << e.what() << '\n';
    return 1;
}
