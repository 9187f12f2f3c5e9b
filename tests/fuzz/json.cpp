// SPDX-License-Identifier: MIT
// Any bytes as JSON: what is read, and written again, reads the same.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include <wafer/core/json.hpp>

using namespace wafer;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    try {
        const json value = json::parse(text);
        if (!(json::parse(value.dump()) == value)) __builtin_trap();
        if (!(json::parse(value.dump(2)) == value)) __builtin_trap();
    } catch (const error&) {
    }
    return 0;
}
