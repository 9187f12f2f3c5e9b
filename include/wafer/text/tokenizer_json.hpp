// SPDX-License-Identifier: MIT
// L1 text: a vocabulary out of a Hugging Face tokenizer.json: BPE, byte-level or in the manner of SentencePiece.
// Knows no files: give it what json::parse made of them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <wafer/core/config.hpp>
#include <wafer/core/error.hpp>
#include <wafer/core/json.hpp>
#include <wafer/core/utf8.hpp>
#include <wafer/text/pretokenize.hpp>
#include <wafer/text/sentencepiece.hpp>
#include <wafer/text/vocabulary.hpp>

namespace wafer::inline WAFER_ABI {

namespace detail {

// The patterns of a split, in order, as published files write them; line breaks as \r and \n.
struct known_split {
    std::string_view pre;
    std::vector<std::string> patterns;
};

inline std::vector<known_split> known_splits() {
    const auto characters = [](const auto& ranges) {
        std::string out;
        for (const code_range& r : ranges) {
            append_utf8(out, r.first);
            if (r.last > r.first + 1) out.push_back('-');
            if (r.last != r.first) append_utf8(out, r.last);
        }
        return out;
    };
    const auto one_of = [](const std::string& inside) { return "[" + inside + "]+"; };
    constexpr code_range kana_and_han[] = {{0x4E00, 0x9FA5}, {0x3040, 0x309F}, {0x30A0, 0x30FF}};
    constexpr code_range zone[] = {{0x4E00, 0x9FA5}, {0x800, 0x4E00}, {0xAC00, 0xD7FF}};
    constexpr code_range wide_signs[] = {{0xFF01, 0xFF0F}, {0xFF1A, 0xFF5E}, {0x2018, 0x201F}, {0x3000, 0x3002}};
    const std::string line_break = R"([\r\n])";
    const std::string v3 = R"re([!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+)re"
                           R"re(| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)re";
    return {
        {"gpt-2", {std::string(gpt2_pattern)}},
        {"smollm", {R"(\p{N})", std::string(gpt2_pattern)}},
        {"llama-bpe", {std::string(llama3_pattern)}},
        {"qwen2", {std::string(qwen2_pattern)}},
        {"gpt-4o", {std::string(gpt4o_pattern)}},
        {"tekken", {std::string(tekken_pattern)}},
        {"deepseek-v3", {R"(\p{N}{1,3})", one_of(characters(kana_and_han)), v3}},
        {"deepseek-coder", {line_break, R"(\s?\p{L}+)", R"(\s?\p{P}+)", one_of(characters(zone)), R"(\p{N})"}},
        {"deepseek-llm",
         {line_break, R"(\s?)" + one_of(characters(deepseek_llm_letters)),
          R"(\s?)" + one_of("!-/:-~" + characters(wide_signs)), R"(\s+$)", one_of(characters(zone)), R"(\p{N})"}},
    };
}

// Reads one tokenizer.json, part by part.
class tokenizer_json_reader {
public:
    tokenizer_json_reader(const json& file, const json& config) : file_(file), config_(config) {}

    vocabulary read() {
        const json& model = file_.at("model");
        if (const std::string type = text_or(model, "type", "BPE"); type != "BPE")
            unsupported("model of type \"" + type + "\"");
        for (const char* name : {"continuing_subword_prefix", "end_of_word_suffix"})
            if (const std::string affix = text_or(model, name, ""); !affix.empty())
                unsupported(std::string(name) + " \"" + affix + "\"");
        if (const json* normalizer = file_.find("normalizer")) read_normalizer(*normalizer);
        if (const json* pre = file_.find("pre_tokenizer")) read_pretokenizer(*pre);
        v_.model = byte_level_ ? "gpt2" : "llama";
        if (byte_level_) {
            if (spaces_ || v_.add_space_prefix) unsupported("byte level after a replacement of spaces");
            v_.pre = name_of_split();
            v_.nfc = nfc_;
            v_.ignore_merges = flag(model, "ignore_merges");
        } else {
            if (!spaces_ || nfc_ || !splits_.empty()) unsupported("model without a byte level");
            v_.add_space_prefix = v_.add_space_prefix.value_or(false);
        }
        read_tokens(model);
        for (const json& merge : model.at("merges").as_array()) v_.merges.push_back(merge_of(merge));
        if (const json* post = file_.find("post_processor")) read_post_processor(*post);
        read_config();
        return std::move(v_);
    }

private:
    [[noreturn]] static void unsupported(const std::string& what) {
        raise(errc::unsupported_tokenizer, "tokenizer.json has a " + what + ", which is not supported");
    }
    static bool flag(const json& object, std::string_view name) {
        const json* value = object.find(name);
        return value != nullptr && !value->is_null() && value->as_bool();
    }
    static std::string text_or(const json& object, std::string_view name, std::string otherwise) {
        const json* value = object.find(name);
        return value == nullptr || value->is_null() ? otherwise : value->as_string();
    }
    // "left right", or the two names in an array.
    static std::pair<std::string, std::string> merge_of(const json& merge) {
        if (merge.is_string()) return split_merge(merge.as_string());
        const json::array& names = merge.as_array();
        if (names.size() != 2) raise(errc::bad_vocabulary, "merge " + merge.dump() + " is not of two tokens");
        return {names[0].as_string(), names[1].as_string()};
    }
    // Calls read(part, type) for a part, or for those of a Sequence.
    template <class Read>
    static void each_of(const json& part, std::string_view list, Read&& read) {
        if (part.is_null()) return;
        const std::string& type = part.at("type").as_string();
        if (type != "Sequence") return read(part, type);
        for (const json& one : part.at(list).as_array()) each_of(one, list, read);
    }

    void read_normalizer(const json& normalizer) {
        each_of(normalizer, "normalizers", [&](const json& part, const std::string& type) {
            if (type == "NFC") {
                nfc_ = true;
            } else if (type == "Prepend" && part.at("prepend").as_string() == visible_space) {
                v_.add_space_prefix = true;
            } else if (type == "Replace" && text_or(part.at("pattern"), "String", "") == " " &&
                       part.at("content").as_string() == visible_space) {
                spaces_ = true;
            } else {
                unsupported("normalizer " + part.dump());
            }
        });
    }

    void read_pretokenizer(const json& pre) {
        each_of(pre, "pretokenizers", [&](const json& part, const std::string& type) {
            if (type == "ByteLevel") {
                if (flag(part, "add_prefix_space")) unsupported("byte level with add_prefix_space");
                if (byte_level_) unsupported("byte level twice");
                byte_level_ = true;
                const json* use_regex = part.find("use_regex");  // on where it is not mentioned
                if (use_regex == nullptr || use_regex->as_bool()) splits_.emplace_back(gpt2_pattern);
            } else if (byte_level_) {
                unsupported("pre-tokenizer after the byte level, " + part.dump());
            } else if (type == "Split") {
                if (spaces_ && text_or(part.at("pattern"), "String", "") == " ") return;  // none are left
                const std::string behavior = part.at("behavior").as_string();
                const bool inverted = flag(part, "invert");
                if (!(behavior == "Isolated" && !inverted) && !(behavior == "Removed" && inverted))
                    unsupported("split " + part.dump());
                keeps_matches_only_ |= inverted;
                const json* regex = part.at("pattern").find("Regex");
                if (regex == nullptr) unsupported("split " + part.dump());
                splits_.push_back(replace_all(replace_all(regex->as_string(), "\r", "\\r"), "\n", "\\n"));
            } else if (type == "Digits") {
                splits_.emplace_back(flag(part, "individual_digits") ? R"(\p{N})" : R"(\p{N}+)");
            } else if (type == "Metaspace") {
                read_metaspace(part);
            } else {
                unsupported("pre-tokenizer " + part.dump());
            }
        });
        // Patterns that are known to stand alone cover all text: to keep their matches is to keep everything.
        if (keeps_matches_only_ && splits_.size() != 1) unsupported("split that drops text between its matches");
    }

    void read_metaspace(const json& part) {
        const std::string scheme = text_or(part, "prepend_scheme", "always");
        const json* prefix = part.find("add_prefix_space");  // of older files
        const bool none = scheme == "never" || (prefix != nullptr && !prefix->is_null() && !prefix->as_bool());
        const bool known = none || scheme == "always" || scheme == "first";
        if (!known || v_.add_space_prefix || part.at("replacement").as_string() != visible_space)
            unsupported("pre-tokenizer " + part.dump());
        const json* split = part.find("split");  // on where it is not mentioned
        v_.spaces = {scheme == "first", split == nullptr || split->is_null() || split->as_bool()};
        v_.add_space_prefix = !none;
        spaces_ = true;
    }

    [[nodiscard]] std::string name_of_split() const {
        std::string names, patterns;
        for (const known_split& known : known_splits()) {
            if (known.patterns == splits_) return std::string(known.pre);
            names += (names.empty() ? "" : ", ") + std::string(known.pre);
        }
        for (const std::string& pattern : splits_) patterns += (patterns.empty() ? "" : " then ") + pattern;
        raise(errc::unsupported_tokenizer,
              "tokenizer.json splits text by an unknown pattern \"" + patterns + "\"; known are those of " + names);
    }

    void read_tokens(const json& model) {
        const json::object& tokens = model.at("vocab").as_object();
        const json none = json::array{};
        const json* added = file_.find("added_tokens");
        const json::array& others = (added == nullptr || added->is_null() ? none : *added).as_array();
        // Ids may have gaps, but a file does not get more memory than its own size justifies.
        const std::size_t limit = (tokens.size() + others.size()) * 4 + 1024;
        const std::string unknown = text_or(model, "unk_token", "");
        const bool byte_fallback = flag(model, "byte_fallback");
        for (const auto& [text, id] : tokens) {
            const bool byte = byte_fallback && byte_of_name(text);
            put(id.as_int(), text, limit, byte ? token_type::byte : token_type::normal);
        }
        for (const json& token : others) {
            const std::int64_t id = token.at("id").as_int();
            const std::string& text = token.at("content").as_string();
            const bool special = flag(token, "special");
            // Where spaces became U+2581, a text as it is does not have this one; it is merged.
            if (!special && spaces_ && text.find(visible_space) != text.npos && has(id, text)) continue;
            put(id, text, limit, special ? token_type::control : token_type::user_defined);
            const added_token how{static_cast<token_id>(id), flag(token, "single_word"), flag(token, "lstrip"),
                                  flag(token, "rstrip"), byte_level_ && flag(token, "normalized")};
            if (how.single_word || how.lstrip || how.rstrip || how.after_normalizing) v_.added.push_back(how);
        }
        if (v_.unknown = find(unknown); v_.unknown)
            v_.types[static_cast<std::size_t>(*v_.unknown)] = token_type::unknown;
    }
    void put(std::int64_t id, const std::string& text, std::size_t limit, token_type type) {
        if (id < 0 || static_cast<std::uint64_t>(id) >= limit)
            raise(errc::bad_vocabulary, "token \"" + text + "\" has the id " + std::to_string(id) +
                                            " in a vocabulary of " + std::to_string(v_.tokens.size()));
        const auto i = static_cast<std::size_t>(id);
        if (i >= v_.tokens.size()) {
            v_.tokens.resize(i + 1);
            v_.types.resize(i + 1, token_type::unused);
        }
        if (v_.types[i] != token_type::unused && v_.tokens[i] != text)
            raise(errc::bad_vocabulary,
                  "tokens \"" + v_.tokens[i] + "\" and \"" + text + "\" have the same id " + std::to_string(id));
        v_.tokens[i] = text;
        v_.types[i] = type;
    }
    [[nodiscard]] bool has(std::int64_t id, std::string_view text) const noexcept {
        return id >= 0 && static_cast<std::uint64_t>(id) < v_.tokens.size() &&
               v_.tokens[static_cast<std::size_t>(id)] == text;
    }
    [[nodiscard]] std::optional<token_id> find(std::string_view text) const {
        const auto found = std::find(v_.tokens.begin(), v_.tokens.end(), text);
        if (text.empty() || found == v_.tokens.end()) return std::nullopt;
        return static_cast<token_id>(found - v_.tokens.begin());
    }

    // Special tokens before and after the text, as a template or as a pair of names.
    void read_post_processor(const json& post) {
        each_of(post, "processors", [&](const json& part, const std::string& type) {
            if (type == "RobertaProcessing" || type == "BertProcessing") {
                begin_with(require(part.at("cls").at(std::size_t{0}).as_string()));
                end_with(require(part.at("sep").at(std::size_t{0}).as_string()));
            } else if (type == "TemplateProcessing") {
                bool before = true;
                for (const json& one : part.at("single").as_array()) {
                    const json* special = one.find("SpecialToken");
                    if (special == nullptr) before = false;
                    else if (before) begin_with(of_template(part, special->at("id").as_string()));
                    else end_with(of_template(part, special->at("id").as_string()));
                }
            } else if (type != "ByteLevel") {
                unsupported("post-processor " + part.dump());
            }
        });
    }
    // A template has names of its own for tokens.
    [[nodiscard]] token_id of_template(const json& part, const std::string& name) const {
        const json* names = part.find("special_tokens");
        const json* special = names == nullptr ? nullptr : names->find(name);
        if (special == nullptr) return require(name);
        const json::array& ids = special->at("ids").as_array();
        if (ids.size() != 1) unsupported("post-processor with " + special->dump());
        const std::int64_t id = ids[0].as_int();
        if (id < 0 || static_cast<std::uint64_t>(id) >= v_.tokens.size())
            raise(errc::bad_vocabulary,
                  "tokenizer.json names the token " + std::to_string(id) + " that it does not have");
        return static_cast<token_id>(id);
    }
    void begin_with(token_id id) {
        if (v_.add_bos) unsupported("post-processor with more than one token before the text");
        v_.bos = id;
        v_.add_bos = true;
    }
    void end_with(token_id id) {
        if (v_.add_eos) unsupported("post-processor with more than one token after the text");
        v_.eos = id;
        v_.add_eos = true;
    }
    [[nodiscard]] token_id require(const std::string& name) const {
        const auto id = find(name);
        if (!id) raise(errc::bad_vocabulary, "tokenizer.json names a token \"" + name + "\" that it does not have");
        return *id;
    }

    void read_config() {
        const auto read = [&](std::string_view name, std::optional<token_id>& id) {
            const json* token = config_.find(name);
            if (token == nullptr || token->is_null()) return;
            id = require(token->is_object() ? token->at("content").as_string() : token->as_string());
        };
        read("bos_token", v_.bos);
        read("eos_token", v_.eos);
        read("unk_token", v_.unknown);
        if (config_.find("add_bos_token") != nullptr) v_.add_bos = flag(config_, "add_bos_token");
        if (config_.find("add_eos_token") != nullptr) v_.add_eos = flag(config_, "add_eos_token");
    }

    const json& file_;
    const json& config_;
    vocabulary v_;
    std::vector<std::string> splits_;
    bool byte_level_ = false, nfc_ = false, spaces_ = false, keeps_matches_only_ = false;
};

}  // namespace detail

/// The vocabulary that a tokenizer.json describes, as read_vocabulary gives that of a GGUF file; not yet checked
/// (tokenizer does that): `tokenizer words(read_tokenizer_json(json::parse(text)));`. `config` is the
/// tokenizer_config.json beside it, or null: what it says of BOS, EOS and the unknown token goes before what the file
/// says.
/// @throws error{errc::unsupported_tokenizer} that shows the part which is not supported: models other than BPE, unknown
///         split patterns, normalizers other than NFC and those of spaces; error{errc::bad_vocabulary} for ids that are
///         out of range or used twice, and names of no token; error{errc::missing_key, errc::wrong_type}.
[[nodiscard]] inline vocabulary read_tokenizer_json(const json& file, const json& config = {}) {
    return or_out_of_memory([&] { return detail::tokenizer_json_reader(file, config).read(); });
}

}  // namespace wafer::inline WAFER_ABI
