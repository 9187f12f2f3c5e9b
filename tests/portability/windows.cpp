// SPDX-License-Identifier: MIT
// On Windows: what wafer declares of <windows.h> is what <windows.h> declares, in either order, and no macro of it comes
// along. Then that pages, threads and mappings work. Exit status 0: all of it holds.
#ifdef WAFER_TEST_WINDOWS_FIRST
#include <windows.h>
#endif

#include <wafer/llm.hpp>

#if !defined(WAFER_TEST_WINDOWS_FIRST) && (defined(_WINDOWS_) || defined(ERROR) || defined(near) || defined(CreateFile))
#error "wafer included <windows.h>"
#endif

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <type_traits>
#include <windows.h>

namespace {

namespace ours = wafer::system::windows;

#define WAFER_TEST_SAME(name) static_assert(std::is_same_v<decltype(&ours::name), decltype(&::name)>)
WAFER_TEST_SAME(VirtualAlloc);
WAFER_TEST_SAME(VirtualFree);
WAFER_TEST_SAME(VirtualProtect);
WAFER_TEST_SAME(GetCurrentProcess);
WAFER_TEST_SAME(GetCurrentThread);
WAFER_TEST_SAME(GetProcessAffinityMask);
WAFER_TEST_SAME(SetThreadAffinityMask);
WAFER_TEST_SAME(GlobalMemoryStatusEx);
WAFER_TEST_SAME(CreateFileW);
WAFER_TEST_SAME(GetFileAttributesW);
WAFER_TEST_SAME(GetFileType);
WAFER_TEST_SAME(GetFileSizeEx);
WAFER_TEST_SAME(CreateFileMappingW);
WAFER_TEST_SAME(MapViewOfFile);
WAFER_TEST_SAME(UnmapViewOfFile);
WAFER_TEST_SAME(VirtualUnlock);
WAFER_TEST_SAME(PrefetchVirtualMemory);
WAFER_TEST_SAME(CloseHandle);
WAFER_TEST_SAME(GetLastError);
WAFER_TEST_SAME(WriteFile);
WAFER_TEST_SAME(FlushFileBuffers);
WAFER_TEST_SAME(GetCurrentProcessId);

static_assert(ours::commit_and_reserve == (MEM_COMMIT | MEM_RESERVE) && ours::release == MEM_RELEASE);
static_assert(ours::read_only == PAGE_READONLY && ours::read_write == PAGE_READWRITE);
static_assert(sizeof(ours::memory_status) == sizeof(MEMORYSTATUSEX));
static_assert(offsetof(ours::memory_status, available_physical) == offsetof(MEMORYSTATUSEX, ullAvailPhys));
static_assert(offsetof(ours::memory_status, available_commit) == offsetof(MEMORYSTATUSEX, ullAvailPageFile));
static_assert(offsetof(ours::memory_status, available_address_space) == offsetof(MEMORYSTATUSEX, ullAvailVirtual));

int failures = 0;

void check(bool holds, std::string_view what) {
    if (holds) return;
    std::cerr << "does not hold: " << what << '\n';
    ++failures;
}

void check_refusal(const std::filesystem::path& path, wafer::errc code) {
    try {
        wafer::mapped_file file(path);
        check(false, "a refusal of " + path.string());
    } catch (const wafer::error& e) {
        check(e.code() == code && e.where().file == path.string(), e.what());
    }
}

void check_pages() {
    const std::size_t size = std::size_t{5} << 20;
    std::byte* const p = wafer::system::reserve_pages(size);
    check(p != nullptr && p[0] == std::byte{} && p[size - 1] == std::byte{}, "pages are zero");
    const auto protection = [&] {
        MEMORY_BASIC_INFORMATION about{};
        VirtualQuery(p, &about, sizeof about);
        return about.Protect;
    };
    wafer::system::protect_pages(p, size, false);
    check(protection() == PAGE_READONLY, "pages are sealed");
    wafer::system::protect_pages(p, size, true);
    check(protection() == PAGE_READWRITE, "pages are open again");
    wafer::system::release_pages(p, size);
    check(wafer::system::reserve_pages(std::size_t{1} << 60) == nullptr, "more than there is, is null");
    wafer::system::release_pages(nullptr, 0);
    const auto available = wafer::system::available_memory();
    check(available > (1u << 20) && available < std::uint64_t{1} << 50, "available memory is told");
}

void check_threads() {
    const std::size_t n = wafer::system::usable_cpus();
    check(n >= 1 && n <= 64, "CPUs are counted");
    std::thread([&] {
        wafer::system::pin_this_thread(n);  // round: the first again
        DWORD_PTR process = 0, all = 0;
        GetProcessAffinityMask(GetCurrentProcess(), &process, &all);
        const DWORD_PTR before = SetThreadAffinityMask(GetCurrentThread(), process);
        check(before == (process & (~process + 1)), "a thread is pinned to the first CPU");
    }).join();
}

void check_mappings() {
    const auto folder = std::filesystem::temp_directory_path() / "wafer-windows-test";
    std::filesystem::create_directories(folder);
    const auto path = folder / L"m\u00F6del \u6A21\u578B.gguf";
    std::ofstream(path, std::ios::binary) << "weights";
    {
        const wafer::mapped_file file(path);
        const auto data = file.data();
        check(std::string_view(reinterpret_cast<const char*>(data.data()), data.size()) == "weights",
              "content is mapped");
        wafer::mapped_file::will_need(data);
        wafer::mapped_file::wont_need(data);
        wafer::mapped_file::wont_need({});
        check(data[6] == std::byte{'s'}, "content comes back");
        check(!std::ofstream(path, std::ios::binary), "nobody can write to a mapped file");
    }
    {
        const wafer::input_file file(path);
        std::string text(7, ' ');
        const auto read = [&](std::uint64_t offset, std::size_t n) {
            file.read(offset, std::as_writable_bytes(std::span(text).first(n)));
        };
        read(3, 4);
        check(file.size() == 7 && text.starts_with("ghts"), "content is read from any place");
        file.check_unchanged();
        check(wafer::error_of([&] { read(3, 5); })->code() == wafer::errc::truncated, "the end is told");
        std::filesystem::last_write_time(path, std::filesystem::last_write_time(path) - std::chrono::hours(1));
        check(wafer::error_of([&] { file.check_unchanged(); })->code() == wafer::errc::io_failed, "writes are known");
        check(!!(std::ofstream(path, std::ios::binary) << "we" << std::flush),
              "others can write to a file that is read");
        check(wafer::error_of([&] { read(0, 7); })->where().offset == 2, "a shorter file is read to its end");
        check(wafer::error_of([&] { file.check_unchanged(); })->code() == wafer::errc::truncated, "shrinking is known");
    }
    check(std::filesystem::remove(path), "a file that is no longer open can be removed");

    for (const std::string_view content : {"first", "second"}) {
        wafer::replace_file file(path);
        file.write(std::as_bytes(std::span(content)));
        file.commit();
        std::string now;
        std::getline(std::ifstream(path, std::ios::binary), now);
        check(now == content, "a file is made, and replaced");
    }
    check(std::distance(std::filesystem::directory_iterator(folder), {}) == 1, "nothing is left beside it");

    const auto large = folder / "large";
    std::ofstream(large, std::ios::binary) << 'x';
    std::filesystem::resize_file(large, (std::uintmax_t{5} << 30) - 1);
    std::ofstream(large, std::ios::binary | std::ios::app) << 'y';
    {
        const wafer::mapped_file file(large);
        check(file.data().size() == std::size_t{5} << 30, "sizes have 64 bits");
        check(file.data().front() == std::byte{'x'} && file.data().back() == std::byte{'y'}, "offsets have 64 bits");
        std::byte last{};
        file.file().read((std::uint64_t{5} << 30) - 1, std::span(&last, 1));
        check(last == std::byte{'y'}, "offsets have 64 bits for reading, too");
    }
    check_refusal(folder / "absent", wafer::errc::file_not_found);
    check_refusal(folder / "large" / "below", wafer::errc::file_not_found);
    check_refusal(folder, wafer::errc::not_a_file);
    check_refusal("NUL", wafer::errc::not_a_file);
    std::ofstream(folder / "empty").flush();
    check_refusal(folder / "empty", wafer::errc::truncated);
    std::filesystem::remove_all(folder);
}

}  // namespace

int main() {
    check_pages();
    check_threads();
    check_mappings();
    return failures;
}
