// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>

#include <doctest/doctest.h>

#include <wafer/text/grammar/automaton.hpp>
#include <wafer/text/grammar/compiler.hpp>
#include <wafer/text/grammar/number_range.hpp>

using namespace wafer;

namespace {

class language {
public:
    explicit language(grammar::expression e) {
        // What has no number in it still has a text, lest it be refused.
        e = grammar::choice({std::move(e), grammar::text("none")});
        rules_.rules.push_back({"root", std::move(e)});
        walk_.emplace(grammar::compile(rules_, grammar::unsatisfiable::prune));
    }
    bool has(const std::string& text) {
        auto s = walk_->start();
        for (const char c : text) s = walk_->step(s, static_cast<std::uint8_t>(c));
        return walk_->can_stop(s);
    }

private:
    grammar::ruleset rules_;
    std::optional<grammar::automaton> walk_;
};

}  // namespace

TEST_CASE("number_range: integers between bounds, all of them and no others") {
    const int bounds[] = {-1100, -1000, -999, -101, -100, -99, -19, -10, -9,  -2,   -1,  0,
                          1,     2,     9,    10,   11,   99,  100, 305, 999, 1000, 1203};
    for (const int low : bounds)
        for (const int high : bounds) {
            language numbers(grammar::integers(low, high));
            for (int n = -1210; n <= 1210; ++n)
                if (numbers.has(std::to_string(n)) != (low <= n && n <= high)) FAIL(low, " ", high, " ", n);
            for (const char* odd : {"", "-", "-0", "00", "01", "+1", "1 ", "-01"}) CHECK_FALSE(numbers.has(odd));
        }
}

TEST_CASE("number_range: the ends of 64 bits") {
    constexpr auto least = std::numeric_limits<std::int64_t>::min(), most = std::numeric_limits<std::int64_t>::max();
    language all(grammar::integers(least, most));
    CHECK(all.has("-9223372036854775808"));
    CHECK(all.has("9223372036854775807"));
    CHECK_FALSE(all.has("-9223372036854775809"));
    CHECK_FALSE(all.has("9223372036854775808"));
    language last(grammar::integers(most, most));
    CHECK(last.has("9223372036854775807"));
    CHECK_FALSE(last.has("9223372036854775806"));
}

namespace {

/// A number of hundredths as a bound.
grammar::decimal hundredths(int n) {
    const int size = n < 0 ? -n : n;
    std::string fraction = size % 100 == 0 ? "" : std::to_string(100 + size % 100).substr(1);
    if (!fraction.empty() && fraction.back() == '0') fraction.pop_back();
    return {n < 0, static_cast<std::uint64_t>(size / 100), fraction};
}
std::string written(int n, int digits) {
    const int size = n < 0 ? -n : n;
    return (n < 0 ? "-" : "") + std::to_string(size / 100) +
           (digits == 0 ? "" : "." + std::to_string(100 + size % 100).substr(1, static_cast<std::size_t>(digits)));
}

}  // namespace

TEST_CASE("number_range: decimals between bounds, open or closed") {
    const int bounds[] = {-1100, -1007, -150, -100, -99, -5, 0, 1, 10, 50, 99, 100, 101, 125, 199, 200, 900, 1230};
    for (const int low : bounds)
        for (const int high : bounds)
            for (const bool low_open : {false, true})
                for (const bool high_open : {false, true}) {
                    language numbers(grammar::decimals(hundredths(low), low_open, hundredths(high), high_open));
                    for (int n = -1300; n <= 1300; n += n % 100 < -10 || n % 100 > 10 ? 3 : 1) {
                        const bool in = (low_open ? n > low : n >= low) && (high_open ? n < high : n <= high);
                        CAPTURE(low);
                        CAPTURE(low_open);
                        CAPTURE(high);
                        CAPTURE(high_open);
                        const std::string text = written(n, 2);
                        if (numbers.has(text) != in || numbers.has(text + "00") != in) FAIL(text);
                        if (n % 10 == 0 && numbers.has(written(n, 1)) != in) FAIL(written(n, 1));
                        if (n % 100 == 0 && numbers.has(written(n, 0)) != in) FAIL(written(n, 0));
                        // A little more, and so beyond a closed bound or within an open one.
                        const bool more = n >= 0 ? n >= low && n < high : n > low && n <= high;
                        if (numbers.has(text + "000001") != more) FAIL((text + "000001"));
                    }
                    for (const char* odd : {"", "1.", ".5", "01", "-0", "-0.0", "1e0"}) CHECK_FALSE(numbers.has(odd));
                }
}

TEST_CASE("number_range: no number beside an open bound is read as the bound") {
    for (const char* bound : {"1", "10", "0.5", "2.25", "0.3", "1000000", "999999999999999", "0.000001", "123.456"}) {
        const std::string text = bound;
        const std::size_t point = std::min(text.find('.'), text.size());
        const grammar::decimal at{false, std::stoull(text), text.substr(std::min(point + 1, text.size()))};
        language below(grammar::decimals({}, false, at, true)),
            above(grammar::decimals(at, true, {false, 1u << 30, {}}, false));
        CHECK_FALSE(below.has(text));
        CHECK_FALSE(above.has(text));
        int seen = 0;
        for (int digits = 0; digits < 30; ++digits) {
            // Just below: the bound's digits less one in the last place, then nines; just above: zeros, then a one.
            std::string less = point == text.size() ? std::to_string(at.whole - 1) + "." : text;
            if (point != text.size()) --less.back();
            less += std::string(static_cast<std::size_t>(digits), '9');
            const std::string more =
                text + (point == text.size() ? "." : "") + std::string(static_cast<std::size_t>(digits), '0') + "1";
            if (below.has(less)) CHECK_MESSAGE((++seen, std::stod(less) < std::stod(text)), less);
            if (above.has(more)) CHECK_MESSAGE((++seen, std::stod(more) > std::stod(text)), more);
        }
        if (text.size() < 15) CHECK_MESSAGE(seen > 0, text);
    }
}
