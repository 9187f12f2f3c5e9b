// SPDX-License-Identifier: MIT
// L7 model: the list of known architectures. A new one is its own file and one entry here.
#pragma once

#include <string>
#include <string_view>
#include <variant>

#include <wafer/core/error.hpp>
#include <wafer/io/checkpoint.hpp>
#include <wafer/model/llama.hpp>
#include <wafer/model/qwen2.hpp>
#include <wafer/model/qwen3.hpp>
#include <wafer/model/qwen3moe.hpp>

namespace wafer::inline WAFER_ABI {

/// The architectures that this release runs. A new one is its own file and one entry here.
using any_architecture = std::variant<llama, qwen2, qwen3, qwen3moe>;

namespace detail {

template <class... Known>
std::variant<Known...> make_architecture(std::string_view name, const error_where& where, std::variant<Known...> made) {
    if (((name == Known::name && (made.template emplace<Known>(), true)) || ...)) return made;
    std::string known;
    ((known += known.empty() ? "" : ", ", known += Known::name), ...);
    raise(errc::unsupported_architecture,
          "architecture '" + std::string(name) + "' is not among those this release runs: " + known, where);
}

}  // namespace detail

/// An empty model of the checkpoint's architecture.
/// @throws error{errc::unsupported_architecture}, listing the known ones; error{errc::missing_key}
[[nodiscard]] inline any_architecture make_architecture(const checkpoint& file) {
    constexpr std::string_view key = "general.architecture";
    return detail::make_architecture(file.metadata().require<std::string>(key), {file.path(), {}, std::string(key)},
                                     any_architecture{});
}

}  // namespace wafer::inline WAFER_ABI
