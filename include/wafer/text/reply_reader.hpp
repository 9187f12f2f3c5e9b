// SPDX-License-Identifier: MIT
// L1 text: a model's reply as it streams by: thinking, answer and calls of tools apart, whatever the model's family.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <wafer/core/config.hpp>
#include <wafer/core/error.hpp>
#include <wafer/core/json.hpp>
#include <wafer/text/call_format.hpp>
#include <wafer/text/channel_header.hpp>
#include <wafer/text/channels.hpp>
#include <wafer/text/reply_event.hpp>
#include <wafer/text/reply_splitter.hpp>
#include <wafer/text/think.hpp>
#include <wafer/text/tool_calls.hpp>

namespace wafer::inline WAFER_ABI {

/// Reads one reply. Thinking is split off first, so that what is thought of calls is no call. What a model writes in several
/// stretches of one kind, as messages of gpt-oss or before and after a call, is kept apart by a line break where it has none.
class reply_reader {
public:
    /// prompt: what the reply continues; its end tells whether thinking began there. tools: @see tool_call_reader
    /// @throws error{errc::invalid_argument} as check_tools(); error{errc::out_of_memory}, also of feed and flush, after which
    /// the reply cannot be gone on with
    explicit reply_reader(call_dialect dialect = call_dialect::none, std::string_view prompt = {}, json tools = {})
        : splitter_(or_out_of_memory([&] { return reply_splitter(dialect, prompt); })),
          calls_(or_out_of_memory([&] { return tool_call_reader(dialect, std::move(tools)); })) {}

    /// The events that are certain after this text.
    [[nodiscard]] std::vector<reply_event> feed(std::string_view text) {
        return or_out_of_memory([&] {
            std::vector<reply_event> out;
            add(out, splitter_.feed(text));
            return out;
        });
    }
    /// Ends the reply. @see tool_call_reader::flush
    [[nodiscard]] std::vector<reply_event> flush() {
        return or_out_of_memory([&] {
            std::vector<reply_event> out;
            add(out, splitter_.flush());
            add(out, calls_.flush());
            return out;
        });
    }

    /// Whether a token of this text must reach feed() as text although it is a control token.
    [[nodiscard]] static bool is_marker(call_dialect dialect, std::string_view token) noexcept {
        const call_format f = format_of(dialect);
        const auto is = [&](std::string_view marker) { return !token.empty() && token == marker; };
        for (const std::string_view marker : {f.open, f.close, f.separator, f.id_mark, f.block_open, f.block_close})
            if (is(marker)) return true;
        for (const std::string_view marker : f.other_block_opens)
            if (is(marker)) return true;
        if (dialect != call_dialect::harmony) return is("<think>") || is("</think>");
        for (const std::string_view marker : channel_splitter::ends)
            if (is(marker)) return true;
        return is(channel_header::start) || is(channel_header::channel_mark) || is(channel_header::constrain);
    }

private:
    // Where a kind of text stands.
    struct stretch {
        char last = '\n';    // of what came
        bool apart = false;  // what comes next is another stretch
    };

    void add(std::vector<reply_event>& out, std::vector<text_piece> pieces) {
        for (text_piece& piece : pieces) {
            if (piece.begins) add(out, calls_.flush());  // what is held back came before this, and ended there
            if (piece.kind == text_kind::thinking) {
                thinking_.apart = thinking_.apart || piece.begins;
                add(out, {{reply_kind::thinking, std::move(piece.text)}});
                continue;
            }
            if (piece.begins && piece.kind == text_kind::call) calls_.open();
            else answer_.apart = answer_.apart || piece.begins;
            add(out, calls_.feed(piece.text));
        }
    }
    void add(std::vector<reply_event>& out, std::vector<reply_event> events) {
        for (reply_event& event : events) {
            if (event.kind == reply_kind::thinking) keep_apart(thinking_, event.text);
            else if (event.kind == reply_kind::answer) keep_apart(answer_, event.text);
            else answer_.apart = true;
            out.push_back(std::move(event));
        }
    }
    static void keep_apart(stretch& s, std::string& text) {
        if (s.apart && s.last != '\n' && text.front() != '\n') text.insert(0, 1, '\n');
        s = {text.back()};
    }

    reply_splitter splitter_;
    tool_call_reader calls_;
    stretch thinking_, answer_;
};

}  // namespace wafer::inline WAFER_ABI
