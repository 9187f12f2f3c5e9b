// SPDX-License-Identifier: MIT
#include <filesystem>
#include <string>
#include <support/temporary.hpp>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

#include <doctest/doctest.h>

#include <wafer/io/mapped_file.hpp>

using wafer::errc;
using wafer::mapped_file;

namespace {

/// Of mapping and of reading, which is the same.
errc refusal(const std::filesystem::path& path) {
    const auto e = wafer::error_of([&] { mapped_file file(path); });
    const auto other = wafer::error_of([&] { wafer::input_file file(path); });
    if (!e || !other) FAIL("opened: " << path.string());
    CHECK(e->where().file == path.string());
    CHECK(other->code() == e->code());
    CHECK(std::string(other->what()) == e->what());
    return e->code();
}

std::string text(const mapped_file& file) {
    return {reinterpret_cast<const char*>(file.data().data()), file.data().size()};
}

}  // namespace

TEST_CASE("mapped_file: the bytes are the file's, before and after a move") {
    const wafer_test::temporary_directory folder;
    mapped_file file(folder.file("a", "weights"));
    CHECK(text(file) == "weights");
    mapped_file moved(std::move(file));
    CHECK(text(moved) == "weights");
    mapped_file other(folder.file("b", "x"));
    other = std::move(moved);
    CHECK(text(other) == "weights");
}

TEST_CASE("mapped_file: pages that were given back are read anew") {
    const wafer_test::temporary_directory folder;
    const std::string content(100'000, 'w');
    const mapped_file file(folder.file("a", content));
    mapped_file::will_need(file.data().subspan(10, 5));
    CHECK(text(file) == content);
    mapped_file::wont_need(file.data());
    mapped_file::wont_need(file.data().subspan(1, 1));
    mapped_file::wont_need({});
    CHECK(text(file) == content);
}

TEST_CASE("mapped_file, input_file: what cannot be opened is refused by cause") {
    const wafer_test::temporary_directory folder;
    CHECK(refusal(folder.path() / "absent") == errc::file_not_found);
    CHECK(refusal(folder.file("a", "x") / "below") == errc::file_not_found);
    CHECK(refusal(folder.path() / std::string("a\0b", 3)) == errc::file_not_found);  // not "a", which is there
    CHECK(refusal(folder.path()) == errc::not_a_file);
    CHECK(refusal("/dev/null") == errc::not_a_file);
    CHECK(refusal(folder.file("empty")) == errc::truncated);
    const auto pipe = folder.path() / "pipe";
    REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
    CHECK(refusal(pipe) == errc::not_a_file);  // and does not wait for a writer
    CHECK(refusal(folder.path() / std::string(300, 'n')) == errc::io_failed);
    const auto locked = folder.file("locked", "x");
    std::filesystem::permissions(locked, std::filesystem::perms::none);
    std::filesystem::permissions(folder.path(), std::filesystem::perms(0755));
    const bool root = ::geteuid() == 0;  // who may read everything, so somebody else must ask
    if (root) REQUIRE(::seteuid(65534) == 0);
    const errc answer = refusal(locked);
    if (root) REQUIRE(::seteuid(0) == 0);
    CHECK(answer == errc::permission_denied);
}
