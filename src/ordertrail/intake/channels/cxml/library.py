"""What cXML's documents share (its DTD's module Common.mod): money, addresses, contacts, comments, references.

================================  =======================================================================
Money                             Money, of the document's currency
Address, Contact                  Party: Name is the organisation, the first DeliverTo a person
PostalAddress                     Address: further DeliverTo lines before the streets
Phone/TelephoneNumber             phone, put together: ``+1 800 5551212``
Comments                          notes; their attachments stay extensions
Extrinsic                         stays an extension
================================  =======================================================================

Secrets are taken out of a document before anybody reads it (:func:`without_secrets`).
"""

from typing import Any, Final

from ordertrail.intake.document import Node
from ordertrail.intake.faults import Code
from ordertrail.intake.parts import country_of, present, said
from ordertrail.kernel.money import Money
from ordertrail.orders.adjustments import Tax
from ordertrail.orders.lines import Price
from ordertrail.orders.party import Address, Party
from ordertrail.orders.reference import Note, Reference
from ordertrail.orders.words import CHECKS

SECRETS: Final = frozenset({"SharedSecret", "CredentialMac", "DigitalSignature"})
"""Elements of a Credential that prove who sends: whoever has one can send in that name."""

PIECE: Final = "C62"

CARD: Final = frozenset({"@number", "@expiration"})
"""Of a purchasing card (PCard): what PCI DSS forbids to keep."""


def without_secrets(tree: Any, name: str = "") -> Any:
    """Return a tree without its credentials' secrets and its cards' numbers: they can stand in no order and no fault.

    The delivered bytes are the one place that has them.
    """
    if isinstance(tree, list):
        return [without_secrets(one, name) for one in tree]
    if not isinstance(tree, dict):
        return tree
    hidden = SECRETS | CARD if name == "PCard" else SECRETS
    return {key: without_secrets(value, key) for key, value in tree.items() if key not in hidden}


def money(node: Node, name: str, currency: str | None, *, required: bool = False) -> Money | None:
    """Return the amount of an element that holds a Money, which must be of the order's currency."""
    holder = node.child(name)
    if "Money" not in holder:
        holder.raw("Money", required=required)
        return None
    at = holder.child("Money")
    own = _agreed(at, currency)
    return None if own is None else at.rounded("#text", own, required=True)


def _agreed(at: Node, currency: str | None) -> str | None:
    own = at.currency("@currency", currency)
    if own is not None and currency is not None and own != currency:
        at.fault(Code.CONTRADICTION, "@currency", f"an amount of {own} in an order of {currency}")
        return None
    return own


def unit_price(node: Node, currency: str | None, per: str = "1") -> Price | None:
    """Return a UnitPrice, of any fineness."""
    at = node.child("UnitPrice").child("Money")
    if "#text" not in at:
        return None
    own = _agreed(at, currency)
    return at.price("#text", own, per)


def unit(node: Node) -> str:
    """Return a UnitOfMeasure: UN/CEFACT Recommendation 20, as the DTD demands; pieces where it is left out."""
    found = (node.text("UnitOfMeasure") or PIECE).upper()
    problem = CHECKS["unit"](found)
    if problem is not None:
        node.fault(Code.UNKNOWN_WORD, "UnitOfMeasure", problem)
    return found


def taxes(node: Node, currency: str | None) -> tuple[Tax, ...]:
    """Return the taxes of a Tax element: one a TaxDetail; without details, its amount."""
    found = present(_tax(one, currency) for one in node.child("Tax").children("TaxDetail"))
    amount = money(node, "Tax", currency)
    if found or amount is None:
        return found
    return (Tax(amount=amount),)


def _tax(node: Node, currency: str | None) -> Tax | None:
    amount = money(node, "TaxAmount", currency, required=True)
    taxable = money(node, "TaxableAmount", currency)
    rate, name = node.decimal("@percentageRate"), node.text("@category")
    where = node.first("TaxLocation").text("#text")
    if amount is None:
        return None
    return Tax(amount=amount, taxable=taxable, rate=rate, name=name, jurisdiction=where)


def party(node: Node) -> Party | None:
    """Return an Address or a Contact."""
    postal = node.first("PostalAddress")
    people = postal.texts("DeliverTo")
    state = postal.child("State")
    number = node.id("@addressID")
    streets = (*people[1:], *postal.texts("Street"))
    address = Address(
        street=streets,
        city=postal.text("City"),
        region=state.text("#text"),
        region_code=state.text("@isoStateCode"),
        postal_code=postal.text("PostalCode"),
        country=country_of(postal.child("Country"), "@isoCountryCode"),
    )
    return said(
        Party(
            name=people[0] if people else None,
            organisation=node.child("Name").text("#text"),
            email=node.first("Email").text("#text"),
            phone=_phone(node.first("Phone").child("TelephoneNumber")),
            address=said(address),
            references=() if number is None else (Reference(system="buyer", kind="address", id=number),),
        )
    )


def _phone(node: Node) -> str | None:
    code = node.text("CountryCode")
    parts = (
        None if code is None else f"+{code.removeprefix('+')}",
        node.text("AreaOrCityCode"),
        node.text("Number"),
        node.text("Extension"),
    )
    return " ".join(present(parts)) or None


def credentials(node: Node) -> Party | None:
    """Return the party that the credentials of a From or a To name."""
    found = tuple(
        Reference(system=one.id("@domain") or "cxml", kind="credential", id=name)
        for one in node.children("Credential")
        if (name := one.id("Identity")) is not None
    )
    return Party(id=found[0].id, references=tuple(dict.fromkeys(found))) if found else None


def comments(node: Node) -> tuple[str, ...]:
    """Return the texts of an element's comments."""
    return present(one.text("#text") for one in node.children("Comments"))


def notes(node: Node) -> tuple[Note, ...]:
    """Return an element's comments as notes."""
    return tuple(Note(text=text) for text in comments(node))


def named(*ids: tuple[str, str, str | None]) -> tuple[Reference, ...]:
    """Return references of those of the ids that are there: whose name it is, of what, and the name."""
    found = (Reference(system=system, kind=kind, id=text) for system, kind, text in ids if text is not None)
    return tuple(dict.fromkeys(found))
