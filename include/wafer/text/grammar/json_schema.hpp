// SPDX-License-Identifier: MIT
// L1 text/grammar: from a JSON schema to rules whose every text is JSON that the schema allows.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include <wafer/core/config.hpp>
#include <wafer/core/error.hpp>
#include <wafer/core/json.hpp>
#include <wafer/text/grammar/automaton.hpp>
#include <wafer/text/grammar/compiler.hpp>
#include <wafer/text/grammar/gbnf.hpp>
#include <wafer/text/grammar/grammar.hpp>
#include <wafer/text/grammar/json_rules.hpp>
#include <wafer/text/grammar/other_names.hpp>
#include <wafer/text/grammar/program.hpp>
#include <wafer/text/grammar/schema_document.hpp>
#include <wafer/text/grammar/schema_strings.hpp>
#include <wafer/text/grammar/schema_values.hpp>

namespace wafer::inline WAFER_ABI::grammar {

/// For one use. Each schema in the document becomes a rule; they wait in a queue, so that depth costs no stack.
class schema_compiler {
public:
    static constexpr std::size_t max_rules = 1u << 16;

    explicit schema_compiler(const json& schema) : document_(schema), out_(parse_gbnf(json_rules)) {
        out_.source.clear();  // rules are named after their places in the schema instead
        built_ins_ = static_cast<std::uint32_t>(out_.rules.size());
        if (schema.is_string())
            fail_schema(
                "#", "a schema is an object or a boolean, no JSON string: pass its text as text, or what json::parse "
                     "makes of it");
        if (schema.depth() > max_nesting)
            fail_schema("#", "it is nested more than " + std::to_string(max_nesting) + " deep");
        schema_document::check_values(schema);
    }

    /// @throws error{errc::bad_grammar} with the place in the schema
    ruleset run() {
        out_.root = rule_for(document_.root(), "#");
        for (std::size_t i = 0; i < queue_.size(); ++i) {
            const pending next = queue_[i];
            const std::string path = out_.rules[next.rule].name;  // a copy: rules move as more are added
            expression body = build(*next.schema, path);
            out_.rules[next.rule].body = std::move(body);
        }
        return std::move(out_);
    }

private:
    struct pending {
        const json* schema;
        std::uint32_t rule;
    };

    static constexpr std::size_t max_path = 500;
    static constexpr int max_nesting = json::max_depth - 8;  // schemas that follow from it are a little deeper

    [[nodiscard]] std::span<const rule> built_in_rules() const { return std::span(out_.rules).first(built_ins_); }
    [[nodiscard]] expression built_in(std::string_view name) const {
        return reference(find_rule(built_in_rules(), name));
    }
    [[nodiscard]] static expression nothing() { return choice({}); }
    [[nodiscard]] expression space() const { return built_in("space"); }

    std::uint32_t add_rule(const std::string& path, expression body = {}) {
        if (out_.rules.size() >= max_rules) fail_schema(path, "the schema is too large");
        out_.rules.push_back({path, std::move(body)});
        return static_cast<std::uint32_t>(out_.rules.size() - 1);
    }
    std::uint32_t rule_for(const json& schema, const std::string& path) {
        if (const auto known = ids_.find(&schema); known != ids_.end()) return known->second;
        const std::uint32_t id = add_rule(path.size() <= max_path ? path : path.substr(0, max_path) + "...");
        ids_.emplace(&schema, id);
        queue_.push_back({&schema, id});
        return id;
    }
    [[nodiscard]] expression schema_at(const json& schema, const std::string& path) {
        return reference(rule_for(schema, path));
    }

    expression build(const json& schema, const std::string& path) {
        if (schema == json(true)) return built_in("value");
        if (schema == json(false)) return nothing();
        if (!schema.is_object()) fail_schema(path, "a schema is an object or a boolean");
        schema_document::check_keywords(schema, path);
        std::size_t assertions = 0;
        for (const auto& [keyword, value] : schema.as_object()) assertions += schema_document::is_assertion(keyword);
        if (const json* target = schema.find("$ref"); target != nullptr && assertions == 1)
            return schema_at(document_.resolve(*target, path), schema_document::string_of(*target, "$ref", path));
        for (const char* keyword : {"anyOf", "oneOf"})
            if (const json* ways = schema.find(keyword); ways != nullptr && assertions == 1)
                return build_choice(schema_document::array_of(*ways, keyword, path), json(true), path + "/" + keyword);
        bool combined = schema.find("const") != nullptr && schema.find("enum") != nullptr;
        for (const char* keyword : {"$ref", "allOf", "anyOf", "oneOf"})
            combined = combined || schema.find(keyword) != nullptr;
        if (!combined) return build_plain(schema, path);
        json merged = document_.merge(schema, path);
        const json* const ways = merged.find("anyOf");
        if (ways == nullptr) return schema_at(document_.keep(std::move(merged), path), path);
        const json::array alternatives = schema_document::array_of(*ways, "anyOf", path);
        json::object shared = std::move(merged).as_object();
        std::erase_if(shared, [](const auto& member) { return member.first == "anyOf"; });
        return build_choice(alternatives, std::move(shared), path + "/anyOf");
    }

    // One of several schemas, each together with what they share.
    expression build_choice(const json::array& alternatives, const json& shared, const std::string& path) {
        std::vector<expression> ways;
        for (std::size_t i = 0; i < alternatives.size(); ++i) {
            const std::string place = path + "/" + std::to_string(i);
            const json& one = alternatives[i];
            ways.push_back(schema_at(
                shared == json(true) ? one : document_.keep(json::object{{"allOf", json::array{shared, one}}}, place),
                place));
        }
        return choice(std::move(ways));
    }

    expression build_plain(const json& schema, const std::string& path) {
        if (const json* one = schema.find("const")) return build_values(schema, {*one}, path);
        if (const json* listed = schema.find("enum"))
            return build_values(schema, schema_document::array_of(*listed, "enum", path), path);
        const json::array types = schema_document::types_of(schema, path);
        std::vector<expression> ways;
        for (const json& type : types) ways.push_back(build_type(type.as_string(), schema, path));
        // Without a "type" it is the one that keywords speak of.
        for (const char* type : {"object", "array", "string", "number"})
            if (ways.empty() && schema_document::speaks_of(schema, type))
                ways.push_back(build_type(type, schema, path));
        return ways.empty() ? built_in("value") : choice(std::move(ways));
    }

    expression build_type(const std::string& type, const json& schema, const std::string& path) {
        if (type == "object") return build_object(schema, path);
        if (type == "array") return build_array(schema, path);
        if (type == "string") return schema_string(schema, path, built_in_rules(), size_);
        if (type == "integer" || type == "number")
            if (auto bounded = bounded_number(type == "integer", schema, path)) return std::move(*bounded);
        return built_in(type);
    }

    // Those of the values that the rest of the schema allows.
    expression build_values(const json& schema, const json::array& values, const std::string& path) {
        const json::array types = schema_document::types_of(schema, path);
        const auto is_type = [&](const char* name) {
            return types.empty() || std::find(types.begin(), types.end(), json(name)) != types.end();
        };
        std::optional<automaton> strings;
        if (schema_document::speaks_of(schema, "string"))
            strings.emplace(recogniser_of(schema_string(schema, path, built_in_rules(), size_), path),
                            errc::bad_grammar);
        const auto fits = [&](json& value) {
            switch (value.type()) {
                case json::kind::null: return is_type("null");
                case json::kind::boolean: return is_type("boolean");
                case json::kind::integer:
                case json::kind::real:
                    if (!is_type("number")) {
                        if (!is_type("integer") || !number_of(value).is_whole()) return false;
                        value = schema_document::canonical(value);  // 1.0 is an integer
                    }
                    return is_within_bounds(value, schema, path);
                case json::kind::string: return is_type("string") && (!strings || recognises(*strings, value.dump()));
                case json::kind::array:
                case json::kind::object:
                    const char* const name = value.is_array() ? "array" : "object";
                    if (is_type(name) && schema_document::speaks_of(schema, name))
                        fail_schema(path, "keywords about a listed " + std::string(name) + " are not supported");
                    return is_type(name);
            }
            return false;
        };
        std::vector<expression> ways;
        for (json value : values)
            if (fits(value)) ways.push_back(literal(value, space(), size_, path));
        return choice(std::move(ways));
    }

    // What an expression over built-in rules matches.
    [[nodiscard]] std::shared_ptr<const program> recogniser_of(expression what, const std::string& path) {
        ruleset rules;
        rules.rules.assign(out_.rules.begin(), out_.rules.begin() + built_ins_);
        rules.root = built_ins_;
        rules.rules.push_back({path, choice({std::move(what), text("none")})});  // lest it be refused as impossible
        auto out = compile(rules, unsatisfiable::prune);
        size_.spend(out->nodes.size(), path);
        return out;
    }
    [[nodiscard]] static bool recognises(automaton& walk, std::string_view text) {
        if (walk.wants_to_forget()) walk.forget_all_but({});
        automaton::state s = walk.start();
        for (const char c : text) s = walk.step(s, static_cast<std::uint8_t>(c));
        return walk.can_stop(s);
    }

    expression build_array(const json& schema, const std::string& path) {
        const json* prefix = schema.find("prefixItems");
        const json* items = schema.find("items");
        std::string items_path = path + "/items", prefix_path = path + "/prefixItems/";
        if (items != nullptr && items->is_array()) {  // as drafts before 2020-12 wrote it
            prefix_path = path + "/items/";
            items_path = path + "/additionalItems";
            if (prefix != nullptr) fail_schema(path, "a list of \"items\" beside \"prefixItems\" is not supported");
            prefix = std::exchange(items, schema.find("additionalItems"));
        }
        std::vector<expression> first;
        if (prefix != nullptr) {
            const json::array& schemas = schema_document::array_of(*prefix, "prefixItems", path);
            for (std::size_t i = 0; i < schemas.size(); ++i)
                first.push_back(schema_at(schemas[i], prefix_path + std::to_string(i)));
        }
        const expression more = items != nullptr ? schema_at(*items, items_path)
                                : first.empty()  ? built_in("value")
                                                 : nothing();
        const auto n = static_cast<std::uint32_t>(first.size());
        const std::uint32_t min = count_of(schema, "minItems", 0, path),
                            max = count_of(schema, "maxItems", unlimited, path);
        if (min > max) return nothing();
        const auto next = [&](const expression& item) { return sequence({text(","), space(), item}); };
        const auto less = [](std::uint32_t a, std::uint32_t b) {
            return a == unlimited ? unlimited : a > b ? a - b : 0;
        };
        // What may follow i items, from the last i to the first; i >= 1.
        const std::uint32_t written = std::max(n, 1u);
        expression rest = repeat(next(more), less(min, written), less(max, written));
        for (std::uint32_t i = n; i-- > 1;) {
            const std::uint32_t after = add_rule(path, std::move(rest));
            std::vector<expression> ways;
            if (i < max) ways.push_back(sequence({next(first[i]), reference(after)}));
            if (i >= min) ways.push_back(sequence({}));
            rest = choice(std::move(ways));
        }
        const expression list = sequence({n == 0 ? more : first[0], std::move(rest), space()});
        std::vector<expression> ways;
        if (max > 0) ways.push_back(list);
        if (min == 0) ways.push_back(sequence({}));
        return sequence({text("["), space(), choice(std::move(ways)), text("]")});
    }

    struct property {
        std::string name;
        expression member;
        bool required;
    };

    expression build_object(const json& schema, const std::string& path) {
        const std::vector<property> properties = properties_of(schema, path);
        const json* const additional = schema.find("additionalProperties");
        // A schema that names properties and does not speak of others has no others.
        const bool closed = additional != nullptr ? *additional == json(false) : !properties.empty();
        expression extra = nothing();
        std::vector<std::string_view> names;
        std::size_t needed = 0;
        for (const property& p : properties) {
            names.push_back(p.name);
            needed += p.required;
        }
        if (!closed)
            extra = sequence(
                {names.empty() ? built_in("string")
                               : other_name(names, built_in("plain-rest"), out_, [&] { return add_rule(path); }),
                 text(":"), space(),
                 additional == nullptr ? built_in("value") : schema_at(*additional, path + "/additionalProperties")});
        const std::uint32_t min = count_of(schema, "minProperties", 0, path),
                            max = count_of(schema, "maxProperties", unlimited, path);
        const auto next = [&](const expression& member) { return sequence({text(","), space(), member}); };
        const auto braces = [&](expression members, bool may_be_empty) {
            return sequence({text("{"), space(),
                             repeat(sequence({std::move(members), space()}), may_be_empty ? 0 : 1, 1), text("}")});
        };
        if (properties.empty()) {
            if (min > max) return nothing();
            if (max == 0) return sequence({text("{"), space(), text("}")});
            return braces(
                sequence({extra, repeat(next(extra), min == 0 ? 0 : min - 1, max == unlimited ? max : max - 1)}),
                min == 0);
        }
        if (min > needed || (max != unlimited && (!closed || max < properties.size())))
            fail_schema(path, "bounds on the number of members beside named properties are not supported");
        // What may follow once a member is written, from the last property to the first.
        std::vector<expression> ways;
        std::uint32_t after = add_rule(path, repeat(next(extra), 0, unlimited));
        std::vector<std::uint32_t> rest;
        for (std::size_t i = properties.size(); i-- > 0;) {
            rest.push_back(after);
            ways = {sequence({next(properties[i].member), reference(after)})};
            if (!properties[i].required) ways.push_back(reference(after));
            after = add_rule(path, choice(std::move(ways)));
        }
        std::reverse(rest.begin(), rest.end());
        // Any property may be the first, up to one that is required.
        ways.clear();
        for (std::size_t i = 0; i < properties.size(); ++i) {
            ways.push_back(sequence({properties[i].member, reference(rest[i])}));
            if (properties[i].required) break;
        }
        if (needed == 0) ways.push_back(sequence({extra, reference(rest.back())}));
        return braces(choice(std::move(ways)), needed == 0);
    }

    [[nodiscard]] std::vector<property> properties_of(const json& schema, const std::string& path) {
        std::vector<property> out;
        std::unordered_map<std::string, std::size_t> places;
        const auto add = [&](const std::string& name, expression value) {
            places.emplace(name, out.size());
            const std::uint32_t member =
                add_rule(path, sequence({text(json(name).dump() + ":"), space(), std::move(value)}));
            out.push_back({name, reference(member), false});
        };
        if (const json* named = schema.find("properties"))
            for (const auto& [name, value] : schema_document::object_of(*named, "properties", path))
                add(name, schema_at(value, path + "/properties/" + name));
        const json* const additional = schema.find("additionalProperties");
        if (const json* names = schema.find("required"))
            for (const json& entry : schema_document::array_of(*names, "required", path)) {
                const std::string& name = schema_document::string_of(entry, "required", path);
                if (!places.contains(name))
                    add(name, additional == nullptr ? built_in("value")
                                                    : schema_at(*additional, path + "/additionalProperties"));
                out[places[name]].required = true;
            }
        return out;
    }

    schema_document document_;
    ruleset out_;
    std::uint32_t built_ins_ = 0;  // rules before those of the schema
    std::unordered_map<const json*, std::uint32_t> ids_;
    std::vector<pending> queue_;
    allowance size_{compiler::max_nodes};  // of values and patterns; the rest is counted in rules
};

/// What is text to read, rather than a value: "...", a std::string, a std::string_view.
template <class Text>
concept schema_text = std::convertible_to<const Text&, std::string_view> && !std::same_as<Text, std::nullptr_t>;

/// The rules of a JSON schema. Every text they match is JSON that the schema allows, except that members whose names
/// the schema leaves open may repeat, and that "oneOf" is read as "anyOf": it is for the schema to keep its
/// alternatives apart, as discriminated unions do. Members come in the order of "properties".
/// Where the schema says nothing, less is allowed than it would: members beside "properties", and items beside
/// "prefixItems", only if "additionalProperties" or "items" speaks of them; the one type that keywords speak of where
/// "type" is missing; lengths of numbers and white space as in json_rules; strings of a pattern with escapes only where
/// they are needed, and beside bounds on the length not all of them (see bounded_length); numbers beside an exclusive
/// bound with up to 15 digits.
/// Understood: type, properties, required, additionalProperties, minProperties and maxProperties (without properties),
/// items, prefixItems, minItems, maxItems; pattern or format (date, time, date-time, duration, uuid, hostname, email,
/// ipv4, ipv6, uri: as json_rules has them); minLength and maxLength; minimum, maximum and their
/// exclusive forms; enum and const (values that the rest of the schema forbids are left out), anyOf, oneOf, allOf, $ref
/// within the document; OpenAPI's nullable beside type.
/// @throws error{errc::bad_grammar} with the place: for keywords that cannot be kept to, by name; for a value that is a string,
///         as its text is not. @throws error{errc::out_of_memory}
/// @cite JSON Schema 2020-12, Validation and Core
[[nodiscard]] inline ruleset parse_json_schema(const json& schema) {
    return or_out_of_memory([&] { return schema_compiler(schema).run(); });
}
/// The same for the text of a schema. @throws error{errc::bad_json} with its position
template <schema_text Text>
[[nodiscard]] ruleset parse_json_schema(const Text& text) {
    return parse_json_schema(json::parse(text, "the JSON schema"));
}

/// Output that a JSON schema allows, ready to be matched.
/// @throws error as parse_json_schema() and compile()
[[nodiscard]] inline std::shared_ptr<const program> json_schema(const json& schema) {
    return compile(parse_json_schema(schema), unsatisfiable::prune);
}
/// The same for the text of a schema. @throws error{errc::bad_json} with its position
template <schema_text Text>
[[nodiscard]] std::shared_ptr<const program> json_schema(const Text& text) {
    return json_schema(json::parse(text, "the JSON schema"));
}

/// Output that is one JSON object, whatever is in it.
[[nodiscard]] inline std::shared_ptr<const program> json_object() { return gbnf(json_rules); }

}  // namespace wafer::inline WAFER_ABI::grammar
