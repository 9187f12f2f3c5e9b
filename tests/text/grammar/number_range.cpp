// SPDX-License-Identifier: MIT
#include <cstdint>
#include <limits>
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

TEST_CASE("number_range: decimals between bounds, open or closed") {
    const int bounds[] = {-11, -10, -1, 0, 1, 2, 9, 12};
    for (const int low : bounds)
        for (const int high : bounds)
            for (const bool low_open : {false, true})
                for (const bool high_open : {false, true}) {
                    language numbers(grammar::decimals(low, low_open, high, high_open));
                    for (int tenths = -130; tenths <= 130; ++tenths) {
                        const bool in = (low_open ? tenths > low * 10 : tenths >= low * 10) &&
                                        (high_open ? tenths < high * 10 : tenths <= high * 10);
                        const int size = tenths < 0 ? -tenths : tenths;
                        const std::string sign = tenths < 0 ? "-" : "", whole = std::to_string(size / 10);
                        const std::string text = sign + whole + "." + std::to_string(size % 10);
                        if (numbers.has(text) != in || numbers.has(text + "0") != in) FAIL(low, " ", high, " ", text);
                        if (tenths % 10 == 0 && numbers.has(sign + whole) != in)
                            FAIL(low, " ", high, " ", sign + whole);
                    }
                    for (const char* odd : {"", "1.", ".5", "01", "-0", "-0.0", "1e0"}) CHECK_FALSE(numbers.has(odd));
                }
}
