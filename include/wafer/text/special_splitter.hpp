// SPDX-License-Identifier: MIT
// L1 text: cuts a text at the special tokens that are written out in it, with what tokenizer.json says of each, and
// brings what is between them to its normal form. Knows no tokenizer models.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <wafer/core/config.hpp>
#include <wafer/core/stop_signal.hpp>
#include <wafer/core/utf8.hpp>
#include <wafer/text/nfc.hpp>
#include <wafer/text/special_tokens.hpp>
#include <wafer/text/unicode.hpp>
#include <wafer/text/vocabulary.hpp>

namespace wafer::inline WAFER_ABI {

/// What to do with special tokens that are written out in a text: a template's are meant, a user's may be an attack.
/// As text, those that steer the model are text; user-defined ones, which are text anyway, are still taken whole.
enum class special_text : std::uint8_t { parse, as_text };

/// Finds special tokens before and after normalization form C is made, whose own texts are then in that form, too.
class special_splitter {
public:
    /// One that is found, `steers` if it is no text of a conversation.
    struct token {
        std::string_view text;
        bool steers = false;
        added_token how;
    };

    special_splitter() = default;
    /// Tokens that are not UTF-8 are left out, as no text has them. `nfc`: texts are normalized.
    special_splitter(const std::vector<token>& tokens, bool nfc) : nfc_(nfc) {
        const auto among = [&](auto&& wanted) {
            std::vector<special_tokens::entry> out;
            for (const token& t : tokens) {
                if (!wanted(t) || !is_utf8(t.text)) continue;
                out.push_back({t.how.after_normalizing && nfc ? wafer::nfc(t.text) : std::string(t.text),
                               static_cast<token_id>(&t - tokens.data())});
            }
            return special_tokens(std::move(out));
        };
        const auto late = [](const token& t) { return t.how.after_normalizing; };
        all_ = {among([&](const token& t) { return !late(t); }), among(late)};
        harmless_ = {among([&](const token& t) { return !t.steers && !late(t); }),
                     among([&](const token& t) { return !t.steers && late(t); })};
        steering_ = among([](const token& t) { return t.steers; });
        for (const token& t : tokens) kinds_.push_back({t.steers, t.how});
    }

    /// Calls take(id, text) for special tokens and rest(text) for what is between them, normalized, in order, up to a stop.
    /// @pre text is UTF-8.
    template <class Take, class Rest>
    void cut(std::string_view text, special_text how, const stop_signal* stop, Take&& take, Rest&& rest) const {
        stop_poll stopped(stop);
        if (how == special_text::as_text) return cut_harmless(text, stopped, take, rest);
        cut_at(all_, text, stopped, take, [&](std::string_view part) {
            if (part.find(joint) == part.npos) return rest(part);
            if (const std::string plain = without_joints(part); !plain.empty()) rest(std::string_view(plain));
        });
    }

    /// The text, normalized, with every token in it that steers the model broken by a joint, a noncharacter that cut()
    /// drops again: what somebody typed then passes through a template without becoming a control token.
    [[nodiscard]] std::string inert(std::string_view text, const stop_signal* stop = nullptr) const {
        std::string out;
        stop_poll stopped(stop);
        const auto take = [&](token_id, std::string_view whole) {
            // None that begins before this token or with it goes on; yet `out` does not begin with a joint.
            if (!out.empty()) out += joint;
            (out += whole) += joint;
        };
        cut_harmless(text, stopped, take, [&](std::string_view part) {
            std::size_t at = 0;
            for (auto found = steering_.find(part, at, stopped); found && !stopped();
                 found = steering_.find(part, at, stopped)) {
                const std::size_t second = utf8_next(part, found->begin);
                out.append(part, at, second - at) += joint;
                at = second;
            }
            out.append(part, at);
        });
        return out;
    }

private:
    static constexpr std::string_view joint = "\xEF\xB7\x90";  // U+FDD0: no character, never in text for others to read

    struct kind {
        bool steers;
        added_token how;
    };
    struct token_sets {
        special_tokens early, late;  // found before normalizing and after; ids are places in kinds_
    };

    static std::string without_joints(std::string_view text) {
        std::string out;
        std::size_t at = 0;
        for (std::size_t found; (found = text.find(joint, at)) != text.npos; at = found + joint.size())
            out.append(text, at, found - at);
        return out.append(text, at);
    }

    template <class Take, class Rest>
    void cut_harmless(std::string_view text, stop_poll& stopped, Take&& take, Rest&& rest) const {
        if (text.find(joint) != text.npos) return cut_at(harmless_, without_joints(text), stopped, take, rest);
        cut_at(harmless_, text, stopped, take, rest);
    }
    template <class Take, class Rest>
    void cut_at(const token_sets& sets, std::string_view text, stop_poll& stopped, Take&& take, Rest&& rest) const {
        split_at(sets.early, text, stopped, take, [&](std::string_view part) {
            split_at(sets.late, maybe_changed(part, nfc_, stopped), stopped, take, rest);
        });
    }
    template <class Take, class Rest>
    void split_at(const special_tokens& among, std::string_view text, stop_poll& stopped, Take&& take,
                  Rest&& rest) const {
        std::size_t at = 0;
        for (auto found = find_added(among, text, at, stopped); found && !stopped();
             found = find_added(among, text, at, stopped)) {
            if (found->begin != at) rest(text.substr(at, found->begin - at));
            at = found->begin + found->length;
            take(kinds_[static_cast<std::size_t>(found->id)].how.id, text.substr(found->begin, found->length));
        }
        if (at != text.size()) rest(text.substr(at));
    }

    // The next special token with the white space that goes with it.
    [[nodiscard]] std::optional<special_tokens::match> find_added(const special_tokens& among, std::string_view text,
                                                                  std::size_t from, stop_poll& stopped) const noexcept {
        auto found = among.find(text, from, stopped);
        while (found && passes_by(text, *found)) found = among.find(text, found->begin + found->length, stopped);
        if (!found) return found;
        const added_token& how = kinds_[static_cast<std::size_t>(found->id)].how;
        std::size_t end = found->begin + found->length;
        if (how.lstrip)
            while (found->begin > from && is_white_space(char_before(text, found->begin)))
                found->begin = utf8_previous(text, found->begin);
        if (how.rstrip)
            while (end < text.size() && is_white_space(decode_utf8(text, end).code)) end = utf8_next(text, end);
        found->length = end - found->begin;
        return found;
    }
    // Whether a token that is written there is not meant.
    [[nodiscard]] bool passes_by(std::string_view text, const special_tokens::match& found) const noexcept {
        const kind& k = kinds_[static_cast<std::size_t>(found.id)];
        const std::size_t end = found.begin + found.length;
        // A token of one character has no place for a joint inside, so that inert() puts it behind.
        if (k.steers && utf8_next(text, found.begin) == end && text.substr(end).starts_with(joint)) return true;
        return k.how.single_word && ((found.begin > 0 && in_word(char_before(text, found.begin))) ||
                                     (end < text.size() && in_word(decode_utf8(text, end).code)));
    }
    // \w of Unicode regular expressions. @cite UTS #18, annex C.
    static bool in_word(char32_t code) noexcept {
        const general_category c = category(code);
        return is_letter(c) || is_mark(c) || c == general_category::nd || c == general_category::nl ||
               c == general_category::pc || code == 0x200C || code == 0x200D || (code >= 0x24B6 && code <= 0x24E9) ||
               (code >= 0x1F130 && code <= 0x1F149) || (code >= 0x1F150 && code <= 0x1F169) ||
               (code >= 0x1F170 && code <= 0x1F189);
    }
    static char32_t char_before(std::string_view text, std::size_t at) noexcept {
        return decode_utf8(text, utf8_previous(text, at)).code;
    }

    // A text that is normalized only where it has to be: most is already.
    class maybe_changed {
    public:
        maybe_changed(std::string_view text, bool nfc, stop_poll& stopped) : text_(text) {
            if (nfc && nfc_prefix(text) != text.size()) text_ = changed_ = wafer::nfc(text, stopped);
        }
        maybe_changed(const maybe_changed&) = delete;
        maybe_changed& operator=(const maybe_changed&) = delete;
        operator std::string_view() const noexcept { return text_; }

    private:
        std::string changed_;
        std::string_view text_;
    };
    bool nfc_ = false;
    token_sets all_, harmless_;
    special_tokens steering_;
    std::vector<kind> kinds_;
};

}  // namespace wafer::inline WAFER_ABI
