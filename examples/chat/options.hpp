// SPDX-License-Identifier: MIT
// What the command line asks for. One table is the parser and the help.
#pragma once

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <limits>
#include <optional>
#include <ostream>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>

#include <wafer/llm.hpp>

namespace chat {

/// A command line that makes no sense: one line on stderr, and exit status 2.
struct usage_error : std::runtime_error {
    using std::runtime_error::runtime_error;
};

enum class thinking { show, hide, off };

struct options {
    std::string model;                  // empty: the default model
    std::optional<std::string> prompt;  // answer it and exit
    std::optional<thinking> think;      // not set: shown in a conversation, hidden otherwise
    std::optional<std::uint64_t> seed;  // not set: another one each time
    wafer::session_options session;
    wafer::cost::fleet fleet;
    std::size_t n_threads = 0;
    wafer::file_access access = wafer::file_access::map;
    bool json = false, help = false, version = false;
};

/// All of `text` as a number in [0, most].
template <class T>
[[nodiscard]] T number(std::string_view text, T most = std::numeric_limits<T>::max()) {
    T value{};
    const auto [end, bad] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (bad == std::errc{} && end == text.data() + text.size() && value >= 0 && value <= most) return value;
    const bool is_bounded = most != std::numeric_limits<T>::max() || bad == std::errc::result_out_of_range;
    char bound[32];
    const auto bound_end = std::to_chars(bound, bound + sizeof bound, most).ptr;
    throw usage_error("'" + std::string(text) + "' must be a " + (std::is_integral_v<T> ? "whole " : "") + "number" +
                      (is_bounded ? " from 0 to " + std::string(bound, bound_end) : ", 0 or more"));
}

[[nodiscard]] inline thinking thinking_named(std::string_view text) {
    if (text == "show") return thinking::show;
    if (text == "hide") return thinking::hide;
    if (text == "off") return thinking::off;
    throw usage_error("'" + std::string(text) + "' is none of show, hide, off");
}

[[nodiscard]] inline wafer::dtype cache_type_named(std::string_view text) {
    for (const auto type : {wafer::dtype::f32, wafer::dtype::f16, wafer::dtype::bf16, wafer::dtype::q8_0})
        if (to_string(type) == text) return type;
    throw usage_error("'" + std::string(text) + "' is none of f32, f16, bf16, q8_0");
}

struct option {
    std::string_view name, value;  // value: what has to follow; empty: nothing
    std::string_view help;
    void (*set)(options&, std::string_view);
};

using word = std::string_view;
inline constexpr option all_options[] = {
    {"--model", "FILE", "a GGUF file (default: the small model that wafer brings)",
     [](options& o, word v) {
         if (v.empty()) throw usage_error("the name of the file is empty");
         o.model = v;
     }},
    {"-p", "PROMPT", "answer this and exit; so does text from a pipe", [](options& o, word v) { o.prompt = v; }},
    {"--json", "", "print one JSON object: answer, thinking, statistics, costs",
     [](options& o, word) { o.json = true; }},
    {"--device", "NAME", "also tell what answers take there: h100x8, wse3x4, ...",
     [](options& o, word v) { o.fleet.devices.push_back(wafer::cost::make_device(v)); }},
    {"--think", "HOW", "show, hide or off: whether the model thinks first, visibly",
     [](options& o, word v) { o.think = thinking_named(v); }},
    {"--system", "TEXT", "system prompt", [](options& o, word v) { o.session.system = v; }},
    {"--temp", "T", "temperature; 0: the likeliest token (default: the model's, or 0.7)",
     [](options& o, word v) { o.session.how.temperature = number<float>(v); }},
    {"--top-k", "N", "choose among the N likeliest tokens; 0: all (the model's, or 40)",
     [](options& o, word v) { o.session.how.top_k = number<std::size_t>(v); }},
    {"--top-p", "P", "... whose probabilities sum to P; 1: all (the model's, or 0.95)",
     [](options& o, word v) { o.session.how.top_p = number<float>(v, 1); }},
    {"--min-p", "P", "... at least P times the likeliest; 0: all (the model's, or 0.05)",
     [](options& o, word v) { o.session.how.min_p = number<float>(v, 1); }},
    {"--repeat-penalty", "X", "makes recent tokens less likely; 1: off (the model's, or 1)",
     [](options& o, word v) { o.session.how.repeat_penalty = number<float>(v); }},
    {"--seed", "N", "equal seeds give equal answers", [](options& o, word v) { o.seed = number<std::uint64_t>(v); }},
    {"--max-tokens", "N", "longest answer; 0: what fits (0)",
     [](options& o, word v) { o.session.max_tokens = number<std::size_t>(v); }},
    {"--ctx", "N", "tokens of a conversation; 0: as trained, 4096 at most (0)",
     [](options& o, word v) { o.session.shape.n_context = number<std::size_t>(v); }},
    {"--cache-type", "TYPE", "of keys and values: f32, f16, bf16 or q8_0 (f16)",
     [](options& o, word v) { o.session.shape.cache_type = cache_type_named(v); }},
    {"--threads", "N", "0: one for each CPU (0)",
     [](options& o, word v) { o.n_threads = number<std::size_t>(v, wafer::max_threads); }},
    {"--read", "", "read FILE instead of mapping it: from network mounts, and where others may write to it",
     [](options& o, word) { o.access = wafer::file_access::read; }},
    {"--help", "", "print this", [](options& o, word) { o.help = true; }},
    {"--version", "", "print the version", [](options& o, word) { o.version = true; }},
};

/// Reads `--name value`, `--name=value` and flags. @throws usage_error naming the option and what it needs
[[nodiscard]] inline options parse(std::span<char* const> words) {
    options result;
    for (auto next = words.begin(); next != words.end(); ++next) {
        const word given = *next;
        const auto equals = given.starts_with("--") ? given.find('=') : given.npos;
        const word name = given == "-h" ? "--help" : given.substr(0, equals);
        const auto* known = std::find_if(std::begin(all_options), std::end(all_options),
                                         [&](const option& o) { return o.name == name; });
        if (known == std::end(all_options))
            throw usage_error(name.starts_with('-') ? "unknown option " + std::string(name) + ": --help lists them"
                                                    : "'" + std::string(given) + "' needs --model or -p before it");
        word value;
        if (equals != given.npos) {
            if (known->value.empty()) throw usage_error(std::string(name) + " takes no value");
            value = given.substr(equals + 1);
        } else if (!known->value.empty()) {
            if (++next == words.end())
                throw usage_error(std::string(name) + " needs a " + std::string(known->value) + " behind it");
            value = *next;
        }
        try {
            known->set(result, value);
            static_cast<void>(wafer::sampler(result.session.how));  // knows what its values may be
        } catch (const std::exception& e) {
            throw usage_error(std::string(name) + ": " + e.what());
        }
    }
    return result;
}

inline void print_help(std::ostream& out) {
    out << "usage: chat [OPTION]...                  a conversation\n"
           "       chat [OPTION]... -p PROMPT        one answer\n\n";
    for (const auto& o : all_options) {
        std::string left = "  " + std::string(o.name) + " " + std::string(o.value);
        left.resize(std::max<std::size_t>(left.size() + 1, 21), ' ');
        out << left << o.help << '\n';
    }
}

}  // namespace chat
