// SPDX-License-Identifier: MIT
// L7 model: how an architecture names its tensors, once, for planning, loading and phantoms alike.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <wafer/core/config.hpp>
#include <wafer/core/error.hpp>
#include <wafer/io/checkpoint.hpp>
#include <wafer/sram/arena.hpp>
#include <wafer/sram/resident.hpp>

namespace wafer::inline WAFER_ABI {

/// Whether a model may do without a tensor.
enum class presence : std::uint8_t { required, optional };

/// Which view sees which part of an arena. Views must stay where they are.
class weight_bindings {
public:
    void add(resident_matrix& view, std::size_t index) { matrices_.emplace_back(&view, index); }
    void add(resident_vector& view, std::size_t index) { vectors_.emplace_back(&view, index); }

    /// Points every view at its bytes.
    void bind(const resident_arena& arena) const noexcept {
        for (const auto& [view, index] : matrices_) *view = arena.matrix(index);
        for (const auto& [view, index] : vectors_) *view = arena.vector(index);
    }
    /// Gives every view its shape but no bytes: for exec::phantom.
    void bind_phantom(const arena_plan& plan) const noexcept {
        for (const auto& [view, index] : matrices_) {
            const auto& m = plan.matrices()[index];
            *view = {m.type, m.rows, m.cols, {}};
        }
        for (const auto& [view, index] : vectors_) *view = {nullptr, plan.vectors()[index].size};
    }

private:
    std::vector<std::pair<resident_matrix*, std::size_t>> matrices_;
    std::vector<std::pair<resident_vector*, std::size_t>> vectors_;
};

/// Collects an architecture's tensors: each call names one, says its shape, and gives the view that shall see it. Grows an
/// arena_plan and the bindings to it.
class weight_list {
public:
    /// @param file  where dtypes come from and shapes are checked
    weight_list(const checkpoint& file, arena_plan& plan, weight_bindings& bindings) noexcept
        : file_(file), plan_(plan), bindings_(bindings) {}

    /// One matrix (rows, cols).  @throws error{errc::missing_tensor, errc::wrong_shape}
    void matrix(resident_matrix& view, const std::string& name, std::size_t rows, std::size_t cols,
                std::size_t layer = 0, presence need = presence::required) {
        if (const auto* t = find(name, {rows, cols}, need)) add(view, name, 0, t->type, rows, cols, layer);
    }
    /// A stack of matrices (views.size(), rows, cols): one for each expert.
    void stack(std::span<resident_matrix* const> views, const std::string& name, std::size_t rows, std::size_t cols,
               std::size_t layer) {
        const auto* t = find(name, {views.size(), rows, cols}, presence::required);
        for (std::size_t i = 0; i < views.size(); ++i) add(*views[i], name, i, t->type, rows, cols, layer);
    }
    /// A vector (n), resident as float32.
    void vector(resident_vector& view, const std::string& name, std::size_t n, presence need = presence::required) {
        if (const auto* t = find(name, {n}, need)) bindings_.add(view, plan_.add_vector({name, t->type, n, 0}));
    }

private:
    const tensor_info* find(const std::string& name, std::initializer_list<std::uint64_t> dims, presence need) {
        const tensor_info* t = file_.find(name);
        if (t == nullptr) {
            if (need == presence::optional) return nullptr;
            raise(errc::missing_tensor, "the model needs this tensor", {file_.path(), {}, name});
        }
        const auto want = shape::checked({dims.begin(), dims.size()});
        if (!want || *want != t->dims)
            raise(errc::wrong_shape,
                  "the metadata asks for " + (want ? to_string(*want) : "an impossible shape") + ", the file has " +
                      to_string(t->dims),
                  {file_.files()[t->file], t->offset, name});
        return t;
    }
    void add(resident_matrix& view, const std::string& name, std::size_t slice, dtype type, std::size_t rows,
             std::size_t cols, std::size_t layer) {
        bindings_.add(view, plan_.add_matrix({name, slice, type, rows, cols, static_cast<std::uint32_t>(layer)}));
    }

    const checkpoint& file_;
    arena_plan& plan_;
    weight_bindings& bindings_;
};

}  // namespace wafer::inline WAFER_ABI
