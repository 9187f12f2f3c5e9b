// SPDX-License-Identifier: MIT
// L1 text: the header of a message of gpt-oss (the "harmony" format), which may be cut off or be none at all.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include <wafer/core/config.hpp>

namespace wafer::inline WAFER_ABI {

/// What a text begins with:  [<|start|>ROLE] [<|channel|>NAME [TYPE]] [<|constrain|>TYPE] <|message|>  with to=RECIPIENT at
/// most once, in any part, and white space between words, which are letters, digits, _, - and dots. Models repeat markers,
/// which does no harm. Words for which there is no place were said, and are no header's.
/// @cite OpenAI, harmony response format: the recipient stands in the role's part or in the channel's.
struct channel_header {
    static constexpr std::string_view start = "<|start|>", channel_mark = "<|channel|>", constrain = "<|constrain|>",
                                      message = "<|message|>";
    static constexpr std::size_t longest = 1024;  // bytes

    enum class form : std::uint8_t { unfinished, whole, none };
    form state = form::unfinished;
    std::size_t size = 0;        // whole: its bytes; none: those before what does not fit
    bool marked = false;         // has a marker
    bool addressed = false;      // has a recipient
    std::string_view channel{};  // its name
    std::string_view recipient{};
};

/// Reads a header at the beginning of a text. One that is unfinished can always be finished.
/// @cost linear in the header
[[nodiscard]] inline channel_header read_channel_header(std::string_view text) noexcept {
    using form = channel_header::form;
    const bool too_long = text.size() > channel_header::longest;
    text = text.substr(0, channel_header::longest);
    channel_header out;
    const auto is_name = [](std::string_view word) {
        const auto plain = [](char c) {
            return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
                   c == '.';
        };
        return !word.empty() && std::all_of(word.begin(), word.end(), plain);
    };
    std::string_view part;       // its marker
    int words = 0, fitting = 0;  // of the part: those that came, and that may come
    for (std::size_t at = 0;;) {
        at = std::min(text.find_first_not_of(" \t\r\n", at), text.size());
        out.size = at;
        const std::string_view rest = text.substr(at), word = rest.substr(0, rest.find_first_of(" \t\r\n<"));
        const bool recipient = word.starts_with("to=");
        // The text ends in what may become a marker or a recipient.
        bool unclear = word.size() == rest.size() && std::string_view("to=").starts_with(word);
        std::string_view marker;
        for (const auto& m : {channel_header::message, channel_header::start, channel_header::channel_mark,
                              channel_header::constrain}) {
            if (rest.starts_with(m)) marker = m;
            else unclear = unclear || m.starts_with(rest);
        }
        if (!marker.empty()) {
            if (marker == channel_header::start && (out.marked || out.addressed)) break;  // the next message's
            out.marked = true;
            part = marker;
            words = 0;
            fitting = marker == channel_header::channel_mark ? 2 : 1;
            at += marker.size();
            if (marker != channel_header::message) continue;
            out.state = form::whole;
            out.size = at;
            return out;
        }
        if (!unclear && !(recipient ? !out.addressed : words < fitting && is_name(word))) break;
        if (recipient) {
            out.addressed = true;
            out.recipient = word.substr(3);
        }
        if (unclear || word.size() == rest.size()) {
            if (too_long) break;
            return out;
        }
        if (!recipient && ++words == 1 && part == channel_header::channel_mark) out.channel = word;
        at += word.size();
    }
    out.state = form::none;
    return out;
}

}  // namespace wafer::inline WAFER_ABI
