// SPDX-License-Identifier: MIT
#include <algorithm>
#include <chat/line_editor.hpp>
#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include <wafer/core/utf8.hpp>

using chat::line_editor;
using state = chat::line_editor::state;

namespace {

/// A terminal, as far as an editor needs one: cells of one character each; the right half of a wide one is empty.
class small_screen {
public:
    explicit small_screen(chat::screen_size size) : size_(size), rows_(size.rows, blank_row()) {}

    void write(std::string_view bytes) {
        for (std::size_t at = 0; at < bytes.size();) {
            if (bytes[at] == '\033') {
                REQUIRE(bytes[at + 1] == '[');
                const auto end = bytes.find_first_of("ACJ", at);
                REQUIRE(end != bytes.npos);
                const std::string number(bytes.substr(at + 2, end - at - 2));
                const std::size_t n = number.empty() ? 1 : std::stoul(number);
                if (bytes[end] == 'A') row_ -= std::min(n, row_);
                else if (bytes[end] == 'C') column_ = std::min(column_ + n, size_.columns - 1);
                else erase_behind();
                at = end + 1;
            } else {
                const auto c = wafer::decode_utf8(bytes, at);
                REQUIRE(c.status == wafer::utf8_status::ok);
                put(c.code, bytes.substr(at, c.length));
                at += c.length;
            }
        }
    }

    /// Rows without the blanks at their ends, down to the last that is not empty.
    [[nodiscard]] std::vector<std::string> shown() const {
        std::vector<std::string> all;
        for (const auto& row : rows_) {
            std::string text;
            for (const auto& cell : row) text += cell;
            all.push_back(text.substr(0, text.find_last_not_of(' ') + 1));
        }
        while (!all.empty() && all.back().empty()) all.pop_back();
        return all;
    }
    [[nodiscard]] std::size_t row() const { return row_; }
    [[nodiscard]] std::size_t column() const { return column_; }

private:
    using cells = std::vector<std::string>;
    [[nodiscard]] cells blank_row() const { return cells(size_.columns, " "); }

    void put(char32_t code, std::string_view bytes) {
        if (code == '\r') return void(column_ = 0);
        if (code == '\n') {
            column_ = 0;
            return next_row();
        }
        const auto width = chat::columns_of(code);
        if (width == 0) {
            REQUIRE(column_ > 0);
            rows_[row_][column_ - 1] += bytes;
            return;
        }
        REQUIRE_MESSAGE(column_ + width <= size_.columns, "a row is never left to the terminal to break");
        rows_[row_][column_++] = bytes;
        if (width == 2) rows_[row_][column_++] = "";
    }
    void next_row() {
        if (++row_ < size_.rows) return;
        rows_.erase(rows_.begin());
        rows_.push_back(blank_row());
        --row_;
    }
    void erase_behind() {
        std::fill(rows_[row_].begin() + static_cast<std::ptrdiff_t>(column_), rows_[row_].end(), " ");
        std::fill(rows_.begin() + static_cast<std::ptrdiff_t>(row_) + 1, rows_.end(), blank_row());
    }

    chat::screen_size size_;
    std::vector<cells> rows_;
    std::size_t row_ = 0, column_ = 0;
};

/// Presses keys until one of them ends the text.
state type(line_editor& editor, std::string_view keys) {
    auto last = state::typing;
    for (const char key : keys)
        if (last = editor.press(key); last != state::typing) break;
    return last;
}
[[nodiscard]] std::string typed(std::string_view keys) {
    line_editor editor;
    editor.begin("> ");
    CHECK(type(editor, keys) == state::typing);
    return editor.text();
}

}  // namespace

TEST_CASE("line_editor: keys move and erase whole characters, whatever their bytes") {
    CHECK(typed("ac\033[Db") == "abc");
    CHECK(typed("bc\x01"
                "a\x05"
                "d") == "abcd");
    CHECK(typed("b\033[Ha\033[Fc") == "abc");
    CHECK(typed("a\xC3\xA4\xE6\x97\xA5\x7F\x7F"
                "b") == "ab");
    CHECK(typed("ae\xCC\x81\x7F"
                "b") == "ab");  // an accent goes with its letter
    CHECK(typed("a\xFF\xE6\x97\x7F\x7F"
                "b") == "ab");  // and bytes that are no character go one by one
    CHECK(typed("abc\x02\x02\x04") == "ac");
    CHECK(typed("abc\033[D\033[3~") == "ab");
    CHECK(typed("one two  three\x17\x17x") == "one x");
    CHECK(typed("one two\033b\033bX\033fY") == "XoneY two");
    CHECK(typed("one two\x15three") == "three");
    CHECK(typed("one two\033b\x0B!") == "one !");
    CHECK(typed("one\033\ntwo\x01X\x0B") == "one\nX");  // of its line alone
    CHECK(typed("\x7F\033[D\033[C\033[3~\x15\x0B\x17\033b\033f\033[A\033[B").empty());
}

TEST_CASE("line_editor: keys that mean nothing change nothing") {
    CHECK(typed("a\033[15~\033OP\033[[A\033[1;2A\033x\x07\x1F"
                "b") == "ab");
    CHECK(typed("a\033\033[D"
                "b") == "ba");
    CHECK(typed("a\033[" + std::string(40, '1') + "b").starts_with("a1"));  // no sequence is that long
}

TEST_CASE("line_editor: texts end, go on behind a backslash, are dropped") {
    line_editor editor;
    editor.begin("> ");
    CHECK(type(editor, "one\\\ntwo\033\rthree\r") == state::entered);
    CHECK(editor.text() == "one\ntwo\nthree");
    editor.begin("> ");
    CHECK(editor.text().empty());
    CHECK(type(editor, "\x03") == state::interrupt);
    CHECK(type(editor, "\x04") == state::end);
    CHECK(type(editor, "a\x04\x03") == state::dropped);
    editor.begin("> ");
    CHECK(type(editor, "\033[200~never ended\n\x04\x03") == state::dropped);
    editor.begin("> ");
    CHECK(type(editor, "a\n") == state::entered);
    CHECK(editor.text() == "a");
}

TEST_CASE("line_editor: a paste is text, whatever is in it") {
    const std::string hostile = "a\tb\x04\x15\033[D\033[200~\033[201\nc\\";
    CHECK(typed("(\033[200~" + hostile + "\033[201~)") == "(" + hostile + ")");
    CHECK(typed("()\033[D\033[200~1\r2\033[201~3") == "(1\n23)");
}

TEST_CASE("line_editor: older texts come back, and the one that was begun waits") {
    line_editor editor;
    for (const char* text : {"one\r", "two\r", "two\r", "\r"}) {
        editor.begin("> ");
        CHECK(type(editor, text) == state::entered);
    }
    const auto then = [&](std::string_view keys) {
        CHECK(type(editor, keys) == state::typing);
        return editor.text();
    };
    editor.begin("> ");
    CHECK(then("three\033[A") == "two");
    CHECK(then("\033[A") == "one");
    CHECK(then("\033[A!") == "one!");
    CHECK(then("\033[B") == "two");
    CHECK(then("\x0E") == "three");
    CHECK(then("\033[B") == "three");
    CHECK(then("\x10\x10") == "one");
}

TEST_CASE("line_editor: the screen shows the text, broken into rows, and the cursor where it is") {
    small_screen screen({6, 10});
    line_editor editor;
    editor.begin("> ");
    const auto then = [&](std::string_view keys) {
        CHECK(type(editor, keys) == state::typing);
        screen.write(editor.draw({6, 10}));
        return screen.shown();
    };
    using rows = std::vector<std::string>;
    CHECK(then("") == rows{">"});
    CHECK(screen.column() == 2);
    CHECK(then("12345678") == rows{"> 12345678"});
    CHECK(screen.row() == 1);  // behind a full row the next begins
    CHECK(screen.column() == 0);
    CHECK(then("9") == rows{"> 12345678", "9"});
    CHECK(then("\033[D\033[D") == rows{"> 12345678", "9"});
    CHECK(screen.row() == 0);
    CHECK(screen.column() == 9);
    CHECK(then("\x15"
               "ab\033\rc") == rows{"> ab", ". c89"});
    CHECK(screen.row() == 1);
    CHECK(screen.column() == 3);
    // Wide characters are not cut; what is no text is told apart.
    CHECK(then("\x15\x0B\x7F\x15"
               "1234567\xE6\x97\xA5") == rows{"> 1234567", "\xE6\x97\xA5"});
    CHECK(screen.column() == 2);
    CHECK(then("\x15\033[200~\x01\033[201~\xFF\t|") == rows{"> \xEF\xBF\xBD\xEF\xBF\xBD    |"});
    // Dropped: all of it, and the cursor behind.
    CHECK(then("\x15one two three\x01") == rows{"> one two", "three"});
    screen.write(editor.finish({6, 10}) + "^C\n");
    CHECK(screen.shown() == rows{"> one two", "three^C"});
    CHECK(screen.row() == 2);
}

TEST_CASE("line_editor: of a text higher than the screen the rows around the cursor are shown") {
    small_screen screen({4, 10});
    line_editor editor;
    editor.begin("> ");
    using rows = std::vector<std::string>;
    const auto then = [&](std::string_view keys) {
        CHECK(type(editor, keys) == state::typing);
        screen.write(editor.draw({4, 10}));
        return screen.shown();
    };
    CHECK(then("\033[200~1\n2\n3\n4\n5\n6\033[201~") == rows{". 3", ". 4", ". 5", ". 6"});
    CHECK(then("\033[D\033[D\033[D\033[D\033[D") == rows{". 3", ". 4", ". 5", ". 6"});
    CHECK(screen.row() == 1);
    CHECK(then("\033[D\033[D\033[D\033[D") == rows{". 2", ". 3", ". 4", ". 5"});
    CHECK(screen.row() == 0);
    CHECK(then("\033[D\033[D\033[D") == rows{"> 1", ". 2", ". 3", ". 4"});
    screen.write(editor.finish({4, 10}) + "\n");
    CHECK(screen.shown() == rows{". 4", ". 5", ". 6"});
}

TEST_CASE("line_editor: whatever is typed, the screen is as one to which the text is written at once") {
    const std::vector<std::string> keys{"a",
                                        "b ",
                                        "\xC3\xA4",
                                        "\xE6\x97\xA5",
                                        "e\xCC\x81",
                                        "\xF0\x9F\x99\x82",
                                        "\t",
                                        "\xFF",
                                        "\033\r",
                                        "\033[D",
                                        "\033[D",
                                        "\033[C",
                                        "\033[H",
                                        "\033[F",
                                        "\x7F",
                                        "\033[3~",
                                        "\x17",
                                        "\x15",
                                        "\x0B",
                                        "\033b",
                                        "\033f",
                                        "\033[A",
                                        "\033[B",
                                        "words to wrap ",
                                        "\033[200~one\ntwo and more\n\033[201~"};
    std::mt19937 random(7);
    for (int round = 0; round < 200; ++round) {
        const chat::screen_size size{3 + random() % 10, 8 + random() % 20};
        small_screen screen(size);
        line_editor editor;
        editor.begin("> ");
        for (int step = 0; step < 60; ++step) {
            for (auto n = random() % 4; n > 0; --n)
                REQUIRE(type(editor, keys[random() % keys.size()]) == state::typing);
            screen.write(editor.draw(size));
            const chat::screen_size endless{200, size.columns};
            auto again = editor;
            again.forget_screen();
            small_screen whole(endless);
            whole.write(again.draw(endless));
            // The same rows, or as many of them as there is room for.
            REQUIRE(screen.column() == whole.column());
            REQUIRE(screen.row() <= whole.row());
            auto rows = whole.shown();
            const auto first = std::min(whole.row() - screen.row(), rows.size());
            rows.erase(rows.begin(), rows.begin() + static_cast<std::ptrdiff_t>(first));
            rows.resize(std::min(rows.size(), size.rows));
            while (!rows.empty() && rows.back().empty()) rows.pop_back();
            REQUIRE(screen.shown() == rows);
        }
    }
}

TEST_CASE("line_editor: after the terminal has become narrower the rows that it broke are drawn over") {
    line_editor editor;
    editor.begin("> ");
    CHECK(type(editor, std::string(25, 'x')) == state::typing);
    static_cast<void>(editor.draw({10, 30}));
    // 27 columns in rows of 10: the cursor stands in the third.
    CHECK(editor.draw({10, 10}).starts_with("\033[2A\r\033[J"));
    CHECK(editor.draw({10, 10}).starts_with("\033[2A\r\033[J"));
    CHECK(editor.draw({10, 30}).starts_with("\033[2A\r\033[J"));
    CHECK(editor.draw({10, 30}).starts_with("\r\033[J"));
}
