"""The native extension ``ordertrail_native``, where it is installed: the one place that chooses.

It is optional. ``native`` is the extension or None, and whoever asks for it does the same in Python where it is
None: the results are equal, and only the speed differs. ``ORDERTRAIL_NATIVE=off`` leaves it out.
"""

import os
from collections.abc import Iterable
from typing import Any, Final, Protocol

_SWITCH = "ORDERTRAIL_NATIVE"
_INTERFACE = 1
"""The interface that is used here; an extension with another one is of another version, and left alone."""

Tails = dict[str, tuple[int, bytes]]
"""Where chains stand: the number and hash of the last entry of each."""

RegularRows = tuple[list[bytes], list[str], list[tuple[str, int, str, int]], bool]
"""What follows from rows that are all right; see :class:`ordertrail.ledger.verify.rows.Regular`."""


class Native(Protocol):
    """The extension's functions; their docstrings say what each promises."""

    @property
    def INTERFACE(self) -> int:  # noqa: N802 - the extension's constant
        """Number of its interface."""

    def leaf_hashes(self, entries: Iterable[bytes], /) -> list[bytes]:
        """See :func:`ordertrail.ledger.hashing.leaf_hashes`."""

    def parents(self, row: Iterable[bytes], /) -> list[bytes]:
        """See :func:`ordertrail.ledger.hashing.parents`."""

    def parents_of_row(self, row: bytes, /) -> bytes:
        """See :func:`ordertrail.ledger.hashing.parents_of_row`."""

    def format_bundle(self, entries: Iterable[bytes], /) -> bytes:
        """See :func:`ordertrail.ledger.tiles.format_bundle`; ValueError for an entry that is too long."""

    def is_bundle(self, data: bytes, entries: Iterable[bytes], /) -> bool:
        """See :func:`ordertrail.ledger.tiles.is_bundle`."""

    def check_rows(
        self, rows: Iterable[Any], first: int, before: bytes, recorded: str, tails: Tails, /
    ) -> RegularRows | None:
        """See :func:`ordertrail.ledger.verify.rows.regular_rows`."""

    def implementations(self) -> tuple[str, ...]:
        """Names of the implementations of SHA-256 that this machine can run."""

    def use(self, name: str | None, /) -> None:
        """Use one of them for everything from now on; None: the best for each call."""


def _load() -> Native | None:
    if os.environ.get(_SWITCH) == "off":
        return None
    try:
        import ordertrail_native  # noqa: PLC0415 - only where it is wanted
    except ImportError:
        return None
    # Under a name of the protocol: so that the two are held against each other when types are checked.
    found: Native = ordertrail_native
    return found if found.INTERFACE == _INTERFACE else None


native: Final = _load()
"""The extension, None where it is not installed, is of another version, or is switched off."""
