// SPDX-License-Identifier: MIT
// The default model answers problems that it was never trained on. Its figures in README come from here.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <fstream>
#include <iterator>
#include <map>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include <wafer/gen/model.hpp>
#include <wafer/gen/session.hpp>

using namespace wafer;

// Instrumented builds look for other faults, and take their time: they ask every twentieth problem.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define WAFER_TEST_INSTRUMENTED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define WAFER_TEST_INSTRUMENTED 1
#endif
#endif

namespace {

#ifdef WAFER_TEST_INSTRUMENTED
constexpr std::size_t every = 20;
#else
constexpr std::size_t every = 1;
#endif

struct problem {
    std::string task, question, answer;
};

std::vector<problem> held_out() {
    std::ifstream file(WAFER_EXAMPLES "/tiny_reasoner/heldout.tsv");
    std::vector<problem> all;
    for (std::string line; std::getline(file, line);) {
        std::istringstream fields(line);
        problem p;
        if (std::getline(fields, p.task, '\t') && std::getline(fields, p.question, '\t') &&
            std::getline(fields, p.answer))
            all.push_back(p);
    }
    return all;
}

struct score {
    std::size_t right = 0, asked = 0;
    [[nodiscard]] double share() const {
        return asked == 0 ? 0 : static_cast<double>(right) / static_cast<double>(asked);
    }
};

/// Share of right answers by task, and under "all".
std::map<std::string, score> ask_all(const model& m, const std::vector<problem>& problems, bool thinking) {
    session_options how;
    how.how.temperature = 0;
    how.thinking = thinking;
    how.max_tokens = 400;
    session chat{m, how};
    std::map<std::string, score> scores;
    for (const auto& p : problems) {
        chat.reset();
        const std::string said = chat.ask(p.question).text();
        // A refusal may go on to say what the model does know.
        const bool right = p.task == "refuse" ? said.starts_with(p.answer) : said == p.answer;
        for (auto* s : {&scores[p.task], &scores["all"]}) s->asked += 1, s->right += right;
    }
    return scores;
}

}  // namespace

TEST_CASE("tiny_reasoner: at least 95 % of fresh problems are answered right with thinking, and fewer without") {
    const auto m = load(WAFER_EXAMPLES "/tiny_reasoner/tiny_reasoner.gguf");
    auto problems = held_out();
    REQUIRE(problems.size() >= 300);
    for (std::size_t i = 0; i < problems.size() / every; ++i) std::swap(problems[i], problems[i * every]);
    problems.resize(problems.size() / every);
    const auto with = ask_all(m, problems, true), without = ask_all(m, problems, false);
    for (const auto& [task, s] : with)
        MESSAGE(task, ": ", 100 * s.share(), " % with thinking, ", 100 * without.at(task).share(), " % without, of ",
                s.asked);
    CHECK(with.at("all").share() >= 0.95);
    CHECK(without.at("all").share() < with.at("all").share());
}

TEST_CASE("tiny_reasoner: prompts, logits and answers are those of its trainer's own implementation") {
    // reference.tsv was computed by train.py in float32 from the same quantised file: prompt, thinking, prompt ids, greedy ids,
    // the first 16 logits after the prompt.
    const auto m = load(WAFER_EXAMPLES "/tiny_reasoner/tiny_reasoner.gguf");
    std::ifstream file(WAFER_EXAMPLES "/tiny_reasoner/reference.tsv");
    std::size_t lines = 0;
    for (std::string line; std::getline(file, line); ++lines) {
        std::istringstream fields(line);
        std::string question, thinking, prompt, greedy, logits;
        for (auto* field : {&question, &thinking, &prompt, &greedy, &logits}) std::getline(fields, *field, '\t');
        CAPTURE(question);
        const auto numbers = [](const std::string& text) {
            std::istringstream in(text);
            return std::vector<double>(std::istream_iterator<double>(in), {});
        };

        message user;
        user.role = "user";
        user.content = question;
        template_options how;
        if (thinking == "0") how.enable_thinking = false;
        const auto ids = m.words().encode(m.chat().render(std::span(&user, 1), how));
        CHECK(std::ranges::equal(ids, numbers(prompt)));

        sequence_shape shape;
        shape.cache_type = dtype::f32;
        sequence<> s(m.net(), m.pool(), shape);
        REQUIRE(s.eval(ids) == eval_status::done);
        double difference = 0, norm = 0;
        const auto want = numbers(logits);
        for (std::size_t i = 0; i < want.size(); ++i) {
            difference += std::pow(static_cast<double>(s.logits()[i]) - want[i], 2);
            norm += want[i] * want[i];
        }
        // We quantise activations to 8 bits (error up to 1/254 of a block's largest), the reference does not: about a percent
        // after four layers of sums of such errors.
        CHECK(std::sqrt(difference / norm) < 0.03);
        for (const double next : numbers(greedy)) {
            const auto l = s.logits();
            const auto id = static_cast<token_id>(std::max_element(l.begin(), l.end()) - l.begin());
            CHECK(id == static_cast<token_id>(next));
            REQUIRE(s.eval({&id, 1}) == eval_status::done);
        }
    }
    CHECK(lines == 5);
}
