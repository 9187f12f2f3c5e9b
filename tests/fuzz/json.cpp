// SPDX-License-Identifier: MIT
// Any bytes as JSON: what is read, and written again, reads the same, and its numbers are written as they were.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <wafer/core/json.hpp>
#include <wafer/text/json_check.hpp>

using namespace wafer;

namespace {

void require(bool good) {
    if (!good) __builtin_trap();
}

// The numbers in a value; its depth is that of its parts.
int walk(const json& value, std::vector<json>& numbers) {
    int inside = -1;
    if (value.is_array())
        for (const json& item : value.as_array()) inside = std::max(inside, walk(item, numbers));
    else if (value.is_object())
        for (const auto& [name, item] : value.as_object()) inside = std::max(inside, walk(item, numbers));
    const bool nested = value.is_array() || value.is_object();
    require(value.depth() == (nested ? std::max(inside, 0) + 1 : 0) && value.depth() <= json::max_depth);
    if (value.is_number()) numbers.push_back(value);
    return value.depth();
}

void check_number(const json& number, std::string_view source) {
    const std::string text = number.dump();
    require(source.find(text) != source.npos);
    require(json::parse(text) == number && json::parse(text).dump() == text);
    require(!std::isnan(number.as_double()));
    if (number.is_integer()) require(decimal_of(text) == decimal_of(std::to_string(number.as_int())));
    require(decimal_of(decimal_of(text).text()) == decimal_of(text));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    try {
        const json value = json::parse(text);
        require(is_json(text));
        const std::string once = value.dump();
        require(json::parse(once) == value && json::parse(once).dump() == once);
        require(json::parse(value.dump(2)) == value && json::parse(value.dump(2)).dump() == once);
        json copy = value;
        const json moved = std::move(copy);
        require(moved == value && moved.depth() == value.depth());
        std::vector<json> numbers;
        walk(value, numbers);
        for (std::size_t i = 0; i < numbers.size() && i < 64; ++i) {
            check_number(numbers[i], text);
            if (i == 0) continue;
            // Rounding keeps the order.
            const json &a = numbers[i - 1], &b = numbers[i];
            const auto order = decimal_of(a.dump()) <=> decimal_of(b.dump());
            require((order == 0) == (a == b));
            if (order <= 0) require(a.as_double() <= b.as_double());
            if (order >= 0) require(a.as_double() >= b.as_double());
        }
    } catch (const error&) {
        require(!is_json(text));
    }
    return 0;
}
