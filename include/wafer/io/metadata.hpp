// SPDX-License-Identifier: MIT
// L3 io: what a checkpoint says about itself: keys and typed values. Knows no file format and no architecture.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include <wafer/core/config.hpp>
#include <wafer/core/error.hpp>
#include <wafer/core/human.hpp>

namespace wafer::inline WAFER_ABI {

/// A value of the metadata. Formats widen their integers and floats to these; strings are views into the checkpoint.
using metadata_value = std::variant<bool, std::uint64_t, std::int64_t, double, std::string_view,  //
                                    std::vector<bool>, std::vector<std::uint64_t>, std::vector<std::int64_t>,
                                    std::vector<double>, std::vector<std::string_view>>;

namespace detail {

template <class T>
concept integer = std::integral<T> && !std::same_as<T, bool>;

template <class T>
inline constexpr bool is_vector = false;
template <class E>
inline constexpr bool is_vector<std::vector<E>> = true;

template <class E>
[[nodiscard]] std::string plural() {
    if constexpr (std::same_as<E, bool>) return "bools";
    else if constexpr (std::integral<E>) return "integers";
    else if constexpr (std::floating_point<E>) return "numbers";
    else return "strings";
}

}  // namespace detail

/// Keys and values in the order of the file. All strings, keys too, are views that live as long as the checkpoint.
///
/// What T may be in find<T> and require<T>, and what converts to it:
///   bool                                  a bool
///   an integer type                       any integer that T can hold
///   float, double                         any float (rounded to T), and an integer that T holds exactly
///   std::string_view, std::string         a string
///   std::vector<N>, N as above            an array, element by element
///   std::span<const std::string_view>     an array of strings, without copying it
class metadata {
public:
    /// A key and its value.
    struct entry {
        std::string_view key;
        metadata_value value;
    };

    /// Empty.
    metadata() = default;
    /// `source` names the file in errors.
    explicit metadata(std::string source) : source_(std::move(source)) {}

    /// Adds a key, unless it is there already: then nothing changes and the answer is false.
    [[nodiscard]] bool insert(std::string_view key, metadata_value value) {
        if (!index_.emplace(key, entries_.size()).second) return false;
        entries_.push_back({key, std::move(value)});
        return true;
    }

    /// All of them, in the order of the file.
    [[nodiscard]] std::span<const entry> entries() const noexcept { return entries_; }
    /// Whether there is such a key, of whatever type. O(log n).
    [[nodiscard]] bool contains(std::string_view key) const noexcept { return index_.contains(key); }

    /// The value of `key` as it is stored, or null. Valid until the next insert. O(log n).
    [[nodiscard]] const metadata_value* find_value(std::string_view key) const noexcept {
        const auto at = index_.find(key);
        return at == index_.end() ? nullptr : &entries_[at->second].value;
    }

    /// The value of `key`, or nothing if the file has no such key.
    /// @throws error{errc::wrong_type} if the value does not convert to T
    template <class T>
    [[nodiscard]] std::optional<T> find(std::string_view key) const {
        const metadata_value* value = find_value(key);
        if (value == nullptr) return std::nullopt;
        std::optional<T> result = convert<T>(*value);
        if (!result)
            raise(errc::wrong_type, "metadata is " + describe(*value) + ", which is not what its reader needs",
                  where(key));
        return result;
    }

    /// The value of `key`. @throws error{errc::missing_key}; error{errc::wrong_type} if it does not convert to T
    template <class T>
    [[nodiscard]] T require(std::string_view key) const {
        if (auto value = find<T>(key)) return *std::move(value);
        raise(errc::missing_key, "metadata lacks a key that is needed", where(key));
    }

    /// "the integer 7", "an array of 3 strings": for messages and listings.
    [[nodiscard]] static std::string describe(const metadata_value& value) {
        return std::visit(
            [](const auto& v) -> std::string {
                using V = std::decay_t<decltype(v)>;
                if constexpr (std::same_as<V, bool>) return v ? "true" : "false";
                else if constexpr (std::integral<V>) return "the integer " + std::to_string(v);
                else if constexpr (std::floating_point<V>) return "the number " + fixed(v, 6);
                else if constexpr (std::same_as<V, std::string_view>)
                    return "a string of " + std::to_string(v.size()) + " bytes";
                else return "an array of " + std::to_string(v.size()) + " " + detail::plural<typename V::value_type>();
            },
            value);
    }

private:
    // (No std::visit: this is compiled for every T, and each visit costs a user's compiler more than all of these.)
    template <class T>
    [[nodiscard]] static std::optional<T> convert(const metadata_value& value) {
        if constexpr (std::same_as<T, std::span<const std::string_view>>) {
            if (const auto* all = std::get_if<std::vector<std::string_view>>(&value)) return T(*all);
        } else if constexpr (detail::is_vector<T>) {
            if (const auto* all = std::get_if<std::vector<bool>>(&value)) return convert_all<T>(*all);
            if (const auto* all = std::get_if<std::vector<std::uint64_t>>(&value)) return convert_all<T>(*all);
            if (const auto* all = std::get_if<std::vector<std::int64_t>>(&value)) return convert_all<T>(*all);
            if (const auto* all = std::get_if<std::vector<double>>(&value)) return convert_all<T>(*all);
            if (const auto* all = std::get_if<std::vector<std::string_view>>(&value)) return convert_all<T>(*all);
        } else {
            if (const auto* one = std::get_if<bool>(&value)) return convert_one<T>(*one);
            if (const auto* one = std::get_if<std::uint64_t>(&value)) return convert_one<T>(*one);
            if (const auto* one = std::get_if<std::int64_t>(&value)) return convert_one<T>(*one);
            if (const auto* one = std::get_if<double>(&value)) return convert_one<T>(*one);
            if (const auto* one = std::get_if<std::string_view>(&value)) return convert_one<T>(*one);
        }
        return std::nullopt;
    }
    template <class T, class V>
    [[nodiscard]] static std::optional<T> convert_all(const std::vector<V>& values) {
        T result;
        result.reserve(values.size());
        for (std::size_t i = 0; i < values.size(); ++i) {
            const auto one = convert_one<typename T::value_type>(static_cast<V>(values[i]));
            if (!one) return std::nullopt;
            result.push_back(*one);
        }
        return result;
    }
    template <class T, class V>
    [[nodiscard]] static std::optional<T> convert_one(V value) {
        if constexpr (detail::integer<T> && detail::integer<V>) {
            return std::in_range<T>(value) ? std::optional(static_cast<T>(value)) : std::nullopt;
        } else if constexpr (std::floating_point<T> && std::floating_point<V>) {
            return static_cast<T>(value);
        } else if constexpr (std::floating_point<T> && detail::integer<V>) {
            constexpr auto exact = std::int64_t{1} << std::numeric_limits<T>::digits;
            const bool fits = std::cmp_less_equal(value, exact) && std::cmp_greater_equal(value, -exact);
            return fits ? std::optional(static_cast<T>(value)) : std::nullopt;
        } else if constexpr (std::same_as<T, V> ||
                             (std::same_as<T, std::string> && std::same_as<V, std::string_view>)) {
            return T(value);
        } else {
            return std::nullopt;
        }
    }

    [[nodiscard]] error_where where(std::string_view key) const { return {source_, {}, std::string(key)}; }

    std::string source_;
    std::vector<entry> entries_;
    std::map<std::string_view, std::size_t> index_;  // a tree: a hostile file cannot make it slow
};

}  // namespace wafer::inline WAFER_ABI
