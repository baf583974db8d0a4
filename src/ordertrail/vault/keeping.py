"""Keeping: what is published goes to the vault for the log's term, and is read back before it counts."""

import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

from ordertrail.kernel.clock import Clock, format_time, parse_time
from ordertrail.kernel.errors import EvidenceError, InputError
from ordertrail.vault.ports import Kept, Vault

LONGEST_TERM = 365_000
"""Days, a thousand years: calendars end, and a term beyond them is no term."""


def term_of(keep_days: int) -> timedelta:
    """Return a log's term; what is longer than a thousand years is a thousand years."""
    return timedelta(days=min(keep_days, LONGEST_TERM))


class KeptTiles:
    """Implements :class:`ordertrail.ledger.ports.Tiles` on a vault.

    ``readers`` is how many objects are read back at once: one where reading is a system call, more where each
    is a journey over a network and the vault may be used by threads.
    """

    def __init__(self, vault: Vault, keep_days: int, *, readers: int = 1) -> None:
        self._vault = vault
        self._term = term_of(keep_days)
        self._readers = readers

    def put(self, objects: Sequence[tuple[str, bytes]], since: str) -> None:
        """Keep objects for the log's term, and compare what can be read back with what was written."""
        if not objects:
            return
        self._vault.put(objects, parse_time(since) + self._term)
        if self._readers == 1 or len(objects) == 1:
            for path, data in objects:
                self._read_back(path, data)
            return
        with ThreadPoolExecutor(min(self._readers, len(objects))) as threads:
            list(threads.map(lambda one: self._read_back(*one), objects))

    def _read_back(self, path: str, data: bytes) -> None:
        if self._vault.get(path) != data:
            raise EvidenceError(f"{path} does not read back as it was written")

    def get(self, path: str) -> bytes | None:
        """Return an object's bytes."""
        return self._vault.get(path)


class KeptBlobs:
    """Implements :class:`ordertrail.record.ports.Blobs` on a vault."""

    def __init__(self, vault: Vault, keep_days: int, clock: Clock) -> None:
        self._vault = vault
        self._term = term_of(keep_days)
        self._clock = clock

    def put(self, data: bytes) -> str:
        """Keep a payload under the SHA-256 of its bytes."""
        name = hashlib.sha256(data).hexdigest()
        self._vault.put([(blob_path(name), data)], self._clock() + self._term)
        return name

    def get(self, sha256: str) -> bytes | None:
        """Return a payload's bytes, unchecked."""
        return self._vault.get(blob_path(sha256))


def require_due(path: str, kept: Kept, now: datetime) -> None:
    """Raise InputError where an object must not be let go of yet."""
    if kept.legal_hold:
        raise InputError(
            f"{path} is under a legal hold, and is not deleted",
            remedy="Release the hold first, if whoever ordered it agrees.",
        )
    if kept.until is None or kept.until > now:
        until = "for a term that is not known" if kept.until is None else f"until {format_time(kept.until)}"
        raise InputError(f"{path} is kept {until}, and is not deleted before")


def blob_path(sha256: str) -> str:
    """Return where a blob lies: its first two digits are a folder, so that no folder grows too large."""
    return f"{sha256[:2]}/{sha256}"
