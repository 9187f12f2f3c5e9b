// SPDX-License-Identifier: MIT
// L1 text/grammar: which tokens may come next. The one class that a session needs; it knows neither logits nor
// sampling.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include <wafer/core/config.hpp>
#include <wafer/core/error.hpp>
#include <wafer/core/stop_signal.hpp>
#include <wafer/text/grammar/automaton.hpp>
#include <wafer/text/grammar/program.hpp>
#include <wafer/text/grammar/token_trie.hpp>
#include <wafer/text/vocabulary.hpp>

namespace wafer::inline WAFER_ABI::grammar {

/// A text in the making, token by token, that will satisfy a grammar. For one thread; program and tokens are shared.
///     matcher m(grammar::gbnf(R"(root ::= "yes" | "no")"), tokens);
///     while (!m.is_final()) {
///         const token_id id = pick(logits, m.mask());
///         if (words.is_end(id)) break;
///         m.accept(id);
///     }
/// Tokens may end inside a character. Whatever is accepted, the text can be completed in bytes; and in tokens, if the
/// vocabulary has one for every byte, as byte-level ones and those with byte fallback do. With others a mask may lead
/// to where no token goes on.
class matcher {
public:
    /// Before any text. @throws error{errc::grammar_failed} as mask(); error{errc::invalid_argument} where one of them is null
    matcher(std::shared_ptr<const program> rules, std::shared_ptr<const token_trie> tokens)
        : tokens_(std::move(tokens)), automaton_(or_out_of_memory([&] { return automaton(std::move(rules)); })) {
        if (tokens_ == nullptr) raise(errc::invalid_argument, "there are no tokens: the pointer to them is null");
        or_out_of_memory([&] { path_.resize(tokens_->depth() + 2); });
        reset();
    }

    /// The tokens that may follow: bit id % 64 of word id / 64. Those that end a turn are among them where can_stop().
    /// Empty only where can_stop() and the vocabulary has neither such a token nor one that goes on. Valid until the
    /// next call of a member that is not const.
    /// @param stop  ends it early: then they are of no use, and are not kept
    /// @cost  the first time in a state, a table look-up for each byte of the vocabulary that the grammar allows; then
    ///         none
    /// @throws error{errc::grammar_failed} if the vocabulary cannot spell what has to follow, or the grammar is too
    ///         ambiguous to be followed (see automaton)
    [[nodiscard]] std::span<const std::uint64_t> mask(const stop_signal* stop = nullptr) {
        return or_out_of_memory([&]() -> std::span<const std::uint64_t> {
            automaton_.restart_work();
            path_[1] = automaton_.similar(now(), tokens_->depth());
            if (const auto known = masks_.find(path_[1]); known != masks_.end()) return known->second;
            if (masks_.size() >= max_masks) masks_.clear();
            stop_poll stopped(stop, 4);  // a step may be the work of a millisecond
            auto bits = find_mask(stopped);
            if (stopped()) return {};
            return masks_.insert_or_assign(path_[1], std::move(bits)).first->second;
        });
    }

    /// Whether one token may follow; a few look-ups. @throws error{errc::grammar_failed}
    [[nodiscard]] bool allows(token_id id) {
        return is_end(id) ? can_stop() : after(tokens_->bytes(id)) != automaton::dead;
    }
    /// The same for text that is not all of a token. Where there is none, nothing changes.
    [[nodiscard]] bool allows(std::string_view text) { return text.empty() || after(text) != automaton::dead; }

    /// Appends a token. One that ends the turn changes nothing.
    /// @throws error{errc::invalid_argument} if it may not follow; the text is then as before
    /// @throws error{errc::grammar_failed}
    void accept(token_id id) {
        const automaton::state next = is_end(id) ? (can_stop() ? now() : automaton::dead) : after(tokens_->bytes(id));
        if (next == automaton::dead)
            raise(errc::invalid_argument,
                  "token " + std::to_string(id) + " may not follow here: draw tokens from the mask");
        path_[0] = next;
    }
    /// The same for text that is not all of a token.
    void accept(std::string_view text) {
        if (text.empty()) return;
        const automaton::state next = after(text);
        if (next == automaton::dead) raise(errc::invalid_argument, "a text that may not follow here");
        path_[0] = next;
    }

    /// Whether the text satisfies the grammar as it stands.
    [[nodiscard]] bool can_stop() const noexcept { return automaton_.can_stop(now()); }
    /// Whether it does and nothing more may follow: the turn is over.
    [[nodiscard]] bool is_final() const noexcept { return automaton_.is_final(now()); }
    /// Whether nothing can follow: is_final(), or it can stop and the vocabulary has no token to say so or to go on with.
    /// Where it is stopped, false.  @throws error{errc::grammar_failed}, as mask()
    [[nodiscard]] bool is_over(const stop_signal* stop = nullptr) {
        if (is_final() || !can_stop() || !tokens_->ends().empty()) return is_final();
        const auto bits = mask(stop);
        if (bits.empty()) return false;  // stopped
        return std::all_of(bits.begin(), bits.end(), [](std::uint64_t word) { return word == 0; });
    }
    /// Begins a new text. What was learnt of the grammar is kept.
    void reset() {
        or_out_of_memory([&] { path_[0] = automaton_.start(); });
    }

private:
    static constexpr std::size_t max_masks = 64;  // 1.2 MiB for 150,000 tokens

    [[nodiscard]] automaton::state now() const noexcept { return path_[0]; }
    [[nodiscard]] bool is_end(token_id id) const noexcept {
        const auto ends = tokens_->ends();
        return std::find(ends.begin(), ends.end(), id) != ends.end();
    }

    void forget_all_but(std::size_t n) {
        masks_.clear();  // they are kept by the states' old numbers
        automaton_.forget_all_but(std::span(path_).first(n));
    }

    [[nodiscard]] automaton::state after(std::string_view bytes) {
        if (bytes.empty()) return automaton::dead;
        return or_out_of_memory([&] {
            automaton_.restart_work();
            if (automaton_.wants_to_forget()) forget_all_but(1);
            automaton::state s = now();
            for (const char c : bytes) s = automaton_.step(s, static_cast<std::uint8_t>(c));
            return s;
        });
    }

    [[nodiscard]] std::vector<std::uint64_t> find_mask(stop_poll& stopped) {
        std::vector<std::uint64_t> bits((tokens_->size() + 63) / 64);
        const auto set = [&](token_id id) { bits[static_cast<std::size_t>(id) / 64] |= std::uint64_t{1} << (id % 64); };
        const std::span nodes = tokens_->nodes();
        const std::span ids = tokens_->ids();
        bool any = can_stop();
        // path_[d + 1]: the state after d bytes of the token that is spelt.
        for (std::size_t i = 0; i + 1 < nodes.size();) {
            if (stopped()) return {};
            const auto& n = nodes[i];
            if (automaton_.wants_to_forget()) forget_all_but(n.depth + std::size_t{2});
            const automaton::state s = automaton_.step(path_[n.depth + std::size_t{1}], n.byte);
            if (s == automaton::dead) {
                i = n.end;
                continue;
            }
            path_[n.depth + std::size_t{2}] = s;
            ++i;
            for (std::uint32_t k = n.first_token; k < nodes[i].first_token; ++k) {
                set(ids[k]);
                any = true;
            }
        }
        if (can_stop())
            for (const token_id id : tokens_->ends()) set(id);
        if (!any) raise(errc::grammar_failed, "no token of the vocabulary spells what the grammar asks for next");
        return bits;
    }

    std::shared_ptr<const token_trie> tokens_;
    automaton automaton_;
    std::vector<automaton::state> path_;  // the first is the text's, the others serve mask()
    std::unordered_map<automaton::state, std::vector<std::uint64_t>> masks_;
};

}  // namespace wafer::inline WAFER_ABI::grammar
