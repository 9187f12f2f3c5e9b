// SPDX-License-Identifier: MIT
#include <support/child.hpp>

#if !defined(_WIN32)

#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <support/reasoner.hpp>
#include <thread>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include <wafer/gen/model.hpp>
#include <wafer/gen/plan.hpp>
#include <wafer/gen/session.hpp>

using namespace wafer;
using wafer_test::greedy;
using wafer_test::status_of_child;

namespace {

const std::string default_model = WAFER_EXAMPLES "/tiny_reasoner/tiny_reasoner.gguf";

model load_reasoner(std::shared_ptr<thread_pool> pool = nullptr) {
    load_options how;
    how.n_threads = 3;
    how.pool = std::move(pool);
    return load(default_model, how);
}

bool answers(const model& m) {
    session<> chat{m, greedy()};
    return chat.ask("What is 17 + 25?").text() == "17 + 25 = 42";
}

/// A parent's: a model, conversations with it in each state that they can be in, and another model on the same threads.
struct belongings {
    model m = load_reasoner(), other = load_reasoner(m.pool());
    session<> chat{m, greedy()}, fresh{m, greedy()};
    std::optional<reply<cost::none>> running;
    std::vector<std::byte> saved = fresh.save();

    belongings() {
        running.emplace(chat.ask("What is 17 + 25?"));
        (void)running->next();
    }
};

/// How many of the ways to use what a parent made are not refused as they should be.
int wrong_answers(belongings& of_parent) {
    model &m = of_parent.m, &other = of_parent.other;
    session<>& fresh = of_parent.fresh;
    const std::int32_t token = 1;
    const auto shared = m.pool();
    const std::function<void()> uses[] = {
        [&] { (void)of_parent.running->next(); },
        [&] { (void)fresh.ask("What is 17 + 25?"); },
        [&] { (void)fresh.complete("17"); },
        [&] { (void)fresh.tokens().eval(std::span(&token, 1)); },
        [&] { (void)fresh.tokens().eval_each(std::span(&token, 1), [](std::size_t, std::span<const float>) {}); },
        [&] { (void)fresh.save(); },
        [&] { fresh.load(of_parent.saved); },
        [&] { session<> another{m}; },
        [&] { session<> another{other}; },
        [&] { sequence<> another(m.net(), std::make_shared<thread_pool>(2)); },
        [&] { other.swap(default_model); },
        [&] { m.swap(default_model); },
        [&] { (void)load_reasoner(shared); },
        [&] { (void)m.trie(); },
        [&] { (void)m.net()->use(); },
        [&] { (void)m.net()->scratch_size({}, 2); },
        [&] { (void)shared->lock(); },
        [&] { (void)shared->lock_unless([] { return false; }); },
        [&] { shared->check_process(); },
    };
    int wrong = 0;
    for (const auto& use : uses) {
        const auto refusal = error_of(use);
        wrong += !refusal || refusal->code() != errc::wrong_process ||
                 std::string(refusal->what()).find("load the model again in the child") == std::string::npos;
    }
    return wrong;
}

std::unique_ptr<belongings>& mine() {
    static std::unique_ptr<belongings> all;
    return all;
}

/// Forks `times` times for each thing that a child may do; what the first did that did not end as it should.
std::string first_failure(int times) {
    const std::pair<std::string, std::function<int()>> children[] = {
        {"exits, which destroys its statics", []() -> int { std::exit(7); }},
        {"deletes the model",
         [] {
             mine().reset();
             return 7;
         }},
        {"uses its parent's model, which is refused", [] { return 7 + wrong_answers(*mine()); }},
        {"loads one of its own", [] { return answers(load_reasoner()) ? 7 : 0; }},
    };
    for (int i = 0; i < times; ++i)
        for (const auto& [what, work] : children)
            if (const int status = status_of_child(work); status != 7)
                return what + ": " + std::to_string(status) + " in round " + std::to_string(i);
    return "none";
}

}  // namespace

TEST_CASE("fork: a child exits, deletes its parent's model or loads one of its own, and is refused its parent's") {
    mine() = std::make_unique<belongings>();
    CHECK(first_failure(100) == "none");
    CHECK(mine()->running->text() == "17 + 25 = 42");  // the parent goes on
    CHECK(answers(mine()->m));
    CHECK(answers(mine()->other));
}

#if !WAFER_TEST_SANITIZED  // sanitizers have locks of their own, which a child may find held
TEST_CASE("fork: the same while other threads of the parent are in passes, swaps and loads, or wait for a turn") {
    mine() = std::make_unique<belongings>();
    std::atomic<bool> over{false};
    std::atomic<int> wrong{0};
    const std::function<void()> work[] = {
        [&, m = mine()->m] { wrong += !answers(m); },
        [&, m = mine()->m] { wrong += !answers(m); },
        [&, m = mine()->other]() mutable { m.swap(default_model); },
        [&, pool = mine()->m.pool()] { (void)load_reasoner(pool).trie(); },
    };
    std::vector<std::thread> busy;
    for (const auto& task : work)
        busy.emplace_back([&] {
            while (!over) wrong += exception_of(task) != nullptr;
        });
    CHECK(first_failure(100) == "none");
    over = true;
    for (auto& thread : busy) thread.join();
    CHECK(wrong == 0);
}
#endif

TEST_CASE("fork: a callback of a load may fork, and parent and child each come to an end") {
    for (const int forks_at : {0, 2}) {
        CAPTURE(forks_at);
        const int status = status_of_child([&] {  // a parent of its own: what it leaves behind ends with it
            int child = -1, calls = 0;
            load_options how;
            how.n_threads = 3;
            how.progress = [&](bytes, bytes) {
                if (calls++ == forks_at) child = wafer_test::fork_mortal();
                return true;
            };
            const auto refusal = error_of([&] { (void)load(default_model, how); });
            if (child == 0) ::_exit(refusal && refusal->code() == errc::wrong_process ? 7 : 1);
            return refusal ? 2 : wafer_test::status_of(child);
        });
        CHECK(status == 7);
    }
}

#endif
