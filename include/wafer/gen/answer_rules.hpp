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
#include <wafer/text/reply_reader.hpp>
#include <wafer/text/reply_splitter.hpp>
#include <wafer/text/think.hpp>
#include <wafer/text/tokenizer.hpp>

namespace wafer::inline WAFER_ABI {

/// Holds one answer to a grammar, wherever its tokens are cut: what is thought is free, but has to end, and what the token
/// that ends it says beyond is the answer's beginning. The tokenizer must outlive it.
class answer_rules {
public:
    /// prompt: what the answer continues. may_think: the model may open thinking itself, before the answer.
    answer_rules(std::shared_ptr<const grammar::program> rules, std::shared_ptr<const grammar::token_trie> tokens,
                 const tokenizer& words, call_dialect dialect, std::string_view prompt, bool may_think)
        : words_(&words), tokens_(std::move(tokens)), matcher_(std::move(rules), tokens_), dialect_(dialect),
          splitter_(dialect, prompt), think_token_(words.find(think_tags{}.open)), may_think_(may_think) {}

    /// Whether the answer satisfies the grammar and nothing may follow; false where that is not found out before a stop.
    [[nodiscard]] bool is_over(const stop_signal* stop = nullptr) {
        return fits_ && splitter_.answering() && matcher_.is_over(stop);
    }

    /// Draws a token with pick(allowed), bit id % 64 of word id / 64 for each that may follow, and goes on with it. pick is
    /// called again where what it drew cannot follow after all. None if it is stopped before: then nothing has changed.
    /// @throws error{errc::grammar_failed} if none can, and as grammar::matcher::mask
    template <class Pick>
    [[nodiscard]] std::optional<token_id> draw(Pick&& pick, const stop_signal* stop = nullptr) {
        if (!find_allowed(stop)) return std::nullopt;
        while (std::any_of(allowed_.begin(), allowed_.end(), [](std::uint64_t word) { return word != 0; })) {
            const token_id id = pick(std::span<const std::uint64_t>(allowed_));
            if (take(id)) return id;
            word_of(id) &= ~bit_of(id);
        }
        raise(errc::grammar_failed, "no token of the vocabulary leads to an answer that satisfies the grammar");
    }

private:
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
        const std::size_t n = (tokens_->size() + 63) / 64;
        if (splitter_.answering()) {
            if (fits_) {
                const auto mask = matcher_.mask(stop);
                if (stop != nullptr && stop->requested()) return false;
                allowed_.assign(mask.begin(), mask.end());
            } else {
                allowed_.assign(n, 0);
            }
            if (may_think_) allow_opening();
            return true;
        }
        // Text in the place of a message's header would escape the grammar.
        allowed_.assign(n, 0);
        bool awaits = false;
        for (const std::string_view marker : splitter_.awaited())
            if (const auto id = words_->find(marker)) {
                allow(*id);
                awaits = true;
            }
        if (awaits) return true;
        // So would a turn that ends before the answer.
        allowed_.assign(n, ~std::uint64_t{0});
        if (const std::size_t tail = tokens_->size() % 64; tail != 0) allowed_.back() = (std::uint64_t{1} << tail) - 1;
        for (const token_id id : tokens_->ends()) word_of(id) &= ~bit_of(id);
        return true;
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
        reply_splitter next = splitter_;
        auto pieces = next.feed(text_of(id));
        if (!next.answering()) {
            if (splitter_.answering()) {  // what looked like an answer is a tag
                matcher_.reset();
                fits_ = true;
                may_think_ = false;
            }
        } else if (!splitter_.answering()) {
            auto whole = next;
            for (auto& held : whole.flush()) pieces.push_back(std::move(held));
            std::string said;
            for (const auto& piece : pieces)
                if (piece.kind == text_kind::answer) said += piece.text;
            if (!matcher_.allows(said)) return false;
            matcher_.accept(said);
            may_think_ = false;
        } else if (fits_ && matcher_.allows(id)) {
            matcher_.accept(id);
        } else if (next.may_open()) {
            fits_ = false;
        } else {
            return false;
        }
        splitter_ = std::move(next);
        return true;
    }

    const tokenizer* words_;
    std::shared_ptr<const grammar::token_trie> tokens_;
    grammar::matcher matcher_;
    call_dialect dialect_;
    reply_splitter splitter_;  // of all tokens, while those that are shown may be held back for a stop string
    std::optional<token_id> think_token_;
    bool may_think_;
    bool fits_ = true;  // what was said may be the answer's beginning; if not, it is a tag's
    std::vector<std::uint64_t> allowed_;
};

}  // namespace wafer::inline WAFER_ABI
