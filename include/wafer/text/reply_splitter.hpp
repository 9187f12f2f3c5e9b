// SPDX-License-Identifier: MIT
// L1 text: tells thinking from answer in the way that a model's family writes them.
#pragma once

#include <span>
#include <string_view>
#include <variant>
#include <vector>

#include <wafer/core/config.hpp>
#include <wafer/text/call_format.hpp>
#include <wafer/text/channels.hpp>
#include <wafer/text/think.hpp>

namespace wafer::inline WAFER_ABI {

/// A think_splitter or a channel_splitter. A copy shows what more text would do.
class reply_splitter {
public:
    /// prompt: what the reply continues; its end tells whether thinking began there.
    explicit reply_splitter(call_dialect dialect = call_dialect::none, std::string_view prompt = {}) {
        if (dialect == call_dialect::harmony) either_.emplace<channel_splitter>();
        else either_.emplace<think_splitter>(opens_thinking(prompt));
    }

    /// The pieces that are certain after this text, none of them empty.
    [[nodiscard]] std::vector<text_piece> feed(std::string_view text) {
        return std::visit([&](auto& splitter) { return splitter.feed(text); }, either_);
    }
    /// Ends the reply: what was held back is text after all.
    [[nodiscard]] std::vector<text_piece> flush() {
        return std::visit([](auto& splitter) { return splitter.flush(); }, either_);
    }

    /// Whether what comes next is the answer itself, rather than thinking or what leads to either.
    [[nodiscard]] bool answering() const noexcept {
        return std::visit([](const auto& splitter) { return splitter.answering(); }, either_);
    }
    /// Whether it is a call that the splitter tells.
    [[nodiscard]] bool calling() const noexcept {
        return std::visit([](const auto& splitter) { return splitter.kind() == text_kind::call; }, either_);
    }
    /// Markers one of which comes next, if the format is kept to; none: anything may.
    [[nodiscard]] std::span<const std::string_view> awaited() const noexcept {
        const auto* channels = std::get_if<channel_splitter>(&either_);
        return channels != nullptr ? channels->awaited() : std::span<const std::string_view>();
    }
    /// @see think_splitter::drops_blanks, may_open, opens; channels begin and end with markers.
    [[nodiscard]] bool drops_blanks() const noexcept {
        const auto* tags = std::get_if<think_splitter>(&either_);
        return tags != nullptr && tags->drops_blanks();
    }
    [[nodiscard]] bool may_open() const noexcept {
        const auto* tags = std::get_if<think_splitter>(&either_);
        return tags != nullptr && tags->may_open();
    }
    [[nodiscard]] bool opens(std::string_view text) const noexcept {
        const auto* tags = std::get_if<think_splitter>(&either_);
        return tags != nullptr && tags->opens(text);
    }

private:
    std::variant<think_splitter, channel_splitter> either_;
};

}  // namespace wafer::inline WAFER_ABI
