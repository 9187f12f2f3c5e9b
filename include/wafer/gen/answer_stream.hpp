// SPDX-License-Identifier: MIT
// L8 gen: an answer while its tokens come: their text, told apart into thinking, answer and calls of tools, and the answer
// cut at stop strings. Knows neither models nor threads.
#pragma once

#include <cstddef>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <wafer/core/config.hpp>
#include <wafer/core/json.hpp>
#include <wafer/gen/reply.hpp>
#include <wafer/gen/stop_strings.hpp>
#include <wafer/gen/turns.hpp>
#include <wafer/text/chat_template.hpp>
#include <wafer/text/reply_reader.hpp>
#include <wafer/text/tokenizer.hpp>

namespace wafer::inline WAFER_ABI {

/// The text side of one answer. The tokenizer must outlive it.
class answer_stream {
public:
    /// prompt: what the answer continues. last_call: the number of the last one before it, since ids differ.
    /// continues: the answer goes on in the prompt's own text, where a space counts, rather than being a turn of its own.
    /// tools: what may be called.
    answer_stream(const tokenizer& words, call_dialect dialect, std::vector<std::string> stop, std::string_view prompt,
                  std::size_t last_call = 0, bool continues = false, json tools = {})
        : words_(&words), dialect_(dialect), text_(words, control_text::hide, continues),
          reader_(dialect, prompt, std::move(tools)), stop_(std::move(stop)), last_call_(last_call) {
        said_.role = "assistant";
    }

    /// Takes the next token.
    void add(token_id id) {
        deliver(reader_.feed(is_marker(id) ? text_.flush() + std::string(words_->piece(id)) : text_.feed(id)));
    }
    /// Takes the token that ends the turn, which is no text, but may be the marker that closes a call.
    void add_last(token_id id) {
        if (is_marker(id)) add(id);
    }
    /// Ends the answer: what was held back comes out, and may yet hold a stop string.
    void end() {
        deliver(reader_.feed(text_.flush()));
        deliver(reader_.flush());
        say(stop_.flush());
    }

    /// Whether a stop string was met: no more tokens are wanted, and none says anything more.
    [[nodiscard]] bool stopped() const noexcept { return stop_.met(); }
    /// The next piece that is certain.
    [[nodiscard]] std::optional<reply_piece> take() {
        if (ready_.empty()) return std::nullopt;
        auto piece = std::move(ready_.front());
        ready_.pop_front();
        return piece;
    }
    /// Whether there is none now.
    [[nodiscard]] bool empty() const noexcept { return ready_.empty(); }
    /// What came so far, as a turn of the conversation.
    [[nodiscard]] const message& said() const noexcept { return said_; }

private:
    // Markers may be control tokens, whose text is otherwise hidden.
    [[nodiscard]] bool is_marker(token_id id) const noexcept {
        return words_->is_control(id) && reply_reader::is_marker(dialect_, words_->piece(id));
    }
    void deliver(std::vector<reply_event> events) {
        for (auto& e : events) {
            if (stop_.met()) return;
            if (e.kind == reply_kind::answer) {
                say(stop_.feed(e.text));
                continue;
            }
            say(stop_.flush());  // it came before this, which no stop string goes across
            switch (e.kind) {
                case reply_kind::thinking: said_.reasoning += e.text; break;
                case reply_kind::call_invalid: said_.content += e.text; break;
                case reply_kind::call_end:
                    e.id = id_of_call(++last_call_);
                    said_.tool_calls.push_back(make_tool_call(e.name, e.arguments, e.id));
                    break;
                default: break;
            }
            if (e.kind == reply_kind::thinking) ready_.push_back({.text = std::move(e.text), .thinking = true});
            else ready_.push_back({.call = std::move(e)});
        }
    }
    void say(std::string text) {
        if (text.empty()) return;
        said_.content += text;
        ready_.push_back({.text = std::move(text)});
    }

    const tokenizer* words_;
    call_dialect dialect_;
    detokenizer text_;
    reply_reader reader_;
    stop_strings stop_;
    message said_;
    std::deque<reply_piece> ready_;
    std::size_t last_call_;
};

}  // namespace wafer::inline WAFER_ABI
