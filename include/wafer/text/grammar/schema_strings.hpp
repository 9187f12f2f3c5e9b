// SPDX-License-Identifier: MIT
// L1 text/grammar: what a JSON schema says of strings: pattern, format, and bounds on the length.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <wafer/core/config.hpp>
#include <wafer/core/json.hpp>
#include <wafer/text/grammar/bounded_length.hpp>
#include <wafer/text/grammar/code_points.hpp>
#include <wafer/text/grammar/grammar.hpp>
#include <wafer/text/grammar/json_pattern.hpp>
#include <wafer/text/grammar/schema_document.hpp>
#include <wafer/text/grammar/schema_values.hpp>

namespace wafer::inline WAFER_ABI::grammar {

/// The JSON strings, with their quotes, that the schema at that path allows. `rules`: those of json_rules, which the
/// expression refers to; `size`: of the expressions made for a pattern.
/// @throws error{errc::bad_grammar} with the place
[[nodiscard]] inline expression schema_string(const json& schema, const std::string& path, std::span<const rule> rules,
                                              allowance& size) {
    const json* const pattern = schema.find("pattern");
    const json* const format = schema.find("format");
    const std::uint32_t min = count_of(schema, "minLength", 0, path),
                        max = count_of(schema, "maxLength", unlimited, path);
    if (pattern != nullptr && format != nullptr)
        fail_schema(path, "a \"pattern\" beside a \"format\" is not supported");
    if (max < min) return choice({});
    const bool bounded = min != 0 || max != unlimited;
    const auto built_in = [&](std::string_view name) { return reference(find_rule(rules, name)); };
    const auto quoted = [](expression content) { return sequence({text("\""), std::move(content), text("\"")}); };
    if (pattern == nullptr && format == nullptr)
        return bounded ? quoted(repeat(built_in("char"), min, max)) : built_in("string");

    expression content;
    if (pattern != nullptr) {
        const expression anything =
            bounded ? repeat(json_char(code_points().complement()), 0, unlimited) : built_in("content");
        content = pattern_parser(schema_document::string_of(*pattern, "pattern", path), path, anything, size).run();
    } else {
        constexpr std::string_view prefix = "format-";
        const std::string& name = schema_document::string_of(*format, "format", path);
        content = built_in(std::string(prefix) + name);
        if (content.rule == rules.size()) {
            std::string known;
            for (const rule& r : rules)
                if (r.name.starts_with(prefix)) known += " " + r.name.substr(prefix.size());
            fail_schema(path, "format \"" + name + "\" is not supported; known are" + known);
        }
    }
    const bounded_length lengths(rules);
    const bounded_length::range bounds{min, max == unlimited ? bounded_length::endless : max},
        all = lengths.of(content);
    expression some = lengths.within(content, bounds);
    if (bounded_length::is_nothing(some) && std::max(all.min, bounds.min) <= std::min(all.max, bounds.max))
        fail_schema(path, "the bounds on the length are too narrow for the \"pattern\" or \"format\" beside them");
    return quoted(std::move(some));
}

}  // namespace wafer::inline WAFER_ABI::grammar
