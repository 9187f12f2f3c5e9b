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
#include "once.hpp"
#include "options.hpp"
#include "terminal.hpp"
#include "writer.hpp"

namespace chat {

/// Works with any session: what it costs elsewhere is shown if its policy tells.
template <class Session>
class conversation {
public:
    conversation(const wafer::model& model, Session& session, const wafer::model_plan& plan, thinking how)
        : model_(model), session_(session), plan_(plan), thinking_(how) {}

    /// Until the user leaves.
    void run() {
        const interrupts ctrl_c;
        greet();
        std::string line;
        for (bool warned = false;;) {
            const auto got = read_line("> ", line);
            if (got != input::line) std::cout << '\n';
            if (got == input::end || (got == input::interrupt && warned)) return;
            warned = got == input::interrupt;
            if (warned) {
                say("Ctrl-C again leaves, and so do Ctrl-D and /quit");
                continue;
            }
            const auto last = line.find_last_not_of(" \t\r");
            if (last == line.npos) continue;
            const std::string_view text = std::string_view(line).substr(0, last + 1);
            if (text == "/quit") return;
            if (line.size() >= interrupts::longest_line) {
                say("The terminal cut this line at " + std::to_string(line.size()) +
                    " bytes: longer questions go through -p or a pipe.\n");
                continue;
            }
            if (text.front() == '/') command(text);
            else answer(text);
            std::cout << '\n';
        }
    }

private:
    void say(std::string_view text) const { std::cout << look_.note(printable(text)) << '\n'; }

    void greet() const {
        const auto& kernels = session_.tokens().kernels();
        say((plan_.config.name.empty() ? "A model" : plan_.config.name) + " (" + plan_.config.architecture + "), " +
            human(plan_.weights) + " resident, " + std::string(kernels.features) + " on " +
            std::to_string(plan_.n_threads) + (plan_.n_threads == 1 ? " thread" : " threads"));
        if (!model_.has_chat_template()) say("It has no chat template: it will continue your text, not answer.");
        say("/help lists the commands; Ctrl-C stops an answer, Ctrl-D leaves.\n");
    }

    void answer(std::string_view text) {
        session_.reset_cost();
        try {
            const interrupts::stopping<Session> stop_on_ctrl_c(session_);
            auto reply = ask(model_, session_, text);
            if (interrupts::take()) session_.stop();  // it came before the answer began
            writer out(std::cout, look_, thinking_);
            while (const auto piece = reply.next()) out.write(*piece);
        } catch (const wafer::error& e) {
            say(e.what());
            if (e.code() == wafer::errc::context_full) say("/reset begins a new conversation");
            return;
        }
        if (interrupts::take()) interrupts::drop_input();
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
        else say(std::string(name) + " is no command; /help lists them");
    }

    void help() const {
        std::cout << "/think HOW   show, hide or off: whether the model thinks first, visibly\n"
                     "/stats       speed, memory, context, experts, and what the last answer would\n"
                     "             have taken on the devices of --device\n"
                     "/reset       forget the conversation\n"
                     "/save FILE   keep the conversation, to go on with it another time\n"
                     "/load FILE   go on where that one was kept, with this model\n"
                     "/quit        leave; so does Ctrl-D\n"
                     "Ctrl-C stops an answer and keeps the conversation. Terminals cut lines, mostly\n"
                     "at 4095 bytes: longer questions go through -p or a pipe.\n";
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
        print_stats(std::cout, session_, plan_);
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

    const wafer::model& model_;
    Session& session_;
    const wafer::model_plan& plan_;
    thinking thinking_;
    style look_ = style::of_stdout();
};

}  // namespace chat
