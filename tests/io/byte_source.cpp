// SPDX-License-Identifier: MIT
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <new>
#include <span>
#include <stdexcept>
#include <string>
#include <support/temporary.hpp>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include <wafer/io/byte_source.hpp>

using wafer::byte_source;
using wafer::errc;
using wafer::file_reader;

namespace {

std::vector<std::byte> content() {
    std::vector<std::byte> bytes(100);
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(i);
    return bytes;
}

void check_reads(const byte_source& source) {
    CHECK(source.size() == 100);
    std::array<std::byte, 10> part{};
    source.read(90, part);
    CHECK(std::to_integer<int>(part[0]) == 90);
    CHECK(std::to_integer<int>(part[9]) == 99);
    source.read(100, {});
    for (const auto& [offset, size] :
         {std::pair<std::uint64_t, std::size_t>{91, 10}, {101, 0}, {~std::uint64_t{0}, 10}})
        try {
            source.read(offset, std::span(part).first(size));
            FAIL("it read beyond the end");
        } catch (const wafer::error& e) {
            CHECK(e.code() == errc::truncated);
            CHECK(e.where().offset == offset);
        }
}

/// The code and text of what reading through this function raises.
std::pair<errc, std::string> refusal(std::function<std::size_t(std::uint64_t, std::span<std::byte>)> read) {
    const byte_source source(file_reader{.size = 100, .read = std::move(read), .name = "far away"});
    std::array<std::byte, 10> part{};
    try {
        source.read(20, part);
    } catch (const wafer::error& e) {
        return {e.code(), e.what()};
    }
    return {errc::bad_magic, "it read"};
}

}  // namespace

TEST_CASE("byte_source: the same bytes from a mapping, a file that is read, kept memory, owned memory and a reader") {
    const auto bytes = content();
    check_reads(bytes);
    check_reads(std::span<const std::byte>(bytes));
    auto writable = content();
    check_reads(std::span(writable));
    check_reads(content());
    const wafer_test::temporary_directory folder;
    const auto path = folder.file("f", {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
    check_reads(byte_source(wafer::mapped_file(path), path.string()));
    check_reads(byte_source(wafer::input_file(path)));
    for (const auto how : {wafer::file_access::map, wafer::file_access::read}) {
        byte_source opened(path, how);
        const byte_source moved(std::move(opened));
        check_reads(moved);
        CHECK(moved.name() == path.string());
        CHECK(moved.is_mapped() == (how == wafer::file_access::map));
        CHECK(moved.is_memory() == moved.is_mapped());
        moved.check_unchanged();
        CHECK_FALSE(moved.is_replaced());
    }
    check_reads(file_reader{.size = 100, .read = [&](std::uint64_t offset, std::span<std::byte> to) {
                                std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(offset), to.size(), to.begin());
                                return to.size();
                            }});
}

TEST_CASE("byte_source: a move leaves the memory where it was") {
    byte_source owned(content());
    const auto* const at = owned.memory().data();
    const byte_source moved(std::move(owned));
    CHECK(moved.memory().data() == at);
    check_reads(moved);
}

TEST_CASE("byte_source: a reader that gives less, or throws, is an error that names the file and the place") {
    const auto [code, text] = refusal([](std::uint64_t, std::span<std::byte> to) { return to.size() - 1; });
    CHECK(code == errc::io_failed);
    CHECK(text == "far away at byte 20: the reader gave 9 of 10 bytes");
    const auto thrown = refusal(
        [](std::uint64_t, std::span<std::byte>) -> std::size_t { throw std::runtime_error("the line is dead"); });
    CHECK(thrown.first == errc::io_failed);
    CHECK(thrown.second == "far away at byte 20: the reader failed: the line is dead");
    CHECK(refusal([](std::uint64_t, std::span<std::byte>) -> std::size_t { throw 7; }).first == errc::io_failed);
    const auto starved = refusal([](std::uint64_t, std::span<std::byte>) -> std::size_t { throw std::bad_alloc(); });
    CHECK(starved.first == errc::out_of_memory);
    CHECK(starved.second == "far away at byte 20: the reader could not have its memory");
    const auto own = refusal(
        [](std::uint64_t, std::span<std::byte>) -> std::size_t { throw wafer::error(errc::cancelled, "enough"); });
    CHECK(own.first == errc::cancelled);
    CHECK(own.second == "enough");
    CHECK_THROWS_AS(byte_source(file_reader{.size = 1}), wafer::error);
}

TEST_CASE("byte_source: a reader that failed is not called again") {
    int calls = 0;
    const byte_source source(file_reader{.size = 100, .read = [&](std::uint64_t, std::span<std::byte> to) {
                                             if (++calls == 2) throw std::runtime_error("the line is dead");
                                             return to.size();
                                         }});
    std::array<std::byte, 10> part{};
    source.read(0, part);
    for (int i = 0; i < 2; ++i) try {
            source.read(20, part);
            FAIL("it read");
        } catch (const wafer::error& e) {
            CHECK(std::string(e.what()) == "reader at byte 20: the reader failed: the line is dead");
        }
    CHECK(calls == 2);
}
