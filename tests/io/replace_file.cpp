// SPDX-License-Identifier: MIT
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <span>
#include <string>
#include <string_view>
#include <support/temporary.hpp>
#include <sys/resource.h>
#include <unistd.h>

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

TEST_CASE("replace_file: two at once do not meet, and the last to commit stays") {
    const wafer_test::temporary_directory folder;
    const auto path = folder.file("f", "old");
    const auto other = folder.file("f.part", "somebody's");
    {
        replace_file first(path), second(path), third(path);
        first.write(bytes_of("first, and longer"));
        second.write(bytes_of("second"));
        second.commit();
        CHECK(read(path) == "second");
        first.commit();
    }
    CHECK(read(path) == "first, and longer");
    CHECK(read(other) == "somebody's");
    CHECK(count(folder.path()) == 2);
}

TEST_CASE("replace_file: a link that waits under its name is not followed") {
    const wafer_test::temporary_directory folder;
    const auto victim = folder.file("victim", "precious");
    const auto first_name = folder.path() / ("wafer-" + std::to_string(::getpid()) + "-0.part");
    std::filesystem::create_symlink(victim, first_name);
    replace_file file(folder.path() / "f");
    file.write(bytes_of("new"));
    file.commit();
    CHECK(read(victim) == "precious");
    CHECK(read(folder.path() / "f") == "new");
    CHECK(std::filesystem::is_symlink(first_name));
}

TEST_CASE("replace_file: access rights stay as they were") {
    const wafer_test::temporary_directory folder;
    const auto path = folder.file("f", "old");
    for (const unsigned mode : {0600u, 0640u, 0444u}) {
        std::filesystem::permissions(path, std::filesystem::perms(mode));
        replace_file(path).commit();
        CHECK(std::filesystem::status(path).permissions() == std::filesystem::perms(mode));
    }
}

TEST_CASE("replace_file: a link stays a link, and what it names is replaced") {
    const wafer_test::temporary_directory folder, elsewhere;
    const auto target = elsewhere.file("target", "old");
    const auto link = folder.path() / "link", second = folder.path() / "second", lost = folder.path() / "lost";
    std::filesystem::create_symlink(target, link);
    std::filesystem::create_symlink("link", second);
    std::filesystem::create_symlink("not yet", lost);
    for (const auto& path : {second, lost}) {
        replace_file file(path);
        file.write(bytes_of("new"));
        file.commit();
        CHECK(std::filesystem::is_symlink(path));
        CHECK(read(path) == "new");
    }
    CHECK(read(target) == "new");
    CHECK(read(folder.path() / "not yet") == "new");
    CHECK(count(elsewhere.path()) == 1);
    std::filesystem::create_symlink("round", folder.path() / "round");
    CHECK(wafer::error_of([&] { replace_file file(folder.path() / "round"); })->code() == errc::not_a_file);
}

TEST_CASE("replace_file: a full disk is an error, and the old file stands") {
    const wafer_test::temporary_directory folder;
    const auto path = folder.file("f", "old");
    rlimit before{};  // as a disk that has no more than this
    REQUIRE(::getrlimit(RLIMIT_FSIZE, &before) == 0);
    const auto signal_before = std::signal(SIGXFSZ, SIG_IGN);
    const rlimit small{50'000, before.rlim_max};
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &small) == 0);
    const auto refusal = wafer::error_of([&] {
        replace_file file(path);
        file.write(bytes_of(std::string(100'000, 'x')));
        file.commit();
    });
    ::setrlimit(RLIMIT_FSIZE, &before);
    std::signal(SIGXFSZ, signal_before);
    REQUIRE(refusal);
    CHECK(refusal->code() == errc::io_failed);
    CHECK(read(path) == "old");
    CHECK(count(folder.path()) == 1);
}
