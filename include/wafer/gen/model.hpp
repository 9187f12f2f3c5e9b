// SPDX-License-Identifier: MIT
// L8 gen: what a user loads: a resident network with its tokenizer, its chat template and the threads that own its tiles.
#pragma once

#include <cstddef>
#include <filesystem>
#include <initializer_list>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <wafer/core/config.hpp>
#include <wafer/core/error.hpp>
#include <wafer/core/hash.hpp>
#include <wafer/core/huge_pages.hpp>
#include <wafer/core/human.hpp>
#include <wafer/core/log.hpp>
#include <wafer/exec/pool.hpp>
#include <wafer/gen/load_options.hpp>
#include <wafer/gen/recommended_sampling.hpp>
#include <wafer/gen/sampler.hpp>
#include <wafer/gen/vocabulary.hpp>
#include <wafer/io/open.hpp>
#include <wafer/model/network.hpp>
#include <wafer/simd/kernels.hpp>
#include <wafer/text/call_format.hpp>
#include <wafer/text/chat_template.hpp>
#include <wafer/text/grammar/token_trie.hpp>
#include <wafer/text/think.hpp>
#include <wafer/text/tokenizer.hpp>

namespace wafer::inline WAFER_ABI {

/// A handle: copies share one model. Const and safe to share between threads; each conversation has a session of its own.
/// In a forked child, which has none of its threads, it can be destroyed; whatever would compute raises errc::wrong_process.
class model {
public:
    /// Makes a checkpoint's weights resident. @throws error, as load() without what opening the file throws;
    /// invalid_argument if it is mapped and the options want files to be read: open it so
    model(const checkpoint& file, const load_options& options = {})
        : state_(or_out_of_memory([&] { return make_state(file, options); })) {
        if (state_->log) or_out_of_memory([&] { report(); });
    }

    /// Sizes and constants of the network. A swap leaves them as they are.
    [[nodiscard]] const model_config& config() const noexcept { return state_->net->config(); }
    /// The network, for a sequence of one's own; stays alive as long as this is held.
    [[nodiscard]] std::shared_ptr<const network> net() const noexcept { return state_->net; }
    /// The threads that run it; may be shared with other models.
    [[nodiscard]] const std::shared_ptr<thread_pool>& pool() const noexcept { return state_->pool; }
    /// Tells models apart by what decides their answers: the network (see model/fingerprint.hpp) and the vocabulary. Not by
    /// names, template or threads. Changes with swap().
    [[nodiscard]] std::uint64_t fingerprint() const noexcept {
        hash64 both = state_->vocabulary;
        return both.add(state_->net->fingerprint()).value();
    }
    /// Tells load_options::log, if there is one.
    void log(log_level level, std::string_view line) const {
        if (state_->log) state_->log(level, line);
    }
    /// Whether words() gives one.
    [[nodiscard]] bool has_tokenizer() const noexcept { return state_->words.has_value(); }
    /// Whether chat() gives one: the file has a template, and it could be read.
    [[nodiscard]] bool has_chat_template() const noexcept { return state_->chat.made.has_value(); }
    /// @throws error{errc::unsupported_tokenizer} if the file has no vocabulary
    [[nodiscard]] const tokenizer& words() const {
        if (!state_->words)
            raise(errc::unsupported_tokenizer,
                  "the model's file has no vocabulary: only token ids can be used with it");
        return *state_->words;
    }
    /// The template for conversations. Some files have another one for those with tools.
    /// @throws error{errc::bad_template} if the file has no chat template, or one that cannot be read
    [[nodiscard]] const chat_template& chat(bool with_tools = false) const {
        const auto& one = template_for(with_tools);
        if (one.refusal) raise(one.refusal->code(), one.refusal->what());
        if (!one.made)
            raise(errc::bad_template,
                  "the model's file has no chat template: it can complete text, but not hold a conversation");
        return *one.made;
    }
    /// How the model's file says that tokens are best drawn; what it does not say is not set.
    [[nodiscard]] const sampling& recommended_sampling() const noexcept { return state_->drawn; }

    /// Whether the model may open thinking by itself, as far as its tokens or its template tell.
    [[nodiscard]] bool thinks() const {
        const auto& chat = state_->chat.made;
        return (state_->words && state_->words->find(think_tags{}.open)) ||
               (chat && chat->source().find("think>") != std::string::npos);
    }
    /// How the model writes calls of tools: what its template, or else its special tokens, tell.
    [[nodiscard]] call_dialect calls() const {
        for (const bool with_tools : {true, false})
            if (const auto& chat = template_for(with_tools).made)
                if (const auto d = dialect_of_template(chat->source()); d != call_dialect::none) return d;
        if (!state_->words) return call_dialect::none;
        return dialect_of_tokens([&](std::string_view text) {
            const auto id = state_->words->find(text);
            return id && state_->words->is_control(*id);
        });
    }
    /// The vocabulary as constrained output needs it; made when it is first asked for, from any thread.
    /// @throws error{errc::unsupported_tokenizer} if the file has no vocabulary; error{errc::wrong_process}
    [[nodiscard]] std::shared_ptr<const grammar::token_trie> trie() const {
        const auto& all = words();
        pool()->check_process();  // the parent may be making it
        std::call_once(state_->trie_made, [&] {
            state_->trie = std::make_shared<const grammar::token_trie>(grammar::token_trie::of(all));
        });
        return state_->trie;
    }

    /// Replaces the weights in place by another checkpoint's of the same shape and vocabulary (or without one), as when
    /// a distilled model with new weights arrives. Waits for running passes. Sessions begun before are stale: their
    /// next use raises errc::stale_session.
    /// @throws error before anything has changed: wrong_shape (or another architecture, type or constant), wrong_model
    /// (another vocabulary), and what is wrong with the checkpoint itself, as load(); half-way io_failed, truncated or
    /// out_of_memory, if its bytes cannot be read or change: see network::swap
    /// @cost  one read of the file; no second copy of the weights
    void swap(const checkpoint& file) {
        or_out_of_memory([&] {
            check_access(*state_, file);
            const auto words = read_vocabulary(file);
            if (words && state_->words && hash_of(*words).value() != state_->vocabulary.value())
                raise(errc::wrong_model, "a swap needs the vocabulary of the resident model",
                      {file.path(), {}, "tokenizer.ggml.tokens"});
            state_->net->swap(file, *state_->pool);
            report_replaced(*state_, file);
        });
    }
    /// The same for a file, mapped or read as load_options::access said. @throws error as above, and what open_checkpoint
    /// throws
    void swap(const std::filesystem::path& path) {
        or_out_of_memory([&] { swap(open_checkpoint(path, state_->access)); });
    }

private:
    /// A template that cannot be read stops conversations, not the model.
    struct file_template {
        std::optional<chat_template> made;
        std::optional<error> refusal;
    };
    struct state {
        std::shared_ptr<thread_pool> pool;
        std::shared_ptr<network> net;
        std::optional<tokenizer> words;
        file_template chat, tool_chat;
        sampling drawn;
        std::vector<std::string> warnings;
        hash64 vocabulary;
        log_fn log;
        file_access access{};
        std::once_flag trie_made;
        std::shared_ptr<const grammar::token_trie> trie;
    };

    static hash64 hash_of(const vocabulary& words) noexcept {
        hash64 hash;
        for (const auto& token : words.tokens) hash.add(token);
        return hash;
    }

    static std::shared_ptr<state> make_state(const checkpoint& file, const load_options& options) {
        (void)simd::select();  // a WAFER_TARGET that is not there is better known now than after the weights
        auto made = std::make_shared<state>();
        auto& s = *made;
        s.log = options.log;
        s.access = options.access;
        check_access(s, file);
        s.pool = options.pool ? options.pool : std::make_shared<thread_pool>(options.n_threads, options.pin_threads);
        s.net = std::make_shared<network>(file, s.pool->size(), options.others);
        if (auto words = read_vocabulary(file)) {
            if (words->tokens.size() > s.net->config().n_vocab)
                raise(errc::bad_vocabulary,
                      std::to_string(words->tokens.size()) + " tokens for an embedding of " +
                          std::to_string(s.net->config().n_vocab) + " rows",
                      {file.path(), {}, "tokenizer.ggml.tokens"});
            s.vocabulary = hash_of(*words);
            s.words.emplace(std::move(*words));
        }
        // @cite llama.cpp, gguf-py/gguf/vocab.py: named templates have keys of their own
        s.chat = read_template(file, {"tokenizer.chat_template", "tokenizer.chat_template.default"});
        s.tool_chat = read_template(file, {"tokenizer.chat_template.tool_use"});
        s.drawn = read_sampling(file, s.warnings);
        s.net->load(file, *s.pool, options.progress, options.stop);
        report_replaced(s, file);
        return made;
    }
    static void check_access(const state& s, const checkpoint& file) {
        if (s.access == file_access::read && file.is_mapped())
            raise(errc::invalid_argument, "the file is mapped where it should be read: open it with file_access::read",
                  {file.path(), {}, {}});
    }
    static void report_replaced(const state& s, const checkpoint& file) {
        if (!s.log) return;
        if (const auto* name = file.replaced())
            s.log(log_level::warning, *name + " was replaced meanwhile: the file that was there before is resident");
    }

    // The template under the first of these keys that the file has.
    static file_template read_template(const checkpoint& file, std::initializer_list<std::string_view> keys) {
        file_template out;
        for (const auto key : keys)
            if (const auto source = file.metadata().find<std::string>(key)) {
                out.refusal = refusal_of([&] { out.made.emplace(*source); });
                return out;
            }
        return out;
    }
    [[nodiscard]] const file_template& template_for(bool with_tools) const noexcept {
        const auto& tools = state_->tool_chat;
        return with_tools && (tools.made || tools.refusal) ? tools : state_->chat;
    }

    void report() const {
        const auto& kernels = simd::select();
        log(log_level::info, "kernels: " + std::string(kernels.name) + " (" + std::string(kernels.features) +
                                 "), threads: " + std::to_string(pool()->size()));
        if (kernels.name == "static" && WAFER_DISPATCH)
            log(log_level::warning, "neither AVX2 nor AVX-512 is used: the portable kernels are several times slower");
        if (pool()->size() > system::usable_cpus())
            log(log_level::warning, std::to_string(pool()->size()) + " threads share " +
                                        std::to_string(system::usable_cpus()) + " CPUs: use no more than there are");
        const auto weights = net()->memory();
        log(log_level::info,
            "weights: " + human(bytes(weights.size())) + " resident, " + human(net()->stored()) + " in the file");
        if (const auto huge = system::huge_page_bytes(weights)) {
            const bool few = weights.size() > std::size_t{64} << 20 && *huge < weights.size() / 2;
            log(few ? log_level::warning : log_level::info,
                "huge pages: " + human(bytes(*huge)) + " of the weights" +
                    (few ? ": allow more (transparent_hugepage/enabled: madvise), and they are read faster" : ""));
        }
        for (const auto& line : net()->warnings()) log(log_level::warning, line);
        if (!has_tokenizer()) log(log_level::warning, "no vocabulary: only token ids can be used");
        else
            for (const auto& line : words().warnings()) log(log_level::warning, line);
        for (const auto& line : state_->warnings) log(log_level::warning, line);
        for (const bool with_tools : {false, true})
            if (const auto& refusal = (with_tools ? state_->tool_chat : state_->chat).refusal)
                log(log_level::warning, "the chat template" + std::string(with_tools ? " for tools" : "") +
                                            " cannot be used: " + refusal->what());
        if (!state_->chat.made && !state_->chat.refusal)
            log(log_level::info, "no chat template: text can be continued, not answered");
    }
    std::shared_ptr<state> state_;
};

/// Loads a model: reads the header, plans, packs the weights into the resident arena, seals it.
///     const auto model = wafer::load("model.gguf");
/// @throws error: file_not_found, permission_denied, not_a_file, io_failed; bad_magic, unsupported_version, truncated,
/// corrupt, duplicate_name, unsupported_dtype; unsupported_architecture, missing_key, missing_tensor, wrong_type,
/// wrong_shape; unsupported_key, unused_tensor; unsupported_tokenizer, bad_vocabulary; out_of_memory, target_unavailable,
/// cancelled. A file that others wrote to meanwhile is truncated or io_failed; if it shrinks while it is mapped, the process is
/// killed: see load_options::access. A chat template that cannot be read is no error here, but one of model::chat().
/// @cost  one read of the file; its weights' size in memory (exactly: plan())
[[nodiscard]] inline model load(const std::filesystem::path& path, const load_options& options = {}) {
    return or_out_of_memory([&] { return model(open_checkpoint(path, options.access), options); });
}
/// Loads a model that is in memory (kept by the caller until this returns, or handed over) or behind a reader, of which
/// every byte is read once, when it is needed.
///     const auto model = wafer::load(std::span(image));
///     const auto model = wafer::load(wafer::file_reader{.size = n, .read = [&](auto offset, auto to) { ... }});
/// @throws error: as above, what the reader raises, and invalid_argument for one shard of a split model
[[nodiscard]] inline model load(byte_source file, const load_options& options = {}) {
    return or_out_of_memory([&] { return model(open_checkpoint(std::move(file)), options); });
}

}  // namespace wafer::inline WAFER_ABI
