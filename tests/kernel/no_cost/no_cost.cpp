// SPDX-License-Identifier: MIT
// Two kernels through a context that counts nothing, and the same two written out without any metering. compare.sh shows
// that the machine code is the same.
#include <wafer/kernel/activations.hpp>
#include <wafer/kernel/matmul.hpp>

namespace bare {

using namespace wafer;

template <class Context>
void rms_norm(Context& ctx, const float* x, resident_vector weight, float eps, const activation_batch& y) noexcept {
    ctx.split(y.n_tok, y.width * 2, [&](std::size_t begin, std::size_t end) {
        for (std::size_t t = begin; t < end; ++t) {
            ctx.kernels().rms_norm(x + t * y.ld(), weight.data(), y.width, eps, y.row(t));
            if (y.q != nullptr) y.quantize(ctx.kernels(), t, 0, y.width);
        }
    });
}

template <class Context>
void matmul_add(Context& ctx, [[maybe_unused]] op kind, const activation_batch& x, const resident_matrix& w,
                resident_vector bias, float* residual) noexcept {
    const scratch::frame frame(ctx.scratch());
    const auto y = take_batch(ctx, x.n_tok, w.rows, false);
    ctx.run([&](std::size_t worker) {
        for_owned_parts(w, worker, ctx.workers(), [&](const matrix_part& part) {
            multiply_part(ctx, w, part, x.from(0), x.n_tok, bias, y.x, y.ld());
            for (std::size_t t = 0; t < x.n_tok && !ctx.stopped(); ++t)
                ctx.kernels().add(residual + t * y.ld() + part.first_row, y.row(t) + part.first_row, part.n_rows);
        });
    });
}

using context = exec::context<cost::none>;
template void rms_norm(context&, const float*, resident_vector, float, const activation_batch&) noexcept;
template void matmul_add(context&, op, const activation_batch&, const resident_matrix&, resident_vector,
                         float*) noexcept;

}  // namespace bare

template void wafer::rms_norm(bare::context&, const float*, wafer::resident_vector, float,
                              const wafer::activation_batch&) noexcept;
template void wafer::matmul_add(bare::context&, wafer::op, const wafer::activation_batch&,
                                const wafer::resident_matrix&, wafer::resident_vector, float*) noexcept;
