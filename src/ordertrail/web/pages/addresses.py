"""Addresses of pages: the address is the page, and every link on it is this address with something changed."""

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from fastapi import Request

_OWN = frozenset({"region", "zone"})
"""Parameters that say how a page is shown, and are no part of what it shows."""


@dataclass(frozen=True, slots=True)
class Address:
    """A path and its parameters, in their sequence."""

    path: str
    parameters: tuple[tuple[str, str], ...] = ()

    def with_(self, **changes: str | None) -> "Address":
        """Return it with parameters set; None takes one away."""
        kept = tuple(one for one in self.parameters if one[0] not in changes)
        added = tuple((name, value) for name, value in changes.items() if value)
        return Address(self.path, (*kept, *added))

    def get(self, name: str) -> str:
        """Return a parameter, empty where there is none."""
        return next((value for known, value in self.parameters if known == name), "")

    def __str__(self) -> str:
        return f"{self.path}?{urlencode(self.parameters)}" if self.parameters else self.path


def address_of(request: Request, names: Iterable[str]) -> Address:
    """Return a request's address with those of its parameters that a page knows, each once and none empty."""
    known = tuple(
        (name, value) for name in names if name not in _OWN and (value := request.query_params.get(name, ""))
    )
    return Address(request.url.path, known)


def explore_href(text: str) -> str:
    """Return the address of the events that a filter means."""
    return f"/explore?q={quote(text)}"


def person_href(actor: str) -> str:
    """Return the address of who acted."""
    return f"/people/{quote(actor, safe='')}"


def order_href(order: str, tenant: str | None = None) -> str:
    """Return the address of an order."""
    also = f"?tenant={quote(tenant, safe='')}" if tenant else ""
    return f"/orders/{quote(order, safe='')}{also}"


def event_href(event: str) -> str:
    """Return the address of an event."""
    return f"/events/{quote(event, safe='')}"
