// SPDX-License-Identifier: MIT
// L1 text/jinja: global functions of templates, among them those that Hugging Face adds. A new function is one entry.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include <wafer/core/config.hpp>
#include <wafer/core/error.hpp>
#include <wafer/text/jinja/runtime.hpp>

namespace wafer::inline WAFER_ABI::jinja {

/// A time in UTC as strftime prints it in the C locale. Unknown conversions stay as they are written.
[[nodiscard]] inline std::string format_time(std::chrono::sys_seconds time, std::string_view format) {
    static constexpr std::string_view months[] = {"January",   "February", "March",    "April",
                                                  "May",       "June",     "July",     "August",
                                                  "September", "October",  "November", "December"};
    static constexpr std::string_view days[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                "Thursday", "Friday", "Saturday"};
    using namespace std::chrono;
    const auto day = floor<std::chrono::days>(time);
    const year_month_day date{day};
    const auto clock = (time - day).count();
    const auto month = static_cast<std::size_t>(static_cast<unsigned>(date.month()) - 1);
    const auto week_day = static_cast<std::size_t>(weekday{day}.c_encoding());
    const std::int64_t hour = clock / 3600, minute = clock / 60 % 60, second = clock % 60;
    const std::int64_t year_day = (day - sys_days{date.year() / January / 1}).count() + 1;
    const auto padded = [](std::int64_t n, std::size_t width, char fill = '0') {
        std::string digits = std::to_string(n);
        return digits.size() < width ? std::string(width - digits.size(), fill) + digits : digits;
    };
    std::string out;
    for (std::size_t i = 0; i < format.size(); ++i) {
        if (format[i] != '%' || i + 1 == format.size()) {
            out.push_back(format[i]);
            continue;
        }
        const bool bare = format[i + 1] == '-' && i + 2 < format.size();  // %-d: without padding
        i += bare ? 2 : 1;
        const std::size_t two = bare ? 1 : 2;
        const std::int64_t year = static_cast<int>(date.year()), month_day = static_cast<unsigned>(date.day());
        switch (format[i]) {
            case 'Y': out += std::to_string(year); break;
            case 'y': out += padded(year % 100, two); break;
            case 'm': out += padded(static_cast<std::int64_t>(month) + 1, two); break;
            case 'd': out += padded(month_day, two); break;
            case 'e': out += padded(month_day, two, ' '); break;
            case 'j': out += padded(year_day, bare ? 1 : 3); break;
            case 'H': out += padded(hour, two); break;
            case 'I': out += padded((hour + 11) % 12 + 1, two); break;
            case 'M': out += padded(minute, two); break;
            case 'S': out += padded(second, two); break;
            case 'p': out += hour < 12 ? "AM" : "PM"; break;
            case 'B': out += months[month]; break;
            case 'b':
            case 'h': out += months[month].substr(0, 3); break;
            case 'A': out += days[week_day]; break;
            case 'a': out += days[week_day].substr(0, 3); break;
            case 'F': out += format_time(time, "%Y-%m-%d"); break;
            case 'T': out += format_time(time, "%H:%M:%S"); break;
            case 'D': out += format_time(time, "%m/%d/%y"); break;
            case 'Z': out += "UTC"; break;
            case 'z': out += "+0000"; break;
            case '%': out.push_back('%'); break;
            default: out += bare ? "%-" : "%"; out.push_back(format[i]);
        }
    }
    return out;
}

namespace detail {

inline value call_range(runtime& rt, const arguments& in) {
    const auto number = [&](std::size_t i) { return rt.integer_of(in.positional[i], "range's argument"); };
    const std::size_t n = in.positional.size();
    if (n < 1 || n > 3) rt.fail("range takes one to three arguments");
    const std::int64_t start = n == 1 ? 0 : number(0), stop = number(n == 1 ? 0 : 1), step = n == 3 ? number(2) : 1;
    if (step == 0) rt.fail("range's step must not be 0");
    // Unsigned differences cannot overflow.
    const auto distance = [](std::int64_t from, std::int64_t to) {
        return static_cast<std::uint64_t>(to) - static_cast<std::uint64_t>(from);
    };
    const bool empty = step > 0 ? start >= stop : start <= stop;
    const std::uint64_t span = empty ? 0 : step > 0 ? distance(start, stop) : distance(stop, start);
    const std::uint64_t stride = step > 0 ? static_cast<std::uint64_t>(step) : 0 - static_cast<std::uint64_t>(step);
    const std::uint64_t count = span / stride + (span % stride != 0);
    rt.spend(count / 8);
    rt.charge(count * sizeof(value));
    value_list out;
    out.reserve(count);
    for (std::uint64_t i = 0; i < count; ++i)
        out.emplace_back(
            static_cast<std::int64_t>(static_cast<std::uint64_t>(start) + i * static_cast<std::uint64_t>(step)));
    return value(std::move(out));
}

// dict(...) and namespace(...): an optional dict, then keyword arguments that add to it.
inline value_dict members_of(runtime& rt, const arguments& in) {
    value_dict members;
    if (const value* first = in.find(0)) {
        if (!first->is(value::kind::dict)) rt.fail("expected a mapping, not " + runtime::describe(*first));
        rt.charge(first->as_dict().size() * sizeof(value_dict::value_type));
        members = first->as_dict();
    }
    for (const auto& [name, item] : in.named) rt.put(members, name, item);
    return members;
}

inline value call_raise(runtime& rt, const arguments& in) {
    rt.fail(in.positional.empty() ? std::string("raise_exception") : rt.print(in.self()));
}

inline value call_strftime(runtime& rt, const arguments& in) {
    const value* format = in.find(0, "format");
    if (format == nullptr) rt.fail("strftime_now needs a format");
    return rt.make(format_time(rt.now(), rt.string_of(*format, "a time format")));
}

}  // namespace detail

inline constexpr builtin functions[] = {
    {"range", detail::call_range},
    {"dict", [](runtime& rt, const arguments& in) { return rt.make(detail::members_of(rt, in)); }},
    {"namespace", [](runtime& rt, const arguments& in) { return rt.make_name_space(detail::members_of(rt, in)); }},
    {"raise_exception", detail::call_raise},
    {"strftime_now", detail::call_strftime},
};

}  // namespace wafer::inline WAFER_ABI::jinja
