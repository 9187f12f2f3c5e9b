#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Trains wafer's default model, the tiny reasoner, on problems that it makes itself.

    train.py --minutes 90 --state DIR --out tiny_reasoner.gguf     trains (or goes on from DIR) and exports at the end
    train.py --state DIR --out FILE.gguf --export                  exports the latest checkpoint, at any time
    train.py --heldout FILE.tsv                                    writes held-out problems: task, prompt, answer
    train.py --eval FILE.gguf [--heldout FILE.tsv]                 accuracy of the quantised file, thinking and direct
    train.py --reference FILE.tsv --eval FILE.gguf                 token ids and logits, to check another implementation

Needs python3-torch, python3-numpy and libopenblas0-pthread of Debian 12; nothing is downloaded. One process per core:
small matrices do not profit from threads, so each process works on its own part of the batch, alone on its core, and
gradients and weights lie in shared memory. A warm-up, a constant rate, then a linear decay over the second half of the
time (which counts only time spent training, so a run that was stopped and continued has the same schedule).
"""
import argparse
import ctypes
import math
import os
import random
import signal
import sys
import time

for key in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):   # before torch is loaded
    os.environ[key] = "1"
if "avx512f" in open("/proc/cpuinfo").read():
    os.environ["OPENBLAS_CORETYPE"] = "SkylakeX"          # the newest kernels of OpenBLAS 0.3.21: 1.5 times as fast on Zen 4

import numpy as np
import torch
import torch.multiprocessing as mp
import torch.nn.functional as F

import conversations
import gguf_export
import model
import problems
from tokenizer import END, THINK_END, Tokenizer, render_prompt

SHORT, LONG = (12, 160), (5, 384)                         # rows and tokens of a micro-batch; every fifth step is a long one
MICRO = 4                                                 # micro-batches a step; a process takes the next one when it is free
WARMUP, DECAY = 200, 0.5
MATRIX_RATE, OTHER_RATE, BALANCE = 0.02, 3e-3, 0.01
SAVE_EVERY, EVAL_EVERY = 180, 600                         # seconds


def reuse_memory():
    """Keeps freed buffers in the process: handing them back costs a page fault per 4 KiB when they come again."""
    libc = ctypes.CDLL("libc.so.6")
    libc.mallopt(-3, 32 << 20)                            # M_MMAP_THRESHOLD
    libc.mallopt(-1, 1 << 30)                             # M_TRIM_THRESHOLD


# --- optimiser --------------------------------------------------------------------------------------------------------

def orthogonal(m):
    """Newton-Schulz iteration of Muon: pushes all singular values of a batch of matrices towards 1."""
    x = m / (m.flatten(1).norm(dim=1)[:, None, None] + 1e-7)
    for _ in range(5):
        a = x @ x.transpose(1, 2)
        x = 3.4445 * x + (-4.7750 * a + 2.0315 * (a @ a)) @ x
    return x


class Optimiser:
    """Muon for the matrices inside the layers, Adam for the rest. Each process steps its own share of the tensors."""

    def __init__(self, c, w, rank, ranks):
        self.names = [n for i, n in enumerate(w) if i % ranks == rank]
        self.block = c.width
        self.state = {n: [torch.zeros_like(w[n]), torch.zeros_like(w[n])] for n in self.names}

    def is_matrix(self, name):
        return name.endswith((".qkv", ".o", ".gate_up", ".down"))

    def step(self, w, grads, number, rate):
        for n in self.names:
            first, second = self.state[n]
            g = grads[n]
            with torch.no_grad():
                if self.is_matrix(n):                     # q, k, v, gate, up: each is a square matrix of its own
                    first.mul_(0.95).add_(g)
                    square = g.add(first, alpha=0.95).reshape(-1, self.block, w[n].shape[-1])
                    w[n].mul_(1 - rate * MATRIX_RATE * 0.05).sub_(orthogonal(square).reshape(w[n].shape), alpha=rate * MATRIX_RATE)
                else:
                    first.lerp_(g, 0.1)
                    second.lerp_(g * g, 0.01)
                    size = (second / (1 - 0.99 ** number)).sqrt_().add_(1e-8)
                    w[n].addcdiv_(first, size, value=-rate * OTHER_RATE / (1 - 0.9 ** number))


# --- state on disk ----------------------------------------------------------------------------------------------------

def atomic_save(obj, path):
    torch.save(obj, path + ".new")
    os.replace(path + ".new", path)


def load_weights(state_dir):
    s = torch.load(os.path.join(state_dir, "model.pt"))
    return model.Config(**s["config"]), s


def export(path, c, w, tok):
    gguf_export.write(path, c, {k: v.detach().numpy() for k, v in w.items()}, tok)


# --- measuring --------------------------------------------------------------------------------------------------------

def held_out(seed, per_task):
    """Problems of the held-out side of the split, the same for the same seed; one line each, so no newlines."""
    rng, out = random.Random(f"held out {seed}"), []
    for task in problems.TASKS:
        seen = set()
        while len(seen) < per_task:
            p = problems.make(rng, True, task)
            if p.prompt not in seen and p.prompt == p.prompt.strip():
                seen.add(p.prompt)
                out.append(p)
    return out


REFUSAL_START = "I only know"                             # what a refusal has to begin with


def final_answer(text):
    return text.split(THINK_END)[-1].replace(END, "").replace("\x01", "").strip()


def accuracy(c, w, tok, items, thinking, wrong=None):
    """Share of exact answers per task, greedy."""
    prompts = [tok.encode(render_prompt(p.prompt, thinking)) for p in items]
    replies = model.generate(c, w, prompts, tok.special[END])
    right, total = dict.fromkeys(problems.TASKS, 0), dict.fromkeys(problems.TASKS, 0)
    for p, ids in zip(items, replies):
        given, expected = final_answer(tok.decode(ids)), final_answer(p.answer)
        ok = given.startswith(REFUSAL_START) if p.task == "refuse" else given == expected
        right[p.task] += ok
        total[p.task] += 1
        if not ok and wrong is not None:
            wrong.append((p, tok.decode(ids)))
    return {t: right[t] / total[t] for t in problems.TASKS if total[t]}


def table(scores):
    return " ".join(f"{t} {100 * s:.0f}%" for t, s in scores.items()) + f" | mean {100 * sum(scores.values()) / len(scores):.1f}%"


# --- training ---------------------------------------------------------------------------------------------------------

class Shared:
    """What the processes share: weights, one gradient each, a barrier, and the loss figures."""

    def __init__(self, w, ranks):
        self.w = {k: v.detach().share_memory_() for k, v in w.items()}
        self.grads = [{k: torch.zeros_like(v).share_memory_() for k, v in w.items()} for _ in range(ranks)]
        self.loss = torch.zeros(ranks, 2).share_memory_()
        self.control = torch.zeros(3).share_memory_()     # stop, learning rate factor, save
        self.barrier = mp.get_context("fork").Barrier(ranks)
        self.part = mp.get_context("fork").Value("i", 0)

    def next_part(self):
        with self.part.get_lock():
            self.part.value += 1
            return self.part.value - 1


def gradient(c, w, tok, args, shared, step, rank):
    """The gradient of the micro-batches that this process gets hold of, into shared memory."""
    rows, length = LONG if step % 5 == 4 else SHORT
    while (m := shared.next_part()) < MICRO:
        b = conversations.make_batch(args.seed, step, m, tok, rows, length, c.context)
        logits, balance = model.forward(c, w, b.ids, b.positions, b.mask, b.keep)
        loss = F.cross_entropy(logits, b.target)
        ((loss + BALANCE * balance) / MICRO).backward()
        shared.loss[rank] += torch.tensor([loss.item(), balance.item()]) / MICRO
    for n, v in w.items():
        shared.grads[rank][n].copy_(torch.zeros_like(v) if v.grad is None else v.grad)
        v.grad = None


def clipped(shared, names):
    """Mean gradients of this process's tensors, scaled so that the whole gradient has at most norm 1."""
    total = {n: sum(g[n] for g in shared.grads) for n in shared.w}
    norm = math.sqrt(sum(float(g.square().sum()) for g in total.values()))
    return {n: total[n] * min(1.0, 1.0 / (norm + 1e-6)) for n in names}


def work(rank, args, c, shared, start, elapsed):
    torch.set_num_threads(1)
    torch.manual_seed(args.seed)
    reuse_memory()
    tok = Tokenizer()
    w = {k: v.detach().requires_grad_() for k, v in shared.w.items()}       # same memory, own gradients
    optimiser = Optimiser(c, shared.w, rank, args.processes)
    own = os.path.join(args.state, f"optimiser{rank}.pt")
    if start and os.path.exists(own):
        old = torch.load(own)
        optimiser.state.update({k: v for k, v in old.items() if k in optimiser.state and v[0].shape == w[k].shape})
    boss = Boss(args, c, shared, tok, start, elapsed) if rank == 0 else None
    step = start
    while True:
        if boss:
            boss.before(step)
        shared.barrier.wait()
        if shared.control[2]:
            atomic_save(optimiser.state, own)
        if shared.control[0]:
            break
        gradient(c, w, tok, args, shared, step, rank)
        shared.barrier.wait()
        optimiser.step(shared.w, clipped(shared, optimiser.names), step + 1, float(shared.control[1]))
        step += 1
        shared.barrier.wait()


class Boss:
    """The first process's extra duties: clock, log, checkpoints, tests."""

    def __init__(self, args, c, shared, tok, step, elapsed):
        self.args, self.c, self.shared, self.tok = args, c, shared, tok
        self.elapsed, self.last = elapsed, time.time()
        self.saved = self.evaluated = elapsed
        self.logged, self.logged_step, self.first = elapsed, step, step
        self.test = held_out(args.seed, 20)
        self.asked = False
        signal.signal(signal.SIGTERM, self.stop)          # saves and exports before it ends

    def stop(self, *_):
        self.asked = True

    def log(self, text):
        line = time.strftime("%H:%M:%S ") + text
        print(line, flush=True)
        with open(os.path.join(self.args.state, "log.txt"), "a") as f:
            f.write(line + "\n")

    def before(self, step):
        now = time.time()
        self.elapsed += min(now - self.last, 5.0)         # a stopped process does not lose its training time
        self.last = now
        budget, s = self.args.minutes * 60, self.shared
        s.part.value = 0
        done = self.asked or self.elapsed >= budget
        s.control[0] = float(done)
        s.control[1] = min(1.0, (step + 1) / WARMUP, max(0.01, (budget - self.elapsed) / (DECAY * budget)))
        s.control[2] = float(done or self.elapsed - self.saved >= SAVE_EVERY)
        if step - self.logged_step >= 100:
            loss, balance = (s.loss.sum(0) / (step - self.logged_step)).tolist()
            s.loss.zero_()
            pace = (self.elapsed - self.logged) / (step - self.logged_step)
            self.log(f"step {step} loss {loss:.4f} balance {balance:.3f} rate {float(s.control[1]):.2f} {pace:.3f} s/step "
                     f"{self.elapsed / 60:.1f} min")
            self.logged, self.logged_step = self.elapsed, step
        if s.control[2]:
            self.saved = self.elapsed
            state = {"config": self.c.dict(), "w": dict(s.w), "step": step, "elapsed": self.elapsed, "tokens": self.tok.tokens}
            atomic_save(state, os.path.join(self.args.state, "model.pt"))
            export(self.args.out, self.c, s.w, self.tok)
        if done or self.elapsed - self.evaluated >= min(EVAL_EVERY, 120 + self.elapsed / 4):
            self.evaluated = self.elapsed
            for thinking in (True, False):
                self.log(("thinking " if thinking else "direct   ") + table(accuracy(self.c, s.w, self.tok, self.test, thinking)))
            self.last = time.time()


def adopt_vocabulary(c, w, old, tok):
    """Goes on from a checkpoint of another vocabulary (texts.py may have grown): known tokens keep their rows."""
    if old == tok.tokens:
        return
    rows = {t: i for i, t in enumerate(old)}
    fresh = torch.randn(len(tok), c.width, generator=torch.Generator().manual_seed(len(tok))) * 0.05
    for i, t in enumerate(tok.tokens):
        if t in rows:
            fresh[i] = w["embd"][rows[t]]
    c.vocab, w["embd"] = len(tok), fresh


def train(args):
    os.makedirs(args.state, exist_ok=True)
    with open(os.path.join(args.state, "pid"), "w") as f:
        f.write(f"{os.getpid()}\n")
    tok, start, elapsed = Tokenizer(), 0, 0.0
    if os.path.exists(os.path.join(args.state, "model.pt")):
        c, s = load_weights(args.state)
        w, start, elapsed = s["w"], s["step"], s["elapsed"]
        adopt_vocabulary(c, w, s["tokens"], tok)
    else:
        c = model.Config(len(tok))
        w = model.init_weights(c, args.seed)
    shared = Shared(w, args.processes)
    context = mp.get_context("fork")
    helpers = [context.Process(target=work, args=(r, args, c, shared, start, elapsed), daemon=True) for r in range(1, args.processes)]
    for h in helpers:
        h.start()
    work(0, args, c, shared, start, elapsed)
    for h in helpers:
        h.join()


# --- the other commands -----------------------------------------------------------------------------------------------

def load_gguf(path):
    c, w = gguf_export.to_model(*gguf_export.read(path))
    return c, {k: torch.from_numpy(np.array(v)) for k, v in w.items()}


def evaluate(args):
    c, w = load_gguf(args.eval)
    tok = Tokenizer()
    if args.heldout:
        lines = [line.rstrip("\n").split("\t") for line in open(args.heldout)]
        items = [problems.Problem(task, prompt, "", answer) for task, prompt, answer in lines]
    else:
        items = held_out(args.seed + 1, args.per_task)
    for thinking in (True, False):
        wrong = []
        scores = accuracy(c, w, tok, items, thinking, wrong)
        print("thinking" if thinking else "direct", table(scores), f"| {len(items) - len(wrong)} of {len(items)}")
        for p, text in wrong[:args.show] if thinking else []:
            print("  ", p.task, repr(p.prompt), repr(text), "expected", repr(p.answer))


def write_heldout(args):
    with open(args.heldout, "w") as f:
        for p in held_out(args.seed + 2, args.per_task):
            f.write(f"{p.task}\t{p.prompt}\t{REFUSAL_START if p.task == 'refuse' else final_answer(p.answer)}\n")


REFERENCE = (("What is 17 + 25?", True), ("What is 47 * 36?", True), ("Reverse the word banana.", True),
             ("What is 17 + 25?", False), ("What is wafer?", False))


def write_reference(args):
    """prompt, thinking (0/1), ids of the rendered prompt, greedy continuation, first 16 logits after the prompt."""
    c, w = load_gguf(args.eval)
    tok = Tokenizer()
    with open(args.reference, "w") as f:
        for prompt, thinking in REFERENCE:
            ids = tok.encode(render_prompt(prompt, thinking))
            reply = model.generate(c, w, [ids], tok.special[END])[0]
            n = len(ids)
            mask = torch.zeros(1, 1, n, n).masked_fill_(torch.ones(n, n, dtype=torch.bool).triu(1), conversations.NEVER)
            with torch.no_grad():
                logits, _ = model.forward(c, w, torch.tensor([ids]), torch.arange(n).unsqueeze(0), mask)
            first = " ".join(f"{v:.9g}" for v in logits[-1, :16].tolist())
            f.write("\t".join((prompt, str(int(thinking)), " ".join(map(str, ids)), " ".join(map(str, reply)), first)) + "\n")


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--out", default="tiny_reasoner.gguf")
    p.add_argument("--state", default="state", help="directory of checkpoints, log and pid")
    p.add_argument("--minutes", type=float, default=90, help="training time in all, earlier runs included")
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--processes", type=int, default=2)
    p.add_argument("--export", action="store_true")
    p.add_argument("--heldout", metavar="TSV")
    p.add_argument("--eval", metavar="GGUF")
    p.add_argument("--reference", metavar="TSV")
    p.add_argument("--per-task", type=int, default=50)
    p.add_argument("--show", type=int, default=20, help="wrong answers to print")
    args = p.parse_args()
    torch.set_num_threads(1)
    if args.reference:
        write_reference(args)
    elif args.eval:
        evaluate(args)
    elif args.heldout:
        write_heldout(args)
    elif args.export:
        c, s = load_weights(args.state)
        export(args.out, c, s["w"], Tokenizer())
    else:
        train(args)


if __name__ == "__main__":
    main()
