// SPDX-License-Identifier: MIT
// L7 model: one running sequence of tokens: network, KV cache, scratch and meter, brought together. Knows ids, not text.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <wafer/core/bits.hpp>
#include <wafer/core/config.hpp>
#include <wafer/core/error.hpp>
#include <wafer/core/stop_signal.hpp>
#include <wafer/cost/meter.hpp>
#include <wafer/exec/context.hpp>
#include <wafer/fwd.hpp>
#include <wafer/model/network.hpp>
#include <wafer/model/sequence_shape.hpp>
#include <wafer/simd/kernels.hpp>

namespace wafer::inline WAFER_ABI {

/// How a call to sequence::eval ended. Only `done` gives new logits.
enum class eval_status : std::uint8_t {
    done,
    stopped,       // somebody asked to stop; tokens of finished batches stay, the others were not read
    context_full,  // the tokens do not fit; none was read
};

/// A sequence that grows token by token or many at once, and can be cut back. One user at a time, on any thread; sequences of
/// the same network do not disturb one another, and give the bits they would give alone. After construction nothing allocates.
template <cost_policy Policy>
class sequence {
public:
    /// Takes all its memory: cache, scratch, logits.
    /// @throws error: out_of_memory; invalid_argument (shape, or the network is not loaded, or there is no network or pool);
    /// target_unavailable (by default kernels are those of simd::select())
    sequence(std::shared_ptr<const network> net, std::shared_ptr<thread_pool> pool, const sequence_shape& shape = {},
             Policy policy = {}, const simd::kernel_table& kernels = simd::select())
        : network_(required(std::move(net), "network")), pool_(required(std::move(pool), "thread pool")),
          kernels_(&kernels), shape_(checked(shape, network_->config())), generation_(network_->generation()),
          capacity_(shape_.n_context), cache_(network_->cache_shape(shape_)),
          scratch_(or_out_of_memory([&] { return wafer::scratch(network_->scratch_size(shape_, pool_->size())); })),
          meter_(or_out_of_memory([&] { return meter<Policy>(std::move(policy)); })) {
        if (!network_->is_resident())
            raise(errc::invalid_argument, "the network has no weights: load it before it can answer");
        or_out_of_memory([&] {
            logits_.resize(logits_size(shape_, network_->config()));
            expert_use_.resize(network_->config().n_layer * network_->config().n_expert);
            pass_use_.resize(expert_use_.size());
            tokens_.reserve(capacity_);
        });
    }

    /// Reads tokens; afterwards logits() are those that follow the last one. None: changes nothing.
    /// @cost  one pass for each n_batch tokens, each with the pool to itself
    /// @throws error: stale_session after a swap; invalid_argument for ids outside the vocabulary; not_finite if a pass gave
    /// logits that are no numbers, of which nothing stays; wrong_process in a forked child
    eval_status eval(std::span<const std::int32_t> tokens) {
        return run(tokens, shape_.n_batch, 1, [](std::size_t, std::span<const float>) {});
    }
    /// The same, and calls visit(position, logits) for every token, logits (n_vocab) valid during the call; it may run
    /// other sequences.
    /// @cost  one pass for each n_output tokens
    template <class Visit>
    eval_status eval_each(std::span<const std::int32_t> tokens, Visit&& visit) {
        return run(tokens, shape_.n_output, shape_.n_output, std::forward<Visit>(visit));
    }

    /// Scores of every token of the vocabulary to come next: (n_vocab), f32, not normalised. Valid until the next eval.
    /// @pre eval gave `done` since the last rewind
    [[nodiscard]] std::span<const float> logits() const noexcept { return row(last_row_); }

    /// The tokens read so far.
    [[nodiscard]] std::span<const std::int32_t> tokens() const noexcept { return tokens_; }
    /// How many those are: where the next token goes.
    [[nodiscard]] std::size_t position() const noexcept { return tokens_.size(); }
    /// Most tokens it can hold: the n_context of its shape.
    [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }
    /// Forgets all but the first n tokens. @pre n <= position()
    void rewind(std::size_t n) noexcept { tokens_.resize(std::min(n, tokens_.size())); }

    /// Makes a running eval return `stopped` soon (within a stage of one layer), and the next one at once. Any thread, also a
    /// signal handler.
    void request_stop() noexcept { stop_.request(); }
    /// Takes request_stop() back. Any thread.
    void clear_stop() noexcept { stop_.clear(); }
    /// From when on evals are stopped by themselves; none: never.
    void set_deadline(std::optional<stop_signal::clock::time_point> deadline) noexcept { stop_.set_deadline(deadline); }
    /// Whether it was asked to stop, for work on the way to the network and back.
    [[nodiscard]] const stop_signal& stopping() const noexcept { return stop_; }

    /// Bytes of what save() hands out for n tokens. @pre n <= capacity()
    [[nodiscard]] std::size_t saved_size(std::size_t n) const noexcept {
        return n * sizeof(std::int32_t) + network_->config().n_vocab * sizeof(float) +
               expert_use_.size() * sizeof(std::uint64_t) + cache_.used_size(n);
    }
    /// Hands out all that the sequence knows, sink(std::span<const std::byte>) for each stretch of it: tokens, logits, experts'
    /// use, then the cache's used positions. Costs are not part of it.  @throws error{errc::stale_session}
    template <class Sink>
    void save(Sink&& sink) const {
        const auto use = network_->use();
        check_fresh();
        sink(std::as_bytes(tokens()));
        sink(std::as_bytes(logits()));
        sink(std::as_bytes(expert_use()));
        cache_.for_each_used(tokens_.size(), [&](std::span<const std::byte> part) { sink(part); });
    }
    /// Goes on where a sequence of the same network and cache type was saved, with its logits, bit for bit.
    /// @param saved  what save() handed out, in one piece, at any alignment
    /// @throws error before anything has changed: errc::context_full if n tokens are more than capacity(), errc::corrupt for
    /// another size or tokens outside the vocabulary, errc::stale_session
    void restore(std::size_t n, std::span<const std::byte> saved) {
        if (n > capacity_)
            raise(errc::context_full, "the saved sequence has " + std::to_string(n) + " tokens, the context " +
                                          std::to_string(capacity_) + ": use one as large");
        if (saved.size() != saved_size(n))
            raise(errc::corrupt, "the saved sequence has another size than it must have");
        for (std::size_t i = 0; i < n; ++i)
            if (const auto id = load_le<std::int32_t>(saved.data() + i * sizeof(std::int32_t));
                id < 0 || static_cast<std::size_t>(id) >= network_->config().n_vocab)
                raise(errc::corrupt, "a saved token is outside the vocabulary");
        const auto use = network_->use();
        check_fresh();
        const auto fill = [&](std::span<std::byte> to) {
            if (!to.empty()) std::memcpy(to.data(), saved.data(), to.size());
            saved = saved.subspan(to.size());
        };
        tokens_.resize(n);
        last_row_ = 0;
        fill(std::as_writable_bytes(std::span(tokens_)));
        fill(std::as_writable_bytes(std::span(logits_).first(network_->config().n_vocab)));
        fill(std::as_writable_bytes(std::span(expert_use_)));
        cache_.for_each_used(n, fill);
    }

    /// How many tokens each expert of each layer got: (n_layer, n_expert); empty for dense networks.
    [[nodiscard]] std::span<const std::uint64_t> expert_use() const noexcept { return expert_use_; }
    /// What its passes cost under its policy.
    [[nodiscard]] const meter<Policy>& costs() const noexcept { return meter_; }
    [[nodiscard]] meter<Policy>& costs() noexcept { return meter_; }
    /// The network that it runs.
    [[nodiscard]] const network& model() const noexcept { return *network_; }
    /// Memory of its cache at full capacity.
    [[nodiscard]] bytes cache_size() const noexcept { return cache_.shape().size(); }
    /// How its cache stores keys and values.
    [[nodiscard]] dtype cache_type() const noexcept { return cache_.shape().type; }
    /// Memory of the buffers of its largest pass, without the logits.
    [[nodiscard]] bytes scratch_size() const noexcept { return scratch_.size(); }
    /// The kernels that it runs on.
    [[nodiscard]] const simd::kernel_table& kernels() const noexcept { return *kernels_; }

private:
    template <class T>
    [[nodiscard]] static std::shared_ptr<T> required(std::shared_ptr<T> given, const char* what) {
        if (given == nullptr) raise(errc::invalid_argument, std::string("a sequence has no ") + what);
        return given;
    }
    void check_fresh() const {
        if (network_->generation() != generation_)
            raise(errc::stale_session, "the model's weights were swapped: begin a new session");
    }
    [[nodiscard]] std::span<const float> row(std::size_t i) const noexcept {
        const std::size_t n = network_->config().n_vocab;
        return {logits_.data() + i * padded(n), n};
    }

    /// One batch; has the pool and keeps swaps off meanwhile.
    eval_status pass(exec::context<Policy>& ctx, std::span<const std::int32_t> now, std::size_t n_output) {
        const auto& config = network_->config();
        const auto turn = pool_->lock_unless([&] { return ctx.stopped(); });
        if (!turn) return eval_status::stopped;
        const auto use = network_->use();
        check_fresh();
        const forward_batch batch{.tokens = now,
                                  .n_tok = now.size(),
                                  .pos = tokens_.size(),
                                  .n_output = n_output,
                                  .logits = logits_.data(),
                                  .cache = &cache_,
                                  .expert_use = pass_use_};
        std::fill(pass_use_.begin(), pass_use_.end(), 0);
        meter_.begin({.at = now.size() == 1 ? stage::decode : stage::prefill,
                      .n_tok = now.size(),
                      .n_past = tokens_.size(),
                      .n_layer = config.n_layer,
                      .d_model = config.d_model,
                      .weights = network_->stored(),
                      .cache = cache_.layer(0).per_position() * (config.n_layer * (tokens_.size() + now.size()))});
        network_->forward(ctx, batch);
        meter_.end();
        if (ctx.stopped()) return eval_status::stopped;
        for (std::size_t i = 0; i < n_output; ++i)
            if (!all_finite(row(i)))
                raise(errc::not_finite, "the network gave logits that are NaN or infinite: its weights are damaged, or "
                                        "overflow; get the file anew");
        for (std::size_t i = 0; i < pass_use_.size(); ++i) expert_use_[i] += pass_use_[i];
        return eval_status::done;
    }

    template <class Visit>
    eval_status run(std::span<const std::int32_t> tokens, std::size_t n_batch, std::size_t n_output, Visit&& visit) {
        const auto& config = network_->config();
        for (const auto id : tokens)
            if (id < 0 || static_cast<std::size_t>(id) >= config.n_vocab)
                raise(errc::invalid_argument, "token " + std::to_string(id) + " is outside the vocabulary of " +
                                                  std::to_string(config.n_vocab));
        if (tokens.size() > capacity_ - tokens_.size()) return eval_status::context_full;
        exec::context<Policy> ctx(*pool_, *kernels_, scratch_, meter_, &stop_);
        while (!tokens.empty()) {
            const auto now = tokens.first(std::min(n_batch, tokens.size()));
            if (const auto ended = pass(ctx, now, std::min(n_output, now.size())); ended != eval_status::done)
                return ended;
            tokens_.insert(tokens_.end(), now.begin(), now.end());
            tokens = tokens.subspan(now.size());
            last_row_ = std::min(n_output, now.size()) - 1;
            for (std::size_t i = 0; i <= last_row_; ++i) visit(tokens_.size() - 1 - last_row_ + i, row(i));
        }
        return eval_status::done;
    }

    std::shared_ptr<const network> network_;
    std::shared_ptr<thread_pool> pool_;
    const simd::kernel_table* kernels_;
    sequence_shape shape_;
    std::uint64_t generation_;
    std::size_t capacity_;
    kv_cache cache_;
    scratch scratch_;
    [[no_unique_address]] meter<Policy> meter_;
    std::vector<float> logits_;
    std::vector<std::uint64_t> expert_use_, pass_use_;  // of all passes that ended; of the one that runs
    std::vector<std::int32_t> tokens_;
    std::size_t last_row_ = 0;
    stop_signal stop_;
};

}  // namespace wafer::inline WAFER_ABI
