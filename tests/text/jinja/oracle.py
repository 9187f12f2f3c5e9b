# SPDX-License-Identifier: MIT
"""Renders tests/data/text/jinja/cases.json and tests/data/text/templates/tool_cases.json anew with Python's jinja2, set up
as transformers sets it up for chat templates. To add a case, write it into the file with any output and run this.
Needs python3-jinja2 (3.1). Not part of the tests, which only read what it wrote."""
import copy
import datetime
import json
import pathlib

import jinja2
import jinja2.ext
import jinja2.sandbox

DATA = pathlib.Path(__file__).resolve().parents[2] / "data" / "text"


class Generation(jinja2.ext.Extension):
    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
        return jinja2.nodes.CallBlock(self.call_method("keep"), [], [], body).set_lineno(line)

    def keep(self, caller):
        return caller()


def refuse(message):
    raise jinja2.exceptions.TemplateError(message)


def tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
    return json.dumps(x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


env = jinja2.sandbox.ImmutableSandboxedEnvironment(
    trim_blocks=True, lstrip_blocks=True, extensions=[Generation, jinja2.ext.loopcontrols])
env.filters["tojson"] = tojson
env.globals["raise_exception"] = refuse
env.globals["strftime_now"] = datetime.datetime(2024, 7, 26, 12).strftime


def render(source, variables):
    try:
        return env.from_string(source).render(**copy.deepcopy(variables))
    except Exception:
        return None


def text(x):
    return json.dumps(x, ensure_ascii=False)


def write(path, head, cases):
    members = [f"{text(name)}: {text(value)}" for name, value in head.items()]
    rows = ",\n".join(text(c) for c in cases)
    path.write_text("{" + ",\n".join(members) + ',\n"cases": [\n' + rows + "\n]}\n", encoding="utf-8")


def reshaped(messages, content, arguments_as_text):
    """A message with calls as some templates want it: no content, or arguments as text."""
    messages = copy.deepcopy(messages)
    for m in messages:
        for call in m.get("tool_calls", []):
            m["content"] = content
            if arguments_as_text:
                call["function"]["arguments"] = text(call["function"]["arguments"])
    return messages


def snippets():
    path = DATA / "jinja" / "cases.json"
    file = json.loads(path.read_text(encoding="utf-8"))
    cases = [[source, render(source, file["variables"])] for source, _ in file["cases"]]
    write(path, {"variables": file["variables"]}, cases)


def tools():
    path = DATA / "templates" / "tool_cases.json"
    file = json.loads(path.read_text(encoding="utf-8"))
    shapes = {}
    for case in file["cases"]:
        source = (DATA / "templates" / (case["template"] + ".jinja")).read_text(encoding="utf-8")
        common = {"documents": None, "add_generation_prompt": True, "bos_token": "<BOS>", "eos_token": "<EOS>",
                  "date_string": "26 Jul 2024"}
        if case["template"] not in shapes:
            for shape in (("", False), ("", True), (None, False), (None, True)):
                shown = render(source, {**common, "tools": None,
                                        "messages": reshaped(file["conversations"]["result"], *shape)})
                if shown and "get_weather" in shown and "rich" in shown:
                    shapes[case["template"]] = shape
                    break
        messages = reshaped(file["conversations"][case["conversation"]], *shapes[case["template"]])
        thinking = {} if case["thinking"] is None else {"thinking": case["thinking"], "enable_thinking": case["thinking"]}
        case["expected"] = render(source, {**common, **thinking, "messages": messages,
                                           "tools": file["tools"] if case["tools"] else None})
    write(path, {"tools": file["tools"], "conversations": file["conversations"]}, file["cases"])


snippets()
tools()
