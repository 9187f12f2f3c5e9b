// SPDX-License-Identifier: MIT
// The default model answers problems that it was never trained on. Its figures in README come from here.
#include <cstddef>
#include <fstream>
#include <iterator>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <wafer/gen/model.hpp>
#include <wafer/gen/session.hpp>

using namespace wafer;

namespace {

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
    const auto problems = held_out();
    REQUIRE(problems.size() >= 300);
    const auto with = ask_all(m, problems, true), without = ask_all(m, problems, false);
    for (const auto& [task, s] : with)
        MESSAGE(task, ": ", 100 * s.share(), " % with thinking, ", 100 * without.at(task).share(), " % without, of ",
                s.asked);
    CHECK(with.at("all").share() >= 0.95);
    CHECK(without.at("all").share() < with.at("all").share());
}
