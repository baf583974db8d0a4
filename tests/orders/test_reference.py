"""The page about orders has every field and every transition, and nothing that is not there."""

import re
from typing import Any

import pytest

from docs.blocks import ROOT
from ordertrail.orders.adjustments import Charge, Discount, Shipping, Tax
from ordertrail.orders.amounts import Rounding, Totals
from ordertrail.orders.extensions import Extension
from ordertrail.orders.fulfilment import Fulfilment, LineShare, Sighting
from ordertrail.orders.lifecycle import FULFILMENT, ORDER, PAYMENT, RETURN
from ordertrail.orders.lines import Item, Line, Period, Price, Quantities
from ordertrail.orders.machine import Machine
from ordertrail.orders.model import Order, SourceVersion
from ordertrail.orders.party import Address, Party, TaxNumber
from ordertrail.orders.payment import Payment, Transaction
from ordertrail.orders.reference import Note, Reference
from ordertrail.orders.returns import Return, ReturnedLine

PARTS: list[Any] = [
    Order, SourceVersion, Line, Item, Quantities, Price, Period, Tax, Discount, Charge, Shipping, Totals, Rounding,
    Party, Address, TaxNumber, Payment, Transaction, Fulfilment, LineShare, Sighting, Return, ReturnedLine, Reference,
    Note, Extension,
]  # fmt: skip
TEXT = (ROOT / "docs/reference/orders.md").read_text()


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.__name__)
def test_every_field_is_documented_and_no_other(part: Any) -> None:
    """In the table under the part's heading."""
    section = re.split(rf"^### {part.__name__}$", TEXT, flags=re.MULTILINE)[1].split("\n#")[0]
    assert re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE) == list(part.__struct_fields__)


@pytest.mark.parametrize("machine", [ORDER, PAYMENT, FULFILMENT, RETURN], ids=lambda machine: machine.name)
def test_every_transition_is_documented_and_no_other(machine: Machine[Any]) -> None:
    """From, to, name, and what it takes."""
    section = re.split(rf"^### Of an? {machine.name}$", TEXT, flags=re.MULTILINE)[1].split("\n#")[0]
    rows = re.findall(
        r"^\| `(\w+)` \| `(\w+)` \| ([\w-]+) \| ([\w ,]+) \| `([\w.]+)` \|$", section, re.MULTILINE
    )
    assert rows == [
        (one.before, one.after, one.name, one.need + (", the system only" if one.system else ""), one.action)
        for one in machine
    ]
