// SPDX-License-Identifier: MIT
// L1 text: from text to tokens and back, for every supported vocabulary. The models themselves are bpe.hpp and its siblings.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <wafer/core/config.hpp>
#include <wafer/core/error.hpp>
#include <wafer/text/bpe.hpp>
#include <wafer/text/special_tokens.hpp>
#include <wafer/text/token_table.hpp>
#include <wafer/text/utf8.hpp>
#include <wafer/text/vocabulary.hpp>

namespace wafer::inline WAFER_ABI {

/// What to do with special tokens that are written out in a text: a template's are meant, a user's may be an attack.
enum class special_text : std::uint8_t { parse, as_text };

/// What control tokens leave in decoded text.
enum class control_text : std::uint8_t { hide, show };

/// Encodes and decodes text. Const after construction and shared by threads.
class tokenizer {
public:
    /// @throws error{errc::unsupported_tokenizer}, with the list of known ones; error{errc::bad_vocabulary} for ids out of
    ///         range, duplicate tokens, arrays of other lengths, or merges of unknown tokens.
    explicit tokenizer(vocabulary source) : source_(std::move(source)), model_(build()) {
        std::vector<token_id> specials;
        flags_.resize(size());
        for (token_id id = 0; id < static_cast<token_id>(size()); ++id) {
            const token_type type = type_of(id);
            auto& flags = flags_[static_cast<std::size_t>(id)];
            if (type == token_type::control || type == token_type::unknown) flags |= control_flag;
            if (type != token_type::control && type != token_type::user_defined) continue;
            specials.push_back(id);
            if (std::ranges::find(end_names, pieces_[id]) != std::end(end_names)) flags |= end_flag;
        }
        for (const auto end : {source_.eos, source_.eot, source_.eom})
            if (end) flags_[static_cast<std::size_t>(*end)] |= end_flag;
        refuse_twins(specials);
        specials_ = special_tokens(pieces_, std::move(specials));
        // The stored forms have served; what remains of the source are its ids.
        source_.tokens = {};
        source_.types = {};
        source_.merges = {};
        source_.scores = {};
    }

    /// The tokens of a text; neither BOS nor EOS is added.
    /// @throws error{errc::bad_utf8} with the byte offset in the text.
    [[nodiscard]] std::vector<token_id> encode(std::string_view text,
                                               special_text specials = special_text::parse) const {
        if (const std::size_t bad = find_invalid_utf8(text); bad != text.size())
            raise(errc::bad_utf8, "text is not UTF-8", {{}, bad, {}});
        std::vector<token_id> out;
        std::size_t at = 0;
        while (specials == special_text::parse) {
            const auto special = specials_.find(pieces_, text, at);
            if (!special) break;
            encode_plain(text.substr(at, special->begin - at), out);
            out.push_back(special->id);
            at = special->begin + special->length;
        }
        encode_plain(text.substr(at), out);
        return out;
    }

    /// The text with every special token in it broken by a joint, a noncharacter that encode() drops again: what somebody
    /// typed then passes through a template without becoming a control token.
    [[nodiscard]] std::string inert(std::string_view text) const {
        std::string out;
        std::size_t at = 0;
        while (const auto special = specials_.find(pieces_, text, at)) {
            std::size_t first = special->begin + 1;  // to the end of its first character
            while (first < text.size() && (static_cast<unsigned char>(text[first]) & 0xC0) == 0x80) ++first;
            out.append(text, at, first - at) += joint;
            at = first;
        }
        return out.append(text, at);
    }

    /// The bytes of a token; of a control token, its name. Valid as long as the tokenizer; empty for ids out of range.
    [[nodiscard]] std::string_view piece(token_id id) const noexcept {
        return contains(id) ? pieces_[id] : std::string_view{};
    }

    /// The text of tokens, with U+FFFD for bytes that are not UTF-8.
    [[nodiscard]] std::string decode(std::span<const token_id> ids, control_text controls = control_text::hide) const {
        std::string raw;
        for (const token_id id : ids)
            if (controls == control_text::show || !is_control(id)) raw += piece(id);
        utf8_accumulator text;
        std::string out = text.feed(raw);
        return out += text.flush();
    }

    /// The token with exactly these bytes (control tokens: that name); special tokens first.
    [[nodiscard]] std::optional<token_id> find(std::string_view raw) const noexcept {
        const auto special = specials_.find(pieces_, raw, 0);
        if (special && special->begin == 0 && special->length == raw.size()) return special->id;
        return std::visit([&](const auto& model) { return model.find(pieces_, raw); }, model_);
    }

    [[nodiscard]] std::size_t size() const noexcept { return pieces_.size(); }
    [[nodiscard]] bool contains(token_id id) const noexcept { return id >= 0 && static_cast<std::size_t>(id) < size(); }
    /// Steers the model and is not part of the text.
    [[nodiscard]] bool is_control(token_id id) const noexcept { return has(id, control_flag); }
    /// Ends an answer: the file's eos, eot and eom, and the usual names of such tokens.
    [[nodiscard]] bool is_end(token_id id) const noexcept { return has(id, end_flag); }

    [[nodiscard]] std::optional<token_id> bos() const noexcept { return source_.bos; }
    [[nodiscard]] std::optional<token_id> eos() const noexcept { return source_.eos; }
    /// Whether the model expects prompts to begin with bos() or to end with eos().
    [[nodiscard]] bool adds_bos() const noexcept { return source_.add_bos && source_.bos; }
    [[nodiscard]] bool adds_eos() const noexcept { return source_.add_eos && source_.eos; }

private:
    /// The tokenizer models. Each has a static piece(stored), a constructor from (vocabulary, pieces), encode and find.
    using models = std::variant<byte_level_bpe>;
    static constexpr std::uint8_t control_flag = 1, end_flag = 2;
    static constexpr std::string_view joint = "\xEF\xB7\x90";  // U+FDD0: no character, never in text for others to read
    static constexpr std::string_view end_names[] = {"<|im_end|>",
                                                     "<|eot_id|>",
                                                     "<|eom_id|>",
                                                     "<|end_of_text|>",
                                                     "<|endoftext|>",
                                                     "<|return|>",
                                                     "<|call|>",
                                                     "</s>",
                                                     "<end_of_turn>",
                                                     "<EOT>",
                                                     "<\xEF\xBD\x9C"
                                                     "end\xE2\x96\x81of\xE2\x96\x81sentence\xEF\xBD\x9C>"};

    [[nodiscard]] bool has(token_id id, std::uint8_t flag) const noexcept {
        return contains(id) && (flags_[static_cast<std::size_t>(id)] & flag) != 0;
    }
    [[nodiscard]] token_type type_of(token_id id) const noexcept {
        return source_.types.empty() ? token_type::normal : source_.types[static_cast<std::size_t>(id)];
    }

    models build() {
        check_shape();
        if (source_.model == "gpt2") return make<byte_level_bpe>();
        raise(errc::unsupported_tokenizer, "unknown tokenizer model \"" + source_.model + "\"; known are gpt2");
    }

    template <class Model>
    Model make() {
        for (std::size_t i = 0; i < source_.tokens.size(); ++i) {
            const std::string& stored = source_.tokens[i];
            switch (type_of(static_cast<token_id>(i))) {
                case token_type::normal: pieces_.add(Model::piece(stored)); break;
                case token_type::byte: pieces_.add(parse_byte(stored)); break;
                default: pieces_.add(stored);
            }
        }
        return Model(source_, pieces_);
    }

    void check_shape() const {
        const std::size_t n = source_.tokens.size();
        if (n == 0) raise(errc::bad_vocabulary, "vocabulary has no tokens");
        if (n > static_cast<std::size_t>(std::numeric_limits<token_id>::max()))
            raise(errc::bad_vocabulary, "vocabulary has " + std::to_string(n) + " tokens, more than ids can count");
        const auto check_length = [&](std::size_t length, std::string_view what) {
            if (length != 0 && length != n)
                raise(errc::bad_vocabulary,
                      std::to_string(length) + " " + std::string(what) + " for " + std::to_string(n) + " tokens");
        };
        check_length(source_.types.size(), "token types");
        check_length(source_.scores.size(), "scores");
        const std::pair<std::string_view, std::optional<token_id>> ids[] = {
            {"bos", source_.bos}, {"eos", source_.eos},         {"eot", source_.eot},
            {"eom", source_.eom}, {"unknown", source_.unknown}, {"padding", source_.padding}};
        for (const auto& [name, id] : ids)
            if (id && (*id < 0 || static_cast<std::size_t>(*id) >= n))
                raise(errc::bad_vocabulary, "the " + std::string(name) + " token is " + std::to_string(*id) +
                                                " in a vocabulary of " + std::to_string(n));
    }

    static std::string parse_byte(std::string_view stored) {
        const auto digit = [&](std::size_t i) -> int {
            const char c = stored[i];
            return c >= '0' && c <= '9'   ? c - '0'
                   : c >= 'A' && c <= 'F' ? c - 'A' + 10
                   : c >= 'a' && c <= 'f' ? c - 'a' + 10
                                          : -1;
        };
        if (stored.size() != 6 || !stored.starts_with("<0x") || stored[5] != '>' || digit(3) < 0 || digit(4) < 0)
            raise(errc::bad_vocabulary, "byte token \"" + std::string(stored) + "\" is not of the form <0xNN>");
        return std::string(1, static_cast<char>(digit(3) * 16 + digit(4)));
    }

    void refuse_twins(const std::vector<token_id>& specials) const {
        token_index index(specials.size());
        for (const token_id id : specials)
            if (const auto twin = index.insert(pieces_, id))
                raise(errc::bad_vocabulary, "special tokens " + std::to_string(*twin) + " and " + std::to_string(id) +
                                                " are both \"" + std::string(pieces_[id]) + "\"");
    }

    void encode_plain(std::string_view text, std::vector<token_id>& out) const {
        if (text.find(joint) != text.npos) {
            std::string whole(text);
            for (std::size_t at = 0; (at = whole.find(joint, at)) != whole.npos;) whole.erase(at, joint.size());
            return encode_plain(whole, out);
        }
        std::visit([&](const auto& model) { model.encode(text, pieces_, out); }, model_);
    }

    vocabulary source_;
    token_pieces pieces_;
    models model_;
    special_tokens specials_;
    std::vector<std::uint8_t> flags_;
};

/// Text from tokens as they come, for streaming: never a broken character, control tokens hidden unless asked for.
/// The tokenizer must outlive it.
class detokenizer {
public:
    explicit detokenizer(const tokenizer& source, control_text controls = control_text::hide)
        : tokenizer_(&source), controls_(controls) {}

    /// The text that is certain after this token; may be empty while a character is unfinished.
    [[nodiscard]] std::string feed(token_id id) {
        if (controls_ == control_text::hide && tokenizer_->is_control(id)) return flush();
        return text_.feed(tokenizer_->piece(id));
    }
    /// Ends the stream: an unfinished character becomes U+FFFD.
    [[nodiscard]] std::string flush() { return text_.flush(); }

private:
    const tokenizer* tokenizer_;
    control_text controls_;
    utf8_accumulator text_;
};

}  // namespace wafer::inline WAFER_ABI
