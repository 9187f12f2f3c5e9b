// SPDX-License-Identifier: MIT
// L1 text: what the text of a call's parameter means, where a model writes it in tags rather than as JSON.
#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <wafer/core/config.hpp>
#include <wafer/core/json.hpp>
#include <wafer/text/call_format.hpp>
#include <wafer/text/json_check.hpp>

namespace wafer::inline WAFER_ABI {

/// The kinds of value that a parameter's schema allows. Templates write text as it is, without quotes or escapes; lists and
/// objects as JSON; numbers, booleans and null as Python or JSON does. So what stands in the tags is one of the latter three
/// where the schema allows that kind and it reads as such, and else text, byte for byte: a quoted text has its quotes from
/// the model, who means them. Where the same characters may be text or something else, as 7 or null, it is the latter, since
/// a schema that says both means the difference; but a text that the schema lists is that text.
class parameter_kinds {
public:
    /// Text alone, as of a parameter that nobody described.
    parameter_kinds() = default;
    /// Those of a schema. References lead into `root`; what cannot be followed allows everything.
    /// @cost linear in the schema, and bounded where its references go round
    parameter_kinds(const json& schema, const json& root) {
        std::size_t left = most_schemas;
        kinds_ = find(schema, root, 0, left);
        if (kinds_ == 0) kinds_ = any;
    }

    /// Whether any text is that text.
    [[nodiscard]] bool only_text() const noexcept { return kinds_ == bit_of(json::kind::string); }
    /// The JSON that this text is, if it is something else than text.
    [[nodiscard]] std::optional<std::string_view> literal(std::string_view text) const {
        const bool may_be_text = allows(json::kind::string);
        if (may_be_text && std::find(texts_.begin(), texts_.end(), text) != texts_.end()) return std::nullopt;
        std::string_view word = detail::without_blanks(text);
        constexpr std::pair<std::string_view, std::string_view> spellings[] = {
            {"True", "true"}, {"False", "false"}, {"None", "null"}};  // Python's
        for (const auto& [python, own] : spellings)
            if (word == python) word = own;
        if (!is_json(word)) return std::nullopt;
        const json::kind kind = kind_of(word);
        // A whole number was wanted: another is nearer to it than text would be.
        const bool fits = allows(kind) || (kind == json::kind::real && !may_be_text && allows(json::kind::integer));
        return fits && kind != json::kind::string ? std::optional(word) : std::nullopt;
    }

private:
    static constexpr unsigned any = ~0u;
    static constexpr std::size_t most_schemas = 1u << 14;
    static constexpr int deepest = 32;

    [[nodiscard]] static constexpr unsigned bit_of(json::kind kind) noexcept {
        return 1u << static_cast<unsigned>(kind);
    }
    [[nodiscard]] bool allows(json::kind kind) const noexcept { return (kinds_ & bit_of(kind)) != 0; }

    // The kind of a JSON text. Not json::parse's: numbers beyond 64 bits are whole, too.
    [[nodiscard]] static json::kind kind_of(std::string_view text) noexcept {
        switch (text.front()) {
            case '{': return json::kind::object;
            case '[': return json::kind::array;
            case '"': return json::kind::string;
            case 't':
            case 'f': return json::kind::boolean;
            case 'n': return json::kind::null;
            default: return text.find_first_of(".eE") == text.npos ? json::kind::integer : json::kind::real;
        }
    }

    // Those of a "type".
    [[nodiscard]] static unsigned named(const json& type) {
        static constexpr std::pair<std::string_view, unsigned> names[] = {
            {"null", bit_of(json::kind::null)},
            {"boolean", bit_of(json::kind::boolean)},
            {"integer", bit_of(json::kind::integer)},
            {"number", bit_of(json::kind::integer) | bit_of(json::kind::real)},
            {"string", bit_of(json::kind::string)},
            {"array", bit_of(json::kind::array)},
            {"object", bit_of(json::kind::object)}};
        unsigned out = 0;
        for (const json& one : type.is_array() ? type.as_array() : json::array{type})
            for (const auto& [name, kinds] : names)
                if (one.is_string() && one.as_string() == name) out |= kinds;
        return out == 0 ? any : out;
    }

    // `left`: how many schemas and values may still be looked at.
    [[nodiscard]] unsigned find(const json& schema, const json& root, int depth, std::size_t& left) {
        if (schema == json(false)) return 0;
        if (!schema.is_object() || depth > deepest || left == 0) return any;
        --left;
        unsigned out = any;
        const auto each = [&](const json& list, unsigned none, const auto& add) {
            if (!list.is_array()) return any;
            unsigned kinds = none;
            for (const json& item : list.as_array()) add(kinds, item);
            return kinds;
        };
        const auto value = [&](unsigned& kinds, const json& item) {
            kinds |= item.is_number() ? bit_of(kind_of(item.dump())) : bit_of(item.type());
            if (left > 0) --left;
            if (item.is_string() && left > 0) texts_.push_back(item.as_string());
        };
        for (const auto& [key, item] : schema.as_object()) {
            if (key == "type") {
                out &= named(item);
            } else if (key == "enum") {
                out &= each(item, 0, value);
            } else if (key == "const") {
                out &= each(json::array{item}, 0, value);
            } else if (key == "anyOf" || key == "oneOf") {
                out &=
                    each(item, 0, [&](unsigned& kinds, const json& one) { kinds |= find(one, root, depth + 1, left); });
            } else if (key == "allOf") {
                out &= each(item, any,
                            [&](unsigned& kinds, const json& one) { kinds &= find(one, root, depth + 1, left); });
            } else if (key == "$ref") {
                if (const json* target = follow(item, root)) out &= find(*target, root, depth + 1, left);
            }
        }
        if (const json* nullable = schema.find("nullable"); nullable != nullptr && *nullable == json(true))
            out |= bit_of(json::kind::null);
        return out;
    }

    // What "#/..." points to, or nullptr. @cite RFC 6901: ~1 is /, ~0 is ~
    [[nodiscard]] static const json* follow(const json& reference, const json& root) {
        if (!reference.is_string() || !reference.as_string().starts_with('#')) return nullptr;
        std::string_view rest = std::string_view(reference.as_string()).substr(1);
        const json* at = &root;
        while (at != nullptr && rest.starts_with('/')) {
            rest.remove_prefix(1);
            const std::string_view part = rest.substr(0, rest.find('/'));
            rest.remove_prefix(part.size());
            std::string name;
            for (std::size_t i = 0; i < part.size(); ++i) {
                const std::string_view two = part.substr(i, 2);
                const bool escape = two == "~0" || two == "~1";
                name += !escape ? part[i] : two == "~1" ? '/' : '~';
                i += escape ? 1 : 0;
            }
            at = at->find(name);
        }
        return rest.empty() ? at : nullptr;
    }

    unsigned kinds_ = bit_of(json::kind::string);
    std::vector<std::string> texts_{};  // that the schema lists
};

}  // namespace wafer::inline WAFER_ABI
