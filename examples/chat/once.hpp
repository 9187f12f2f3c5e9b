// SPDX-License-Identifier: MIT
// One prompt, one answer: for scripts and pipes. Only the answer goes to stdout, or one JSON object.
#pragma once

#include <cstdint>
#include <iostream>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <wafer/llm.hpp>

#include "figures.hpp"
#include "options.hpp"
#include "partner.hpp"
#include "terminal.hpp"
#include "writer.hpp"

namespace chat {

template <class Session>
[[nodiscard]] wafer::json stats_to_json(const Session& session, const wafer::model_plan& plan) {
    const auto& last = session.stats();
    const auto& tokens = session.tokens();
    wafer::json stats;
    stats.set("prompt_tokens", last.prompt)
        .set("reused_tokens", last.reused)
        .set("generated_tokens", last.generated)
        .set("seconds_to_first", last.to_first.count)
        .set("seconds", last.total.count)
        .set("prefill_tokens_per_second", last.prefill_rate())
        .set("decode_tokens_per_second", last.decode_rate())
        .set("context_used", tokens.position())
        .set("context_size", tokens.capacity())
        .set("weight_bytes", plan.weights.count)
        .set("stored_weight_bytes", plan.stored.count)
        .set("cache_bytes", tokens.cache_size().count)
        .set("scratch_bytes", plan.scratch.count)
        .set("kernels", tokens.kernels().name)
        .set("kernel_features", tokens.kernels().features)
        .set("threads", plan.n_threads);
    const auto seed = session.options().how.seed;  // as text where JSON's numbers are not exact
    stats.set("seed", std::in_range<std::int64_t>(seed) ? wafer::json(seed) : wafer::json(std::to_string(seed)));
    if (plan.config.n_expert == 0) return stats;
    wafer::json::array layers;
    for (std::size_t layer = 0; layer < plan.config.n_layer; ++layer) {
        const auto counts = tokens.expert_use().subspan(layer * plan.config.n_expert, plan.config.n_expert);
        layers.emplace_back(wafer::json::array(counts.begin(), counts.end()));
    }
    stats.set("expert_tokens", std::move(layers));
    return stats;
}

/// What ends before its time is told on stderr, and so is what the answer would have taken elsewhere.
template <class Session>
void print_answer(const partner<Session>& with, std::string_view prompt, thinking how) {
    {
        writer out(std::cout, style::of_stdout(), how);
        if (!with.ask(prompt, [&](const wafer::reply_piece& piece) { out.write(piece); })) throw interrupted();
    }
    if (with.session.ended() == wafer::finish::context_full)
        std::cerr << "chat: the answer ends here because the context is full: --ctx makes it larger\n";
    print_devices(std::cerr, with.session.cost());
}

template <class Session>
void print_json(const partner<Session>& with, std::string_view prompt) {
    std::string answer, thought;
    const auto hear = [&](const wafer::reply_piece& piece) { (piece.thinking ? thought : answer) += shown(piece); };
    if (!with.ask(prompt, hear)) throw interrupted();
    const auto without_space = [](const std::string& text) {
        const auto first = text.find_first_not_of(" \n"), last = text.find_last_not_of(" \n");
        return first == text.npos ? std::string() : text.substr(first, last + 1 - first);
    };
    const auto& [model, session, plan, status] = with;
    wafer::json result;
    result.set("model", wafer::json::object{{"name", plan.config.name}, {"architecture", plan.config.architecture}})
        .set("answer", without_space(answer))
        .set("thinking", without_space(thought))
        .set("finish", to_string(session.ended()))
        .set("stats", stats_to_json(session, plan));
    if (const auto reports = session.cost(); !reports.empty())
        result.set("costs", to_json(std::span<const wafer::cost_report>(reports)));
    std::cout << result.dump(2) << '\n';
}

}  // namespace chat
