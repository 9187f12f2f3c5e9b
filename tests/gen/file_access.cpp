// SPDX-License-Identifier: MIT
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <support/child.hpp>
#include <support/reasoner.hpp>
#include <support/synthetic.hpp>
#include <support/temporary.hpp>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include <wafer/gen/model.hpp>
#include <wafer/gen/plan.hpp>
#include <wafer/gen/session.hpp>

#if !defined(_WIN32)
#include <sys/resource.h>
#endif

using namespace wafer;

namespace {

/// A copy of the default model that tests may spoil, last written a while ago: clocks of file systems tick slowly.
struct spoilable {
    wafer_test::temporary_directory folder;
    std::filesystem::path path = folder.path() / "model.gguf";
    std::uintmax_t size = 0;

    spoilable() { restore(); }
    void restore() {
        std::filesystem::remove(path);
        std::filesystem::copy_file(WAFER_EXAMPLES "/tiny_reasoner/tiny_reasoner.gguf", path);
        std::filesystem::permissions(path, std::filesystem::perms(0644));
        std::filesystem::last_write_time(path, std::filesystem::last_write_time(path) - std::chrono::hours(1));
        size = std::filesystem::file_size(path);
    }
};

load_options accessed(file_access how) {
    load_options options;
    options.n_threads = 2;
    options.access = how;
    return options;
}

/// How a load ends during which something happens to the file: at the n-th call of progress, counted from 0.
std::optional<error> load_with(const spoilable& file, file_access how, std::size_t n,
                               const std::function<void()>& happens, std::vector<std::string>* warnings = nullptr) {
    auto options = accessed(how);
    std::size_t calls = 0;
    options.progress = [&](bytes, bytes) {
        if (calls++ == n) happens();
        return true;
    };
    options.log = [&](log_level level, std::string_view line) {
        if (level == log_level::warning && warnings != nullptr) warnings->emplace_back(line);
    };
    return error_of([&] { (void)load(file.path, options); });
}

}  // namespace

TEST_CASE("file_access: a model that is read is the one that is mapped, planned, loaded and swapped") {
    const spoilable file;
    auto m = load(file.path, accessed(file_access::read));
    CHECK(m.fingerprint() == wafer_test::reasoner().fingerprint());
    session<> chat{m, wafer_test::greedy()};
    CHECK(chat.ask("What is 17 + 25?").text() == "17 + 25 = 42");
    CHECK(plan(file.path, {}, {.n_threads = 2, .access = file_access::read}).total() == plan(file.path, {}, 2).total());
    m.swap(file.path);
    CHECK(m.fingerprint() == wafer_test::reasoner().fingerprint());
}

TEST_CASE("file_access: where files are to be read, one that is mapped is refused") {
    const spoilable file;
    const auto mapped = open_checkpoint(file.path);
    const auto refused = [](const std::optional<error>& e) {
        return e && e->code() == errc::invalid_argument &&
               std::string(e->what()).find("open it with file_access::read") != std::string::npos;
    };
    CHECK(refused(error_of([&] { model m(mapped, accessed(file_access::read)); })));
    CHECK(
        refused(error_of([&] { (void)load(byte_source(file.path, file_access::map), accessed(file_access::read)); })));
    auto m = load(byte_source(file.path, file_access::read), accessed(file_access::read));
    CHECK(refused(error_of([&] { m.swap(mapped); })));
    m.swap(open_checkpoint(file.path, file_access::read));
    CHECK(m.fingerprint() == wafer_test::reasoner().fingerprint());
}

TEST_CASE(
    "file_access: a file that shrinks while it is read is a typed error, wherever it ends and whenever that happens") {
    spoilable file;
    std::size_t calls = 0;
    CHECK_FALSE(load_with(file, file_access::read, ~std::size_t{0}, [] {}));
    {
        auto options = accessed(file_access::read);
        options.progress = [&](bytes, bytes) { return ++calls != 0; };
        (void)load(file.path, options);
    }
    REQUIRE(calls > 4);
    for (const std::size_t n : {std::size_t{0}, calls / 4, calls / 2, calls - 1})
        for (const std::uintmax_t left : {std::uintmax_t{0}, std::uintmax_t{1000}, file.size / 2, file.size - 1}) {
            CAPTURE(n);
            CAPTURE(left);
            const auto e =
                load_with(file, file_access::read, n, [&] { std::filesystem::resize_file(file.path, left); });
            REQUIRE(e);
            CHECK(e->code() == errc::truncated);
            CHECK(e->where().file == file.path.string());
            REQUIRE(e->where().offset);
            CHECK(*e->where().offset >= left);  // where it ends, or a stretch behind
            CHECK(*e->where().offset < file.size);
            file.restore();
        }
    std::filesystem::resize_file(file.path, file.size / 2);  // before
    CHECK(load_with(file, file_access::read, 0, [] {})->code() == errc::truncated);
}

TEST_CASE("file_access: a file that others write to during a load is a typed error, read or mapped") {
    spoilable file;
    for (const auto how : {file_access::map, file_access::read}) {
        const auto grown = load_with(file, how, 2, [&] { std::filesystem::resize_file(file.path, file.size + 1); });
        REQUIRE(grown);
        CHECK(grown->code() == errc::io_failed);
        CHECK(std::string(grown->what()).find("the file grew") != std::string::npos);
        CHECK(grown->where().file == file.path.string());
        file.restore();
        const auto written = load_with(file, how, 2, [&] {
            std::ofstream(file.path, std::ios::binary | std::ios::in).seekp(-1, std::ios::end) << 'x';
        });
        REQUIRE(written);
        CHECK(written->code() == errc::io_failed);
        CHECK(std::string(written->what()).find("was written to") != std::string::npos);
        file.restore();
    }
    // Mapped, and read to its end already: shrinking kills nobody, and is known.
    std::uint64_t most = 0;
    auto options = accessed(file_access::map);
    options.progress = [&](bytes done, bytes total) {
        most = done.count;
        if (done == total) std::filesystem::resize_file(file.path, file.size - 1);
        return true;
    };
    const auto shrunk = error_of([&] { (void)load(file.path, options); });
    REQUIRE(shrunk);
    CHECK(shrunk->code() == errc::truncated);
}

TEST_CASE("file_access: a file that is replaced during a load is whole, and whoever listens hears of it") {
    spoilable file;
    for (const auto how : {file_access::map, file_access::read}) {
        std::vector<std::string> warnings;
        const auto e = load_with(
            file, how, 2, [&] { std::filesystem::rename(file.folder.file("other", "no model"), file.path); },
            &warnings);
        CHECK_FALSE(e);
        CHECK(std::count(warnings.begin(), warnings.end(),
                         file.path.string() + " was replaced meanwhile: the file that was there before is resident") ==
              1);
        file.restore();
    }
}

TEST_CASE("file_access: a file that shrinks during a swap leaves no half of a model") {
    spoilable file;
    auto m = load(file.path, accessed(file_access::read));
    const auto opened = open_checkpoint(file.path, file_access::read);
    std::filesystem::resize_file(file.path, file.size / 2);
    const auto e = error_of([&] { m.swap(opened); });
    REQUIRE(e);
    CHECK(e->code() == errc::truncated);
    CHECK(error_of([&] { session<> chat{m}; })->code() == errc::invalid_argument);
    file.restore();
    m.swap(file.path);
    CHECK(m.fingerprint() == wafer_test::reasoner().fingerprint());
}

TEST_CASE(
    "file_access: a saved session is refused by its first bytes, however large the file, and read whole otherwise") {
    const wafer_test::temporary_directory folder;
    session<> chat{wafer_test::reasoner(), wafer_test::greedy()};
    CHECK(chat.ask("What is 17 + 25?").text() == "17 + 25 = 42");
    const auto path = folder.path() / "session";
    chat.save(path);
    session<> other{wafer_test::reasoner()};
    other.load(path);
    CHECK(other.save() == chat.save());

    const auto code_of = [&](const std::filesystem::path& at) {
        const auto e = error_of([&] { other.load(at); });
        REQUIRE(e);
        CHECK(e->where().file == at.string());
        return e->code();
    };
    const auto huge = std::uint64_t{1} << 40;  // with a hole: it takes no space
    const auto no_session = folder.file("model", "GGUF");
    std::filesystem::resize_file(no_session, huge);
    CHECK(code_of(no_session) == errc::bad_magic);
    std::filesystem::resize_file(path, huge);
    CHECK(code_of(path) == errc::corrupt);
    std::ofstream(path, std::ios::binary | std::ios::in)
        .seekp(16)
        .write(reinterpret_cast<const char*>(&huge), sizeof huge);
    CHECK(code_of(path) == errc::out_of_memory);
    std::filesystem::resize_file(path, 40);
    CHECK(code_of(path) == errc::truncated);
    CHECK(code_of(folder.file("empty")) == errc::truncated);
    CHECK(code_of(folder.file("short", "WAFER")) == errc::bad_magic);
    CHECK(code_of(folder.path()) == errc::not_a_file);
    CHECK(other.save() == chat.save());
}

#if !defined(_WIN32)
TEST_CASE("file_access: a save beyond the limit on the size of files is a typed error, and the conversation goes on") {
    const wafer_test::temporary_directory folder;
    const auto path = folder.file("session", "what was there");
    const int status = wafer_test::status_of_child([&] {
        const rlimit limit{20'000, 20'000};  // less than the row of logits and the cache take
        if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) return 1;
        session<> chat{load(WAFER_EXAMPLES "/tiny_reasoner/tiny_reasoner.gguf", {.n_threads = 1}),
                       wafer_test::greedy()};
        (void)chat.ask("What is 17 + 25?").text();
        const auto size = chat.save().size();
        const auto e = error_of([&] { chat.save(path); });
        if (size <= 20'000 || !e || e->code() != errc::io_failed || e->where().file != path.string()) return 2;
        if (std::string(e->what()).find(std::to_string(size) + " bytes are more than") == std::string::npos) return 3;
        return chat.ask("What is 17 + 25?").text() == "17 + 25 = 42" ? 7 : 4;
    });
    CHECK(status == 7);
    CHECK(std::filesystem::file_size(path) == 14);
    CHECK(std::distance(std::filesystem::directory_iterator(folder.path()), {}) == 1);
}
#endif
