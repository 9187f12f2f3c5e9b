// SPDX-License-Identifier: MIT
// Forward declarations, all default template arguments, and the words for shapes.
//
// The shape lexicon, used in names and comments everywhere. Shapes are row-major: the last extent is contiguous.
//   n_tok     tokens of a batch                 d_model   width of the residual stream
//   n_layer   layers                            d_head    width of a query or key head (d_key in a cache)
//   n_head    query heads                       d_value   width of a value head
//   n_kv      key/value heads                   d_ff      width of a feed-forward network
//   n_vocab   rows of the embedding             d_rope    rotated elements of a head
//   n_expert  experts of a layer                d_latent  width of a compressed key/value (DeepSeek's d_c)
//   n_active  experts that work on a token      d_nope    elements of a head that are not rotated
//   pos       position in a sequence            k         columns of a matrix, inputs of a product
#pragma once

#include <wafer/core/config.hpp>
#include <wafer/cost/policy.hpp>

namespace wafer::inline WAFER_ABI {

class error;
class model;
class network;
class thread_pool;
class tokenizer;
class chat_template;
class sampler;
class checkpoint;
class resident_arena;
struct model_config;
struct model_plan;
struct session_options;
struct sequence_shape;
struct load_options;

namespace exec {
struct resident;
template <cost_policy Policy = cost::none, class Engine = resident>
class context;
}  // namespace exec

template <cost_policy Policy>
class meter;
template <cost_policy Policy = cost::none>
class sequence;
template <cost_policy Policy = cost::none>
class session;
template <cost_policy Policy = cost::none>
class reply;

}  // namespace wafer::inline WAFER_ABI
