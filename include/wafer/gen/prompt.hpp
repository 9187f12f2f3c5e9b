// SPDX-License-Identifier: MIT
// L8 gen: a conversation as the text that its model reads.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <wafer/core/config.hpp>
#include <wafer/core/error.hpp>
#include <wafer/core/stop_signal.hpp>
#include <wafer/gen/model.hpp>
#include <wafer/gen/session_options.hpp>
#include <wafer/gen/turns.hpp>
#include <wafer/text/chat_template.hpp>

namespace wafer::inline WAFER_ABI {

/// The prompt for these turns, or nothing if making it was stopped.
/// @throws error, as model::chat() and chat_template::render()
[[nodiscard]] inline std::optional<std::string> make_prompt(const model& m, const session_options& o,
                                                            std::vector<message> turns, const stop_signal& stop) {
    const auto& words = m.words();
    make_inert(turns, words, &stop);
    if (stop.requested()) return std::nullopt;
    const auto text_of = [&](std::optional<token_id> id) { return id ? std::string(words.piece(*id)) : std::string(); };
    template_options how;
    how.enable_thinking = o.thinking;
    how.tools = o.tools;
    how.bos_token = text_of(words.bos());
    how.eos_token = text_of(words.eos());
    how.stop = &stop;
    const auto& chat = m.chat(!o.tools.is_null());
    std::optional<std::string> prompt;
    if (const auto failed = exception_of([&] { prompt = chat.render(turns, how); })) {
        if (!stop.requested()) std::rethrow_exception(failed);
        prompt.reset();
    }
    return prompt;
}

}  // namespace wafer::inline WAFER_ABI
