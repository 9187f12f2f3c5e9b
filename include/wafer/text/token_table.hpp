// SPDX-License-Identifier: MIT
// L1 text: the bytes of every token, side by side in memory, and the way back from bytes to a token. Shared by all tokenizers.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <wafer/core/config.hpp>
#include <wafer/core/error.hpp>
#include <wafer/text/vocabulary.hpp>

namespace wafer::inline WAFER_ABI {

/// Token pieces in order of their ids; grows by add() only.
class token_pieces {
public:
    /// Appends the bytes of the next id.
    void add(std::string_view raw) {
        bytes_ += raw;
        ends_.push_back(bytes_.size());
    }
    [[nodiscard]] std::size_t size() const noexcept { return ends_.size(); }
    /// @pre 0 <= id < size().
    [[nodiscard]] std::string_view operator[](token_id id) const noexcept {
        const auto i = static_cast<std::size_t>(id);
        const std::size_t begin = i == 0 ? 0 : ends_[i - 1];
        return std::string_view(bytes_).substr(begin, ends_[i] - begin);
    }

private:
    std::string bytes_;
    std::vector<std::size_t> ends_;
};

/// How far the tables of a vocabulary look for a free slot. Half of them are free: real files need a few dozen steps,
/// and a file that is made to need more would take quadratic time.
inline constexpr std::size_t most_probes = 1000;

/// From bytes to ids, for some of the tokens in a token_pieces: open addressing over ids, no second copy of the bytes.
class token_index {
public:
    /// Room for `count` tokens.
    explicit token_index(std::size_t count = 0) : slots_(std::bit_ceil(count * 2 + 1), none) {}

    /// Enters an id, in the place of the one that has these bytes already, which is returned if there is one.
    /// @pre at most `count` ids are entered. @throws error{errc::bad_vocabulary} for tokens that are chosen to collide.
    std::optional<token_id> insert(const token_pieces& pieces, token_id id) {
        const std::size_t slot = find_slot(pieces, pieces[id]);
        if (slot == nowhere) raise(errc::bad_vocabulary, "tokens chosen to collide");
        const token_id twin = std::exchange(slots_[slot], id);
        return twin == none ? std::nullopt : std::optional(twin);
    }
    /// The token with exactly these bytes.
    [[nodiscard]] std::optional<token_id> find(const token_pieces& pieces, std::string_view raw) const noexcept {
        const std::size_t slot = find_slot(pieces, raw);
        return slot == nowhere || slots_[slot] == none ? std::nullopt : std::optional(slots_[slot]);
    }

private:
    static constexpr token_id none = -1;
    static constexpr std::size_t nowhere = SIZE_MAX;

    // The slot that has these bytes or is free for them.
    std::size_t find_slot(const token_pieces& pieces, std::string_view raw) const noexcept {
        const std::size_t mask = slots_.size() - 1;
        std::size_t slot = std::hash<std::string_view>{}(raw)&mask;
        for (std::size_t probes = 0; slots_[slot] != none && pieces[slots_[slot]] != raw; slot = (slot + 1) & mask)
            if (++probes > most_probes) return nowhere;
        return slot;
    }

    std::vector<token_id> slots_;
};

/// Enters a token. Of those that are the same text the last one is found, as in llama.cpp: a text has one token.
/// @throws error{errc::bad_vocabulary}, as insert()
inline void insert_last(token_index& index, const token_pieces& pieces, token_id id, vocabulary& source) {
    if (const auto twin = index.insert(pieces, id))
        source.warn("tokens " + std::to_string(*twin) + " and " + std::to_string(id) + " are both \"" +
                    source.tokens[static_cast<std::size_t>(id)] + "\": the text is encoded as the latter");
}

/// The token for text that has none. Not one that steers the model, as some files name the end of text: nothing that is
/// typed may become that.
[[nodiscard]] inline std::optional<token_id> unknown_of(const vocabulary& source) {
    if (!source.unknown || source.types.empty()) return source.unknown;
    const auto i = static_cast<std::size_t>(*source.unknown);
    const bool steers = source.types[i] == token_type::control && source.tokens[i] != "<unk>";
    return steers ? std::nullopt : source.unknown;
}

/// @throws error{errc::bad_vocabulary} for a byte of UTF-8 that has no token where nothing stands for unknown ones.
inline void require_byte(unsigned byte, bool has_token, bool has_unknown) {
    const bool in_utf8 = byte < 0xC0 || (byte >= 0xC2 && byte <= 0xF4);
    if (in_utf8 && !has_token && !has_unknown)
        raise(errc::bad_vocabulary,
              "no token stands for byte " + std::to_string(byte) + " and there is no unknown token");
}

}  // namespace wafer::inline WAFER_ABI
