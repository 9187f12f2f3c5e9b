// SPDX-License-Identifier: MIT
// L7 model: how an architecture names its tensors, once, for planning, loading and phantoms alike.
#pragma once

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <wafer/core/config.hpp>
#include <wafer/core/error.hpp>
#include <wafer/core/printable.hpp>
#include <wafer/io/checkpoint.hpp>
#include <wafer/model/config.hpp>
#include <wafer/sram/arena.hpp>
#include <wafer/sram/resident.hpp>

namespace wafer::inline WAFER_ABI {

/// Whether a model may do without a tensor.
enum class presence : std::uint8_t { required, optional };

/// What becomes of tensors that the architecture does not use. A bias or a norm that is left out makes answers wrong.
enum class unused_tensors : std::uint8_t { refused, allowed };

/// A tensor that is known by its name to be of no use to text. An empty end: any.
struct leftover_tensor {
    std::string_view begin, end;
};
inline constexpr leftover_tensor leftover_tensors[] = {
    {"blk.", ".attn_rot_embd.weight"},  // the angles' frequencies, as old converters kept them
    {"v.", ""},                         // an image encoder, and
    {"mm.", ""},                        // what leads from it to the model
};

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

    /// To be called when the architecture has listed all: tells of the tensors that it did not.
    /// @return a line about them, or none where there are none but known leftovers
    /// @throws error{errc::unused_tensor}, naming the first few, unless they are allowed
    [[nodiscard]] std::string check_others(const model_config& c, unused_tensors others) {
        std::sort(listed_.begin(), listed_.end());
        const tensor_info* first = nullptr;
        std::string names;
        std::size_t n = 0;
        for (const auto& t : file_.tensors()) {
            if (std::binary_search(listed_.begin(), listed_.end(), t.name) || is_leftover(t.name, c)) continue;
            if (n == 0) first = &t;
            if (n < 4) names += (n == 0 ? "" : ", ") + printable(t.name);
            ++n;
        }
        if (n == 0) return {};
        const std::string what = std::to_string(n) + (n == 1 ? " tensor of the file is" : " tensors of the file are") +
                                 " not used by architecture '" + c.architecture + "': " + names +
                                 (n > 4 ? ", ..." : "");
        if (others == unused_tensors::refused)
            raise(errc::unused_tensor,
                  what + "; answers would be wrong. unused_tensors::allowed loads the model without them",
                  {file_.files()[first->file], first->offset, first->name});
        return what;
    }

private:
    [[nodiscard]] static bool is_leftover(std::string_view name, const model_config& c) noexcept {
        for (const auto& known : leftover_tensors)
            if (name.starts_with(known.begin) && name.ends_with(known.end)) return true;
        constexpr std::string_view block = "blk.";
        std::size_t layer = 0;
        if (!name.starts_with(block)) return false;
        const auto number = std::from_chars(name.data() + block.size(), name.data() + name.size(), layer);
        return number.ec == std::errc{} && layer >= c.n_layer && layer < c.n_layer + c.n_nextn;
    }
    const tensor_info* find(const std::string& name, std::initializer_list<std::uint64_t> dims, presence need) {
        listed_.push_back(name);
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
    std::vector<std::string> listed_;
};

}  // namespace wafer::inline WAFER_ABI
