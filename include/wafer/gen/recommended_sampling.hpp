// SPDX-License-Identifier: MIT
// L8 gen: how a model's file says that its tokens are best drawn.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <wafer/core/config.hpp>
#include <wafer/core/printable.hpp>
#include <wafer/gen/sampler.hpp>
#include <wafer/io/checkpoint.hpp>

namespace wafer::inline WAFER_ABI {

/// What the keys general.sampling.* say of the steps that sampling has, the rest not set. Adds a line to `warnings` for what
/// is out of range or of another step; that is passed over.
/// @throws error{errc::wrong_type}
/// @cite llama.cpp, src/llama-arch.cpp, LLM_KV_GENERAL_SAMPLING_*
[[nodiscard]] inline sampling read_sampling(const checkpoint& file, std::vector<std::string>& warnings) {
    constexpr std::string_view prefix = "general.sampling.";
    const auto& meta = file.metadata();
    sampling how;
    std::vector<std::string> read;
    const auto take = [&]<class T>(std::optional<T>& value, std::string_view name) {
        const std::string key = std::string(prefix) + std::string(name);
        read.push_back(key);
        value = meta.find<T>(key);
        if (const char* needs = fault_of(how); needs != nullptr) {
            warnings.push_back("key " + key + " is not used: sampling needs " + needs);
            value.reset();
        }
    };
    take(how.temperature, "temp"), take(how.top_k, "top_k"), take(how.top_p, "top_p"), take(how.min_p, "min_p");
    take(how.repeat_penalty, "penalty_repeat"), take(how.repeat_last, "penalty_last_n");
    for (const auto& entry : meta.entries())
        if (entry.key.starts_with(prefix) && std::find(read.begin(), read.end(), entry.key) == read.end())
            warnings.push_back("key " + printable(entry.key) + " is not honoured: there is no such step");
    return how;
}

}  // namespace wafer::inline WAFER_ABI
