"""A provider that nobody wrote a module for: a mapping says which places of its documents are which parts of a fact.

The source's option ``mapping_file`` names a TOML file::

    list = "/events"                             # where a list of facts stands; without it the document is one
    delivery_id = "/event_id"                    # the provider's own id of a delivery, if it has one

    [fact]
    kind = { at = "/type", words = { "payment.captured" = "captured", "payment.refunded" = "refunded" } }
    thing = "/payment/id"                        # the payment or parcel; places are JSON pointers (RFC 6901)
    id = "/event_id"                             # what happened
    time = "/created_at"
    amount = { at = "/amount", minor = true }    # in minor units; without it in major units: "72.00"
    currency = { at = "/currency", value = "EUR" }
    code = "/type"                               # the provider's own word, kept as it is
    orders = ["/metadata/order_no"]              # the order, as its merchant names it
    payments = ["/payment/id"]                   # ids of the payment there
    tracking = ["/parcel/number"]
    payer = "/customer/email"                    # finds orders, and is kept in no event
    ignore = ["payout.paid"]                     # words of ``kind`` that are no facts, and no faults either

``kind``, ``thing``, ``id`` and ``time`` are required. Reading is strict: what is unknown or wrong is named with its
path, all of it. Each document is then read as strictly as those of the providers that are built in.
"""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

from ordertrail.correlate.facts import FactKind
from ordertrail.correlate.observation import Observation
from ordertrail.correlate.providers.reading import (
    Told,
    happened,
    link,
    listed,
    observed,
    to_order,
    to_payment,
)
from ordertrail.intake.delivery import Delivery
from ordertrail.intake.document import Document, Node
from ordertrail.intake.faults import Code, FaultyError
from ordertrail.intake.json_text import json_tree
from ordertrail.intake.message import Foreign
from ordertrail.kernel.errors import ConfigurationError, InputError, Problem
from ordertrail.kernel.money import EXPONENTS, Money

LONGEST: Final = 64 * 1024
"""Characters of the longest mapping."""

_PLACES: Final = ("thing", "id", "time", "code", "payer")
_LISTS: Final = ("orders", "payments", "tracking")
_REQUIRED: Final = ("kind", "thing", "id", "time")
_KNOWN: Final = frozenset({*_PLACES, *_LISTS, "kind", "amount", "currency", "ignore"})


@dataclass(frozen=True, slots=True)
class FactMapping:
    """Where the parts of a fact stand. ``places`` and ``lists`` are by the part's name; pointers are split in steps."""

    list_at: tuple[str, ...]
    delivery_id: tuple[str, ...]
    kind_at: tuple[str, ...]
    words: Mapping[str, FactKind]
    ignore: frozenset[str]
    places: Mapping[str, tuple[str, ...]]
    lists: Mapping[str, tuple[tuple[str, ...], ...]]
    amount_at: tuple[str, ...] = ()
    minor: bool = False
    currency_at: tuple[str, ...] = ()
    currency: str | None = None


@dataclass(slots=True)
class _Reader:
    """Reads a mapping and remembers what is wrong with it."""

    problems: list[Problem] = field(default_factory=list)

    def wrong(self, path: str, message: str) -> None:
        self.problems.append(Problem(path, message))

    def steps(self, value: Any, path: str) -> tuple[str, ...]:
        if not isinstance(value, str) or not value.startswith("/"):
            self.wrong(path, "must be a JSON pointer such as /payment/id")
            return ()
        return tuple(step.replace("~1", "/").replace("~0", "~") for step in value[1:].split("/"))

    def table(self, value: Any, path: str, known: set[str]) -> Mapping[str, Any]:
        table = {"at": value} if isinstance(value, str) else value
        if not isinstance(table, dict):
            self.wrong(path, "must be a JSON pointer, or a table with one in 'at'")
            return {}
        for name in table.keys() - known:
            self.wrong(f"{path}.{name}", f"is not known; known are {', '.join(sorted(known))}")
        return table


@lru_cache(maxsize=64)
def parse_mapping(text: str) -> FactMapping:
    """Read a mapping. Raises InputError naming every problem with its path."""
    if len(text) > LONGEST:
        raise InputError(f"a mapping has at most {LONGEST:,} characters, not {len(text):,}")
    try:
        tree = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"the mapping is not TOML: {error}") from None
    reader = _Reader()
    for name in tree.keys() - {"list", "delivery_id", "fact"}:
        reader.wrong(name, "is not known; known are list, delivery_id and fact")
    fact = tree.get("fact")
    if not isinstance(fact, dict):
        raise InputError(
            [*reader.problems, Problem("fact", "is missing: it says where the parts of a fact stand")]
        )
    for name in fact.keys() - _KNOWN:
        reader.wrong(f"fact.{name}", f"is not known; known are {', '.join(sorted(_KNOWN))}")
    for name in _REQUIRED:
        if name not in fact:
            reader.wrong(f"fact.{name}", "is missing")
    found = _mapping(tree, fact, reader)
    if reader.problems:
        raise InputError(sorted(reader.problems), remedy="Correct the mapping of the source.")
    return found


def _mapping(tree: Mapping[str, Any], fact: Mapping[str, Any], reader: _Reader) -> FactMapping:
    kind = reader.table(fact.get("kind", {}), "fact.kind", {"at", "words"})
    amount = reader.table(fact.get("amount", {}), "fact.amount", {"at", "minor"})
    currency = reader.table(fact.get("currency", {}), "fact.currency", {"at", "value"})
    value = currency.get("value")
    if value is not None and value not in EXPONENTS:
        reader.wrong("fact.currency.value", "is not an ISO 4217 currency in use")
    if amount and not currency:
        reader.wrong("fact.currency", "is missing, and there is an amount")
    if not isinstance(amount.get("minor", False), bool):
        reader.wrong("fact.amount.minor", "must be true or false")
    return FactMapping(
        list_at=reader.steps(tree["list"], "list") if "list" in tree else (),
        delivery_id=reader.steps(tree["delivery_id"], "delivery_id") if "delivery_id" in tree else (),
        kind_at=reader.steps(kind.get("at"), "fact.kind.at") if kind else (),
        words=_words(kind.get("words", {}), reader),
        ignore=frozenset(_texts(fact.get("ignore", []), "fact.ignore", reader)),
        places={name: reader.steps(fact[name], f"fact.{name}") for name in _PLACES if name in fact},
        lists={
            name: tuple(
                reader.steps(one, f"fact.{name}.{place}")
                for place, one in enumerate(_texts(fact[name], f"fact.{name}", reader))
            )
            for name in _LISTS
            if name in fact
        },
        amount_at=reader.steps(amount.get("at"), "fact.amount.at") if amount else (),
        minor=amount.get("minor") is True,
        currency_at=reader.steps(currency["at"], "fact.currency.at") if "at" in currency else (),
        currency=value if isinstance(value, str) else None,
    )


def _words(value: Any, reader: _Reader) -> Mapping[str, FactKind]:
    kinds = {str(kind): kind for kind in FactKind}
    if not isinstance(value, dict) or not value:
        reader.wrong("fact.kind.words", "must say which fact each word of the provider's is")
        return {}
    for word, meaning in value.items():
        if meaning not in kinds:
            reader.wrong(f"fact.kind.words.{word}", f"{meaning!r} is none of {', '.join(kinds)}")
    return {str(word): kinds[meaning] for word, meaning in value.items() if meaning in kinds}


def _texts(value: Any, path: str, reader: _Reader) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        reader.wrong(path, "must be a list of texts")
        return []
    return value


class MappedProvider:
    """Implements :class:`~ordertrail.correlate.provider.Provider` by a mapping of the source."""

    name = "mapped"
    signature = "standard"

    def delivery_id(self, delivery: Delivery) -> str | None:
        """Return what the mapping says is the delivery's id; else that of Standard Webhooks."""
        try:
            mapping, tree = _of(delivery), json_tree(delivery.body)
        except (FaultyError, InputError, ConfigurationError):
            return None
        for step in mapping.delivery_id:
            tree = tree.get(step) if isinstance(tree, dict) else None
        named = str(tree) if mapping.delivery_id and isinstance(tree, str | int) else None
        return named or delivery.headers.get("webhook-id")

    def read(self, delivery: Delivery) -> Iterator[Observation]:
        """See the protocol."""
        mapping = _of(delivery)
        document = Document.of_json(delivery.body, delivery.source.zone)
        parts = listed(document, *mapping.list_at) if mapping.list_at else iter([document])
        for part in parts:
            yield observed(part, delivery, lambda node, sent: _read(node, sent, mapping))


def _of(delivery: Delivery) -> FactMapping:
    text = delivery.source.options.get("mapping")
    if text is None:
        raise ConfigurationError(
            f"{delivery.source} has no mapping",
            meaning="Its deliveries stay landed and unread.",
            remedy="Name the mapping's file as option mapping_file of the source.",
        )
    return parse_mapping(text)


def _read(node: Node, delivery: Delivery, mapping: FactMapping) -> Iterator[Told]:
    holder, name = _place(node, mapping.kind_at)
    word = holder.text(name, required=True)
    if word is None:
        return
    if word in mapping.ignore:
        yield Foreign(word, "the mapping of its source says that it is no fact")
        return
    kind = mapping.words.get(word)
    if kind is None:
        holder.fault(
            Code.UNKNOWN_WORD, name, f"{word[:80]!r} has no meaning in the mapping of {delivery.source}"
        )
        return
    yield from happened(
        kind,
        delivery,
        thing=_id(node, mapping.places["thing"], required=True),
        id=_id(node, mapping.places["id"], required=True),
        time=_time(node, mapping.places["time"]),
        amount=_amount(node, mapping),
        code=_id(node, mapping.places.get("code", ())) or word,
        links=(
            *to_order(delivery, *_ids(node, mapping, "orders")),
            *to_payment(delivery, *_ids(node, mapping, "payments")),
            *link(delivery, "tracking_number", *_ids(node, mapping, "tracking")),
        ),
        payer=_id(node, mapping.places.get("payer", ())),
    )


def _place(node: Node, steps: tuple[str, ...]) -> tuple[Node, str]:
    """Return the object in which a place stands, and its name there."""
    for step in steps[:-1]:
        node = node.child(step)
    return node, steps[-1]


def _id(node: Node, steps: tuple[str, ...], *, required: bool = False) -> str | None:
    if not steps:
        return None
    holder, name = _place(node, steps)
    return holder.id(name, required=required)


def _ids(node: Node, mapping: FactMapping, name: str) -> Iterator[str | None]:
    for steps in mapping.lists.get(name, ()):
        yield _id(node, steps)


def _time(node: Node, steps: tuple[str, ...]) -> str | None:
    holder, name = _place(node, steps)
    return holder.time(name, required=True)


def _amount(node: Node, mapping: FactMapping) -> Money | None:
    if not mapping.amount_at:
        return None
    currency = mapping.currency
    if mapping.currency_at:
        holder, name = _place(node, mapping.currency_at)
        currency = holder.currency(name, currency)
    holder, name = _place(node, mapping.amount_at)
    return holder.minor(name, currency) if mapping.minor else holder.money(name, currency)
