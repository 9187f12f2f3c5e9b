// SPDX-License-Identifier: MIT
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <limits>
#include <memory>
#include <numeric>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <support/gguf_writer.hpp>
#include <support/temporary.hpp>
#include <vector>

#include <doctest/doctest.h>

#include <wafer/io/gguf.hpp>

using wafer::dtype;
using wafer::errc;
using wafer::shape;
using wafer_test::byte_writer;
using wafer_test::gguf_array;
using wafer_test::gguf_writer;

namespace {

constexpr std::uint64_t huge = std::numeric_limits<std::uint64_t>::max();
const std::vector<float> four{1, 2, 3, 4};
const std::vector<std::byte> two_q8_blocks(68, std::byte{1});

/// Every kind of value and two tensors, in less than a kilobyte.
gguf_writer small_model() {
    gguf_writer file;
    file.pair("general.architecture", "llama").pair("u8", std::uint8_t{200}).pair("i8", std::int8_t{-100});
    file.pair("u16", std::uint16_t{60000}).pair("i16", std::int16_t{-30000}).pair("u32", std::uint32_t{4'000'000'000u});
    file.pair("i32", std::int32_t{-2'000'000'000})
        .pair("u64", huge)
        .pair("i64", std::numeric_limits<std::int64_t>::min());
    file.pair("f32", 0.5f).pair("f64", 0.1).pair("yes", true).pair("no", false).pair("", "empty key");
    file.array("tokens", std::vector<std::string>{"<s>", "", "a"}).array("scores", std::vector<float>{0, -1, -2});
    file.array("types", std::vector<std::int32_t>{3, 1, 1}).array("flags", std::vector<bool>{true, false, true});
    file.array("nothing", std::vector<std::uint8_t>{});
    file.tensor("first", {2, 2}, four).tensor("second", dtype::q8_0, {1, 2, 32}, two_q8_blocks);
    return file;
}

/// A copy without spare bytes behind it, so that the sanitisers see every step beyond the end.
struct exact_copy {
    explicit exact_copy(std::span<const std::byte> from)
        : size(from.size()), data(std::make_unique<std::byte[]>(size)) {
        std::copy(from.begin(), from.end(), data.get());
    }
    std::size_t size;
    std::unique_ptr<std::byte[]> data;
    [[nodiscard]] std::span<const std::byte> span() const { return {data.get(), size}; }
};

/// Looks at everything that a checkpoint shows.
std::size_t touch(const wafer::checkpoint& opened, std::span<const std::byte> file) {
    std::size_t sum = 0;
    for (const auto& [key, value] : opened.metadata().entries()) {
        for (const char c : key) sum += static_cast<unsigned char>(c);
        if (const auto* text = std::get_if<std::string_view>(&value))
            for (const char c : *text) sum += static_cast<unsigned char>(c);
        if (const auto* list = std::get_if<std::vector<std::string_view>>(&value))
            for (const auto& text : *list)
                for (const char c : text) sum += static_cast<unsigned char>(c);
    }
    for (const auto& t : opened.tensors()) {
        CHECK(t.data.size() == t.dims.rows() * wafer::row_bytes(t.type, t.dims.cols()));
        CHECK(t.data.data() == file.data() + t.offset);
        for (const auto byte : t.data) sum += std::to_integer<std::size_t>(byte);
    }
    return sum;
}

std::optional<wafer::error> refusal(std::span<const std::byte> file) {
    const exact_copy copy(file);
    try {
        const auto opened = wafer::parse_gguf(copy.span(), "hostile.gguf");
        static_cast<void>(touch(opened, copy.span()));
    } catch (const wafer::error& e) {
        CHECK(e.where().file == "hostile.gguf");
        return e;
    }
    return std::nullopt;
}

void check_refused(const gguf_writer& file, errc code, std::string_view words, std::string_view subject = {}) {
    const auto e = refusal(file.bytes());
    REQUIRE(e.has_value());
    CAPTURE(e->what());
    CHECK(e->code() == code);
    CHECK(e->where().offset.has_value());
    CHECK(e->where().tensor == subject);
    CHECK(std::string_view(e->what()).find(words) != std::string_view::npos);
}

}  // namespace

TEST_CASE("gguf: metadata and tensors are what was written, in both versions") {
    for (const std::uint32_t version : {2u, 3u}) {
        auto writer = small_model();
        writer.version = version;
        const auto file = writer.bytes();
        const auto opened = wafer::parse_gguf(file);
        const auto& meta = opened.metadata();
        CHECK(meta.require<std::string>("general.architecture") == "llama");
        CHECK(meta.require<int>("u8") == 200);
        CHECK(meta.require<int>("i8") == -100);
        CHECK(meta.require<int>("u16") == 60000);
        CHECK(meta.require<int>("i16") == -30000);
        CHECK(meta.require<std::uint32_t>("u32") == 4'000'000'000u);
        CHECK(meta.require<int>("i32") == -2'000'000'000);
        CHECK(meta.require<std::uint64_t>("u64") == huge);
        CHECK(meta.require<std::int64_t>("i64") == std::numeric_limits<std::int64_t>::min());
        CHECK(meta.require<float>("f32") == 0.5f);
        CHECK(meta.require<double>("f64") == 0.1);
        CHECK(meta.require<bool>("yes"));
        CHECK_FALSE(meta.require<bool>("no"));
        CHECK(meta.require<std::string_view>("") == "empty key");
        CHECK(meta.require<std::vector<std::string>>("tokens") == std::vector<std::string>{"<s>", "", "a"});
        CHECK(meta.require<std::vector<float>>("scores") == std::vector<float>{0, -1, -2});
        CHECK(meta.require<std::vector<int>>("types") == std::vector<int>{3, 1, 1});
        CHECK(meta.require<std::vector<bool>>("flags") == std::vector<bool>{true, false, true});
        CHECK(meta.require<std::vector<int>>("nothing").empty());

        CHECK(opened.tensors().size() == 2);
        const auto& first = opened.require("first");
        CHECK(first.dims == shape{2, 2});
        CHECK(first.type == dtype::f32);
        CHECK(std::memcmp(first.data.data(), four.data(), 16) == 0);
        const auto& second = opened.require("second");
        CHECK(second.dims == shape{1, 2, 32});
        CHECK(second.type == dtype::q8_0);
        CHECK(second.offset == first.offset + 32);
        CHECK(std::equal(second.data.begin(), second.data.end(), two_q8_blocks.begin(), two_q8_blocks.end()));
        CHECK(opened.size() == wafer::bytes(16 + 68));
        CHECK(opened.path() == "memory");
    }
}

TEST_CASE("gguf: an alignment of the file's own is kept") {
    gguf_writer file;
    file.alignment = 256;
    file.pair("general.alignment", std::uint32_t{256}).tensor("a", {4}, four).tensor("b", {2, 2}, four);
    const auto all = file.bytes();
    const auto opened = wafer::parse_gguf(all);
    CHECK(opened.require("a").offset == 256);
    CHECK(opened.require("b").offset == 512);
    CHECK(std::memcmp(opened.require("b").data.data(), four.data(), 16) == 0);
}

TEST_CASE("gguf: a file without tensors ends where its metadata ends") {
    gguf_writer file;
    file.pair("general.architecture", "llama");
    const auto all = file.bytes();
    CHECK(wafer::parse_gguf(all).tensors().empty());
}

TEST_CASE("gguf: tensors may lie in any order and with gaps") {
    gguf_writer file;
    file.raw_tensor("late", {4}, 0, 64).raw_tensor("early", {4}, 0, 0).raw_data(80);
    const auto all = file.bytes();
    const auto opened = wafer::parse_gguf(all);
    CHECK(opened.tensors()[0].offset == opened.tensors()[1].offset + 64);
}

TEST_CASE("gguf: what is no GGUF file is said to be none") {
    gguf_writer file = small_model();
    file.magic = "GGML";
    check_refused(file, errc::bad_magic, "hostile.gguf at byte 0: not a GGUF file");
    file.magic = "GGUF";
    file.version = 1;
    check_refused(file, errc::unsupported_version, "version 1");
    file.version = 4;
    check_refused(file, errc::unsupported_version, "version 4");
    file.version = 0x03000000;
    check_refused(file, errc::unsupported_version, "big-endian");
    for (const std::string_view text : {"", "G", "GGU", "PK\x03\x04 something else"})
        CHECK(refusal(std::as_bytes(std::span(text)))->code() == errc::bad_magic);
}

TEST_CASE("gguf: counts that lie cost neither memory nor time") {
    check_refused(gguf_writer().announce(huge, 0), errc::truncated, "number of tensors");
    check_refused(gguf_writer().announce(0, huge), errc::truncated, "number of metadata pairs");
    check_refused(gguf_writer().announce(std::uint64_t{1} << 63, std::uint64_t{1} << 63), errc::truncated,
                  "number of tensors");
    CHECK(refusal(small_model().announce(3, 19).bytes()).has_value());
    CHECK(refusal(small_model().announce(2, 18).bytes()).has_value());
    CHECK(refusal(small_model().announce(2, 20).bytes()).has_value());
    check_refused(gguf_writer().raw_pair(byte_writer().put(huge).put(std::uint32_t{4}).put(0)), errc::truncated,
                  "a metadata key is said to have");
    check_refused(gguf_writer().raw_pair(byte_writer().string("k").put(std::uint32_t{8}).put(huge)), errc::truncated,
                  "a string is said to have", "k");
    check_refused(gguf_writer().raw_pair(byte_writer().string("k").put(std::uint32_t{8}).put(huge - 16)),
                  errc::truncated, "a string", "k");
    for (const std::uint32_t type : {0u, 1u, 2u, 3u, 4u, 5u, 6u, 7u, 8u, 10u, 11u, 12u})
        for (const std::uint64_t length : {huge, huge / 2, huge / 8 + 1, std::uint64_t{1} << 61, std::uint64_t{100}})
            check_refused(gguf_writer().raw_pair(byte_writer().string("k").put(gguf_array).put(type).put(length)),
                          errc::truncated, "array's length", "k");
    check_refused(gguf_writer().raw_tensor(std::string(10, 'n'), {4}, 0, 0).announce(2, 0), errc::truncated,
                  "number of tensors");
}

TEST_CASE("gguf: values that the format does not know are refused with their key") {
    const auto pair = [](std::string_view key, std::uint32_t type) { return byte_writer().string(key).put(type); };
    check_refused(gguf_writer().raw_pair(pair("k", 13).put(huge)), errc::corrupt, "unknown value type 13", "k");
    check_refused(gguf_writer().raw_pair(pair("k", 0xFFFFFFFF).put(huge)), errc::corrupt,
                  "unknown value type 4294967295", "k");
    check_refused(gguf_writer().raw_pair(pair("k", gguf_array).put(std::uint32_t{77}).put(std::uint64_t{0})),
                  errc::corrupt, "unknown value type 77", "k");
    check_refused(gguf_writer().raw_pair(pair("k", gguf_array).put(gguf_array).put(std::uint64_t{1})), errc::corrupt,
                  "arrays inside arrays", "k");
    check_refused(gguf_writer().raw_pair(pair("k", 7).put(std::uint8_t{2}).put(huge)), errc::corrupt,
                  "a bool must be 0 or 1, not 2", "k");
    check_refused(gguf_writer().raw_pair(
                      pair("k", gguf_array).put(std::uint32_t{7}).put(std::uint64_t{1}).put(std::uint8_t{255})),
                  errc::corrupt, "a bool", "k");
    check_refused(small_model().pair("u8", 1), errc::duplicate_name, "appears twice", "u8");
    check_refused(gguf_writer().raw_pair(pair("\x1b[2J" + std::string(500, 'k'), 99).put(0)), errc::corrupt,
                  "unknown value type 99", "?[2J" + std::string(116, 'k') + "...");
}

TEST_CASE("gguf: an alignment that is no power of two is refused") {
    for (const std::uint32_t alignment : {0u, 3u, 48u, 0xFFFFFFFFu})
        check_refused(gguf_writer().pair("general.alignment", alignment).raw_tensor("t", {4}, 0, 0).raw_data(16),
                      errc::corrupt, "power of two", "general.alignment");
    gguf_writer negative;
    negative.pair("general.alignment", -32);
    CHECK(refusal(negative.bytes())->code() == errc::wrong_type);
    gguf_writer text;
    text.pair("general.alignment", "32");
    CHECK(refusal(text.bytes())->code() == errc::wrong_type);
    check_refused(
        gguf_writer().pair("general.alignment", std::uint32_t{1} << 31).raw_tensor("t", {4}, 0, 0).raw_data(16),
        errc::truncated, "ends before", "t");
}

TEST_CASE("gguf: extents that cannot be are refused with their tensor") {
    const auto one = [](const std::vector<std::uint64_t>& extents, std::uint32_t type = 0, std::uint64_t offset = 0) {
        return gguf_writer().raw_tensor("t", extents, type, offset).raw_data(64);
    };
    check_refused(one({}), errc::corrupt, "one to four extents, not 0", "t");
    check_refused(one({1, 1, 1, 1, 1}), errc::corrupt, "one to four extents, not 5", "t");
    check_refused(one({0}), errc::corrupt, "an extent is zero", "t");
    check_refused(one({4, 0}), errc::corrupt, "an extent is zero", "t");
    check_refused(one({0, huge}), errc::corrupt, "an extent is zero", "t");
    check_refused(one({huge}), errc::corrupt, "too many elements", "t");
    check_refused(one({std::uint64_t{1} << 32, std::uint64_t{1} << 32}), errc::corrupt, "too many elements", "t");
    check_refused(one({std::uint64_t{1} << 32, std::uint64_t{1} << 16, std::uint64_t{1} << 16, 2}), errc::corrupt,
                  "too many elements", "t");
    check_refused(one({std::uint64_t{1} << 62}), errc::corrupt, "too many bytes", "t");
    check_refused(one({std::uint64_t{1} << 61}), errc::truncated, "ends before", "t");
    check_refused(one({16}, 2), errc::corrupt, "do not fill q4_0 blocks of 32", "t");
    check_refused(one({128, 2}, 12), errc::corrupt, "do not fill q4_k blocks of 256", "t");
    check_refused(one({32, 3}, 4), errc::unsupported_dtype, "tensor type 4 is not read", "t");
    check_refused(one({256}, 16), errc::unsupported_dtype, "tensor type 16 is not read", "t");
    check_refused(one({256}, 0xFFFFFFFF), errc::unsupported_dtype, "tensor type 4294967295", "t");
    gguf_writer rank;
    rank.raw_tensor("t", {4}, 0, 0);
    auto bytes = rank.bytes();
    const std::uint32_t lie = 0xFFFFFFFF;
    std::memcpy(bytes.data() + 24 + 8 + 1, &lie, sizeof lie);
    CHECK(refusal(bytes)->code() == errc::corrupt);
}

TEST_CASE("gguf: offsets that leave the file or meet another tensor are refused") {
    const auto one = [](std::uint64_t offset) { return gguf_writer().raw_tensor("t", {4}, 0, offset).raw_data(64); };
    CHECK_FALSE(refusal(one(32).bytes()).has_value());
    check_refused(one(8), errc::corrupt, "the offset 8 is not a multiple of the alignment 32", "t");
    check_refused(one(64), errc::truncated, "ends before the tensor does", "t");
    CHECK(refusal(one(64).bytes())->where().offset == one(64).bytes().size());  // from the start of the file
    check_refused(one(huge - 31), errc::truncated, "ends before", "t");
    check_refused(one(std::uint64_t{1} << 63), errc::truncated, "ends before", "t");
    const auto two = [](std::uint64_t a, std::uint64_t b) {
        return gguf_writer().raw_tensor("a", {16}, 0, a).raw_tensor("b", {16}, 0, b).raw_data(256);
    };
    CHECK_FALSE(refusal(two(64, 0).bytes()).has_value());
    check_refused(two(0, 32), errc::corrupt, "shares bytes with a", "b");
    check_refused(two(32, 0), errc::corrupt, "shares bytes with b", "a");
    CHECK(refusal(two(64, 64).bytes())->code() == errc::corrupt);
    gguf_writer twice;
    twice.raw_tensor("a", {16}, 0, 0).raw_tensor("a", {16}, 0, 64).raw_data(128);
    check_refused(twice, errc::duplicate_name, "two tensors share a name", "a");
    check_refused(gguf_writer().raw_tensor("t", {4}, 0, 0), errc::truncated, "ends before", "t");
}

TEST_CASE("gguf: every shortened file is refused") {
    const auto file = small_model().bytes();
    for (std::size_t size = 0; size < file.size(); ++size) {
        const auto e = refusal(std::span(file).first(size));
        CAPTURE(size);
        REQUIRE(e.has_value());
        CHECK((e->code() == errc::truncated || (size < 4 && e->code() == errc::bad_magic)));
    }
}

TEST_CASE("gguf: no change of the bytes does more than raise a typed error") {
    const auto file = small_model().bytes();
    std::size_t refused = 0, tried = 0;
    const auto attempt = [&](std::span<const std::byte> mutant) {
        ++tried;
        refused += refusal(mutant).has_value();
    };
    auto mutant = file;
    for (std::size_t at = 0; at < file.size(); ++at) {
        for (int bit = 0; bit < 8; ++bit) {
            mutant[at] = file[at] ^ static_cast<std::byte>(1 << bit);
            attempt(mutant);
        }
        for (const std::byte value : {std::byte{0}, std::byte{0x7F}, std::byte{0xFF}}) {
            mutant[at] = value;
            attempt(mutant);
        }
        mutant[at] = file[at];
    }
    for (std::size_t at = 0; at + 8 <= file.size(); ++at) {
        for (const std::uint64_t value : {std::uint64_t{0}, std::uint64_t{1}, huge, huge - 7, huge / 2,
                                          std::uint64_t{1} << 32, std::uint64_t{1} << 61}) {
            std::memcpy(mutant.data() + at, &value, 8);
            attempt(mutant);
        }
        std::memcpy(mutant.data() + at, file.data() + at, 8);
    }
    for (std::size_t at = 0; at < file.size(); ++at) {  // a byte lost, a byte doubled
        auto other = file;
        other.erase(other.begin() + static_cast<std::ptrdiff_t>(at));
        attempt(other);
        other = file;
        other.insert(other.begin() + static_cast<std::ptrdiff_t>(at), file[at]);
        attempt(other);
    }
    CHECK(refused > tried / 2);
    CHECK(refused < tried);
}

TEST_CASE("gguf: a file is opened from its path, and its errors name it") {
    const wafer_test::temporary_directory folder;
    const auto path = folder.path() / "m.gguf";
    small_model().save(path);
    const auto opened = wafer::open_gguf(path);
    CHECK(opened.path() == path.string());
    CHECK(std::memcmp(opened.require("first").data.data(), four.data(), 16) == 0);
    opened.wont_need(opened.require("first").data);
    CHECK(std::memcmp(opened.require("first").data.data(), four.data(), 16) == 0);
    const wafer::checkpoint copy = opened;
    std::filesystem::remove(path);  // the mapping stays
    CHECK(copy.metadata().require<std::string>("general.architecture") == "llama");

    const auto code_of = [](const std::filesystem::path& at) {
        try {
            static_cast<void>(wafer::open_gguf(at));
        } catch (const wafer::error& e) {
            CHECK(e.where().file == at.string());
            return e.code();
        }
        return errc::cancelled;
    };
    CHECK(code_of(path) == errc::file_not_found);
    CHECK(code_of(folder.path()) == errc::not_a_file);
    CHECK(code_of(folder.file("empty.gguf")) == errc::truncated);
    CHECK(code_of(folder.file("text.gguf", "hello, world")) == errc::bad_magic);
}

namespace {

/// Three shards, "a" and "b" in the first two, "c" and "d" in the third.
std::vector<gguf_writer> three_shards() {
    std::vector<gguf_writer> shards(3);
    shards[0].pair("general.architecture", "llama");
    for (std::size_t i = 0; i < 3; ++i)
        shards[i]
            .pair("split.no", static_cast<std::uint16_t>(i))
            .pair("split.count", std::uint16_t{3})
            .pair("split.tensors.count", 4);
    shards[0].tensor("a", {4}, four);
    shards[1].tensor("b", {2, 2}, four);
    shards[2].tensor("c", {4}, four).tensor("d", {1}, std::span(four).last(1));
    return shards;
}

std::filesystem::path shard_path(const wafer_test::temporary_directory& folder, std::size_t i) {
    return folder.path() / ("model-0000" + std::to_string(i + 1) + "-of-00003.gguf");
}

std::string split_refusal(const std::filesystem::path& path) {
    try {
        static_cast<void>(wafer::open_gguf(path));
    } catch (const wafer::error& e) {
        return std::string(to_string(e.code())) + ": " + e.what();
    }
    return "accepted";
}

}  // namespace

TEST_CASE("gguf: any shard of a split model opens all of it") {
    const wafer_test::temporary_directory folder;
    const auto shards = three_shards();
    for (std::size_t i = 0; i < 3; ++i) shards[i].save(shard_path(folder, i));
    for (std::size_t given = 0; given < 3; ++given) {
        const auto opened = wafer::open_gguf(shard_path(folder, given));
        CHECK(opened.tensors().size() == 4);
        CHECK(opened.files().size() == 3);
        CHECK(opened.metadata().require<std::string>("general.architecture") == "llama");
        CHECK(opened.require("a").file == 0);
        CHECK(opened.require("d").file == 2);
        CHECK(std::memcmp(opened.require("d").data.data(), &four[3], 4) == 0);
        CHECK(opened.files()[1] == shard_path(folder, 1).string());
    }
}

TEST_CASE("gguf: files may be read instead of mapped, all shards of a split model too") {
    const wafer_test::temporary_directory folder;
    const auto shards = three_shards();
    for (std::size_t i = 0; i < 3; ++i) shards[i].save(shard_path(folder, i));
    for (std::size_t given = 0; given < 3; ++given) {
        const auto opened = wafer::open_gguf(shard_path(folder, given), wafer::file_access::read);
        CHECK_FALSE(opened.is_mapped());
        CHECK(opened.tensors().size() == 4);
        CHECK(opened.metadata().require<std::string>("general.architecture") == "llama");
        for (const auto& t : opened.tensors()) {
            CHECK(t.data.empty());
            std::vector<std::byte> read(t.size());
            opened.read(t, 0, read);
            CHECK(std::memcmp(read.data(), &four[t.name == "d" ? 3 : 0], t.size()) == 0);
        }
        opened.check_unchanged();
        CHECK(opened.replaced() == nullptr);
    }
    CHECK(wafer::open_gguf(shard_path(folder, 0)).is_mapped());
    const auto path = folder.path() / "m.gguf";
    small_model().save(path);
    const auto opened = wafer::open_gguf(path, wafer::file_access::read);
    const auto size = std::filesystem::file_size(path);
    std::filesystem::resize_file(path, size - 1);
    std::vector<std::byte> read(opened.tensors().back().size());
    const auto refusal = wafer::error_of([&] { opened.read(opened.tensors().back(), 0, read); });
    REQUIRE(refusal);
    CHECK(refusal->code() == errc::truncated);
    CHECK(refusal->where().file == path.string());
    CHECK(refusal->where().offset == size - 1);
    CHECK(wafer::error_of([&] { opened.check_unchanged(); })->code() == errc::truncated);

    const auto split = wafer::open_gguf(shard_path(folder, 0), wafer::file_access::read);
    std::filesystem::rename(shard_path(folder, 2), folder.path() / "elsewhere");
    REQUIRE(split.replaced() != nullptr);
    CHECK(*split.replaced() == shard_path(folder, 2).string());
}

TEST_CASE("gguf: shards that are missing, renamed or contradictory are named") {
    const auto with = [](const auto& change) {
        const wafer_test::temporary_directory folder;
        auto shards = three_shards();
        change(shards, folder);
        return split_refusal(shard_path(folder, 0));
    };
    const auto save = [](const auto& shards, const auto& folder) {
        for (std::size_t i = 0; i < 3; ++i) shards[i].save(shard_path(folder, i));
    };
    CHECK(with(save) == "accepted");
    const auto missing = with([&](auto& shards, auto& folder) {
        save(shards, folder);
        std::filesystem::remove(shard_path(folder, 1));
    });
    CHECK(missing.starts_with("file_not_found"));
    CHECK(missing.find("model-00002-of-00003.gguf") != std::string::npos);
    const auto swapped = with([&](auto& shards, auto& folder) {
        std::swap(shards[1], shards[2]);
        save(shards, folder);
    });
    CHECK(swapped.starts_with("corrupt: "));
    CHECK(swapped.find("model-00002-of-00003.gguf: the shard says it is another one") != std::string::npos);
    const auto fewer = with([&](auto& shards, auto& folder) {
        shards[2] = gguf_writer().pair("split.no", 2).pair("split.count", 3);
        save(shards, folder);
    });
    CHECK(fewer.starts_with("corrupt: "));
    CHECK(fewer.find(".gguf: 4 tensors are announced, but the shards hold 2") != std::string::npos);
    const auto twice = with([&](auto& shards, auto& folder) {
        shards[2].tensor("a", {4}, four);
        shards[0] = gguf_writer().pair("split.no", 0).pair("split.count", 3).tensor("a", {4}, four);
        save(shards, folder);
    });
    CHECK(twice.starts_with("duplicate_name"));
    CHECK(twice.find("model-00003-of-00003.gguf") != std::string::npos);

    const wafer_test::temporary_directory folder;
    three_shards()[0].save(folder.path() / "renamed.gguf");
    CHECK(split_refusal(folder.path() / "renamed.gguf").find("-00001-of-00003.gguf") != std::string::npos);
    CHECK(refusal(three_shards()[0].bytes())->code() == errc::invalid_argument);
}

namespace {

/// A file behind a callback that counts what is asked of it.
struct counted {
    std::vector<std::byte> bytes;
    std::uint64_t size = bytes.size();
    std::uint64_t furthest = 0, asked = 0;
    std::size_t calls = 0, fails_at = ~std::size_t{0};

    [[nodiscard]] wafer::file_reader reader() {
        return {.size = size,
                .read = [this](std::uint64_t offset, std::span<std::byte> to) -> std::size_t {
                    if (calls++ == fails_at) return to.size() / 2;
                    furthest = std::max(furthest, offset + to.size());
                    asked += to.size();
                    const auto there = offset < bytes.size() ? std::min(to.size(), bytes.size() - offset) : 0;
                    std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(offset), there, to.begin());
                    return to.size();  // zeros behind the end: a file as large as it says
                },
                .name = "counted"};
    }
};

}  // namespace

TEST_CASE("gguf: behind a reader the header is the same, and not a weight is read before it is wanted") {
    auto writer = small_model();
    std::vector<std::string> tokens;  // a header of several pieces: strings lie across their borders
    for (int i = 0; i < 60'000; ++i) tokens.push_back("token number " + std::to_string(i));
    writer.array("many", tokens);
    counted file{writer.bytes()};
    const std::size_t header = file.bytes.size();
    file.bytes.resize(header + (std::size_t{64} << 20));
    file.size = file.bytes.size();
    const auto opened = wafer::open_gguf(file.reader());
    CHECK(file.calls > 3);
    CHECK(file.calls < 10);
    CHECK(file.furthest < header + (std::size_t{8} << 20));
    CHECK(file.asked < 3 * header);

    const auto in_memory = wafer::parse_gguf(file.bytes);
    REQUIRE(opened.metadata().entries().size() == in_memory.metadata().entries().size());
    for (std::size_t i = 0; i < opened.metadata().entries().size(); ++i) {
        CHECK(opened.metadata().entries()[i].key == in_memory.metadata().entries()[i].key);
        CHECK(opened.metadata().entries()[i].value == in_memory.metadata().entries()[i].value);
    }
    CHECK(opened.path() == "counted");
    CHECK(opened.size() == in_memory.size());
    for (const auto& t : in_memory.tensors()) {
        const auto& same = opened.require(t.name);
        CHECK(same.offset == t.offset);
        CHECK(same.data.empty());
        std::vector<std::byte> data(same.size());
        opened.read(same, 0, data);
        CHECK(std::equal(data.begin(), data.end(), t.data.begin(), t.data.end()));
    }
    const auto copy = opened;  // strings live as long as any copy
    CHECK(copy.metadata().require<std::vector<std::string>>("many") == tokens);
}

TEST_CASE("gguf: a reader that stops in the middle is an error, wherever that is") {
    auto writer = small_model();
    writer.array("many", std::vector<std::string>(30'000, "a token"));
    for (std::size_t at = 0;; ++at) {
        counted file{writer.bytes()};
        file.fails_at = at;
        try {
            (void)wafer::open_gguf(file.reader());
            CHECK(at > 2);
            break;
        } catch (const wafer::error& e) {
            CHECK(e.code() == errc::io_failed);
            CHECK(e.where().file == "counted");
        }
    }
}

TEST_CASE("gguf: a reader's file may be cut or lie anywhere, like any other") {
    const auto whole = small_model().bytes();
    for (std::size_t size = 0; size < whole.size(); ++size) {
        counted file{{whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)}};
        CHECK_THROWS_AS((void)wafer::open_gguf(file.reader()), wafer::error);
    }
    // A file as large as it says, and a string that is said to take all of it.
    counted lies{byte_writer()
                     .raw("GGUF")
                     .put(std::uint32_t{3})
                     .put(std::uint64_t{0})
                     .put(std::uint64_t{1})
                     .put(std::uint64_t{1} << 40)
                     .bytes()};
    lies.size = std::uint64_t{1} << 50;
    try {
        (void)wafer::open_gguf(lies.reader());
        FAIL("accepted");
    } catch (const wafer::error& e) {
        CHECK(e.code() == errc::corrupt);
        CHECK(lies.asked <= std::uint64_t{1} << 20);
    }
}

TEST_CASE("gguf: memory that is handed over lives in the checkpoint") {
    auto bytes = std::make_unique<std::vector<std::byte>>(small_model().bytes());
    const auto opened = wafer::open_gguf(std::move(*bytes));
    bytes.reset();
    CHECK(opened.metadata().require<std::string>("") == "empty key");
    CHECK(std::memcmp(opened.require("first").data.data(), four.data(), 16) == 0);
}

TEST_CASE("gguf: published vocabularies are read") {
    const std::filesystem::path folder = WAFER_SHARED "/oracle/tokenizers";
    if (!std::filesystem::exists(folder)) {
        MESSAGE("skipped: no " << folder.string());
        return;
    }
    const auto gpt2 = wafer::open_gguf(folder / "ggml-vocab-gpt-2.gguf");
    CHECK(gpt2.metadata().require<std::string>("tokenizer.ggml.model") == "gpt2");
    CHECK(gpt2.metadata().require<std::span<const std::string_view>>("tokenizer.ggml.tokens").size() == 50257);
    CHECK(gpt2.metadata().require<std::vector<std::int32_t>>("tokenizer.ggml.token_type").size() == 50257);
    const auto llama = wafer::open_gguf(folder / "ggml-vocab-llama-spm.gguf");
    CHECK(llama.metadata().require<std::vector<float>>("tokenizer.ggml.scores").size() == 32000);
}

TEST_CASE("gguf: the small files that crashed other readers are refused") {
    // Each is a header and one malformed thing, 37 to 88 bytes.
    const auto head = [](std::uint64_t n_tensors, std::uint64_t n_pairs) {
        return byte_writer().raw("GGUF").put(std::uint32_t{3}).put(n_tensors).put(n_pairs);
    };
    std::vector<byte_writer> files;
    files.push_back(head(0, 1).string("").put(std::uint32_t{7}).put(std::uint8_t{9}));
    files.push_back(head(0, 1).put(std::uint64_t{0x7FFFFFFFFFFFFFFF}).put(std::uint32_t{8}).put('x'));
    files.push_back(head(0, 1).string("k").put(gguf_array).put(gguf_array).put(huge));
    files.push_back(head(0, 1)
                        .string("k")
                        .put(gguf_array)
                        .put(gguf_array)
                        .put(std::uint64_t{1})
                        .put(gguf_array)
                        .put(gguf_array)
                        .put(std::uint64_t{1}));
    files.push_back(head(0, 1).string("k").put(std::uint32_t{8}).put(huge));
    files.push_back(
        head(1, 0).string("t").put(std::uint32_t{1}).put(std::uint64_t{0}).put(std::uint32_t{0}).put(std::uint64_t{0}));
    files.push_back(head(1, 0)
                        .string("t")
                        .put(std::uint32_t{2})
                        .put(std::uint64_t{1} << 32)
                        .put(std::uint64_t{1} << 32)
                        .put(std::uint32_t{0})
                        .put(std::uint64_t{0}));
    files.push_back(head(1, 0).string("t").put(std::uint32_t{4}).put(huge).put(huge).put(huge).put(huge));
    files.push_back(head(1, 1)
                        .string("general.alignment")
                        .put(std::uint32_t{4})
                        .put(0)
                        .string("")
                        .put(std::uint32_t{1})
                        .put(std::uint64_t{1}));
    for (const auto& file : files) {
        CAPTURE(file.bytes().size());
        CHECK(file.bytes().size() >= 37);
        CHECK(file.bytes().size() <= 88);
        CHECK(refusal(file.bytes()).has_value());
    }
}
