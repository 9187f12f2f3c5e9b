// SPDX-License-Identifier: MIT
// L8 gen: which tokens an answer under a grammar may go on with, thinking apart. Knows neither logits nor sampling.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
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
#include <wafer/text/call_format.hpp>
#include <wafer/text/grammar/matcher.hpp>
#include <wafer/text/grammar/program.hpp>
#include <wafer/text/grammar/token_trie.hpp>
#include <wafer/text/reply_event.hpp>
#include <wafer/text/reply_reader.hpp>
#include <wafer/text/reply_splitter.hpp>
#include <wafer/text/think.hpp>
#include <wafer/text/tokenizer.hpp>
#include <wafer/text/tool_calls.hpp>

namespace wafer::inline WAFER_ABI {

/// Holds one answer to a grammar, wherever its tokens are cut. What is thought is free, but has to end; what the token that
/// ends it says beyond is the answer's beginning, without the white space between. Calls of tools are free, too: before the
/// answer, which may then be left out. A call that the grammar writes is part of the answer. The tokenizer must outlive it.
class answer_rules {
public:
    /// prompt: what the answer continues. may_think, may_call: the model may open thinking itself, or call, before the answer:
    /// where the vocabulary has the dialect's marker for that, since JSON alone may as well be the answer.
    answer_rules(std::shared_ptr<const grammar::program> rules, std::shared_ptr<const grammar::token_trie> tokens,
                 const tokenizer& words, call_dialect dialect, std::string_view prompt, bool may_think,
                 bool may_call = false)
        : words_(&words), tokens_(std::move(tokens)), matcher_(std::move(rules), tokens_), dialect_(dialect),
          splitter_(dialect, prompt), think_token_(words.find(think_tags{}.open)), may_think_(may_think),
          may_call_(may_call) {}

    /// Whether the answer satisfies the grammar and nothing may follow; false where that is not found out before a stop.
    [[nodiscard]] bool is_over(const stop_signal* stop = nullptr) {
        return fits_ && !calls_ && splitter_.answering() && matcher_.is_over(stop);
    }

    /// Draws a token with pick(allowed), bit id % 64 of word id / 64 for each that may follow, and goes on with it. pick is
    /// called again where what it drew cannot follow after all. None if it is stopped before: then nothing has changed.
    /// @throws error{errc::grammar_failed} if none can, and as grammar::matcher::mask
    template <class Pick>
    [[nodiscard]] std::optional<token_id> draw(Pick&& pick, const stop_signal* stop = nullptr) {
        if (!find_allowed(stop)) return std::nullopt;
        const auto any = [&] {
            return std::any_of(allowed_.begin(), allowed_.end(), [](auto word) { return word != 0; });
        };
        for (int tries = 0; tries < most_tries && any(); ++tries) {
            if (stop != nullptr && stop->requested()) return std::nullopt;
            const token_id id = pick(std::span<const std::uint64_t>(allowed_));
            if (take(id)) return id;
            word_of(id) &= ~bit_of(id);
        }
        raise(errc::grammar_failed, "no token of the vocabulary leads to an answer that satisfies the grammar");
    }

private:
    static constexpr int most_tries = 1000;  // a vocabulary of them would take minutes

    [[nodiscard]] static std::uint64_t bit_of(token_id id) noexcept { return std::uint64_t{1} << id % 64; }
    [[nodiscard]] std::uint64_t& word_of(token_id id) noexcept { return allowed_[static_cast<std::size_t>(id) / 64]; }
    void allow(token_id id) noexcept { word_of(id) |= bit_of(id); }

    // A token's part of the text that is split: see answer_stream::add.
    [[nodiscard]] std::string_view text_of(token_id id) const noexcept {
        const std::string_view piece = words_->piece(id);
        return words_->is_control(id) && !reply_reader::is_marker(dialect_, piece) ? std::string_view{} : piece;
    }

    // False if it was stopped.
    [[nodiscard]] bool find_allowed(const stop_signal* stop) {
        const bool answering = splitter_.answering() && !(calls_ && calls_->in_call());
        if (answering) {
            if (fits_) {
                const auto mask = matcher_.mask(stop);
                if (stop != nullptr && stop->requested()) return false;
                allowed_.assign(mask.begin(), mask.end());
            } else {
                allowed_.assign(words_of_mask(), 0);
            }
            if (may_think_) allow_opening();
            if (may_call()) allow_calls();
            if (splitter_.drops_blanks() && !spaced_) allow_fillers();
            return true;
        }
        // Text in the place of a message's header would escape the grammar.
        allowed_.assign(words_of_mask(), 0);
        bool awaits = false;
        for (const std::string_view marker : splitter_.awaited())
            if (const auto id = words_->find(marker)) {
                allow(*id);
                awaits = true;
            }
        if (awaits) return true;
        // So would a turn that ends before the answer, but in a call.
        allowed_.assign(words_of_mask(), ~std::uint64_t{0});
        if (const std::size_t tail = tokens_->size() % 64; tail != 0) allowed_.back() = (std::uint64_t{1} << tail) - 1;
        for (const token_id id : tokens_->ends())
            if (!may_call_ || !splitter_.calling() || words_->piece(id) != format_of(dialect_).close)
                word_of(id) &= ~bit_of(id);
        return true;
    }
    [[nodiscard]] std::size_t words_of_mask() const noexcept { return (tokens_->size() + 63) / 64; }

    // What begins a call. After one also what may stand beside it, and what ends the turn.
    void allow_calls() {
        const call_format format = format_of(dialect_);
        for (const std::string_view marker : opening_markers(format))
            if (const auto id = words_->find(marker)) allow(*id);
        if (!calls_) return;
        for (const token_id id : tokens_->ends()) allow(id);
        if (const auto id = words_->find(format.block_close)) allow(*id);
        allow_fillers();
    }
    void allow_fillers() {
        const call_format format = format_of(dialect_);
        if (fillers_.empty())
            for (std::size_t i = 0; i < tokens_->size(); ++i)
                if (const std::string_view text = text_of(static_cast<token_id>(i));
                    !text.empty() && text.find_first_not_of(format.between) == text.npos)
                    fillers_.push_back(static_cast<token_id>(i));
        for (const token_id id : fillers_) allow(id);
    }
    // What makes an opening tag, or goes on with one: a token of its own, or any that spell it.
    void allow_opening() noexcept {
        if (think_token_) {
            if (splitter_.opens(text_of(*think_token_))) allow(*think_token_);
        } else if (splitter_.may_open()) {
            for (std::size_t i = 0; i < tokens_->size(); ++i)
                if (const auto id = static_cast<token_id>(i); !words_->is_end(id) && splitter_.opens(text_of(id)))
                    allow(id);
        }
    }

    // Goes on with a token. False if it cannot follow: nothing has changed then.
    [[nodiscard]] bool take(token_id id) {
        if (words_->is_end(id)) return true;
        if (calls_ || begins_call(id)) return take_call(id);
        reply_splitter next = splitter_;
        auto pieces = next.feed(text_of(id));
        if (!next.answering()) {
            if (splitter_.answering()) {  // what looked like an answer is a tag
                matcher_.reset();
                fits_ = true;
                begun_ = may_think_ = false;
            }
        } else if (!splitter_.answering() || splitter_.drops_blanks()) {
            auto whole = next;
            for (auto& held : whole.flush()) pieces.push_back(std::move(held));
            std::string said;
            for (const auto& piece : pieces)
                if (piece.kind == text_kind::answer) said += piece.text;
            if (!matcher_.allows(said) || (spaced_ && said.empty())) return false;
            matcher_.accept(said);
            begun_ = !said.empty();
            spaced_ = splitter_.drops_blanks();
            may_think_ = false;
        } else if (fits_ && matcher_.allows(id)) {
            matcher_.accept(id);
            begun_ = true;
        } else if (next.may_open()) {
            fits_ = false;
        } else {
            return false;
        }
        splitter_ = std::move(next);
        return true;
    }

    [[nodiscard]] bool may_call() const noexcept { return may_call_ && fits_ && !begun_ && splitter_.answering(); }
    [[nodiscard]] bool begins_call(token_id id) {
        if (!may_call() || matcher_.allows(id)) return false;
        const auto markers = opening_markers(format_of(dialect_));
        const std::string_view text = text_of(id);
        return !text.empty() && std::find(markers.begin(), markers.end(), text) != markers.end();
    }
    // The same from the first call on. What the token that ends one says beyond is the answer's beginning.
    [[nodiscard]] bool take_call(token_id id) {
        tool_call_reader next = calls_ ? *calls_ : tool_call_reader(dialect_);
        std::string said;
        const auto listen = [&](const std::vector<reply_event>& events) {
            for (const reply_event& event : events)
                if (event.kind == reply_kind::answer) said += event.text;
        };
        listen(next.feed(text_of(id)));
        if (tool_call_reader whole = next; !next.in_call()) listen(whole.flush());
        if (!matcher_.allows(said)) return false;
        matcher_.accept(said);
        static_cast<void>(splitter_.feed(text_of(id)));  // from here on tags are text
        may_think_ = false;
        begun_ = !said.empty();
        if (begun_) calls_.reset();
        else calls_ = std::move(next);
        return true;
    }

    const tokenizer* words_;
    std::shared_ptr<const grammar::token_trie> tokens_;
    grammar::matcher matcher_;
    call_dialect dialect_;
    reply_splitter splitter_;  // of all tokens, while those that are shown may be held back for a stop string
    std::optional<token_id> think_token_;
    std::optional<tool_call_reader> calls_;  // from the first call on, until the answer begins
    bool may_think_, may_call_;
    std::vector<token_id> fillers_;  // white space, and what else may stand between calls
    bool begun_ = false;             // something was said
    bool spaced_ = false;            // white space behind thinking came
    bool fits_ = true;               // what was said may be the answer's beginning; if not, it is a tag's
    std::vector<std::uint64_t> allowed_;
};

}  // namespace wafer::inline WAFER_ABI
