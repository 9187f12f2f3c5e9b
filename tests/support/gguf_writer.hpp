// SPDX-License-Identifier: MIT
// Test support: writes GGUF into memory, value by value and unchecked, so that hostile files are as easy as good ones.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <wafer/core/dtype.hpp>

namespace wafer_test {

/// Little-endian bytes, appended.
class byte_writer {
public:
    template <class T>
    requires std::is_arithmetic_v<T> byte_writer& put(T value) {
        const auto* first = reinterpret_cast<const std::byte*>(&value);
        out_.insert(out_.end(), first, first + sizeof value);
        return *this;
    }
    byte_writer& raw(std::span<const std::byte> data) {
        out_.insert(out_.end(), data.begin(), data.end());
        return *this;
    }
    byte_writer& raw(std::string_view text) { return raw(std::as_bytes(std::span(text))); }
    byte_writer& string(std::string_view text) { return put(std::uint64_t{text.size()}).raw(text); }
    byte_writer& pad(std::size_t alignment) {
        while (out_.size() % alignment != 0) out_.push_back(std::byte{0});
        return *this;
    }
    [[nodiscard]] const std::vector<std::byte>& bytes() const { return out_; }

private:
    std::vector<std::byte> out_;
};

/// The number that GGUF gives to the type of a metadata value.
template <class T>
constexpr std::uint32_t gguf_type_of() {
    if constexpr (std::is_same_v<T, std::uint8_t>) return 0;
    else if constexpr (std::is_same_v<T, std::int8_t>) return 1;
    else if constexpr (std::is_same_v<T, std::uint16_t>) return 2;
    else if constexpr (std::is_same_v<T, std::int16_t>) return 3;
    else if constexpr (std::is_same_v<T, std::uint32_t>) return 4;
    else if constexpr (std::is_same_v<T, std::int32_t>) return 5;
    else if constexpr (std::is_same_v<T, float>) return 6;
    else if constexpr (std::is_same_v<T, bool>) return 7;
    else if constexpr (std::is_same_v<T, std::uint64_t>) return 10;
    else if constexpr (std::is_same_v<T, std::int64_t>) return 11;
    else if constexpr (std::is_same_v<T, double>) return 12;
    else return 8;
}
inline constexpr std::uint32_t gguf_array = 9;

/// Collects metadata and tensors, then writes the file. What it announces may be overridden to lie.
class gguf_writer {
public:
    std::uint32_t version = 3;
    std::uint32_t alignment = 32;
    std::string_view magic = "GGUF";

    /// One metadata pair. T is a number, bool or anything a string_view takes.
    template <class T>
    gguf_writer& pair(std::string_view key, const T& value) {
        pairs_.string(key).put(gguf_type_of<T>());
        put_value(value);
        ++n_pairs_;
        return *this;
    }
    template <class T>
    gguf_writer& array(std::string_view key, const std::vector<T>& values) {
        pairs_.string(key).put(gguf_array).put(gguf_type_of<T>()).put(std::uint64_t{values.size()});
        for (const auto& value : values) put_value(static_cast<T>(value));
        ++n_pairs_;
        return *this;
    }
    /// Any bytes in place of a pair.
    gguf_writer& raw_pair(const byte_writer& pair) {
        pairs_.raw(pair.bytes());
        ++n_pairs_;
        return *this;
    }

    /// A tensor of given bytes at the next aligned place. Extents are row-major: GGUF's order reversed.
    gguf_writer& tensor(std::string_view name, wafer::dtype type, const std::vector<std::uint64_t>& extents,
                        std::span<const std::byte> data) {
        data_.pad(alignment);
        raw_tensor(name, {extents.rbegin(), extents.rend()}, wafer::info(type).gguf_id, data_.bytes().size());
        data_.raw(data);
        return *this;
    }
    gguf_writer& tensor(std::string_view name, const std::vector<std::uint64_t>& extents,
                        std::span<const float> values) {
        return tensor(name, wafer::dtype::f32, extents, std::as_bytes(values));
    }
    /// Any entry in the tensor table, in GGUF's own order, without data.
    gguf_writer& raw_tensor(std::string_view name, const std::vector<std::uint64_t>& extents, std::uint32_t type,
                            std::uint64_t offset) {
        tensors_.string(name).put(static_cast<std::uint32_t>(extents.size()));
        for (const auto extent : extents) tensors_.put(extent);
        tensors_.put(type).put(offset);
        ++n_tensors_;
        return *this;
    }
    gguf_writer& raw_data(std::size_t size) {
        data_.raw(std::vector<std::byte>(size));
        return *this;
    }

    gguf_writer& announce(std::uint64_t n_tensors, std::uint64_t n_pairs) {
        n_tensors_ = n_tensors;
        n_pairs_ = n_pairs;
        return *this;
    }

    [[nodiscard]] std::vector<std::byte> bytes() const {
        byte_writer out;
        out.raw(magic).put(version).put(n_tensors_).put(n_pairs_).raw(pairs_.bytes()).raw(tensors_.bytes());
        if (!data_.bytes().empty()) out.pad(alignment).raw(data_.bytes());
        return out.bytes();
    }
    void save(const std::filesystem::path& path) const {
        const auto all = bytes();
        std::ofstream(path, std::ios::binary)
            .write(reinterpret_cast<const char*>(all.data()), static_cast<std::streamsize>(all.size()));
    }

private:
    template <class T>
    void put_value(const T& value) {
        if constexpr (std::is_arithmetic_v<T>) pairs_.put(value);
        else pairs_.string(value);
    }

    byte_writer pairs_, tensors_, data_;
    std::uint64_t n_pairs_ = 0, n_tensors_ = 0;
};

}  // namespace wafer_test
