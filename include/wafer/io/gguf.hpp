// SPDX-License-Identifier: MIT
// L3 io: GGUF, versions 2 and 3, little-endian. Reads the header only, trusts none of it, and knows no model.
//   1 magic "GGUF" | 2 u32 version | 3 u64 n_tensors | 4 u64 n_pairs
//   5 n_pairs x { string key, u32 type, value }    string: u64 length, bytes; array: u32 type, u64 length, values
//   6 n_tensors x { string name, u32 rank, u64 extent[rank] (contiguous one first), u32 dtype, u64 offset }
//   7 padding to general.alignment (32) | 8 data; offsets count from here and are multiples of the alignment
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <iterator>
#include <limits>
#include <numeric>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <wafer/core/bits.hpp>
#include <wafer/core/config.hpp>
#include <wafer/core/dtype.hpp>
#include <wafer/core/error.hpp>
#include <wafer/core/printable.hpp>
#include <wafer/io/byte_source.hpp>
#include <wafer/io/checkpoint.hpp>
#include <wafer/io/metadata.hpp>
#include <wafer/io/path_text.hpp>
#include <wafer/tensor/shape.hpp>

namespace wafer::inline WAFER_ABI {

namespace detail {

/// Reads forward through a file that may end anywhere. Its errors name the file, the byte and what was being read.
class gguf_cursor {
public:
    explicit gguf_cursor(const byte_source& file) : file_(file), piece_(file.memory()) {}

    std::string_view subject;  // the key or tensor being read

    [[nodiscard]] std::uint64_t at() const noexcept { return begin_ + at_; }
    [[nodiscard]] std::uint64_t left() const noexcept { return file_.size() - at(); }
    /// What was read of a file that is not memory; all views point into it.
    [[nodiscard]] std::vector<std::vector<std::byte>> pieces() && noexcept { return std::move(pieces_); }

    template <class T>
    [[nodiscard]] T take(std::string_view what) {
        if (left() < sizeof(T)) fail(errc::truncated, "the file ends inside " + std::string(what), at());
        return load_le<T>(take_bytes(sizeof(T)));
    }

    [[nodiscard]] std::string_view take_string(std::string_view what) {
        constexpr std::uint64_t longest = std::uint64_t{1} << 28;
        const auto begin = at();
        const auto length = take<std::uint64_t>(what);
        if (length > left())
            fail(errc::truncated,
                 std::string(what) + " is said to have " + std::to_string(length) + " bytes, more than the file",
                 begin);
        if (length > longest)
            fail(errc::corrupt,
                 std::string(what) + " is said to have " + std::to_string(length) + " bytes; at most " +
                     std::to_string(longest) + " are read",
                 begin);
        const auto size = static_cast<std::size_t>(length);
        return {reinterpret_cast<const char*>(take_bytes(size)), size};
    }

    /// A count of things that take at least `least` bytes each, so that memory is never asked for on a lie.
    [[nodiscard]] std::size_t take_count(std::string_view what, std::size_t least) {
        const auto begin = at();
        const auto count = take<std::uint64_t>(what);
        check_count(what, count, least, begin);
        return static_cast<std::size_t>(count);
    }
    void check_count(std::string_view what, std::uint64_t count, std::size_t least, std::uint64_t where) const {
        if (count > left() / least)
            fail(errc::truncated,
                 std::string(what) + " is said to be " + std::to_string(count) + ", more than the file can hold",
                 where);
    }

    [[noreturn]] void fail(errc code, const std::string& message, std::uint64_t where) const {
        raise(code, message, {file_.name(), where, std::string(subject)});
    }

private:
    /// The next n bytes, which stay where they are. @pre n <= left()
    [[nodiscard]] const std::byte* take_bytes(std::size_t n) {
        if (n > piece_.size() - at_) read_on(n);
        return piece_.data() + std::exchange(at_, at_ + n);
    }
    /// Goes on in a new piece of at least n bytes, larger than the one before. The old one stays: there are views of it.
    void read_on(std::size_t n) {
        constexpr std::size_t first = std::size_t{64} << 10, largest = std::size_t{8} << 20;
        const std::size_t size = std::clamp(2 * piece_.size(), first, largest);
        begin_ += std::exchange(at_, 0);
        piece_ = pieces_.emplace_back(std::max(n, static_cast<std::size_t>(std::min<std::uint64_t>(size, left()))));
        file_.read(begin_, pieces_.back());
    }

    const byte_source& file_;
    std::span<const std::byte> piece_;  // what is at hand, from byte begin_ on
    std::uint64_t begin_ = 0;
    std::size_t at_ = 0;  // in the piece
    std::vector<std::vector<std::byte>> pieces_;
};

/// The types of metadata values, by their number in the file.
enum class gguf_type : std::uint32_t { u8, i8, u16, i16, u32, i32, f32, boolean, string, array, u64, i64, f64 };

/// One value, widened to what metadata_value holds.
template <class Stored>
[[nodiscard]] auto take_element(gguf_cursor& in) {
    if constexpr (std::same_as<Stored, std::string_view>) {
        return in.take_string("a string");
    } else if constexpr (std::same_as<Stored, bool>) {
        const auto byte = in.take<std::uint8_t>("a bool");
        if (byte > 1) in.fail(errc::corrupt, "a bool must be 0 or 1, not " + std::to_string(byte), in.at() - 1);
        return byte == 1;
    } else {
        using wide = std::conditional_t<std::floating_point<Stored>, double,
                                        std::conditional_t<std::signed_integral<Stored>, std::int64_t, std::uint64_t>>;
        return static_cast<wide>(in.take<Stored>("a value"));
    }
}

/// One value, or as many as `length` says.
template <class Stored>
[[nodiscard]] metadata_value take_values(gguf_cursor& in, std::optional<std::uint64_t> length) {
    if (!length) return take_element<Stored>(in);
    constexpr std::size_t least = std::same_as<Stored, std::string_view> ? 8 : sizeof(Stored);
    in.check_count("an array's length", *length, least, in.at() - 8);
    std::vector<decltype(take_element<Stored>(in))> values;
    values.reserve(static_cast<std::size_t>(std::min<std::uint64_t>(*length, 1 << 20)));
    for (std::uint64_t i = 0; i < *length; ++i) values.push_back(take_element<Stored>(in));
    return values;
}

[[nodiscard]] inline metadata_value take_gguf_value(gguf_cursor& in) {
    std::uint64_t begin = in.at();
    auto type = in.take<gguf_type>("a value's type");
    std::optional<std::uint64_t> length;
    if (type == gguf_type::array) {
        begin = in.at();
        type = in.take<gguf_type>("an array's type");
        length = in.take<std::uint64_t>("an array's length");
    }
    switch (type) {
        case gguf_type::u8: return take_values<std::uint8_t>(in, length);
        case gguf_type::i8: return take_values<std::int8_t>(in, length);
        case gguf_type::u16: return take_values<std::uint16_t>(in, length);
        case gguf_type::i16: return take_values<std::int16_t>(in, length);
        case gguf_type::u32: return take_values<std::uint32_t>(in, length);
        case gguf_type::i32: return take_values<std::int32_t>(in, length);
        case gguf_type::f32: return take_values<float>(in, length);
        case gguf_type::boolean: return take_values<bool>(in, length);
        case gguf_type::string: return take_values<std::string_view>(in, length);
        case gguf_type::array: in.fail(errc::corrupt, "arrays inside arrays are not read", begin);
        case gguf_type::u64: return take_values<std::uint64_t>(in, length);
        case gguf_type::i64: return take_values<std::int64_t>(in, length);
        case gguf_type::f64: return take_values<double>(in, length);
    }
    in.fail(errc::corrupt, "unknown value type " + std::to_string(static_cast<std::uint32_t>(type)), begin);
}

/// One file's share of a checkpoint.
struct gguf_part {
    metadata meta;
    std::vector<tensor_info> tensors;
    std::vector<std::vector<std::byte>> header;
};

/// One entry of the tensor table. Its offset still counts from the start of all data.
[[nodiscard]] inline tensor_info take_tensor(gguf_cursor& in, std::uint64_t alignment) {
    const std::uint64_t begin = in.at();
    tensor_info tensor;
    in.subject = {};
    in.subject = in.take_string("a tensor's name");
    tensor.name = in.subject;
    const auto rank = in.take<std::uint32_t>("a tensor's rank");
    if (rank == 0 || rank > shape::max_rank)
        in.fail(errc::corrupt, "a tensor has one to four extents, not " + std::to_string(rank), begin);
    std::array<std::uint64_t, shape::max_rank> extents{};
    for (std::size_t axis = rank; axis-- > 0;) extents[axis] = in.take<std::uint64_t>("a tensor's extents");
    const auto id = in.take<std::uint32_t>("a tensor's type");
    tensor.offset = in.take<std::uint64_t>("a tensor's offset");

    const auto dims = shape::checked(std::span(extents).first(rank));
    if (!dims) in.fail(errc::corrupt, "an extent is zero, or there are too many elements", begin);
    tensor.dims = *dims;
    const auto type = dtype_from_gguf(id);
    if (!type)
        in.fail(errc::unsupported_dtype,
                "tensor type " + std::to_string(id) + " is not read by this release; use another quantisation", begin);
    tensor.type = *type;
    const auto& format = info(*type);
    if (dims->cols() % format.block_len != 0)
        in.fail(errc::corrupt,
                "rows of " + std::to_string(dims->cols()) + " elements do not fill " + std::string(format.name) +
                    " blocks of " + std::to_string(format.block_len),
                begin);
    if (!checked_mul<std::size_t>(dims->elements() / format.block_len, format.block_bytes))
        in.fail(errc::corrupt, "the tensor has too many bytes", begin);
    if (tensor.offset % alignment != 0)
        in.fail(errc::corrupt,
                "the offset " + std::to_string(tensor.offset) + " is not a multiple of the alignment " +
                    std::to_string(alignment),
                begin);
    return tensor;
}

/// Gives tensors their bytes, and refuses any that leave the file or share bytes.
inline void place_tensors(const byte_source& file, std::uint64_t data_begin, std::span<tensor_info> tensors) {
    const auto refuse = [&](errc code, const std::string& message, std::uint64_t where, const tensor_info& t) {
        raise(code, message, {file.name(), where, t.name});
    };
    for (auto& t : tensors) {
        const std::uint64_t room = file.size() - std::min<std::uint64_t>(file.size(), data_begin);
        if (t.offset > room || t.size() > room - t.offset)
            refuse(errc::truncated,
                   "the file has " + std::to_string(file.size()) + " bytes and ends before the tensor does",
                   checked_add(data_begin, t.offset).value_or(std::numeric_limits<std::uint64_t>::max()), t);
        t.offset += data_begin;
        if (file.is_memory()) t.data = file.memory().subspan(t.offset, t.size());
    }
    std::vector<std::size_t> order(tensors.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::sort(order.begin(), order.end(), [&](auto a, auto b) { return tensors[a].offset < tensors[b].offset; });
    for (std::size_t i = 1; i < order.size(); ++i) {
        const auto &before = tensors[order[i - 1]], &t = tensors[order[i]];
        if (t.offset - before.offset < before.size())
            refuse(errc::corrupt, "the tensor shares bytes with " + printable(before.name), t.offset, t);
    }
}

/// Reads and checks the header of one file. Touches nothing behind it.
[[nodiscard]] inline gguf_part read_gguf(const byte_source& file) {
    gguf_cursor in(file);
    constexpr std::size_t least_pair = 8 + 4 + 1, least_tensor = 8 + 4 + 8 + 4 + 8;

    if (file.size() < 4 || in.take<std::array<char, 4>>("the magic") != std::array{'G', 'G', 'U', 'F'})
        in.fail(errc::bad_magic, "not a GGUF file; models in other formats must be converted to it", 0);
    const auto version = in.take<std::uint32_t>("the version");
    if ((version & 0xFFFF) == 0 && version != 0)
        in.fail(errc::unsupported_version, "a big-endian GGUF file; convert it to little-endian", 4);
    if (version != 2 && version != 3)
        in.fail(errc::unsupported_version, "GGUF version " + std::to_string(version) + "; 2 and 3 are read", 4);
    const auto n_tensors = in.take_count("the number of tensors", least_tensor);
    const auto n_pairs = in.take_count("the number of metadata pairs", least_pair);

    gguf_part part{metadata(file.name()), {}, {}};
    for (std::size_t i = 0; i < n_pairs; ++i) {
        in.subject = {};
        const std::uint64_t begin = in.at();
        in.subject = in.take_string("a metadata key");
        if (!part.meta.insert(in.subject, take_gguf_value(in)))
            in.fail(errc::duplicate_name, "a metadata key appears twice", begin);
    }
    const auto alignment = part.meta.find<std::uint32_t>("general.alignment").value_or(32);
    in.subject = "general.alignment";
    if (!std::has_single_bit(alignment))
        in.fail(errc::corrupt, "the alignment must be a power of two, not " + std::to_string(alignment), in.at());

    part.tensors.reserve(std::min<std::size_t>(n_tensors, 1 << 20));
    for (std::size_t i = 0; i < n_tensors; ++i) part.tensors.push_back(take_tensor(in, alignment));
    place_tensors(file, round_up<std::uint64_t>(in.at(), alignment), part.tensors);
    part.header = std::move(in).pieces();
    return part;
}

[[nodiscard]] inline checkpoint one_file(byte_source file, gguf_part part) {
    checkpoint_contents all{std::move(part.meta), std::move(part.tensors), {file.name()}, {}, std::move(part.header)};
    all.sources.push_back(std::move(file));
    return checkpoint(std::move(all));
}

/// Which shard of a split model a file says it is; count is 1 for a model in one file.
struct gguf_split {
    std::size_t number, count;
    explicit gguf_split(const metadata& meta)
        : number(meta.find<std::uint16_t>("split.no").value_or(0)),
          count(std::max<std::uint16_t>(meta.find<std::uint16_t>("split.count").value_or(1), 1)) {}
};

/// How the name of shard i of count ends: "-00001-of-00003.gguf" for the first of three.
[[nodiscard]] inline std::string gguf_shard_suffix(std::size_t i, std::size_t count) {
    const auto five = [](std::size_t n) {  // 16-bit numbers have at most five digits
        const std::string digits = std::to_string(n);
        return std::string(5 - digits.size(), '0') + digits;
    };
    return "-" + five(i + 1) + "-of-" + five(count) + ".gguf";
}

/// Opens all shards of a split model, given one of them and what was read of it.
[[nodiscard]] inline checkpoint_contents open_gguf_shards(const std::filesystem::path& path, file_access how,
                                                          byte_source file, gguf_part given) {
    const gguf_split split(given.meta);
    const std::string name = path_text(path.filename());
    const std::string suffix = gguf_shard_suffix(split.number, split.count);
    if (split.number >= split.count || !name.ends_with(suffix))
        raise(errc::corrupt, "a shard of a split model must keep its name, which ends in " + suffix,
              {path_text(path), {}, {}});
    checkpoint_contents all;
    for (std::size_t i = 0; i < split.count; ++i) {
        const std::string sibling = name.substr(0, name.size() - suffix.size()) + gguf_shard_suffix(i, split.count);
        auto shard_path = path;
        shard_path.replace_filename(std::u8string(sibling.begin(), sibling.end()));
        const bool is_given = i == split.number;
        all.files.push_back(path_text(shard_path));
        all.sources.push_back(is_given ? std::move(file) : byte_source(shard_path, how));
        auto part = is_given ? std::move(given) : read_gguf(all.sources.back());
        for (auto& t : part.tensors) t.file = i;
        const gguf_split place(part.meta);
        if (place.number != i || place.count != split.count)
            raise(errc::corrupt, "the shard says it is another one than its name does",
                  {all.files.back(), {}, "split.no"});
        std::move(part.tensors.begin(), part.tensors.end(), std::back_inserter(all.tensors));
        if (i != 0) continue;
        all.meta = std::move(part.meta);
        all.header = std::move(part.header);  // of which those are views
    }
    const auto announced = all.meta.find<std::uint64_t>("split.tensors.count");
    if (announced && *announced != all.tensors.size())
        raise(errc::corrupt,
              std::to_string(*announced) + " tensors are announced, but the shards hold " +
                  std::to_string(all.tensors.size()),
              {all.files.front(), {}, "split.tensors.count"});
    return all;
}

}  // namespace detail

/// Reads a GGUF file that is in memory or behind a reader; of the latter the header alone, in growing pieces.
/// @throws error{bad_magic, unsupported_version, truncated, corrupt, duplicate_name, unsupported_dtype, wrong_type}
/// @throws error{errc::io_failed} and what else a reader raises; error{errc::invalid_argument} for one shard of a split model
/// @cost   time and memory proportional to the header, whatever it claims
[[nodiscard]] inline checkpoint open_gguf(byte_source file) {
    return or_out_of_memory([&] {
        auto part = detail::read_gguf(file);
        if (detail::gguf_split(part.meta).count > 1)
            raise(errc::invalid_argument,
                  "one shard of a split model; open it from its path, so that the others are found",
                  {file.name(), {}, {}});
        return detail::one_file(std::move(file), std::move(part));
    });
}

/// Reads a GGUF file that is already in memory. Nothing is copied but names: `file` must outlive the checkpoint.
/// `name` stands for the file in errors.
/// @throws what open_gguf throws
[[nodiscard]] inline checkpoint parse_gguf(std::span<const std::byte> file, std::string name = "memory") {
    return open_gguf(byte_source(file, std::move(name)));
}

/// Opens a GGUF file, and with any one shard of a split model (name-00001-of-00003.gguf) all of them; the metadata is
/// the first shard's. Reads the headers alone: a weight is not touched before somebody looks at it.
/// @throws what open_gguf and byte_source throw; error{errc::file_not_found} names a shard that is not there
[[nodiscard]] inline checkpoint open_gguf(const std::filesystem::path& path, file_access how = file_access::map) {
    return or_out_of_memory([&] {
        byte_source file(path, how);
        auto part = detail::read_gguf(file);
        if (detail::gguf_split(part.meta).count == 1) return detail::one_file(std::move(file), std::move(part));
        return checkpoint(detail::open_gguf_shards(path, how, std::move(file), std::move(part)));
    });
}

}  // namespace wafer::inline WAFER_ABI
