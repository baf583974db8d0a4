"""UBL's common library: the components that its documents share, each as the part of an order that it is.

Namespace ``urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2``, UBL 2.0 to 2.4; cardinality and
code lists after Peppol BIS Ordering 3 where UBL leaves them open (https://docs.peppol.eu/poacc/upgrade-3/).

========================================  =================================================================
cac:Party                                 Party: organisation, tax numbers, GLN where an id's scheme is GS1's
cac:Address                               Address; a building's number follows the street's name
cac:Period                                Period
cac:AllowanceCharge                       Discount; Charge; Shipping where the reason is UNCL7161 FC
cac:Item                                  Item; a GTIN only where its check digit is right
cac:TaxTotal                              Tax, one a subtotal
========================================  =================================================================

Attributes of an element (schemeID, listID, languageID, …) that decide nothing stay extensions beside it.
"""

from dataclasses import dataclass

import msgspec

from ordertrail.intake.document import Node
from ordertrail.intake.faults import Code
from ordertrail.intake.parts import country_of, gtin_of, present, said
from ordertrail.kernel.money import Money
from ordertrail.orders.adjustments import Charge, Discount, Shipping, Tax
from ordertrail.orders.lines import Item, Period, Price
from ordertrail.orders.party import Address, Party, TaxNumber
from ordertrail.orders.reference import Reference
from ordertrail.orders.words import CHECKS

GS1_SCHEMES = frozenset({"0088", "GLN"})
"""ISO 6523 code of GS1's location numbers, and how it was written before there was a list (EAS, UBL 2.0)."""

GTIN_SCHEMES = frozenset({None, "0160", "GTIN", "SRV", "EAN"})

PIECE = "C62"

FREIGHT = "FC"
"""UNCL7161: freight service."""


def money(node: Node, name: str, currency: str | None, *, required: bool = False) -> Money | None:
    """Return an amount of the document's currency. Digits beyond the minor unit are rounded, and kept."""
    at = node.child(name)
    if "#text" not in at:
        node.raw(name, required=required)
        return None
    own = at.currency("@currencyID", currency)
    if own is not None and currency is not None and own != currency:
        at.fault(Code.CONTRADICTION, "@currencyID", f"an amount of {own} in a document of {currency}")
        return None
    return at.rounded("#text", own)


def price(node: Node, currency: str | None) -> Price | None:
    """Return the price that a cac:Price states, for its base quantity."""
    at = node.child("PriceAmount")
    if "#text" not in at:
        return None
    own = at.currency("@currencyID", currency)
    if own is not None and currency is not None and own != currency:
        at.fault(Code.CONTRADICTION, "@currencyID", f"a price in {own} in a document of {currency}")
        return None
    return at.price("#text", own, _base(node))


def list_price(node: Node, currency: str | None) -> Price | None:
    """Return the price before the price's own allowance, which a cac:Price names beside it."""
    at = node.first("AllowanceCharge").child("BaseAmount")
    if "#text" not in at:
        return None
    own = at.currency("@currencyID", currency)
    return at.price("#text", own, _base(node)) if own == currency else None


def _base(node: Node) -> str:
    base = node.quantity("BaseQuantity")
    if base == "0":
        node.fault(Code.MALFORMED, "BaseQuantity", "0 is no quantity that a price could be for")
        return "1"
    return base or "1"


def unit(node: Node) -> str:
    """Return the unit of a quantity (UN/ECE Recommendation 20), pieces where it names none."""
    found = (node.text("@unitCode") or PIECE).upper()
    problem = CHECKS["unit"](found)
    if problem is not None:
        node.fault(Code.UNKNOWN_WORD, "@unitCode", problem)
    return found


def period(node: Node) -> Period | None:
    """Return a cac:Period; one without a start and an end says nothing."""
    return said(Period(start=node.moment("StartDate", "StartTime"), end=node.moment("EndDate", "EndTime")))


def address(node: Node) -> Address | None:
    """Return a cac:Address."""
    street = " ".join(present((node.text("StreetName"), node.text("BuildingNumber")))) or None
    lines = (one.text("Line") for one in node.children("AddressLine"))
    return said(
        Address(
            street=present((street, node.text("AdditionalStreetName"), node.text("BuildingName"), *lines)),
            box=node.text("Postbox"),
            city=node.text("CityName"),
            region=node.text("CountrySubentity"),
            region_code=node.text("CountrySubentityCode"),
            postal_code=node.text("PostalZone"),
            country=country_of(node.child("Country"), "IdentificationCode"),
        )
    )


def party(node: Node, place: Node | None = None, at: Address | None = None) -> Party | None:
    """Return a cac:Party. ``place`` is a cac:Location that names it too; ``at`` its address, where not within."""
    ids = [_identified(one.child("ID")) for one in node.children("PartyIdentification")]
    endpoint = _identified(node.child("EndpointID"), "endpoint")
    location = None if place is None else _identified(place.child("ID"), "location")
    legal, contact, person = node.first("PartyLegalEntity"), node.child("Contact"), node.first("Person")
    company = _identified(legal.child("CompanyID"), "company")
    organisation = legal.text("RegistrationName")
    names = node.first("PartyName")
    if organisation is None:
        organisation = names.text("Name")
    else:
        names.same("Name", organisation)
    found = present((*ids, endpoint, location, company))
    return said(
        Party(
            id=next((one.id for one in ids if one is not None), None),
            name=contact.text("Name"),
            given_name=person.text("FirstName"),
            family_name=person.text("FamilyName"),
            organisation=organisation,
            email=contact.text("ElectronicMail"),
            phone=contact.text("Telephone"),
            gln=next((one.id for one in found if one.system in GS1_SCHEMES and _is_gln(one.id)), None),
            tax_numbers=present(_tax_number(one) for one in node.children("PartyTaxScheme")),
            address=at or address(node.child("PostalAddress")),
            references=tuple(dict.fromkeys(found)),
        )
    )


def role(node: Node, name: str) -> Party | None:
    """Return the party of a role, with the account numbers that the two sides have for it."""
    at = node.child(name)
    found = party(at.child("Party"))
    kinds = (("buyer", "CustomerAssignedAccountID"), ("seller", "SupplierAssignedAccountID"))
    accounts = tuple(
        Reference(system=system, kind="account", id=number)
        for system, field in kinds
        if (number := at.id(field)) is not None
    )
    if not accounts:
        return found
    return msgspec.structs.replace(
        found or Party(), references=(found.references if found else ()) + accounts
    )


def _identified(node: Node, kind: str = "party") -> Reference | None:
    text = node.id("#text")
    if text is None:
        return None
    return Reference(system=node.id("@schemeID") or "ubl", kind=kind, id=text)


def _is_gln(text: str) -> bool:
    return CHECKS["gln"](text) is None


def _tax_number(node: Node) -> TaxNumber | None:
    number = node.id("CompanyID")
    if number is None:
        return None
    scheme = node.child("TaxScheme")
    return TaxNumber(scheme=scheme.id("ID") or scheme.id("TaxTypeCode") or "VAT", id=number)


@dataclass(frozen=True, slots=True)
class Adjustments:
    """What is taken off and put on in one place."""

    discounts: tuple[Discount, ...]
    charges: tuple[Charge, ...]
    shipping: tuple[Shipping, ...]


def adjustments(node: Node, currency: str | None, *, freight: bool = False) -> Adjustments:
    """Return the cac:AllowanceCharge elements of a document or a line; ``freight`` tells shipping apart."""
    discounts, charges, shipping = [], [], []
    for number, one in enumerate(node.children("AllowanceCharge"), 1):
        is_charge = one.flag("ChargeIndicator")
        if is_charge is None:
            one.raw("ChargeIndicator", required=True)
        amount = money(one, "Amount", currency, required=True)
        reason = one.text("AllowanceChargeReason")
        code = one.id("AllowanceChargeReasonCode") if is_charge or reason is None else None
        if amount is None or is_charge is None:
            continue
        if not is_charge:
            discounts.append(Discount(amount=amount, reason=reason or code))
        elif freight and code == FREIGHT:
            shipping.append(Shipping(id=str(number), amount=amount, name=reason, code=code))
        else:
            charges.append(Charge(amount=amount, kind=code or "charge", name=reason))
    return Adjustments(tuple(discounts), tuple(charges), tuple(shipping))


def taxes(node: Node, currency: str | None) -> tuple[Tax, ...]:
    """Return the taxes of a cac:TaxTotal: one a subtotal; without subtotals, the total."""
    found = present(_subtotal(one, currency) for one in node.children("TaxSubtotal"))
    amount = money(node, "TaxAmount", currency)
    if found or amount is None:
        return found
    return (Tax(amount=amount),)


def _subtotal(node: Node, currency: str | None) -> Tax | None:
    amount = money(node, "TaxAmount", currency, required=True)
    category = node.child("TaxCategory")
    taxable = money(node, "TaxableAmount", currency)
    if amount is None:
        return None
    return Tax(
        amount=amount,
        taxable=taxable,
        rate=category.decimal("Percent"),
        category=category.id("ID"),
        name=category.child("TaxScheme").text("Name") or category.child("TaxScheme").text("ID"),
    )


def item(node: Node) -> Item:
    """Return a cac:Item."""
    name = node.text("Name")
    if name is None:
        name = node.first("Description").text("#text")
    else:
        node.first("Description").same("#text", name)
    standard = node.child("StandardItemIdentification").child("ID")
    gtin = gtin_of(standard, "#text") if standard.tree.get("@schemeID") in GTIN_SCHEMES else None
    if gtin is not None:
        standard.text("@schemeID")
    return Item(
        name=name,
        sku=node.child("SellersItemIdentification").text("ID"),
        gtin=gtin,
        buyer_item=node.child("BuyersItemIdentification").text("ID"),
        manufacturer_item=node.child("ManufacturersItemIdentification").text("ID"),
        country_of_origin=country_of(node.child("OriginCountry"), "IdentificationCode"),
        commodity_code=node.first("CommodityClassification").text("CommodityCode"),
    )
