# SPDX-License-Identifier: MIT
"""The network (qwen3moe): RMS norm, per-head q/k norms before half-split RoPE, SwiGLU experts, softmax over all, top 2.

Written for two CPU cores: few passes over memory, one matrix product for q, k and v, tokens gathered per expert, and
hand-written gradients for the two parts where autograd would make many small operations (RMS norm, experts).
"""
from dataclasses import asdict, dataclass

import torch
import torch.nn.functional as F

EPS = 1e-6


@dataclass
class Config:
    vocab: int
    width: int = 128
    layers: int = 4
    heads: int = 4
    head_size: int = 32
    experts: int = 8
    used: int = 2
    expert_width: int = 128
    rope_base: float = 10000.0
    context: int = 1024

    def dict(self):
        return asdict(self)


class RmsNorm(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, weight):
        scale = torch.rsqrt(x.square().mean(-1, keepdim=True).add_(EPS))
        y = x * scale
        ctx.save_for_backward(y, scale, weight)
        return y * weight

    @staticmethod
    def backward(ctx, grad):
        y, scale, weight = ctx.saved_tensors
        grad_weight = (grad * y).reshape(-1, *weight.shape).sum(0)
        g = grad * weight
        inner = (g * y).mean(-1, keepdim=True)
        return g.addcmul_(y, inner, value=-1).mul_(scale), grad_weight


class Experts(torch.autograd.Function):
    """sum_k weight[n, k] * down[e] (silu(gate[e] x) * up[e] x) with e = chosen[n, k]; gate_up stacks gate over up."""

    @staticmethod
    def forward(ctx, x, weight, chosen, gate_up, down):
        n, used = chosen.shape
        order = chosen.reshape(-1).argsort(stable=True)   # (token, choice) pairs, one expert after the other
        counts = torch.bincount(chosen.reshape(-1), minlength=gate_up.shape[0]).tolist()
        back = torch.empty_like(order)
        back[order] = torch.arange(n * used)
        rows = torch.div(order, used, rounding_mode="floor")
        gathered = x.index_select(0, rows)
        both = x.new_empty(n * used, gate_up.shape[1])
        out = torch.empty_like(gathered)
        at = 0
        for e, c in enumerate(counts):
            torch.mm(gathered[at:at + c], gate_up[e].t(), out=both[at:at + c])
            at += c
        gate, up = both.chunk(2, -1)
        hidden = F.silu(gate) * up
        at = 0
        for e, c in enumerate(counts):
            torch.mm(hidden[at:at + c], down[e].t(), out=out[at:at + c])
            at += c
        ctx.save_for_backward(gathered, both, hidden, weight, order, back, rows, gate_up, down)
        ctx.counts = counts
        return torch.bmm(weight.unsqueeze(1), out.index_select(0, back).view(n, used, -1)).squeeze(1)

    @staticmethod
    def backward(ctx, grad):
        gathered, both, hidden, weight, order, back, rows, gate_up, down = ctx.saved_tensors
        n, used = weight.shape
        grad_rows = grad.index_select(0, rows)
        grad_hidden = torch.empty_like(hidden)
        at = 0
        for e, c in enumerate(ctx.counts):
            torch.mm(grad_rows[at:at + c], down[e], out=grad_hidden[at:at + c])
            at += c
        grad_weight = (grad_hidden * hidden).sum(-1).index_select(0, back).view(n, used)
        share = weight.reshape(-1).index_select(0, order).unsqueeze(1)
        grad_hidden.mul_(share)
        hidden = hidden * share
        gate, up = both.chunk(2, -1)
        sigmoid = torch.sigmoid(gate)
        silu = gate * sigmoid
        grad_both = torch.empty_like(both)
        grad_gate, grad_up = grad_both.chunk(2, -1)
        torch.mul(grad_hidden, silu, out=grad_up)
        slope = sigmoid.addcmul(silu, 1 - sigmoid)        # d silu = s + silu (1 - s)
        torch.mul(grad_hidden.mul_(up), slope, out=grad_gate)
        grad_gate_up, grad_down, grad_x = torch.empty_like(gate_up), torch.empty_like(down), torch.empty_like(gathered)
        at = 0
        for e, c in enumerate(ctx.counts):
            part = slice(at, at + c)
            torch.mm(grad_rows[part].t(), hidden[part], out=grad_down[e])
            torch.mm(grad_both[part].t(), gathered[part], out=grad_gate_up[e])
            torch.mm(grad_both[part], gate_up[e], out=grad_x[part])
            at += c
        return grad_x.index_select(0, back).view(n, used, -1).sum(1), grad_weight, None, grad_gate_up, grad_down


def init_weights(c, seed):
    """Parameters by name; matrices are [out, in] as in GGUF (ne[0] = in)."""
    g = torch.Generator().manual_seed(seed)
    w = {"embd": torch.randn(c.vocab, c.width, generator=g) * 0.05, "norm": torch.ones(c.width)}
    inner = c.heads * c.head_size
    for i in range(c.layers):
        b = f"{i}."
        mat = lambda *shape, gain=0.6: torch.randn(*shape, generator=g) * gain / shape[-1] ** 0.5
        w[b + "attn_norm"], w[b + "ffn_norm"] = torch.ones(c.width), torch.ones(c.width)
        w[b + "qk_norm"] = torch.ones(2, 1, c.head_size)
        w[b + "qkv"] = mat(3 * inner, c.width)
        w[b + "o"] = mat(c.width, inner, gain=0.2)
        w[b + "router"] = mat(c.experts, c.width, gain=1.0)
        w[b + "gate_up"] = mat(c.experts, 2 * c.expert_width, c.width)
        w[b + "down"] = mat(c.experts, c.width, c.expert_width, gain=0.2)
    return {k: v.requires_grad_() for k, v in w.items()}


def rope_table(c, positions):
    """cos and sin, [..., 1, head_size], with the sign of the half-split rotation already in the sine."""
    half = c.head_size // 2
    freq = c.rope_base ** (-torch.arange(half, dtype=torch.float64) / half)
    angle = positions.double().unsqueeze(-1) * freq
    cos, sin = angle.cos().float(), angle.sin().float()
    return torch.cat((cos, cos), -1).unsqueeze(-2), torch.cat((-sin, sin), -1).unsqueeze(-2)


def route(c, w, b, x):
    """Softmax over all experts, the best `used` renormalised; also the load-balancing loss of Switch Transformers."""
    prob = F.softmax(x @ w[b + "router"].t(), -1)
    top, chosen = prob.topk(c.used, -1)
    load = torch.bincount(chosen.reshape(-1), minlength=c.experts).float() / chosen.numel()
    return top / top.sum(-1, keepdim=True), chosen, c.experts * (load * prob.mean(0)).sum(), load


def heads_of(c, w, b, x, rope, batch):
    """q, k, v as [batch, heads, time, head_size], q and k normed and rotated."""
    qkv = (x @ w[b + "qkv"].t()).view(batch, -1, 3, c.heads, c.head_size)
    qk = RmsNorm.apply(qkv[:, :, :2], w[b + "qk_norm"])
    cos, sin = rope
    half = c.head_size // 2
    turned = torch.cat((qk[..., half:], qk[..., :half]), -1)
    qk = (qk * cos).addcmul(turned, sin)
    return qk[:, :, 0].transpose(1, 2), qk[:, :, 1].transpose(1, 2), qkv[:, :, 2].transpose(1, 2)


def forward(c, w, ids, positions, mask, keep=None, cache=None, stats=None):
    """Logits at the flat indices `keep` (all without), and the mean balancing loss.

    mask is added to the scores, [batch, 1, time, keys]. With a cache (a list of (k, v) per layer and the row's lengths)
    new keys are written at each row's own length, so that prompts of different lengths decode together.
    """
    batch, time = ids.shape
    x = F.embedding(ids.reshape(-1), w["embd"])
    cos, sin = rope_table(c, positions)
    rope = cos.unsqueeze(2), sin.unsqueeze(2)
    balance = 0.0
    for i in range(c.layers):
        b = f"{i}."
        q, k, v = heads_of(c, w, b, RmsNorm.apply(x, w[b + "attn_norm"]), rope, batch)
        if cache is not None:
            at = positions[:, None, :, None].expand(-1, c.heads, -1, c.head_size)
            k, v = cache[i][0].scatter_(2, at, k), cache[i][1].scatter_(2, at, v)
        scores = (q * c.head_size ** -0.5) @ k.transpose(-1, -2)
        prob = F.softmax(scores.add_(mask), -1)
        x = torch.addmm(x, (prob @ v).transpose(1, 2).reshape(batch * time, -1), w[b + "o"].t())
        h = RmsNorm.apply(x, w[b + "ffn_norm"])
        weight, chosen, loss, load = route(c, w, b, h)
        balance = balance + loss / c.layers
        if stats is not None:
            stats.append(load)
        x = x + Experts.apply(h, weight, chosen, w[b + "gate_up"], w[b + "down"])
    if keep is not None:
        x = x.index_select(0, keep)
    return RmsNorm.apply(x, w["norm"]) @ w["embd"].t(), balance


@torch.no_grad()
def generate(c, w, prompts, end, limit=180, batch=128):
    """Greedy continuations of a list of prompts (token ids), many at a time."""
    out = []
    for start in range(0, len(prompts), batch):
        out += generate_batch(c, w, prompts[start:start + batch], end, limit)
    return out


def generate_batch(c, w, prompts, end, limit):
    n, longest = len(prompts), max(map(len, prompts))
    keys = longest + limit
    cache = [(torch.zeros(n, c.heads, keys, c.head_size), torch.zeros(n, c.heads, keys, c.head_size)) for _ in range(c.layers)]
    ids = torch.zeros(n, longest, dtype=torch.long)
    for r, p in enumerate(prompts):
        ids[r, :len(p)] = torch.tensor(p)
    positions = torch.arange(longest).expand(n, -1)
    hidden = torch.arange(keys) > positions.unsqueeze(-1)
    mask = torch.zeros(n, 1, longest, keys).masked_fill_(hidden.unsqueeze(1), -1e9)
    lengths = torch.tensor([len(p) for p in prompts])
    last = torch.arange(n) * longest + lengths - 1
    logits, _ = forward(c, w, ids, positions, mask, last, cache)
    result, done = [[] for _ in prompts], [False] * n
    for _ in range(limit):
        best = logits.argmax(-1)
        for r, t in enumerate(best.tolist()):
            if not done[r]:
                result[r].append(t)
                done[r] = t == end
        if all(done):
            break
        mask = torch.zeros(n, 1, 1, keys).masked_fill_((torch.arange(keys) > lengths.unsqueeze(1))[:, None, None], -1e9)
        logits, _ = forward(c, w, best.unsqueeze(1), lengths.unsqueeze(1), mask, None, cache)
        lengths = lengths + 1
    return result
