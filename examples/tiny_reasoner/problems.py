# SPDX-License-Identifier: MIT
"""Problems of the tiny reasoner: questions, workings and answers, made afresh for every batch.

Every maker returns a Problem: the prompt, the working (what stands between <think> and </think>) and the answer.
A working is a chain of steps of which each is only a look-up (digits from the least significant, letters with an
index), because that is what a small model learns quickly and gets right.

Held out: an item (pair of operands, word, list of digits, ...) with a certain hash, one in 32, is never trained on; the
test problems are drawn from those alone. The two modes of `make` are the two sides of that line.

A letter between two \\x01 marks belongs to a word that is worked on: the tokenizer then uses single letters even if the
whole word happens to be in the vocabulary (only model output needs this, prompts are tokenised as a user's are).
"""
import re
from collections import namedtuple

import texts

Problem = namedtuple("Problem", "task prompt working answer")
COMPUTABLE = ("add", "multiply", "count", "reverse", "sort", "unit")
TASKS = COMPUTABLE + ("wafer", "refuse")
M64 = (1 << 64) - 1


def fnv1a(text):
    h = 0xcbf29ce484222325
    for b in text.encode():
        h = ((h ^ b) * 0x100000001b3) & M64
    return h


def is_held_out(key):
    """True for one key in 32. The first condition alone would go by whole families, since FNV-1a mixes the last
    characters badly; the second halves each family, so that both sides have members of all."""
    h = fnv1a(key)
    mixed = (h ^ h >> 33) * 0xff51afd7ed558ccd & M64
    return (h >> 32) % 16 == 0 and mixed >> 63 == 0


def draw(rng, held_out, item, key):
    """Draws items until one lies on the wanted side of the split."""
    while True:
        x = item()
        if is_held_out(key(x)) == held_out:
            return x


def pair_key(name, pair):
    """The same for a, b and b, a; products with zero are always trained on."""
    return "%s:%d:%d" % (name, min(pair), max(pair)) if min(pair) else "trained"


def letters(word):
    return "\x01" + word + "\x01"


# --- phrasing ---------------------------------------------------------------------------------------------------------

def vary(rng, q):
    """Small typographic variants, as people type."""
    r = rng.random()
    if r < 0.25:
        q = q[:1].lower() + q[1:]
    if rng.random() < 0.25 and q[-1] in ".?":
        q = q[:-1]
    r = rng.random()
    if r < 0.10:
        q = rng.choice(texts.OPENERS) + q[:1].lower() + q[1:]
    elif r < 0.14 and q[-1] not in ".?":
        q += rng.choice((" please", ", please", " =", " ?", "!"))
    elif r < 0.20 and q[-1] == "?":
        q = q[:-1] + rng.choice((" please?", ", please?", " ?", "??"))
    elif r < 0.22:
        q += rng.choice((" ", "\n"))
    return q


def phrase(rng, templates, **values):
    return vary(rng, rng.choice(templates).format(**values))


# --- arithmetic -------------------------------------------------------------------------------------------------------

def number(rng, digits):
    return rng.randrange(10 ** (digits - 1) if digits > 1 else 0, 10 ** digits)


def columns(a, b, width, collect=False):
    """Column sums with the carry written out: 7+5+0=12,1+2+1=04; with the digits so far on request: ...=12:2,...=04:42.

    Without them the answer's digits are read off the columns from right to left, which is harder the more there are.
    """
    steps, carry, digits = [], 0, ""
    for i in range(width):
        x, y = a // 10 ** i % 10, b // 10 ** i % 10
        old, total = carry, x + y + carry
        carry, digits = total // 10, str(total % 10) + digits
        steps.append(f"{x}+{y}+{old}={total:02d}" + (":" + digits if collect else ""))
    return ",".join(steps)


def row(a, digit):
    """One row of a long multiplication, a of two digits: 7*6=42,4*6=24+4=28:282."""
    low, high = a % 10 * digit, a // 10 * digit
    return f"{a % 10}*{digit}={low:02d},{a // 10}*{digit}={high:02d}+{low // 10}={high + low // 10:02d}:{a * digit:03d}"


def product(a, b):
    """Working of a product of two numbers below 100."""
    if a < 10 and b < 10:
        return f"{a}*{b}={a * b:02d}"
    if a < 10:
        a, b = b, a                                       # the two-digit number goes above
    if b < 10:
        return row(a, b)
    low, high = a * (b % 10), a * (b // 10)
    return f"{row(a, b % 10)}\n{row(a, b // 10)}0\n{columns(low, high * 10, 4, True)}"


def make_add(rng, held_out):
    def item():
        n = rng.choice((1, 2, 2, 3, 3, 3))
        m = rng.choice((n, n, n, 1, 2, 3))
        return number(rng, n), number(rng, m)
    a, b = draw(rng, held_out, item, lambda p: "add:%d:%d" % (min(p), max(p)))
    width = max(len(str(a)), len(str(b)))
    return Problem("add", phrase(rng, texts.ADD, a=a, b=b), columns(a, b, width), f"{a} + {b} = {a + b}")


def make_multiply(rng, held_out):
    def item():
        n, m = rng.choice(((1, 1), (1, 2), (2, 1), (2, 2), (2, 2), (2, 2), (2, 2), (2, 2)))
        a, b = number(rng, n), number(rng, m)
        return rng.choice(((a, b), (0, b), (a, 0))) if rng.random() < 0.08 else (a, b)
    a, b = draw(rng, held_out, item, lambda p: pair_key("mul", p))
    return Problem("multiply", phrase(rng, texts.MULTIPLY, a=a, b=b), product(a, b), f"{a} * {b} = {a * b}")


# --- words ------------------------------------------------------------------------------------------------------------

def pseudo_word(rng, length):
    """A pronounceable word: consonants and vowels in turn, now and then a pair."""
    out = ""
    vowel = rng.random() < 0.3
    while len(out) < length:
        pool = "aaeeiioouuy" if vowel else "bbccddffgghjkkllmmnnppqrrssttvwxzttrrssnnll"
        c = rng.choice(pool)
        out += c
        if rng.random() < 0.15:
            out += c if rng.random() < 0.4 else rng.choice(pool)
        vowel = not vowel
    return out[:length]


def any_word(rng):
    r = rng.random()
    if r < 0.30:
        return rng.choice(texts.WORDS)
    if r < 0.35:
        return rng.choice(texts.COMMON_WORDS)             # may be single tokens: their spelling has to be learnt
    length = rng.choice((2, 3, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10))
    if r < 0.45:                                          # unpronounceable ones, and ones with few letters: harder
        pool = "abcdefghijklmnopqrstuvwxyz" if rng.random() < 0.5 else rng.sample("abcdefghijklmnopqrstuvwxyz", 3)
        return "".join(rng.choice(pool) for _ in range(length))
    return pseudo_word(rng, length)


def phrase_words():
    """The words of questions and answers: single tokens, whose spelling can only be known, not read off."""
    parts = [*texts.ADD, *texts.MULTIPLY, *texts.COUNT, *texts.REVERSE, *texts.SORT_UP, *texts.SORT_DOWN, *texts.UNIT, *texts.LEGS, *texts.OPENERS,
             *texts.SYSTEM, *texts.COMMON_WORDS, texts.REFUSAL, texts.REFUSE_WORKING, texts.WAFER_WORKING]
    for questions, answer in texts.WAFER:
        parts += [*questions, answer]
    return frozenset(re.findall("[a-z]+", " ".join(parts).lower()))


PHRASE_WORDS = phrase_words()


def word_key(word):
    return "trained" if word in PHRASE_WORDS else "word:" + word


def test_word(rng, held_out):
    limit = 9 if held_out else 10
    return draw(rng, held_out, lambda: draw_short(rng, limit), word_key)


def draw_short(rng, limit):
    while True:
        word = any_word(rng)
        if 2 <= len(word) <= limit:
            return word


def cased(rng, word):
    r = rng.random()
    return word.capitalize() if r < 0.06 else word.upper() if r < 0.08 else word


def make_count(rng, held_out):
    word = test_word(rng, held_out)
    r = rng.random()
    if r < 0.8:
        letter = rng.choice(word)
        if r < 0.35:
            letter = max(word, key=word.count)
    else:
        letter = rng.choice("abcdefghijklmnopqrstuvwxyz")
    seen, steps = 0, []
    for c in word:
        seen += c == letter
        steps.append(f"{c}{seen}")
    times = "1 time" if seen == 1 else f"{seen} times"
    shown_letter = letter.upper() if rng.random() < 0.08 else letter
    prompt = phrase(rng, texts.COUNT, w=cased(rng, word), c=shown_letter)
    return Problem("count", prompt, letter + ": " + " ".join(steps), f"The letter {letter} appears {times} in {letters(word)}.")


def make_reverse(rng, held_out):
    word = test_word(rng, held_out)
    indexed = [f"{(i + 1) % 10}{c}" for i, c in enumerate(word)]
    working = "".join(indexed) + ">" + "".join(reversed(indexed))
    return Problem("reverse", phrase(rng, texts.REVERSE, w=cased(rng, word)), working,
                   f"The word {letters(word)} reversed is {letters(word[::-1])}.")


# --- digits and units -------------------------------------------------------------------------------------------------

def make_sort(rng, held_out):
    def item():
        n = rng.choice((2, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8))
        pool = "0123456789" if rng.random() < 0.8 else rng.sample("0123456789", 4)
        return "".join(rng.choice(pool) for _ in range(n))
    digits = draw(rng, held_out, item, lambda d: "sort:" + d)
    descending = rng.random() < 0.25
    seen, marked = {}, []
    for d in digits:                                      # the n-th occurrence of a digit gets the n-th letter
        marked.append(d + "abcdefgh"[seen.get(d, 0)])
        seen[d] = seen.get(d, 0) + 1
    scale = "9876543210" if descending else "0123456789"
    found = [sorted(m for m in marked if m[0] == d) for d in scale]
    scan = "".join("".join(ms) or d + "-" for d, ms in zip(scale, found))   # every digit is looked for: 0-1a1b2-3a...
    order = [m for ms in found for m in ms]               # ... then what was found, in step with the answer
    shown = rng.choice((" ", ", ", ",", "")).join(digits)
    templates = texts.SORT_DOWN if descending else texts.SORT_UP
    return Problem("sort", phrase(rng, templates, d=shown), "".join(marked) + ">" + scan + ">" + "".join(order),
                   "Sorted: " + " ".join(m[0] for m in order))


def plural(n, unit):
    return f"{n} {unit[0] if n == 1 else unit[1]}"


def unit_product(n, factor):
    """Working of n * factor; zeros at the end of the factor are put back at the end."""
    bare = str(factor).rstrip("0")
    zeros = len(str(factor)) - len(bare)
    if bare == "1" or n == 1:
        return f"{n}*{factor}={n * factor}"
    steps = f"{n}*{bare}\n{product(n, int(bare))}"
    return steps + (f"\n{n}*{bare}={n * int(bare)},{n}*{factor}={n * factor}" if zeros else "")


def make_unit(rng, held_out):
    """Conversions: many small ones from few, and (where it is a plain table look-up) few large ones from many.

    The two lists have keys of their own: units that were added while the shipped model was being trained must not move
    what was held out before, and a number in front is the better mixed (see is_held_out).
    """
    while True:
        late = rng.random() < 0.4
        small, big, factor = rng.choice(texts.LATER_UNITS if late else texts.UNITS)
        tens = factor in (10, 100, 1000)
        back = (tens or factor in (7, 60)) and rng.random() < 0.25
        n = number(rng, 1) if back and not tens else number(rng, rng.choice((1, 1, 2, 2)))
        fact = n == 1 or back and not tens                # to be known by heart: always trained on
        key = f"{n}:{back}:{big[1]}:{small[1]}" if late else f"unit:{back}:{big[1]}:{small[1]}:{n}"
        if n and (not fact and is_held_out(key)) == held_out:
            break
    known = f"1 {big[0]} = {plural(factor, small)}\n"
    if back:
        bare = str(factor).rstrip("0")
        step = f"{n * int(bare)}/{bare}={n}" if bare != "1" else f"{n * factor}/{factor}={n}"
        given = plural(n * factor, small)
        return Problem("unit", phrase(rng, texts.UNIT, given=given, wanted=big[1]), known + step,
                       f"{given} = {plural(n, big)}")
    given = plural(n, big)
    if n == 1 and rng.random() < 0.6 and len(big[0]) > 2:
        given = rng.choice(("one ", "an " if big[0][0] in "aeiouh" else "a ")) + big[0]
    templates = texts.LEGS if small[1] in ("legs", "wheels", "fingers", "strings") else texts.UNIT
    return Problem("unit", phrase(rng, templates, given=given, wanted=small[1]), known + unit_product(n, factor),
                   f"{plural(n, big)} = {plural(n * factor, small)}")


# --- talk -------------------------------------------------------------------------------------------------------------

def make_wafer(rng, held_out):
    def item():
        questions, answer = rng.choice(texts.WAFER)
        return vary(rng, rng.choice(questions)), answer
    prompt, answer = draw(rng, held_out, item, lambda p: "text:" + p[0])
    return Problem("wafer", prompt, texts.WAFER_WORKING, answer)


def make_refuse(rng, held_out):
    prompt = draw(rng, held_out, lambda: vary(rng, texts.off_topic(rng, pseudo_word)), lambda p: "text:" + p)
    return Problem("refuse", prompt, texts.REFUSE_WORKING, texts.REFUSAL)


MAKERS = dict(add=make_add, multiply=make_multiply, count=make_count, reverse=make_reverse, sort=make_sort,
              unit=make_unit, wafer=make_wafer, refuse=make_refuse)
WEIGHTS = dict(add=3.5, multiply=7, count=3, reverse=2.5, sort=6, unit=4, wafer=5, refuse=4)


def make(rng, held_out=False, task=None):
    if task is None:
        task = rng.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
    return MAKERS[task](rng, held_out)
