// SPDX-License-Identifier: MIT
// chat as its user sees it.
#include <cstdint>
#include <filesystem>
#include <signal.h>
#include <string>
#include <support/gguf_writer.hpp>
#include <support/small_vocabulary.hpp>
#include <system_error>
#include <vector>

#include <doctest/doctest.h>

#include "run.hpp"

using namespace wafer_test;

namespace {

const std::string paste_begin = "\033[200~", paste_end = "\033[201~", wiped = "\r\033[K";

/// A model whose loading takes its time: 200 MiB of zeros, in a file that takes no space. It continues texts with what is as
/// likely as anything else. False where no such file can be had.
[[nodiscard]] bool make_large_model(const std::filesystem::path& path) {
    constexpr std::uint64_t width = 1024, hidden = 16 * width;
    const auto words = small_vocabulary();
    std::vector<std::string> merges;
    for (const auto& [left, right] : words.merges) merges.push_back(left + " " + right);
    std::vector<std::int32_t> types;
    for (const auto type : words.types) types.push_back(static_cast<std::int32_t>(type));
    gguf_writer file;
    file.pair("general.architecture", "llama").pair("llama.block_count", 1u).pair("llama.context_length", 512u);
    file.pair("llama.attention.head_count", 8u).pair("llama.attention.layer_norm_rms_epsilon", 1e-5f);
    file.pair("llama.embedding_length", static_cast<std::uint32_t>(width));
    file.pair("llama.feed_forward_length", static_cast<std::uint32_t>(hidden));
    file.pair("tokenizer.ggml.model", words.model).pair("tokenizer.ggml.pre", words.pre);
    file.array("tokenizer.ggml.tokens", words.tokens).array("tokenizer.ggml.token_type", types);
    file.array("tokenizer.ggml.merges", merges);
    file.pair("tokenizer.ggml.bos_token_id", 261u).pair("tokenizer.ggml.eos_token_id", 262u);
    std::uint64_t end = 0;
    const auto tensor = [&](const std::string& name, std::uint64_t rows, std::uint64_t cols) {
        file.raw_tensor(name, rows == 1 ? std::vector{cols} : std::vector{cols, rows}, 0, end);
        end += rows * cols * sizeof(float);
    };
    tensor("token_embd.weight", words.tokens.size(), width);
    for (const auto* norm : {"output_norm", "blk.0.attn_norm", "blk.0.ffn_norm"})
        tensor(std::string(norm) + ".weight", 1, width);
    for (const auto* square : {"attn_q", "attn_k", "attn_v", "attn_output"})
        tensor("blk.0." + std::string(square) + ".weight", width, width);
    for (const auto* up : {"ffn_gate", "ffn_up"}) tensor("blk.0." + std::string(up) + ".weight", hidden, width);
    tensor("blk.0.ffn_down.weight", width, hidden);
    file.save(path);
    std::error_code error;
    std::filesystem::resize_file(path, end + (std::uint64_t{1} << 20), error);
    return !error;
}

/// What this output leaves on the line of the cursor.
[[nodiscard]] std::string last_line(const std::string& output) {
    std::string line;
    for (std::size_t i = 0; i < output.size(); ++i) {
        if (output[i] == '\r' || output[i] == '\n') {
            if (output.substr(i).starts_with(wiped) || output[i] == '\n') line.clear();
        } else if (output[i] == '\033') {
            i = output.find_first_of("hlmABCDJK", i);  // where the sequence ends
            REQUIRE(i != output.npos);
        } else {
            line += output[i];
        }
    }
    return line;
}

}  // namespace

TEST_CASE("chat: a conversation in a terminal") {
    terminal_user user(WAFER_CHAT, {"--device", "wse3"});
    REQUIRE(user.sees("> "));
    user.type(question + "\n");
    CHECK(user.sees("\033[2m"));  // thinking, dimmed
    CHECK(user.sees("42"));
    CHECK(user.sees("tokens/s"));
    CHECK(user.sees("bound by"));
    CHECK(user.sees("> "));
    user.type("/stats\n");
    CHECK(user.sees("tokens in use"));
    CHECK(user.sees("resident"));
    CHECK(user.sees("threads"));
    CHECK(user.sees("busiest/mean"));
    CHECK(user.sees("decode"));
    user.type("/nonsense\n");
    CHECK(user.sees("/nonsense is no command"));
    user.type("/help\n");
    CHECK(user.sees("/reset "));
    user.type("/reset\n");
    CHECK(user.sees("forgotten"));
    CHECK(user.sees("> "));
    user.type("\x03");
    CHECK(user.sees("Ctrl-C again"));
    CHECK(user.sees("> "));
    user.type(question + "\n");
    CHECK(user.sees("42"));
    CHECK(user.sees("> "));
    user.type("\x04");
    CHECK(user.leaves() == 0);
}

TEST_CASE("chat: lines that are typed ahead are answered one by one, and Ctrl-D ends after the last") {
    terminal_user user(WAFER_CHAT, {"--temp", "0"});
    REQUIRE(user.sees("> "));
    user.type("What is 17 + 25?\n/stats\nReverse the word lemon.\n\x04");
    CHECK(user.sees("42"));
    CHECK(user.sees("tokens in use"));
    CHECK(user.sees("nomel"));
    CHECK(user.leaves() == 0);
}

TEST_CASE("chat: what is pasted is part of one question, whatever is in it") {
    const temporary_directory folder;
    const std::string file = (folder.path() / "talk.session").string();
    terminal_user user(WAFER_CHAT, {"--temp", "0"});
    REQUIRE(user.sees("\033[?2004h"));
    REQUIRE(user.sees("> "));
    // In pieces, as the system hands it out, with what looks like keys.
    for (const std::string part :
         {"\033[20", "0~Reverse\nthe\t\x15", "word \xe2", "\x82\xac\r", "/quit\n\x04\n\033[20", "1~"})
        user.type(part);
    CHECK(user.sees("> Reverse\r\n. the    "));
    CHECK(user.sees("\xe2\x82\xac\r\n. /quit"));
    user.type("lemon.\n");
    CHECK(user.sees("tokens/s"));
    CHECK(user.sees("> "));
    user.type("/save " + file + "\n");
    CHECK(user.sees("is kept: 1 question"));
    CHECK(user.sees("> "));
    // While an answer comes, too.
    user.type("Hello\n" + paste_begin + "Hello\nagain\n" + paste_end + "\n/save " + file + "\n");
    CHECK(user.sees("is kept: 3 questions"));
    user.type("/quit\n");
    CHECK(user.leaves() == 0);
    CHECK(user.has_terminal_back());
}

TEST_CASE("chat: a line that ends in a backslash goes on in the next, as after Alt-Enter") {
    const temporary_directory folder;
    const std::string file = (folder.path() / "talk.session").string();
    for (const char* terminal : {"xterm", "dumb"}) {
        CAPTURE(terminal);
        const bool edits = terminal == std::string("xterm");
        terminal_user user(WAFER_CHAT, {"--temp", "0"}, terminal);
        REQUIRE(user.sees("> "));
        user.type("Reverse\\\n");
        CHECK(user.sees(". "));
        user.type(edits ? "the word\033\n" : "the word\\\n");
        CHECK(user.sees(". "));
        user.type("lemon.\n");
        CHECK(user.sees("tokens/s"));
        CHECK(user.sees("> "));
        user.type("/save " + file + "\n");
        CHECK(user.sees("is kept: 1 question"));
        user.type("\x04");
        CHECK(user.leaves() == 0);
        CHECK((user.screen().find('\033') != std::string::npos) == edits);
    }
}

TEST_CASE("chat: a line is as long as its question; where the terminal cuts it, it is not answered") {
    const std::string text(5000, 'x');
    const auto piped = run(WAFER_CHAT, {}, text).err;  // it is too long for the context, by so many tokens
    const auto said = piped.find("the prompt has");
    REQUIRE(said != piped.npos);
    {
        terminal_user user(WAFER_CHAT, {});
        REQUIRE(user.sees("> "));
        user.type(text);
        user.type("\n");
        CHECK(user.sees(piped.substr(said, piped.find(',', said) - said)));
        user.type("/quit\n");
        CHECK(user.leaves() == 0);
    }
    terminal_user user(WAFER_CHAT, {}, "dumb");
    REQUIRE(user.sees("> "));
    user.type(text);
    user.type("\n");
    CHECK(user.sees("cut this line"));
    user.type("/quit\n");
    CHECK(user.leaves() == 0);
}

TEST_CASE("chat: Ctrl-C takes back what is typed, and asks before it leaves") {
    terminal_user user(WAFER_CHAT, {});
    REQUIRE(user.sees("> "));
    const std::string asks = "Ctrl-C again leaves";
    for (const std::string begun : {"Hello", "Hello again", "two\\\nlines", "\033[200~a paste without an end"}) {
        user.type(begun);
        if (!begun.starts_with('\033')) REQUIRE(user.sees(begun.substr(begun.find_last_of('\n') + 1)));
        user.type("\x03");
        REQUIRE(user.sees("^C"));
        REQUIRE(user.sees("> "));
        CHECK(user.screen().find(asks) == std::string::npos);
    }
    user.type("/nonsense\n");
    CHECK(user.sees("/nonsense is no command"));
    CHECK(user.sees("> "));
    user.type("\x03");
    CHECK(user.sees(asks));
    CHECK(user.sees("> "));
    user.type("Hello");  // and the question is forgotten
    CHECK(user.sees("Hello"));
    user.type("\x03");
    CHECK(user.sees("^C"));
    CHECK(user.sees("> "));
    user.type("\x03");
    CHECK(user.sees(asks));
    CHECK(user.sees("> "));
    user.type("\x03");
    CHECK(user.leaves() == 0);
    CHECK(user.has_terminal_back());
}

TEST_CASE("chat: keys edit the line, and bring back what was asked before") {
    terminal_user user(WAFER_CHAT, {"--temp", "0"});
    REQUIRE(user.sees("> "));
    user.type("hat is 17 + 2? nonsense\x17\x7f\033[D5\x01W\n");
    CHECK(user.sees("> " + question + "\r\n"));
    CHECK(user.sees("42"));
    CHECK(user.sees("> "));
    user.type("/nonsense\n");
    CHECK(user.sees("is no command"));
    CHECK(user.sees("> "));
    user.type("\033[A\033[A\n");
    CHECK(user.sees("> " + question + "\r\n"));
    CHECK(user.sees("42"));
    CHECK(user.sees("> "));
    user.type("\x1a");  // there is no shell to suspend it to: it goes on
    user.type("\xff\n");
    CHECK(user.sees("not UTF-8"));
    CHECK(user.sees("> "));
    user.type("\x04");
    CHECK(user.leaves() == 0);
}

TEST_CASE("chat: a signal that ends it gives the terminal back before") {
    for (const int signal : {SIGTERM, SIGHUP, SIGQUIT}) {
        for (const bool answers : {false, true}) {
            CAPTURE(signal);
            CAPTURE(answers);
            terminal_user user(WAFER_CHAT, babbling);
            REQUIRE(user.sees("> "));
            if (answers) user.type("Go on\n");
            if (answers) REQUIRE(user.sees("Go on\r\n"));
            user.send(signal);
            CHECK(user.is_ended_by() == signal);
            CHECK(user.has_terminal_back());
        }
    }
}

TEST_CASE("chat: the progress of loading is wiped before anything else is told, and Ctrl-C ends it") {
    const temporary_directory folder;
    const auto path = folder.path() / "large.gguf";
    if (!make_large_model(path)) {
        MESSAGE("skipped: no sparse file of 200 MiB can be had here");
        return;
    }
    const std::string loading = "loading large.gguf [";
    const auto args = [&](std::vector<std::string> more) {
        more.insert(more.end(), {"--model", path.string(), "--threads", "1", "--max-tokens", "3"});
        return more;
    };
    {
        terminal_user user(WAFER_CHAT, args({}));
        REQUIRE(user.sees_in_slow_motion(loading));
        REQUIRE(user.sees(wiped));
        REQUIRE(user.sees("A model (llama)"));
        const auto greeting = user.screen().substr(0, user.screen().find("A model (llama)"));
        CHECK(last_line(greeting).empty());
        REQUIRE(user.sees("> "));
        user.type("Go on\n");
        REQUIRE(user.sees("reading 0 of 5 tokens"));
        REQUIRE(user.sees(wiped));
        REQUIRE(user.sees("3 tokens"));
        user.type("/quit\n");
        CHECK(user.leaves() == 0);
        CHECK(user.screen().rfind(loading) < user.screen().find("A model (llama)"));
    }
    for (const auto& more : {std::vector<std::string>{"-p", "Go on"}, {"-p", "Go on", "--json"}}) {
        terminal_user user(WAFER_CHAT, args(more));
        REQUIRE(user.sees_in_slow_motion(loading));
        CHECK(user.leaves() == 0);
        // Wiped, the reading told and wiped, and then the answer on a line of its own.
        const auto read = user.screen().rfind(wiped);
        REQUIRE(read != std::string::npos);
        CHECK(user.screen().find("reading", read) == std::string::npos);
        CHECK(user.screen().find("loading", read) == std::string::npos);
        CHECK(last_line(user.screen().substr(0, read + wiped.size())).empty());
    }
    for (const auto& more : {std::vector<std::string>{}, {"-p", "Go on"}}) {
        terminal_user user(WAFER_CHAT, args(more));
        REQUIRE(user.sees_in_slow_motion(loading));
        user.type("\x03");
        CHECK(user.is_ended_by() == SIGINT);
        CHECK(user.screen().find("A model") == std::string::npos);
        CHECK(last_line(user.screen()).empty());
    }
}

TEST_CASE("chat: how far a long prompt was read is told, and wiped when the answer begins") {
    std::string text;
    while (text.size() < 5000) text += "word and ";
    auto arguments = babbling;
    arguments.insert(arguments.end(), {"--ctx", "4096", "--max-tokens", "3"});
    terminal_user user(WAFER_CHAT, arguments);
    CHECK(user.sees("chat: warning: a context of 4096 positions is longer than the 1024"));
    REQUIRE(user.sees("> "));
    user.type(text);
    user.type("\n");
    REQUIRE(user.sees("reading 0 of "));
    REQUIRE(user.sees("reading 256 of "));
    REQUIRE(user.sees("reading 512 of "));
    REQUIRE(user.sees(wiped));
    const auto answer = user.screen().size();
    CHECK(user.sees("3 tokens"));
    CHECK(user.screen().find("reading", answer) == std::string::npos);
    user.type("/quit\n");
    CHECK(user.leaves() == 0);
    CHECK(user.screen().find("warning") == user.screen().rfind("warning"));
}

TEST_CASE("chat: a conversation is kept, and goes on in another program") {
    const temporary_directory folder;
    const auto file = (folder.path() / "talk.session").string();
    {
        terminal_user user(WAFER_CHAT, {"--temp", "0"});
        REQUIRE(user.sees("> "));
        user.type(question + "\n");
        CHECK(user.sees("42"));
        CHECK(user.sees("> "));
        user.type("/save\n");
        CHECK(user.sees("/save needs a file's name"));
        CHECK(user.sees("> "));
        user.type("/save " + (folder.path() / "missing" / "f").string() + "\n");
        CHECK(user.sees("cannot be written"));
        CHECK(user.sees("> "));
        user.type("/save " + file + "\n");
        CHECK(user.sees("is kept: 1 question"));
        CHECK(user.sees("> "));
        user.type("/quit\n");
        CHECK(user.leaves() == 0);
    }
    terminal_user user(WAFER_CHAT, {});
    REQUIRE(user.sees("> "));
    user.type("/load " + (folder.path() / "missing").string() + "\n");
    CHECK(user.sees("no such file"));
    CHECK(user.sees("> "));
    user.type("/load " + default_model + "\n");
    CHECK(user.sees("not a saved session"));
    CHECK(user.sees("> "));
    user.type("/think off\n");
    CHECK(user.sees("Thinking is off."));
    user.type("/load " + file + "\n");
    CHECK(user.sees("goes on: 1 question"));
    CHECK(user.sees("> "));
    user.type("Reverse the word lemon.\n");
    CHECK(user.sees("nomel"));
    CHECK(user.sees("> "));
    user.type("/stats\n");
    CHECK(user.sees("still in the cache"));
    CHECK(user.screen().find(" 0 still in the cache") == std::string::npos);
    CHECK(user.sees("> "));
    user.type("/quit\n");
    CHECK(user.leaves() == 0);
}

TEST_CASE("chat: Ctrl-C stops an answer and keeps the conversation") {
    auto arguments = babbling;
    arguments.insert(arguments.end(), {"--ctx", "1024", "--threads", "1"});
    // A babble may end by itself before Ctrl-C arrives, one in a thousand tokens being the last.
    bool stopped = false;
    for (int attempt = 0; attempt < 5 && !stopped; ++attempt) {
        terminal_user user(WAFER_CHAT, arguments);
        REQUIRE(user.sees("> "));
        user.type("Go on\n");
        REQUIRE(user.sees("Go on\r\n"));
        REQUIRE(user.sees(wiped));  // the answer begins
        user.type("\x03");
        REQUIRE(user.sees("\033[2m["));
        REQUIRE(user.sees("\033[J> "));
        stopped = user.screen().find("stopped") != std::string::npos;
        user.type("/stats\n");
        CHECK(user.sees("last answer"));
        CHECK(user.sees("> "));
        user.type("\x03");
        CHECK(user.sees("Ctrl-C again"));
        user.type("\x03");
        CHECK(user.leaves() == 0);
    }
    CHECK(stopped);
}

TEST_CASE("chat: a full context is told, and /reset helps") {
    auto arguments = babbling;
    arguments.insert(arguments.end(), {"--ctx", "28", "--seed", "3"});
    terminal_user user(WAFER_CHAT, arguments);
    REQUIRE(user.sees("> "));
    user.type("Go on\n");
    CHECK(user.sees("the context is full: /reset"));
    const auto told = user.screen().size();
    CHECK(user.sees("> "));
    CHECK(user.screen().find("is full", told) == std::string::npos);
    user.type("And on\n");
    CHECK(user.sees("/reset begins a new conversation"));
    CHECK(user.sees("> "));
    user.type("/reset\n");
    CHECK(user.sees("> "));
    user.type("And on\n");
    CHECK(user.sees("tokens"));
    user.type("/quit\n");
    CHECK(user.leaves() == 0);
}
