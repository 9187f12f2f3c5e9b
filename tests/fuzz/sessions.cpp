// SPDX-License-Identifier: MIT
// Any bytes as a saved session, with head and checksum put right, so that what lies behind them is reached; what is taken
// goes on answering.
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include <wafer/core/hash.hpp>
#include <wafer/gen/model.hpp>
#include <wafer/gen/session.hpp>

using namespace wafer;

namespace {

const model& small_model() {
    static const model m = [] {
        load_options how;
        how.n_threads = 1;
        return load(WAFER_FUZZ_CORPUS "/gguf/llama", how);
    }();
    return m;
}

template <class T>
void put(std::vector<std::byte>& file, std::size_t at, T value) {
    std::memcpy(file.data() + at, &value, sizeof value);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto bytes_of_file = std::as_bytes(std::span(data, size));
    std::vector<std::byte> file(bytes_of_file.begin(), bytes_of_file.end());
    session_options how;
    how.shape.n_context = 32;
    session chat{small_model(), how};
    if (size >= 48) {  // magic, version, cache type, size, fingerprint, ..., hash
        std::memcpy(file.data(), "WAFERSES", 8);
        put(file, 8, std::uint32_t{1});
        put(file, 16, std::uint64_t{size});
        put(file, 24, small_model().fingerprint());
        put(file, size - 8, hash64().add(std::span(file).first(size - 8)).value());
    }
    try {
        chat.load(file);
        auto answer = chat.ask("a");
        for (int i = 0; i < 3 && answer.next(); ++i) {
        }
    } catch (const error&) {
    }
    return 0;
}
