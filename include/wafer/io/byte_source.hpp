// SPDX-License-Identifier: MIT
// L3 io: where the bytes of one file are: mapped or read, in the caller's memory, handed over, or behind a callback. Knows no
// format.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <wafer/core/config.hpp>
#include <wafer/core/error.hpp>
#include <wafer/core/process.hpp>
#include <wafer/io/input_file.hpp>
#include <wafer/io/mapped_file.hpp>
#include <wafer/io/path_text.hpp>

namespace wafer::inline WAFER_ABI {

/// How the bytes of a file that has a path are had.
enum class file_access : std::uint8_t {
    map,  // as memory. The file must stay as it is: if it shrinks, or its network or disk fails, the process is killed
    read,  // by reading. Whatever happens to the file is an error at worst: for network mounts, and files that others write
};

/// A file that has no path: a member of an archive, an asset, something far away.
struct file_reader {
    std::uint64_t size = 0;  // bytes of the whole file
    /// Fills `to` with the bytes from `offset` on and tells how many came: fewer than asked for is an error, and so is
    /// what it throws (a wafer::error passes as it is). Calls never overlap, but come from whichever thread of the model
    /// needs the bytes, which has the pool meanwhile: do not use it. After a failure none comes any more: whoever asks for bytes meets that failure again.
    std::function<std::size_t(std::uint64_t offset, std::span<std::byte> to)> read{};
    std::string name = "reader";  // stands for the file in errors
};

/// The bytes of one file, wherever they are; made from anything that has them, without ado. Moved, not copied; a move leaves
/// memory() where it was.
class byte_source {
public:
    /// The file at a path. @throws error, as mapped_file and input_file do
    byte_source(const std::filesystem::path& path, file_access how) {
        if (how == file_access::map) *this = byte_source(mapped_file(path), path_text(path));
        else *this = byte_source(input_file(path));
    }
    /// A file that is read, taken over.
    byte_source(input_file file) : name_(file.name()), file_(std::move(file)), size_(file_->size()) {}
    /// A mapped file, taken over.
    byte_source(mapped_file file, std::string name)
        : name_(std::move(name)), mapping_(std::move(file)), memory_(mapping_->data()), size_(memory_.size()) {}
    /// Memory that the caller keeps as long as this source, and what is made from it, is in use.
    byte_source(std::span<const std::byte> kept, std::string name = "memory")
        : name_(std::move(name)), memory_(kept), size_(kept.size()) {}
    /// The same for memory that could be written to; it is only read.
    byte_source(std::span<std::byte> kept, std::string name = "memory")
        : byte_source(std::span<const std::byte>(kept), std::move(name)) {}
    /// The same for a vector, which must not change meanwhile.
    byte_source(const std::vector<std::byte>& kept, std::string name = "memory")
        : byte_source(std::span(kept), std::move(name)) {}
    /// Memory that is handed over.
    byte_source(std::vector<std::byte>&& owned, std::string name = "memory")
        : name_(std::move(name)), owned_(std::move(owned)), memory_(owned_), size_(owned_.size()) {}
    /// Bytes behind a callback. @throws error{errc::invalid_argument} for a reader that cannot read
    byte_source(file_reader reader) : name_(std::move(reader.name)), size_(reader.size) {
        if (!reader.read) raise(errc::invalid_argument, "the reader has no function that reads", {name_, {}, {}});
        reader_ = std::make_unique<callback>();
        reader_->read = std::move(reader.read);
    }

    /// What stands for the file in errors.
    [[nodiscard]] const std::string& name() const noexcept { return name_; }
    /// Bytes of the whole file.
    [[nodiscard]] std::uint64_t size() const noexcept { return size_; }
    /// Whether it is a mapped file: then hints about its pages are of use.
    [[nodiscard]] bool is_mapped() const noexcept { return mapping_.has_value(); }
    /// Whether memory() has it: true of all but readers and files that are read.
    [[nodiscard]] bool is_memory() const noexcept { return reader_ == nullptr && !file_; }
    /// All of it, where it is memory; otherwise empty.
    [[nodiscard]] std::span<const std::byte> memory() const noexcept { return memory_; }

    /// Fills `to` with the bytes from `offset` on. Safe from several threads at once.
    /// @throws error{errc::truncated} beyond the end; what input_file raises; error{errc::io_failed} if the reader gave fewer
    /// bytes or threw; error{errc::out_of_memory} if it threw std::bad_alloc; error{errc::wrong_process} for a callback in a
    /// forked child: the parent may have been in it
    void read(std::uint64_t offset, std::span<std::byte> to) const {
        if (offset > size_ || to.size() > size_ - offset)
            raise(errc::truncated, "the file has " + std::to_string(size_) + " bytes, and more were wanted",
                  {name_, offset, {}});
        if (is_memory()) {
            std::copy_n(memory_.data() + offset, to.size(), to.data());
            return;
        }
        if (file_) return file_->read(offset, to);
        reader_->home.check();
        const std::scoped_lock alone(reader_->turn);
        if (!reader_->failure) reader_->failure = exception_of([&] { call(offset, to); });
        if (reader_->failure) std::rethrow_exception(reader_->failure);
    }

    /// Whoever has used a file at a path asks at the end. Of other sources nothing can be known.
    /// @throws error, as input_file::check_unchanged does
    void check_unchanged() const {
        if (const auto* file = input()) file->check_unchanged();
    }
    /// Whether the path names another file by now, or none; what was opened is whole all the same.
    [[nodiscard]] bool is_replaced() const noexcept {
        const auto* file = input();
        return file != nullptr && file->is_replaced();
    }

private:
    struct callback {
        std::function<std::size_t(std::uint64_t, std::span<std::byte>)> read;
        home_process home;
        std::mutex turn;
        std::exception_ptr failure;
    };

    [[nodiscard]] const input_file* input() const noexcept {
        return mapping_ ? &mapping_->file() : file_ ? &*file_ : nullptr;
    }
    void call(std::uint64_t offset, std::span<std::byte> to) const {
        std::size_t came = 0;
#if WAFER_EXCEPTIONS
        try {
            came = reader_->read(offset, to);
        } catch (const error&) {
            throw;  // it knows better what it is
        } catch (const std::bad_alloc&) {
            raise(errc::out_of_memory, "the reader could not have its memory", {name_, offset, {}});
        } catch (const std::exception& e) {
            raise(errc::io_failed, "the reader failed: " + std::string(e.what()), {name_, offset, {}});
        } catch (...) {
            raise(errc::io_failed, "the reader failed", {name_, offset, {}});
        }
#else
        came = reader_->read(offset, to);
#endif
        if (came != to.size())
            raise(errc::io_failed,
                  "the reader gave " + std::to_string(came) + " of " + std::to_string(to.size()) + " bytes",
                  {name_, offset, {}});
    }

    std::string name_;
    std::optional<mapped_file> mapping_;
    std::optional<input_file> file_;
    std::vector<std::byte> owned_;
    std::span<const std::byte> memory_;
    std::unique_ptr<callback> reader_;
    std::uint64_t size_ = 0;
};

}  // namespace wafer::inline WAFER_ABI
