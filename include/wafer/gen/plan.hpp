// SPDX-License-Identifier: MIT
// L8 gen: what a model will need, before anything is allocated: from the file's header alone.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include <wafer/core/config.hpp>
#include <wafer/core/error.hpp>
#include <wafer/core/system.hpp>
#include <wafer/core/units.hpp>
#include <wafer/gen/load_options.hpp>
#include <wafer/io/open.hpp>
#include <wafer/model/network.hpp>
#include <wafer/sram/residency.hpp>

namespace wafer::inline WAFER_ABI {

/// Exact bytes for a model and one session with it on this machine.
struct model_plan {
    model_config config;
    sequence_shape shape;  // with the context filled in, and no more than can be of use
    std::size_t n_threads = 1;
    bytes stored{};   // weights in the file
    bytes weights{};  // weights as they will be resident
    bytes cache{};    // keys and values at the full context
    bytes scratch{};  // buffers of the largest pass, logits included
    std::vector<sram::resident>
        residents;                        // the stored matrices; a device's tiles may share one in pieces of 32 weights
    std::vector<std::string> warnings{};  // what will not be as somebody may expect, a line each

    /// Memory that a model and one session take: weights, cache and scratch.
    [[nodiscard]] bytes total() const noexcept { return weights + cache + scratch; }

    /// Where every matrix would live on a device's mesh of tiles. @throws error{errc::does_not_fit}, naming what would do
    template <sram::placement Placement>
    [[nodiscard]] sram::residency place(const Placement& placement, const sram::mesh& tiles) const {
        return sram::summarize(residents, placement.place(residents, tiles), tiles);
    }
};

/// Plans a model and a session. Allocates nothing of what it plans.
/// @param n_threads  that will run it, max_threads at most; 0: one for each CPU this process may use
/// @param at_most  memory that may be used; default: what the system has available now
/// @param others  tensors that the architecture does not use
/// @throws error{errc::does_not_fit} naming the need, the limit and the longest context that would fit
/// @throws error: unsupported_architecture, missing_key, missing_tensor, wrong_type, wrong_shape, corrupt; unsupported_key,
/// unused_tensor; invalid_argument (shape, n_threads); out_of_memory
/// @cost  counting runs over shapes; no weight is read
[[nodiscard]] inline model_plan plan(const checkpoint& file, sequence_shape shape = {}, std::size_t n_threads = 0,
                                     std::optional<bytes> at_most = {},
                                     unused_tensors others = unused_tensors::refused) {
    return or_out_of_memory([&] {
        const bytes limit = at_most ? *at_most : bytes(system::available_memory());
        n_threads = worker_count(n_threads);
        const network net(file, n_threads, others);
        shape = checked(shape, net.config());
        const auto scratch_for = [&](const sequence_shape& s) {
            return net.scratch_size(s, n_threads) + bytes(logits_size(s, net.config()) * sizeof(float));
        };
        model_plan p{net.config(),
                     shape,
                     n_threads,
                     net.stored(),
                     net.plan().size(),
                     net.cache_shape(shape).size(),
                     scratch_for(shape),
                     {},
                     {net.warnings().begin(), net.warnings().end()}};
        if (auto warning = warning_of(shape.n_context, net.config()); !warning.empty())
            p.warnings.push_back(std::move(warning));
        for (const auto& m : net.plan().matrices())
            p.residents.push_back({m.name, bytes(m.rows * row_bytes(m.type, m.cols)),
                                   ceil_div(m.rows * m.cols, std::size_t{32}), m.layer});
        if (p.total() <= limit) return p;
        const auto mib = [](bytes n) { return std::to_string((n.count + (1 << 20) - 1) >> 20) + " MiB"; };
        std::string advice = "even one position does not fit: use fewer bits per weight or more memory";
        for (sequence_shape less = shape; less.n_context > 1;) {
            less.n_context /= 2;
            less = checked(less, net.config());
            if (p.weights + net.cache_shape(less).size() + scratch_for(less) > limit) continue;
            advice = "a context of " + std::to_string(less.n_context) + " would fit";
            break;
        }
        raise(errc::does_not_fit,
              "weights " + mib(p.weights) + " + cache " + mib(p.cache) + " + scratch " + mib(p.scratch) + " exceed " +
                  mib(limit) + ": " + advice,
              {file.path(), {}, {}});
    });
}

/// The same for a file, of which the header alone is mapped or read. @throws error as above, and what open_checkpoint throws
[[nodiscard]] inline model_plan plan(const std::filesystem::path& path, sequence_shape shape = {},
                                     std::size_t n_threads = 0, std::optional<bytes> at_most = {}) {
    return plan(open_checkpoint(path), shape, n_threads, at_most);
}
/// The same for a file that will be loaded so.
[[nodiscard]] inline model_plan plan(const std::filesystem::path& path, sequence_shape shape, const load_options& how,
                                     std::optional<bytes> at_most = {}) {
    const std::size_t n_threads = how.pool ? how.pool->size() : how.n_threads;
    return plan(open_checkpoint(path, how.access), shape, n_threads, at_most, how.others);
}

}  // namespace wafer::inline WAFER_ABI
