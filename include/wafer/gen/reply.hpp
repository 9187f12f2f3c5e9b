// SPDX-License-Identifier: MIT
// L8 gen: an answer in the making, as its user walks it. The session computes it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string>
#include <utility>

#include <wafer/core/config.hpp>
#include <wafer/fwd.hpp>
#include <wafer/gen/session_options.hpp>
#include <wafer/text/reply_event.hpp>

namespace wafer::inline WAFER_ABI {

/// A piece of an answer, as it becomes certain: complete UTF-8. Its text is empty only where it is of a call.
struct reply_piece {
    std::string text{};
    bool thinking = false;              // what the model thinks, not what it says
    std::optional<reply_event> call{};  // of a call of a tool: its name, a stretch of its arguments, its end
};

/// An answer in the making: a range of reply_piece, computed as it is walked. Walk it once; the session must outlive it. An
/// answer dropped half-way stays in the conversation as far as it came. The session's next question, or another conversation
/// loaded into it, ends it.
template <cost_policy Policy>
class reply {
public:
    /// The one that was moved from is at its end.
    reply(reply&& o) noexcept : session_(std::exchange(o.session_, nullptr)), number_(o.number_), ended_(o.ended_) {}
    reply& operator=(reply&&) = delete;
    ~reply() {
        if (is_current()) session_->abandon();
    }

    /// The next piece, or nothing at the end. The first call reads the prompt.
    /// @throws error: stale_session, grammar_failed, out_of_memory; the question and its answer are then forgotten
    /// @cost  one pass for each token; a piece may take several
    [[nodiscard]] std::optional<reply_piece> next() {
        if (!is_current()) return std::nullopt;
        auto piece = session_->next_piece();
        ended_ = session_->ended();
        return piece;
    }
    /// Walks to the end and returns the answer without its thinking and its calls of tools. @throws error as next()
    std::string text() {
        std::string all;
        while (auto piece = next())
            if (!piece->thinking) all += piece->text;
        return all;
    }
    /// Why it ended, or that it has not; `stopped` if something else ended it.
    [[nodiscard]] finish ended() const noexcept {
        if (is_current()) return session_->ended();
        return ended_ == finish::running ? finish::stopped : ended_;
    }

    /// Walks the pieces: each step computes the next. Copies share one walk.
    class iterator {
    public:
        using value_type = reply_piece;
        using difference_type = std::ptrdiff_t;
        /// Computes the first piece. @throws error as next(); the reply must stay where it is meanwhile
        explicit iterator(reply* from) : from_(from) { ++*this; }
        /// The piece. @pre not at the end
        [[nodiscard]] const reply_piece& operator*() const noexcept { return *piece_; }
        /// Computes the next. @throws error as next()
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
    /// Computes the first piece. @throws error as next()
    [[nodiscard]] iterator begin() { return iterator(this); }
    /// Where the walk ends; computes nothing.
    [[nodiscard]] std::default_sentinel_t end() const noexcept { return {}; }

private:
    friend class session<Policy>;
    explicit reply(session<Policy>& s) noexcept : session_(&s), number_(s.number_) {}
    [[nodiscard]] bool is_current() const noexcept { return session_ != nullptr && session_->number_ == number_; }

    session<Policy>* session_;
    std::uint64_t number_;
    finish ended_ = finish::running;
};

}  // namespace wafer::inline WAFER_ABI
