// SPDX-License-Identifier: MIT
// The table of one target's kernels. The matmuls of blocked types and of bf16 may come from a namespace with
// further instructions.

constexpr kernel_table make_table(target id, std::string_view name, std::string_view features,
                                  const kernel_table::matmul_fn* blocked, kernel_table::matmul_fn bf16) noexcept {
    kernel_table t{};
    t.id = id;
    t.name = name;
    t.features = features;
    t.matmul[0] = matmul_float<dtype::f32>;
    t.matmul[1] = matmul_float<dtype::f16>;
    t.matmul[2] = bf16;
    for (std::size_t i = 3; i < dtype_count; ++i) t.matmul[i] = blocked[i - 3];
    t.quantize = quantize_row;
    t.rms_norm = rms_norm_row;
    t.add = add_row;
    t.add_scaled = add_scaled_row;
    t.scale = scale_row;
    t.swiglu = swiglu_row;
    t.rope_interleaved = rope_interleaved_row;
    t.rope_half = rope_half_row;
    t.max = max_row;
    t.exp_sum = exp_sum_row;
    t.weighted_rows[0] = weighted_rows_of<dtype::f32>;
    t.weighted_rows[1] = weighted_rows_of<dtype::f16>;
    t.weighted_rows[2] = weighted_rows_of<dtype::bf16>;
    t.store_row[0] = store_row_of<dtype::f32>;
    t.store_row[1] = store_row_of<dtype::f16>;
    t.store_row[2] = store_row_of<dtype::bf16>;
    constexpr auto q8_0 = static_cast<std::size_t>(dtype::q8_0);
    t.weighted_rows[q8_0] = weighted_rows_of<dtype::q8_0>;
    t.store_row[q8_0] = store_row_of<dtype::q8_0>;
    return t;
}
