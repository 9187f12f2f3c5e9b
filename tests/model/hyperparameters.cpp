// SPDX-License-Identifier: MIT
// Every key of a checkpoint's architecture is honoured, refused or told.
#include <algorithm>
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

synthetic_model with(synthetic_model m, const std::string& key, const std::string& type, const std::string& value) {
    std::erase_if(m.pairs, [&](const auto& p) { return p.key == key; });
    m.pairs.push_back({key, type, value});
    return m;
}

/// What became of a checkpoint.
struct outcome {
    std::optional<error> refusal;
    std::vector<std::string> warnings;
    std::vector<float> logits;
};
outcome run(const wafer_test::gguf_writer& file) {
    outcome out;
    out.refusal = error_of([&] {
        const loaded l(file, 1);
        out.warnings.assign(l.net->warnings().begin(), l.net->warnings().end());
        sequence<> s(l.net, l.pool, {.n_context = 64, .cache_type = dtype::f32});
        (void)s.eval(small_llama::prompt);
        out.logits.assign(s.logits().begin(), s.logits().end());
    });
    return out;
}
bool is_told(const outcome& o, const std::string& what) {
    if (o.refusal) return std::string(o.refusal->what()).find(what) != std::string::npos;
    return std::any_of(o.warnings.begin(), o.warnings.end(),
                       [&](const std::string& line) { return line.find(what) != line.npos; });
}

}  // namespace

TEST_CASE("hyperparameters: a key that changes the model is refused by name, and its neutral values are not") {
    for (const bool experts : {false, true}) {
        const auto base = small_llama::make(experts);
        const auto plain = run(base.gguf());
        REQUIRE(!plain.refusal);
        for (const auto& known : neutral_keys) {
            const std::string key = "llama." + std::string(known.name);
            CAPTURE(key);
            for (const double neutral : known.values) {
                const auto o = run(with(base, key, "float32", std::to_string(neutral)).gguf());
                CHECK(!o.refusal);
                CHECK(o.logits == plain.logits);
            }
            const auto o = run(with(base, key, "float32", "7.5").gguf());
            REQUIRE(o.refusal.has_value());
            CHECK(o.refusal->code() == errc::unsupported_key);
            CHECK(o.refusal->where().tensor == key);
            auto array = base.gguf();  // for each layer one, of which the second differs
            array.array(key, std::vector<float>{static_cast<float>(known.values[0]), 7.5f});
            CHECK(run(array).refusal.has_value());
            auto same = base.gguf();
            same.array(key, std::vector<float>(2, static_cast<float>(known.values[0])));
            CHECK(run(same).logits == plain.logits);
            CHECK(run(with(base, key, "string", "odd").gguf()).refusal.has_value());
        }
        for (const std::string_view name : harmless_keys)
            CHECK(run(with(base, "llama." + std::string(name), "uint32", "7").gguf()).logits == plain.logits);
    }
}

TEST_CASE("hyperparameters: what depends on other keys is compared with them") {
    const auto base = small_llama::make();
    const auto code = [&](const std::string& key, const std::string& type, const std::string& value) {
        const auto o = run(with(base, "llama." + key, type, value).gguf());
        return o.refusal ? to_string(o.refusal->code()) : "accepted";
    };
    CHECK(code("attention.scale", "float32", "0.35355339") == "accepted");  // 1/sqrt(8)
    CHECK(code("attention.scale", "float32", "0") == "accepted");
    CHECK(code("attention.scale", "float32", "0.3536") == "unsupported_key");
    CHECK(code("attention.scale", "float32", "nan") == "unsupported_key");
    CHECK(code("attention.sliding_window", "uint32", "64") == "accepted");  // as long as the context
    CHECK(code("attention.sliding_window", "uint32", "63") == "unsupported_key");
    CHECK(code("hidden_activation", "string", "silu") == "accepted");
    CHECK(code("hidden_activation", "string", "gelu") == "unsupported_key");
    CHECK(code("embedding_length_out", "uint32", "32") == "accepted");
    CHECK(code("embedding_length_out", "uint32", "64") == "corrupt");
    CHECK(code("rope.scaling.type", "string", "longrope") == "unsupported_key");
    CHECK(code("nextn_predict_layers", "uint32", "2") == "corrupt");  // no layer would be left
}

TEST_CASE("hyperparameters: unknown keys of the architecture are told, other prefixes are free") {
    auto o = run(with(small_llama::make(), "llama.some.new_thing", "uint32", "3").gguf());
    CHECK(!o.refusal);
    REQUIRE(o.warnings.size() == 1);
    CHECK(o.warnings[0] == "key llama.some.new_thing is not known and was not used");
    o = run(with(small_llama::make(), "llama.vocab_size", "uint32", "40").gguf());
    REQUIRE(o.warnings.size() == 1);
    CHECK(o.warnings[0] == "key llama.vocab_size says 40, the embedding has 48 rows, which count");
    auto m = small_llama::make();
    for (const char* key : {"general.basename", "quantize.imatrix.file", "tokenizer.ggml.padding_token_id",
                            "llamas.logit_scale", "qwen2.logit_scale", "llama"})
        m = with(m, key, "string", "x");
    CHECK(run(m.gguf()).warnings.empty());
}

TEST_CASE(
    "checkpoint: two hundred with one thing changed: each is honoured, refused by name or told, none runs as before") {
    std::size_t n_refused = 0, n_honoured = 0, n_told = 0, n = 0;
    const auto judge = [&](const outcome& before, const outcome& after, const std::string& what) {
        CAPTURE(what);
        ++n;
        // A key may contradict a tensor, which is then the one that is named.
        const bool contradicts = after.refusal && what.starts_with("llama.") && !after.refusal->where().tensor.empty();
        if (contradicts || is_told(after, what)) ++(after.refusal ? n_refused : n_told);
        else if (!after.refusal && after.logits != before.logits) ++n_honoured;
        else FAIL("it runs as if nothing were there, or is refused without a name");
    };
    // Names that converters and other architectures give to tensors, and some that nobody gives.
    const std::string parts[] = {
        "attn_q",       "attn_k",      "attn_v",     "attn_output",      "attn_norm", "ffn_norm",      "ffn_gate",
        "ffn_up",       "ffn_down",    "attn_sinks", "attn_qkv",         "attn_gate", "attn_q_a",      "attn_kv_b",
        "ffn_gate_inp", "ffn_up_exps", "ssm_in",     "ffn_gate_up_exps", "layer_out", "post_ffw_norm", "ffn_up_shexp"};
    for (const bool experts : {false, true}) {
        const auto base = small_llama::make(experts);
        const auto before = run(base.gguf());
        for (const std::string& part : parts)
            for (const char* kind : {".weight", ".bias", ".scale"}) {
                const std::string name = "blk.1." + part + kind;
                if (std::any_of(base.tensors.begin(), base.tensors.end(),
                                [&](const auto& t) { return t.name == name; }))
                    continue;
                // Of a shape that the architecture takes, if it knows the name.
                std::uint64_t size = part == "attn_k" || part == "attn_v"     ? 16
                                     : part == "ffn_gate" || part == "ffn_up" ? 64
                                                                              : 32;
                auto m = base;
                m.tensors.push_back({name, {size}, 0, 0.5f});
                judge(before, run(m.gguf()), name);
            }
        for (const char* name : {"output.bias", "output_norm.bias", "token_embd_norm.weight", "position_embd.weight",
                                 "token_types.weight", "rope_factors_long.weight", "rope_freqs.weight", "cls.weight"}) {
            auto m = base;
            const std::uint64_t size = std::string(name) == "output.bias"         ? 48
                                       : std::string(name) == "rope_freqs.weight" ? 4
                                                                                  : 32;
            m.tensors.push_back({name, {size}, 2, 0.5f});
            judge(before, run(m.gguf()), name);
        }
        for (const auto& known : neutral_keys) {
            const std::string key = "llama." + std::string(known.name);
            judge(before, run(with(base, key, "float32", "6").gguf()), key);
        }
        const std::vector<std::vector<std::string>> changes = {{"block_count", "uint32", "1"},
                                                               {"embedding_length", "uint32", "64"},
                                                               {"feed_forward_length", "uint32", "32"},
                                                               {"attention.head_count", "uint32", "2"},
                                                               {"attention.head_count_kv", "uint32", "4"},
                                                               {"attention.key_length", "uint32", "16"},
                                                               {"attention.value_length", "uint32", "16"},
                                                               {"attention.layer_norm_rms_epsilon", "float32", "0.1"},
                                                               {"rope.freq_base", "float32", "500"},
                                                               {"rope.dimension_count", "uint32", "4"},
                                                               {"rope.scaling.factor", "float32", "4"},
                                                               {"rope.scale_linear", "float32", "4"},
                                                               {"rope.scaling.attn_factor", "float32", "1.5"},
                                                               {"attention.scale", "float32", "0.1"},
                                                               {"attention.sliding_window", "uint32", "3"},
                                                               {"nextn_predict_layers", "uint32", "1"},
                                                               {"vocab_size", "uint32", "9"},
                                                               {"hidden_activation", "string", "relu"},
                                                               {"expert_count", "uint32", "3"},
                                                               {"expert_used_count", "uint32", "1"},
                                                               {"something.else", "uint32", "1"},
                                                               {"rope.scaling.type", "string", "su"}};
        for (const auto& c : changes)
            judge(before, run(with(base, "llama." + c[0], c[1], c[2]).gguf()), "llama." + c[0]);
    }
    MESSAGE(n, " checkpoints: ", n_refused, " refused by name, ", n_honoured, " honoured, ", n_told, " told");
    CHECK(n >= 200);
}
