"""How a provider is asked for what happened there: its lists, one after another, and its parcels, by their numbers.

A round asks each of a provider's lists from its first page to its last. Where it is, is said in one short text
(:class:`_Here`), which is kept with the source's place after each page, so that whoever goes on after a stop goes on
at the same page (:mod:`ordertrail.intake.polling`). What an address, a parameter or a posted document may hold stands
in :mod:`ordertrail.intake.asking`; besides there are ``{number}``, that of a parcel, and ``{id}``, that of a document
which a list only names.

What an answer leads to is asked of the server that was configured, whatever server the answer names: ours is the secret
that goes with the question. An answer that holds what only a refusal holds is no answer: the place stays.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol
from urllib.parse import quote, urlencode, urlsplit

import msgspec

from ordertrail.intake.asking import SIZE, Asked, Page, pointed, values_of
from ordertrail.kernel.errors import UnavailableError


class Turn(StrEnum):
    """How a list goes on."""

    ALONE = "alone"
    """It does not: one answer is all of it."""
    CURSOR = "cursor"
    """A word in the answer is said with the next question."""
    LAST = "last"
    """So is the id of the answer's last element, where a flag says that there is more."""
    ADDRESS = "address"
    """An address in the answer, or that of the relation ``next`` among its links."""
    NUMBER = "number"
    """Pages are counted; one that is not full is the last."""


@dataclass(frozen=True, slots=True)
class Listing:
    """One list of a provider. Pointers are JSON pointers (RFC 6901) into an answer."""

    path: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    turn: Turn = Turn.ALONE
    at: str = ""
    """Where the cursor or the address stands."""
    items: str = ""
    """Where its elements stand."""
    more: str = ""
    """Where a flag says that there is more; without one, a cursor says so by itself."""
    size: int = SIZE
    time: str = ""
    """The name of its elements' time (RFC 3339), where the question cannot name one: older ones are left aside."""
    newest_first: bool = False
    """Whether it ends for us with the first page whose last element is too old."""
    posted: Any = None
    """The document that is posted; a text that is one word in braces stands for what the word does."""
    refused: str = ""
    """Where there is something only if the question was refused."""
    each: str = ""
    """The path of the document that each element names by its ``name``; the list itself tells nothing."""
    name: str = "id"
    numbered: bool = False
    """Whether it is asked once for each parcel that is on its way, by its ``{number}``."""


@dataclass(frozen=True, slots=True)
class Asking:
    """How a provider is asked, as its documentation says. What an account's settings say goes before it."""

    base: str
    lists: tuple[Listing, ...]
    credential: str = "bearer"
    """How the secret is said; see :class:`ordertrail.adapters.http.asking.HttpAsker`."""
    headers: Mapping[str, str] = field(default_factory=dict)
    tokens_at: str | None = None
    """The path where tokens are made (OAuth 2.0, RFC 6749), where the secret is ``client:secret``."""
    client_posted: bool = False
    """Whether client and secret stand in what is posted there, and not in a header."""
    absent: frozenset[int] = frozenset()
    """Statuses that are answers as well: this parcel is not known here."""
    parcel: str = ""
    """What its parcels' numbers look like (a regular expression): others are asked of nobody here."""
    every: timedelta = timedelta(minutes=5)
    overlap: timedelta = timedelta(hours=1)
    """How far a round goes back; of lists by when things were made, as long as these may go on changing."""


class Parcels(Protocol):
    """The parcels of a carrier's account that are on their way, as far as is known. Threads may share it.

    Raises UnavailableError where they cannot be reached now.
    """

    def after(self, number: str) -> str | None:
        """Return the first number after this one (``""``: the first of all), None where there is none."""


class NoParcels:
    """Parcels of a provider that is asked for none. Implements :class:`Parcels`."""

    def after(self, number: str) -> str | None:  # noqa: ARG002 - see the port
        """Return None."""
        return None


class _Here(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where a round is: which list, which of its pages, what leads there, and the documents still to be fetched."""

    list: int = 0
    page: int = 1
    leads: str | None = None
    rest: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Round:
    """Implements :class:`ordertrail.intake.polling.Course` for a provider."""

    asking: Asking
    parcels: Parcels = field(default_factory=NoParcels)

    @property
    def path(self) -> str:
        """See the port."""
        return self.asking.lists[0].path

    def address(self, base: str, asked: Asked) -> str | None:
        """See the port."""
        here = self._here(asked)
        if here is None:
            return None
        listing = self.asking.lists[here.list]
        server = base.rstrip("/")
        if here.rest:
            return f"{server}{listing.each.replace('{id}', quote(here.rest[0], safe=''))}"
        if listing.turn is Turn.ADDRESS and here.leads is not None:
            parts = urlsplit(server)
            return f"{parts.scheme}://{parts.netloc}/{here.leads.lstrip('/')}"
        values = _values(listing, asked, here)
        path = listing.path.format_map({name: quote(value, safe="") for name, value in values.items()})
        said = {
            name: text.format_map(values)
            for name, text in listing.parameters.items()
            if here.leads is not None or "{cursor}" not in text
        }
        return f"{server}{path}" + (f"?{urlencode(said, quote_via=quote)}" if said else "")

    def body(self, asked: Asked) -> bytes | None:
        """See the port."""
        here = self._here(asked)
        if here is None or here.rest or self.asking.lists[here.list].posted is None:
            return None
        listing = self.asking.lists[here.list]
        return msgspec.json.encode(_posted(listing.posted, _values(listing, asked, here)))

    def next(self, asked: Asked, page: Page, tree: Any) -> Asked | None:
        """See the port."""
        del page
        here = self._here(asked)
        if here is None:
            return None
        listing = self.asking.lists[here.list]
        if listing.refused and pointed(tree, listing.refused):
            raise UnavailableError("it answered that it refuses the question")
        following = _Followed(listing, here, asked, tree, self.parcels).place() or self._first(here.list + 1)
        if following is None:
            return None
        return Asked(
            asked.since, asked.page + (not listing.numbered), msgspec.json.encode(following).decode()
        )

    def _here(self, asked: Asked) -> _Here | None:
        """Return where a round is; at its beginning None where no list has anything to be asked."""
        return (
            self._first(0)
            if asked.leads is None
            else msgspec.json.decode(asked.leads, type=_Here, strict=True)
        )

    def _first(self, number: int) -> _Here | None:
        """Return the beginning of a list, or of the first one after it that has anything to be asked."""
        for place, listing in enumerate(self.asking.lists[number:], number):
            if not listing.numbered:
                return _Here(place)
            parcel = self.parcels.after("")
            if parcel is not None:
                return _Here(place, leads=parcel)
        return None


@dataclass(frozen=True, slots=True)
class _Followed:
    """An answer, and what of the same list comes after it."""

    listing: Listing
    here: _Here
    asked: Asked
    tree: Any
    parcels: Parcels

    def place(self) -> _Here | None:
        """Return the next place within the list, None after its last."""
        listing, here = self.listing, self.here
        if listing.numbered:
            number = self.parcels.after(here.leads or "")
            return None if number is None else _Here(here.list, leads=number)
        if here.rest:
            return self._after_each(msgspec.structs.replace(here, rest=here.rest[1:]))
        turned = _Here(here.list, here.page + 1, self._leads())
        if not listing.each:
            return None if turned.leads is None else turned
        return self._after_each(msgspec.structs.replace(turned, rest=tuple(self._named())))

    @staticmethod
    def _after_each(place: _Here) -> _Here | None:
        return place if place.rest or place.leads is not None else None

    def _leads(self) -> str | None:
        """Return what leads to the next page."""
        listing, tree = self.listing, self.tree
        elements = pointed(tree, listing.items)
        last = elements[-1] if isinstance(elements, list) and elements else None
        if listing.newest_first and self._is_older(last):
            return None
        if listing.more and pointed(tree, listing.more) is not True:
            return None
        found: Any = None
        match listing.turn:
            case Turn.CURSOR:
                found = pointed(tree, listing.at)
            case Turn.LAST if isinstance(last, dict):
                found = last.get("id")
            case Turn.ADDRESS:
                found = _relative(pointed(tree, listing.at))
            case Turn.NUMBER if isinstance(elements, list) and len(elements) >= listing.size:
                found = self.here.page + 1
            case _:
                pass
        return str(found) if isinstance(found, str | int) and found != "" else None

    def _named(self) -> Iterator[str]:
        """Yield the names of the documents that an answer lists."""
        elements = pointed(self.tree, self.listing.items)
        for one in elements if isinstance(elements, list) else ():
            name = one.get(self.listing.name) if isinstance(one, dict) else None
            if isinstance(name, str) and name and not self._is_older(one):
                yield name

    def _is_older(self, element: Any) -> bool:
        """Say whether an element tells that it is older than what is asked for."""
        told = element.get(self.listing.time) if self.listing.time and isinstance(element, dict) else None
        try:
            moment = datetime.fromisoformat(str(told))
        except ValueError:
            return False
        aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
        return aware < datetime.fromisoformat(self.asked.since)


def _values(listing: Listing, asked: Asked, here: _Here) -> dict[str, str]:
    within = replace(asked, page=here.page, leads=here.leads)
    return {**values_of(within, listing.size), "number": here.leads or ""}


def _posted(template: Any, values: Mapping[str, str]) -> Any:
    """Return a document with its words filled in; a cursor that is not there yet is left out."""
    if isinstance(template, Mapping):
        filled = {name: _posted(one, values) for name, one in template.items()}
        return {name: one for name, one in filled.items() if one != "" or template[name] != "{cursor}"}
    if isinstance(template, list | tuple):
        return [_posted(one, values) for one in template]
    if isinstance(template, str) and template.startswith("{") and template[1:-1] in values:
        return values[template[1:-1]]
    return template


def _relative(found: Any) -> str | None:
    """Return an address without its server: a text, ``{"href": …}``, or that of ``next`` among links (RFC 8288)."""
    if isinstance(found, list):
        found = next((one for one in found if isinstance(one, dict) and one.get("rel") == "next"), None)
    if isinstance(found, dict):
        found = found.get("href")
    if not isinstance(found, str) or not found:
        return None
    try:
        parts = urlsplit(found)
    except ValueError:
        raise UnavailableError("its answer leads to what is no address") from None
    return f"{parts.path}?{parts.query}" if parts.query else parts.path
