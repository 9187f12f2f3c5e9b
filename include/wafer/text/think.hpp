// SPDX-License-Identifier: MIT
// L1 text: tells a model's thinking from its answer while the text streams by. Knows nothing of tokens.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <wafer/core/config.hpp>
#include <wafer/core/error.hpp>
#include <wafer/text/partial_marker.hpp>

namespace wafer::inline WAFER_ABI {

/// What a stretch of text is. A call is one that something else than the markers of its dialect tells from an answer.
enum class text_kind : std::uint8_t { thinking, answer, call };

/// A stretch of a stream, all of one kind.
struct text_piece {
    text_kind kind;
    std::string text;
    bool begins = false;  // the first of a message, or of what stands between two tags
    friend bool operator==(const text_piece&, const text_piece&) = default;
};

/// What stands around thinking. The defaults are those of DeepSeek-R1 and Qwen3.
struct think_tags {
    std::string open = "<think>", close = "</think>";  // neither may be empty
};

/// @throws error{errc::invalid_argument} for a tag that is empty
inline void check_tags(const think_tags& tags) {
    if (tags.open.empty() || tags.close.empty()) raise(errc::invalid_argument, "a tag around thinking is empty");
}

/// Whether a prompt ends inside thinking: templates of some models write the opening tag.
/// @throws error{errc::invalid_argument} as check_tags()
[[nodiscard]] inline bool opens_thinking(std::string_view prompt, const think_tags& tags = {}) {
    check_tags(tags);
    return prompt.substr(0, prompt.find_last_not_of(" \t\r\n") + 1).ends_with(tags.open);  // npos + 1 is 0
}

/// Splits a stream at its tags, wherever pieces are cut. Thinking comes before the answer: tags in the answer are its text.
/// Other tags are not part of the text, nor the white space on either side of thinking. A stream that begins with thinking may
/// repeat the tag that the prompt opened. Holds back only what may still become a tag, and white space that may stand beside
/// one.
class think_splitter {
public:
    /// starts_inside: the prompt ended in the opening tag, so that the stream begins with thinking.
    /// @throws error{errc::invalid_argument} as check_tags()
    explicit think_splitter(bool starts_inside = false, think_tags tags = {})
        : tags_(std::move(tags)), inside_(starts_inside), after_tag_(starts_inside), may_repeat_(starts_inside) {
        check_tags(tags_);
    }

    /// The pieces that are certain after this text, none of them empty.
    [[nodiscard]] std::vector<text_piece> feed(std::string_view text) {
        pending_ += text;
        std::vector<text_piece> out;
        while (true) {
            if (after_tag_) {
                pending_.erase(0, std::min(pending_.find_first_not_of(blanks), pending_.size()));
                if (may_repeat_ && std::string_view(tags_.open).starts_with(pending_.substr(0, tags_.open.size())) &&
                    pending_.size() < tags_.open.size())
                    return out;
                if (may_repeat_ && pending_.starts_with(tags_.open)) pending_.erase(0, tags_.open.size());
                else if (pending_.empty()) return out;
                else after_tag_ = false;
                may_repeat_ = false;
                continue;
            }
            const std::string& tag = inside_ ? tags_.close : tags_.open;
            const std::size_t found = inside_ ? pending_.find(tag) : opening_tag();
            if (found == pending_.npos) break;
            if (inside_) emit(trimmed(found), out);
            pending_.erase(0, pending_.find(tag) + tag.size());
            inside_ = !inside_;
            after_tag_ = begins_ = true;
        }
        if (inside_) emit(trimmed(pending_.size() - partial_marker(pending_, tags_.close)), out);
        else if (!may_open()) emit(pending_.size(), out);
        return out;
    }

    /// Ends the stream: what was held back is text after all.
    [[nodiscard]] std::vector<text_piece> flush() {
        std::vector<text_piece> out;
        emit(pending_.size(), out);
        return out;
    }

    /// What the next text would be.
    [[nodiscard]] text_kind kind() const noexcept { return inside_ ? text_kind::thinking : text_kind::answer; }
    /// Whether it would be the answer itself.
    [[nodiscard]] bool answering() const noexcept { return !inside_; }
    /// Whether white space, coming next, would be left out of the answer, which did not begin.
    [[nodiscard]] bool drops_blanks() const noexcept { return !inside_ && after_tag_; }
    /// Whether what was read of the answer may still become an opening tag: none of it came out.
    [[nodiscard]] bool may_open() const noexcept {
        return !inside_ && !answered_ && std::string_view(tags_.open).starts_with(beginning());
    }
    /// Whether with this text next some of an opening tag is there, or all of it and what is thought.
    [[nodiscard]] bool opens(std::string_view text) const noexcept {
        if (!may_open()) return false;
        const std::string_view rest = std::string_view(tags_.open).substr(beginning().size());
        if (beginning().empty()) text.remove_prefix(std::min(text.find_first_not_of(blanks), text.size()));
        return !text.empty() && (rest.starts_with(text) || text.starts_with(rest));
    }

private:
    static constexpr std::string_view blanks = " \t\r\n";

    void emit(std::size_t size, std::vector<text_piece>& out) {
        if (size > 0) {
            out.push_back({kind(), pending_.substr(0, size), std::exchange(begins_, false)});
            answered_ = !inside_;
        }
        pending_.erase(0, size);
    }
    // Where the white space at the end of the pending text's first `size` bytes begins.
    [[nodiscard]] std::size_t trimmed(std::size_t size) const noexcept {
        return std::string_view(pending_).substr(0, size).find_last_not_of(blanks) + 1;  // npos + 1 is 0
    }
    // The pending text from its first letter on.
    [[nodiscard]] std::string_view beginning() const noexcept {
        return std::string_view(pending_).substr(std::min(pending_.find_first_not_of(blanks), pending_.size()));
    }
    [[nodiscard]] std::size_t opening_tag() const noexcept {
        return !answered_ && beginning().starts_with(tags_.open) ? pending_.find(tags_.open) : pending_.npos;
    }

    think_tags tags_;
    std::string pending_;
    bool inside_, after_tag_, may_repeat_;
    bool begins_ = true;     // nothing came out since the last tag
    bool answered_ = false;  // some of the answer came out
};

}  // namespace wafer::inline WAFER_ABI
