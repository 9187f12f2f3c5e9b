// SPDX-License-Identifier: MIT
// How long a load, a prompt, a decode and what leads to them go on after another thread said stop: the worst of many, at moments
// spread over each. Not a test: run it by hand on a quiet machine.
//   bench_cancel FILE [TIMES] [THREADS]
// FILE serves for loads, prompts and decodes; what is about text is made here.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <iostream>
#include <random>
#include <set>
#include <stop_token>
#include <string>
#include <support/small_chat.hpp>
#include <thread>
#include <utility>
#include <vector>

#include <wafer/gen/model.hpp>
#include <wafer/gen/session.hpp>
#include <wafer/model/sequence.hpp>
#include <wafer/text/grammar/gbnf.hpp>

using namespace wafer;

namespace {

using clock_type = std::chrono::steady_clock;

double seconds_since(clock_type::time_point start) {
    return std::chrono::duration<double>(clock_type::now() - start).count();
}

/// Runs work() and calls stop() from another thread after `delay` seconds; seconds from stop() to the end of work().
double after_stop(double delay, const std::function<void()>& work, const std::function<void()>& stop) {
    clock_type::time_point stopped;
    std::thread other([&] {
        std::this_thread::sleep_for(std::chrono::duration<double>(delay));
        stopped = clock_type::now();
        stop();
    });
    work();
    const auto end = clock_type::now();
    other.join();
    return std::chrono::duration<double>(end - stopped).count();
}

void tell(const char* what, std::vector<double> times, double whole) {
    std::sort(times.begin(), times.end());
    std::printf("%-18s of %6.0f ms: worst of %zu cancels %5.1f ms, median %5.1f ms\n", what, 1e3 * whole, times.size(),
                1e3 * times.back(), 1e3 * times[times.size() / 2]);
}

void run(const std::string& path, std::size_t n, std::size_t n_threads) {
    const auto pool = std::make_shared<thread_pool>(n_threads);
    load_options how;
    how.pool = pool;
    (void)load(path, how);  // into the page cache
    auto start = clock_type::now();
    const model m = load(path, how);
    double whole = seconds_since(start);
    const auto delay = [&](std::size_t i) {
        return whole * (static_cast<double>(i) + 0.5) / (static_cast<double>(n) + 1);
    };

    std::vector<double> times;
    for (std::size_t i = 0; i < n; ++i) {
        std::stop_source source;
        auto stoppable = how;
        stoppable.stop = source.get_token();
        bool cancelled = false;
        const double t = after_stop(
            delay(i),
            [&] {
                try {
                    (void)load(path, stoppable);
                } catch (const error& e) {
                    cancelled = e.code() == errc::cancelled;
                }
            },
            [&] { source.request_stop(); });
        if (cancelled) times.push_back(t);
    }
    tell("load", times, whole);

    sequence_shape shape;
    shape.n_context = 1024;
    sequence<> s(m.net(), m.pool(), shape);
    std::vector<std::int32_t> prompt(512);
    for (std::size_t i = 0; i < prompt.size(); ++i) prompt[i] = static_cast<std::int32_t>(i * 37 % m.config().n_vocab);
    (void)s.eval(prompt);  // warms up
    s.rewind(0);
    start = clock_type::now();
    (void)s.eval(prompt);
    whole = seconds_since(start);
    times.clear();
    for (std::size_t i = 0; i < n; ++i) {
        s.rewind(0);
        s.clear_stop();
        eval_status status{};
        const double t = after_stop(
            delay(i), [&] { status = s.eval(prompt); }, [&] { s.request_stop(); });
        if (status == eval_status::stopped) times.push_back(t);
    }
    tell("prompt", times, whole);

    s.clear_stop();
    s.rewind(0);
    (void)s.eval(std::span(prompt).first(256));
    start = clock_type::now();
    for (std::size_t i = 0; i < 8; ++i) (void)s.eval(std::span(prompt).subspan(i, 1));
    whole = seconds_since(start);
    times.clear();
    for (std::size_t i = 0; i < n; ++i) {
        s.rewind(256);
        s.clear_stop();
        times.push_back(after_stop(
            delay(i),
            [&] {
                while (s.eval(std::span(prompt).first(1)) == eval_status::done) {
                }
            },
            [&] { s.request_stop(); }));
    }
    tell("decode", times, whole);

    // A second session reads a prompt that never ends: the first one waits for its turn when it is stopped.
    sequence<> other(m.net(), m.pool(), shape);
    std::atomic<bool> over{false};
    std::thread busy([&] {
        while (!over) {
            other.rewind(0);
            (void)other.eval(prompt);
        }
    });
    times.clear();
    for (std::size_t i = 0; i < n; ++i) {
        s.rewind(256);
        s.clear_stop();
        times.push_back(after_stop(
            delay(i),
            [&] {
                while (s.eval(std::span(prompt).first(1)) == eval_status::done) {
                }
            },
            [&] { s.request_stop(); }));
    }
    over = true;
    other.request_stop();
    busy.join();
    tell("waiting", times, whole);
}

/// A vocabulary of as many words as large models have.
vocabulary many_words() {
    auto v = wafer_test::small_vocabulary();
    v.add_bos = false;
    std::mt19937 random(1);
    std::set<std::string> words;
    while (words.size() < 128000) {
        std::string word;
        for (std::size_t n = 2 + random() % 9; n > 0; --n) word += static_cast<char>('a' + random() % 26);
        if (word.size() > 3) words.insert(word);
    }
    for (const auto& word : words) {
        v.tokens.push_back(word);
        v.types.push_back(token_type::normal);
    }
    return v;
}

/// Stops answers at moments spread over `whole` seconds, or over what one takes if that is 0.
template <class Ask>
void stop_answers(const char* what, session<>& chat, std::size_t n, const Ask& ask, double whole = 0) {
    const auto answer = [&](const ask_options& how) {
        // One that is over before it is stopped may be too long for the context.
        return error_of([&] {
            auto reply = ask(how);
            while (reply.next()) {
            }
        });
    };
    if (whole == 0) {
        const auto start = clock_type::now();
        (void)answer({});
        whole = seconds_since(start);
    }
    std::vector<double> times;
    for (std::size_t i = 0; i < n; ++i) {
        std::stop_source source;
        bool failed = false;
        const double t = after_stop(
            whole * (static_cast<double>(i) + 0.5) / (static_cast<double>(n) + 1),
            [&] { failed = answer({.stop = source.get_token()}).has_value(); }, [&] { source.request_stop(); });
        if (!failed && chat.ended() == finish::stopped) times.push_back(t);
    }
    if (!times.empty()) tell(what, times, whole);
    else std::printf("%s: over before it was stopped\n", what);
}

void run_texts(std::size_t n) {
    wafer_test::warnings heard;
    const auto words = many_words();
    const auto with_template = [&](const char* source) {
        return wafer_test::small_chat([&](auto& file) { file.pair("tokenizer.chat_template", source); }, heard, words);
    };
    const auto m = with_template("{% for m in messages %}{{ m.content }}{% endfor %}");
    session_options how;
    how.shape.n_context = 512;
    how.how = {.temperature = 2, .top_k = 0, .top_p = 1, .min_p = 0};
    {
        // Many ways to go on at every letter: a mask takes far longer than a token.
        auto ambiguous = how;
        std::string rules = "root ::= (";
        for (int i = 0; i < 3000; ++i) {
            const std::string digit = std::to_string(i % 10);
            rules += "(\"a" + digit + "\" | \"b" + digit + "\" | [a-z])? ";
        }
        ambiguous.grammar = grammar::gbnf(rules + ")");
        session<> chat(m, ambiguous);
        stop_answers(
            "mask", chat, n, [&](const auto& until) { return chat.ask("Q", until); }, 0.5);
    }
    {
        const auto slow =
            with_template("{% for i in range(300) %}{% for j in range(3000) %}{% set x = i * j %}{% endfor %}"
                          "{% endfor %}{{ messages[0].content }}");
        session<> chat(slow, how);
        stop_answers(
            "template", chat, n, [&](const auto& until) { return chat.ask("Q", until); }, 0.2);
    }
    // Questions that do not fit; up to where that is known all of them is rendered and encoded.
    std::mt19937 random(2);
    std::string one_letter(10 << 20, 'a'), letters, sentences, composed;
    while (letters.size() < one_letter.size()) letters += static_cast<char>('a' + random() % 26);
    while (sentences.size() < one_letter.size()) sentences += words.tokens[300 + random() % 100000] + " ";
    while (composed.size() < one_letter.size()) composed += "e\xCC\x81";
    const std::pair<const char*, const std::string*> texts[] = {
        {"10 MB a", &one_letter}, {"10 MB random", &letters}, {"10 MB words", &sentences}, {"10 MB marks", &composed}};
    for (const auto& [what, text] : texts) {
        session<> chat(m, how);
        stop_answers(
            what, chat, n, [&](const auto& until) { return chat.ask(*text, until); }, 0.15);
    }
    {
        // A conversation that is long to render ends as soon as a short one.
        auto wide = how;
        wide.shape.n_context = 16384;
        session<> chat(m, wide);
        std::vector<message> turns(4000, message{.role = "user", .content = "ab"});
        stop_answers(
            "long conversation", chat, n, [&](const auto& until) { return chat.ask(turns, until); }, 0.5);
    }
    {
        // Everything in one batch, and a penalty on all that came.
        auto wide = how;
        wide.shape.n_context = wide.shape.n_batch = 32768;
        wide.how.repeat_penalty = 1.1f;
        wide.how.repeat_last = SIZE_MAX;
        session<> chat(m, wide);
        const std::string prompt = letters.substr(0, 24000);
        stop_answers(
            "batch of 24,000", chat, n, [&](const auto& until) { return chat.complete(prompt, until); }, 2);
        wide.shape.n_batch = 256;
        session<> narrow(m, wide);
        (void)narrow.complete(prompt).next();
        stop_answers(
            "penalty", narrow, n, [&](const auto& until) { return narrow.complete(prompt, until); }, 0.2);
    }
}

}  // namespace

int main(int argc, char** argv) try {
    const std::vector<std::string> args(argv + 1, argv + argc);
    if (args.empty()) {
        std::cerr << "bench_cancel FILE [TIMES] [THREADS]\n";
        return 2;
    }
    const std::size_t n = args.size() > 1 ? std::stoul(args[1]) : 20;
    run(args[0], n, args.size() > 2 ? std::stoul(args[2]) : 0);
    run_texts(n);
    return 0;
} catch (const std::exception& e) {
    std::cerr << "bench_cancel: " << e.what() << '\n';
    return 1;
}
