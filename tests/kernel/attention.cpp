// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <wafer/kernel/attention.hpp>
#include <wafer/model/kv_cache.hpp>
#include <wafer/tensor/unpack.hpp>

#include "kernel/rig.hpp"
#include "support/oracle.hpp"

using namespace wafer;

namespace {

constexpr dtype cache_types[] = {dtype::f32, dtype::f16, dtype::bf16, dtype::q8_0};

/// A cache of random keys and values, and queries for its last n_tok positions.
struct scene {
    scene(const simd::kernel_table& t, dtype type, std::size_t heads, std::size_t kv, std::size_t key,
          std::size_t value, std::size_t length, std::size_t n_queries)
        : table(t), n_head(heads), n_kv(kv), d_key(key), d_value(value), n(length), n_tok(n_queries),
          random(length + heads), cache({type, 1, kv, key, value, round_up(length, score_block)}),
          keys(length, kv * key, false), values(length, kv * value, false), queries(length, heads * key, false),
          rope({.d_rope = key}, {}) {
        keys.fill(random, table, 1);
        values.fill(random, table, 1);
        queries.fill(random, table, 1);
        // Positions out of their turn first, then in two cuts: what a cache held before does not matter.
        test::rig r(table, 2);
        const auto view = cache.layer(0);
        for (const auto& [pos, count] : {std::pair<std::size_t, std::size_t>{0, n / 3}, {n / 3, n - n / 3}}) {
            const scratch::frame frame(r.memory);
            const auto angles = take_angles(r.ctx, rope, pos, count);
            rope_and_store(r.ctx, angles, queries.only(pos, count), keys.only(pos, count), values.only(pos, count),
                           view, pos);
        }
    }

    kv_view view() const { return cache.layer(0); }
    float scale() const { return 1 / std::sqrt(static_cast<float>(d_key)); }
    std::size_t first() const { return n - n_tok; }

    /// Attention of queries [at, at + count) as one batch, into rows of `out` from first() on.
    template <class Context>
    void attend(Context& ctx, std::size_t at, std::size_t count, const test::own_batch& out) const {
        attention(ctx, view(), queries.only(at, count), n_head, at, scale(), out.only(at - first(), count));
    }
    /// What the cache holds, as numbers.
    std::vector<std::vector<double>> stored(std::size_t head, std::size_t count, bool key) const {
        std::vector<std::vector<double>> rows;
        std::vector<float> x(key ? d_key : d_value);
        for (std::size_t p = 0; p < count; ++p) {
            const auto v = view();
            if (key) unpack_row(v.type, v.panel(head, p), p % simd::panel_rows, d_key, x.data());
            else decode_row(v.type, v.value(head, p), d_value, x.data());
            rows.emplace_back(x.begin(), x.end());
        }
        return rows;
    }

    const simd::kernel_table& table;
    std::size_t n_head, n_kv, d_key, d_value, n, n_tok;
    test::random_bits random;
    kv_cache cache;
    test::own_batch keys, values, queries;
    rope_frequencies rope;
};

}  // namespace

TEST_SUITE("kernel.attention") {

    TEST_CASE("attention: is softmax(q K) V within its roundings, for every cache type, head layout and length") {
        struct layout {
            std::size_t n_head, n_kv, d_key, d_value, n, n_tok;
        };
        for (const auto* table : simd::available_targets())
            for (const dtype type : cache_types)
                for (const auto& l :
                     {layout{1, 1, 32, 32, 1, 1}, layout{6, 2, 32, 64, 150, 9}, layout{4, 4, 64, 32, 129, 40},
                      layout{40, 1, 32, 32, 20, 3}, layout{4, 2, 32, 32, 2 * score_span + 70, 1},
                      layout{4, 2, 32, 32, score_span + 5, 12}, layout{4, 2, 32, 32, score_span + 3, 40}}) {
                    const scene s(*table, type, l.n_head, l.n_kv, l.d_key, l.d_value, l.n, l.n_tok);
                    test::own_batch one(l.n_tok, l.n_head * l.d_value, false),
                        two(l.n_tok, l.n_head * l.d_value, false), three(l.n_tok, l.n_head * l.d_value, false);
                    const test::own_batch* const outs[] = {&one, &two, &three};
                    for (std::size_t workers = 1; workers <= 3; ++workers) {
                        test::rig r(*table, workers);
                        s.attend(r.ctx, s.first(), l.n_tok, *outs[workers - 1]);
                    }
                    for (const std::size_t t : {std::size_t{0}, l.n_tok / 2, l.n_tok - 1})
                        for (std::size_t h = 0; h < l.n_head; h += l.n_head / 2 + 1) {
                            const std::size_t pos = s.first() + t, head = h / (l.n_head / l.n_kv);
                            // The kernel scales q before it rounds it: as far off, relative to it.
                            const auto q = test::as_read(*table, type,
                                                         test::exact(s.queries.row(pos).subspan(h * l.d_key, l.d_key)));
                            const auto want =
                                test::attention(q, s.stored(head, pos + 1, true), s.stored(head, pos + 1, false),
                                                static_cast<double>(s.scale()));
                            for (const auto* out : outs) {
                                CAPTURE(table->features);
                                CAPTURE(to_string(type));
                                CAPTURE(l.n);
                                CAPTURE(l.n_tok);
                                CHECK(test::excess(out->row(t).subspan(h * l.d_value, l.d_value), want) <= 1.0);
                            }
                        }
                }
    }

    TEST_CASE("attention: a query's bits depend on neither the cut of the batch nor the workers") {
        for (const auto* table : simd::available_targets())
            for (const dtype type : cache_types)
                for (const std::size_t n : {100u, unsigned(score_span) + 20u, 2u * unsigned(score_span) + 130u}) {
                    const std::size_t n_tok = 15;  // more than the ten that share a walk
                    const scene s(*table, type, 6, 2, 32, 32, n, n_tok);
                    test::rig alone(*table, 1);
                    test::own_batch want(n_tok, 6 * 32, false);
                    for (std::size_t at = s.first(); at < n; ++at) s.attend(alone.ctx, at, 1, want);
                    for (const std::size_t workers : {1u, 2u, 3u})
                        for (const std::vector<std::size_t>& cuts :
                             {std::vector<std::size_t>{15}, {1, 14}, {3, 10, 2}}) {
                            CAPTURE(table->features);
                            CAPTURE(to_string(type));
                            CAPTURE(n);
                            CAPTURE(workers);
                            CAPTURE(cuts.size());
                            test::rig r(*table, workers);
                            test::own_batch out(n_tok, 6 * 32, false);
                            std::size_t at = s.first();
                            for (const std::size_t count : cuts) {
                                s.attend(r.ctx, at, count, out);
                                at += count;
                            }
                            bool same = true;
                            for (std::size_t t = 0; t < n_tok; ++t)
                                same = same && test::same_bits(out.row(t), want.row(t));
                            CHECK(same);
                        }
                }
    }

    TEST_CASE("rope_and_store: keys are rotated and stored with no more than one rounding of the type") {
        for (const auto* table : simd::available_targets())
            for (const dtype type : cache_types) {
                const scene s(*table, type, 2, 2, 64, 32, 37, 1);
                // Keys in the batch are rotated in place: they are what went in. Half a unit in the last place, or half a step.
                const double rounding = type == dtype::f32    ? 0
                                        : type == dtype::f16  ? 0x1p-11
                                        : type == dtype::bf16 ? 0x1p-8
                                                              : 0;
                for (std::size_t head = 0; head < 2; ++head)
                    for (const bool key : {true, false}) {
                        const auto got = s.stored(head, s.n, key);
                        const std::size_t d = key ? s.d_key : s.d_value;
                        for (std::size_t p = 0; p < s.n; ++p) {
                            auto want = test::exact((key ? s.keys : s.values).row(p).subspan(head * d, d));
                            if (type == dtype::q8_0) {
                                // The scale is an f16, so that each of up to 127 steps is off by 2^-11 of a step more.
                                want = test::quantised(want);
                                for (auto& w : want) w.error = w.error * 1.01 + std::fabs(w.value) * 0x1p-11;
                            } else {
                                for (auto& w : want) w.error = std::fabs(w.value) * rounding + 0x1p-25;
                            }
                            const std::vector<float> row(got[p].begin(), got[p].end());
                            CHECK(test::excess(row, want) <= 1.0);
                        }
                    }
            }
    }

    TEST_CASE("attention: positions that a cache held before and nobody sees now do not matter, whatever they are") {
        for (const auto* table : simd::available_targets())
            for (const dtype type : {dtype::f32, dtype::f16, dtype::bf16}) {
                const std::size_t n = 70;
                scene s(*table, type, 4, 2, 32, 32, n, 5);
                test::rig r(*table, 2);
                test::own_batch clean(5, 4 * 32, false), dirty(5, 4 * 32, false);
                s.attend(r.ctx, s.first(), 5, clean);
                std::vector<float> poison(32, std::numeric_limits<float>::quiet_NaN());
                for (std::size_t p = n; p < s.view().capacity; ++p)
                    for (std::size_t head = 0; head < 2; ++head) {
                        store_in_panel(type, poison.data(), 32, s.view().panel(head, p), p % simd::panel_rows);
                        table->store_row[static_cast<std::size_t>(type)](poison.data(), 32, s.view().value(head, p));
                    }
                s.attend(r.ctx, s.first(), 5, dirty);
                for (std::size_t t = 0; t < 5; ++t) CHECK(test::same_bits(clean.row(t), dirty.row(t)));
            }
    }

    TEST_CASE("attention: the largest batch takes the most scratch, so that counting it is enough") {
        const kv_cache cache = kv_cache::phantom({dtype::f16, 1, 8, 64, 64, 1 << 20});
        meter<cost::none> costs;
        const auto peak = [&](std::size_t n_tok, std::size_t n_context) {
            scratch count;
            exec::context<cost::none, exec::phantom> ctx(4, count, costs);
            const activation_batch q{.n_tok = n_tok, .width = 32 * 64}, out = q;
            attention(ctx, cache.layer(0), q, 32, n_context - n_tok, 1.0f, out);
            return count.peak();
        };
        for (const std::size_t n_context : {4096u, 1u << 20})
            for (std::size_t n_tok = 1; n_tok < 70; ++n_tok)
                CHECK(peak(n_tok, n_context) <= peak(n_tok + 1, n_context));
    }
}
