"""A vault in a directory: write-once by link, read-only, immutable where the system allows it, with terms.

Terms stand beside the objects, in the files of :mod:`ordertrail.adapters.files.terms`.
"""

import errno
import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from ordertrail.adapters.files.durable import (
    PART,
    is_immutable,
    make_folder,
    make_immutable,
    make_mutable,
    sync_folder,
    translated,
    unavailable,
    write_once,
)
from ordertrail.adapters.files.holds import HOLDS, HoldLines
from ordertrail.adapters.files.terms import TERMS, Terms
from ordertrail.kernel.clock import format_time
from ordertrail.kernel.errors import ConfigurationError, EvidenceError, InputError
from ordertrail.vault.keeping import require_due
from ordertrail.vault.ports import Kept

_NO_OBJECT = (FileNotFoundError, NotADirectoryError, IsADirectoryError)


class FileVault:
    """Implements :class:`ordertrail.vault.ports.Vault` and :class:`ordertrail.vault.ports.Holds`."""

    def __init__(self, root: Path, *, immutable: bool = True) -> None:
        self._root = root
        self._prefix = f"{root}/"
        self._immutable = immutable
        self._terms = Terms(root)
        self._holds = HoldLines(root)

    def put(self, objects: Sequence[tuple[str, bytes]], until: datetime) -> None:
        """See the port. All objects are on disk before their folders, their folders before their terms.

        *If we stop here*: an object may be there without a term, until it is put again; a term is never there
        without its object, so that an object that was taken away shows.
        """
        terms: list[tuple[str, datetime]] = []
        missing: list[tuple[str, bytes]] = []
        for path, data in objects:
            held = self._has(path, data)
            known = self._terms.of(path) if held else None
            if known is None or known < until:
                terms.append((path, until))
            if not held:
                missing.append((path, data))
                with translated(self._root, "making folders in"):
                    make_folder(self._locate(path).parent)
        for path, data in missing:
            target = self._locate(path)
            with translated(target, "writing"):
                # Another process may have been faster; what is there and no object is in the way.
                if not write_once(target, data) and not self._has(path, data):
                    raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
        with translated(self._root, "making durable"):
            for folder in dict.fromkeys(self._locate(path).parent for path, _ in objects):
                sync_folder(folder)
            self._terms.add(terms)
            if self._immutable:
                for path, _ in objects:
                    make_immutable(self._locate(path))

    def get(self, path: str) -> bytes | None:
        """See the port."""
        place = self._place(path)
        try:
            with open(place, "rb", buffering=0) as file:  # noqa: PTH123 - a Path costs as much as the reading
                return file.read()
        except _NO_OBJECT:
            return None
        except OSError as error:
            raise unavailable(Path(place), "reading", error) from error

    def kept(self, path: str) -> Kept | None:
        """See the port."""
        kept = self.kept_until(path)
        if kept is None:
            return None
        immutable = is_immutable(self._place(path))
        mode = "immutable flag" if immutable else "read-only" if kept.read_only else ""
        return replace(kept, locked=immutable, mode=mode, legal_hold=self._holds.of(path))

    def kept_until(self, path: str) -> Kept | None:
        """See :class:`ordertrail.vault.ports.QuickVault`."""
        place = self._place(path)
        try:
            status = os.stat(place)  # noqa: PTH116 - as above
        except _NO_OBJECT:
            return None
        except OSError as error:
            raise unavailable(Path(place), "reading", error) from error
        if not stat.S_ISREG(status.st_mode):
            return None
        return Kept(self._terms.of(path), status.st_size, not status.st_mode & 0o222, locked=False)

    def extend(self, path: str, until: datetime) -> None:
        """See the port."""
        kept = self._require(path)
        if kept.until is not None and until < kept.until:
            raise InputError(
                f"{path} is kept until {format_time(kept.until)}; a term is lengthened, never shortened"
            )
        self._terms.add([(path, until)])

    def hold(self, path: str) -> None:
        """See the port. The hold is a line; the file itself stays as read-only or immutable as it is."""
        self._require(path)
        self._holds.add(path, on=True)

    def release(self, path: str) -> None:
        """See the port."""
        self._require(path)
        self._holds.add(path, on=False)

    def dispose(self, path: str, now: datetime) -> int:
        """See :class:`ordertrail.vault.ports.Disposal`.

        *If we stop here* after the file is gone: it counts as missing until this is called again.
        """
        kept, place = self.kept(path), self._locate(path)
        if kept is None:
            if self._terms.of(path) is not None:
                self._terms.dispose(path)
            return 0
        require_due(path, kept, now)
        with translated(place, "deleting"):
            make_mutable(place)
            place.unlink()
            sync_folder(place.parent)
        self._terms.dispose(path)
        return kept.length

    def paths(self, prefix: str) -> Iterator[str]:
        """See the port."""
        start = self._locate(prefix) if prefix else self._root
        with translated(start, "listing"):
            for folder, _, names in os.walk(start, onerror=_raise_unless_missing):
                below = "" if Path(folder) == self._root else f"{Path(folder).relative_to(self._root)}/"
                for name in names:
                    if not _is_ours(name):
                        yield below + name
                for name in self._terms.names(below):
                    if not os.path.lexists(f"{folder}/{name}") and self._terms.of(below + name) is not None:
                        yield below + name

    def _require(self, path: str) -> Kept:
        """Say how an object is kept. Raises InputError where there is none."""
        kept = self.kept(path)
        if kept is None:
            raise InputError(f"there is no {path} in the vault")
        return kept

    def _has(self, path: str, data: bytes) -> bool:
        """Say whether an object is there. Raises EvidenceError where it has other bytes than these."""
        held = self.get(path)
        if held is not None and held != data:
            raise EvidenceError(
                f"{path} is in the vault already, with other bytes",
                meaning="Either the kept object was altered, or history was forked; it was not overwritten.",
            )
        return held is not None

    def _locate(self, path: str) -> Path:
        return Path(self._place(path))

    def _place(self, path: str) -> str:
        """Return where an object lies, as text: a full check asks for many."""
        parts = path.split("/")
        # A control character in a name could write a line of its own among the terms.
        if "" in parts or "." in parts or ".." in parts or _is_ours(parts[-1]) or not path.isprintable():
            raise ConfigurationError(f"{path!r} is not a path in the vault")
        return f"{self._prefix}{path}"


def _is_ours(name: str) -> bool:
    """Say whether a file is the vault's own bookkeeping, and no object."""
    return name in {TERMS, HOLDS} or name.startswith(PART)


def _raise_unless_missing(error: OSError) -> None:
    """What cannot be listed must not look as if it were not there."""
    if not isinstance(error, FileNotFoundError | NotADirectoryError):
        raise error
