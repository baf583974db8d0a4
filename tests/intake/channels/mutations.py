"""Documents as they should not be: samples with values, names and bytes changed, for fuzzing channels.

::

    @given(mutated_json(SAMPLES))
    def test_whatever_comes_nothing_else_is_raised(body): ...

``EXAMPLES`` is how many a test tries: a few hundred, or with ``ORDERTRAIL_SOAK=1`` many thousands.
"""

import json
import os
from collections.abc import Sequence
from copy import deepcopy
from typing import Any

from hypothesis import strategies as st
from lxml import etree

EXAMPLES = 20_000 if os.environ.get("ORDERTRAIL_SOAK") == "1" else 150

_ODD: tuple[Any, ...] = (
    *(
        None,
        True,
        False,
        0,
        -1,
        1,
        7,
        10**15,
        2**53,
        10**40,
        -(10**300),
        "",
        " ",
        "0",
        "-0",
        "-1",
        "1.5",
        "19.999",
    ),
    *(
        "0.0001",
        "NaN",
        "Infinity",
        "1e999",
        "1E+80",
        "12,50",
        "EUR",
        "JPY",
        "KWD",
        "eur",
        "XXX",
        "€",
        "null",
        "true",
    ),
    *(
        "2026-11-22T14:02:10Z",
        "2026-02-30",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-12:00",
        "cancelled",
    ),
    *(
        "\x00",
        "\ud800",
        "a" * 600,
        "\u202e",
        "\n",
        "/",
        "~",
        "%3A:",
        [],
        {},
        [[]],
        [None],
        {"": ""},
        [{}],
        [{"id": 1}],
    ),
    *({"amount": 1, "currency": "EUR"}, {"json": "1"}, [1, 2], "🛒", "Ⅷ", "٣", "\uff11\uff12"),
)
"""Values of other kinds, at the edges of theirs, or such as parsers stumble over."""

_TEXTS = st.sampled_from(
    [one for one in _ODD if isinstance(one, str) and all(" " <= letter < "\ud800" for letter in one)]
)
"""Of these, what XML can hold."""

_NAMES = ("", "id", "/", "~1", "\x00", "\ud800", "__proto__", "a" * 300, "currency", "amount", "json")


def mutated_json(samples: Sequence[bytes]) -> st.SearchStrategy[bytes]:
    """Return a strategy of JSON documents and of bytes that nearly are, made of samples by a few changes each."""
    trees = [tree for tree in map(_tree, samples) if isinstance(tree, dict | list)]
    return st.one_of(_mutated_trees(trees), _mutated_trees(trees), mutated_bytes(samples))


def mutated_bytes(samples: Sequence[bytes]) -> st.SearchStrategy[bytes]:
    """Return a strategy of samples cut off, with pieces left out, repeated, replaced, or taken from another."""

    @st.composite
    def make(draw: st.DrawFn) -> bytes:
        body = draw(st.sampled_from(samples))
        for _ in range(draw(st.integers(1, 3))):
            start = draw(st.integers(0, len(body)))
            end = min(len(body), start + draw(st.integers(0, 40)))
            piece = draw(
                st.one_of(
                    st.just(b""),
                    st.binary(max_size=8),
                    st.sampled_from(samples).map(lambda other: other[:200]),
                    st.just(body[start:end] * 3),
                )
            )
            body = body[:start] + piece + (b"" if draw(st.integers(0, 4)) == 0 else body[end:])
        return body

    return make()


def mutated_xml(samples: Sequence[bytes]) -> st.SearchStrategy[bytes]:
    """Return a strategy of XML documents and of bytes that nearly are, made of samples by a few changes each."""
    roots = [etree.fromstring(body) for body in samples]

    @st.composite
    def make(draw: st.DrawFn) -> bytes:
        root = deepcopy(draw(st.sampled_from(roots)))
        for _ in range(draw(st.integers(1, 4))):
            _mutate_element(draw, root)
        return bytes(etree.tostring(root))

    return st.one_of(make(), make(), mutated_bytes(samples))


def _mutate_element(draw: st.DrawFn, root: Any) -> None:
    """Change one element: its text, an attribute, its name, or how often it is there."""
    below = [one for one in root.iter() if isinstance(one.tag, str) and one is not root]
    if not below:
        return
    one = draw(st.sampled_from(below))
    match draw(st.integers(0, 6)):
        case 0:
            one.getparent().remove(one)
        case 1:
            one.addnext(deepcopy(one))
        case 2:
            one.append(deepcopy(draw(st.sampled_from(below))))
        case 3:
            one.tag = draw(st.sampled_from([below[0].tag, "a", "{urn:b}a", one.tag + "x"]))
        case 4:
            one.attrib.clear()
        case 5:
            one.set(draw(st.sampled_from([*one.attrib, "currencyID", "a"])), draw(_TEXTS))
        case _:
            one.text = draw(_TEXTS)


def _mutated_trees(trees: Sequence[Any]) -> st.SearchStrategy[bytes]:
    @st.composite
    def make(draw: st.DrawFn) -> bytes:
        tree = json.loads(json.dumps(draw(st.sampled_from(trees))))
        for _ in range(draw(st.integers(1, 4))):
            _mutate(draw, tree)
        return json.dumps(tree, ensure_ascii=draw(st.booleans())).encode("utf-8", "surrogatepass")

    return make()


def _mutate(draw: st.DrawFn, tree: Any) -> None:
    """Change one place of a tree."""
    places = list(_places(tree))
    if not places:
        return
    holder, key = draw(st.sampled_from(places))
    match draw(st.integers(0, 5)):
        case 0:
            del holder[key]
        case 1 if isinstance(holder, dict):
            holder[draw(st.sampled_from(_NAMES))] = holder.pop(key)
        case 2 if isinstance(holder, list):
            holder.append(holder[key])
        case 3:
            holder[key] = [holder[key]]
        case 4:
            other, name = draw(st.sampled_from(places))
            holder[key] = json.loads(json.dumps(other[name]))
        case _:
            holder[key] = json.loads(json.dumps(draw(st.sampled_from(_ODD))))


def _places(tree: Any) -> Any:
    """Yield what holds each value of a tree, and by which name or number."""
    pairs = tree.items() if isinstance(tree, dict) else enumerate(tree)
    for key, value in list(pairs):
        yield tree, key
        if isinstance(value, dict | list):
            yield from _places(value)


def _tree(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None
