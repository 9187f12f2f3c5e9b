// SPDX-License-Identifier: MIT
// L8 gen: a conversation with a model: templates, prefix reuse, streaming, stopping. Belongs to one thread at a time.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <wafer/core/config.hpp>
#include <wafer/core/error.hpp>
#include <wafer/cost/report.hpp>
#include <wafer/fwd.hpp>
#include <wafer/gen/model.hpp>
#include <wafer/gen/sampler.hpp>
#include <wafer/gen/stats.hpp>
#include <wafer/gen/stop_strings.hpp>
#include <wafer/model/sequence.hpp>
#include <wafer/text/chat_template.hpp>
#include <wafer/text/think.hpp>
#include <wafer/text/tokenizer.hpp>

namespace wafer::inline WAFER_ABI {

/// How a session answers.
struct session_options {
    sequence_shape shape{};           // context, batch, cache type
    sampling how{};                   // temperature and the like
    std::string system{};             // system prompt; empty: none
    std::optional<bool> thinking{};   // tells templates that ask for it; not set: the template's own default
    std::size_t max_tokens = 0;       // of one answer; 0: as many as fit
    std::vector<std::string> stop{};  // strings that end an answer and are not part of it
};

/// Why an answer ended, or that it has not.
enum class finish : std::uint8_t { running, end_of_turn, stop_string, max_tokens, context_full, stopped };

[[nodiscard]] constexpr std::string_view to_string(finish f) noexcept {
    constexpr std::string_view names[] = {"running",    "end_of_turn",  "stop_string",
                                          "max_tokens", "context_full", "stopped"};
    return names[static_cast<std::size_t>(f)];
}

/// A piece of an answer, as it becomes certain: complete UTF-8, never empty.
struct reply_piece {
    std::string text;
    bool thinking = false;  // inside <think>...</think>
};

/// An answer in the making: a range of reply_piece, computed as it is walked. Walk it once; the session must outlive it. An
/// answer dropped half-way stays in the conversation as far as it came.
template <cost_policy Policy>
class reply {
public:
    reply(reply&& o) noexcept : session_(std::exchange(o.session_, nullptr)) {}
    reply& operator=(reply&&) = delete;
    ~reply() {
        if (session_ != nullptr) session_->settle();
    }

    /// The next piece, or nothing at the end. @throws error{errc::stale_session}
    [[nodiscard]] std::optional<reply_piece> next() { return session_->next_piece(); }
    /// Walks to the end and returns the answer without its thinking.
    std::string text() {
        std::string all;
        while (auto piece = next())
            if (!piece->thinking) all += piece->text;
        return all;
    }
    [[nodiscard]] finish ended() const noexcept { return session_->ended(); }

    class iterator {
    public:
        using value_type = reply_piece;
        using difference_type = std::ptrdiff_t;
        explicit iterator(reply* from) : from_(from) { ++*this; }
        [[nodiscard]] const reply_piece& operator*() const noexcept { return *piece_; }
        iterator& operator++() {
            piece_ = from_->next();
            return *this;
        }
        void operator++(int) { ++*this; }
        friend bool operator==(const iterator& i, std::default_sentinel_t) noexcept { return !i.piece_; }

    private:
        reply* from_;
        std::optional<reply_piece> piece_;
    };
    [[nodiscard]] iterator begin() { return iterator(this); }
    [[nodiscard]] std::default_sentinel_t end() const noexcept { return {}; }

private:
    friend class session<Policy>;
    explicit reply(session<Policy>& s) noexcept : session_(&s) {}
    session<Policy>* session_;
};

/// A conversation.
///     wafer::session chat{model};
///     for (const auto& piece : chat.ask("Why keep weights in SRAM?")) std::cout << piece.text << std::flush;
/// With a cost policy the same answers are also priced on other hardware: session chat{model, cost::gpu{devices::h100_sxm, 8}}.
template <cost_policy Policy>
class session {
public:
    /// @throws error: out_of_memory, invalid_argument
    explicit session(const model& m, Policy policy = {}, session_options options = {})
        : model_(m), options_(std::move(options)), sequence_(m.net(), m.pool(), options_.shape, std::move(policy)),
          sampler_(options_.how) {
        reset();
    }
    session(const model& m, session_options options) requires std::same_as<Policy, cost::none>
        : session(m, Policy{}, std::move(options)) {}
    session(const session&) = delete;
    session& operator=(const session&) = delete;

    /// Adds a user's message and begins the answer. Only what is new since the last turn goes through the network.
    /// @throws error{errc::context_full} if the conversation no longer fits; it then stands as before the question
    /// @throws error: bad_utf8, template_failed
    [[nodiscard]] reply<Policy> ask(std::string_view text) {
        settle();
        say("user", text);
        try {
            template_options how;
            how.add_generation_prompt = true;
            how.enable_thinking = options_.thinking;
            how.bos_token = token_text(words().bos());
            how.eos_token = token_text(words().eos());
            // Control tokens are for templates to write: a user's look-alikes stay text.
            auto shown = messages_;
            for (auto& m : shown)
                if (m.role == "user") m.content = words().inert(m.content);
            begin(model_.chat().render(shown, how));
        } catch (...) {
            messages_.pop_back();
            throw;
        }
        answering_ = true;
        return reply<Policy>(*this);
    }

    /// Continues a text as it stands: no template, and not part of the conversation.
    /// @throws error{errc::context_full, errc::bad_utf8}
    [[nodiscard]] reply<Policy> complete(std::string_view prompt) {
        settle();
        begin(prompt);
        return reply<Policy>(*this);
    }

    /// Ends the running answer soon, from any thread or a signal handler, also while a prompt is being read. The conversation
    /// goes on with what was said so far; a question that was not read to its end is forgotten.
    void stop() noexcept { sequence_.request_stop(); }
    /// Why the last answer ended.
    [[nodiscard]] finish ended() const noexcept { return finish_; }

    /// Forgets the conversation, but not the system prompt.
    void reset() {
        settle();
        messages_.clear();
        if (!options_.system.empty()) say("system", options_.system);
    }
    [[nodiscard]] std::span<const message> messages() const noexcept { return messages_; }

    /// Figures of the last answer, and of all.
    [[nodiscard]] const answer_stats& stats() const noexcept { return stats_; }
    /// What the session's work took, or would have taken, under its policy: one report for each modelled device.
    [[nodiscard]] std::vector<cost_report> cost() const { return sequence_.costs().reports(); }
    void reset_cost() noexcept { sequence_.costs().reset(); }

    /// The parts, for those who want to drive them: token by token, with logits.
    [[nodiscard]] sequence<Policy>& tokens() noexcept { return sequence_; }
    [[nodiscard]] const sequence<Policy>& tokens() const noexcept { return sequence_; }
    [[nodiscard]] const session_options& options() const noexcept { return options_; }
    /// Changes how later answers are drawn.
    void set_sampling(const sampling& how) {
        sampler_ = sampler(how);
        options_.how = how;
    }
    void set_thinking(std::optional<bool> on) noexcept { options_.thinking = on; }

private:
    friend class reply<Policy>;
    [[nodiscard]] const tokenizer& words() const { return model_.words(); }
    [[nodiscard]] std::string token_text(std::optional<token_id> id) const {
        return id ? std::string(words().piece(*id)) : std::string();
    }

    void say(std::string_view role, std::string_view content, std::string_view reasoning = {}) {
        message m;
        m.role = role;
        m.content = content;
        m.reasoning = reasoning;
        messages_.push_back(std::move(m));
    }

    /// Takes a prompt: what the sequence already holds of it stays.
    void begin(std::string_view prompt) {
        std::vector<token_id> ids = words().encode(prompt);
        if (words().adds_bos() && (ids.empty() || ids.front() != *words().bos()))
            ids.insert(ids.begin(), *words().bos());
        if (ids.empty()) raise(errc::invalid_argument, "there is nothing to read: the prompt is empty");
        if (ids.size() > sequence_.capacity())
            raise(errc::context_full, "the prompt has " + std::to_string(ids.size()) + " tokens, the context " +
                                          std::to_string(sequence_.capacity()) +
                                          ": begin a new conversation or use a larger context");
        const auto held = sequence_.tokens();
        const auto shared = std::mismatch(ids.begin(), ids.end(), held.begin(), held.end()).first - ids.begin();
        // The last token is read again even if it is held: its logits are wanted.
        reused_ = std::min(static_cast<std::size_t>(shared), ids.size() - 1);
        prompt_ = std::move(ids);
        const auto end = prompt.find_last_not_of(" \t\r\n");
        const bool inside = end != std::string_view::npos && prompt.substr(0, end + 1).ends_with("<think>");
        splitter_.emplace(inside);
        text_.emplace(words());
        stops_ = stop_strings(options_.stop);
        said_.clear();
        thought_.clear();
        ready_.clear();
        stats_.begin(prompt_.size(), reused_);
        sequence_.clear_stop();
        finish_ = finish::running;
    }

    /// Reads the prompt if that was not done yet. False if it was stopped.
    [[nodiscard]] bool read_prompt() {
        if (prompt_.empty()) return true;
        sequence_.rewind(reused_);
        const auto status = sequence_.eval(std::span(prompt_).subspan(reused_));
        prompt_.clear();
        return status == eval_status::done;
    }

    [[nodiscard]] std::optional<reply_piece> next_piece() {
        while (ready_.empty() && finish_ == finish::running) {
            if (!prompt_.empty() && !read_prompt()) {
                if (answering_) messages_.pop_back();
                answering_ = false;
                end_with(finish::stopped);
                break;
            }
            advance();
        }
        if (ready_.empty()) {
            settle();
            return std::nullopt;
        }
        auto piece = std::move(ready_.front());
        ready_.pop_front();
        return piece;
    }

    /// Draws one token, and makes its logits' successor ready.
    void advance() {
        const token_id id = sampler_.pick(sequence_.logits(), sequence_.tokens());
        stats_.token();
        if (words().is_end(id)) return end_with(finish::end_of_turn);
        // Thinking tags may be control tokens, whose text is otherwise hidden.
        const std::string_view piece = words().piece(id);
        const bool tag = piece == "<think>" || piece == "</think>";
        emit(tag ? text_->flush() + std::string(piece) : text_->feed(id));
        if (stops_.met()) return end_with(finish::stop_string);
        if (options_.max_tokens != 0 && stats_.generated >= options_.max_tokens) return end_with(finish::max_tokens);
        switch (sequence_.eval({&id, 1})) {
            case eval_status::done: break;
            case eval_status::stopped: end_with(finish::stopped); break;
            case eval_status::context_full: end_with(finish::context_full); break;
        }
    }

    void emit(std::string_view text) { deliver(splitter_->feed(stops_.feed(text))); }
    template <class Pieces>
    void deliver(Pieces&& pieces) {
        for (auto& p : pieces) {
            if (p.text.empty()) continue;
            const bool thinking = p.kind == text_kind::thinking;
            (thinking ? thought_ : said_) += p.text;
            ready_.push_back({std::move(p.text), thinking});
        }
    }

    void end_with(finish why) {
        if (!stops_.met()) {
            emit(text_->flush());
            deliver(splitter_->feed(stops_.flush()));
        }
        deliver(splitter_->flush());
        finish_ = why;
        stats_.end();
    }

    /// Makes the answer, as far as it came, part of the conversation.
    void settle() {
        if (finish_ == finish::running && splitter_) end_with(finish::stopped);
        prompt_.clear();
        if (answering_) say("assistant", said_, thought_);
        answering_ = false;
    }

    model model_;
    session_options options_;
    sequence<Policy> sequence_;
    sampler sampler_;
    std::vector<message> messages_;
    std::vector<token_id> prompt_;  // not read yet
    std::size_t reused_ = 0;        // tokens of it that the sequence holds
    std::optional<think_splitter> splitter_;
    std::optional<detokenizer> text_;
    stop_strings stops_;
    std::deque<reply_piece> ready_;
    std::string said_, thought_;
    answer_stats stats_;
    bool answering_ = false;  // a question waits for its answer to be settled
    finish finish_ = finish::end_of_turn;
};

session(const model&)->session<cost::none>;
session(const model&, session_options)->session<cost::none>;

}  // namespace wafer::inline WAFER_ABI
