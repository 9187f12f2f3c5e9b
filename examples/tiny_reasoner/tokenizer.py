# SPDX-License-Identifier: MIT
"""The model's tokenizer: byte-level BPE without merges, where a whole pre-token may be one token (`ignore_merges`).

So text becomes single bytes, except the frequent words of questions and answers. Digits and the letters of worked-on
words stay single tokens, and so does a letter after a space (" a" to " z").
"""
import random
import re
from collections import Counter

import problems
import texts

START, END, THINK, THINK_END, PAD = "<|im_start|>", "<|im_end|>", "<think>", "</think>", "<|endoftext|>"
SPECIAL = (START, END, THINK, THINK_END, PAD)
CONTROL, USER, NORMAL = 3, 4, 1                           # tokenizer.ggml.token_type

# Llama 3's split. \p{L} is [^\W\d_] here and \p{N} is \d: the same for every text that the model is trained on.
SPLIT = re.compile(r"(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])|(?:[^\r\n\w]|_)?[^\W\d_]+|\d{1,3}"
                   r"| ?(?:[^\s\w]|_)+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
SPECIALS = re.compile("(" + "|".join(map(re.escape, SPECIAL)) + "|\x01)")

CHAT_TEMPLATE = """{%- for message in messages %}
    {%- set content = message.content %}
    {%- if message.role == 'assistant' and '</think>' in content %}
        {%- set content = content.split('</think>')[-1].lstrip('\\n') %}
    {%- endif %}
    {{- '<|im_start|>' + message.role + '\\n' + content + '<|im_end|>\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' }}
    {%- if enable_thinking is defined and enable_thinking is false %}
        {{- '<think>\\n\\n</think>\\n\\n' }}
    {%- endif %}
{%- endif %}"""


def render_turn(role, content):
    return f"{START}{role}\n{content}{END}\n"


def render_prompt(prompt, thinking, system=None):
    """What the template renders for one question."""
    head = render_turn("system", system) if system else ""
    return head + render_turn("user", prompt) + f"{START}assistant\n" + ("" if thinking else f"{THINK}\n\n{THINK_END}\n\n")


def byte_alphabet():
    """GPT-2's printable stand-ins for the 256 bytes."""
    keep = list(range(33, 127)) + list(range(161, 173)) + list(range(174, 256))
    table, extra = {}, 0
    for b in range(256):
        if b in keep:
            table[b] = chr(b)
        else:
            table[b] = chr(256 + extra)
            extra += 1
    return table


BYTES = byte_alphabet()


def phrasing():
    """All fixed text, with 7 where a number or a word is filled in."""
    fill = dict.fromkeys("abcdw", "7") | dict(given="7", wanted="7")
    for group in (texts.ADD, texts.MULTIPLY, texts.COUNT, texts.REVERSE, texts.SORT_UP, texts.SORT_DOWN, texts.UNIT, texts.LEGS):
        for t in group:
            yield from (t.format(**fill), t[:1].lower() + t[1:].format(**fill) if "{" not in t[:1] else t.format(**fill))
    for questions, answer in texts.WAFER:
        yield answer
        for q in questions:
            yield q
            yield q[:1].lower() + q[1:]
    for opener in texts.OPENERS:
        yield opener
    for small, big, factor in texts.UNITS + texts.LATER_UNITS:
        yield "7 {} 7 {} {} {}".format(*small, *big)
        yield "{} {}".format(small[1], big[1])
    yield from texts.SYSTEM
    yield from (texts.REFUSAL, texts.REFUSE_WORKING, texts.WAFER_WORKING)
    yield "7 please, please ? ?? ! ?\n ?? please?\n 7 + 7 = 7 * 7 - 7 / 7 ?\n"
    yield "Sorted: 7 7\nThe word 7 reversed is 7.\nThe letter 7 appears 1 time in 7 times in 7."
    yield from ("\n\n", "\n", "assistant", "user", "system", ".\n")


def off_topic_words():
    """The most frequent words of off-topic prompts (of a fixed sample); rarer ones stay bytes."""
    rng, count = random.Random(1), Counter()
    for _ in range(4000):
        count.update(SPLIT.findall(texts.off_topic(rng, lambda r, n: "7")))
    return [w for w, n in count.most_common(400) if n >= 12 and not re.search(r"\d", w)]


class Tokenizer:
    def __init__(self):
        pieces = Counter()
        for text in phrasing():
            pieces.update(p for p in SPLIT.findall(text) if len(p.encode()) > 1 and not re.search(r"\d", p))
        pieces.update(p for p in off_topic_words() if len(p.encode()) > 1)
        worked_on = set(texts.WORDS) - {"wafer", "letter", "one"}
        whole = [" " + c for c in "abcdefghijklmnopqrstuvwxyz"]
        whole += sorted(p for p in pieces if p not in whole and p.strip().lower() not in worked_on)
        self.tokens = [bytes([b]) for b in range(256)] + [w.encode() for w in whole] + [s.encode() for s in SPECIAL]
        self.types = [NORMAL] * (256 + len(whole)) + [USER if s in (THINK, THINK_END) else CONTROL for s in SPECIAL]
        self.ids = {t: i for i, t in enumerate(self.tokens)}
        self.special = {s: self.ids[s.encode()] for s in SPECIAL}
        self.cache = {}

    def __len__(self):
        return len(self.tokens)

    def names(self):
        """Tokens as GGUF spells them."""
        return [t.decode() if t.decode("latin-1") in self.special else "".join(BYTES[b] for b in t) for t in self.tokens]

    def encode_plain(self, text):
        out = []
        for piece in SPLIT.findall(text):
            ids = self.cache.get(piece)
            if ids is None:
                raw = piece.encode()
                ids = [self.ids[raw]] if raw in self.ids else list(raw)
                if len(self.cache) < 100000:
                    self.cache[piece] = ids
            out += ids
        return out

    def encode(self, text):
        """Special tokens are recognised; between two \\x01 marks every byte is a token of its own."""
        out, spelled = [], False
        for part in SPECIALS.split(text):
            if part in self.special:
                out.append(self.special[part])
            elif part == "\x01":
                spelled = not spelled
            elif spelled:
                out += list(part.encode())
            elif part:
                out += self.encode_plain(part)
        return out

    def decode(self, ids):
        return b"".join(self.tokens[i] for i in ids).decode(errors="replace")


if __name__ == "__main__":
    tok, rng = Tokenizer(), random.Random(0)
    print(len(tok), "tokens")
    for task in problems.TASKS:
        sizes = []
        for i in range(300):
            p = problems.make(rng, task=task)
            a, b = tok.encode(render_prompt(p.prompt, True)), tok.encode(f"{THINK}\n{p.working}\n{THINK_END}\n\n{p.answer}{END}\n")
            sizes.append((len(a), len(b)))
            if i < 3: print(p)
        print(task, "prompt", sum(s[0] for s in sizes) / 300, "answer", sum(s[1] for s in sizes) / 300, "max", max(sum(s) for s in sizes))
