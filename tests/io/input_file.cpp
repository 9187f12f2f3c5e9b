// SPDX-License-Identifier: MIT
#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <limits>
#include <string>
#include <support/temporary.hpp>
#include <thread>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include <wafer/io/input_file.hpp>
#include <wafer/io/mapped_file.hpp>

using wafer::errc;
using wafer::input_file;

namespace {

std::string read_from(const input_file& file, std::uint64_t offset, std::size_t n) {
    std::string text(n, '?');
    file.read(offset, std::as_writable_bytes(std::span(text)));
    return text;
}

/// Code, place and text of what work() raises.
std::string raised(const std::function<void()>& work) {
    const auto e = wafer::error_of(work);
    return e ? std::string(wafer::to_string(e->code())) + ": " + e->what() : "nothing";
}

void make_older(const std::filesystem::path& path) {
    std::filesystem::last_write_time(path, std::filesystem::last_write_time(path) - std::chrono::hours(1));
}

}  // namespace

TEST_CASE("input_file: any stretch is read from any thread, before and after a move; beyond the end is an error") {
    const wafer_test::temporary_directory folder;
    std::string content(3'000'000, ' ');
    for (std::size_t i = 0; i < content.size(); ++i) content[i] = static_cast<char>('a' + i % 23);
    const auto path = folder.file("f", content);
    input_file opened(path);
    const input_file file(std::move(opened));
    CHECK(file.size() == content.size());
    CHECK(file.name() == path.string());
    std::vector<std::thread> readers;
    std::vector<int> wrong(4);
    for (std::size_t t = 0; t < wrong.size(); ++t)
        readers.emplace_back([&, t] {
            for (std::size_t i = 0; i < 50; ++i) {
                const std::size_t at = (t * 7919 + i * 104729) % content.size(),
                                  n = std::min(content.size() - at, i * 20'000);
                wrong[t] += read_from(file, at, n) != content.substr(at, n);
            }
        });
    for (auto& reader : readers) reader.join();
    CHECK(wrong == std::vector<int>(4));
    CHECK(read_from(file, content.size(), 0).empty());
    CHECK(raised([&] { (void)read_from(file, content.size() - 10, 11); }) ==
          "truncated: " + path.string() +
              " at byte 3000000: the file ends here; it had 3000000 bytes when it was opened");
    for (const auto far : {std::uint64_t{1} << 62, std::numeric_limits<std::uint64_t>::max() - 100})
        CHECK(raised([&] { (void)read_from(file, far, 10); }).starts_with("truncated"));
}

TEST_CASE("input_file: one that shrank is an error where it ends") {
    const wafer_test::temporary_directory folder;
    const auto path = folder.file("f", std::string(100'000, 'x'));
    const input_file file(path);
    file.check_unchanged();
    CHECK(read_from(file, 60'000, 40'000) == std::string(40'000, 'x'));
    std::filesystem::resize_file(path, 70'000);
    CHECK(raised([&] { (void)read_from(file, 60'000, 40'000); }) ==
          "truncated: " + path.string() + " at byte 70000: the file ends here; it had 100000 bytes when it was opened");
    CHECK(raised([&] { file.check_unchanged(); }) ==
          "truncated: " + path.string() +
              " at byte 70000: the file shrank from 100000 to 70000 bytes while it was in use");
}

TEST_CASE("input_file: one that grew, was written to or replaced is known, read or mapped") {
    const wafer_test::temporary_directory folder;
    const auto path = folder.file("f", "weights");
    make_older(path);  // clocks of file systems tick slowly
    const input_file read(path);
    const wafer::mapped_file mapped(path);
    for (const input_file* file : {&read, &mapped.file()}) {
        file->check_unchanged();
        CHECK_FALSE(file->is_replaced());
    }
    std::ofstream(path, std::ios::binary | std::ios::in) << "w";  // in place
    for (const input_file* file : {&read, &mapped.file()})
        CHECK(raised([&] {
                  file->check_unchanged();
              }).starts_with("io_failed: " + path.string() + ": the file was written to"));
    std::ofstream(path, std::ios::binary | std::ios::app) << ", more";
    for (const input_file* file : {&read, &mapped.file()})
        CHECK(raised([&] {
                  file->check_unchanged();
              }).starts_with("io_failed: " + path.string() + " at byte 7: the file grew from 7 to 13 bytes"));

    const input_file old(path);
    std::filesystem::rename(folder.file("new", "others"), path);
    CHECK(old.is_replaced());
    old.check_unchanged();
    CHECK(read_from(old, 0, 13) == "weights, more");
    const input_file now(path);
    CHECK_FALSE(now.is_replaced());
    std::filesystem::remove(path);
    CHECK(now.is_replaced());
    CHECK(read_from(now, 0, 6) == "others");
}
