// SPDX-License-Identifier: MIT
// Every tensor of a checkpoint is used, or refused by name.
#include <cmath>
#include <cstdint>
#include <string>
#include <support/loaded.hpp>
#include <support/small_llama.hpp>
#include <vector>

#include <doctest/doctest.h>

#include <wafer/model/sequence.hpp>

using namespace wafer;
using wafer_test::loaded;
using wafer_test::small_llama;
using wafer_test::synthetic_model;

namespace {

std::vector<float> logits_of(const synthetic_model& m) {
    const loaded l(m.gguf(), 1);
    sequence<> s(l.net, l.pool, {.n_context = 64, .cache_type = dtype::f32});
    REQUIRE(s.eval(small_llama::prompt) == eval_status::done);
    return {s.logits().begin(), s.logits().end()};
}

/// |a - b| / |b|
double distance(const std::vector<float>& a, const std::vector<double>& b) {
    double difference = 0, norm = 0;
    for (std::size_t i = 0; i < b.size(); ++i) {
        difference += (static_cast<double>(a[i]) - b[i]) * (static_cast<double>(a[i]) - b[i]);
        norm += b[i] * b[i];
    }
    return std::sqrt(difference / norm);
}

synthetic_model with(const std::string& tensor, std::vector<std::uint64_t> extents, bool experts = false) {
    auto m = small_llama::make(experts);
    m.tensors.push_back({tensor, std::move(extents), 0, 0.5f});
    return m;
}

}  // namespace

TEST_CASE("weights: every bias that a dense layer and the head may have is added, as float64 has it") {
    const auto plain = logits_of(small_llama::make());
    CHECK(distance(plain, small_llama::logits(small_llama::make(), small_llama::prompt)) <
          1e-5);  // float32 over some 600 sums
    auto all = small_llama::make();
    const std::pair<std::string, std::size_t> biases[] = {
        {"blk.1.attn_q.bias", 32},   {"blk.0.attn_k.bias", 16},
        {"blk.1.attn_v.bias", 16},   {"blk.0.attn_output.bias", 32},
        {"blk.0.ffn_gate.bias", 64}, {"blk.1.ffn_up.bias", 64},
        {"blk.0.ffn_down.bias", 32}, {"output.bias", small_llama::n_vocab}};
    for (const auto& [name, n] : biases) {
        CAPTURE(name);
        const auto m = with(name, {n});
        all.tensors.push_back(m.tensors.back());
        const auto want = small_llama::logits(m, small_llama::prompt);
        CHECK(distance(logits_of(m), want) < 1e-5);
        CHECK(distance(plain, want) > 1e-3);  // and it matters
    }
    CHECK(distance(logits_of(all), small_llama::logits(all, small_llama::prompt)) < 1e-5);
}

TEST_CASE("weights: tensors that nobody asked for are refused by name and number, unless they are allowed") {
    auto m = small_llama::make();
    for (const char* name : {"blk.0.attn_sinks.weight", "blk.0.ffn_gate_inp.bias", "blk.1.post_attention_norm.weight",
                             "blk.7.attn_q.weight", "a\nb"})
        m.tensors.push_back({name, {4}, 0, 1});
    const auto image = m.gguf().bytes();
    const auto file = parse_gguf(image, "odd.gguf");
    const auto refusal = error_of([&] { const network net(file); });
    REQUIRE(refusal.has_value());
    CHECK(refusal->code() == errc::unused_tensor);
    CHECK(refusal->where().file == "odd.gguf");
    CHECK(refusal->where().tensor == "blk.0.attn_sinks.weight");
    CHECK(refusal->where().offset == file.require("blk.0.attn_sinks.weight").offset);
    const std::string text = refusal->what();
    CHECK(text.starts_with("odd.gguf at byte "));
    CHECK(text.find(": 5 tensors of the file are not used by architecture 'llama': blk.0.attn_sinks.weight, "
                    "blk.0.ffn_gate_inp.bias, blk.1.post_attention_norm.weight, blk.7.attn_q.weight, ...;") !=
          text.npos);

    const network net(file, 1, unused_tensors::allowed);
    REQUIRE(net.warnings().size() == 1);
    CHECK(net.warnings()[0].starts_with("5 tensors of the file are not used"));
}

TEST_CASE("weights: a swap is as strict as the load was") {
    loaded strict(small_llama::make().gguf(), 1);
    const auto image = with("blk.0.attn_sinks.weight", {4}).gguf().bytes();
    const auto odd = parse_gguf(image, "odd.gguf");
    const auto refusal = error_of([&] { strict.net->swap(odd, *strict.pool); });
    CHECK((refusal && refusal->code() == errc::unused_tensor));
    network lenient(odd, 1, unused_tensors::allowed);
    lenient.load(odd, *strict.pool);
    lenient.swap(odd, *strict.pool);
    CHECK(lenient.generation() == 1);
}

TEST_CASE("weights: leftovers that text has no use for are known by name") {
    const auto plain = logits_of(small_llama::make());
    for (const char* name : {"blk.0.attn_rot_embd.weight", "v.blk.0.attn_q.weight", "mm.0.bias"}) {
        CAPTURE(name);
        CHECK(logits_of(with(name, {4})) == plain);
    }
    // A head that is the embedding again.
    auto tied = small_llama::make();
    std::erase_if(tied.tensors, [](const auto& t) { return t.name == "output.weight"; });
    auto twice = tied.gguf();
    const auto embedding = tied.tensors.front();
    REQUIRE(embedding.name == "token_embd.weight");
    twice.tensor("output.weight", embedding.extents, embedding.weights());
    const loaded l(twice, 1);
    sequence<> s(l.net, l.pool, {.n_context = 64, .cache_type = dtype::f32});
    REQUIRE(s.eval(small_llama::prompt) == eval_status::done);
    CHECK(std::vector<float>(s.logits().begin(), s.logits().end()) == logits_of(tied));
}

TEST_CASE("weights: blocks that draft further tokens are counted, and not run") {
    auto m = small_llama::make();
    for (auto& p : m.pairs)
        if (p.key == "llama.block_count") p.value = "3";
    m.pairs.push_back({"llama.nextn_predict_layers", "uint32", "1"});
    for (const char* name : {"blk.2.attn_norm.weight", "blk.2.nextn.eh_proj.weight"})
        m.tensors.push_back({name, {4}, 0, 1});
    CHECK(logits_of(m) == logits_of(small_llama::make()));
    m.tensors.push_back({"blk.3.attn_norm.weight", {4}, 0, 1});
    const auto image = m.gguf().bytes();
    const auto refusal = error_of([&] { const network net(parse_gguf(image)); });
    REQUIRE(refusal.has_value());
    CHECK(refusal->where().tensor == "blk.3.attn_norm.weight");
}

TEST_CASE("weights: NaN and infinity are a typed error of the pass that meets them, and nothing of it stays") {
    for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()})
        for (const std::string name :
             {"blk.0.attn_q.weight", "blk.1.ffn_down.weight", "output_norm.weight", "output.weight"}) {
            CAPTURE(name);
            const auto m = small_llama::make();
            wafer_test::gguf_writer file;
            auto damaged = m;
            std::erase_if(damaged.tensors, [&](const auto& t) { return t.name == name; });
            auto writer = damaged.gguf();
            for (const auto& t : m.tensors)
                if (t.name == name) {
                    auto w = t.weights();
                    w[w.size() / 2] = bad;
                    writer.tensor(t.name, t.extents, w);
                }
            const loaded l(writer, 1);
            sequence<> s(l.net, l.pool, {.n_context = 64, .cache_type = dtype::f32});
            const auto refusal = error_of([&] { (void)s.eval(small_llama::prompt); });
            REQUIRE(refusal.has_value());
            CHECK(refusal->code() == errc::not_finite);
            CHECK(s.position() == 0);
        }
}
