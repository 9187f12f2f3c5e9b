# SPDX-License-Identifier: MIT
"""Writes and reads the model's GGUF file (version 3); matrices in Q8_0, norms and routers in F32."""
import os
import struct

import numpy as np

from tokenizer import CHAT_TEMPLATE, END, PAD

U32, F32, BOOL, STRING, ARRAY, I32 = 4, 6, 7, 8, 9, 5
TYPE_F32, TYPE_Q8_0 = 0, 8
ALIGN = 32


def quantise(w):
    """Q8_0: blocks of 32 along a row, an f16 scale = amax / 127 and 32 int8."""
    blocks = np.ascontiguousarray(w, np.float32).reshape(-1, 32)
    scale = (np.abs(blocks).max(1, keepdims=True) / np.float32(127)).astype(np.float32)
    inverse = np.divide(1, scale, out=np.zeros_like(scale), where=scale > 0)
    scaled = blocks * inverse
    quants = np.trunc(scaled + np.copysign(np.float32(0.5), scaled)).astype(np.int8)       # halves away from zero, as roundf
    out = np.empty(len(blocks), dtype=[("d", "<f2"), ("q", "i1", 32)])
    out["d"], out["q"] = scale[:, 0].astype(np.float16), quants
    return out.tobytes()


def dequantise(raw, shape):
    blocks = np.frombuffer(raw, dtype=[("d", "<f2"), ("q", "i1", 32)])
    return (blocks["d"].astype(np.float32)[:, None] * blocks["q"].astype(np.float32)).reshape(shape)


def tensors(c, w):
    """GGUF name -> row-major array, from the weights of model.py."""
    out = {"token_embd.weight": w["embd"], "output_norm.weight": w["norm"]}
    inner = c.heads * c.head_size
    for i in range(c.layers):
        b, g = f"{i}.", f"blk.{i}."
        q, k, v = w[b + "qkv"].reshape(3, inner, c.width)
        gate_up = w[b + "gate_up"]
        out |= {g + "attn_norm.weight": w[b + "attn_norm"], g + "attn_q.weight": q, g + "attn_k.weight": k, g + "attn_v.weight": v,
                g + "attn_q_norm.weight": w[b + "qk_norm"][0, 0], g + "attn_k_norm.weight": w[b + "qk_norm"][1, 0],
                g + "attn_output.weight": w[b + "o"], g + "ffn_norm.weight": w[b + "ffn_norm"], g + "ffn_gate_inp.weight": w[b + "router"],
                g + "ffn_gate_exps.weight": gate_up[:, :c.expert_width], g + "ffn_up_exps.weight": gate_up[:, c.expert_width:],
                g + "ffn_down_exps.weight": w[b + "down"]}
    return out


def metadata(c, tok):
    a = "qwen3moe."
    return [("general.architecture", STRING, "qwen3moe"), ("general.name", STRING, "wafer tiny reasoner"), ("general.license", STRING, "MIT"),
            ("general.file_type", U32, 7), ("general.quantization_version", U32, 2), ("general.sampling.temp", F32, 0.0),
            (a + "context_length", U32, c.context), (a + "embedding_length", U32, c.width), (a + "block_count", U32, c.layers),
            (a + "feed_forward_length", U32, c.expert_width * c.used), (a + "attention.head_count", U32, c.heads),
            (a + "attention.head_count_kv", U32, c.heads), (a + "attention.key_length", U32, c.head_size),
            (a + "attention.value_length", U32, c.head_size), (a + "attention.layer_norm_rms_epsilon", F32, 1e-6),
            (a + "rope.freq_base", F32, c.rope_base), (a + "expert_count", U32, c.experts), (a + "expert_used_count", U32, c.used),
            (a + "expert_feed_forward_length", U32, c.expert_width), (a + "vocab_size", U32, c.vocab),
            ("tokenizer.ggml.model", STRING, "gpt2"), ("tokenizer.ggml.pre", STRING, "llama-bpe"),
            ("tokenizer.ggml.tokens", ARRAY, (STRING, tok.names())), ("tokenizer.ggml.token_type", ARRAY, (I32, tok.types)),
            ("tokenizer.ggml.merges", ARRAY, (STRING, [])), ("tokenizer.ggml.bos_token_id", U32, tok.special[PAD]),
            ("tokenizer.ggml.eos_token_id", U32, tok.special[END]), ("tokenizer.ggml.padding_token_id", U32, tok.special[PAD]),
            ("tokenizer.ggml.add_bos_token", BOOL, False), ("tokenizer.chat_template", STRING, CHAT_TEMPLATE)]


def pack_string(s):
    raw = s.encode()
    return struct.pack("<Q", len(raw)) + raw


def pack_value(kind, value):
    if kind == STRING:
        return pack_string(value)
    if kind == ARRAY:
        inner, items = value
        return struct.pack("<IQ", inner, len(items)) + b"".join(pack_value(inner, v) for v in items)
    return struct.pack({U32: "<I", I32: "<i", F32: "<f", BOOL: "<?"}[kind], value)


def pad(raw):
    return raw + b"\0" * (-len(raw) % ALIGN)


def write(path, c, w, tok):
    """Written beside the target and renamed, so that a reader never sees half a file."""
    keys, infos, data = metadata(c, tok), b"", b""
    table = tensors(c, w)
    for name, array in table.items():
        exact = array.ndim == 1 or name.endswith("ffn_gate_inp.weight")
        dims = array.shape[::-1]
        infos += pack_string(name) + struct.pack(f"<I{len(dims)}QIQ", len(dims), *dims, TYPE_F32 if exact else TYPE_Q8_0, len(data))
        data += pad(np.ascontiguousarray(array, "<f4").tobytes() if exact else quantise(array))
    head = b"GGUF" + struct.pack("<IQQ", 3, len(table), len(keys))
    head += b"".join(pack_string(k) + struct.pack("<I", kind) + pack_value(kind, v) for k, kind, v in keys)
    with open(path + ".new", "wb") as f:
        f.write(pad(head + infos) + data)
    os.replace(path + ".new", path)


class Reader:
    def __init__(self, raw):
        self.raw, self.at = raw, 0

    def get(self, fmt):
        values = struct.unpack_from("<" + fmt, self.raw, self.at)
        self.at += struct.calcsize("<" + fmt)
        return values[0] if len(values) == 1 else values

    def string(self):
        n = self.get("Q")
        self.at += n
        return self.raw[self.at - n:self.at].decode()

    def value(self, kind):
        if kind == STRING:
            return self.string()
        if kind == ARRAY:
            inner, n = self.get("I"), self.get("Q")
            return [self.value(inner) for _ in range(n)]
        return self.get({U32: "I", I32: "i", F32: "f", BOOL: "?"}[kind])


def read(path):
    """Metadata and dequantised tensors (row-major) of a file that `write` wrote."""
    r = Reader(open(path, "rb").read())
    if r.raw[:4] != b"GGUF":
        raise ValueError(f"{path}: not a GGUF file")
    r.at = 4
    _, count, keys = r.get("I"), r.get("Q"), r.get("Q")
    meta, infos, out = {}, [], {}
    for _ in range(keys):
        name = r.string()
        meta[name] = r.value(r.get("I"))
    for _ in range(count):
        name, n = r.string(), r.get("I")
        dims = [r.get("Q") for _ in range(n)]
        infos.append((name, dims[::-1], r.get("I"), r.get("Q")))
    start = r.at + -r.at % ALIGN
    for name, shape, kind, offset in infos:
        n = int(np.prod(shape))
        size = n * 4 if kind == TYPE_F32 else n // 32 * 34
        raw = r.raw[start + offset:start + offset + size]
        out[name] = np.frombuffer(raw, "<f4").reshape(shape) if kind == TYPE_F32 else dequantise(raw, shape)
    return meta, out


def to_model(meta, t):
    """Configuration and weights for model.py (numpy arrays)."""
    from model import Config
    a = "qwen3moe."
    c = Config(vocab=meta[a + "vocab_size"], width=meta[a + "embedding_length"], layers=meta[a + "block_count"], heads=meta[a + "attention.head_count"],
               head_size=meta[a + "attention.key_length"], experts=meta[a + "expert_count"], used=meta[a + "expert_used_count"],
               expert_width=meta[a + "expert_feed_forward_length"], rope_base=meta[a + "rope.freq_base"], context=meta[a + "context_length"])
    w = {"embd": t["token_embd.weight"], "norm": t["output_norm.weight"]}
    for i in range(c.layers):
        b, g = f"{i}.", f"blk.{i}."
        get = lambda name: t[g + name + ".weight"]
        w |= {b + "attn_norm": get("attn_norm"), b + "ffn_norm": get("ffn_norm"), b + "router": get("ffn_gate_inp"), b + "o": get("attn_output"),
              b + "qk_norm": np.stack((get("attn_q_norm"), get("attn_k_norm")))[:, None], b + "down": get("ffn_down_exps"),
              b + "qkv": np.concatenate((get("attn_q"), get("attn_k"), get("attn_v"))),
              b + "gate_up": np.concatenate((get("ffn_gate_exps"), get("ffn_up_exps")), 1)}
    return c, w
