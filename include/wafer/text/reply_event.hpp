// SPDX-License-Identifier: MIT
// L1 text: what a reply is made of, as its readers hand it out.
#pragma once

#include <cstdint>
#include <string>

#include <wafer/core/config.hpp>
#include <wafer/core/json.hpp>

namespace wafer::inline WAFER_ABI {

/// What a stretch of a reply is, and what its members hold.
enum class reply_kind : std::uint8_t {
    thinking,        // text: a piece of what the model thinks
    answer,          // text: a piece of what it says
    call_begin,      // text: the name of the function that is being called
    call_arguments,  // text: a piece of its arguments, as the model writes them; where it writes tags, as JSON
    call_end,        // text: all of these pieces; arguments: the same, read; name: the function's
    call_invalid,    // text: all that the model wrote of a call that cannot be read; ends a call that had begun
};

/// A stretch of a reply.
struct reply_event {
    reply_kind kind;
    std::string text;
    std::string name{};  // of call_end
    json arguments{};    // of call_end: an object
    std::string id{};    // of call_end, where a session reads: what a tool's answer refers to
    friend bool operator==(const reply_event&, const reply_event&) = default;
};

}  // namespace wafer::inline WAFER_ABI
