// SPDX-License-Identifier: MIT
// Any bytes as a GGUF file: read, planned, and where it is small enough, loaded and run.
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <vector>

#include <wafer/gen/vocabulary.hpp>
#include <wafer/io/gguf.hpp>
#include <wafer/model/sequence.hpp>
#include <wafer/text/tokenizer.hpp>

using namespace wafer;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const auto pool = std::make_shared<thread_pool>(1);
    // The reader promises nothing about alignment but that of a mapped page.
    std::vector<std::uint64_t> aligned((size + 7) / 8);
    if (size > 0) std::memcpy(aligned.data(), data, size);
    const auto bytes_of_file = std::as_bytes(std::span(aligned)).first(size);
    try {
        const auto file = parse_gguf(bytes_of_file, "fuzz");
        for (const auto& entry : file.metadata().entries()) (void)metadata::describe(entry.value);
        try {
            if (auto words = read_vocabulary(file)) {
                const tokenizer text(std::move(*words));
                (void)text.decode(text.encode("A few words, 123 \xF0\x9F\x98\x80"));
            }
        } catch (const error&) {  // the weights may be fine all the same
        }
        const auto net = std::make_shared<network>(file);
        sequence_shape shape;
        shape.n_context = 8;
        shape.n_batch = 4;
        if (net->plan().size() > bytes(4 << 20) || net->scratch_size(shape, 1) > bytes(4 << 20) ||
            net->cache_shape(shape).size() > bytes(4 << 20))
            return 0;
        net->load(file, *pool);
        sequence<> s(net, pool, shape);
        const std::int32_t ids[] = {0, 0, 0};
        (void)s.eval(ids);
    } catch (const error&) {
    }
    return 0;
}
