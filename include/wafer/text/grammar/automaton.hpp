// SPDX-License-Identifier: MIT
// L1 text/grammar: walks a program byte by byte. A state is all that the text so far can be, with every stack of open
// rules, exactly; states are numbered as they are met, so that the walk of a vocabulary is mostly the reading of a
// table.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <wafer/core/config.hpp>
#include <wafer/core/error.hpp>
#include <wafer/text/grammar/program.hpp>

namespace wafer::inline WAFER_ABI::grammar {

/// A node, and the frame to return to from its rule. A frame is itself a set of items: wherever the rule was called
/// from, since what it matches does not depend on its callers. (The stacks of a graph-structured stack, shared by
/// content.)
struct item {
    node_id at;
    std::uint32_t frame;
    friend auto operator<=>(const item&, const item&) = default;
};

/// Sets of items, each stored and numbered once. The empty set is number 0.
class item_sets {
public:
    item_sets() { (void)intern({}); }

    /// The number of a set, which is added if it is new. @pre items are sorted and without duplicates
    std::uint32_t intern(std::span<const item> items) {
        if (slots_.size() < 2 * (ends_.size() + 1)) rehash();
        std::size_t slot = find_slot(items);
        if (slots_[slot] != none) return slots_[slot];
        pool_.resize(used());  // drops what an exception left here
        pool_.insert(pool_.end(), items.begin(), items.end());
        ends_.push_back(pool_.size());
        return slots_[slot] = static_cast<std::uint32_t>(ends_.size() - 1);
    }
    /// Valid until the next intern().
    [[nodiscard]] std::span<const item> operator[](std::uint32_t id) const noexcept {
        const std::size_t begin = id == 0 ? 0 : ends_[id - 1];
        return std::span(pool_).subspan(begin, ends_[id] - begin);
    }
    [[nodiscard]] std::size_t size() const noexcept { return ends_.size(); }
    /// Of memory, roughly.
    [[nodiscard]] std::size_t bytes() const noexcept {
        return used() * sizeof(item) + ends_.size() * (sizeof(std::size_t) + 2 * sizeof(std::uint32_t));
    }

private:
    static constexpr std::uint32_t none = ~std::uint32_t{0};

    [[nodiscard]] std::size_t used() const noexcept { return ends_.empty() ? 0 : ends_.back(); }
    [[nodiscard]] static bool is_equal(std::span<const item> a, std::span<const item> b) noexcept {
        return std::equal(a.begin(), a.end(), b.begin(), b.end());
    }
    [[nodiscard]] std::size_t find_slot(std::span<const item> items) const noexcept {
        std::uint64_t hash = items.size();
        for (const item& i : items) {
            hash = (hash ^ (std::uint64_t{i.at} << 32 | i.frame)) * 0x9E3779B97F4A7C15u;
            hash ^= hash >> 32;
        }
        const std::size_t mask = slots_.size() - 1;
        std::size_t slot = hash & mask;
        while (slots_[slot] != none && !is_equal((*this)[slots_[slot]], items)) slot = (slot + 1) & mask;
        return slot;
    }
    void rehash() {
        slots_.assign(std::max<std::size_t>(64, slots_.size() * 2), none);
        for (std::uint32_t id = 0; id < ends_.size(); ++id) slots_[find_slot((*this)[id])] = id;
    }

    std::vector<item> pool_;
    std::vector<std::size_t> ends_;
    std::vector<std::uint32_t> slots_;
};

/// A set of items that are still being found, in the order of their finding.
class item_queue {
public:
    /// Keeps the memory.
    void clear() noexcept {
        items_.clear();
        if (++stamp_ == 0) {
            std::fill(slots_.begin(), slots_.end(), slot{});
            stamp_ = 1;
        }
    }
    /// Adds an item at the end unless it is in the set.
    void insert(item i) {
        if (slots_.size() < 2 * (items_.size() + 1)) {
            slots_.assign(std::max<std::size_t>(64, slots_.size() * 2), {});
            for (std::size_t k = 0; k < items_.size(); ++k) *find(items_[k]) = {stamp_, static_cast<std::uint32_t>(k)};
        }
        slot* const s = find(i);
        if (s->stamp == stamp_) return;
        items_.push_back(i);
        *s = {stamp_, static_cast<std::uint32_t>(items_.size() - 1)};
    }
    /// In the order in which they came. insert() moves them.
    [[nodiscard]] const std::vector<item>& items() const noexcept { return items_; }

private:
    struct slot {
        std::uint32_t stamp = 0, index = 0;
    };
    [[nodiscard]] slot* find(item i) noexcept {
        const std::size_t mask = slots_.size() - 1;
        std::size_t at = ((std::uint64_t{i.at} << 32 | i.frame) * 0x9E3779B97F4A7C15u >> 32) & mask;
        while (slots_[at].stamp == stamp_ && items_[slots_[at].index] != i) at = (at + 1) & mask;
        return &slots_[at];
    }

    std::vector<item> items_;
    std::vector<slot> slots_;
    std::uint32_t stamp_ = 1;
};

/// The recogniser: deterministic, built as it is used. For one thread.
class automaton {
public:
    using state = std::uint32_t;
    static constexpr state dead = 0;  // no continuation satisfies the grammar

    /// Items in one state, and items followed from one restart_work() to the next. Written grammars stay far below.
    static constexpr std::size_t max_items = 1u << 16;
    static constexpr std::size_t max_work = 1u << 24;
    /// Above this, forget_all_but() has to be called in good time. Twice as much is refused.
    static constexpr std::size_t max_bytes = 32u << 20;

    /// `failure`: the code of errors raised here. @throws error{errc::invalid_argument} without a program
    explicit automaton(std::shared_ptr<const program> source, errc failure = errc::grammar_failed)
        : program_(std::move(source)), failure_(failure) {
        if (program_ == nullptr) raise(errc::invalid_argument, "there is no grammar: the pointer to it is null");
        width_ = program_->representatives.size();
    }

    /// Before any text. @throws error{errc::grammar_failed}
    [[nodiscard]] state start() {
        const item whole{program::accept, 0};
        const std::uint32_t frame = frames_.intern({&whole, 1});
        found_.clear();
        calls_.clear();
        found_.insert({program_->rules[program_->root].first, frame});
        // A root that calls nothing returns from here, even where it matches the empty text.
        return close(0);
    }

    /// The state after one more byte; dead stays dead. Usually one load.
    /// @throws error{errc::grammar_failed} where the grammar is too ambiguous to be followed in bounded memory and time
    [[nodiscard]] state step(state from, std::uint8_t byte) {
        const std::uint8_t byte_class = program_->class_of[byte];
        const std::size_t cell = from * width_ + byte_class;
        if (cell < table_.size() && table_[cell] != unknown) return table_[cell];
        return explore(from, byte_class);
    }

    /// Whether the text so far satisfies the grammar.
    [[nodiscard]] bool can_stop(state s) const noexcept {
        const auto items = states_[known_or_dead(s)];
        return !items.empty() && items.front().at == program::accept;
    }
    /// Whether it does, and nothing more can follow.
    [[nodiscard]] bool is_final(state s) const noexcept { return can_stop(s) && states_[s].size() == 1; }

    /// A state that the next `bytes` bytes, always as many, can follow as they can this one. It is the same for many:
    /// long before the end of a long repetition it does not matter how much is to come.
    /// @throws error{errc::grammar_failed}
    [[nodiscard]] state similar(state s, std::size_t bytes) {
        s = known_or_dead(s);
        if (program_->repeats.empty()) return s;
        std::vector<std::uint32_t> known = std::move(similar_);  // an exception leaves none behind, not half of them
        similar_.clear();
        const auto shorten = [&](std::span<const item> old, item_sets& to) {
            pay_for(old.size());
            state_.assign(old.begin(), old.end());
            for (item& i : state_) i = {program_->shortened(i.at, bytes), known[i.frame]};
            std::sort(state_.begin(), state_.end());
            state_.erase(std::unique(state_.begin(), state_.end()), state_.end());
            return to.intern(state_);
        };
        known.resize(frames_.size(), unknown);
        std::vector<std::uint32_t> todo;
        const auto need = [&](std::span<const item> items) {
            for (const item& i : items) {
                if (known[i.frame] != unknown) continue;
                known[i.frame] = 0;
                todo.push_back(i.frame);
            }
        };
        need(states_[s]);
        for (std::size_t i = 0; i < todo.size(); ++i) need(frames_[todo[i]]);
        std::sort(todo.begin(), todo.end());  // a frame is numbered after those that it returns to
        for (const std::uint32_t frame : todo) known[frame] = shorten(frames_[frame], frames_);
        const state out = shorten(states_[s], states_);
        similar_ = std::move(known);
        return out;
    }

    /// Begins a new account of work. What may be asked of the grammar between two calls is bounded.
    void restart_work() noexcept { work_ = 0; }
    /// Whether states fill max_bytes, so that forget_all_but() is due before more is asked.
    [[nodiscard]] bool wants_to_forget() const noexcept { return crowded_; }

    /// Forgets all states but these, which are renumbered in place. Other numbers mean nothing from then on.
    /// @throws error{errc::grammar_failed} if they alone are too large
    void forget_all_but(std::span<state> kept) {
        std::vector<bool> needed(frames_.size());
        std::vector<std::uint32_t> todo;
        const auto need = [&](std::span<const item> items) {
            for (const item& i : items) {
                if (needed[i.frame]) continue;
                needed[i.frame] = true;
                todo.push_back(i.frame);
            }
        };
        for (state& s : kept) need(states_[s = known_or_dead(s)]);
        while (!todo.empty()) {
            const std::uint32_t frame = todo.back();
            todo.pop_back();
            need(frames_[frame]);
        }
        item_sets frames, states;
        std::vector<std::uint32_t> renamed(frames_.size());
        std::vector<item> items;
        const auto move = [&](std::span<const item> old, item_sets& to) {
            pay_for(old.size());
            items.assign(old.begin(), old.end());
            for (item& i : items) i.frame = renamed[i.frame];
            std::sort(items.begin(), items.end());
            return to.intern(items);
        };
        // A frame is numbered after those that it returns to.
        for (std::uint32_t id = 1; id < needed.size(); ++id)
            if (needed[id]) renamed[id] = move(frames_[id], frames);
        std::vector<state> renumbered;
        for (const state s : kept) renumbered.push_back(move(states_[s], states));
        std::copy(renumbered.begin(), renumbered.end(), kept.begin());
        frames_ = std::move(frames);
        states_ = std::move(states);
        table_.clear();
        similar_.clear();
        crowded_ = false;
        if (bytes() > max_bytes) fail("its open rules fill " + std::to_string(bytes() >> 20) + " MiB");
    }

private:
    struct call {
        std::uint32_t rule;
        item back;  // where it returns to
        friend auto operator<=>(const call&, const call&) = default;
    };
    static constexpr state unknown = ~state{0};

    [[noreturn]] void fail(const std::string& what) const {
        raise(failure_, "the grammar cannot be followed: " + what);
    }
    [[nodiscard]] std::size_t bytes() const noexcept {
        return frames_.bytes() + states_.bytes() + table_.size() * sizeof(state);
    }

    // The number of a state that was forgotten, or never met, is dead.
    [[nodiscard]] state known_or_dead(state s) const noexcept { return s < states_.size() ? s : dead; }

    [[nodiscard]] state explore(state from, std::uint8_t byte_class) {
        if (from >= states_.size()) return dead;
        crowded_ = bytes() > max_bytes;
        if (bytes() > 2 * max_bytes) fail("its states fill " + std::to_string(bytes() >> 20) + " MiB");
        found_.clear();
        calls_.clear();
        for (const item& i : states_[from]) {
            const node& n = program_->nodes[i.at];
            if (n.kind == node_kind::bytes && program_->reads(n, byte_class)) found_.insert({n.next, i.frame});
        }
        const state to = close(states_[from].size());
        if (table_.size() < states_.size() * width_) {
            if (table_.capacity() < states_.size() * width_) table_.reserve(2 * states_.size() * width_);
            table_.resize(states_.size() * width_, unknown);
        }
        return table_[from * width_ + byte_class] = to;
    }

    // Follows all that reads no byte from the items found so far, and numbers the outcome. Returns come first: they
    // complete the set of callers for each rule that is called here. Then rules are entered, callers before callees,
    // each once.
    state close(std::size_t work) {
        std::size_t next = 0;
        follow(next, true);
        while (!calls_.empty()) {
            const std::uint32_t rule = calls_.front().rule;
            callers_.clear();
            while (!calls_.empty() && calls_.front().rule == rule) {
                callers_.push_back(calls_.front().back);
                std::pop_heap(calls_.begin(), calls_.end(), std::greater<>());
                calls_.pop_back();
            }
            callers_.erase(std::unique(callers_.begin(), callers_.end()), callers_.end());
            work += callers_.size();
            found_.insert({program_->rules[rule].first, frames_.intern(callers_)});
            follow(next, false);
        }
        pay_for(work + found_.items().size());
        state_.clear();
        for (const item& i : found_.items()) {
            const node_kind kind = program_->nodes[i.at].kind;
            if (kind == node_kind::bytes || kind == node_kind::accept) state_.push_back(i);
        }
        std::sort(state_.begin(), state_.end());
        return states_.intern(state_);
    }

    // `returning`: the items were found by reading; else their rule was entered right here, and a rule that may be
    // empty was already passed by where it was called.
    void follow(std::size_t& next, bool returning) {
        for (; next < found_.items().size(); ++next) {
            if (found_.items().size() + calls_.size() > max_items) fail("it is too ambiguous");
            const item i = found_.items()[next];
            const node& n = program_->nodes[i.at];
            switch (n.kind) {
                case node_kind::either:
                    found_.insert({n.next, i.frame});
                    found_.insert({n.arg, i.frame});
                    break;
                case node_kind::call:
                    if (program_->rules[n.arg].nullable) found_.insert({n.next, i.frame});
                    if (program_->nodes[n.next].kind != node_kind::end) add_call({n.arg, {n.next, i.frame}});
                    else  // a call in last place returns to the caller: recursion there takes no memory
                        for (const item& back : callers(i)) add_call({n.arg, back});
                    break;
                case node_kind::end:
                    if (returning)
                        for (const item& back : callers(i)) found_.insert(back);
                    break;
                case node_kind::bytes:
                case node_kind::accept:
                case node_kind::none: break;
            }
        }
    }
    [[nodiscard]] std::span<const item> callers(const item& i) {
        pay_for(frames_[i.frame].size());
        return frames_[i.frame];
    }
    void pay_for(std::size_t items) {
        if ((work_ += items) > max_work) fail("it has too many ways to continue");
    }
    void add_call(const call& c) {
        calls_.push_back(c);
        std::push_heap(calls_.begin(), calls_.end(), std::greater<>());
    }

    std::shared_ptr<const program> program_;
    std::size_t width_ = 0;
    errc failure_;
    item_sets frames_, states_;
    std::vector<state> table_;            // rows of width_ successors
    std::vector<std::uint32_t> similar_;  // by frame: that of states by similar()
    std::size_t work_ = 0;
    bool crowded_ = false;
    // While a state is being found:
    item_queue found_;
    std::vector<call> calls_;
    std::vector<item> callers_, state_;
};

}  // namespace wafer::inline WAFER_ABI::grammar
