// SPDX-License-Identifier: MIT
// L1 text: UTF-8 that arrives in pieces cut anywhere, as tokens do. Decoding itself is in core/utf8.hpp.
#pragma once

#include <string>
#include <string_view>

#include <wafer/core/config.hpp>
#include <wafer/core/utf8.hpp>

namespace wafer::inline WAFER_ABI {

/// Turns a stream of bytes into valid UTF-8: holds back at most the 3 bytes of an unfinished code point, and replaces
/// what cannot become one by U+FFFD.
class utf8_accumulator {
public:
    /// The text that is certain after these bytes; may be empty.
    [[nodiscard]] std::string feed(std::string_view raw) {
        pending_ += raw;
        std::string out;
        std::size_t at = 0;
        while (at < pending_.size()) {
            const utf8_step step = decode_utf8(pending_, at);
            if (step.status == utf8_status::truncated) break;
            if (step.status == utf8_status::ok) out.append(pending_, at, step.length);
            else out += replacement_utf8;
            at += step.length;
        }
        pending_.erase(0, at);
        return out;
    }

    /// Ends the stream: an unfinished code point becomes one U+FFFD. The accumulator is then as new.
    [[nodiscard]] std::string flush() {
        std::string out(pending_.empty() ? std::string_view{} : replacement_utf8);
        pending_.clear();
        return out;
    }

private:
    std::string pending_;
};

}  // namespace wafer::inline WAFER_ABI
