// SPDX-License-Identifier: MIT
#include <new>
#include <optional>
#include <stdexcept>
#include <string>

#include <doctest/doctest.h>

#include <wafer/core/error.hpp>
#include <wafer/core/log.hpp>

using namespace wafer;

TEST_SUITE("core.error") {

    TEST_CASE("error: every enumerator has a name, and other numbers are unknown") {
        CHECK(to_string(errc::file_not_found) == "file_not_found");
        CHECK(to_string(errc::wrong_process) == "wrong_process");
        CHECK(to_string(log_level::info) == "info");
        CHECK(to_string(log_level::warning) == "warning");
        for (const int n : {77, 200, 255}) {
            CHECK(to_string(static_cast<errc>(n)) == "unknown");
            CHECK(to_string(static_cast<log_level>(n)) == "unknown");
            CHECK(error(static_cast<errc>(n), "odd").code() == static_cast<errc>(n));
        }
    }

    TEST_CASE("error: what() is one line: the place in the file as far as it is known, then the message") {
        CHECK(std::string(error(errc::corrupt, "a count").what()) == "a count");
        CHECK(std::string(error(errc::corrupt, "a count", {"m.gguf", 12, "w"}).what()) ==
              "m.gguf at byte 12: a count [w]");
        CHECK(std::string(error(errc::corrupt, "a count", {"m.gguf", {}, {}}).what()) == "m.gguf: a count");
        CHECK(std::string(error(errc::bad_utf8, "no text", {{}, 5, {}}).what()) == "no text at byte 5");
    }

    TEST_CASE("error: names from a file spoil no terminal, break no line and have an end") {
        const std::string name = "a\x1b[2J\n\x7f\xc2\x9b\xff\xc3\xa4";
        const error e(errc::corrupt, "no '" + name + "'", {"f\n", {}, name + std::string(100'000, 'x')});
        const std::string clean = "a?[2J????\xc3\xa4";
        CHECK(e.where().tensor == clean + std::string(120 - clean.size(), 'x') + "...");
        CHECK(std::string(e.what()) == "f?: no '" + clean + "' [" + e.where().tensor + "]");
        const std::string text = error(errc::corrupt, std::string(100'000, 'y')).what();
        CHECK(text.size() < 5000);
        CHECK(text.ends_with("y..."));
        // A code point is not cut through.
        CHECK(printable("\xc3\xa4\xc3\xa4", 3) == "\xc3\xa4...");
        CHECK(printable("\xc3\xa4\xc3\xa4", 4) == "\xc3\xa4\xc3\xa4");
    }

    TEST_CASE("errc: the first and the last code have their own names, so those between have too") {
        CHECK(to_string(errc::file_not_found) == "file_not_found");
        CHECK(to_string(errc::wrong_process) == "wrong_process");
    }

    TEST_CASE("raise: throws the error that it was given") {
        try {
            raise(errc::bad_json, "no", {"f", 3, "t"});
        } catch (const error& e) {
            CHECK(e.code() == errc::bad_json);
            CHECK(e.where().file == "f");
            CHECK(e.where().offset == 3);
            CHECK(e.where().tensor == "t");
        }
    }

    TEST_CASE("error_of: wafer's own errors come back, nothing comes back from success, other exceptions pass") {
        const auto e = error_of([] { raise(errc::bad_json, "no"); });
        REQUIRE(e.has_value());
        CHECK(e->code() == errc::bad_json);
        int calls = 0;
        CHECK(!error_of([&] { ++calls; }));
        CHECK(calls == 1);
        CHECK(error_of([] { raise(errc::out_of_memory, "no"); })->code() == errc::out_of_memory);
        CHECK(refusal_of([] { raise(errc::bad_json, "no"); })->code() == errc::bad_json);
        CHECK_THROWS_AS(static_cast<void>(refusal_of([] { raise(errc::out_of_memory, "no"); })), error);
        CHECK_THROWS_AS(static_cast<void>(error_of([] { throw std::bad_alloc(); })), std::bad_alloc);
    }

    TEST_CASE("exception_of: whatever was thrown comes back as it was, nothing from success") {
        const auto e = exception_of([] { throw std::runtime_error("any"); });
        REQUIRE(e != nullptr);
        CHECK_THROWS_WITH_AS(std::rethrow_exception(e), "any", std::runtime_error);
        CHECK(exception_of([] { throw 7; }) != nullptr);
        CHECK(exception_of([] {}) == nullptr);
    }
}
