"""Saved views and permanent links. Pure.

A view keeps a question, and asks it anew whenever it is opened. A link keeps what was seen: its times are fixed when it
is made, and it says how many events there were then, so that whoever opens it later knows whether it is still the same.
"""

import re
from dataclasses import dataclass
from typing import Final

from ordertrail.kernel.errors import InputError

LONGEST_NAME: Final = 120
LONGEST_ADDRESS: Final = 8_000
MOST: Final = 500
"""Views that one person keeps."""

_PATHS: Final = re.compile(r"/(explore|orders|people|integrity|intake)(/|\?|$)")


@dataclass(frozen=True, slots=True)
class SavedView:
    """A question under a name. ``address`` is a page's own; ``team`` where everybody sees it. Times are RFC 3339."""

    id: str
    name: str
    address: str
    owner: str
    team: bool
    saved: str


@dataclass(frozen=True, slots=True)
class Link:
    """A permanent link. ``rows`` is how many events there were when it was made, None where nobody counted."""

    id: str
    address: str
    zone: str
    owner: str
    made: str
    rows: int | None


def check_view(name: str, address: str) -> tuple[str, str]:
    """Return a name and an address that may be kept. Raises InputError naming what is wrong."""
    told = name.strip()
    if not 1 <= len(told) <= LONGEST_NAME or not told.isprintable():
        raise InputError(f"a view has a name of 1 to {LONGEST_NAME} characters")
    return told, check_address(address)


def check_address(address: str) -> str:
    """Return an address of a page of ours that may be kept. Raises InputError for any other."""
    sound = len(address) <= LONGEST_ADDRESS and address.isprintable() and _PATHS.match(address)
    if not sound or address.startswith("//") or "\\" in address:
        raise InputError(
            "only pages that ask something can be kept: Explore, Orders, People, Intake, Integrity"
        )
    return address
