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
#include <wafer/core/stop_signal.hpp>
#include <wafer/text/bpe.hpp>
#include <wafer/text/control_names.hpp>
#include <wafer/text/piece_cache.hpp>
#include <wafer/text/sentencepiece.hpp>
#include <wafer/text/special_splitter.hpp>
#include <wafer/text/token_table.hpp>
#include <wafer/text/utf8.hpp>
#include <wafer/text/vocabulary.hpp>

namespace wafer::inline WAFER_ABI {

/// What control tokens leave in decoded text.
enum class control_text : std::uint8_t { hide, show };

/// Encodes and decodes text. Const after construction and shared by threads.
class tokenizer {
public:
    /// Tokens that have the names of control tokens are such, whatever their type; of tokens with the same text the last one
    /// is what encode() gives. warnings() tells of both.
    /// @throws error{errc::unsupported_tokenizer}, with the list of known ones; error{errc::bad_vocabulary} for ids out
    ///         of range, arrays of other lengths, merges of unknown tokens, bytes without a token, or special tokens
    ///         above 256 bytes; error{errc::out_of_memory}
    explicit tokenizer(vocabulary source)
        : source_(std::move(source)), model_(or_out_of_memory([&] { return build(); })) {
        or_out_of_memory([&] { index(); });
    }

    /// The tokens of a text; neither BOS nor EOS is added. Special tokens are found first, in the text as it is; what
    /// is between them is normalized, split and merged.
    /// @param stop  ends it early: then the tokens are of no use
    /// @throws error{errc::bad_utf8} with the byte offset in the text; error{errc::invalid_argument} above 1 GiB;
    /// error{errc::out_of_memory}
    /// @cost near linear in text made of words, O(n log n) and about 40 n bytes for a piece of n bytes without a split.
    [[nodiscard]] std::vector<token_id> encode(std::string_view text, special_text specials = special_text::parse,
                                               const stop_signal* stop = nullptr) const {
        if (text.size() > longest_text)
            raise(errc::invalid_argument, "a text of " + std::to_string(text.size()) + " bytes: encode it in parts");
        if (const std::size_t bad = find_invalid_utf8(text); bad != text.size())
            raise(errc::bad_utf8, "text is not UTF-8", {{}, bad, {}});
        return or_out_of_memory([&] {
            std::vector<token_id> out;
            piece_cache cache(text.size(), stop);
            specials_.cut(
                text, specials, stop, [&](token_id id, std::string_view) { out.push_back(id); },
                [&](std::string_view part) {
                    std::visit([&](const auto& model) { model.encode(part, pieces_, cache, out); }, model_);
                });
            return out;
        });
    }

    /// The text with every token in it that steers the model broken by a noncharacter that encode() drops again: what
    /// somebody typed then passes through a template, and encodes as special_text::as_text does.
    /// @param stop  ends it early: then the text is of no use
    /// @pre text is UTF-8.
    [[nodiscard]] std::string inert(std::string_view text, const stop_signal* stop = nullptr) const {
        return or_out_of_memory([&] { return specials_.inert(text, stop); });
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
        if (const auto special = special_index_.find(pieces_, raw)) return special;
        return std::visit([&](const auto& model) { return model.find(pieces_, raw); }, model_);
    }

    /// How many tokens there are; ids are below that.
    [[nodiscard]] std::size_t size() const noexcept { return pieces_.size(); }
    /// Whether that is the id of a token.
    [[nodiscard]] bool contains(token_id id) const noexcept { return id >= 0 && static_cast<std::size_t>(id) < size(); }
    /// Steers the model and is not part of the text.
    [[nodiscard]] bool is_control(token_id id) const noexcept { return has(id, control_flag); }
    /// Found whole in a text before anything else: control tokens and user-defined ones. (So is the unknown token, which
    /// yet stands for text in what a model writes.)
    [[nodiscard]] bool is_special(token_id id) const noexcept { return has(id, special_flag); }
    /// Ends an answer: the file's eos, eot and eom, and the usual names of such tokens.
    [[nodiscard]] bool is_end(token_id id) const noexcept { return has(id, end_flag); }

    /// The token that begins a text, if the file names one.
    [[nodiscard]] std::optional<token_id> bos() const noexcept { return source_.bos; }
    /// The token that ends a text, if the file names one.
    [[nodiscard]] std::optional<token_id> eos() const noexcept { return source_.eos; }
    /// Whether the model expects prompts to begin with bos(), and there is one. encode() never adds it.
    [[nodiscard]] bool adds_bos() const noexcept { return source_.add_bos && source_.bos; }
    /// Whether it expects them to end with eos(), and there is one.
    [[nodiscard]] bool adds_eos() const noexcept { return source_.add_eos && source_.eos; }
    /// What the vocabulary says that was passed over, a line each.
    [[nodiscard]] std::span<const std::string> warnings() const noexcept { return source_.warnings; }
    /// Whether a text, or what follows a special token, is encoded as if a space were before it (SentencePiece).
    [[nodiscard]] bool adds_space(bool after_special = false) const noexcept {
        return std::visit([&](const auto& model) { return model.adds_space(after_special); }, model_);
    }

private:
    /// The tokenizer models. Each has a static piece(stored), a constructor from (vocabulary, pieces), adds_space,
    /// encode and find.
    using models = std::variant<byte_level_bpe, sentencepiece>;
    static constexpr std::uint8_t control_flag = 1, end_flag = 2, special_flag = 4;
    static constexpr std::size_t longest_text = std::size_t{1} << 30;  // NFC triples at most; positions have 32 bits
    static constexpr std::size_t longest_special = 256;                // bytes; bounds how far the search looks ahead

    [[nodiscard]] bool has(token_id id, std::uint8_t flag) const noexcept {
        return contains(id) && (flags_[static_cast<std::size_t>(id)] & flag) != 0;
    }
    [[nodiscard]] token_type type_of(token_id id) const noexcept {
        return source_.types.empty() ? token_type::normal : source_.types[static_cast<std::size_t>(id)];
    }

    void index() {
        flags_.resize(size());
        std::vector<special_splitter::token> specials;
        for (token_id id = 0; id < static_cast<token_id>(size()); ++id) {
            const token_type type = type_of(id);
            auto& flags = flags_[static_cast<std::size_t>(id)];
            const bool steers = type == token_type::control || type == token_type::unknown;
            if (steers) flags |= control_flag;
            if (!steers && type != token_type::user_defined) continue;
            if (type != token_type::unknown) flags |= special_flag;
            if (const auto* name = find_control_name(pieces_[id]); name != nullptr && name->ends) flags |= end_flag;
            specials.push_back({pieces_[id], steers, {.id = id}});
        }
        index_specials(specials);
        // In harmony this ends a message, and the turn goes on.
        if (const auto message_end = special_index_.find(pieces_, "<|end|>");
            message_end && special_index_.find(pieces_, "<|return|>") && special_index_.find(pieces_, "<|call|>"))
            flags_[static_cast<std::size_t>(*message_end)] &= static_cast<std::uint8_t>(~end_flag);
        for (const auto end : {source_.eos, source_.eot, source_.eom})
            if (end) flags_[static_cast<std::size_t>(*end)] |= end_flag;
        for (const added_token& token : source_.added) read_added(token, specials);
        specials_ = special_splitter(specials, nfc_);
        // The stored forms have served; what remains of the source are its ids.
        source_.tokens = {};
        source_.types = {};
        source_.merges = {};
        source_.scores = {};
        source_.added = {};
    }

    models build() {
        check_shape();
        correct_types(source_);
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
        const std::pair<std::string_view, std::optional<token_id>> ids[] = {{"bos", source_.bos},
                                                                            {"eos", source_.eos},
                                                                            {"eot", source_.eot},
                                                                            {"eom", source_.eom},
                                                                            {"unknown", source_.unknown}};
        for (const auto& [name, id] : ids)
            if (id && (*id < 0 || static_cast<std::size_t>(*id) >= n))
                raise(errc::bad_vocabulary, "the " + std::string(name) + " token is " + std::to_string(*id) +
                                                " in a vocabulary of " + std::to_string(n));
    }

    static std::string parse_byte(std::string_view stored) {
        const auto byte = byte_of_name(stored);
        if (!byte) raise(errc::bad_vocabulary, "byte token \"" + std::string(stored) + "\" is not of the form <0xNN>");
        return std::string(1, static_cast<char>(*byte));
    }

    // Of those that are the same text the last one stays among the specials.
    void index_specials(std::vector<special_splitter::token>& specials) {
        special_index_ = token_index(specials.size());
        std::vector<token_id> shadowed;
        for (const auto& [text, steers, how] : specials) {
            if (text.size() > longest_special)
                raise(errc::bad_vocabulary, "special token " + std::to_string(how.id) + " has " +
                                                std::to_string(text.size()) + " bytes; at most " +
                                                std::to_string(longest_special) + " are supported");
            if (text.empty()) continue;  // never found
            if (const auto twin = special_index_.find(pieces_, text)) shadowed.push_back(*twin);
            insert_last(special_index_, pieces_, how.id, source_);
        }
        std::sort(shadowed.begin(), shadowed.end());
        std::erase_if(specials, [&](const special_splitter::token& t) {
            return std::binary_search(shadowed.begin(), shadowed.end(), t.how.id);
        });
    }

    void read_added(const added_token& token, std::vector<special_splitter::token>& specials) const {
        if (!contains(token.id))
            raise(errc::bad_vocabulary, "added token " + std::to_string(token.id) + " is outside the vocabulary of " +
                                            std::to_string(size()));
        const auto special = std::lower_bound(specials.begin(), specials.end(), token.id,
                                              [](const auto& s, token_id id) { return s.how.id < id; });
        if (special != specials.end() && special->how.id == token.id) special->how = token;
    }

    vocabulary source_;
    token_pieces pieces_;
    bool nfc_ = false;
    models model_;
    token_index special_index_ = or_out_of_memory([] { return token_index(); });
    special_splitter specials_;
    std::vector<std::uint8_t> flags_;
};

/// Text from tokens as they come, for streaming: never a broken character, control tokens hidden unless asked for.
/// The tokenizer must outlive it.
class detokenizer {
public:
    /// `continues`: the tokens go on with a text that is there, so that a space before the first is part of it, not the
    /// one which encode() puts before a text.
    explicit detokenizer(const tokenizer& source, control_text controls = control_text::hide, bool continues = false)
        : tokenizer_(&source), controls_(controls), drops_space_(!continues && source.adds_space()) {}

    /// The text that is certain after this token; may be empty while a character is unfinished.
    [[nodiscard]] std::string feed(token_id id) {
        const bool special = tokenizer_->is_special(id);
        std::string_view piece = tokenizer_->piece(id);
        if (drops_space_ && !special && piece.starts_with(' ')) piece.remove_prefix(1);
        drops_space_ = special && (drops_space_ || tokenizer_->adds_space(true));
        if (controls_ == control_text::hide && tokenizer_->is_control(id)) return flush();
        return or_out_of_memory([&] { return text_.feed(piece); });
    }
    /// Ends the stream: an unfinished character becomes U+FFFD.
    [[nodiscard]] std::string flush() {
        return or_out_of_memory([&] { return text_.flush(); });
    }

private:
    const tokenizer* tokenizer_;
    control_text controls_;
    bool drops_space_;  // a space that comes next is encode()'s
    utf8_accumulator text_;
};

inline std::string tokenizer::decode(std::span<const token_id> ids, control_text controls) const {
    return or_out_of_memory([&] {
        detokenizer text(*this, controls);
        std::string out;
        for (const token_id id : ids) out += text.feed(id);
        return out += text.flush();
    });
}

}  // namespace wafer::inline WAFER_ABI
