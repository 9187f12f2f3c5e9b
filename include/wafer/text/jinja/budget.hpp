// SPDX-License-Identifier: MIT
// L1 text/jinja: what one rendering may use, and has used. Whatever walks a text or a value counts it here.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

#include <wafer/core/config.hpp>
#include <wafer/core/error.hpp>
#include <wafer/core/stop_signal.hpp>
#include <wafer/text/jinja/lexer.hpp>
#include <wafer/text/jinja/value.hpp>

namespace wafer::inline WAFER_ABI::jinja {

/// What rendering may use at most. A template that needs more fails with errc::template_failed. Both bounds grow with the
/// variables, so that long conversations fit and a hostile template still ends in seconds.
struct limits {
    std::uint64_t steps = 10'000'000;      // nodes evaluated, elements and 64-byte units of text touched
    std::uint64_t bytes = 256u << 20;      // printed or built, in all
    std::uint64_t steps_per_value = 3000;  // more, for each value in the variables and each 4 KiB of their text
    std::uint64_t bytes_per_byte = 16;     // more, for each byte of their text
    int depth = 400;                       // evaluations inside one another, at most most_depth: they take stack

    static constexpr int most_depth = 1000;
};

/// What rendering may use with these variables.
[[nodiscard]] inline limits grown(limits bounds, const value_dict& variables) {
    std::uint64_t values = 0, bytes = 0;
    const auto weigh = [&](const auto& self, const value& v) -> void {
        if (++values > (1u << 26)) return;  // shared parts may stand for any number
        bytes += v.is_string() ? v.as_string().size() : v.written().size();
        if (v.is(value::kind::list))
            for (const value& item : v.as_list()) self(self, item);
        if (v.is(value::kind::dict))
            for (const auto& member : v.as_dict()) self(self, member.second);
    };
    for (const auto& member : variables) weigh(weigh, member.second);
    const auto grow = [](std::uint64_t& bound, std::uint64_t n, std::uint64_t each) {
        std::uint64_t more = 0;
        if (__builtin_mul_overflow(n, each, &more) || __builtin_add_overflow(bound, more, &bound))
            bound = std::numeric_limits<std::uint64_t>::max();
    };
    grow(bounds.steps, values + bytes / 4096, bounds.steps_per_value);
    grow(bounds.bytes, bytes, bounds.bytes_per_byte);
    return bounds;
}

/// The bounds of one rendering, and errors that say where it is.
class budget {
public:
    /// @param stop  ends the rendering with errc::cancelled; never where exceptions are off, since that would end the program
    budget(std::string_view source, const limits& bounds, const stop_signal* stop = nullptr)
        : source_(source), bounds_(bounds), stop_(WAFER_EXCEPTIONS ? stop : nullptr) {}

    /// @throws error{errc::template_failed} at the node being evaluated, always.
    [[noreturn]] void fail(std::string_view what) const {
        raise(errc::template_failed, "chat template: " + std::string(what) + " (" + position(source_, offset_) + ")");
    }
    void move_to(std::uint32_t offset) noexcept { offset_ = offset; }

    void spend(std::uint64_t steps) {
        if (steps > bounds_.steps - steps_) fail("more than " + std::to_string(bounds_.steps) + " steps");
        steps_ += steps;
        if (stop_ != nullptr && steps_ >= next_look_) look();
    }
    /// Counts memory that is about to be taken.
    void charge(std::uint64_t bytes) {
        if (bytes > bounds_.bytes - bytes_)
            fail("more than " + std::to_string(bounds_.bytes) + " bytes of text and values");
        bytes_ += bytes;
        if (stop_ != nullptr && bytes >= large) look();
    }
    /// Counts the reading of a text.
    void touch(std::string_view text) { spend(1 + text.size() / 64); }

    /// Where one text is in another, from `from` on; npos if nowhere. Counts what it compares.
    [[nodiscard]] std::size_t find(std::string_view text, std::string_view what, std::size_t from = 0) {
        const std::string_view probe = what.substr(0, probe_size);
        for (;; ++from) {
            const std::size_t at = text.find(probe, from);
            touch(text.substr(std::min(from, text.size()), at - from));
            if (at == text.npos || is_at(text, at, what)) return at;
            from = at;
        }
    }
    /// The same for the last place.
    [[nodiscard]] std::size_t find_last(std::string_view text, std::string_view what) {
        const std::string_view probe = what.substr(0, probe_size);
        for (std::size_t end = text.size();; --end) {
            const std::size_t at = text.substr(0, end).rfind(probe);
            touch(text.substr(at == text.npos ? 0 : at, end));
            if (at == text.npos || is_at(text, at, what)) return at;
            end = at + probe.size();
        }
    }

    /// Counts a walk over everything inside a value, which may be far more than memory holds where parts are shared.
    void touch_all(const value& v) {
        spend(1);
        charge(v.is_string() ? v.as_string().size() : v.written().size());
        if (v.is(value::kind::list))
            for (const value& item : v.as_list()) touch_all(item);
        if (v.is(value::kind::dict))
            for (const auto& [key, item] : v.as_dict()) {
                touch_all(key);
                touch_all(item);
            }
    }

    /// Whether two texts are one. Those of different size are not read.
    [[nodiscard]] bool same_text(std::string_view a, std::string_view b) {
        if (a.size() != b.size()) return false;
        touch(a);
        return a == b;
    }

private:
    static constexpr std::size_t probe_size = 16;
    static constexpr std::uint64_t steps_between = 4096;            // a fraction of a millisecond
    static constexpr std::uint64_t large = std::uint64_t{1} << 20;  // bytes

    void look() {
        next_look_ = steps_ + steps_between;
        if (stop_->requested()) raise(errc::cancelled, "rendering the chat template was stopped");
    }

    // Whether a text is where its beginning was found.
    [[nodiscard]] bool is_at(std::string_view text, std::size_t at, std::string_view what) {
        return what.size() <= probe_size || same_text(text.substr(at, what.size()), what);
    }

    std::string_view source_;
    limits bounds_;
    const stop_signal* stop_;
    std::uint64_t steps_ = 0, bytes_ = 0, next_look_ = 0;
    std::uint32_t offset_ = 0;
};

}  // namespace wafer::inline WAFER_ABI::jinja
