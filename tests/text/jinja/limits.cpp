// SPDX-License-Identifier: MIT
// Templates that try to take all time, stack or memory: each ends in a typed error, soon.
#include <chrono>
#include <string>

#include <doctest/doctest.h>

#include <wafer/text/jinja/program.hpp>

using namespace wafer;

namespace {

std::string repeat(std::string_view unit, std::size_t n) {
    std::string out;
    for (; n > 0; --n) out += unit;
    return out;
}

errc outcome(std::string_view source, const jinja::limits& bounds = {}) {
    const auto start = std::chrono::steady_clock::now();
    errc code = errc::cancelled;  // stands for "rendered"
    try {
        (void)jinja::program(source).render({}, {}, bounds);
    } catch (const error& e) {
        code = e.code();
    }
    CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(60));  // sanitizers included
    return code;
}

}  // namespace

TEST_CASE("jinja limits: endless work is stopped") {
    const jinja::limits small{.steps = 100'000};
    for (const char* source :
         {"{% for a in range(1000) %}{% for b in range(1000) %}{% endfor %}{% endfor %}",
          "{{ range(9223372036854775807) }}", "{{ range(-9223372036854775807, 9223372036854775807) }}",
          "{% macro f(n) %}{{ f(n + 1) }}{% endmacro %}{{ f(0) }}",
          "{% macro f(n) %}{% if n %}{{ f(n - 1) }}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(30) }}",
          "{% set ns = namespace(l=[1]) %}{% for i in range(200) %}{% set ns.l = [ns.l, ns.l] %}{% endfor %}{{ ns.l }}",
          "{% set ns = namespace(l=[1]) %}{% for i in range(200) %}{% set ns.l = [ns.l, ns.l] %}{% endfor %}{{ ns.l == "
          "ns.l }}",
          "{% set ns = namespace(l=[1]) %}{% for i in range(200) %}{% set ns.l = [ns.l, ns.l] %}{% endfor %}{{ "
          "ns.l|tojson }}"})
        CHECK_MESSAGE(outcome(source, small) == errc::template_failed, source);
}

TEST_CASE("jinja limits: endless output and memory are stopped") {
    for (const char* source :
         {"{{ 'a' * 9223372036854775807 }}", "{{ ['a', 'b'] * 9223372036854775807 }}",
          "{% set ns = namespace(s='aaaaaaaa') %}{% for i in range(100) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}",
          "{% set ns = namespace(l=[1, 2]) %}{% for i in range(100) %}{% set ns.l = ns.l + ns.l %}{% endfor %}",
          "{% set ns = namespace(s='a' * 1000000) %}{% for i in range(100000) %}{{ ns.s }}{% endfor %}",
          "{% set s = 'a' * 1000000 %}{{ ([s] * 100000)|join }}", "{% set s = 'a' * 1000000 %}{{ s.replace('', s) }}",
          "{% set s = 'a' * 1000000 %}{{ s.split('a')|join(s) }}",
          "{{ range(1000)|list|tojson(separators=['a' * 1000000, ':']) }}",
          "{{ range(100000)|list|tojson(indent=32) }}", "{{ [range(100000)|list]|tojson(indent=32) }}",
          "{% set s = '\\n' * 100000 %}{{ s|indent(1000, true, true) }}"})
        CHECK_MESSAGE(outcome(source, {.bytes = 16u << 20}) == errc::template_failed, source);
}

TEST_CASE("jinja limits: searches that would take quadratic time are stopped") {
    CHECK(outcome("{% set s = 'a' * 4000000 %}{{ ('a' * 2000000 ~ 'b') in s }}", {.steps = 1'000'000}) ==
          errc::template_failed);
    CHECK(outcome("{% set s = 'a' * 1000000 %}{% for i in range(100000) %}{% set x = s[i] %}{% endfor %}",
                  {.steps = 1'000'000}) == errc::template_failed);
}

TEST_CASE("jinja limits: depth is bounded in the text, in recursion and in values") {
    const std::size_t n = 100'000;
    CHECK(outcome("{{ " + repeat("(", n) + "1" + repeat(")", n) + " }}") == errc::bad_template);
    CHECK(outcome("{{ " + repeat("[", n) + repeat("]", n) + " }}") == errc::bad_template);
    CHECK(outcome("{{ " + repeat("not ", n) + "1 }}") == errc::bad_template);
    CHECK(outcome("{{ " + repeat("-", n) + "1 }}") == errc::bad_template);
    CHECK(outcome("{{ 1" + repeat(" + 1", n) + " }}") == errc::bad_template);
    CHECK(outcome("{{ 1" + repeat("|abs", n) + " }}") == errc::bad_template);
    CHECK(outcome("{{ a" + repeat(".b", n) + " }}") == errc::bad_template);
    CHECK(outcome("{{ 1" + repeat(" if 1 else 1", n) + " }}") == errc::bad_template);
    CHECK(outcome("{{ f(" + repeat("a=f(", n)) == errc::bad_template);
    CHECK(outcome("{{ 1" + repeat(" is defined", n) + " }}") == errc::bad_template);
    CHECK(outcome(repeat("{% if 1 %}", n)) == errc::bad_template);
    CHECK(outcome(repeat("{% for a in b %}", n)) == errc::bad_template);
    CHECK(outcome("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}") == errc::template_failed);
    CHECK(outcome("{% set ns = namespace(l=[]) %}{% for i in range(100000) %}{% set ns.l = [ns.l] %}{% endfor %}") ==
          errc::template_failed);
    CHECK(outcome("{% set ns = namespace(l=[]) %}{% for i in range(100000) %}{% for x in [ns.l] %}{% set ns.l = loop "
                  "%}{% endfor %}{% endfor %}") == errc::template_failed);
}

TEST_CASE("jinja limits: a namespace that holds itself is harmless") {
    CHECK(outcome("{% set ns = namespace() %}{% set ns.a = [ns] %}{{ ns }}{{ ns.a }}{{ ns == ns.a[0] }}") ==
          errc::cancelled);
    CHECK(outcome("{% set ns = namespace() %}{% set ns.a = [ns] %}{{ ns.a|tojson }}") == errc::template_failed);
}

TEST_CASE("jinja limits: many branches and many statements are no depth") {
    CHECK(outcome("{% if 0 %}" + repeat("{% elif 0 %}", 10'000) + "{% endif %}") == errc::cancelled);
    CHECK(outcome(repeat("{{ 1 }}", 10'000)) == errc::cancelled);
}
