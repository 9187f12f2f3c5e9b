// SPDX-License-Identifier: MIT
#include <cstdint>
#include <string>
#include <support/loaded.hpp>
#include <vector>

#include <doctest/doctest.h>

#include <wafer/cost/meter.hpp>
#include <wafer/model/sequence.hpp>

using namespace wafer;
using wafer_test::gguf_writer;
using wafer_test::loaded;
using wafer_test::synthetic_model;

namespace {

/// The code that planning this file, "bad.gguf", ends in, and the message.
std::pair<errc, std::string> refusal(const checkpoint& file) {
    try {
        const network net(file);
    } catch (const error& e) {
        CHECK(e.where().file == "bad.gguf");
        return {e.code(), e.what()};
    }
    return {errc::cancelled, "it was accepted"};  // no refusal is of this kind
}

std::pair<errc, std::string> refusal(const synthetic_model& m) {
    const auto image = m.gguf().bytes();
    return refusal(parse_gguf(image, "bad.gguf"));
}

synthetic_model changed(const std::string& name, const std::string& key, const std::string& value) {
    auto m = synthetic_model::read(name);
    for (auto& p : m.pairs)
        if (p.key == key) p.value = value;
    return m;
}

synthetic_model without_key(const std::string& name, const std::string& key) {
    auto m = synthetic_model::read(name);
    REQUIRE(std::erase_if(m.pairs, [&](const auto& p) { return p.key == key; }) == 1);
    return m;
}

}  // namespace

TEST_CASE("network: an unknown architecture is refused by name, with the list of known ones") {
    const auto [code, text] = refusal(changed("llama3", "general.architecture", "mamba"));
    CHECK(code == errc::unsupported_architecture);
    for (const char* word : {"'mamba'", "llama", "qwen2", "qwen3", "qwen3moe"})
        CHECK(text.find(word) != std::string::npos);
}

TEST_CASE("network: metadata that is missing or contradicts itself is refused") {
    CHECK(refusal(without_key("llama3", "llama.block_count")).first == errc::missing_key);
    CHECK(refusal(without_key("llama3", "llama.embedding_length")).first == errc::missing_key);
    CHECK(refusal(without_key("qwen3moe", "qwen3moe.expert_count")).first == errc::corrupt);
    CHECK(refusal(changed("llama3", "llama.attention.head_count", "0")).first == errc::corrupt);
    CHECK(refusal(changed("llama3", "llama.attention.head_count", "4294967295")).first == errc::corrupt);
    CHECK(refusal(changed("llama3", "llama.attention.head_count_kv", "3")).first == errc::corrupt);
    CHECK(refusal(changed("llama3", "llama.block_count", "4294967295")).first == errc::corrupt);
    CHECK(refusal(changed("llama3", "llama.block_count", "4")).first == errc::missing_tensor);
    CHECK(refusal(changed("llama3", "llama.feed_forward_length", "256")).first == errc::wrong_shape);
    CHECK(refusal(changed("llama3", "llama.attention.layer_norm_rms_epsilon", "nan")).first == errc::corrupt);
    CHECK(refusal(changed("llama3", "llama.rope.freq_base", "inf")).first == errc::corrupt);
    CHECK(refusal(changed("llama3", "llama.rope.dimension_count", "31")).first == errc::corrupt);
    CHECK(refusal(changed("mixtral", "llama.expert_used_count", "9")).first == errc::corrupt);
    const auto [code, text] = refusal(changed("mixtral", "llama.expert_count", "4097"));
    CHECK(code == errc::corrupt);
    CHECK(text.find("llama.expert_count") != text.npos);
    auto many = changed("mixtral", "llama.expert_count", "4096");  // allowed, but not in so many layers
    for (auto& p : many.pairs)
        if (p.key == "llama.block_count") p.value = "33";
    const auto [many_code, many_text] = refusal(many);
    CHECK(many_code == errc::corrupt);
    CHECK(many_text.find("llama.expert_count") != many_text.npos);
}

TEST_CASE("network: a number that would not fit where it is kept is refused, not cut") {
    auto m = synthetic_model::read("llama3");
    std::erase_if(m.pairs, [](const auto& p) { return p.key == "llama.attention.layer_norm_rms_epsilon"; });
    const auto refused = [](const gguf_writer& out) {
        const auto image = out.bytes();
        return refusal(parse_gguf(image, "bad.gguf"));
    };
    for (const double eps : {1e-60, 1e-39, 1e39, 1e300}) {
        const auto [code, text] = refused(m.gguf().pair("llama.attention.layer_norm_rms_epsilon", eps));
        CHECK(code == errc::corrupt);
        CHECK(text.find("llama.attention.layer_norm_rms_epsilon") != text.npos);
    }
    CHECK(refused(m.gguf().pair("llama.attention.layer_norm_rms_epsilon", 1e-6)).first == errc::cancelled);

    // More tokens than ids have numbers, in a file that has no room for them but says so.
    const std::uint64_t rows = std::uint64_t{1} << 31, d_model = 256;
    m.tensors.clear();
    const auto head = m.gguf().raw_tensor("token_embd.weight", {d_model, rows}, info(dtype::f32).gguf_id, 0).bytes();
    const auto [code, text] = refusal(open_gguf(file_reader{.size = head.size() + 32 + rows * d_model * sizeof(float),
                                                            .read =
                                                                [&](std::uint64_t at, std::span<std::byte> to) {
                                                                    for (auto& b : to) {
                                                                        b = at < head.size() ? head[at] : std::byte{};
                                                                        ++at;
                                                                    }
                                                                    return to.size();
                                                                },
                                                            .name = "bad.gguf"}));
    CHECK(code == errc::corrupt);
    CHECK(text.find("2147483648 tokens") != text.npos);
}

TEST_CASE("network: tensors that are missing or of another shape are refused by name") {
    auto m = synthetic_model::read("qwen3");
    std::erase_if(m.tensors, [](const auto& t) { return t.name == "blk.1.attn_q_norm.weight"; });
    auto [code, text] = refusal(m);
    CHECK(code == errc::missing_tensor);
    CHECK(text.find("blk.1.attn_q_norm.weight") != std::string::npos);

    m = synthetic_model::read("mixtral");
    for (auto& t : m.tensors)
        if (t.name == "blk.0.ffn_down_exps.weight") std::swap(t.extents[1], t.extents[2]);
    std::tie(code, text) = refusal(m);
    CHECK(code == errc::wrong_shape);
    CHECK(text.find("[8, 256, 512]") != std::string::npos);
    CHECK(text.find("[8, 512, 256]") != std::string::npos);
}

TEST_CASE("network: a swap replaces the weights, and sessions begun before are stale") {
    auto other = synthetic_model::read("qwen2");
    for (auto& t : other.tensors) t.scale *= 1.25f;
    const auto other_image = other.gguf().bytes();
    const auto other_file = parse_gguf(other_image, "other");

    loaded m("qwen2", 2);
    const loaded fresh(other.gguf(), 2);
    const std::vector<std::int32_t> prompt{1, 2, 3, 4};
    sequence<> before(m.net, m.pool, wafer_test::shape_of(16));
    CHECK(before.eval(prompt) == eval_status::done);
    m.net->swap(other_file, *m.pool);
    try {
        (void)before.eval(prompt);
        FAIL("a stale sequence went on");
    } catch (const error& e) {
        CHECK(e.code() == errc::stale_session);
    }
    sequence<> after(m.net, m.pool, wafer_test::shape_of(16)), same(fresh.net, fresh.pool, wafer_test::shape_of(16));
    CHECK(after.eval(prompt) == eval_status::done);
    CHECK(same.eval(prompt) == eval_status::done);
    CHECK(std::ranges::equal(after.logits(), same.logits()));
}

TEST_CASE("network: a swap by another shape is refused and changes nothing") {
    loaded m("qwen2", 1);
    const auto image = synthetic_model::read("llama3").gguf().bytes();
    const auto file = parse_gguf(image, "other");
    sequence<> s(m.net, m.pool, wafer_test::shape_of(16));
    CHECK_THROWS_AS(m.net->swap(file, *m.pool), error);
    const std::int32_t id = 1;
    CHECK(s.eval({&id, 1}) == eval_status::done);
}

TEST_CASE("network: a phantom pass reports the work of the real one") {
    for (const std::string name : {"llama3", "qwen3"}) {  // dense: with experts the work depends on what was chosen
        CAPTURE(name);
        const loaded m(name, 2);
        struct counting {
            [[nodiscard]] static std::string name() { return "counting"; }
            [[nodiscard]] static charge price(const work&, const pass&) noexcept { return {}; }
            [[nodiscard]] static charge overhead(const pass&) noexcept { return {}; }
        };
        const std::vector<std::int32_t> prompt(20, 5);
        const sequence_shape shape = wafer_test::shape_of(64);
        sequence<counting> real(m.net, m.pool, shape);
        CHECK(real.eval(prompt) == eval_status::done);

        const auto image = synthetic_model::read(name).gguf().bytes();
        const network planned(parse_gguf(image, "plan"));
        const auto cache = kv_cache::phantom(planned.cache_shape(shape));
        scratch memory;
        wafer::meter<counting> meter;
        pass whole;
        whole.at = stage::prefill;
        whole.n_tok = 20;
        meter.begin(whole);
        exec::context<counting, exec::phantom> ctx(2, memory, meter);
        planned.forward(
            ctx,
            {.tokens = {}, .n_tok = 20, .pos = 0, .n_output = 1, .logits = nullptr, .cache = &cache, .expert_use = {}});
        meter.end();

        const auto a = real.costs().reports().front(), b = meter.reports().front();
        for (std::size_t kind = 0; kind < op_count; ++kind) {
            const auto &x = a.stages[0][static_cast<op>(kind)], &y = b.stages[0][static_cast<op>(kind)];
            CAPTURE(to_string(static_cast<op>(kind)));
            CHECK(x.calls == y.calls);
            CHECK(x.arithmetic == y.arithmetic);
            CHECK(x.weights == y.weights);
            CHECK(x.cache == y.cache);
            CHECK(x.activations == y.activations);
        }
        CHECK(memory.peak() <= real.scratch_size());
    }
}
