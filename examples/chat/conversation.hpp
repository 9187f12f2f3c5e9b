// SPDX-License-Identifier: MIT
// A conversation in a terminal: questions, answers as they come, commands.
#pragma once

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <string>
#include <string_view>

#include <wafer/llm.hpp>

#include "figures.hpp"
#include "options.hpp"
#include "partner.hpp"
#include "terminal.hpp"
#include "writer.hpp"

namespace chat {

template <class Session>
class conversation {
public:
    conversation(const partner<Session>& with, thinking how) : with_(with), thinking_(how) {}

    /// Until the user leaves.
    void run() {
        greet();
        std::string typed;
        for (bool warned = false;;) {
            const auto got = keyboard_.read("> ", typed);
            if (got == input::end || (got == input::interrupt && warned)) return;
            warned = got == input::interrupt;
            if (warned) say("Ctrl-C again leaves, and so do Ctrl-D and /quit");
            if (got == input::cut) say("The terminal cut this line: longer ones go through -p or a pipe.\n");
            if (got != input::text) continue;
            const std::string_view text = std::string_view(typed).substr(0, typed.find_last_not_of(" \t\r\n") + 1);
            if (text.empty()) continue;
            if (text == "/quit") return;
            if (text.front() == '/' && text.find('\n') == text.npos) command(text);
            else answer(text);
            std::cout << '\n';
        }
    }

private:
    void say(std::string_view text) const { std::cout << look_.note(printable(text)) << '\n'; }

    void greet() const {
        const auto& kernels = session_.tokens().kernels();
        const auto& plan = with_.plan;
        say((plan.config.name.empty() ? "A model" : plan.config.name) + " (" + plan.config.architecture + "), " +
            human(plan.weights) + " resident, " + std::string(kernels.features) + " on " +
            std::to_string(plan.n_threads) + (plan.n_threads == 1 ? " thread" : " threads"));
        if (!with_.model.has_chat_template()) say("It has no chat template: it will continue your text, not answer.");
        say("/help lists the commands; Ctrl-C stops an answer, Ctrl-D leaves.\n");
    }

    void answer(std::string_view text) {
        session_.reset_cost();
        bool finished = false;
        try {
            writer out(std::cout, look_, thinking_);
            finished = with_.ask(text, [&](const wafer::reply_piece& piece) { out.write(piece); });
        } catch (const wafer::error& e) {
            say(e.what());
            if (e.code() == wafer::errc::context_full) say("/reset begins a new conversation");
            return;
        }
        if (!finished) keyboard_.drop_input();
        say("[" + one_line(session_.stats()) + remark(session_.ended()) + "]");
        std::cout << look_.dim();
        print_devices(std::cout, session_.cost());
        std::cout << look_.plain() << std::flush;
    }

    void command(std::string_view line) {
        const std::string_view name = line.substr(0, line.find(' '));
        const auto behind = line.find_first_not_of(' ', name.size());
        const std::string_view rest = behind == line.npos ? std::string_view() : line.substr(behind);
        if (name == "/help") help();
        else if (name == "/reset") reset();
        else if (name == "/stats") stats();
        else if (name == "/think") think(rest);
        else if (name == "/save") save(rest);
        else if (name == "/load") load(rest);
        else say(std::string(name) + " is no command; /help lists them. Behind a space it is a question.");
    }

    void help() const {
        std::cout << "/think HOW   show, hide or off: whether the model thinks first, visibly\n"
                     "/stats       speed, memory, context, experts, and what the last answer would\n"
                     "             have taken on the devices of --device\n"
                     "/reset       forget the conversation\n"
                     "/save FILE   keep the conversation, to go on with it another time\n"
                     "/load FILE   go on where that one was kept, with this model\n"
                     "/quit        leave; so does Ctrl-D\n"
                     "Ctrl-C stops an answer and keeps the conversation. A line that ends in a\n"
                     "backslash goes on in the next"
                  << (keyboard_.knows_pastes() ? ", as after Alt-Enter. A paste of several\n"
                                                 "lines is one question; the arrow keys bring back older ones.\n"
                                               : ".\n");
    }
    void reset() {
        session_.reset();
        say("The conversation is forgotten.");
    }
    void save(std::string_view file) {
        if (file.empty()) return say("/save needs a file's name behind it");
        try {
            session_.save(std::filesystem::path(file));
        } catch (const wafer::error& e) {
            return say(e.what());
        }
        say("The conversation is kept: " + turns() + ".");
    }
    void load(std::string_view file) {
        if (file.empty()) return say("/load needs a file's name behind it");
        try {
            session_.load(std::filesystem::path(file));
        } catch (const wafer::error& e) {
            return say(e.what());
        }
        if (session_.options().thinking == false) thinking_ = thinking::off;
        else if (thinking_ == thinking::off) thinking_ = thinking::show;
        say("The conversation goes on: " + turns() + ".");
    }
    [[nodiscard]] std::string turns() const {
        const auto asked = std::ranges::count(session_.messages(), "user", &wafer::message::role);
        return std::to_string(asked) + (asked == 1 ? " question, " : " questions, ") +
               std::to_string(session_.tokens().position()) + " tokens";
    }
    void stats() const {
        print_stats(std::cout, session_, with_.plan);
        if (const auto reports = session_.cost(); !reports.empty()) std::cout << '\n' << reports;
    }
    void think(std::string_view how) {
        try {
            thinking_ = thinking_named(how);
        } catch (const usage_error& e) {
            return say(e.what());
        }
        session_.set_thinking(thinking_ != thinking::off);
        say("Thinking is " + std::string(thinking_ == thinking::off    ? "off."
                                         : thinking_ == thinking::show ? "shown."
                                                                       : "hidden."));
    }

    partner<Session> with_;
    Session& session_ = with_.session;
    thinking thinking_;
    keyboard keyboard_;
    style look_ = style::of_stdout();
};

}  // namespace chat
