// SPDX-License-Identifier: MIT
// Any text as a model's reply in any dialect, cut anywhere: nothing but events may come of it, they must account for all of
// it, and the cuts must not matter.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iterator>
#include <string_view>
#include <support/reply_accounts.hpp>
#include <utility>
#include <vector>

#include <wafer/core/json.hpp>
#include <wafer/core/utf8.hpp>
#include <wafer/text/reply_reader.hpp>

using namespace wafer;

namespace {

std::vector<reply_event> read(call_dialect dialect, bool inside, std::string_view text, std::size_t step) {
    static const json tools =
        json::parse(R"([{"function": {"name": "f", "parameters": {"properties": {"n": {"type": "integer"},
        "s": {"type": "string"}, "m": {"type": ["string", "null"]}, "e": {"enum": ["a", 1, "1"]}, "u": {}}}}}])");
    reply_reader reader(dialect, inside ? "<think>\n" : "", tools);
    std::vector<reply_event> out;
    const auto add = [&](std::vector<reply_event> events) {
        for (auto& e : events) out.push_back(std::move(e));
    };
    for (std::size_t at = 0; at < text.size(); at += step) add(reader.feed(text.substr(at, step)));
    add(reader.flush());
    // Looking for what accounts for a long text takes long, and what is not UTF-8 is replaced in parameters.
    if (text.size() <= 512 && find_invalid_utf8(text) == text.size() &&
        !wafer_test::reply_accounts(dialect, inside, text).cover(out))
        std::abort();
    return out;
}

std::vector<reply_event> joined(std::vector<reply_event> events) {
    std::vector<reply_event> out;
    for (auto& e : events) {
        const bool piece =
            e.kind == reply_kind::answer || e.kind == reply_kind::thinking || e.kind == reply_kind::call_arguments;
        if (piece && !out.empty() && out.back().kind == e.kind) out.back().text += e.text;
        else out.push_back(std::move(e));
    }
    return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) return 0;
    const auto dialect = static_cast<call_dialect>(data[0] % 128 % (std::size(call_formats) + 1));
    const bool inside = (data[0] & 128) != 0;
    const std::string_view text(reinterpret_cast<const char*>(data) + 2, size - 2);
    const auto whole = joined(read(dialect, inside, text, text.size() + 1));
    if (joined(read(dialect, inside, text, 1 + data[1] % 16)) != whole) std::abort();
    return 0;
}
