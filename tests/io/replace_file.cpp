// SPDX-License-Identifier: MIT
#include <filesystem>
#include <fstream>
#include <iterator>
#include <span>
#include <string>
#include <string_view>
#include <support/temporary.hpp>

#include <doctest/doctest.h>

#include <wafer/io/replace_file.hpp>

using wafer::errc;
using wafer::replace_file;

namespace {

std::span<const std::byte> bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }

std::string read(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

std::size_t count(const std::filesystem::path& folder) {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder), {}));
}

}  // namespace

TEST_CASE("replace_file: the new content takes the old one's place as a whole, and leaves nothing beside it") {
    const wafer_test::temporary_directory folder;
    const auto path = folder.file("f", "old");
    {
        replace_file file(path);
        file.write(bytes_of("ne"));
        CHECK(read(path) == "old");
        file.write({});
        file.write(bytes_of("w"));
        file.commit();
    }
    CHECK(read(path) == "new");
    CHECK(count(folder.path()) == 1);
    replace_file(folder.path() / "fresh").commit();
    CHECK(std::filesystem::is_empty(folder.path() / "fresh"));
}

TEST_CASE("replace_file: without a commit nothing has changed") {
    const wafer_test::temporary_directory folder;
    const auto path = folder.file("f", "old");
    replace_file(path).write(bytes_of("new"));
    CHECK(read(path) == "old");
    CHECK(count(folder.path()) == 1);
}

TEST_CASE("replace_file: what cannot be written is refused by cause") {
    const wafer_test::temporary_directory folder;
    const auto code_of = [](const std::filesystem::path& path) {
        try {
            replace_file file(path);
        } catch (const wafer::error& e) {
            CHECK(e.where().file == path.string());
            return e.code();
        }
        return errc::cancelled;
    };
    CHECK(code_of(folder.path()) == errc::not_a_file);
    CHECK(code_of("/dev/null") == errc::not_a_file);
    CHECK(code_of(folder.path() / "missing" / "f") == errc::io_failed);
    CHECK(count(folder.path()) == 0);
}

#if defined(__linux__)
TEST_CASE("replace_file: a full disk is an error, and the old file stands") {
    const wafer_test::temporary_directory folder;
    const auto path = folder.file("f", "old");
    std::filesystem::create_symlink("/dev/full", folder.path() / "f.part");
    try {
        replace_file file(path);
        file.write(bytes_of(std::string(100'000, 'x')));
        file.commit();
        FAIL("it was written");
    } catch (const wafer::error& e) {
        CHECK(e.code() == errc::io_failed);
    }
    CHECK(read(path) == "old");
    CHECK(count(folder.path()) == 1);
}
#endif
