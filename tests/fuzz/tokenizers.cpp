// SPDX-License-Identifier: MIT
// Any vocabulary and any text. The input is lines: "MODEL PRE", then "t TYPE SCORE TOKEN" and "m LEFT RIGHT", and after an
// empty line the text to encode; or a tokenizer.json, an empty line, and the text.
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

#include <wafer/core/json.hpp>
#include <wafer/core/utf8.hpp>
#include <wafer/text/tokenizer.hpp>
#include <wafer/text/tokenizer_json.hpp>

using namespace wafer;

namespace {

std::string_view take(std::string_view& rest, char end) {
    const std::size_t at = rest.find(end);
    const std::string_view out = rest.substr(0, at);
    rest.remove_prefix(at == rest.npos ? rest.size() : at + 1);
    return out;
}

vocabulary read_json(std::string_view& rest) {
    const auto text = rest.substr(0, rest.find("\n\n"));
    rest.remove_prefix(text.size());
    return read_tokenizer_json(json::parse(text));
}

vocabulary read(std::string_view& rest) {
    if (rest.starts_with('{')) return read_json(rest);
    vocabulary v;
    auto head = take(rest, '\n');
    v.model = take(head, ' ');
    v.pre = head;
    while (!rest.empty()) {
        auto line = take(rest, '\n');
        if (line.empty()) break;
        const auto kind = take(line, ' ');
        if (kind == "m") {
            v.merges.push_back(split_merge(line));
            continue;
        }
        int type = 1, score = 0;
        for (int* const number : {&type, &score}) {
            const auto text = take(line, ' ');
            (void)std::from_chars(text.data(), text.data() + text.size(), *number);
        }
        v.tokens.emplace_back(line);
        v.types.push_back(static_cast<token_type>(type));
        v.scores.push_back(static_cast<float>(score));
    }
    if (!v.tokens.empty()) v.bos = v.eos = v.unknown = 0;
    v.add_bos = v.add_eos = !v.tokens.empty();
    return v;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string_view rest(reinterpret_cast<const char*>(data), size);
    try {
        const tokenizer words(read(rest));
        const auto ids = words.encode(rest);
        (void)words.decode(ids);
        (void)words.encode(words.inert(rest));
        detokenizer stream(words);
        for (const auto id : ids)
            if (!is_utf8(stream.feed(id))) __builtin_trap();
    } catch (const error&) {
    }
    return 0;
}
