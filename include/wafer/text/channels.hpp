// SPDX-License-Identifier: MIT
// L1 text: the channels of gpt-oss (the "harmony" format): thinking, answers and calls as messages with a header each.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <wafer/core/config.hpp>
#include <wafer/text/channel_header.hpp>
#include <wafer/text/partial_marker.hpp>
#include <wafer/text/think.hpp>

namespace wafer::inline WAFER_ABI {

/// Splits a stream of messages, wherever it is cut: <|start|>assistant<|channel|>analysis<|message|>text<|end|> and so on,
/// beginning after the prompt's last "<|start|>assistant". What goes to the channel "analysis" is thinking, other text is an
/// answer; a message to a recipient (to=functions.name) is a call and comes out whole, with header and end, where what looks
/// like a marker inside its JSON strings is none. Text outside of messages, and what begins like a header but is none, is an
/// answer.
class channel_splitter {
public:
    static constexpr std::string_view begins[] = {channel_header::start, channel_header::channel_mark,
                                                  channel_header::message};
    static constexpr std::string_view ends[] = {"<|end|>", "<|call|>", "<|return|>"};

    /// The pieces that are certain after this text, none of them empty.
    [[nodiscard]] std::vector<text_piece> feed(std::string_view text) {
        pending_ += text;
        std::vector<text_piece> out;
        while (in_header_ ? read_header(out) : read_content(out)) {
        }
        return out;
    }

    /// Ends the stream: what was held back is text after all, or a call that was cut off.
    [[nodiscard]] std::vector<text_piece> flush() {
        std::vector<text_piece> out;
        if (in_header_) begin_message(read_channel_header(pending_));
        emit(pending_.size(), out);
        return out;
    }

    /// What the next text would be; where a header has to come, an answer.
    [[nodiscard]] text_kind kind() const noexcept { return kind_; }
    /// Whether it would be the answer itself: neither a header, nor thinking, nor what is said or written on the way.
    [[nodiscard]] bool answering() const noexcept { return final_; }
    /// What may begin a header, where one has to come.
    [[nodiscard]] std::span<const std::string_view> awaited() const noexcept {
        return in_header_ && pending_.empty() ? std::span(begins) : std::span<const std::string_view>();
    }

private:
    void emit(std::size_t size, std::vector<text_piece>& out) {
        if (size > 0) out.push_back({kind_, pending_.substr(0, size), std::exchange(begins_, false)});
        pending_.erase(0, size);
    }
    // The same for content: follows the strings of what may be JSON.
    void emit_content(std::size_t size, std::vector<text_piece>& out) {
        for (const char c : std::string_view(pending_).substr(0, kind_ == text_kind::call ? size : 0)) {
            if (escaped_) escaped_ = false;
            else if (in_string_ && c == '\\') escaped_ = true;
            else if (c == '"') in_string_ = !in_string_;
        }
        emit(size, out);
    }

    bool read_header(std::vector<text_piece>& out) {
        const channel_header header = read_channel_header(pending_);
        if (header.state == channel_header::form::unfinished) return false;
        begin_message(header);
        if (header.state == channel_header::form::none || kind_ == text_kind::call) emit(header.size, out);
        else pending_.erase(0, header.size);
        return true;
    }
    // Its content comes next, or the text that is no header after all.
    void begin_message(const channel_header& header) noexcept {
        kind_ = header.addressed && header.marked ? text_kind::call
                : header.channel == "analysis"    ? text_kind::thinking
                                                  : text_kind::answer;
        final_ = kind_ == text_kind::answer && header.channel != "commentary";
        in_header_ = in_string_ = escaped_ = false;
        begins_ = true;
    }

    bool read_content(std::vector<text_piece>& out) {
        std::size_t found = pending_.npos, length = 0, keep = 0;
        const auto look_for = [&](std::string_view marker, std::size_t size) {
            if (const std::size_t at = pending_.find(marker); at < found) {
                found = at;
                length = size;
            }
            keep = std::max(keep, partial_marker(pending_, marker));
        };
        for (const std::string_view marker : ends) look_for(marker, marker.size());
        look_for(channel_header::start, 0);  // a message that was not ended
        emit_content(found == pending_.npos ? pending_.size() - keep : found, out);
        if (found == pending_.npos) return false;
        if (in_string_) {
            emit_content(1, out);
            return true;
        }
        if (kind_ == text_kind::call) emit(length, out);
        else pending_.erase(0, length);
        in_header_ = true;
        final_ = false;
        kind_ = text_kind::answer;
        return true;
    }

    std::string pending_;
    bool in_header_ = true, final_ = false, begins_ = true;  // begins_: nothing of the message came out
    bool in_string_ = false, escaped_ = false;               // of a call's JSON
    text_kind kind_ = text_kind::answer;
};

}  // namespace wafer::inline WAFER_ABI
