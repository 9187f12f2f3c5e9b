// SPDX-License-Identifier: MIT
// L8 gen: a conversation with a model: templates, prefix reuse, streaming, stopping. Belongs to one thread at a time.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <wafer/core/config.hpp>
#include <wafer/core/error.hpp>
#include <wafer/core/stop_signal.hpp>
#include <wafer/cost/report.hpp>
#include <wafer/fwd.hpp>
#include <wafer/gen/answer_rules.hpp>
#include <wafer/gen/answer_stream.hpp>
#include <wafer/gen/ask_watch.hpp>
#include <wafer/gen/check_options.hpp>
#include <wafer/gen/history.hpp>
#include <wafer/gen/model.hpp>
#include <wafer/gen/prompt.hpp>
#include <wafer/gen/reply.hpp>
#include <wafer/gen/sampler.hpp>
#include <wafer/gen/session_options.hpp>
#include <wafer/gen/session_state.hpp>
#include <wafer/gen/stats.hpp>
#include <wafer/gen/turns.hpp>
#include <wafer/io/input_file.hpp>
#include <wafer/io/replace_file.hpp>
#include <wafer/model/sequence.hpp>
#include <wafer/text/call_format.hpp>
#include <wafer/text/chat_template.hpp>
#include <wafer/text/grammar/program.hpp>
#include <wafer/text/tokenizer.hpp>

namespace wafer::inline WAFER_ABI {

/// A conversation.
///     wafer::session chat{model};
///     for (const auto& piece : chat.ask("Why keep weights in SRAM?")) std::cout << piece.text << std::flush;
/// With a cost policy the same answers are also priced on other hardware: session chat{model, cost::gpu{devices::h100_sxm, 8}}.
template <cost_policy Policy>
class session {
public:
    /// A conversation with this model, priced by this policy. Of the model it keeps a copy, which shares all that is large.
    /// Neither copied nor moved: its answers refer to it.
    /// @throws error: invalid_argument (shape, sampling, or what the chat template cannot show), bad_utf8, out_of_memory,
    /// target_unavailable (see simd::select)
    explicit session(const model& m, Policy policy = {}, session_options options = {})
        : model_(m), options_(checked(std::move(options), m)),
          sequence_(
              or_out_of_memory([&] { return sequence<Policy>(m.net(), m.pool(), options_.shape, std::move(policy)); })),
          sampler_(options_.how) {
        or_out_of_memory([&] {
            const std::size_t made_for = model_.config().n_context;
            if (sequence_.capacity() < made_for)
                model_.log(log_level::info, "context: " + std::to_string(sequence_.capacity()) + " positions of the " +
                                                std::to_string(made_for) + " that the model was made for");
            if (options_.grammar) static_cast<void>(model_.trie());  // takes long where it has not been made yet
            if (const auto warning = warning_of(sequence_.capacity(), model_.config()); !warning.empty())
                model_.log(log_level::warning, warning);
            reset();
        });
    }
    /// The same without prices.
    template <class Prices = Policy>
    session(const model& m, session_options options) requires std::same_as<Prices, cost::none>
        : session(m, Prices{}, std::move(options)) {}
    session(const session&) = delete;
    session& operator=(const session&) = delete;

    /// Adds a user's message and begins the answer. Only what is new since the last turn goes through the network. An answer
    /// that is stopped on the way, by `how` or stop(), has ended when this returns, and the question is forgotten.
    /// @throws error{errc::context_full} if the conversation no longer fits; it then stands as before the question
    /// @throws error: bad_utf8, template_failed, bad_template, unsupported_tokenizer, grammar_failed, out_of_memory;
    /// wrong_process (in a forked child); invalid_argument (nothing to read, or above 1 GiB of text)
    /// @cost  here all turns are rendered and encoded; the network reads when the first piece is asked for
    [[nodiscard]] reply<Policy> ask(std::string_view text, const ask_options& how = {}) {
        return or_out_of_memory([&] {
            const message question{.role = "user", .content = std::string(text)};
            return ask(std::span(&question, 1), how);
        });
    }
    /// The same for any turns: what tools that were called gave, say.
    [[nodiscard]] reply<Policy> ask(std::span<const message> turns, const ask_options& how = {}) {
        return or_out_of_memory([&] {
            const watching now(*this, how);
            std::vector<message> added(turns.begin(), turns.end());  // they may be this conversation's own
            settle();
            history::question question(history_, std::move(added));
            const auto prompt = prompt_for(history_.turns());
            if (prompt && begin(*prompt)) question.keep();
            else end_at_once();
            return reply<Policy>(*this);
        });
    }

    /// Continues a text as it stands: no template, and not part of the conversation. Control tokens written in it are
    /// control tokens: pass what strangers typed through model.words().inert().
    /// @throws error: as ask(), without what templates raise
    [[nodiscard]] reply<Policy> complete(std::string_view prompt, const ask_options& how = {}) {
        return or_out_of_memory([&] {
            const watching now(*this, how);
            settle();
            if (!begin(prompt, true)) end_at_once();
            return reply<Policy>(*this);
        });
    }

    /// Ends the running answer within milliseconds, from any thread or a signal handler, whatever is being done for it. The
    /// next question takes this back: what has to count for a question that may not have begun yet is ask_options::stop. The
    /// conversation goes on with what was said so far; a question that was not read to its end is forgotten.
    /// Without exceptions it waits until the chat template has been rendered.
    void stop() noexcept { sequence_.request_stop(); }
    /// Why the last answer ended.
    [[nodiscard]] finish ended() const noexcept { return finish_; }

    /// Forgets the conversation, but not the system prompt.
    /// @throws error{errc::out_of_memory} before anything has changed
    void reset() {
        or_out_of_memory([&] {
            std::vector<message> fresh;
            if (!options_.system.empty()) fresh.push_back({.role = "system", .content = options_.system});
            drop_answer();
            history_.restart(std::move(fresh));
        });
    }
    /// The conversation so far, with the system prompt; an answer joins it when it ends. Valid until the next call that is not
    /// const.
    [[nodiscard]] std::span<const message> messages() const noexcept { return history_.turns(); }

    /// Keeps the whole conversation: messages, tokens with their logits and cache, how answers are drawn and the state of their
    /// randomness. A running answer ends here, as far as it came. What the work cost is not kept. The file is replaced as a
    /// whole, or not at all: where there is no room for it (disk, quota, RLIMIT_FSIZE), that is io_failed, and nothing is left.
    /// @throws error: stale_session, not_a_file, io_failed, out_of_memory
    /// @cost  bytes: the cache's used positions, 4 a token and a row of the vocabulary, 8 an expert of a layer, text
    void save(const std::filesystem::path& path) {
        or_out_of_memory([&] {
            settle_all();
            const auto head = saved_head();
            replace_file file(path, saved_size(head));
            write_session(head, sequence_, [&](std::span<const std::byte> part) { file.write(part); });
            file.commit();
        });
    }
    /// The same as bytes.  @throws error: stale_session, out_of_memory
    [[nodiscard]] std::vector<std::byte> save() {
        return or_out_of_memory([&] {
            settle_all();
            const auto head = saved_head();
            std::vector<std::byte> file;
            file.reserve(saved_size(head));
            write_session(head, sequence_,
                          [&](std::span<const std::byte> part) { file.insert(file.end(), part.begin(), part.end()); });
            return file;
        });
    }
    /// Goes on where a session with the same model and cache type was saved: the same logits and, on the same kernels, the same
    /// answers, bit for bit. What this session held, and all of its options but shape, grammar and reading, are replaced.
    /// @throws error before anything has changed: bad_magic, unsupported_version, truncated, corrupt, wrong_model, wrong_type (of
    /// cache), context_full (it holds more tokens than this session can), stale_session, and as the constructor; for a path also
    /// what input_file throws
    void load(const std::filesystem::path& path) {
        or_out_of_memory([&] {
            const input_file file(path);
            load(read_session_file(file), file.name());
        });
    }
    /// The same from memory; `name` stands for it in errors.
    void load(std::span<const std::byte> file, const std::string& name = "memory") {
        or_out_of_memory([&] {
            auto saved = parse_session(file, name, identity());
            if (const auto refusal = refusal_of([&] { check_options(saved.options, model_); })) {
                const bool damaged = refusal->code() == errc::bad_utf8;
                raise(damaged ? errc::corrupt : refusal->code(), refusal->what(), {name, {}, {}});
            }
            sampler drawing(saved.options.how, saved.random);
            sequence_.restore(saved.n_tok, saved.sequence);
            // Nothing can fail from here on.
            drop_answer();
            ++number_;
            saved.options.shape = options_.shape;
            saved.options.grammar = std::move(options_.grammar);
            saved.options.reading = std::move(options_.reading);
            options_ = std::move(saved.options);
            sampler_ = std::move(drawing);
            history_.restart(std::move(saved.messages));
            stats_ = saved.stats;
            finish_ = saved.ended;
        });
    }

    /// Figures of the last answer, and of all.
    [[nodiscard]] const answer_stats& stats() const noexcept { return stats_; }
    /// What the session's work took, or would have taken, under its policy: one report for each modelled device.
    [[nodiscard]] std::vector<cost_report> cost() const {
        return or_out_of_memory([&] { return sequence_.costs().reports(); });
    }
    /// Begins all reports anew.
    void reset_cost() noexcept { sequence_.costs().reset(); }

    /// The parts, for those who want to drive them: token by token, with logits.
    [[nodiscard]] sequence<Policy>& tokens() noexcept { return sequence_; }
    [[nodiscard]] const sequence<Policy>& tokens() const noexcept { return sequence_; }
    /// How it answers now, with what was set or loaded since construction.
    [[nodiscard]] const session_options& options() const noexcept { return options_; }
    /// Changes how tokens are drawn from now on, with randomness from how.seed.
    /// @throws error{errc::invalid_argument} for values out of range; then nothing has changed
    void set_sampling(const sampling& how) {
        sampler_ = sampler(filled(how, model_.recommended_sampling()));
        options_.how = sampler_.how();
    }
    /// Whether templates that ask are told to think in later answers; not set: the template's own default.
    void set_thinking(std::optional<bool> on) {
        warn_of_thinking(model_, on);
        options_.thinking = on;
    }
    /// Constrains later answers; null: no longer.  @throws error: unsupported_tokenizer, out_of_memory
    void set_grammar(std::shared_ptr<const grammar::program> rules) {
        if (rules) static_cast<void>(model_.trie());
        options_.grammar = std::move(rules);
    }

private:
    friend class reply<Policy>;

    // With what the model's file recommends where nothing else is asked for.
    [[nodiscard]] static session_options checked(session_options options, const model& m) {
        return or_out_of_memory([&] {
            check_options(options, m);
            options.how = filled(filled(options.how, m.recommended_sampling()));
            return std::move(options);
        });
    }

    [[nodiscard]] session_identity identity() const { return {model_.fingerprint(), sequence_.cache_type()}; }
    [[nodiscard]] std::vector<std::byte> saved_head() const {
        const session_state now{.options = options_,
                                .random = sampler_.state(),
                                .stats = stats_,
                                .ended = finish_,
                                .messages = history_.turns(),
                                .n_tok = sequence_.position()};
        return session_head(now, identity(), sequence_.saved_size(now.n_tok));
    }

    [[nodiscard]] std::size_t saved_size(std::span<const std::byte> head) const {
        return head.size() + sequence_.saved_size(sequence_.position()) + sizeof(std::uint64_t);
    }

    [[nodiscard]] const tokenizer& words() const { return model_.words(); }

    /// Watches while a question is asked, and on if an answer runs then.
    struct watching {
        session& by;
        watching(session& s, const ask_options& how) : by(s) { s.watch_.begin(how); }
        watching(const watching&) = delete;
        watching& operator=(const watching&) = delete;
        ~watching() {
            if (by.finish_ != finish::running) by.watch_.end();
        }
    };
    /// The question was stopped before it was a prompt.
    void end_at_once() noexcept {
        ++number_;
        answer_.reset();
        prompt_.clear();
        stats_.begin(0, 0);
        stats_.end();
        finish_ = watch_.reason();
    }

    [[nodiscard]] std::optional<std::string> prompt_for(std::vector<message> turns) const {
        return make_prompt(model_, options_, std::move(turns), watch_.signal());
    }
    /// Whether the template takes these turns. Without exceptions there is no trying.
    [[nodiscard]] bool is_shown(std::vector<message> turns) const {
        return WAFER_EXCEPTIONS == 0 || !refusal_of([&] { static_cast<void>(prompt_for(std::move(turns))); });
    }

    /// Takes a prompt: what the sequence already holds of it stays. False if that was stopped.
    [[nodiscard]] bool begin(std::string_view prompt, bool continues = false) {
        model_.pool()->check_process();
        std::vector<token_id> ids = words().encode(prompt, special_text::parse, &watch_.signal());
        if (watch_.stopped()) return false;
        if (words().adds_bos() && (ids.empty() || ids.front() != *words().bos()))
            ids.insert(ids.begin(), *words().bos());
        if (ids.empty()) raise(errc::invalid_argument, "there is nothing to read: the prompt is empty");
        if (ids.size() > sequence_.capacity())
            raise(errc::context_full, "the prompt has " + std::to_string(ids.size()) + " tokens, the context " +
                                          std::to_string(sequence_.capacity()) +
                                          ": begin a new conversation or use a larger context");
        ++number_;
        const auto held = sequence_.tokens();
        const auto shared = std::mismatch(ids.begin(), ids.end(), held.begin(), held.end()).first - ids.begin();
        // The last token is read again even if it is held: its logits are wanted.
        reused_ = std::min(static_cast<std::size_t>(shared), ids.size() - 1);
        // Without tools nothing is a call, but some models write even plain answers in their own format.
        const auto own = model_.calls();
        const bool reads_calls = !options_.tools.is_null() || own == call_dialect::harmony;
        const auto dialect = reads_calls ? own : call_dialect::none;
        answer_.emplace(words(), dialect, options_.stop, prompt, last_call(history_.turns()), continues,
                        options_.tools);
        rules_.reset();
        const bool may_think = options_.thinking.value_or(true) && model_.thinks();
        const bool may_call = !options_.tools.is_null();
        if (options_.grammar)
            rules_.emplace(options_.grammar, model_.trie(), words(), dialect, prompt, may_think, may_call);
        prompt_ = std::move(ids);
        stats_.begin(prompt_.size(), reused_);
        finish_ = finish::running;
        return true;
    }

    /// Reads the prompt if that was not done yet. False if it was stopped.
    [[nodiscard]] bool read_prompt() {
        if (prompt_.empty()) return true;
        sequence_.rewind(reused_);
        const std::size_t n = prompt_.size() - reused_;
        auto status = eval_status::done;
        if (options_.reading) options_.reading(0, n);
        for (std::size_t read = 0; read < n && status == eval_status::done;) {
            const auto batch = std::span(prompt_).subspan(reused_ + read, std::min(options_.shape.n_batch, n - read));
            status = sequence_.eval(batch);
            read += batch.size();
            if (options_.reading && status == eval_status::done) options_.reading(read, n);
        }
        prompt_.clear();
        return status == eval_status::done;
    }

    [[nodiscard]] std::optional<reply_piece> next_piece() {
        std::optional<reply_piece> piece;
        or_drop_answer([&] {
            while (answer_ && answer_->empty() && finish_ == finish::running) {
                if (!prompt_.empty() && !read_prompt()) {
                    history_.forget_question();
                    end_with(watch_.reason());
                    break;
                }
                advance();
            }
            if (answer_) piece = answer_->take();
            if (piece) return;
            settle_answer();
            watch_.end();
        });
        return piece;
    }

    /// Draws one token, and makes its logits' successor ready.
    void advance() {
        if (rules_ && rules_->is_over(&watch_.signal())) return end_with(finish::end_of_turn);
        const auto drawn = draw();
        if (!drawn) return end_with(watch_.reason());
        const token_id id = *drawn;
        stats_.token();
        if (words().is_end(id)) {
            answer_->add_last(id);
            return end_with(finish::end_of_turn);
        }
        answer_->add(id);
        if (answer_->stopped()) return end_with(finish::stop_string);
        if (options_.max_tokens != 0 && stats_.generated >= options_.max_tokens) return end_with(finish::max_tokens);
        switch (sequence_.eval({&id, 1})) {
            case eval_status::done: break;
            case eval_status::stopped: end_with(watch_.reason()); break;
            case eval_status::context_full: end_with(finish::context_full); break;
        }
    }
    /// The next token: thinking is free, what is said satisfies the grammar. None if finding one was stopped.
    [[nodiscard]] std::optional<token_id> draw() {
        const auto pick = [&](std::span<const std::uint64_t> allowed) {
            return sampler_.pick(sequence_.logits(), sequence_.tokens(), allowed);
        };
        return rules_ ? rules_->draw(pick, &watch_.signal()) : std::optional(pick({}));
    }

    void end_with(finish why) {
        answer_->end();
        finish_ = answer_->stopped() ? finish::stop_string : why;  // one may have been held back
        stats_.end();
    }
    /// The answer and its question are gone, as if it had not been asked.
    void drop_answer() noexcept {
        watch_.end();
        history_.forget_question();
        prompt_.clear();
        answer_.reset();
        if (finish_ == finish::running) stats_.end();
        finish_ = finish::stopped;
    }
    /// Runs work(). If that fails the answer is dropped: half of a step cannot be gone on from.
    template <class Work>
    void or_drop_answer(Work&& work) {
        if (const auto failed = exception_of([&] { or_out_of_memory(work); })) {
            drop_answer();
            std::rethrow_exception(failed);
        }
    }

    /// Makes the answer, as far as it came, part of the conversation. Whether the template takes it can be proven later:
    /// rendering a long conversation takes longer than whoever stopped an answer wants to wait.
    void settle(bool with_proof = true) {
        or_drop_answer([&] {
            if (finish_ == finish::running && answer_) end_with(finish::stopped);
            if (!prompt_.empty()) history_.forget_question();  // nothing of it was read
            prompt_.clear();
            if (answer_) history_.answer(answer_->said());
            if (with_proof) prove();
        });
    }
    /// The same for an answer that has come to its end; where showing that the template takes it fails, it is dropped, too.
    void settle_answer() {
        settle(false);
        if (finish_ == finish::stopped || finish_ == finish::deadline) return;
        if (const auto failed = exception_of([&] { prove(); })) {
            history_.forget_unproven();
            std::rethrow_exception(failed);
        }
    }
    /// Makes sure that the template takes the last answer, or puts that off if it is stopped.
    void prove() {
        history_.prove([&](auto turns) { return is_shown(std::move(turns)); }, [&] { return watch_.stopped(); });
    }
    /// The same, also after a stop.
    void settle_all() {
        settle();
        while (history_.is_unproven()) {
            watch_.begin({});
            prove();
        }
        watch_.end();
    }

    /// The same where nothing may be thrown.
    void abandon() noexcept {
        static_cast<void>(exception_of([&] { settle(false); }));
        watch_.end();
    }

    model model_;
    session_options options_;
    sequence<Policy> sequence_;
    ask_watch<sequence<Policy>> watch_{sequence_};
    sampler sampler_;
    history history_;
    std::vector<token_id> prompt_;  // not read yet
    std::size_t reused_ = 0;        // tokens of it that the sequence holds
    std::optional<answer_stream> answer_;
    std::optional<answer_rules> rules_;
    answer_stats stats_;
    finish finish_ = finish::end_of_turn;
    std::uint64_t number_ = 0;  // of the last answer
};

session(const model&)->session<cost::none>;
session(const model&, session_options)->session<cost::none>;

}  // namespace wafer::inline WAFER_ABI
