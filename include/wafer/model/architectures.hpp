// SPDX-License-Identifier: MIT
// L7 model: the list of known architectures. A new one is its own file and one entry here.
#pragma once

#include <string>
#include <string_view>
#include <variant>

#include <wafer/core/error.hpp>
#include <wafer/model/llama.hpp>
#include <wafer/model/qwen2.hpp>
#include <wafer/model/qwen3.hpp>
#include <wafer/model/qwen3moe.hpp>

namespace wafer::inline WAFER_ABI {

using any_architecture = std::variant<llama, qwen2, qwen3, qwen3moe>;

namespace detail {

template <class... Known>
void make_architecture(std::string_view name, std::variant<Known...>& out) {
    if (((name == Known::name && (out.template emplace<Known>(), true)) || ...)) return;
    std::string known;
    ((known += known.empty() ? "" : ", ", known += Known::name), ...);
    raise(errc::unsupported_architecture, "architecture '" + std::string(name) + "' is not among those this release runs: " + known);
}

}  // namespace detail

/// An empty model of the named architecture.  @throws error{errc::unsupported_architecture}, listing the known ones
inline void make_architecture(std::string_view name, any_architecture& out) { detail::make_architecture(name, out); }

}  // namespace wafer::inline WAFER_ABI
