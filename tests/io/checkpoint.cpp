// SPDX-License-Identifier: MIT
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <span>
#include <string>
#include <support/temporary.hpp>
#include <unistd.h>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include <wafer/io/checkpoint.hpp>

using wafer::checkpoint;
using wafer::dtype;
using wafer::errc;
using wafer::shape;

namespace {

constexpr std::array<std::byte, 24> storage{};

wafer::checkpoint_contents contents() {
    wafer::checkpoint_contents all;
    all.meta = wafer::metadata("m.gguf");
    all.files = {"m.gguf"};
    all.tensors.push_back({"b", dtype::f32, shape{2, 2}, std::span(storage).first(16), 0, 0});
    all.tensors.push_back({"a", dtype::f16, shape{4}, std::span(storage).last(8), 0, 16});
    return all;
}

}  // namespace

TEST_CASE("checkpoint: tensors are found by name and listed as stored") {
    const checkpoint opened(contents());
    CHECK(opened.tensors()[0].name == "b");
    CHECK(opened.find("a") == &opened.tensors()[1]);
    CHECK(opened.find("b")->dims == shape{2, 2});
    CHECK(opened.find("") == nullptr);
    CHECK(opened.find("c") == nullptr);
    CHECK(opened.size() == wafer::bytes(24));
    CHECK(opened.path() == "m.gguf");
}

#if defined(__linux__)
TEST_CASE("checkpoint: hints fetch the pages of a mapped file and give them back; memory of others stays as it is") {
    const wafer_test::temporary_directory folder;
    const std::size_t page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)), size = 64 * page;
    const auto path = folder.file("m", std::string(size, 'w'));
    const auto over = [&](wafer::byte_source source) {
        wafer::checkpoint_contents all;
        all.meta = wafer::metadata("m");
        all.files = {"m"};
        all.tensors.push_back({"t", dtype::f32, shape{size / 4}, source.memory(), 0, 0});
        all.sources.push_back(std::move(source));
        return checkpoint(std::move(all));
    };
    // Pages that this process has mapped, of a file's: what the system keeps of the file by itself does not count.
    const auto mapped = [](const checkpoint& of) {
        const auto data = of.require("t").data;
        std::ifstream maps("/proc/self/smaps");
        std::string line, head;
        for (bool here = false; std::getline(maps, line);) {
            std::uintptr_t begin = 0, end = 0;
            if (std::sscanf(line.c_str(), "%lx-%lx ", &begin, &end) == 2)
                here = begin <= reinterpret_cast<std::uintptr_t>(data.data()) &&
                       reinterpret_cast<std::uintptr_t>(data.data()) < end;
            else if (here && line.starts_with("Rss:")) return std::stoul(line.substr(4)) * 1024;
        }
        return 0ul;
    };
    const auto file = over({wafer::mapped_file(path), "m"});
    file.wont_need(file.require("t").data);
    REQUIRE(mapped(file) == 0);
    file.will_need(file.require("t").data.subspan(3 * page, 8 * page));
    const bool populates = mapped(file) >= 8 * page;  // Linux 5.14; older ones only read ahead
    WARN(populates);
    for (std::size_t i = 0; i < size; i += page) REQUIRE(file.require("t").data[i] == std::byte{'w'});
    CHECK(mapped(file) == size);
    file.wont_need(file.require("t").data.subspan(1, size - 1));  // pages that it fills: all but the first
    CHECK(mapped(file) == page);
    const auto own = over(std::vector<std::byte>(size, std::byte{7}));
    own.wont_need(own.require("t").data);
    CHECK(own.require("t").data[5 * page] == std::byte{7});
}
#endif

TEST_CASE("checkpoint: parts of tensors are read wherever they are, and no others") {
    std::vector<std::byte> stored(40, std::byte{7});
    const auto behind = [&](wafer::byte_source source, bool in_memory) {
        auto all = contents();
        for (auto& t : all.tensors) t.data = {};
        if (in_memory)
            for (auto& t : all.tensors) t.data = std::span<const std::byte>(stored).subspan(t.offset, t.size());
        all.sources.push_back(std::move(source));
        const checkpoint opened(std::move(all));
        std::array<std::byte, 9> part{};
        const auto& a = opened.require("a");  // bytes 16 to 24 of the file
        stored[18] = std::byte{42};
        opened.read(a, 2, std::span(part).first(6));
        CHECK(part[0] == std::byte{42});
        CHECK(part[5] == std::byte{7});
        CHECK(part[6] == std::byte{0});
        CHECK_THROWS_AS(opened.read(a, 0, part), wafer::error);
        CHECK_THROWS_AS(opened.read(a, 9, {}), wafer::error);
    };
    behind(stored, true);
    behind(wafer::file_reader{.size = stored.size(),
                              .read =
                                  [&](std::uint64_t offset, std::span<std::byte> to) {
                                      std::copy_n(stored.begin() + static_cast<std::ptrdiff_t>(offset), to.size(),
                                                  to.begin());
                                      return to.size();
                                  }},
           false);
}

TEST_CASE("checkpoint: copies share one state") {
    checkpoint opened(contents());
    const checkpoint copy = opened;
    CHECK(copy.find("a") == opened.find("a"));
    const checkpoint moved = std::move(opened);
    CHECK(copy.find("a") == moved.find("a"));
}

TEST_CASE("checkpoint: an absent tensor and a name used twice are errors") {
    try {
        static_cast<void>(checkpoint(contents()).require("output.weight"));
        FAIL("found");
    } catch (const wafer::error& e) {
        CHECK(e.code() == errc::missing_tensor);
        CHECK(std::string(e.what()).starts_with("m.gguf: "));
        CHECK(std::string(e.what()).find("[output.weight]") != std::string::npos);
    }
    auto twice = contents();
    twice.tensors[1].name = "b";
    try {
        const checkpoint opened(std::move(twice));
        FAIL("accepted");
    } catch (const wafer::error& e) {
        CHECK(e.code() == errc::duplicate_name);
        CHECK(e.where().offset == 16);
        CHECK(e.where().tensor == "b");
    }
}
