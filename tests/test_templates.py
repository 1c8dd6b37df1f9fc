"""Templates: what they may say, and that no template takes the lab's time or memory."""

from __future__ import annotations

import resource
import time
from typing import Any

import pytest

from mixpeek_lab.errors import InvalidInputError
from mixpeek_lab.filters import check_template, render, shared_seconds

INPUTS = {"n": 7, "q": "<b>", "vector": [0.5, 1.0]}
DOCUMENT = {
    "title": "River", "n": 3, "tags": ["a", "b"], "none": None, "data": "x" * 500_000,
    "meta": {"items": 5, "inner": {"z": 1}},
}  # fmt: skip
CONTEXT = {"stage_name": "s", "documents": 2}


def rendered(template: Any) -> Any:
    return render(template, INPUTS, "place", DOCUMENT, CONTEXT)


@pytest.mark.parametrize(
    ("template", "wanted"),
    [
        ("{{INPUT.n}}", 7), ("{{ inputs.n }}", 7), ("a {{INPUT.n}}", "a 7"),
        ("{{INPUT.vector}}", [0.5, 1.0]), ("{{INPUT}}", INPUTS), ("{{INPUT.q}}!", "<b>!"),
        ("{{DOC.title|upper}}", "RIVER"), ("{{doc.title.lower()}}", "river"),
        ("{{DOC.meta.items}}", 5), ("{{DOC.tags.0}}{{DOC.tags[1]}}", "ab"),
        ("{{DOC.tags|join(', ')}}", "a, b"), ("{{DOC.x|default('-')}}", "-"),
        ("{{DOC.none}}", None), ("{{DOC.none is none}}", True), ("{{DOC.n * 2 + 1}}", 7),
        ("{{DOC.title ~ '-' ~ DOC.n}}", "River-3"), ("{{DOC.title[:3]}}", "Riv"),
        ("{% for t in DOC.tags %}{{loop.index}}:{{t}} {% endfor %}", "1:a 2:b "),
        ("{% for k, v in DOC.meta.inner.items() %}{{k}}={{v}}{% endfor %}", "z=1"),
        ("{% if DOC.n > 2 %}big{% else %}small{% endif %}", "big"),
        ("{% set x = DOC.n %}{{x}}!", "3!"), ("{{'a' if DOC.n else 'b'}}", "a"),
        ('{"t": {{DOC.title|tojson}}, "n": {{DOC.n}}}', '{"t": "River", "n": 3}'),
        ("{{INPUT.q|tojson}}", '"<b>"'), ("{{ {'a': DOC.n} | tojson }}", '{"a": 3}'),
        ("{{DOC.tags|map('upper')|list}}", ["A", "B"]), ("{{[1, 2, 3]|sum}}", 6),
        ("{{CONTEXT.stage_name}} {{context.documents}}", "s 2"), ("{{range(3)|list}}", [0, 1, 2]),
        ({"a": ["{{INPUT.n}}", 1]}, {"a": [7, 1]}), ("{{DOC.data|length}}", 500_000),
    ],
)  # fmt: skip
def test_what_a_template_says(template: Any, wanted: Any) -> None:
    found = rendered(template)
    assert found == wanted
    assert type(found) is type(wanted)


def doubled(first: str, then: str) -> str:
    """A template that sets x to `first`, and to `then` sixty times."""
    return f"{{% set x = {first} %}}" + f"{{% set x = {then} %}}" * 60 + "{{x|tojson|length}}"


STOPPED = [
    # out of the sandbox
    "{{''.__class__.__mro__}}", "{{DOC.__class__}}", "{{DOC['__class__']}}", "{{range.__init__}}",
    "{{DOC.title.upper.__self__}}", "{{DOC.tags|map(attribute='__class__')|list}}",
    "{{DOC|attr('__class__')}}", "{{DOC.tags|map('attr', '__class__')|list}}", "{{self}}",
    "{{DOC.tags.append(1)}}", "{{cycler}}", "{% import 'os' as os %}", "{% include 'x' %}",
    "{% for i in range(3) %}{{loop._iterable}}{% endfor %}", "{{DOC.title.upper}}",
    "{{INPUT.values}}", "{{SECRET.key}}",
    # large
    "{{'a' * 10**9}}", "{{[1] * 10**9}}", "{{10**9 * [1]}}", "{{range(10**9)|list}}",
    "{{'%1000000000d' % 1}}", "{{'{:>1000000000}'.format(1)}}", "{{'a'|center(10**9)}}",
    "{{'a'.center(10**9)}}", "{{DOC.data|indent(10**9)}}", "{{DOC|tojson(indent=10**9)}}",
    "{{DOC.data|replace('x', DOC.data)}}", "{{DOC.data.replace('', DOC.data)}}",
    "{{([DOC.data] * 10)|join(DOC.data)}}", "{{DOC.data ~ DOC.data ~ DOC.data ~ DOC.data ~ 'x'}}",
    "{{10**(10**10)}}", "{{('9'*4000)|int ** 2}}", "{{5|round(-1000000000)}}",
    "{{'abc'|map('center', 10**6)|list}}", "{{lipsum(n=10**6)}}",
    "{% for i in range(1000) %}{{DOC.data}}{% endfor %}",
    # growing by doubling
    doubled("'aaaaaaaa'", "x ~ x"), doubled("'aaaaaaaa'", "x + x"), doubled("[1]", "[x, x]"),
    doubled("[1]", "x + x"), doubled("{'a': 1}", "{'a': x, 'b': x}"),
    doubled("[1]", "[x, x]|list"),
    "{% set x = 'aaaaaaaa' %}" + "{% set x %}{{x}}{{x}}{% endset %}" * 60,
    "{% set n = namespace(x='a') %}{% for i in range(99) %}{% set n.x = n.x ~ n.x %}{% endfor %}",
    # long
    "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
    "{% for a in range(99999) %}{% if 'ab' in DOC.data %}{% endif %}{% endfor %}",
    "{% for a in range(99999) %}{% set q = DOC.data|upper %}{% endfor %}",
    "{% macro m() %}{{m()}}{{m()}}{% endmacro %}{{m()}}",
    "{% for a in [1] recursive %}{{loop([1])}}{% endfor %}",
    # deep
    "{{" + "(" * 3000 + "1" + ")" * 3000 + "}}", "{{" + "1+" * 20_000 + "1}}",
    "{{" + "not " * 5000 + "1}}", "{% if 1 %}" * 2000 + "{% endif %}" * 2000,
    "x" * 200_000 + "{{1}}",
]  # fmt: skip


@pytest.mark.parametrize("template", STOPPED, ids=lambda template: template[:50])
def test_a_template_that_is_stopped(template: str) -> None:
    begun, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(InvalidInputError, match=r"^place: the template ") as caught:
        rendered(template)
    assert len(str(caught.value)) < 1000
    assert time.perf_counter() - begun < 6
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000  # KiB


def test_errors_say_what_and_where() -> None:
    with pytest.raises(InvalidInputError, match=r"asks for 'm', which is missing. Inputs given: n"):
        rendered("{{INPUT.m}}")
    with pytest.raises(InvalidInputError, match=r"fields: data, meta, n, none, tags, title\."):
        rendered("{{DOC.titel}}")
    with pytest.raises(InvalidInputError, match="was stopped: it repeats something too often"):
        rendered("{{'a' * 10**9}}")
    with pytest.raises(InvalidInputError, match="failed: division by zero"):
        rendered("{{1 / 0}}")
    with pytest.raises(InvalidInputError, match="asks for DOC, which is not available here"):
        render("{{DOC.x}}", {})
    with pytest.raises(InvalidInputError, match="there is no filter 'uper'"):
        check_template("{{DOC.x|uper}}", "place")


def test_documents_together_may_take_so_long() -> None:
    begun = time.perf_counter()
    slow = "{% for a in range(99999) %}{% if 'ab' in DOC.data %}{% endif %}{% endfor %}"
    with shared_seconds(0.2):
        for _ in range(50):
            with pytest.raises(InvalidInputError, match="it takes too long"):
                rendered(slow)
        with pytest.raises(InvalidInputError, match="it takes too long"):
            rendered("{{DOC.title|upper}}")
    assert time.perf_counter() - begun < 2
    assert rendered("{{DOC.title|upper}}") == "RIVER"
