// SPDX-License-Identifier: MIT
// L8 gen: how a session answers, and why an answer ended.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include <wafer/core/config.hpp>
#include <wafer/core/enum_name.hpp>
#include <wafer/core/json.hpp>
#include <wafer/core/stop_signal.hpp>
#include <wafer/gen/sampler.hpp>
#include <wafer/model/network.hpp>
#include <wafer/text/grammar/program.hpp>

namespace wafer::inline WAFER_ABI {

/// Hears how far a prompt was read, on the thread that waits for the answer: 0 before the first batch, then after every batch
/// the tokens read so far, of those that the session did not hold already. Of the session it may call stop(), nothing else.
using reading_fn = std::function<void(std::size_t read, std::size_t of)>;

/// How a session answers. Whatever a model cannot do is refused when the session is made, or told to load_options::log: see
/// check_options.hpp.
struct session_options {
    sequence_shape shape{};          // context, batch, cache type
    sampling how{};                  // temperature and the like; what is not set is as the model's file recommends
    std::string system{};            // system prompt; empty: none
    std::optional<bool> thinking{};  // tells templates that ask for it; not set: the template's own default
    std::size_t max_tokens = 0;      // of one answer; 0: as many as fit
    /// Strings that end an answer and are not part of it. They are looked for in its text as it is handed out, each stretch
    /// between thinking and calls by itself: in neither of these, nor in the markers and white space around them.
    std::vector<std::string> stop{};
    json tools{};  // definitions of tools that may be called, an array as in the OpenAI API; null: none
    /// What an answer has to satisfy, apart from its thinking and from calls of tools before it or in its place:
    /// grammar::gbnf(text), grammar::json_schema(schema) or null. It is complete where ended() is end_of_turn; max_tokens,
    /// stop strings and a full context cut it anywhere.
    std::shared_ptr<const grammar::program> grammar{};
    /// Progress of long prompts. What it throws leaves reply::next(), and the question is forgotten.
    reading_fn reading{};
};

/// What may end one question's answer before its time, whatever is being done for it at that moment.
struct ask_options {
    std::stop_token stop{};  // from another thread, also if it was requested before the question was asked
    std::optional<stop_signal::clock::time_point> deadline{};  // by itself
};

/// Why an answer ended, or that it has not. Saved sessions hold the number: new reasons go to the end.
enum class finish : std::uint8_t { running, end_of_turn, stop_string, max_tokens, context_full, stopped, deadline };

/// The enumerator's name; "unknown" for a number that is none.
[[nodiscard]] constexpr std::string_view to_string(finish f) noexcept {
    constexpr std::string_view names[] = {"running",      "end_of_turn", "stop_string", "max_tokens",
                                          "context_full", "stopped",     "deadline"};
    return detail::name_in(names, f);
}

}  // namespace wafer::inline WAFER_ABI
