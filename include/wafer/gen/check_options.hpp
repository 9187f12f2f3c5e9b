// SPDX-License-Identifier: MIT
// L8 gen: whether a model can do what a session's options ask for, so that none of them is accepted without effect.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <wafer/core/config.hpp>
#include <wafer/core/error.hpp>
#include <wafer/core/log.hpp>
#include <wafer/core/utf8.hpp>
#include <wafer/gen/model.hpp>
#include <wafer/gen/session_options.hpp>
#include <wafer/text/tools.hpp>

namespace wafer::inline WAFER_ABI {

namespace detail {

inline void require_utf8(std::string_view text, const std::string& what) {
    if (const std::size_t bad = find_invalid_utf8(text); bad != text.size())
        raise(errc::bad_utf8, what + " is not UTF-8", {{}, bad, {}});
}

}  // namespace detail

/// Tells load_options::log if the template does not care whether the model shall think.
inline void warn_of_thinking(const model& m, std::optional<bool> wanted) {
    if (wanted && m.has_chat_template() && !m.chat().asks_for_thinking())
        m.log(log_level::warning,
              "the chat template does not ask whether to think: session_options::thinking has no effect");
}

/// Checks all but the shape and how tokens are drawn, which those check that use them. What merely has no effect is told to
/// load_options::log.
/// @throws error: bad_utf8 (system prompt or stop string); invalid_argument for tools of the wrong form, and for a system prompt
/// or tools that the model's chat template does not show, since answers would be those of a model that never heard of them
inline void check_options(const session_options& o, const model& m) {
    detail::require_utf8(o.system, "the system prompt");
    for (std::size_t i = 0; i < o.stop.size(); ++i) {
        detail::require_utf8(o.stop[i], "stop string " + std::to_string(i));
        if (o.stop[i].empty()) m.log(log_level::warning, "an empty stop string has no effect");
    }
    check_tools(o.tools, "session_options::tools");
    warn_of_thinking(m, o.thinking);
    if (!m.has_chat_template()) return;
    if (!o.system.empty() && !m.chat().shows_system())
        raise(errc::invalid_argument,
              "the model's chat template does not show a system prompt: put it before the first question instead");
    const bool with_tools = o.tools.is_array() && !o.tools.as_array().empty();
    if (with_tools && !m.chat(true).shows_tools())
        raise(errc::invalid_argument, "the model's chat template does not show tools: use a model that can call them");
}

}  // namespace wafer::inline WAFER_ABI
