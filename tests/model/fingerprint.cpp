// SPDX-License-Identifier: MIT
#include <cstdint>
#include <set>
#include <string>
#include <support/loaded.hpp>

#include <doctest/doctest.h>

#include <wafer/model/network.hpp>

using wafer_test::gguf_writer;
using wafer_test::loaded;
using wafer_test::synthetic_model;

namespace {

std::uint64_t fingerprint(const synthetic_model& m, std::size_t n_threads = 1) {
    return loaded(m.gguf(), n_threads).net->fingerprint();
}

}  // namespace

TEST_CASE("fingerprint: it belongs to the model, however many threads share its rows") {
    for (const std::string name : {"llama3", "qwen3moe"}) {
        const auto m = synthetic_model::read(name);
        const auto one = fingerprint(m);
        CHECK(one != 0);
        CHECK(fingerprint(m) == one);
        for (const std::size_t n : {2u, 3u, 7u}) CHECK(fingerprint(m, n) == one);
    }
}

TEST_CASE("fingerprint: another configuration, or other weights in any tensor, are another model") {
    const auto m = synthetic_model::read("qwen2");
    std::set<std::uint64_t> seen{fingerprint(m)};
    for (std::size_t i = 0; i < m.tensors.size(); ++i) {
        auto other = m;
        other.tensors[i].offset += 0.01f;
        CAPTURE(other.tensors[i].name);
        CHECK(seen.insert(fingerprint(other)).second);
    }
    for (const std::string key : {"qwen2.rope.freq_base", "qwen2.attention.layer_norm_rms_epsilon"}) {
        auto other = m;
        for (auto& p : other.pairs)
            if (p.key == key) p.value = "0.125";
        if (key.ends_with("base"))
            for (auto& p : other.pairs)
                if (p.key == key) p.value = "12345";
        CHECK(seen.insert(fingerprint(other)).second);
    }
    for (const std::string name : {"llama3", "llama_tied", "qwen3", "mixtral"})
        CHECK(seen.insert(fingerprint(synthetic_model::read(name))).second);
}

TEST_CASE("fingerprint: a swap changes it, and back") {
    const auto first = synthetic_model::read("qwen2");
    auto second = first;
    for (auto& t : second.tensors) t.scale *= 1.25f;
    const auto images = {first.gguf().bytes(), second.gguf().bytes()};
    const loaded m(first.gguf(), 2);
    const auto before = m.net->fingerprint();
    m.net->swap(wafer::parse_gguf(*(images.begin() + 1)), *m.pool);
    CHECK(m.net->fingerprint() == fingerprint(second));
    m.net->swap(wafer::parse_gguf(*images.begin()), *m.pool);
    CHECK(m.net->fingerprint() == before);
}
