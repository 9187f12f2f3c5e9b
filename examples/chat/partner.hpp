// SPDX-License-Identifier: MIT
// Whom the user talks to: a model, a session with it, and how an answer is had from them.
#pragma once

#include <string_view>

#include <wafer/llm.hpp>

#include "terminal.hpp"

namespace chat {

/// Works with any session: what its answers cost elsewhere is shown if its policy tells.
template <class Session>
struct partner {
    const wafer::model& model;
    Session& session;
    const wafer::model_plan& plan;
    status_line& status;  // tells how far a prompt was read

    /// Asks, and hands each piece of the answer to hear(). A model without a chat template continues the text instead.
    /// False if Ctrl-C ended it.
    template <class Hear>
    bool ask(std::string_view prompt, Hear&& hear) const {
        const struct wiped {
            status_line& line;
            ~wiped() { line.wipe(); }
        } at_the_end{status};
        const interrupts::stopping<Session> stop_on_ctrl_c(session);
        auto reply = model.has_chat_template() ? session.ask(prompt) : session.complete(prompt);
        bool interrupted = interrupts::take();
        if (interrupted) session.stop();  // it came before the answer began
        while (const auto piece = reply.next()) {
            status.wipe();
            hear(*piece);
        }
        return !interrupts::take() && !interrupted;
    }
};
template <class Session>
partner(const wafer::model&, Session&, const wafer::model_plan&, status_line&) -> partner<Session>;

}  // namespace chat
