// SPDX-License-Identifier: MIT
// Test support: a synthetic model, written as GGUF, read back and made resident.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <support/synthetic.hpp>

#include <wafer/io/gguf.hpp>
#include <wafer/model/network.hpp>

namespace wafer_test {

/// The default shape with another context.
[[nodiscard]] inline wafer::sequence_shape shape_of(std::size_t n_context) {
    wafer::sequence_shape shape;
    shape.n_context = n_context;
    return shape;
}

struct loaded {
    std::shared_ptr<wafer::thread_pool> pool;
    std::shared_ptr<wafer::network> net;

    loaded(const std::string& name, std::size_t n_threads) : loaded(synthetic_model::read(name).gguf(), n_threads) {}
    loaded(const gguf_writer& file, std::size_t n_threads) : pool(std::make_shared<wafer::thread_pool>(n_threads)) {
        const auto image = file.bytes();
        const auto checkpoint = wafer::parse_gguf(image, "synthetic");
        net = std::make_shared<wafer::network>(checkpoint, n_threads);
        net->load(checkpoint, *pool);
    }
};

}  // namespace wafer_test
