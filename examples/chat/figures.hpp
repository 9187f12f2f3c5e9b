// SPDX-License-Identifier: MIT
// What answers took, for people: one line after each, and all of it on /stats.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <ostream>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <wafer/llm.hpp>

namespace chat {

/// "45 tokens, first after 3.21 ms, 851 tokens/s"
[[nodiscard]] inline std::string one_line(const wafer::answer_stats& s) {
    std::string line = std::to_string(s.generated) + (s.generated == 1 ? " token" : " tokens");
    if (s.generated > 0) line += ", first after " + human(s.to_first);
    if (s.decode_rate() > 0) line += ", " + wafer::three_digits(s.decode_rate()) + " tokens/s";
    return line;
}

/// What the session's work would have taken elsewhere, a line for each device.
inline void print_devices(std::ostream& out, std::span<const wafer::cost_report> reports) {
    wafer::text_table table({4});
    for (const auto& report : reports) {
        const auto& decode = report[wafer::stage::decode];
        wafer::text_table::row cells{report.device, human(report.time()) + " in all"};
        if (decode.tokens > 0) {
            cells.push_back(human(decode.per_token()) + " a token");
            cells.push_back(wafer::three_digits(decode.rate()) + " tokens/s");
            cells.push_back("bound by " + std::string(to_string(decode.bound_by())));
        }
        table.add(std::move(cells));
        if (!report.fits())
            table.add({"", "but it needs " + human(report.needed) + " and has " + human(report.capacity)});
    }
    out << table;
}

/// Why an answer ended, where that needs saying.
[[nodiscard]] inline std::string remark(wafer::finish why) {
    switch (why) {
        case wafer::finish::max_tokens: return ", cut at --max-tokens";
        case wafer::finish::context_full: return ", the context is full: /reset begins a new conversation";
        case wafer::finish::stopped: return ", stopped";
        default: return "";
    }
}

/// How the experts of each layer shared the work: a table of percentages, or a strip of shades where they are many.
inline void print_experts(std::ostream& out, const wafer::model_config& config, std::span<const std::uint64_t> use) {
    constexpr std::size_t most_columns = 12, strip_width = 48;
    constexpr std::string_view shades = " .:-=+*#%@";  // from idle to twice the mean share and beyond
    const std::size_t n = config.n_expert;
    const bool strips = n > most_columns;
    out << "experts     " << config.n_active << " of " << n << " work on a token; "
        << (strips ? "their shares, from idle to twice the mean: '" + std::string(shades) + "'"
                   : "their shares in percent")
        << '\n';

    wafer::text_table table(strips ? std::vector<std::size_t>{1} : std::vector<std::size_t>{});
    wafer::text_table::row head{"layer"};
    if (strips) head.push_back("");
    for (std::size_t e = 0; e < n && !strips; ++e) head.push_back("#" + std::to_string(e));
    head.push_back("busiest/mean");
    table.add(std::move(head));
    for (std::size_t layer = 0; layer < config.n_layer; ++layer) {
        const auto counts = use.subspan(layer * n, n);
        const double mean = std::accumulate(counts.begin(), counts.end(), 0.0) / static_cast<double>(n);
        if (mean == 0) continue;
        wafer::text_table::row cells{std::to_string(layer)};
        std::string strip;
        for (const auto count : counts) {
            const double share = static_cast<double>(count) / mean;
            const double shade = std::ceil(std::min(share / 2, 1.0) * static_cast<double>(shades.size() - 1));
            if (strips) strip += shades[static_cast<std::size_t>(shade)];
            else cells.push_back(wafer::fixed(100 * share / static_cast<double>(n), 1));
        }
        if (strips) cells.push_back(strip.substr(0, strip_width));
        cells.push_back(wafer::fixed(static_cast<double>(*std::max_element(counts.begin(), counts.end())) / mean, 2));
        table.add(std::move(cells));
        for (std::size_t at = strip_width; at < strip.size(); at += strip_width)
            table.add({"", strip.substr(at, strip_width)});
    }
    out << table;
}

/// Everything /stats shows but the devices. `plan` is what was planned before loading.
template <class Session>
void print_stats(std::ostream& out, const Session& session, const wafer::model_plan& plan) {
    const auto& last = session.stats();
    const auto& tokens = session.tokens();
    const auto percent = 100 * static_cast<double>(tokens.position()) / static_cast<double>(tokens.capacity());
    out << "last answer " << one_line(last) << '\n';
    if (last.generated > 0)
        out << "prompt      " << last.prompt << " tokens, " << last.reused << " still in the cache, the others at "
            << wafer::three_digits(last.prefill_rate()) << " tokens/s\n";
    out << "context     " << tokens.position() << " of " << tokens.capacity() << " tokens in use ("
        << wafer::fixed(percent, 0) << " %)\n"
        << "weights     " << human(plan.weights) << " resident, " << human(plan.stored) << " in the file\n"
        << "memory      cache " << human(tokens.cache_size()) << " in " << to_string(plan.shape.cache_type)
        << ", scratch " << human(plan.scratch) << '\n'
        << "kernels     " << tokens.kernels().name << " (" << tokens.kernels().features << "), " << plan.n_threads
        << (plan.n_threads == 1 ? " thread\n" : " threads\n");
    if (plan.config.n_expert > 0) print_experts(out, plan.config, tokens.expert_use());
}

}  // namespace chat
