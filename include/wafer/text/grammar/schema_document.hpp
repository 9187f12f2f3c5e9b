// SPDX-License-Identifier: MIT
// L1 text/grammar: a JSON schema as a document: which keywords it may use, where references lead, and what several
// schemas demand together. Knows nothing of grammars.
#pragma once

#include <algorithm>
#include <cstddef>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include <wafer/core/config.hpp>
#include <wafer/core/error.hpp>
#include <wafer/core/json.hpp>

namespace wafer::inline WAFER_ABI::grammar {

/// @throws error{errc::bad_grammar}, always; `path` is where in the schema.
[[noreturn]] inline void fail_schema(const std::string& path, std::string_view what) {
    raise(errc::bad_grammar, "JSON schema: " + std::string(what) + " (" + path + ")");
}

/// What may be made of a schema in all, lest a small one cost much memory or time.
class allowance {
public:
    explicit allowance(std::size_t amount) : left_(amount) {}
    /// @throws error{errc::bad_grammar} once it is used up
    void spend(std::size_t amount, const std::string& path) {
        if (amount > left_) fail_schema(path, "the schema is too large, or joins too much");
        left_ -= amount;
    }

private:
    std::size_t left_;
};

/// A schema and all that follows from it. The schema must outlive it.
class schema_document {
public:
    explicit schema_document(const json& root) : root_(&root) {}

    [[nodiscard]] const json& root() const noexcept { return *root_; }

    /// Refuses keywords that would change what is allowed but cannot be kept to. Unknown ones are annotations.
    /// @throws error{errc::bad_grammar}
    static void check_keywords(const json& schema, const std::string& path) {
        static constexpr std::string_view refused[] = {
            "$dynamicRef",           "$recursiveRef",    "contains",   "dependencies",
            "dependentRequired",     "dependentSchemas", "else",       "if",
            "maxContains",           "minContains",      "multipleOf", "not",
            "patternProperties",     "propertyNames",    "then",       "unevaluatedItems",
            "unevaluatedProperties", "uniqueItems"};
        for (const auto& [keyword, value] : schema.as_object()) {
            if (std::ranges::find(refused, keyword) == std::end(refused)) continue;
            const bool harmless = (keyword == "uniqueItems" && value == json(false)) ||
                                  (keyword.starts_with("unevaluated") && value == json(true));
            if (!harmless) fail_schema(path, "\"" + keyword + "\" is not supported");
        }
    }

    /// Whether a keyword allows or forbids anything.
    [[nodiscard]] static bool is_assertion(std::string_view keyword) noexcept {
        static constexpr std::string_view all[] = {"$ref",
                                                   "additionalItems",
                                                   "additionalProperties",
                                                   "allOf",
                                                   "anyOf",
                                                   "const",
                                                   "enum",
                                                   "exclusiveMaximum",
                                                   "exclusiveMinimum",
                                                   "format",
                                                   "items",
                                                   "maxItems",
                                                   "maxLength",
                                                   "maxProperties",
                                                   "maximum",
                                                   "minItems",
                                                   "minLength",
                                                   "minProperties",
                                                   "minimum",
                                                   "oneOf",
                                                   "pattern",
                                                   "prefixItems",
                                                   "properties",
                                                   "required",
                                                   "type"};
        return std::ranges::find(all, keyword) != std::end(all);
    }

    /// What "$ref" points to. @throws error{errc::bad_grammar} if it is not in this document
    [[nodiscard]] const json& resolve(const json& reference, const std::string& path) const {
        const std::string& text = string_of(reference, "$ref", path);
        const json* at = root_;
        if (!text.starts_with('#') || (text.size() > 1 && text[1] != '/'))
            fail_schema(path, "reference \"" + text + "\" leads out of the document; only #/... is supported");
        for (std::size_t begin = 2; at != nullptr && begin <= text.size();) {
            const std::size_t end = std::min(text.find('/', begin), text.size());
            const std::string name = unescaped(std::string_view(text).substr(begin, end - begin));
            begin = end + 1;
            if (!at->is_array()) {
                at = at->find(name);
                continue;
            }
            const bool number = !name.empty() && name.size() < 7 && name.find_first_not_of("0123456789") == name.npos;
            const std::size_t index = number ? std::stoul(name) : at->as_array().size();
            at = index < at->as_array().size() ? &at->as_array()[index] : nullptr;
        }
        if (at == nullptr) fail_schema(path, "reference \"" + text + "\" leads nowhere");
        return *at;
    }

    /// A schema made up here, kept as long as this document; equal ones are one.
    [[nodiscard]] const json& keep(json schema, const std::string& path) {
        std::string key = schema.dump();
        if ((kept_bytes_ += key.size()) > max_kept_bytes)
            fail_schema(path, "the combinations of schemas are too many to lay out");
        const auto [slot, is_new] = kept_by_text_.try_emplace(std::move(key), nullptr);
        if (is_new) slot->second = &kept_.emplace_back(std::move(schema));
        return *slot->second;
    }

    /// One schema for all that a schema demands with "$ref" and "allOf". "anyOf" is left in it; "oneOf" becomes that.
    /// @throws error{errc::bad_grammar} where two demands cannot be joined
    [[nodiscard]] json merge(const json& schema, const std::string& path) const {
        json out = json::object{};
        std::vector<const json*> parts{&schema};
        for (std::size_t i = 0; i < parts.size(); ++i) {
            if (parts.size() > max_parts)
                fail_schema(path, "\"allOf\" and \"$ref\" join too many schemas, or themselves");
            const json& part = *parts[i];
            if (part == json(false)) return false;
            if (part == json(true)) continue;
            if (!part.is_object()) fail_schema(path, "a schema is an object or a boolean");
            check_keywords(part, path);
            for (const auto& [keyword, value] : part.as_object()) {
                if (keyword == "$ref") parts.push_back(&resolve(value, path));
                else if (keyword == "allOf")
                    for (const json& one : array_of(value, keyword, path)) parts.push_back(&one);
                else if (is_assertion(keyword) && !join(out, keyword == "oneOf" ? "anyOf" : keyword, value, path))
                    return false;
            }
        }
        check_closed(out, parts, path);
        return out;
    }

    /// A keyword's value as one type. @throws error{errc::bad_grammar}
    [[nodiscard]] static const std::string& string_of(const json& value, std::string_view keyword,
                                                      const std::string& path) {
        if (!value.is_string()) fail_type(keyword, "a string", path);
        return value.as_string();
    }
    [[nodiscard]] static const json::array& array_of(const json& value, std::string_view keyword,
                                                     const std::string& path) {
        if (!value.is_array()) fail_type(keyword, "an array", path);
        return value.as_array();
    }
    [[nodiscard]] static const json::object& object_of(const json& value, std::string_view keyword,
                                                       const std::string& path) {
        if (!value.is_object()) fail_type(keyword, "an object", path);
        return value.as_object();
    }
    /// "type" as a list of known names.
    [[nodiscard]] static json::array types_of(const json& value, const std::string& path) {
        static constexpr std::string_view known[] = {"array",  "boolean", "integer", "null",
                                                     "number", "object",  "string"};
        const json::array names = value.is_string() ? json::array{value} : array_of(value, "type", path);
        for (const json& name : names)
            if (std::ranges::find(known, string_of(name, "type", path)) == std::end(known))
                fail_schema(path, "unknown type \"" + name.as_string() + "\"");
        return names;
    }

private:
    static constexpr std::size_t max_kept_bytes = 16u << 20, max_parts = 256;

    [[noreturn]] static void fail_type(std::string_view keyword, std::string_view wanted, const std::string& path) {
        fail_schema(path, "\"" + std::string(keyword) + "\" is not " + std::string(wanted));
    }

    // "~1" is "/", "~0" is "~", "%XX" a byte. @cite RFC 6901, sections 3 and 6
    [[nodiscard]] static std::string unescaped(std::string_view token) {
        std::string out;
        const auto hex = [](char c) {
            return c >= '0' && c <= '9'   ? c - '0'
                   : c >= 'A' && c <= 'F' ? c - 'A' + 10
                   : c >= 'a' && c <= 'f' ? c - 'a' + 10
                                          : -1;
        };
        for (std::size_t i = 0; i < token.size(); ++i) {
            if (token[i] == '%' && i + 2 < token.size() && hex(token[i + 1]) >= 0 && hex(token[i + 2]) >= 0) {
                out.push_back(static_cast<char>(hex(token[i + 1]) * 16 + hex(token[i + 2])));
                i += 2;
            } else out.push_back(token[i]);
        }
        for (std::size_t i = 0; (i = out.find('~', i)) != out.npos; ++i)
            if (i + 1 < out.size() && (out[i + 1] == '0' || out[i + 1] == '1'))
                out.replace(i, 2, out[i + 1] == '0' ? "~" : "/");
        return out;
    }

    [[nodiscard]] static json both(const json& a, const json& b) {
        return a == b ? a : json(json::object{{"allOf", json::array{a, b}}});
    }

    // Adds a demand to those in `out`; false if nothing can meet both.
    [[nodiscard]] static bool join(json& out, const std::string& keyword, const json& value, const std::string& path) {
        if (keyword == "const") return join(out, "enum", json::array{value}, path);
        const json* const known = out.find(keyword);
        if (keyword == "type") {
            json::array names = types_of(value, path);
            if (known != nullptr) names = common_types(known->as_array(), names);
            const bool possible = !names.empty();
            out.set(keyword, std::move(names));
            return possible;
        }
        if (known == nullptr || *known == value) return out.set(keyword, value), true;
        if (keyword == "enum") {
            std::set<std::string> allowed;
            for (const json& v : array_of(*known, keyword, path)) allowed.insert(v.dump());
            json::array values = array_of(value, keyword, path);
            std::erase_if(values, [&](const json& v) { return !allowed.contains(v.dump()); });
            out.set(keyword, std::move(values));
        } else if (keyword == "properties") {
            json::object merged = object_of(*known, keyword, path);
            std::unordered_map<std::string_view, std::size_t> places;
            for (std::size_t i = 0; i < known->as_object().size(); ++i) places.emplace(known->as_object()[i].first, i);
            for (const auto& [name, schema] : object_of(value, keyword, path)) {
                const auto place = places.find(name);
                if (place == places.end()) merged.emplace_back(name, schema);
                else merged[place->second].second = both(merged[place->second].second, schema);
            }
            out.set(keyword, std::move(merged));
        } else if (keyword == "required") {
            json::array names = array_of(*known, keyword, path);
            for (const json& name : array_of(value, keyword, path)) names.push_back(name);
            out.set(keyword, std::move(names));
        } else if (keyword == "items" || keyword == "additionalProperties") {
            out.set(keyword, both(*known, value));
        } else if (keyword.starts_with("min") || keyword.starts_with("max") || keyword.starts_with("exclusive")) {
            if (!known->is_number() || !value.is_number()) fail_type(keyword, "a number", path);
            const bool above = keyword.starts_with("min") || keyword == "exclusiveMinimum";
            if ((value.as_double() > known->as_double()) == above) out.set(keyword, value);
        } else {
            fail_schema(path, "two different \"" + keyword + "\" cannot be joined");
        }
        return true;
    }

    [[nodiscard]] static json::array common_types(const json::array& a, const json::array& b) {
        const auto has = [](const json::array& names, std::string_view name) {
            return std::ranges::find(names, json(name)) != names.end();
        };
        json::array out;
        for (const json& name : a) {
            if (has(b, name.as_string())) out.push_back(name);
            else if (name == json("integer") && has(b, "number")) out.push_back(name);
            else if (name == json("number") && has(b, "integer") && !has(a, "integer")) out.push_back("integer");
        }
        return out;
    }

    // "additionalProperties" speaks of what its own schema does not name, so that properties of another must not fall
    // under it.
    static void check_closed(const json& merged, const std::vector<const json*>& parts, const std::string& path) {
        const json* const all = merged.find("properties");
        if (all == nullptr) return;
        for (const json* part : parts) {
            const json* const additional = part->find("additionalProperties");
            if (additional == nullptr || *additional == json(true)) continue;
            std::set<std::string_view> own;
            if (const json* named = part->find("properties"))
                for (const auto& [name, schema] : object_of(*named, "properties", path)) own.insert(name);
            for (const auto& [name, schema] : object_of(*all, "properties", path))
                if (!own.contains(name))
                    fail_schema(path, "property \"" + name +
                                          "\" of one schema falls under \"additionalProperties\" of another");
        }
    }

    const json* root_;
    std::deque<json> kept_;
    std::map<std::string, const json*> kept_by_text_;
    std::size_t kept_bytes_ = 0;
};

}  // namespace wafer::inline WAFER_ABI::grammar
