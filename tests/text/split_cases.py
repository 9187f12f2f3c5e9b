#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes tests/data/text/splits.json to stdout: how the published patterns cut random texts.

The patterns are applied as Hugging Face's tokenizers do: each to every piece that is left, matches and gaps alike.
Needs the package `regex`. An argument is the number of texts for each pre-tokenizer (24).
"""
import json
import random
import sys

import regex

CL100K = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}%s| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
          r"|\s+(?!\S)|\s+")
WORD = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
UPPER, LOWER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
ZONE = "[\u4e00-\u9fa5\u0800-\u4e00\uac00-\ud7ff]+"
LETTERS = [  # of deepseek-llm: first and last of each range
    0x41, 0x5A, 0x61, 0x7A, 0xB5, 0xB5, 0xC0, 0xD6, 0xD8, 0xF6, 0xF8, 0x1BA, 0x1BC, 0x1BF, 0x1C4, 0x293, 0x295, 0x2AF,
    0x370, 0x373, 0x376, 0x377, 0x37B, 0x37D, 0x37F, 0x37F, 0x386, 0x386, 0x388, 0x38A, 0x38C, 0x38C, 0x38E, 0x3A1,
    0x3A3, 0x3F5, 0x3F7, 0x481, 0x48A, 0x52F, 0x531, 0x556, 0x10A0, 0x10C5, 0x13A0, 0x13F5, 0x1E00, 0x1F15, 0x2102,
    0x2102, 0x2C00, 0x2C7B, 0xAB70, 0xABBF, 0xFF21, 0xFF3A, 0xFF41, 0xFF5A, 0x10400, 0x1044F]
LLM = "".join("%c-%c" % (chr(a), chr(b)) for a, b in zip(LETTERS[::2], LETTERS[1::2]))
PATTERNS = {
    "gpt-2": [r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"],
    "llama-bpe": [CL100K % "{1,3}"],
    "qwen2": [CL100K % ""],
    "gpt-4o": [r"[^\r\n\p{L}\p{N}]?" + UPPER + "*" + LOWER + "+" + WORD + r"|[^\r\n\p{L}\p{N}]?" + UPPER + "+" + LOWER +
               "*" + WORD + r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"],
    "deepseek-v3": [r"\p{N}{1,3}", "[\u4e00-\u9fa5\u3040-\u309f\u30a0-\u30ff]+",
                    r"""[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+"""
                    r"""| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"""],
    "deepseek-coder": [r"[\r\n]", r"\s?\p{L}+", r"\s?\p{P}+", ZONE, r"\p{N}"],
    "deepseek-llm": [r"[\r\n]", r"\s?[" + LLM + "]+",
                     "\\s?[!-/:-~\uff01-\uff0f\uff1a-\uff5e\u2018-\u201f\u3000-\u3002]+", r"\s+$", ZONE, r"\p{N}"],
    "default": [r"[\p{P}\$\+<=>\^~\|]+", r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)",
                r"\p{N}+", "[0-9][0-9][0-9]"],
    "tekken": [r"[^\r\n\p{L}\p{N}]?" + UPPER + "*" + LOWER + r"+|[^\r\n\p{L}\p{N}]?" + UPPER + "+" + LOWER +
               r"*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"],
}
PATTERNS["smollm"] = [r"\p{N}"] + PATTERNS["gpt-2"]
ALPHABET = (" " * 8 + "\n\n\r\t\u00a0\u2003\u3000\u3000" + "aabzABZ" + "'" * 3 + "sStTrReEvVmMlLdD" + "0159" +
            "!.,/-_($+~" +
            "\u00df\u00d6\u00e9\u0416\u0436\u01c5\u02b0\u05d0\u0e01\u1eed\u10d0\uff21\uff42" +  # letters of all kinds
            "\u4e00\u6211\u3042\u30a2\u30fb\uac00" + "\u0301\u0301\u093e\u20dd" +  # zones, marks
            "\u00bd\u0661\u0967\u2167" + "\u2019\u3001\uff01\u00bf" + "\u20ac\u2192\u00a9\U0001f680" +  # numbers, signs
            "\u200d\u200d\u0001\ue000")  # none of these


def split(patterns, text):
    pieces = [text]
    for pattern in patterns:
        parts = []
        for piece in pieces:
            at = 0
            for match in regex.finditer(pattern, piece):
                parts += [piece[at:match.start()], match.group()]
                at = match.end()
            parts.append(piece[at:])
        pieces = [part for part in parts if part]
    return pieces


random.seed(3)
lines = []
for name, patterns in PATTERNS.items():
    for _ in range(int(sys.argv[1]) if len(sys.argv) > 1 else 24):
        some = random.sample(ALPHABET, random.randint(2, 12))
        text = "".join(random.choice(some) for _ in range(random.randint(1, 24)))
        lines.append(json.dumps({"pre": name, "pieces": split(patterns, text)}))
print("[\n" + ",\n".join(lines) + "\n]")
