// SPDX-License-Identifier: MIT
// L1 text/grammar: a JSON schema as a document: which keywords it may use, where references lead, and what several
// schemas demand together. Knows nothing of grammars.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include <wafer/core/config.hpp>
#include <wafer/core/error.hpp>
#include <wafer/core/json.hpp>
#include <wafer/core/utf8.hpp>

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

/// What a number in a schema is. @pre it is one, and finite
[[nodiscard]] inline decimal_number number_of(const json& value) { return decimal_of(value.dump()); }

/// A schema and all that follows from it. The schema must outlive it.
class schema_document {
public:
    explicit schema_document(const json& root) : root_(&root) {}

    /// The schema that the document was made of.
    [[nodiscard]] const json& root() const noexcept { return *root_; }

    /// Refuses what a value that was built may hold and no text would give: numbers that are none, text that is not UTF-8,
    /// two members of one name. @throws error{errc::bad_grammar}
    static void check_values(const json& value) {
        const auto check_text = [](std::string_view text) {
            if (!is_utf8(text)) fail_schema("#", "a text in it is not UTF-8");
        };
        if (value.is_string()) check_text(value.as_string());
        if (value.is_number() && value.written().empty() && !std::isfinite(value.as_double()))
            fail_schema("#", "a number in it is infinite or none");
        if (value.is_array())
            for (const json& item : value.as_array()) check_values(item);
        if (!value.is_object()) return;
        std::vector<std::string_view> names;
        for (const auto& [name, member] : value.as_object()) {
            check_text(names.emplace_back(name));
            check_values(member);
        }
        std::sort(names.begin(), names.end());
        const auto twice = std::adjacent_find(names.begin(), names.end());
        if (twice != names.end()) fail_schema("#", "an object in it has two members \"" + std::string(*twice) + "\"");
    }

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
            if (!is_one_of(refused, keyword)) continue;
            const bool harmless = (keyword == "uniqueItems" && value == json(false)) ||
                                  (keyword.starts_with("unevaluated") && value == json(true));
            if (!harmless) fail_schema(path, "\"" + keyword + "\" is not supported");
        }
        if (is_nullable(schema) && schema.find("type") == nullptr)
            fail_schema(path, "\"nullable\" is supported only beside \"type\"; write \"anyOf\" with \"null\"");
    }

    /// The type that a keyword speaks of; none for those of all types.
    [[nodiscard]] static std::string_view type_of(std::string_view keyword) noexcept {
        static constexpr std::string_view object[] = {"additionalProperties", "maxProperties", "minProperties",
                                                      "properties", "required"},
                                          array[] = {"additionalItems", "items", "maxItems", "minItems", "prefixItems"},
                                          string[] = {"format", "maxLength", "minLength", "pattern"},
                                          number[] = {"exclusiveMaximum", "exclusiveMinimum", "maximum", "minimum"};
        return is_one_of(object, keyword)   ? "object"
               : is_one_of(array, keyword)  ? "array"
               : is_one_of(string, keyword) ? "string"
               : is_one_of(number, keyword) ? "number"
                                            : "";
    }
    [[nodiscard]] static bool speaks_of(const json& schema, std::string_view type) {
        for (const auto& [keyword, value] : schema.as_object())
            if (type_of(keyword) == type) return true;
        return false;
    }

    /// Whether a keyword allows or forbids anything.
    [[nodiscard]] static bool is_assertion(std::string_view keyword) noexcept {
        static constexpr std::string_view any_type[] = {"$ref", "allOf", "anyOf", "const", "enum", "oneOf", "type"};
        return is_one_of(any_type, keyword) || !type_of(keyword).empty();
    }

    /// What "$ref" points to. @throws error{errc::bad_grammar} if it is not in this document
    [[nodiscard]] const json& resolve(const json& reference, const std::string& path) {
        const std::string& text = string_of(reference, "$ref", path);
        const json* at = root_;
        if (!text.starts_with('#') || (text.size() > 1 && text[1] != '/'))
            fail_schema(path, "reference \"" + text + "\" leads out of the document; only #/... is supported");
        for (std::size_t begin = 2; at != nullptr && begin <= text.size();) {
            const std::size_t end = std::min(text.find('/', begin), text.size());
            const std::string name = unescaped(std::string_view(text).substr(begin, end - begin));
            begin = end + 1;
            if (!at->is_array()) {
                at = member(*at, name);
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
        kept_bytes_.spend(key.size(), path);
        return kept_.try_emplace(std::move(key), std::move(schema)).first->second;
    }

    /// One schema for all that a schema demands with "$ref" and "allOf". "anyOf" is left in it; "oneOf" becomes that,
    /// and "const" an "enum".
    /// @throws error{errc::bad_grammar} where two demands cannot be joined
    [[nodiscard]] json merge(const json& schema, const std::string& path) {
        json::object out;
        std::vector<const json*> parts{&schema};
        for (std::size_t i = 0; i < parts.size(); ++i) {
            if (parts.size() > max_parts)
                fail_schema(path, "\"allOf\" and \"$ref\" join too many schemas, or themselves");
            const json& part = *parts[i];
            if (part == json(false)) return false;
            if (part == json(true)) continue;
            if (!part.is_object()) fail_schema(path, "a schema is an object or a boolean");
            merges_.spend(part.as_object().size(), path);
            check_keywords(part, path);
            for (const auto& [keyword, value] : part.as_object()) {
                if (keyword == "$ref") parts.push_back(&resolve(value, path));
                else if (keyword == "allOf")
                    for (const json& one : array_of(value, keyword, path)) parts.push_back(&one);
                else if (keyword == "const"   ? !join(out, "enum", json::array{value}, path)
                         : keyword == "type"  ? !join(out, keyword, types_of(part, path), path)
                         : keyword == "oneOf" ? !join(out, "anyOf", value, path)
                                              : is_assertion(keyword) && !join(out, keyword, value, path))
                    return false;
            }
        }
        json merged = std::move(out);
        check_others(merged, parts, path);
        return merged;
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
    /// A schema's "type" as a list of known names, with "null" if it is "nullable"; empty where it names none.
    [[nodiscard]] static json::array types_of(const json& schema, const std::string& path) {
        static constexpr std::string_view known[] = {"array",  "boolean", "integer", "null",
                                                     "number", "object",  "string"};
        const json* const type = schema.find("type");
        if (type == nullptr) return {};
        json::array names = type->is_string() ? json::array{*type} : array_of(*type, "type", path);
        if (names.empty()) fail_schema(path, "\"type\" names no type");
        for (const json& name : names)
            if (!is_one_of(known, string_of(name, "type", path)))
                fail_schema(path, "unknown type \"" + name.as_string() + "\"");
        if (is_nullable(schema)) names.push_back("null");
        return names;
    }

    /// The same value with one text for numbers that are equal, whole ones as integers, as JSON Schema compares them.
    [[nodiscard]] static json canonical(const json& value) {
        if (value.is_array()) {
            json::array items;
            for (const json& item : value.as_array()) items.push_back(canonical(item));
            return items;
        }
        if (value.is_object()) {
            json::object members;
            for (const auto& [name, member] : value.as_object()) members.emplace_back(name, canonical(member));
            return members;
        }
        return value.is_number() ? json::parse(number_of(value).text()) : value;
    }

private:
    static constexpr std::size_t max_kept_bytes = 16u << 20, max_parts = 256, max_merged = 4u << 20;

    template <std::size_t N>
    [[nodiscard]] static bool is_one_of(const std::string_view (&all)[N], std::string_view one) noexcept {
        return std::find(all, all + N, one) != all + N;
    }
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

    [[nodiscard]] static bool is_nullable(const json& schema) {  // OpenAPI 3.0's
        const json* const value = schema.find("nullable");
        return value != nullptr && *value == json(true);
    }

    // What it costs to copy a value.
    [[nodiscard]] static std::size_t weight(const json& value) {
        std::size_t sum = 1 + (value.is_string() ? value.as_string().size() : value.written().size()) / 32;
        if (value.is_array())
            for (const json& item : value.as_array()) sum += weight(item);
        if (value.is_object())
            for (const auto& [name, member] : value.as_object()) sum += weight(member) + name.size() / 32;
        return sum;
    }

    // Large objects are listed once, lest many references into one take quadratic time.
    [[nodiscard]] const json* member(const json& object, const std::string& name) {
        if (!object.is_object() || object.as_object().size() < 16) return object.find(name);
        if (!members_.contains({&object, object.as_object().front().first}))
            for (const auto& [key, value] : object.as_object())
                members_.emplace(std::pair<const json*, std::string_view>(&object, key), &value);
        const auto found = members_.find({&object, name});
        return found == members_.end() ? nullptr : found->second;
    }

    // A schema that demands what two do. Lists of such demands stay flat, so that joining never nests deeper and deeper.
    [[nodiscard]] static json both(json a, const json& b) {
        if (a == b) return a;
        const json* const list = a.is_object() && a.as_object().size() == 1 ? a.find("allOf") : nullptr;
        if (list == nullptr || !list->is_array()) return json::object{{"allOf", json::array{std::move(a), b}}};
        json::array demands = list->as_array();
        if (std::find(demands.begin(), demands.end(), b) != demands.end()) return a;
        demands.push_back(b);
        return json::object{{"allOf", std::move(demands)}};
    }

    // Adds a demand to those in `out`; false if nothing can meet both.
    [[nodiscard]] bool join(json::object& out, const std::string& keyword, const json& value, const std::string& path) {
        merges_.spend(weight(value), path);
        const auto member = std::find_if(out.begin(), out.end(), [&](const auto& m) { return m.first == keyword; });
        if (member == out.end()) return out.emplace_back(keyword, value), true;
        json& known = member->second;
        if (known == value) return true;
        if (keyword == "type") {
            known = common_types(known.as_array(), value.as_array());
            return !known.as_array().empty();
        }
        if (keyword == "enum") {
            std::vector<std::string> allowed;
            for (const json& v : array_of(value, keyword, path)) allowed.push_back(canonical(v).dump());
            std::sort(allowed.begin(), allowed.end());
            json::array values = array_of(known, keyword, path);
            merges_.spend(weight(known), path);
            std::erase_if(values, [&](const json& v) {
                return !std::binary_search(allowed.begin(), allowed.end(), canonical(v).dump());
            });
            known = std::move(values);
        } else if (keyword == "properties") {
            json::object merged = object_of(known, keyword, path);
            merges_.spend(merged.size(), path);
            std::unordered_map<std::string, std::size_t> places;
            for (const auto& [name, schema] : merged) places.emplace(name, places.size());
            for (const auto& [name, schema] : object_of(value, keyword, path)) {
                const auto place = places.find(name);
                if (place == places.end()) merged.emplace_back(name, schema);
                else merged[place->second].second = both(std::move(merged[place->second].second), schema);
            }
            known = std::move(merged);
        } else if (keyword == "required") {
            (void)array_of(known, keyword, path);
            for (const json& name : array_of(value, keyword, path)) known.push_back(name);
        } else if (keyword == "additionalProperties" ||
                   (keyword == "items" && !known.is_array() && !value.is_array())) {
            known = both(std::move(known), value);
        } else if (keyword.starts_with("min") || keyword.starts_with("max") || keyword.starts_with("exclusive")) {
            if (!known.is_number() || !value.is_number()) fail_type(keyword, "a number", path);
            const bool above = keyword.starts_with("min") || keyword == "exclusiveMinimum";
            if ((number_of(value) > number_of(known)) == above) known = value;
        } else {
            fail_schema(path, "two different \"" + keyword + "\" cannot be joined");
        }
        return true;
    }

    [[nodiscard]] static json::array common_types(const json::array& a, const json::array& b) {
        const auto has = [](const json::array& names, std::string_view name) {
            return std::find(names.begin(), names.end(), json(name)) != names.end();
        };
        json::array out;
        for (const json& name : a) {
            if (has(b, name.as_string())) out.push_back(name);
            else if (name == json("integer") && has(b, "number")) out.push_back(name);
            else if (name == json("number") && has(b, "integer") && !has(a, "integer")) out.push_back("integer");
        }
        return out;
    }

    // "additionalProperties" and "items" speak of what their own schema does not name, so that properties and
    // "prefixItems" of another must not fall under them.
    void check_others(const json& merged, const std::vector<const json*>& parts, const std::string& path) {
        const json* const all = merged.find("properties");
        const json* const first = merged.find("prefixItems");
        for (const json* part : parts) {
            const json* const items = part->find("items");
            if (first != nullptr && items != nullptr && *items != json(true) && part->find("prefixItems") == nullptr)
                fail_schema(path, "\"prefixItems\" of one schema fall under \"items\" of another");
            const json* const additional = part->find("additionalProperties");
            if (all == nullptr || additional == nullptr || *additional == json(true)) continue;
            merges_.spend(object_of(*all, "properties", path).size(), path);
            std::vector<std::string> own;
            if (const json* named = part->find("properties"))
                for (const auto& [name, schema] : object_of(*named, "properties", path)) own.push_back(name);
            std::sort(own.begin(), own.end());
            for (const auto& [name, schema] : all->as_object())
                if (!std::binary_search(own.begin(), own.end(), name))
                    fail_schema(path, "property \"" + name +
                                          "\" of one schema falls under \"additionalProperties\" of another");
        }
    }

    const json* root_;
    std::map<std::string, json> kept_;  // by their text
    std::map<std::pair<const json*, std::string_view>, const json*> members_;
    allowance kept_bytes_{max_kept_bytes}, merges_{max_merged};
};

}  // namespace wafer::inline WAFER_ABI::grammar
