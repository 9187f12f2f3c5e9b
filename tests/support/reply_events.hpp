// SPDX-License-Identifier: MIT
// What a reader of streams makes of a text, however the text is cut: neighbours that are pieces of one thing are joined.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include <wafer/core/json.hpp>
#include <wafer/text/reply_event.hpp>

namespace wafer_test {

using events = std::vector<wafer::reply_event>;

inline void join(events& all, events more) {
    for (auto& event : more) {
        CHECK_FALSE((event.text.empty() && event.kind != wafer::reply_kind::call_end));
        const bool pieces = event.kind == wafer::reply_kind::answer || event.kind == wafer::reply_kind::thinking ||
                            event.kind == wafer::reply_kind::call_arguments;
        if (pieces && !all.empty() && all.back().kind == event.kind) all.back().text += event.text;
        else all.push_back(std::move(event));
    }
}

template <class Reader>
events read_in_steps(Reader reader, std::string_view text, std::size_t step) {
    events out;
    for (std::size_t at = 0; at < text.size(); at += step) join(out, reader.feed(text.substr(at, step)));
    join(out, reader.flush());
    return out;
}

inline std::string shown(const events& all) {
    static constexpr std::string_view names[] = {"think", "text", "begin", "args", "end", "invalid"};
    std::string out;
    for (const auto& e : all) {
        out += std::string(names[static_cast<std::size_t>(e.kind)]) + "[" + e.text + "]";
        if (e.kind == wafer::reply_kind::call_end) out += e.name + e.arguments.dump();
    }
    return out;
}

/// The events, which must be the same in one piece, in steps of every size up to 8 and with one cut anywhere.
template <class Reader>
events read_every_way(const Reader& reader, std::string_view text) {
    const events whole = read_in_steps(reader, text, text.size() + 1);
    for (std::size_t step = 1; step <= 8; ++step) CHECK(shown(read_in_steps(reader, text, step)) == shown(whole));
    for (std::size_t cut = 1; cut < text.size(); ++cut) {
        Reader r = reader;
        events out;
        join(out, r.feed(text.substr(0, cut)));
        join(out, r.feed(text.substr(cut)));
        join(out, r.flush());
        CHECK(shown(out) == shown(whole));
    }
    return whole;
}

/// The events of one call that is as it should be.
inline std::string called(const std::string& name, const std::string& arguments) {
    return "begin[" + name + "]args[" + arguments + "]end[" + arguments + "]" + name +
           wafer::json::parse(arguments).dump();
}

}  // namespace wafer_test
