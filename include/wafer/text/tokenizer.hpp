// SPDX-License-Identifier: MIT
// L1 text: from text to tokens and back, for every supported vocabulary. The models are bpe.hpp and sentencepiece.hpp.
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
#include <wafer/text/nfc.hpp>
#include <wafer/text/piece_cache.hpp>
#include <wafer/text/sentencepiece.hpp>
#include <wafer/text/special_tokens.hpp>
#include <wafer/text/token_table.hpp>
#include <wafer/text/unicode.hpp>
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
    /// @throws error{errc::unsupported_tokenizer}, with the list of known ones; error{errc::bad_vocabulary} for ids out
    ///         of range, duplicate tokens, arrays of other lengths, merges of unknown tokens, bytes without a token, or
    ///         special tokens above 256 bytes.
    explicit tokenizer(vocabulary source) : source_(std::move(source)), model_(build()) {
        flags_.resize(size());
        for (const added_token& token : source_.added) read_added(token);
        std::vector<token_id> specials, late_specials;
        for (token_id id = 0; id < static_cast<token_id>(size()); ++id) {
            const token_type type = type_of(id);
            auto& flags = flags_[static_cast<std::size_t>(id)];
            if (type == token_type::control || type == token_type::unknown) flags |= control_flag;
            if (type != token_type::control && type != token_type::user_defined) continue;
            flags |= special_flag;
            ((flags & late_flag) != 0 ? late_specials : specials).push_back(id);
            if (std::ranges::find(end_names, pieces_[id]) != std::end(end_names)) flags |= end_flag;
        }
        for (const auto end : {source_.eos, source_.eot, source_.eom})
            if (end) flags_[static_cast<std::size_t>(*end)] |= end_flag;
        refuse_twins(specials, late_specials);
        specials_ = special_tokens(pieces_, std::move(specials));
        late_specials_ = special_tokens(pieces_, std::move(late_specials));
        // The stored forms have served; what remains of the source are its ids.
        source_.tokens = {};
        source_.types = {};
        source_.merges = {};
        source_.scores = {};
        source_.added = {};
    }

    /// The tokens of a text; neither BOS nor EOS is added. Special tokens are found first, in the text as it is; what
    /// is between them is normalized, split and merged.
    /// @throws error{errc::bad_utf8} with the byte offset in the text; error{errc::invalid_argument} above 1 GiB.
    /// @cost near linear in text made of words, O(n log n) and about 40 n bytes for a piece of n bytes without a split.
    [[nodiscard]] std::vector<token_id> encode(std::string_view text,
                                               special_text specials = special_text::parse) const {
        if (text.size() > longest_text)
            raise(errc::invalid_argument, "a text of " + std::to_string(text.size()) + " bytes: encode it in parts");
        if (const std::size_t bad = find_invalid_utf8(text); bad != text.size())
            raise(errc::bad_utf8, "text is not UTF-8", {{}, bad, {}});
        std::vector<token_id> out;
        piece_cache cache(text.size());
        if (specials == special_text::as_text) {
            encode_plain(normalized(text), cache, out);
            return out;
        }
        split_at(specials_, text, out, [&](std::string_view part) {
            split_at(late_specials_, normalized(part), out,
                     [&](std::string_view rest) { encode_plain(rest, cache, out); });
        });
        return out;
    }

    /// The text, normalized, with every special token in it broken by a joint, a noncharacter that encode() drops
    /// again: what somebody typed then passes through a template without becoming a control token.
    [[nodiscard]] std::string inert(std::string_view text) const {
        return broken(late_specials_, broken(specials_, normalized(text)));
    }

    /// The bytes of a token; of a control token, its name. Valid as long as the tokenizer; empty for ids out of range.
    [[nodiscard]] std::string_view piece(token_id id) const noexcept {
        return contains(id) ? pieces_[id] : std::string_view{};
    }

    /// The text of tokens, with U+FFFD for bytes that are not UTF-8. Undoes encode(): the space that it puts before a
    /// text goes again.
    [[nodiscard]] std::string decode(std::span<const token_id> ids, control_text controls = control_text::hide) const;

    /// The token with exactly these bytes (control tokens: that name); special tokens first.
    [[nodiscard]] std::optional<token_id> find(std::string_view raw) const noexcept {
        for (const special_tokens* among : {&specials_, &late_specials_}) {
            const auto special = among->find(pieces_, raw, 0);
            if (special && special->begin == 0 && special->length == raw.size()) return special->id;
        }
        return std::visit([&](const auto& model) { return model.find(pieces_, raw); }, model_);
    }

    [[nodiscard]] std::size_t size() const noexcept { return pieces_.size(); }
    [[nodiscard]] bool contains(token_id id) const noexcept { return id >= 0 && static_cast<std::size_t>(id) < size(); }
    /// Steers the model and is not part of the text.
    [[nodiscard]] bool is_control(token_id id) const noexcept { return has(id, control_flag); }
    /// Found whole in a text before anything else: control tokens and user-defined ones.
    [[nodiscard]] bool is_special(token_id id) const noexcept { return has(id, special_flag); }
    /// Ends an answer: the file's eos, eot and eom, and the usual names of such tokens.
    [[nodiscard]] bool is_end(token_id id) const noexcept { return has(id, end_flag); }

    [[nodiscard]] std::optional<token_id> bos() const noexcept { return source_.bos; }
    [[nodiscard]] std::optional<token_id> eos() const noexcept { return source_.eos; }
    /// Whether the model expects prompts to begin with bos() or to end with eos().
    [[nodiscard]] bool adds_bos() const noexcept { return source_.add_bos && source_.bos; }
    [[nodiscard]] bool adds_eos() const noexcept { return source_.add_eos && source_.eos; }
    /// Whether a text and what follows a special token are encoded as if a space were before them (SentencePiece).
    [[nodiscard]] bool adds_space() const noexcept {
        return std::visit([](const auto& model) { return model.adds_space(); }, model_);
    }

private:
    /// The tokenizer models. Each has a static piece(stored), a constructor from (vocabulary, pieces), adds_space,
    /// encode and find.
    using models = std::variant<byte_level_bpe, sentencepiece>;
    static constexpr std::uint8_t control_flag = 1, end_flag = 2, special_flag = 4;
    static constexpr std::uint8_t single_word_flag = 8, lstrip_flag = 16, rstrip_flag = 32, late_flag = 64;
    static constexpr std::size_t longest_text = std::size_t{1} << 30;  // NFC triples at most; positions have 32 bits
    static constexpr std::size_t longest_special = 256;        // bytes; bounds the search at every byte of a text
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
        if (source_.model == "llama") return make<sentencepiece>();
        if (source_.model != "gpt2")
            raise(errc::unsupported_tokenizer,
                  "unknown tokenizer model \"" + source_.model + "\"; known are gpt2, llama");
        models made = make<byte_level_bpe>();  // refuses an unknown pre-tokenizer
        nfc_ = source_.nfc.value_or(find_pretokenizer(source_.pre)->nfc);
        return made;
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

    void read_added(const added_token& token) {
        if (!contains(token.id))
            raise(errc::bad_vocabulary, "added token " + std::to_string(token.id) + " is outside the vocabulary of " +
                                            std::to_string(size()));
        auto& flags = flags_[static_cast<std::size_t>(token.id)];
        if (token.single_word) flags |= single_word_flag;
        if (token.lstrip) flags |= lstrip_flag;
        if (token.rstrip) flags |= rstrip_flag;
        if (token.after_normalizing) flags |= late_flag;
    }

    void refuse_twins(const std::vector<token_id>& specials, const std::vector<token_id>& late_specials) const {
        token_index index(specials.size() + late_specials.size());
        for (const auto* ids : {&specials, &late_specials})
            for (const token_id id : *ids) {
                if (pieces_[id].size() > longest_special)
                    raise(errc::bad_vocabulary, "special token " + std::to_string(id) + " has " +
                                                    std::to_string(pieces_[id].size()) + " bytes; at most " +
                                                    std::to_string(longest_special) + " are supported");
                if (const auto twin = index.insert(pieces_, id))
                    raise(errc::bad_vocabulary, "special tokens " + std::to_string(*twin) + " and " +
                                                    std::to_string(id) + " are both \"" + std::string(pieces_[id]) +
                                                    "\"");
            }
    }

    // Calls encode_rest for what is between special tokens, in order, and appends these.
    template <class EncodeRest>
    void split_at(const special_tokens& among, std::string_view text, std::vector<token_id>& out,
                  EncodeRest&& encode_rest) const {
        std::size_t at = 0;
        while (const auto special = find_added(among, text, at)) {
            if (special->begin != at) encode_rest(text.substr(at, special->begin - at));
            out.push_back(special->id);
            at = special->begin + special->length;
        }
        if (at != text.size()) encode_rest(text.substr(at));
    }

    // The next special token with the white space that goes with it.
    [[nodiscard]] std::optional<special_tokens::match> find_added(const special_tokens& among, std::string_view text,
                                                                  std::size_t from) const noexcept {
        auto found = among.find(pieces_, text, from);
        while (found && has(found->id, single_word_flag) && touches_word(text, *found))
            found = among.find(pieces_, text, found->begin + found->length);
        if (!found) return found;
        std::size_t end = found->begin + found->length;
        if (has(found->id, lstrip_flag))
            while (found->begin > from && is_white_space(char_before(text, found->begin)))
                found->begin = char_start(text, found->begin);
        if (has(found->id, rstrip_flag))
            while (end < text.size() && is_white_space(decode_utf8(text, end).code))
                end += decode_utf8(text, end).length;
        found->length = end - found->begin;
        return found;
    }
    static bool touches_word(std::string_view text, const special_tokens::match& found) noexcept {
        const auto in_word = [](char32_t code) {
            const general_category c = category(code);
            return is_letter(c) || is_mark(c) || c == general_category::nd || c == general_category::nl ||
                   c == general_category::pc;
        };
        const std::size_t end = found.begin + found.length;
        return (found.begin > 0 && in_word(char_before(text, found.begin))) ||
               (end < text.size() && in_word(decode_utf8(text, end).code));
    }
    // Where the character before `at` begins. @pre text is UTF-8, at > 0.
    static std::size_t char_start(std::string_view text, std::size_t at) noexcept {
        do --at;
        while (at > 0 && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80);
        return at;
    }
    static char32_t char_before(std::string_view text, std::size_t at) noexcept {
        return decode_utf8(text, char_start(text, at)).code;
    }

    // A text that is normalized only where it has to be: most is already.
    class maybe_changed {
    public:
        maybe_changed(std::string_view text, bool nfc) : text_(text) {
            if (nfc && nfc_prefix(text) != text.size()) text_ = changed_ = wafer::nfc(text);
        }
        maybe_changed(const maybe_changed&) = delete;
        maybe_changed& operator=(const maybe_changed&) = delete;
        operator std::string_view() const noexcept { return text_; }

    private:
        std::string changed_;
        std::string_view text_;
    };
    [[nodiscard]] maybe_changed normalized(std::string_view text) const { return {text, nfc_}; }

    [[nodiscard]] std::string broken(const special_tokens& among, std::string_view text) const {
        std::string out;
        std::size_t at = 0;
        while (const auto special = among.find(pieces_, text, at)) {
            std::size_t first = special->begin + 1;  // to the end of its first character
            while (first < text.size() && (static_cast<unsigned char>(text[first]) & 0xC0) == 0x80) ++first;
            out.append(text, at, first - at) += joint;
            at = first;
        }
        return out.append(text, at);
    }

    void encode_plain(std::string_view text, piece_cache& cache, std::vector<token_id>& out) const {
        if (text.find(joint) != text.npos) return encode_plain(replace_all(text, joint, {}), cache, out);
        if (text.empty()) return;
        std::visit([&](const auto& model) { model.encode(text, pieces_, cache, out); }, model_);
    }

    vocabulary source_;
    token_pieces pieces_;
    bool nfc_ = false;
    models model_;
    special_tokens specials_, late_specials_;  // found before normalizing and after
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
        const bool after_special = after_special_;
        after_special_ = tokenizer_->is_special(id);
        if (controls_ == control_text::hide && tokenizer_->is_control(id)) return flush();
        std::string_view piece = tokenizer_->piece(id);
        if (after_special && !after_special_ && tokenizer_->adds_space() && piece.starts_with(' '))
            piece.remove_prefix(1);
        return text_.feed(piece);
    }
    /// Ends the stream: an unfinished character becomes U+FFFD.
    [[nodiscard]] std::string flush() { return text_.flush(); }

private:
    const tokenizer* tokenizer_;
    control_text controls_;
    bool after_special_ = true;  // as at the beginning of a text
    utf8_accumulator text_;
};

inline std::string tokenizer::decode(std::span<const token_id> ids, control_text controls) const {
    detokenizer text(*this, controls);
    std::string out;
    for (const token_id id : ids) out += text.feed(id);
    return out += text.flush();
}

}  // namespace wafer::inline WAFER_ABI
