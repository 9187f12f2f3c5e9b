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
    /// @throws error{errc::bad_template} with line and column; error{errc::out_of_memory}
    explicit program(std::string_view source)
        : source_(or_out_of_memory([&] { return normalized(source); })),
          body_(or_out_of_memory([&] { return parser(source_).run(); })) {}

    /// What the template prints for these variables. @throws error{errc::template_failed} with line and column;
    /// error{errc::invalid_argument} for variables whose names are no strings, a time outside of the years 0 to 9999, a depth
    /// beyond limits::most_depth; error{errc::out_of_memory}; error{errc::cancelled} once it is stopped
    /// (see budget)
    [[nodiscard]] std::string render(const value_dict& variables, std::chrono::sys_seconds now,
                                     const limits& bounds = {}, const stop_signal* stop = nullptr) const {
        using namespace std::chrono;
        if (bounds.depth < 0 || bounds.depth > limits::most_depth)
            raise(errc::invalid_argument, "a template's limits: a depth of " + std::to_string(bounds.depth) +
                                              " is outside of 0 to " + std::to_string(limits::most_depth));
        if (now < sys_days{year{0} / 1 / 1} || now >= sys_days{year{10000} / 1 / 1})
            raise(errc::invalid_argument, "the time for a template is outside of the years 0 to 9999");
        for (const auto& variable : variables)
            if (!variable.first.is_string())
                raise(errc::invalid_argument, "the name of a template's variable is no string");
        return or_out_of_memory([&] { return interpreter(source_, bounds, now, variables, stop).run(body_); });
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
