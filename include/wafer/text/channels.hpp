// SPDX-License-Identifier: MIT
// L1 text: the channels of gpt-oss (the "harmony" format): thinking, answers and calls as messages with a header each.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <wafer/core/config.hpp>
#include <wafer/text/partial_marker.hpp>
#include <wafer/text/think.hpp>

namespace wafer::inline WAFER_ABI {

/// Splits a stream of messages, wherever it is cut: <|start|>assistant<|channel|>analysis<|message|>text<|end|> and so on,
/// beginning after the prompt's last "<|start|>assistant". What goes to the channel "analysis" is thinking, other text is an
/// answer; a message to a recipient (to=functions.name) goes out whole as answer, as <|start|>header<|message|>content<|call|>,
/// for a tool_call_reader; what looks like a marker inside its JSON strings is none. Text outside of messages is an answer.
class channel_splitter {
public:
    static constexpr std::string_view start = "<|start|>", channel = "<|channel|>", constrain = "<|constrain|>",
                                      message = "<|message|>";
    static constexpr std::string_view begins[] = {start, channel, message};
    static constexpr std::string_view ends[] = {"<|end|>", "<|call|>", "<|return|>"};

    /// The pieces that are certain after this text, none of them empty.
    [[nodiscard]] std::vector<text_piece> feed(std::string_view text) {
        pending_ += text;
        std::vector<text_piece> out;
        while (in_header_ ? read_header(out) : read_content(out)) {
        }
        return out;
    }

    /// Ends the stream: what was held back is text after all.
    [[nodiscard]] std::vector<text_piece> flush() {
        std::vector<text_piece> out;
        if (in_header_) leave_header();
        emit(pending_.size(), out);
        return out;
    }

    /// What the next text would be.
    [[nodiscard]] text_kind kind() const noexcept { return kind_; }
    /// Whether it would be the answer itself: neither a header, nor thinking, nor what is said or written on the way.
    [[nodiscard]] bool answering() const noexcept { return final_; }
    /// What may begin a header, where one has to come.
    [[nodiscard]] std::span<const std::string_view> awaited() const noexcept {
        return in_header_ && pending_.empty() ? std::span(begins) : std::span<const std::string_view>();
    }

private:
    void emit(std::size_t size, std::vector<text_piece>& out) {
        if (size > 0) out.push_back({kind_, pending_.substr(0, size)});
        pending_.erase(0, size);
    }
    // The same for content: follows the strings of what may be JSON.
    void emit_content(std::size_t size, std::vector<text_piece>& out) {
        for (const char c : std::string_view(pending_).substr(0, addressed_ ? size : 0)) {
            if (escaped_) escaped_ = false;
            else if (in_string_ && c == '\\') escaped_ = true;
            else if (c == '"') in_string_ = !in_string_;
        }
        emit(size, out);
    }

    // A header ends at <|message|>. What neither begins with a marker nor with a recipient is text.
    bool read_header(std::vector<text_piece>& out) {
        const std::string_view text = pending_;
        const std::string_view rest = text.substr(std::min(text.find_first_not_of(" \t\r\n"), text.size()));
        const auto may_begin = [&](std::string_view begin) {
            return rest.starts_with(begin) || begin.starts_with(rest);
        };
        if (!may_begin(start) && !may_begin(channel) && !may_begin(message) && !may_begin("to=")) {
            leave_header();
            return true;
        }
        const std::size_t end = text.find(message);
        if (end == text.npos) return false;
        const std::string_view header = text.substr(0, end);
        const bool analysis = header.find("<|channel|>analysis") != header.npos;
        addressed_ = header.find("to=") != header.npos;
        final_ = !analysis && !addressed_ && header.find("<|channel|>commentary") == header.npos;
        kind_ = analysis && !addressed_ ? text_kind::thinking : text_kind::answer;
        in_header_ = false;
        if (!addressed_) {
            pending_.erase(0, end + message.size());
        } else {
            if (!header.starts_with(start)) pending_.insert(0, start);
            emit(pending_.find(message) + message.size(), out);
            in_string_ = escaped_ = false;
        }
        return true;
    }
    void leave_header() noexcept {
        in_header_ = addressed_ = false;
        final_ = true;
        kind_ = text_kind::answer;
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
        look_for(start, 0);  // a message that was not ended
        emit_content(found == pending_.npos ? pending_.size() - keep : found, out);
        if (found == pending_.npos) return false;
        if (addressed_ && in_string_) {
            emit_content(1, out);
            return true;
        }
        if (addressed_ && length > 0) emit(length, out);
        else pending_.erase(0, length);
        in_header_ = true;
        addressed_ = final_ = false;
        kind_ = text_kind::answer;
        return true;
    }

    std::string pending_;
    bool in_header_ = true, addressed_ = false, final_ = false;
    bool in_string_ = false, escaped_ = false;  // of an addressed message's JSON
    text_kind kind_ = text_kind::answer;
};

}  // namespace wafer::inline WAFER_ABI
