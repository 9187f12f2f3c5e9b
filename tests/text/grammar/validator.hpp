// SPDX-License-Identifier: MIT
// JSON Schema's validation, the part that wafer writes by: small, slow, and with none of wafer's restrictions.
#pragma once

#include <algorithm>
#include <cmath>
#include <regex>
#include <string>
#include <string_view>

#include <wafer/core/json.hpp>
#include <wafer/core/utf8.hpp>

#include "text/grammar/formats.hpp"

namespace wafer_test {

class validator {
public:
    explicit validator(const wafer::json& root) : root_(root) {}
    bool valid(const wafer::json& value) const { return valid(root_, value); }

private:
    using json = wafer::json;

    const json& target(const std::string& reference) const {
        const json* at = &root_;
        for (std::size_t begin = 2; begin <= reference.size();) {
            const std::size_t end = std::min(reference.find('/', begin), reference.size());
            std::string name = reference.substr(begin, end - begin);
            if (const auto slash = name.find("~1"); slash != name.npos) name.replace(slash, 2, "/");
            at = at->is_array() ? &at->at(static_cast<std::size_t>(std::stoi(name))) : &at->at(name);
            begin = end + 1;
        }
        return *at;
    }
    // As it is mostly read: integers of 64 bits exactly, with and without a sign, others as doubles.
    static long double value_of(const json& v) {
        const std::string text = v.dump();
        return text.find_first_of(".eE") == text.npos ? std::stold(text) : static_cast<long double>(v.as_double());
    }
    static bool is(const json& v, std::string_view type) {
        switch (v.type()) {
            case json::kind::null: return type == "null";
            case json::kind::boolean: return type == "boolean";
            case json::kind::integer: return type == "integer" || type == "number";
            case json::kind::real:
                return type == "number" || (type == "integer" && value_of(v) == std::floor(value_of(v)));
            case json::kind::string: return type == "string";
            case json::kind::array: return type == "array";
            case json::kind::object: return type == "object";
        }
        return false;
    }
    static bool same(const json& a, const json& b) {
        if (a.is_number() && b.is_number()) return value_of(a) == value_of(b);
        if (a.is_array() && b.is_array())
            return std::equal(a.as_array().begin(), a.as_array().end(), b.as_array().begin(), b.as_array().end(), same);
        if (!a.is_object() || !b.is_object() || a.as_object().size() != b.as_object().size()) return a == b;
        return std::all_of(a.as_object().begin(), a.as_object().end(), [&](const auto& member) {
            const json* const other = b.find(member.first);
            return other != nullptr && same(member.second, *other);
        });
    }
    static std::size_t count(const json& k) { return static_cast<std::size_t>(k.as_double()); }
    static std::size_t characters(const std::string& text) {
        return static_cast<std::size_t>(
            std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
    }
    bool valid(const json& schema, const json& v) const {
        if (schema.is_bool()) return schema.as_bool();
        return std::ranges::all_of(schema.as_object(),
                                   [&](const auto& k) { return holds(schema, k.first, k.second, v); });
    }
    bool holds(const json& schema, const std::string& keyword, const json& k, const json& v) const {
        const auto each = [&](auto algorithm, const auto& schemas) {
            return algorithm(schemas, [&](const json& one) { return valid(one, v); });
        };
        if (keyword == "$ref") return valid(target(k.as_string()), v);
        if (keyword == "allOf") return each(std::ranges::all_of, k.as_array());
        if (keyword == "anyOf") return each(std::ranges::any_of, k.as_array());
        if (keyword == "oneOf") return each(std::ranges::count_if, k.as_array()) == 1;
        if (keyword == "const") return same(v, k);
        if (keyword == "enum") return std::ranges::any_of(k.as_array(), [&](const json& one) { return same(v, one); });
        if (keyword == "type") {
            const json* const nullable = schema.find("nullable");
            if (v.is_null() && nullable != nullptr && nullable->as_bool()) return true;
            if (k.is_string()) return is(v, k.as_string());
            return std::ranges::any_of(k.as_array(), [&](const json& type) { return is(v, type.as_string()); });
        }
        if (v.is_number()) {
            const long double x = value_of(v);
            if (keyword == "minimum") return x >= value_of(k);
            if (keyword == "maximum") return x <= value_of(k);
            if (keyword == "exclusiveMinimum") return x > value_of(k);
            if (keyword == "exclusiveMaximum") return x < value_of(k);
        } else if (v.is_string()) {
            const std::string& s = v.as_string();
            if (keyword == "minLength") return characters(s) >= count(k);
            if (keyword == "maxLength") return characters(s) <= count(k);
            if (keyword == "pattern") return std::regex_search(s, std::regex(k.as_string()));
            if (keyword == "format") return has_format(s, k.as_string());
        } else if (v.is_array()) {
            const json::array& items = v.as_array();
            if (keyword == "minItems") return items.size() >= count(k);
            if (keyword == "maxItems") return items.size() <= count(k);
            const json* const prefix = schema.find("prefixItems");
            const std::size_t first = prefix != nullptr ? prefix->as_array().size() : 0;
            for (std::size_t i = 0; i < items.size(); ++i) {
                if (keyword == "prefixItems" && i < first && !valid(prefix->as_array()[i], items[i])) return false;
                if (keyword == "items" && i >= first && !valid(k, items[i])) return false;
            }
        } else if (v.is_object()) {
            const json::object& members = v.as_object();
            if (keyword == "minProperties") return members.size() >= count(k);
            if (keyword == "maxProperties") return members.size() <= count(k);
            if (keyword == "required")
                return std::ranges::all_of(k.as_array(),
                                           [&](const json& name) { return v.find(name.as_string()) != nullptr; });
            const json* const named = schema.find("properties");
            for (const auto& [name, member] : members) {
                const json* const own = named != nullptr ? named->find(name) : nullptr;
                if (keyword == "properties" && own != nullptr && !valid(*own, member)) return false;
                if (keyword == "additionalProperties" && own == nullptr && !valid(k, member)) return false;
            }
        }
        return true;
    }

    const json& root_;
};

}  // namespace wafer_test
