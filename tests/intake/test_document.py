"""What holds for every document: nothing is raised, nothing is lost, and all that is wrong is told."""

import contextlib
import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ordertrail.intake.document import Document, Node
from ordertrail.intake.faults import Code, FaultyError
from ordertrail.intake.json_text import DEEPEST, LARGEST, depth_over, json_tree
from ordertrail.kernel.money import Money
from ordertrail.orders.extensions import source_value
from ordertrail.orders.lines import Price
from ordertrail.testing.conformance.channel import leaves

_NAMES = st.one_of(st.text(max_size=6), st.sampled_from(["id", "total", "a/b", "~", "", "lines"]))
_LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**20), 10**20),
    st.decimals(allow_nan=False, allow_infinity=False),
    st.text(max_size=12),
    st.sampled_from(
        ["12.00", "EUR", "2026-11-22", "1e999999", " ", "yes", "Wed, 13 Mar 2019 16:35:37 +0000"]
    ),
)
_TREES = st.recursive(
    _LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_NAMES, inner, max_size=4),
    max_leaves=12,
)
_OBJECTS = st.dictionaries(_NAMES, _TREES, max_size=5)

_READERS: dict[str, Callable[[Node, str], Any]] = {
    "raw": lambda node, name: node.raw(name),
    "text": lambda node, name: node.text(name, required=True),
    "id": lambda node, name: node.id(name),
    "flag": lambda node, name: node.flag(name),
    "integer": lambda node, name: node.integer(name),
    "decimal": lambda node, name: node.decimal(name),
    "quantity": lambda node, name: node.quantity(name),
    "money": lambda node, name: node.money(name, "EUR"),
    "rounded": lambda node, name: node.rounded(name, "JPY"),
    "minor": lambda node, name: node.minor(name, "EUR"),
    "price": lambda node, name: node.price(name, "KWD"),
    "percent": lambda node, name: node.percent(name),
    "currency": lambda node, name: node.currency(name, required=False),
    "time": lambda node, name: node.time(name),
    "word": lambda node, name: node.word(name, {"yes": 1}),
    "texts": lambda node, name: node.texts(name),
    "same": lambda node, name: node.same(name, "EUR", Money(1200, "EUR")),
    "child": lambda node, name: node.child(name),
    "children": lambda node, name: node.children(name),
}


def _root(tree: Any) -> Node:
    return Document(tree).root


@given(_OBJECTS, st.lists(st.tuples(st.sampled_from(sorted(_READERS)), st.integers(0, 5)), max_size=8))
def test_what_is_read_and_what_is_left_are_everything(
    tree: dict[str, Any], asked: list[tuple[str, int]]
) -> None:
    """However a node is read, nothing is raised, and each value of it is mapped, kept as an extension, or a fault.

    A fault of a field whose name is the empty text is one of the node as a whole.
    """
    document = Document(tree)
    root = document.root
    nodes = [root]
    for reader, place in asked:
        node = nodes[place % len(nodes)]
        names = node.names()
        if names:
            found = _READERS[reader](node, names[place % len(names)])
            nodes += found if isinstance(found, list) and reader == "children" else []
            nodes += [found] if reader == "child" else []
    covered = {
        *root.mapped(),
        *(one.pointer for one in root.rest("shop")),
        *(one.path for one in document.faults),
    }
    for pointer in leaves(tree) if "" not in covered else ():
        steps = pointer.split("/")
        assert {"/".join(steps[:count]) for count in range(2, len(steps) + 1)} & covered, pointer


@given(_OBJECTS)
def test_extensions_give_the_source_s_values_back(tree: dict[str, Any]) -> None:
    """What was not read is kept digit by digit."""
    assume_unicode = json.dumps(tree, default=str)
    if "\\ud" in assume_unicode or "\\u0000" in assume_unicode:
        return
    for extension in _root(tree).rest("shop"):
        name = extension.pointer[1:].replace("~1", "/").replace("~0", "~")
        assert source_value(extension.value) == tree[name]


@given(_OBJECTS, _TREES)
def test_what_is_wrong_is_told_with_its_place(tree: dict[str, Any], value: Any) -> None:
    """A fault names the field, and in a part of a document the part's place too."""
    document = Document({}).part({**tree, "total": value}, "/orders/3")
    found = document.root.money("total", "EUR")
    paths = [fault.path for fault in document.faults]
    assert paths in ([], ["/orders/3/total"])
    assert (found is None) or not paths


@given(st.binary(max_size=60))
def test_bytes_are_a_tree_or_a_fault(body: bytes) -> None:
    """Nothing but FaultyError is raised for what is no JSON."""
    with contextlib.suppress(FaultyError):
        json_tree(body)


@given(
    st.recursive(st.integers(), lambda inner: st.lists(inner, max_size=2), max_leaves=30), st.integers(1, 8)
)
def test_depth_is_what_it_is(tree: Any, deepest: int) -> None:
    """A tree is over so many levels exactly where its levels are more."""

    def levels(one: Any) -> int:
        return 1 + max(map(levels, one), default=0) if isinstance(one, list) else 0

    assert depth_over(tree, deepest) == (levels(tree) > deepest)


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        (b'{"id": 1, "id": 2}', Code.UNREADABLE, "the name 'id' stands twice in one object"),
        (b'{"total": NaN}', Code.UNREADABLE, "NaN is not a number"),
        (b"\xff\xfe{", Code.UNREADABLE, "byte 0 is not UTF-8"),
        (b'{"id": 1,}', Code.UNREADABLE, "line 1, column 10"),
        (b"1e99999999999999999999", Code.TOO_LARGE, "an exponent too large"),
        (b"[" * (DEEPEST + 1) + b"]" * (DEEPEST + 1), Code.TOO_LARGE, f"over {DEEPEST} levels"),
        (b"[" * 100_000, Code.TOO_LARGE, "nested too deep"),
        (b"9" * 5000, Code.UNREADABLE, "not JSON"),
        (b" " * (LARGEST + 1), Code.TOO_LARGE, "bytes are more than"),
    ],
    ids=range(9),
)
def test_what_is_no_document_says_why(body: bytes, code: Code, message: str) -> None:
    """Each refusal has a code for programs and a sentence for a person."""
    with pytest.raises(FaultyError) as caught:
        Document.of_json(body)
    (fault,) = caught.value.faults
    assert fault.code is code
    assert message in fault.message


def test_a_name_that_stands_twice_is_found_at_once_among_many() -> None:
    """A hundred thousand names and the first of them again: no time is lost over it."""
    names = ",".join(f'"{number}":1' for number in range(100_000))
    with pytest.raises(FaultyError):
        json_tree(f'{{{names},"0":1}}'.encode())


@pytest.mark.parametrize(
    ("value", "currency", "money"),
    [
        ("12.00", "EUR", Money(1200, "EUR")),
        (12, "JPY", Money(12, "JPY")),
        (Decimal("-0.005"), "KWD", Money(-5, "KWD")),
        ("12.001", "EUR", None),
        ("12.00000000000000000000000000000000000001", "EUR", None),
        ("1e999999", "EUR", None),
        (True, "EUR", None),
    ],
)
def test_money_is_whole_minor_units_or_a_fault(value: Any, currency: str, money: Money | None) -> None:
    """No digit is rounded away unseen."""
    document = Document({"total": value})
    assert document.root.money("total", currency) == money
    assert bool(document.faults) == (money is None)


def test_what_was_rounded_keeps_its_digits() -> None:
    """A half goes away from zero; the field stays an extension then, and only then."""
    root = _root({"tax": "1.125", "credit": "-1.125", "whole": "1.10"})
    assert [root.rounded(name, "EUR") for name in ("tax", "credit", "whole")] == [
        Money(113, "EUR"),
        Money(-113, "EUR"),
        Money(110, "EUR"),
    ]
    assert [one.pointer for one in root.rest("shop")] == ["/tax", "/credit"]


@pytest.mark.parametrize(
    ("value", "instant"),
    [
        ("2026-11-22T14:02:10Z", "2026-11-22T14:02:10.000000Z"),
        ("2026-11-22 15:02:10+01:00", "2026-11-22T14:02:10.000000Z"),
        ("2026-11-22T15:02:10", "2026-11-22T14:02:10.000000Z"),
        ("2026-11-22", "2026-11-21T23:00:00.000000Z"),
        (1795356130, "2026-11-22T14:02:10.000000Z"),
        (1795356130500, "2026-11-22T14:02:10.500000Z"),
        ("Sun, 22 Nov 2026 14:02:10 +0000", "2026-11-22T14:02:10.000000Z"),
    ],
)
def test_times_are_told_in_utc(value: Any, instant: str) -> None:
    """A time that names no zone is of the document's: here Berlin's, in winter."""
    assert Document({"at": value}, ZoneInfo("Europe/Berlin")).root.time("at") == instant


def test_a_part_is_placed_in_the_order_and_its_faults_in_the_document() -> None:
    """An order has the same extensions wherever it came from; a person finds a fault where it stands."""
    document = Document([{"id": 7, "wrap": "red", "total": "x"}])
    part = document.part(document.tree[0], "/0")
    root = part.root
    assert root.money("total", "EUR") is None
    assert [one.pointer for one in root.rest("shop")] == ["/id", "/wrap"]
    assert [fault.path for fault in part.faults] == ["/0/total"]
    assert document.faults == []


def test_a_refund_s_extensions_are_named_as_the_refund_s() -> None:
    """Else the id of a refund would be taken for the id of a parcel."""
    part = Document({}).part({"id": "4/2", "note": "x", "total": "y"}, "/refunds/0").placed("refund")
    root = part.root
    root.money("total", "EUR")
    assert [one.pointer for one in root.rest("shop")] == ["/refund/4~12/id", "/refund/4~12/note"]
    assert [fault.path for fault in part.faults] == ["/refunds/0/total"]


def test_what_says_the_same_twice_is_read_once() -> None:
    """A line that a parcel repeats is no extension, as far as it repeats it."""
    root = _root({"line": {"id": 1, "sku": "A", "grams": 5}, "copy": {"id": 1, "sku": "B", "grams": 5}})
    line, copy = root.child("line"), root.child("copy")
    line.id("id")
    copy.repeats(line)
    assert [one.pointer for one in root.rest("shop")] == ["/line/sku", "/line/grams", "/copy/sku"]


def test_a_field_can_be_given_back() -> None:
    """What was read and could not be used is kept, with all that is in it."""
    root = _root({"taxes": [{"rate": 1}, {"rate": 2}], "id": 1})
    assert [one.integer("rate") for one in root.children("taxes")] == [1, 2]
    root.unread("taxes")
    assert [(one.pointer, one.value) for one in root.rest("shop")] == [
        ("/taxes", [{"rate": 1}, {"rate": 2}]),
        ("/id", 1),
    ]


def test_an_amount_of_no_known_currency_is_kept() -> None:
    """It can stand in no order; whoever learns the currency finds it among the extensions."""
    root = _root({"money": "1.00", "rounded": "1.005", "minor": 100, "price": "0.01"})
    assert [getattr(root, name)(name, None) for name in root.names()] == [None] * 4
    assert [one.pointer for one in root.rest("shop")] == ["/money", "/rounded", "/minor", "/price"]


def test_prices_of_any_fineness_are_exact() -> None:
    """0.1234 euros for one are 1,234 cents for a hundred."""
    root = _root({"price": "0.1234", "rate": "0.0825"})
    assert root.price("price", "EUR") == Price(amount=Money(1234, "EUR"), per="100")
    assert root.percent("rate") == "8.25"


def test_no_digits_are_written_out_that_an_exponent_only_threatens() -> None:
    """A number of a billion digits is a fault where a text is asked for, and takes no memory."""
    document = Document.of_json(b'{"id": 1E+999999999}')
    assert document.root.text("id") is None
    assert [fault.code for fault in document.faults] == [Code.MALFORMED]


def test_many_empty_lists_are_refused_before_they_are_made() -> None:
    """A text of a few megabytes must not become gigabytes of objects."""
    with pytest.raises(FaultyError, match="over 2000000 objects and lists"):
        json_tree(b"[" + b"[]," * 2_000_001 + b"[]]")
