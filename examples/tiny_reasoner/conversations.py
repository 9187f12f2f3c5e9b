# SPDX-License-Identifier: MIT
"""Training batches: conversations of one or more problems, packed into rows of equal length.

The loss is on the assistant's tokens. Earlier turns of a conversation come in two forms: as the chat template renders
them (answers without their working: not trained on, since a model that thinks would not write them so), and with
their working (a chat that keeps its cache), trained on.
"""
import random
from dataclasses import dataclass

import torch

import problems
import texts
from tokenizer import END, START, THINK, THINK_END, render_prompt, render_turn

DIRECT = 0.28                                             # share of conversations without thinking
NEVER = -1e9


@dataclass
class Batch:
    ids: torch.Tensor
    positions: torch.Tensor
    mask: torch.Tensor
    keep: torch.Tensor                                    # flat indices whose next token counts
    target: torch.Tensor


def reply(p, thinking):
    """What the model has to write after the prompt."""
    return (f"{THINK}\n{p.working}\n{THINK_END}\n\n" if thinking else "") + p.answer + END


def conversation(rng, tok, turns, room):
    """Token ids and, for each, whether it is the assistant's to write; None if it does not fit."""
    thinking = rng.random() >= DIRECT
    ids, own = [], []

    def add(text, mine=False):
        new = tok.encode(text)
        ids.extend(new)
        own.extend([mine] * len(new))

    if rng.random() < 0.15:
        add(render_turn("system", rng.choice(texts.SYSTEM)))
    stripped = rng.random() < 0.5
    for t in range(turns):
        p = problems.make(rng)
        if stripped and t + 1 < turns:
            add(render_turn("user", p.prompt) + f"{START}assistant\n{p.answer}{END}\n")
            continue
        add(render_prompt(p.prompt, thinking))
        add(reply(p, thinking), True)
        if t + 1 < turns:
            add("\n")
    return (ids, own) if len(ids) <= room else None


def spread(rng, ids, tok, limit):
    """Positions; now and then with gaps between messages, so that a long conversation's distances are known."""
    gap = rng.choice((0, 0, 20, 60, 150))
    out, at = [], 0
    for i, t in enumerate(ids):
        if gap and i and t == tok.special[START] and rng.random() < 0.5:
            at = min(at + rng.randrange(gap), limit - (len(ids) - i))
        out.append(at)
        at += 1
    return out


def make_batch(seed, step, rank, tok, rows, time, context):
    """A batch is a pure function of its arguments, so a resumed run sees what an unbroken one would."""
    rng = random.Random(f"{seed}:{step}:{rank}")
    long = time > 200
    docs, total = [], 0
    while total < 0.97 * rows * time:
        turns = rng.choice((2, 3, 4, 5, 6, 8)) if long else rng.choice((1, 1, 1, 1, 1, 1, 2))
        doc = conversation(rng, tok, turns, time)
        if doc:
            docs.append(doc)
            total += len(doc[0])
    docs.sort(key=lambda d: -len(d[0]))                   # first fit, the long ones first
    ids, positions = torch.zeros(rows, time, dtype=torch.long), torch.zeros(rows, time, dtype=torch.long)
    owner, used = torch.full((rows, time), -1, dtype=torch.long), [0] * rows
    keep, target = [], []
    for number, (doc, own) in enumerate(docs):
        n = len(doc)
        row = next((r for r in range(rows) if used[r] + n <= time), None)
        if row is None:
            continue
        at = used[row]
        ids[row, at:at + n] = torch.tensor(doc)
        positions[row, at:at + n] = torch.tensor(spread(rng, doc, tok, context) if long else range(n))
        owner[row, at:at + n] = number
        for i in range(1, n):
            if own[i]:
                keep.append(row * time + at + i - 1)
                target.append(doc[i])
        used[row] += n
    hidden = (owner.unsqueeze(2) != owner.unsqueeze(1)) | torch.ones(time, time, dtype=torch.bool).triu(1)
    mask = torch.zeros(rows, 1, time, time).masked_fill_(hidden.unsqueeze(1), NEVER)
    return Batch(ids, positions, mask, torch.tensor(keep), torch.tensor(target))
