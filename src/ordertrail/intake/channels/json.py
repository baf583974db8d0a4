"""Any source that sends JSON, by a mapping alone: no code.

The source's option ``mapping`` is the mapping's text, or the name of a shipped one
(:mod:`ordertrail.intake.mapping` has its grammar). Beside ``[order]`` it may have::

    [document]
    orders = "/data/orders"           # a list of orders within the document; it may also be an object, for one order
    order = "/data/object"            # the order within each element, or within the document
    kind = "/event"                   # what tells kinds of documents apart
    only = ["order.created"]          # kinds that tell of an order; any other is foreign
    delivery = "/event_id"            # the source's own id of a delivery

============================================  ==================================================================
what comes                                    what it tells
============================================  ==================================================================
an object                                     an order
a list                                        an order for each element, at ``/0``, ``/1``, …
lines of JSON (NDJSON, JSON Lines)            an order for each line, at ``/0``, ``/1``, …; of any size
============================================  ==================================================================

A line that is no JSON is one faulty message among the others. A list or an object is at most 64 MiB; a line is, too.
RFC 8259, RFC 6901; https://jsonlines.org.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from ordertrail.intake.delivery import Delivery
from ordertrail.intake.document import Document, Node
from ordertrail.intake.faults import Code, Fault, FaultyError
from ordertrail.intake.json_text import LARGEST, json_tree
from ordertrail.intake.mapped import Frame, mapped_order
from ordertrail.intake.mapping import OrderMapping, Place, parse_mapping, place_of
from ordertrail.intake.message import Faulty, Foreign, Message
from ordertrail.kernel.errors import ConfigurationError, InputError, Problem

LINES_TYPES = frozenset(
    {"application/x-ndjson", "application/ndjson", "application/jsonl", "application/jsonlines"}
)
"""Media types of lines of JSON."""

_SOMETHING = re.compile(rb"\S")
_NAMES = ("delivery", "kind", "only", "order", "orders")


class Mapped:
    """Reads JSON by the mapping of its source."""

    name = "json"

    def delivery_id(self, delivery: Delivery) -> str | None:
        """Return what the mapping says is the delivery's id; of lines of JSON there is none."""
        try:
            shape = _shape(_text(delivery))
            if shape.delivery is None:
                return None
            tree = json_tree(delivery.body)
        except (FaultyError, ConfigurationError):
            return None
        return _at(Document(tree).root, shape.delivery) if isinstance(tree, dict) else None

    def read(self, delivery: Delivery) -> Iterator[Message]:
        """Yield an order for each object of a document, a list, or lines of JSON."""
        shape = _shape(_text(delivery))
        trees = _lines(delivery.body) if _are_lines(delivery) else _trees(delivery.body)
        for pointer, tree in trees:
            if isinstance(tree, Fault):
                yield Message(pointer, Faulty((Fault(tree.code, pointer + tree.path, tree.message),)))
                continue
            for part in _orders(Document(tree, delivery.source.zone, [], pointer), shape):
                yield _message(part, shape, delivery)


@dataclass(frozen=True, slots=True)
class Shape:
    """Where orders stand in a document, and the mapping of each."""

    mapping: OrderMapping
    orders: Place | None = None
    order: Place | None = None
    kind: Place | None = None
    only: frozenset[str] = frozenset()
    delivery: Place | None = None


def _text(delivery: Delivery) -> str:
    text = delivery.source.options.get("mapping")
    if text is None:
        raise ConfigurationError(
            f"the source {delivery.source} has no mapping",
            remedy="Give it the option mapping; docs/reference/channels.md has the grammar.",
        )
    return text


@lru_cache(maxsize=64)
def _shape(text: str) -> Shape:
    """Return how the documents of a mapping are read. Raises ConfigurationError for a mapping that is wrong."""
    try:
        mapping = parse_mapping(text)
        return _shaped(mapping)
    except InputError as error:
        raise ConfigurationError(
            f"the mapping is wrong: {error.message}", meaning=error.meaning, remedy=error.remedy
        ) from None


def _shaped(mapping: OrderMapping) -> Shape:
    problems = [
        Problem(name, "is no table here") for name in mapping.extra if name not in {"document", "version"}
    ]
    table = mapping.extra.get("document", {})
    if not isinstance(table, dict):
        raise InputError(Problem("document", "must be a table"))
    found: dict[str, Any] = {}
    for name, value in table.items():
        path = f"document.{name}"
        if name not in _NAMES:
            problems.append(Problem(path, f"is no field here; fields are {', '.join(_NAMES)}"))
        elif name == "only":
            if isinstance(value, list) and all(isinstance(one, str) for one in value):
                found[name] = frozenset(value)
            else:
                problems.append(Problem(path, "must be a list of words"))
        else:
            try:
                found[name] = place_of(value if isinstance(value, str) else "")
            except ValueError as error:
                problems.append(Problem(path, str(error)))
    if ("only" in table) != ("kind" in table):
        problems.append(Problem("document", "kind and only stand together"))
    if problems:
        raise InputError(problems)
    return Shape(mapping, **found)


def _are_lines(delivery: Delivery) -> bool:
    """Say whether a body is lines of JSON: it is called so, or its first line is an object and it has another."""
    called = delivery.headers.get("content-type", "").partition(";")[0].strip().lower()
    if called in LINES_TYPES or delivery.name.lower().endswith((".ndjson", ".jsonl")):
        return True
    body = delivery.body
    end = body.find(b"\n")
    if not 0 <= end <= LARGEST or _SOMETHING.search(body, end) is None:
        return False
    first = body[:end]
    if not first.lstrip(b"\xef\xbb\xbf \t\r").startswith(b"{"):
        return False
    try:
        return isinstance(json_tree(first), dict)
    except FaultyError:
        return False


def _trees(body: bytes) -> Iterator[tuple[str, Any]]:
    """Yield a document, or each element of a list, with its pointer."""
    tree = json_tree(body)
    if not isinstance(tree, list):
        yield "", tree
        return
    for number, one in enumerate(tree):
        yield f"/{number}", one


def _lines(body: bytes) -> Iterator[tuple[str, Any]]:
    """Yield the lines of a body of any size, a memory map too, one after the other."""
    start, number, size = 0, 0, len(body)
    while start < size:
        end = body.find(b"\n", start)
        end = size if end < 0 else end
        if end - start > LARGEST:
            fault = Fault(
                Code.TOO_LARGE, "", f"a line of {end - start} bytes is more than the {LARGEST} that are read"
            )
            yield f"/{number}", fault
            number += 1
        elif line := body[start:end].strip():
            yield f"/{number}", _tree_or_fault(line)
            number += 1
        start = end + 1


def _tree_or_fault(line: bytes) -> Any:
    try:
        return json_tree(line)
    except FaultyError as error:
        return error.faults[0]


def _orders(document: Document, shape: Shape) -> Iterator[Document]:
    """Yield the orders of a document, each as a part with faults of its own."""
    if shape.orders is None:
        yield document
        return
    holder = shape.orders.within(document.root)
    listed = holder.tree.get(shape.orders.name)
    pointer = holder.at(shape.orders.name)
    if isinstance(listed, list):
        for number, one in enumerate(listed):
            yield document.part(one, f"{pointer}/{number}")
    else:
        yield document.part(listed, pointer)


def _message(document: Document, shape: Shape, delivery: Delivery) -> Message:
    root = document.root
    if not isinstance(document.tree, dict) or not document.tree:
        fault = Fault(Code.MALFORMED, document.pointer, "an object was expected here: an order")
        return Message(document.pointer, Faulty((fault,)), root)
    if shape.kind is not None:
        kind = _at(root, shape.kind) or ""
        if kind not in shape.only:
            known = ", ".join(sorted(shape.only))
            return Message(document.pointer, Foreign(kind[:200] or "nothing", f"not one of {known}"), root)
    return mapped_order(document, shape.mapping, delivery.source, Frame(within=shape.order, seen=shape.kind))


def _at(root: Node, place: Place) -> str | None:
    """Return a word or an id of a document; whatever else stands there is none, and no fault."""
    scratch = Document(root.tree).root
    return place.within(scratch).id(place.name)
