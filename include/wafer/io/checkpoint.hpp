// SPDX-License-Identifier: MIT
// L3 io: the one interface to a model's files, whatever their format: metadata, and tensors as stored bytes.
// Format readers (gguf.hpp) make it; it knows none of them, and no model.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <numeric>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <wafer/core/config.hpp>
#include <wafer/core/dtype.hpp>
#include <wafer/core/error.hpp>
#include <wafer/core/units.hpp>
#include <wafer/io/byte_source.hpp>
#include <wafer/io/mapped_file.hpp>
#include <wafer/io/metadata.hpp>
#include <wafer/tensor/shape.hpp>

namespace wafer::inline WAFER_ABI {

/// One stored tensor. Its bytes are rows of whole blocks, one after the other, at any alignment.
struct tensor_info {
    std::string name;
    dtype type{};
    shape dims;                       // row-major: the last extent is contiguous
    std::span<const std::byte> data;  // where the file is memory; empty where it is read: see checkpoint::read
    std::size_t file = 0;             // which of the checkpoint's files holds it
    std::uint64_t offset = 0;         // of its data, from the start of that file

    /// Bytes of its data.
    [[nodiscard]] std::size_t size() const noexcept { return dims.rows() * row_bytes(type, dims.cols()); }
};

/// What a format reader found. The views point into `sources` and `header`, or into memory that the caller keeps.
struct checkpoint_contents {
    metadata meta;
    std::vector<tensor_info> tensors;
    std::vector<std::string> files;              // at least one; the first is the one in errors about the whole
    std::vector<byte_source> sources;            // one for each file; none where the caller keeps the memory
    std::vector<std::vector<std::byte>> header;  // what was read of a header that is not memory
};

/// A model's files, opened and checked, with no weight read yet. Immutable; copies share one state and keep it mapped.
class checkpoint {
public:
    /// @throws error{errc::duplicate_name} if two tensors share a name
    explicit checkpoint(checkpoint_contents contents) : state_(std::make_shared<const state>(std::move(contents))) {}

    /// What the files say about the model: keys and values, of a split model the first shard's.
    [[nodiscard]] const wafer::metadata& metadata() const noexcept { return state_->meta; }
    /// In the order of the files.
    [[nodiscard]] std::span<const tensor_info> tensors() const noexcept { return state_->tensors; }
    /// The names of all its files, as errors give them; tensor_info::file counts in these.
    [[nodiscard]] std::span<const std::string> files() const noexcept { return state_->files; }
    /// The file that was opened, as errors name it.
    [[nodiscard]] const std::string& path() const noexcept { return state_->files.front(); }
    /// Stored bytes of all tensors.
    [[nodiscard]] bytes size() const noexcept { return state_->size; }

    /// The tensor of that name, or null. O(log n).
    [[nodiscard]] const tensor_info* find(std::string_view name) const noexcept {
        const auto& order = state_->by_name;
        const auto at = std::lower_bound(order.begin(), order.end(), name, [&](std::size_t i, std::string_view n) {
            return state_->tensors[i].name < n;
        });
        return at != order.end() && state_->tensors[*at].name == name ? &state_->tensors[*at] : nullptr;
    }
    /// The tensor of that name. @throws error{errc::missing_tensor}
    [[nodiscard]] const tensor_info& require(std::string_view name) const {
        if (const auto* tensor = find(name)) return *tensor;
        raise(errc::missing_tensor, "the model lacks a tensor that its architecture needs",
              {path(), {}, std::string(name)});
    }

    /// Fills `to` with a tensor's bytes from `begin` on, wherever they are. Safe from several threads at once.
    /// @throws error{errc::truncated} beyond the tensor's end; error{errc::io_failed} and what else a reader or a file raises
    void read(const tensor_info& t, std::size_t begin, std::span<std::byte> to) const {
        const error_where where{files()[t.file], t.offset, t.name};
        if (begin > t.size() || to.size() > t.size() - begin)
            raise(errc::truncated, "more of the tensor was wanted than there is", where);
        if (!t.data.empty()) std::copy_n(t.data.data() + begin, to.size(), to.data());
        else state_->sources[t.file].read(t.offset + begin, to);
    }

    /// Whether any of its files is mapped.
    [[nodiscard]] bool is_mapped() const noexcept { return state_->mapped; }
    /// Whoever has read what it needs asks whether others wrote to the files meanwhile.
    /// @throws error{errc::truncated} naming a file that shrank; error{errc::io_failed} for one that grew or was written to
    void check_unchanged() const {
        for (const auto& source : state_->sources) source.check_unchanged();
    }
    /// The first of its files whose path names another one by now, or none; null where there is none. What was opened is
    /// whole all the same.
    [[nodiscard]] const std::string* replaced() const noexcept {
        for (const auto& source : state_->sources)
            if (source.is_replaced()) return &source.name();
        return nullptr;
    }

    /// A hint that part of a tensor's data will be read soon. For mapped files; otherwise does nothing.
    void will_need(std::span<const std::byte> part) const noexcept {
        if (state_->mapped) mapped_file::will_need(part);
    }
    /// A hint that it will not be read again soon, so that its memory can go; a later read fetches it anew.
    void wont_need(std::span<const std::byte> part) const noexcept {
        if (state_->mapped) mapped_file::wont_need(part);
    }

private:
    struct state : checkpoint_contents {
        explicit state(checkpoint_contents contents)
            : checkpoint_contents(std::move(contents)), by_name(tensors.size()) {
            std::iota(by_name.begin(), by_name.end(), std::size_t{0});
            std::sort(by_name.begin(), by_name.end(),
                      [&](auto a, auto b) { return tensors[a].name < tensors[b].name; });
            const auto twice = std::adjacent_find(by_name.begin(), by_name.end(),
                                                  [&](auto a, auto b) { return tensors[a].name == tensors[b].name; });
            if (twice != by_name.end()) {
                const auto& t = tensors[*(twice + 1)];
                raise(errc::duplicate_name, "two tensors share a name", {files[t.file], t.offset, t.name});
            }
            for (const auto& t : tensors) size += bytes(t.size());
            mapped = std::any_of(sources.begin(), sources.end(), [](const auto& s) { return s.is_mapped(); });
        }
        std::vector<std::size_t> by_name;
        bytes size{};
        bool mapped = false;
    };
    std::shared_ptr<const state> state_;
};

}  // namespace wafer::inline WAFER_ABI
