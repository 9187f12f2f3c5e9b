// SPDX-License-Identifier: MIT
// A question while it is typed: what the keys do to it, and how it looks. Knows no operating system: the bytes that a
// terminal sends come in, those that bring its screen up to date go out.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <wafer/llm.hpp>

namespace chat {

struct screen_size {
    std::size_t rows = 24, columns = 80;
};

/// Columns that a character takes: none if it joins the one before it, two in the scripts of East Asia and for pictures.
[[nodiscard]] inline std::size_t columns_of(char32_t code) {
    constexpr std::pair<char32_t, char32_t> wide[] = {
        {0x1100, 0x115F},   {0x2E80, 0x303E},   {0x3041, 0x4DBF},   {0x4E00, 0xA4CF},   {0xA960, 0xA97C},
        {0xAC00, 0xD7A3},   {0xF900, 0xFAFF},   {0xFE30, 0xFE6F},   {0xFF01, 0xFF60},   {0xFFE0, 0xFFE6},
        {0x1F300, 0x1F64F}, {0x1F680, 0x1F6FF}, {0x1F900, 0x1F9FF}, {0x20000, 0x3FFFD},
    };
    if (code < 0x300) return 1;
    for (const auto& [first, last] : wide)
        if (first <= code && code <= last) return 2;
    const auto kind = wafer::category(code);
    using enum wafer::general_category;
    return kind == mn || kind == me || kind == cf ? 0 : 1;
}

/// One text after another, each of one line or several. A paste, which terminals mark when asked to, is text, whatever is in
/// it. Works on bytes: what is not UTF-8 stays as it is.
class line_editor {
public:
    enum class state { typing, entered, dropped, interrupt, end };

    /// Begins an empty text behind this prompt of ASCII.
    void begin(std::string_view prompt) {
        prompt_ = prompt;
        text_.clear();
        cursor_ = 0;
        recalled_ = history_.size();
        forget_screen();
    }
    [[nodiscard]] const std::string& text() const { return text_; }

    /// Takes the next byte that came from the keyboard.
    [[nodiscard]] state press(char key) {
        state_ = state::typing;
        if (pasting_) {
            paste(key);
            return state_;
        }
        keys_ += key;
        if (keys_ == "\033\033") keys_.pop_back();
        if (is_unfinished(keys_)) return state_;
        const std::string keys = std::exchange(keys_, {});
        if (const auto act = bound_to(keys)) (this->*act)();
        else if (keys.size() == 1 && (static_cast<unsigned char>(key) >= 0x20 || key == '\t')) insert(keys);
        return state_;
    }

    /// What to write for the screen to show the text as it is now, or as much of it around the cursor as there is room for.
    /// Line ends are "\n": the terminal adds the carriage return.
    [[nodiscard]] std::string draw(screen_size screen) { return draw(screen.columns, screen.rows, cursor_); }
    /// The same for all of the text, with the cursor behind its end: for the last time.
    [[nodiscard]] std::string finish(screen_size screen) {
        auto out = draw(screen.columns, static_cast<std::size_t>(-1), text_.size());
        forget_screen();
        return out;
    }
    /// The next drawing begins where the cursor is: something else was written there.
    void forget_screen() {
        above_.clear();
        column_ = top_ = 0;
    }

private:
    struct row {
        std::string text;
        std::size_t width;
    };
    struct layout {
        std::vector<row> rows;
        std::size_t cursor_row = 0, cursor_column = 0;
    };
    using action = void (line_editor::*)();

    /// What these keys do; null: nothing.
    [[nodiscard]] static action bound_to(std::string_view keys) {
        static constexpr std::pair<std::string_view, action> all[] = {
            {"\r", &line_editor::enter},
            {"\n", &line_editor::enter},
            {"\033\r", &line_editor::break_line},  // Alt-Enter
            {"\033\n", &line_editor::break_line},
            {"\033[200~", &line_editor::begin_paste},
            {"\x03", &line_editor::interrupt},
            {"\x04", &line_editor::erase_next_or_end},
            {"\x02", &line_editor::left},
            {"\033[D", &line_editor::left},
            {"\033OD", &line_editor::left},
            {"\x06", &line_editor::right},
            {"\033[C", &line_editor::right},
            {"\033OC", &line_editor::right},
            {"\x01", &line_editor::home},
            {"\033[H", &line_editor::home},
            {"\033OH", &line_editor::home},
            {"\033[1~", &line_editor::home},
            {"\x05", &line_editor::end},
            {"\033[F", &line_editor::end},
            {"\033OF", &line_editor::end},
            {"\033[4~", &line_editor::end},
            {"\033b", &line_editor::word_left},
            {"\033[1;3D", &line_editor::word_left},
            {"\033[1;5D", &line_editor::word_left},
            {"\033f", &line_editor::word_right},
            {"\033[1;3C", &line_editor::word_right},
            {"\033[1;5C", &line_editor::word_right},
            {"\x08", &line_editor::erase_before},
            {"\x7F", &line_editor::erase_before},
            {"\033[3~", &line_editor::erase_next},
            {"\x15", &line_editor::erase_to_begin},
            {"\x0B", &line_editor::erase_to_end},
            {"\x17", &line_editor::erase_word},
            {"\033\x7F", &line_editor::erase_word},
            {"\x10", &line_editor::older},
            {"\033[A", &line_editor::older},
            {"\033OA", &line_editor::older},
            {"\x0E", &line_editor::newer},
            {"\033[B", &line_editor::newer},
            {"\033OB", &line_editor::newer},
        };
        for (const auto& [sequence, act] : all)
            if (sequence == keys) return act;
        return nullptr;
    }
    [[nodiscard]] static bool is_unfinished(std::string_view keys) {
        if (keys.front() != '\033' || keys.size() > 32) return false;
        if (keys.size() == 1 || keys == "\033[" || keys == "\033O" || keys == "\033[[") return true;
        return keys[1] == '[' && keys.back() >= 0x20 && keys.back() < 0x40;  // parameters
    }

    void paste(char key) {
        constexpr std::string_view end = "\033[201~";
        if (key == '\x03') {  // whatever became of the end
            pasting_ = false;
            state_ = state::dropped;
            return;
        }
        pasted_ += key == '\r' ? '\n' : key;
        if (!pasted_.ends_with(end)) return;
        pasted_.resize(pasted_.size() - end.size());
        insert(pasted_);
        pasting_ = false;
    }
    void begin_paste() {
        pasted_.clear();
        pasting_ = true;
    }
    void insert(std::string_view what) {
        text_.insert(cursor_, what);
        cursor_ += what.size();
    }
    void erase(std::size_t from, std::size_t to) {
        text_.erase(from, to - from);
        cursor_ = from;
    }

    void enter() {
        if (text_.ends_with('\\')) {
            text_.back() = '\n';
            cursor_ = text_.size();
            return;
        }
        if (!text_.empty() && (history_.empty() || history_.back() != text_)) history_.push_back(text_);
        state_ = state::entered;
    }
    void break_line() { insert("\n"); }
    void interrupt() { state_ = text_.empty() ? state::interrupt : state::dropped; }
    void erase_next_or_end() {
        if (text_.empty()) state_ = state::end;
        else erase_next();
    }
    void left() { cursor_ = before(cursor_); }
    void right() { cursor_ = behind(cursor_); }
    void home() { cursor_ = line_begin(); }
    void end() { cursor_ = line_end(); }
    void word_left() { cursor_ = word_begin(); }
    void word_right() {
        cursor_ = std::min(text_.find_first_not_of(blanks, cursor_), text_.size());
        cursor_ = std::min(text_.find_first_of(blanks, cursor_), text_.size());
    }
    void erase_before() { erase(before(cursor_), cursor_); }
    void erase_next() { erase(cursor_, behind(cursor_)); }
    void erase_to_begin() { erase(line_begin(), cursor_); }
    void erase_to_end() { erase(cursor_, line_end()); }
    void erase_word() { erase(word_begin(), cursor_); }
    void older() {
        if (recalled_ > 0) recall(recalled_ - 1);
    }
    void newer() {
        if (recalled_ < history_.size()) recall(recalled_ + 1);
    }
    void recall(std::size_t which) {
        if (recalled_ == history_.size()) draft_ = text_;
        recalled_ = which;
        text_ = which == history_.size() ? draft_ : history_[which];
        cursor_ = text_.size();
    }

    static constexpr std::string_view blanks = " \t\n";
    [[nodiscard]] std::size_t line_begin() const { return cursor_ == 0 ? 0 : text_.rfind('\n', cursor_ - 1) + 1; }
    [[nodiscard]] std::size_t line_end() const { return std::min(text_.find('\n', cursor_), text_.size()); }
    [[nodiscard]] std::size_t word_begin() const {
        auto at = cursor_;
        while (at > 0 && blanks.find(text_[at - 1]) != blanks.npos) --at;
        while (at > 0 && blanks.find(text_[at - 1]) == blanks.npos) --at;
        return at;
    }
    /// Where the character ends that begins here, with what joins it.
    [[nodiscard]] std::size_t behind(std::size_t at) const {
        if (at == text_.size()) return at;
        at += wafer::decode_utf8(text_, at).length;
        while (at < text_.size()) {
            const auto next = wafer::decode_utf8(text_, at);
            if (columns_of(next.code) > 0) break;
            at += next.length;
        }
        return at;
    }
    /// Where the character begins that ends here.
    [[nodiscard]] std::size_t before(std::size_t end) const {
        std::size_t at = 0;
        for (auto next = at; next < end; next = behind(next)) at = next;
        return at;
    }

    /// Rows of at most so many columns: the text, behind the prompt and, after each line end, dots as wide.
    [[nodiscard]] layout lay_out(std::size_t columns, std::size_t cursor) const {
        layout all;
        const auto begin_row = [&](std::string_view with) { all.rows.push_back({std::string(with), with.size()}); };
        begin_row(prompt_);
        for (std::size_t at = 0;;) {
            const bool is_end = at == text_.size(), is_break = !is_end && text_[at] == '\n';
            std::string shown;
            std::size_t width = is_end ? 1 : 0, length = 1;  // behind a full row the cursor needs another
            if (!is_end && !is_break) {
                const auto c = wafer::decode_utf8(text_, at);
                length = c.length;
                const bool control = c.code < 0x20 || (c.code >= 0x7F && c.code < 0xA0);
                shown = text_[at] == '\t'                               ? "    "
                        : control || c.status != wafer::utf8_status::ok ? "\xEF\xBF\xBD"  // U+FFFD
                                                                        : text_.substr(at, length);
                width = text_[at] == '\t' ? 4 : control ? 1 : columns_of(c.code);
            }
            if (all.rows.back().width + width > columns) begin_row("");
            if (at == cursor) {
                all.cursor_row = all.rows.size() - 1;
                all.cursor_column = std::min(all.rows.back().width, columns - 1);
            }
            if (is_end) return all;
            all.rows.back().text += shown;
            all.rows.back().width += width;
            if (is_break) begin_row(std::string(prompt_.empty() ? 0 : prompt_.size() - 1, '.') + ' ');
            at += length;
        }
    }

    [[nodiscard]] std::string draw(std::size_t columns, std::size_t room, std::size_t cursor) {
        const auto up = [](std::size_t n) { return n == 0 ? std::string() : "\033[" + std::to_string(n) + "A"; };
        columns = std::max<std::size_t>(columns, 8);
        room = std::max<std::size_t>(room, 1);
        // A terminal that became narrower has broken the rows that are there.
        std::size_t drawn = column_ / columns;
        for (const auto width : above_) drawn += std::max<std::size_t>((width + columns - 1) / columns, 1);

        const auto now = lay_out(columns, cursor);
        const std::size_t n = now.rows.size();
        top_ = std::min({top_, n - std::min(n, room), now.cursor_row});
        if (now.cursor_row - top_ >= room) top_ = now.cursor_row - room + 1;
        const std::size_t last = top_ + std::min(n - top_, room) - 1;

        std::string out = up(drawn) + "\r\033[J";
        above_.clear();
        for (std::size_t i = top_; i <= last; ++i) {
            out += now.rows[i].text;
            if (i < last) out += '\n';
            if (i < now.cursor_row) above_.push_back(now.rows[i].width);
        }
        column_ = now.cursor_column;
        if (now.cursor_row == last && column_ == now.rows[last].width) return out;  // it is there
        out += up(last - now.cursor_row) + '\r';
        if (column_ > 0) out += "\033[" + std::to_string(column_) + "C";
        return out;
    }

    std::string prompt_, text_;
    std::size_t cursor_ = 0;
    state state_ = state::typing;
    std::string keys_;  // of a sequence that has begun
    bool pasting_ = false;
    std::string pasted_;
    std::vector<std::string> history_;
    std::size_t recalled_ = 0;  // of history_; behind its end: draft_
    std::string draft_;
    // On the screen: widths of the rows above the cursor, its column, the first row that is shown.
    std::vector<std::size_t> above_;
    std::size_t column_ = 0, top_ = 0;
};

}  // namespace chat
