// SPDX-License-Identifier: MIT
#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <iterator>
#include <memory>
#include <mutex>
#include <span>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <support/loaded.hpp>
#include <thread>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include <wafer/gen/model.hpp>
#include <wafer/gen/session.hpp>

using namespace wafer;
using wafer_test::synthetic_model;

namespace {

const std::string reasoner_path = WAFER_EXAMPLES "/tiny_reasoner/tiny_reasoner.gguf";

const std::vector<std::byte>& reasoner_image() {
    static const std::vector<std::byte> image = [] {
        std::ifstream file(reasoner_path, std::ios::binary);
        const std::string text(std::istreambuf_iterator<char>(file), {});
        const auto bytes = std::as_bytes(std::span(text));
        return std::vector<std::byte>(bytes.begin(), bytes.end());
    }();
    return image;
}

load_options two_threads() {
    load_options how;
    how.n_threads = 2;
    return how;
}

/// The default model behind a callback that may do something before its n-th read.
struct far_file {
    std::function<void(std::size_t n)> before = [](std::size_t) {};
    std::size_t short_at = ~std::size_t{0};
    std::size_t reads = 0;
    std::uint64_t furthest = 0, asked = 0;
    bool overlapped = false, busy = false;

    [[nodiscard]] file_reader reader() {
        return {.size = reasoner_image().size(), .read = [this](std::uint64_t offset, std::span<std::byte> to) {
                    overlapped = overlapped || std::exchange(busy, true);
                    const std::size_t n = reads++;
                    before(n);
                    asked += to.size();
                    furthest = std::max(furthest, offset + to.size());
                    std::copy_n(reasoner_image().begin() + static_cast<std::ptrdiff_t>(offset), to.size(), to.begin());
                    busy = false;
                    return n == short_at ? to.size() - 1 : to.size();
                }};
    }
};

std::string answer_of(const model& m) {
    session_options greedy;
    greedy.how.temperature = 0;
    session<> chat{m, greedy};
    return chat.ask("What is 17 + 25?").text();
}

std::pair<errc, std::string> refusal(const std::function<void()>& work) {
    try {
        work();
    } catch (const error& e) {
        return {e.code(), e.what()};
    }
    return {errc::bad_magic, "it worked"};
}

}  // namespace

TEST_CASE("model: from a path, from memory and from a reader it is the same model") {
    const auto from_path = load(reasoner_path, two_threads());
    CHECK(answer_of(from_path) == "17 + 25 = 42");
    const auto& image = reasoner_image();
    CHECK(load(image, two_threads()).fingerprint() == from_path.fingerprint());
    auto copy = std::make_unique<std::vector<std::byte>>(image);
    const auto from_span = load(std::span<const std::byte>(*copy), two_threads());
    copy.reset();  // a loaded model needs its file no more
    CHECK(from_span.fingerprint() == from_path.fingerprint());
    CHECK(answer_of(from_span) == "17 + 25 = 42");
    CHECK(load(std::vector<std::byte>(image), two_threads()).fingerprint() == from_path.fingerprint());

    far_file file;
    const auto from_reader = load(file.reader(), two_threads());
    CHECK(from_reader.fingerprint() == from_path.fingerprint());
    CHECK(answer_of(from_reader) == "17 + 25 = 42");
    CHECK(!file.overlapped);
    CHECK(file.furthest == image.size());
    // Every weight once; the header in pieces that reach a little into the weights.
    CHECK(file.asked < image.size() + (std::size_t{1} << 20));
}

TEST_CASE("model: a reader that fails anywhere ends in a typed error") {
    far_file whole;
    (void)load(whole.reader(), two_threads());
    for (std::size_t at = 0; at < whole.reads; at += at < 8 ? 1 : 5) {
        CAPTURE(at);
        far_file cut;
        cut.short_at = at;
        CHECK(refusal([&] { (void)load(cut.reader(), two_threads()); }).first == errc::io_failed);
        far_file broken;
        broken.before = [&](std::size_t n) {
            if (n == at) throw std::runtime_error("unplugged");
        };
        const auto [code, text] = refusal([&] { (void)load(broken.reader(), two_threads()); });
        CHECK(code == errc::io_failed);
        CHECK(text.starts_with("reader at byte "));
        CHECK(text.ends_with(": the reader failed: unplugged"));
        CHECK(broken.reads == at + 1);  // the other thread asks for no more
    }
}

TEST_CASE("model: a swap from a reader that fails half-way leaves no half of a model") {
    const auto m = load(reasoner_path, two_threads());
    far_file cut;
    (void)open_checkpoint(cut.reader());
    cut.short_at = std::exchange(cut.reads, 0) + 12;
    CHECK(refusal([&] {
              auto copy = m;
              copy.swap(open_checkpoint(cut.reader()));
          }).first == errc::io_failed);
    CHECK(refusal([&] { session<> chat{m}; }).first == errc::invalid_argument);
    auto whole = m;
    whole.swap(reasoner_path);
    CHECK(answer_of(m) == "17 + 25 = 42");
}

TEST_CASE("model: a swap to another vocabulary is refused and changes nothing") {
    auto m = load(reasoner_path, two_threads());
    auto image = reasoner_image();
    const auto file = parse_gguf(image);
    const auto tokens = *file.metadata().find<std::span<const std::string_view>>("tokenizer.ggml.tokens");
    const auto one = std::ranges::find_if(tokens, [](std::string_view t) { return t == "7"; });
    REQUIRE(one != tokens.end());
    const auto before = m.fingerprint();
    *const_cast<char*>(one->data()) = '~';  // in the image, where the view points
    CHECK(refusal([&] { m.swap(parse_gguf(image)); }).first == errc::wrong_model);
    CHECK(m.fingerprint() == before);
    CHECK(answer_of(m) == "17 + 25 = 42");
}

#if !defined(_WIN32)
TEST_CASE("model: a WAFER_TARGET that is not there is known before a weight is read") {
    const char* const given = std::getenv("WAFER_TARGET");
    const std::string before = given == nullptr ? "" : given;
    far_file file;
    const auto opened = open_checkpoint(file.reader());
    const auto reads = file.reads;
    ::setenv("WAFER_TARGET", "nonsense", 1);
    CHECK(refusal([&] { (void)model(opened, two_threads()); }).first == errc::target_unavailable);
    CHECK(file.reads == reads);
    if (given == nullptr) ::unsetenv("WAFER_TARGET");
    else ::setenv("WAFER_TARGET", before.c_str(), 1);
}
#endif

TEST_CASE("model: loading stops when another thread says so, and the pool stays usable") {
    const auto pool = std::make_shared<thread_pool>(2);
    far_file whole;
    load_options how;
    how.pool = pool;
    (void)load(whole.reader(), how);
    for (const std::size_t at : {std::size_t{1}, whole.reads / 2, whole.reads - 1}) {
        std::stop_source source;
        std::atomic<bool> reached{false};
        std::thread other([&] {
            while (!reached) std::this_thread::yield();
            source.request_stop();
        });
        far_file file;
        file.before = [&](std::size_t n) {
            if (n != at) return;
            reached = true;
            while (!source.stop_requested()) std::this_thread::yield();
        };
        how.stop = source.get_token();
        CHECK(refusal([&] { (void)load(file.reader(), how); }).first == errc::cancelled);
        CHECK(file.reads <= at + 3);
        other.join();
    }
    std::stop_source before;
    before.request_stop();
    how.stop = before.get_token();
    CHECK(refusal([&] { (void)load(reasoner_path, how); }).first == errc::cancelled);
    {
        const auto turn = pool->lock();  // somebody else's pass
        CHECK(refusal([&] { (void)load(reasoner_path, how); }).first == errc::cancelled);
    }
    how.stop = {};
    CHECK(answer_of(load(reasoner_path, how)) == "17 + 25 = 42");
}

TEST_CASE("model: whoever listens hears what was chosen, and what is wrong") {
    using line = std::pair<log_level, std::string>;
    std::vector<line> lines;
    auto how = two_threads();
    how.log = [&](log_level level, std::string_view text) { lines.emplace_back(level, text); };
    const auto heard = [&](log_level level, std::string_view words) {
        return std::ranges::any_of(lines, [&](const line& l) {
            return l.first == level && l.second.find(words) != std::string::npos &&
                   l.second.find('\n') == l.second.npos;
        });
    };
    {
        const auto m = load(reasoner_path, how);
        CHECK(heard(log_level::info, "kernels: " + std::string(simd::select().name)));
        CHECK(heard(log_level::info, "threads: 2"));
        CHECK(heard(log_level::info, "weights: "));
        const session<> small{m, {.shape = {.n_context = 64}}};
        CHECK(heard(log_level::info, "context: 64 positions"));
    }
    lines.clear();
    auto broken = synthetic_model::read("qwen2").gguf();
    broken.pair("tokenizer.chat_template", "{% if %}");
    (void)load(broken.bytes(), how);
    CHECK(heard(log_level::warning, "no vocabulary"));
    CHECK(heard(log_level::warning, "the chat template cannot be used: "));
    lines.clear();
    how.n_threads = system::usable_cpus() + 1;
    (void)load(broken.bytes(), how);
    CHECK(heard(log_level::warning, "CPUs"));
}
