// SPDX-License-Identifier: MIT
#include <algorithm>
#include <csignal>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <span>
#include <string>
#include <string_view>
#include <support/child.hpp>
#include <support/temporary.hpp>
#include <sys/resource.h>
#include <unistd.h>

#include <doctest/doctest.h>

#include <wafer/io/replace_file.hpp>

#if defined(__linux__)
#include <sched.h>
#include <sys/mount.h>
#endif

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

TEST_CASE("replace_file: a limit on the size of files is an error before anything is written, and kills nobody") {
    const wafer_test::temporary_directory folder;
    const auto path = folder.file("f", "old");
    // A child, in which the signal has not been ignored. 7: as it should be.
    const auto writes = [&](std::uint64_t announced, std::size_t size) {
        return wafer_test::status_of_child([&] {
            const rlimit limit{50'000, 50'000};
            if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) return 1;
            const auto refusal = wafer::error_of([&] {
                replace_file file(path, announced);
                for (std::size_t left = size; left != 0;) {
                    const auto now = std::min<std::size_t>(left, 30'000);
                    file.write(bytes_of(std::string(now, 'x')));
                    left -= now;
                }
                file.commit();
            });
            const auto most = std::max<std::uint64_t>(announced, size);
            if (most <= 50'000) return refusal ? 2 : 7;
            if (!refusal || refusal->code() != errc::io_failed || refusal->where().file != path.string()) return 3;
            const auto text = path.string() + ": could not be written to its end: " + std::to_string(most) +
                              " bytes are more than a file of this process may have, 50000 (RLIMIT_FSIZE, ulimit -f)";
            return std::string(refusal->what()).starts_with(text) ? 7 : 4;
        });
    };
    for (const std::uint64_t announced : {0u, 60'000u, 2'000'000'000u}) {
        CAPTURE(announced);
        CHECK(writes(announced, 60'000) == 7);
        CHECK(read(path) == "old");
        CHECK(count(folder.path()) == 1);
    }
    CHECK(writes(50'000, 50'000) == 7);
    CHECK(read(path) == std::string(50'000, 'x'));
    CHECK(writes(0, 100) == 7);
    CHECK(writes(10'000, 100) == 7);  // what was not needed is not part of the file
    CHECK(read(path) == std::string(100, 'x'));
    CHECK(count(folder.path()) == 1);
}

#if defined(__linux__)
TEST_CASE("replace_file: where a disk has no room for all of it, nothing is written at all") {
    const wafer_test::temporary_directory folder;
    const int status = wafer_test::status_of_child([&] {  // a small file system, where the system allows one
        const auto user = std::to_string(::geteuid()), group = std::to_string(::getegid());
        if (::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return 77;
        std::ofstream("/proc/self/setgroups") << "deny";
        std::ofstream("/proc/self/uid_map") << "0 " + user + " 1";
        std::ofstream("/proc/self/gid_map") << "0 " + group + " 1";
        if (::mount("none", folder.path().c_str(), "tmpfs", 0, "size=256k") != 0) return 77;
        const auto path = folder.file("f", "old");
        for (const std::uint64_t announced : {300'000u, 0u}) {
            const auto refusal = wafer::error_of([&] {
                replace_file file(path, announced);
                if (announced != 0) ::_exit(1);
                for (int i = 0; i < 10; ++i) file.write(bytes_of(std::string(30'000, 'x')));
                file.commit();
            });
            if (!refusal || refusal->code() != errc::io_failed) return 2;
            if (std::string(refusal->what()).find("No space left on device") == std::string::npos) return 3;
            if (read(path) != "old" || count(folder.path()) != 1) return 4;
        }
        return 7;
    });
    if (status == 77) MESSAGE("skipped: no file system can be mounted here");
    else CHECK(status == 7);
}
#endif

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
