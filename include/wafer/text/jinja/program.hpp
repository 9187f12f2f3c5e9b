// SPDX-License-Identifier: MIT
// L1 text/jinja: a parsed template, ready to render any number of times. Knows nothing of chats.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <utility>

#include <wafer/core/config.hpp>
#include <wafer/core/error.hpp>
#include <wafer/core/utf8.hpp>
#include <wafer/text/jinja/interpreter.hpp>
#include <wafer/text/jinja/parser.hpp>

namespace wafer::inline WAFER_ABI::jinja {

/// A template. Const after construction and shared by threads.
class program {
public:
    /// @throws error{errc::bad_template} with line and column.
    explicit program(std::string_view source) : source_(normalized(source)), body_(parser(source_).run()) {}

    /// What the template prints for these variables. @throws error{errc::template_failed} with line and column.
    [[nodiscard]] std::string render(const value_dict& variables, std::chrono::sys_seconds now,
                                     const limits& bounds = {}) const {
        return interpreter(source_, bounds, now, variables).run(body_);
    }

    [[nodiscard]] const std::string& source() const noexcept { return source_; }

private:
    // As Jinja does before it reads: one kind of line break, and none at the end of the file.
    static std::string normalized(std::string_view source) {
        if (!is_utf8(source))
            raise(errc::bad_template,
                  "chat template is not UTF-8 (" + position(source, find_invalid_utf8(source)) + ")");
        std::string out;
        for (std::size_t i = 0; i < source.size(); ++i) {
            if (source[i] == '\r' && source.substr(i, 2) == "\r\n") continue;
            out.push_back(source[i] == '\r' ? '\n' : source[i]);
        }
        if (out.ends_with('\n')) out.pop_back();
        return out;
    }

    std::string source_;
    block body_;
};

}  // namespace wafer::inline WAFER_ABI::jinja
