// SPDX-License-Identifier: MIT
// L7 model: a network: configuration, resident weights, and the forward pass of whichever architecture it is.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <limits>
#include <mutex>
#include <shared_mutex>
#include <span>
#include <stop_token>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <wafer/core/config.hpp>
#include <wafer/core/error.hpp>
#include <wafer/core/process.hpp>
#include <wafer/cost/policy.hpp>
#include <wafer/exec/context.hpp>
#include <wafer/io/checkpoint.hpp>
#include <wafer/model/architectures.hpp>
#include <wafer/model/config.hpp>
#include <wafer/model/fingerprint.hpp>
#include <wafer/model/hyperparameters.hpp>
#include <wafer/model/kv_cache.hpp>
#include <wafer/model/sequence_shape.hpp>
#include <wafer/model/weights.hpp>
#include <wafer/sram/arena.hpp>

namespace wafer::inline WAFER_ABI {

/// First only planned, from a header alone: exact sizes, and shapes that exec::phantom can run over. Then, after load(),
/// resident. Not copied: its views and its sequences refer to it.
class network {
public:
    /// Plans. @param n_tiles  owners of rows; normally the threads that will run it. 0: one for each CPU
    /// @throws error: unsupported_architecture, missing_key, missing_tensor, wrong_type, wrong_shape, corrupt; unsupported_key;
    /// unused_tensor, unless those are allowed; invalid_argument (more tiles than max_threads)
    explicit network(const checkpoint& file, std::size_t n_tiles = 1, unused_tensors others = unused_tensors::refused)
        : weights_(make_architecture(file)), others_(others) {
        hyperparameters keys(file);
        config_ = read_config(keys, file);
        config_.n_vocab = vocabulary_size(file, keys);
        for (auto& line : keys.check_others()) warnings_.push_back(std::move(line));
        std::visit(
            [&](auto& w) {
                config_.rope.pairs = w.pairs;
                weight_list list(file, plan_, bindings_);
                w.list(list, config_);
                if (auto line = list.check_others(config_, others); !line.empty()) warnings_.push_back(std::move(line));
            },
            weights_);
        plan_.place(placements::spread{}, sram::mesh::host(worker_count(n_tiles)));
        for (const auto& m : plan_.matrices()) stored_ += bytes(m.rows * row_bytes(m.type, m.cols));
        bindings_.bind_phantom(plan_);
        rope_ = rope_frequencies(config_.rope, {});
    }
    network(const network&) = delete;
    network& operator=(const network&) = delete;

    /// Makes the weights resident.
    /// @param asked  stops loading from another thread, within milliseconds
    /// @throws error: cancelled, out_of_memory, io_failed, truncated (a file that others wrote to meanwhile, too);
    /// wrong_process in a forked child
    void load(const checkpoint& file, thread_pool& pool, const progress_fn& progress = {},
              const std::stop_token& asked = {}) {
        home_.check();
        const auto turn = pool.lock_unless([&] { return asked.stop_requested(); });
        if (!turn) raise(errc::cancelled, "loading was stopped");
        resident_arena arena(plan_);
        arena.load(source_of(file), pool, progress, asked);
        home_.check();  // a callback may have forked
        file.check_unchanged();
        arena_ = std::move(arena);
        bindings_.bind(arena_);
        settle();
    }

    /// Replaces the weights in place by those of another checkpoint of the same shape, and makes every earlier sequence stale.
    /// Waits for running passes. config() stays as it is, which anybody may read meanwhile.
    /// @throws error before anything has changed: wrong_shape and the like, if the checkpoint differs in more than its numbers;
    /// error{errc::io_failed} or truncated if its reader fails half-way, or others wrote to the file meanwhile: the network has
    /// no weights then until the next swap
    /// @throws error{errc::wrong_process} in a forked child
    void swap(const checkpoint& file, thread_pool& pool) {
        home_.check();
        const network other(file, plan_.tiles(), others_);
        model_config theirs = other.config_;
        theirs.name = config_.name;
        theirs.n_context = config_.n_context;
        if (theirs != config_ || !same_shapes(other.plan_))
            raise(errc::wrong_shape,
                  "a swap needs the same architecture, hyperparameters, shapes and types as the resident model",
                  {file.path(), {}, {}});
        const auto from = arena_.gather(source_of(file));
        const auto turn = pool.lock();  // before in_use_, as sequences do
        const std::unique_lock alone(in_use_);
        ++generation_;
        const auto failure = exception_of([&] {
            arena_.fill(from, pool);
            home_.check();  // a callback may have forked
            file.check_unchanged();
        });
        if (failure) {
            resident_ = false;
            ++generation_;  // sequences that began meanwhile are stale too
            std::rethrow_exception(failure);
        }
        settle();
    }

    /// Sizes and constants, with n_vocab counted in the embedding.
    [[nodiscard]] const model_config& config() const noexcept { return config_; }
    /// What its checkpoint says that was passed over, a line each.
    [[nodiscard]] std::span<const std::string> warnings() const noexcept { return warnings_; }
    /// Which bytes are resident where: known before load().
    [[nodiscard]] const arena_plan& plan() const noexcept { return plan_; }
    /// Whether it has weights: after load(), and not after a swap that failed half-way.
    [[nodiscard]] bool is_resident() const noexcept { return resident_.load(std::memory_order_acquire); }
    /// Tells networks apart by what decides their answers: see model/fingerprint.hpp. Computed when weights become resident.
    [[nodiscard]] std::uint64_t fingerprint() const noexcept { return fingerprint_.load(std::memory_order_acquire); }
    /// Held by whoever runs a pass, so that no swap can come in between. @throws error{errc::wrong_process}
    [[nodiscard]] std::shared_lock<std::shared_mutex> use() const {
        home_.check();
        return std::shared_lock(in_use_);
    }
    /// Counts swaps.
    [[nodiscard]] std::uint64_t generation() const noexcept { return generation_.load(std::memory_order_acquire); }
    /// Where the weights are resident; empty before load().
    [[nodiscard]] std::span<const std::byte> memory() const noexcept { return arena_.memory(); }
    /// The weights as the file stores them.
    [[nodiscard]] bytes stored() const noexcept { return stored_; }

    /// The cache that such a sequence has. @throws error{errc::invalid_argument}, as checked() does
    [[nodiscard]] kv_shape cache_shape(const sequence_shape& s) const {
        return wafer::cache_shape(checked(s, config_), config_);
    }
    /// Scratch that the largest pass of such a sequence takes: counted by running the passes over phantom weights.
    /// @throws error{errc::invalid_argument}, as checked() and worker_count() do; error{errc::wrong_process}
    [[nodiscard]] bytes scratch_size(const sequence_shape& wanted, std::size_t n_workers) const {
        const sequence_shape s = checked(wanted, config_);
        const kv_cache cache = kv_cache::phantom(cache_shape(s));
        const auto no_swap = use();
        scratch count;
        meter<cost::none> unmetered;
        exec::context<cost::none, exec::phantom> ctx(worker_count(n_workers), count, unmetered);
        for (const std::size_t n_tok : {std::size_t{1}, s.n_batch})
            forward(ctx, forward_batch{.tokens = {},
                                       .n_tok = n_tok,
                                       .pos = s.n_context - n_tok,
                                       .n_output = std::min(n_tok, s.n_output),
                                       .logits = nullptr,
                                       .cache = &cache,
                                       .expert_use = {}});
        return count.peak();
    }

    /// One pass over a batch. Fails in no way; a stopped context leaves garbage in the logits and in the cache beyond pos.
    template <class Context>
    void forward(Context& ctx, const forward_batch& batch) const noexcept {
        std::visit([&](const auto& w) { w.forward(ctx, config_, rope_, batch); }, weights_);
    }

private:
    std::size_t vocabulary_size(const checkpoint& file, hyperparameters& keys) {
        const auto* t = file.find("token_embd.weight");
        if (t == nullptr)
            raise(errc::missing_tensor, "the model needs this tensor", {file.path(), {}, "token_embd.weight"});
        const std::size_t rows = t->dims.rows();
        constexpr std::size_t most = std::numeric_limits<std::int32_t>::max();  // of ids
        if (rows > most)
            raise(errc::corrupt,
                  "a vocabulary of " + std::to_string(rows) + " tokens: at most " + std::to_string(most) +
                      " have a number",
                  {file.path(), t->offset, t->name});
        if (const auto said = keys.find<std::uint64_t>("vocab_size").value_or(rows); said != rows)
            warnings_.push_back("key " + config_.architecture + ".vocab_size says " + std::to_string(said) +
                                ", the embedding has " + std::to_string(rows) + " rows, which count");
        return rows;
    }
    [[nodiscard]] weight_source source_of(const checkpoint& file) const {
        const auto find = [&file](const std::string& name) -> stored_weights {
            const auto& t = file.require(name);
            if (!t.data.empty()) return t.data;
            return {t.size(), [&](std::size_t begin, std::span<std::byte> to) { file.read(t, begin, to); }};
        };
        return {find,  //
                [&file](std::span<const std::byte> soon) { file.will_need(soon); },
                [&file](std::span<const std::byte> done) { file.wont_need(done); }};
    }
    /// Takes what follows from weights that have just become resident. Allocates nothing, so that it is always done.
    void settle() noexcept {
        const auto divisors = std::visit([](const auto& w) { return w.rope_divisors; }, weights_);
        rope_.set(config_.rope, {divisors.data(), divisors.count});
        fingerprint_ = wafer::fingerprint(config_, arena_);
        resident_ = true;
    }
    [[nodiscard]] bool same_shapes(const arena_plan& other) const noexcept {
        const auto same = [](const auto& a, const auto& b) { return a.name == b.name && a.type == b.type; };
        return std::equal(
                   plan_.matrices().begin(), plan_.matrices().end(), other.matrices().begin(), other.matrices().end(),
                   [&](const auto& a, const auto& b) { return same(a, b) && a.rows == b.rows && a.cols == b.cols; }) &&
               std::equal(plan_.vectors().begin(), plan_.vectors().end(), other.vectors().begin(),
                          other.vectors().end(),
                          [&](const auto& a, const auto& b) { return same(a, b) && a.size == b.size; });
    }

    any_architecture weights_;
    unused_tensors others_;
    model_config config_;
    std::vector<std::string> warnings_;
    arena_plan plan_;
    weight_bindings bindings_;
    resident_arena arena_;
    rope_frequencies rope_;
    bytes stored_{};
    std::atomic<bool> resident_{false};
    std::atomic<std::uint64_t> fingerprint_{0};
    std::atomic<std::uint64_t> generation_{0};
    mutable std::shared_mutex in_use_;
    home_process home_;
};

}  // namespace wafer::inline WAFER_ABI
