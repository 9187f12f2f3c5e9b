#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes tests/data/text/nfc.json to stdout: random texts and their NFC by Python's unicodedata (Unicode 14.0.0).

An argument is the number of texts (200).
"""
import json
import random
import sys
import unicodedata

assert unicodedata.unidata_version == "14.0.0", unicodedata.unidata_version
codes = [code for code in range(0x110000) if not 0xD800 <= code < 0xE000]
marks = [chr(code) for code in codes if unicodedata.combining(chr(code))]
mapped = [chr(code) for code in codes if unicodedata.decomposition(chr(code))[:1] not in ("", "<")]
parts = sorted({part for c in mapped for part in unicodedata.normalize("NFD", c)})
plain = list("aeo A\u00e9\u4e00\U0001f680") + [chr(code) for code in (0x1100, 0x1161, 0x11A8, 0xAC00, 0xAC01)]
few = ["\u0301", "\u0302", "\u0323", "\u0345", "\u3099", "\u09be", "\u0344", "\u0958", "\u2126", "a", "u", "\u30ab"]

random.seed(5)
cases = []
for _ in range(int(sys.argv[1]) if len(sys.argv) > 1 else 200):
    source = random.choices([marks, mapped, parts, plain, few], [1, 2, 3, 3, 5], k=random.randint(1, 10))
    text = "".join(random.choice(some) for some in source)
    cases.append(json.dumps([text, unicodedata.normalize("NFC", text)]))
print("[\n" + ",\n".join(cases) + "\n]")
