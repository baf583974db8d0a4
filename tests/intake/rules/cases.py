"""Orders for rules: a good one, and for each shipped rule one that it stops."""

import msgspec

from ordertrail.intake.rules.rulebook import Rulebook, parse_rulebook, shipped
from ordertrail.kernel.money import Money
from ordertrail.orders.amounts import Totals
from ordertrail.orders.lines import Item, Line, Price, Quantities
from ordertrail.orders.model import Order
from ordertrail.orders.party import Address, Party, TaxNumber
from ordertrail.testing.conformance.orders import sample_order


def euros(cents: int) -> Money:
    """Return an amount of euros."""
    return Money(cents, "EUR")


def order(**changes: object) -> Order:
    """Return a small order that breaks no rule, but for changes."""
    line = Line(
        id="1",
        item=Item(name="Cup"),
        quantities=Quantities(ordered="2"),
        unit="C62",
        unit_price=Price(amount=euros(1_200), per="1"),
        amount=euros(2_400),
    )
    whole = msgspec.structs.replace(
        sample_order(),
        id="x12:acme:1",
        channel="x12",
        account="acme",
        lines=(line,),
        totals=Totals(lines=euros(2_400), grand_total=euros(2_400)),
        discounts=(),
        charges=(),
        shipping=(),
        taxes=(),
        payments=(),
        fulfilments=(),
        returns=(),
        original_totals=None,
        presentment_totals=None,
        buyer=None,
        ship_to=None,
    )
    return msgspec.structs.replace(whole, **changes)


def book(text: str) -> Rulebook:
    """Return a rulebook on top of the shipped one."""
    return parse_rulebook(f"version = 2\n{text}", shipped())


def bad_line(**changes: object) -> Order:
    """Return an order whose line is changed."""
    (line,) = order().lines
    return order(lines=(msgspec.structs.replace(line, **changes),))


CREDIT = '[accounts."x12/acme"]\ncredit_limit = 2000\n'

STOPPED: list[tuple[str, Order, str]] = [
    ("lines", order(lines=(), totals=Totals()), ""),
    ("most-lines", order(), '[[rules]]\nid = "most-lines"\nlimit = 0\n'),
    ("quantity", bad_line(quantities=Quantities(ordered="0"), amount=None), ""),
    ("totals", order(totals=Totals(lines=euros(2_401), grand_total=euros(2_401))), ""),
    ("free", order(totals=Totals(lines=euros(2_400), grand_total=euros(0))), ""),
    ("negative", order(totals=Totals(grand_total=euros(-1))), ""),
    ("currency", order(), '[accounts."x12/acme"]\ncurrencies = ["USD"]\n'),
    ("credit-limit", order(), CREDIT),
    ("price", bad_line(list_price=Price(amount=euros(3_100), per="1")), ""),
    ("ship-to", order(ship_to=Party(id="dock-9")), '[accounts."x12/acme"]\nship_to = ["dock-1"]\n'),
    ("address", order(ship_to=Party(address=Address(city="Berlin", country="DE"))), ""),
    (
        "tax-number",
        order(
            buyer=Party(
                tax_numbers=(TaxNumber(scheme="VAT", id="DE136695977"),), address=Address(country="DE")
            )
        ),
        "",
    ),
    ("email", order(buyer=Party(email="somebody at home")), ""),
    ("phone", order(buyer=Party(phone="call me")), ""),
    ("placed", order(placed=None), ""),
]
"""The rule, the order, and what the rulebook says beside the shipped one."""
