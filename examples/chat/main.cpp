// SPDX-License-Identifier: MIT
// chat: a language model in your terminal, and what its answers would have taken on other hardware.
// Also an example of the library: load, session, ask.
#include <algorithm>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <iostream>
#include <iterator>
#include <new>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <system_error>

#include <wafer/llm.hpp>

#include "conversation.hpp"
#include "once.hpp"
#include "options.hpp"
#include "partner.hpp"
#include "terminal.hpp"

#ifndef WAFER_DEFAULT_MODEL
#define WAFER_DEFAULT_MODEL "tiny_reasoner.gguf"
#endif

namespace chat {
namespace {

/// Where the build put it, or beside this program.
std::filesystem::path default_model(const char* program) {
    const std::filesystem::path built = WAFER_DEFAULT_MODEL;
    std::error_code error;
    if (std::filesystem::exists(built, error)) return built;
    auto self = std::filesystem::read_symlink("/proc/self/exe", error);
    if (error) self = program;
    const auto beside = self.parent_path() / built.filename();
    return std::filesystem::exists(beside, error) ? beside : built;
}

/// What to answer without a conversation, if anything.
std::optional<std::string> prompt_of(const options& o) {
    auto prompt = o.prompt;
    if (!prompt && !is_terminal(stdin))
        prompt.emplace(std::istreambuf_iterator<char>(std::cin), std::istreambuf_iterator<char>());
    if (prompt) {
        prompt->erase(prompt->find_last_not_of("\r\n") + 1);
        if (prompt->empty())
            throw usage_error("the prompt is empty: it is what -p is given, or what comes through a pipe");
    } else if (o.json) {
        throw usage_error("--json needs a prompt: -p, or text from a pipe");
    }
    return prompt;
}

/// One line on stderr, whatever the name of a file in it.
void tell(std::string_view what) {
    std::string line(what);
    std::ranges::replace(line, '\n', ' ');
    std::cerr << "chat: " << printable(line) << '\n';
}

wafer::model load(const wafer::checkpoint& file, const wafer::model_plan& plan, status_line& status) {
    progress_bar bar(status, "loading " + std::filesystem::path(file.path()).filename().string());
    wafer::load_options how;
    how.n_threads = plan.n_threads;
    how.progress = [&](wafer::bytes done, wafer::bytes total) {
        if (interrupts::take()) throw interrupted();
        bar.show(done, total);
        return true;
    };
    how.log = [&status](wafer::log_level level, std::string_view line) {
        if (level != wafer::log_level::warning) return;
        status.wipe();
        tell("warning: " + std::string(line));
    };
    return wafer::model(file, how);
}

template <class Session>
void talk(const partner<Session>& with, const options& o, const std::optional<std::string>& prompt) {
    if (!prompt) conversation(with, o.think.value_or(thinking::show)).run();
    else if (o.json) print_json(with, *prompt);
    else print_answer(with, *prompt, o.think.value_or(thinking::hide));
}

void run(options o, const char* program) {
    const auto prompt = prompt_of(o);
    const interrupts ctrl_c;
    const auto path = o.model.empty() ? default_model(program) : std::filesystem::path(o.model);
    const auto file = wafer::open_checkpoint(path, o.access);
    const auto plan = wafer::plan(file, o.session.shape, o.n_threads);

    status_line status;  // heard of as long as the model
    const auto model = load(file, plan, status);
    static_cast<void>(model.words());  // without a vocabulary there is nothing to talk about

    o.session.how.seed = o.seed ? *o.seed : std::random_device()();
    // What is shown or hidden is thought only where the model is told to; many models know no telling.
    const bool asks = model.has_chat_template() && model.chat().asks_for_thinking();
    if (o.think && (asks || o.think == thinking::off)) o.session.thinking = *o.think != thinking::off;
    o.session.reading = [&status](std::size_t read, std::size_t of) {
        status.show("reading " + std::to_string(read) + " of " + std::to_string(of) + " tokens");
    };
    if (o.fleet.devices.empty()) {
        wafer::session<> session(model, o.session);
        talk(partner{model, session, plan, status}, o, prompt);
    } else {
        wafer::session<wafer::cost::fleet> session(model, o.fleet, o.session);
        talk(partner{model, session, plan, status}, o, prompt);
    }
}

}  // namespace
}  // namespace chat

int main(int argc, char** argv) {
    const auto fail = [](const char* what, int status) {
        chat::tell(what);
        return status;
    };
    try {
        const auto options = chat::parse(std::span(argv + 1, argv + argc));
        if (options.help) chat::print_help(std::cout);
        else if (options.version) std::cout << "chat (wafer) " WAFER_VERSION_STRING "\n";
        else chat::run(options, argv[0]);
        if (!std::cout.flush()) return fail("the output could not be written", 1);
        return 0;
    } catch (const chat::interrupted&) {
        std::cout.flush();
        chat::interrupts::leave();
        return 1;
    } catch (const chat::usage_error& e) {
        return fail(e.what(), 2);
    } catch (const wafer::error& e) {
        return fail(e.what(), 1);
    } catch (const std::bad_alloc&) {
        return fail("out of memory", 1);
    } catch (const std::exception& e) {  // the system's own refusals
        return fail(e.what(), 1);
    }
}
