// SPDX-License-Identifier: MIT
// L8 gen: the turns of a conversation, of which the last may be a question without its answer, or an answer that nobody has shown
// to fit. Knows neither models nor templates.
#pragma once

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <optional>
#include <utility>
#include <vector>

#include <wafer/core/config.hpp>
#include <wafer/gen/turns.hpp>
#include <wafer/text/chat_template.hpp>

namespace wafer::inline WAFER_ABI {

/// Grows by a question and then its answer, or by neither.
class history {
public:
    [[nodiscard]] const std::vector<message>& turns() const noexcept { return turns_; }
    /// Begins anew with these.
    void restart(std::vector<message> turns) noexcept {
        turns_ = std::move(turns);
        asked_.reset();
        unproven_.reset();
    }

    /// Turns that are asked: gone again with this object unless they were kept, to wait for their answer.
    class question {
    public:
        question(history& to, std::vector<message> added) : to_(to), before_(to.turns_.size()) {
            to.turns_.insert(to.turns_.end(), std::move_iterator(added.begin()), std::move_iterator(added.end()));
        }
        question(const question&) = delete;
        question& operator=(const question&) = delete;
        ~question() {
            if (!kept_) to_.turns_.resize(std::min(before_, to_.turns_.size()));
        }
        void keep() noexcept {
            to_.asked_ = before_;
            kept_ = true;
        }

    private:
        history& to_;
        std::size_t before_;
        bool kept_ = false;
    };

    /// The question that waits for its answer, if there is one, was never asked.
    void forget_question() noexcept {
        if (asked_) turns_.resize(*asked_);
        asked_.reset();
    }
    /// Its answer.
    void answer(const message& said) {
        if (!asked_) return;
        turns_.push_back(said);
        unproven_ = std::exchange(asked_, std::nullopt);
    }
    /// An answer that is unproven was never given, nor its question asked.
    void forget_unproven() noexcept {
        if (unproven_) turns_.resize(*unproven_);
        unproven_.reset();
    }
    /// Whether it is to be shown yet that a template takes the last answer.
    [[nodiscard]] bool is_unproven() const noexcept { return unproven_.has_value(); }
    /// Shows it, with takes(turns), and makes it so where it is not: see make_showable. Where stopped() has become true
    /// meanwhile all is as before.
    template <class Takes, class Stopped>
    void prove(const Takes& takes, const Stopped& stopped) {
        if (!unproven_ || stopped()) return;
        message said = turns_.back();
        const bool shows = make_showable(turns_, takes);
        if (stopped()) {
            turns_.back() = std::move(said);
            return;
        }
        if (!shows) forget_unproven();
        unproven_.reset();
    }

private:
    std::vector<message> turns_;
    std::optional<std::size_t> asked_;     // turns before a question that waits for its answer
    std::optional<std::size_t> unproven_;  // turns before one whose answer a template may not take
};

}  // namespace wafer::inline WAFER_ABI
