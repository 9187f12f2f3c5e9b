// SPDX-License-Identifier: MIT
// The string formats of JSON Schema by their standards, as plainly as they read, and with none of wafer's restrictions.
#pragma once

#include <algorithm>
#include <iterator>
#include <regex>
#include <string>
#include <utility>
#include <vector>

namespace wafer_test {

inline bool matches(const std::string& text, const char* pattern) {
    return std::regex_match(text, std::regex(pattern, std::regex::ECMAScript));
}
inline std::vector<std::string> split(const std::string& text, char at) {
    std::vector<std::string> out(1);
    for (const char c : text)
        if (c == at) out.emplace_back();
        else out.back() += c;
    return out;
}

inline bool is_date(const std::string& s) {
    if (!matches(s, "\\d{4}-\\d\\d-\\d\\d")) return false;
    const int y = std::stoi(s.substr(0, 4)), m = std::stoi(s.substr(5, 2)), d = std::stoi(s.substr(8, 2));
    const bool leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
    const int days[] = {31, leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return m >= 1 && m <= 12 && d >= 1 && d <= days[m - 1];
}
inline bool is_time(const std::string& s) {
    return matches(s, "([01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d(\\.\\d+)?(Z|[-+]([01]\\d|2[0-3]):[0-5]\\d)");
}
// The parts in their order, none left out between two; RFC 3339, appendix A.
inline bool is_duration(const std::string& s) {
    if (matches(s, "P\\d+W")) return true;
    if (!matches(s, "P(\\d+[YMD])*(T(\\d+[HMS])+)?") || s == "P") return false;
    std::string units;
    for (const char c : s.substr(1))
        if (c < '0' || c > '9') units += c;
    const std::size_t t = std::min(units.find('T'), units.size());
    const std::string days = units.substr(0, t), clock = units.substr(std::min(t + 1, units.size()));
    return std::string("YMD").find(days) != std::string::npos && std::string("HMS").find(clock) != std::string::npos;
}
inline bool is_hostname(const std::string& s) {
    const auto labels = split(s, '.');
    return s.size() <= 253 && std::all_of(labels.begin(), labels.end(), [](const std::string& label) {
               return label.size() <= 63 && matches(label, "[0-9A-Za-z-]+") && label.front() != '-' &&
                      label.back() != '-' && label.substr(0, 4).find("--") != 2;
           });
}
inline bool is_email(const std::string& s) {
    const auto parts = split(s, '@');
    if (parts.size() != 2 || parts[0].size() > 64 || !is_hostname(parts[1])) return false;
    const auto atoms = split(parts[0], '.');
    return std::all_of(atoms.begin(), atoms.end(),
                       [](const std::string& atom) { return matches(atom, "[0-9A-Za-z!#$%&'*+/=?^_`{|}~-]+"); });
}
inline bool is_ipv4(const std::string& s) {
    const auto parts = split(s, '.');
    return parts.size() == 4 && std::all_of(parts.begin(), parts.end(), [](const std::string& part) {
               return matches(part, "0|[1-9]\\d{0,2}") && std::stoi(part) < 256;
           });
}
inline bool is_ipv6(const std::string& s) {
    const std::size_t gap = s.find("::");
    if (gap != s.npos && s.find("::", gap + 1) != s.npos) return false;
    const auto count = [](const std::string& part) {  // of groups; many where one is none
        if (part.empty()) return std::size_t{0};
        const auto groups = split(part, ':');
        const bool good = std::all_of(groups.begin(), groups.end(),
                                      [](const std::string& group) { return matches(group, "[0-9A-Fa-f]{1,4}"); });
        return good ? groups.size() : std::size_t{99};
    };
    return gap == s.npos ? count(s) == 8 : count(s.substr(0, gap)) + count(s.substr(gap + 2)) <= 7;
}
// The generic syntax with an authority or a path that begins without a slash.
inline bool is_uri(const std::string& s) {
    const std::string pchar = "(?:[0-9A-Za-z._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})", more = "(?:" + pchar + "|[/?])*";
    const std::string authority = "//(?:[0-9A-Za-z._~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*(?::[0-9]*)?(?:/" + pchar + "*)*";
    const std::string path = pchar + "+(?:/" + pchar + "*)*";
    return matches(
        s,
        ("[A-Za-z][0-9A-Za-z+.-]*:(?:" + authority + "|" + path + ")(?:\\?" + more + ")?(?:#" + more + ")?").c_str());
}

inline bool is_date_time(const std::string& s) {
    return s.size() > 11 && s[10] == 'T' && is_date(s.substr(0, 10)) && is_time(s.substr(11));
}
inline bool is_uuid(const std::string& s) { return matches(s, "[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"); }

/// Whether a text has that format, of those that wafer knows.
inline bool has_format(const std::string& s, const std::string& format) {
    constexpr std::pair<const char*, bool (*)(const std::string&)> checks[] = {
        {"date", is_date},           {"time", is_time},
        {"date-time", is_date_time}, {"duration", is_duration},
        {"uuid", is_uuid},           {"hostname", is_hostname},
        {"email", is_email},         {"ipv4", is_ipv4},
        {"ipv6", is_ipv6},           {"uri", is_uri}};
    return std::any_of(std::begin(checks), std::end(checks),
                       [&](const auto& check) { return format == check.first && check.second(s); });
}

}  // namespace wafer_test
