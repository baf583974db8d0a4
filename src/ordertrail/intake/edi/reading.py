"""A message while it is read: its document, the account it came from, and what both standards need alike."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from ordertrail.intake.delivery import Source
from ordertrail.intake.document import Document, Node
from ordertrail.intake.edi.units import ONE, agreed_unit
from ordertrail.intake.faults import Code
from ordertrail.orders.ids import order_id
from ordertrail.orders.lines import Period
from ordertrail.orders.reference import Reference
from ordertrail.orders.words import CHECKS


@dataclass(slots=True)
class Reading:
    """One message. ``currency`` is set when it is known; amounts of a message without one are a fault, told once."""

    source: Source
    document: Document
    root: Node
    currency: str | None = None
    asked: bool = False
    """Whether a currency was missed already."""

    def order(self, number: str | None, release: str | None, where: tuple[Node, str]) -> str | None:
        """Return our id of an order: by the buyer's number, and by the release's where it calls off a blanket order."""
        if number is None:
            return None
        source_id = number if release is None else f"{number}/{release}"
        try:
            return order_id(self.source.channel, self.source.account, source_id)
        except ValueError as error:
            where[0].fault(Code.MALFORMED, where[1], str(error))
            return None

    def unit(self, node: Node, name: str, known: Callable[[str], str | None]) -> str | None:
        """Return a unit by what the account has agreed, else by the standard's table; without one, pieces are meant."""
        told = node.text(name)
        if told is None:
            return ONE
        found = agreed_unit(told.upper(), self.source.options) or known(told.upper())
        if found is None:
            message = (
                f"{told[:40]!r} has no unit of UN/ECE Recommendation 20, here or in the account's options"
            )
            node.fault(Code.UNKNOWN_WORD, name, message)
        return found

    def priced(self, node: Node, name: str) -> str | None:
        """Return the currency for an amount that a field states; a missing one is a fault where there is an amount."""
        if self.currency is None and name in node and not self.asked:
            self.asked = True
            told = "amounts are stated, and neither the message nor the account says in which currency"
            self.root.fault(Code.MISSING, "", told)
        return self.currency

    def needed(self, where: str) -> None:
        """Tell that an order without a currency cannot be kept."""
        if self.currency is None and not self.asked:
            self.asked = True
            told = f"no {where} names the currency, and the account has none"
            self.root.fault(Code.MISSING, where, told)


def first(root: Node, tag: str, kind: str) -> Node | None:
    """Return the segment with which a message of a kind begins; a fault and None where it is not there."""
    found = root.children(tag)
    if found:
        return found[0]
    root.fault(Code.MISSING, tag, f"{kind} begins with {tag}, which is not there or says nothing")
    return None


def gs1_or_none(node: Node, name: str, kind: str) -> str | None:
    """Return a GS1 key with a right check digit; any other text does not count as read."""
    text = node.id(name)
    if text is not None and CHECKS[kind](text) is None:
        return text
    node.unread(name)
    return None


def once(references: Iterable[Reference | None]) -> tuple[Reference, ...]:
    """Return references without those that say the same again."""
    return tuple(dict.fromkeys(one for one in references if one is not None))


def period(start: str | None, end: str | None) -> Period | None:
    """Return from when to when; None where neither is known, and only the end where it comes before the start."""
    if start is None and end is None:
        return None
    return Period(start=start if end is None or start is None or start <= end else None, end=end)
