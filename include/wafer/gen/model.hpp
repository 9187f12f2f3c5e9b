// SPDX-License-Identifier: MIT
// L8 gen: what a user loads: a resident network with its tokenizer, its chat template and the threads that own its tiles.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <wafer/core/config.hpp>
#include <wafer/core/error.hpp>
#include <wafer/exec/pool.hpp>
#include <wafer/gen/vocabulary.hpp>
#include <wafer/io/open.hpp>
#include <wafer/model/network.hpp>
#include <wafer/text/chat_template.hpp>
#include <wafer/text/tokenizer.hpp>

namespace wafer::inline WAFER_ABI {

/// How weights become resident.
struct load_options {
    std::size_t n_threads = 0;            // 0: one for each CPU this process may use
    bool pin_threads = false;             // keep each on a CPU of its own
    std::shared_ptr<thread_pool> pool{};  // use these threads instead of new ones
    progress_fn progress{};               // return false to stop loading
};

/// A handle: copies share one model. Const and safe to share between threads; each conversation has a session of its own.
class model {
public:
    /// @throws error: everything that can be wrong with a file; see errc
    model(const checkpoint& file, const load_options& options = {}) : state_(std::make_shared<state>()) {
        auto& s = *state_;
        s.pool = options.pool ? options.pool : std::make_shared<thread_pool>(options.n_threads, options.pin_threads);
        s.net = std::make_shared<network>(file, s.pool->size());
        if (auto words = read_vocabulary(file)) {
            if (words->tokens.size() > s.net->config().n_vocab)
                raise(errc::bad_vocabulary,
                      std::to_string(words->tokens.size()) + " tokens for an embedding of " +
                          std::to_string(s.net->config().n_vocab) + " rows",
                      {file.path(), {}, "tokenizer.ggml.tokens"});
            s.words.emplace(std::move(*words));
        }
        if (auto source = file.metadata().find<std::string>("tokenizer.chat_template")) {
            // A template that cannot be read stops conversations, not the model.
            try {
                s.chat.emplace(*source);
            } catch (const error& e) {
                s.chat_refusal = e;
            }
        }
        s.net->load(file, *s.pool, options.progress);
    }

    [[nodiscard]] const model_config& config() const noexcept { return state_->net->config(); }
    [[nodiscard]] std::shared_ptr<const network> net() const noexcept { return state_->net; }
    [[nodiscard]] const std::shared_ptr<thread_pool>& pool() const noexcept { return state_->pool; }
    [[nodiscard]] bool has_tokenizer() const noexcept { return state_->words.has_value(); }
    [[nodiscard]] bool has_chat_template() const noexcept { return state_->chat.has_value(); }
    /// @throws error{errc::unsupported_tokenizer} if the file has no vocabulary
    [[nodiscard]] const tokenizer& words() const {
        if (!state_->words)
            raise(errc::unsupported_tokenizer,
                  "the model's file has no vocabulary: only token ids can be used with it");
        return *state_->words;
    }
    /// @throws error{errc::bad_template} if the file has no chat template, or one that cannot be read
    [[nodiscard]] const chat_template& chat() const {
        if (const auto& e = state_->chat_refusal) raise(e->code(), e->what());
        if (!state_->chat)
            raise(errc::bad_template,
                  "the model's file has no chat template: it can complete text, but not hold a conversation");
        return *state_->chat;
    }

    /// Replaces the weights in place by another checkpoint's of the same shape, as when a distilled model with new weights
    /// arrives. Sessions begun before are stale: their next use raises errc::stale_session.
    void swap(const checkpoint& file) { state_->net->swap(file, *state_->pool); }
    void swap(const std::filesystem::path& path) { swap(open_checkpoint(path)); }

private:
    struct state {
        std::shared_ptr<thread_pool> pool;
        std::shared_ptr<network> net;
        std::optional<tokenizer> words;
        std::optional<chat_template> chat;
        std::optional<error> chat_refusal;
    };
    std::shared_ptr<state> state_;
};

/// Loads a model: reads the header, plans, packs the weights into the resident arena, seals it.
///     const auto model = wafer::load("model.gguf");
/// Costs one read of the file; needs its weights' size in memory. @throws error
[[nodiscard]] inline model load(const std::filesystem::path& path, const load_options& options = {}) {
    return model(open_checkpoint(path), options);
}

}  // namespace wafer::inline WAFER_ABI
