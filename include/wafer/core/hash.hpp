// SPDX-License-Identifier: MIT
// L0 core: a fast 64-bit hash of bytes, for checksums and fingerprints. Not against adversaries.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <type_traits>

#include <wafer/core/bits.hpp>
#include <wafer/core/config.hpp>

namespace wafer::inline WAFER_ABI {

/// h = (h ^ word) * odd, folded, for each 8 bytes: every step is a bijection, so that no single change can be lost. Equal
/// bytes give equal hashes, however they were cut into pieces.  @cost about 2 GB/s
class hash64 {
public:
    /// Goes on with these bytes.
    hash64& add(std::span<const std::byte> piece) noexcept {
        length_ += piece.size();
        while (!piece.empty()) {
            if (held_ == 0 && piece.size() >= 8) {
                std::uint64_t h = hash_;
                for (; piece.size() >= 8; piece = piece.subspan(8)) h = step(h, load_le<std::uint64_t>(piece.data()));
                hash_ = h;
                continue;
            }
            word_ |= std::to_integer<std::uint64_t>(piece.front()) << (8 * held_);
            piece = piece.subspan(1);
            if (++held_ == 8) {
                hash_ = step(hash_, word_);
                word_ = held_ = 0;
            }
        }
        return *this;
    }
    /// Goes on with a text: its length, then its bytes, so that texts side by side do not run together.
    hash64& add(std::string_view text) noexcept {
        return add(std::uint64_t{text.size()}).add({reinterpret_cast<const std::byte*>(text.data()), text.size()});
    }
    /// A number, byte by byte as it lies in memory.
    template <class T>
    requires std::is_arithmetic_v<T> || std::is_enum_v<T> hash64& add(T value) noexcept {
        return add({reinterpret_cast<const std::byte*>(&value), sizeof value});
    }

    /// The hash of all that was added. More may follow.
    [[nodiscard]] std::uint64_t value() const noexcept { return step(step(hash_, word_), length_); }

private:
    [[nodiscard]] static constexpr std::uint64_t step(std::uint64_t h, std::uint64_t word) noexcept {
        h = (h ^ word) * 0x9e3779b97f4a7c15;
        return h ^ h >> 32;
    }

    std::uint64_t hash_ = 0x2545f4914f6cdd1d;
    std::uint64_t word_ = 0, held_ = 0;  // bytes that do not fill a word yet
    std::uint64_t length_ = 0;
};

}  // namespace wafer::inline WAFER_ABI
