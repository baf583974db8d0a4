"""A vault in a directory: write-once by link, read-only, immutable where the system allows it, with terms.

Beside the objects of a folder lies a file ``.terms``, to which a line is appended for each object that is
put or whose term is lengthened::

    2033-11-20T14:02:11.004512Z 067 75456fc8
    2033-11-20T14:02:11.004512Z 068.p/112 416bab94

that is: the end of the term, the object's name, and the first 8 hex digits of SHA-256 over the two and the
space between them. A line whose digits do not fit, because a crash tore it or a byte of it flipped, is no
line: reading ignores it. The digits are no signature; whoever can write the file can make them.

An object's term is the latest of its lines. Lines are never rewritten, so a term that was shortened shows:
the full check knows from the log itself for how long each object must be kept at least.
"""

import hashlib
import os
import stat
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

from ordertrail.adapters.files.durable import (
    PART,
    append_line,
    is_immutable,
    make_folder,
    make_immutable,
    sync_folder,
    translated,
    write_once,
)
from ordertrail.kernel.clock import format_time, parse_time
from ordertrail.kernel.errors import ConfigurationError, EvidenceError, InputError
from ordertrail.vault.ports import Kept

TERMS = ".terms"

_CHECK_DIGITS = 8
_NO_OBJECT = (FileNotFoundError, NotADirectoryError, IsADirectoryError)


class FileVault:
    """Implements :class:`ordertrail.vault.ports.Vault`."""

    def __init__(self, root: Path, *, immutable: bool = True) -> None:
        self._root = root
        self._immutable = immutable
        self._terms: tuple[Path, int, dict[str, datetime]] | None = None

    def put(self, objects: Sequence[tuple[str, bytes]], until: datetime) -> None:
        """See the port. All objects are on disk before their folders, their folders before their terms."""
        folders: dict[Path, None] = {}
        terms: dict[Path, list[str]] = {}
        for path, data in objects:
            target = self._locate(path)
            with translated(target, "writing"):
                make_folder(target.parent)
                new = write_once(target, data)
                if not new and target.read_bytes() != data:
                    raise EvidenceError(
                        f"{path} is in the vault already, with other bytes",
                        meaning="Either the kept object was altered, or history was forked; "
                        "it was not overwritten.",
                    )
            folders[target.parent] = None
            folder, name = _term_place(path)
            known = None if new else self._term(folder, name)
            if known is None or known < until:
                terms.setdefault(self._root / folder / TERMS, []).append(_format_term(until, name))
        with translated(self._root, "making durable"):
            for folder_path in folders:
                sync_folder(folder_path)
            for file, lines in terms.items():
                append_line(file, "".join(lines))
            if self._immutable:
                for path, _ in objects:
                    make_immutable(self._locate(path))
        self._terms = None

    def get(self, path: str) -> bytes | None:
        """See the port."""
        target = self._locate(path)
        with translated(target, "reading"):
            try:
                return target.read_bytes()
            except _NO_OBJECT:
                return None

    def kept(self, path: str) -> Kept | None:
        """See the port."""
        target = self._locate(path)
        with translated(target, "reading"):
            try:
                status = target.stat()
            except _NO_OBJECT:
                return None
        if not stat.S_ISREG(status.st_mode):
            return None
        until = self._term(*_term_place(path))
        read_only = not status.st_mode & 0o222
        return Kept(until, status.st_size, read_only, is_immutable(target))

    def extend(self, path: str, until: datetime) -> None:
        """See the port."""
        kept = self.kept(path)
        if kept is None:
            raise InputError(f"there is no {path} in the vault")
        if kept.until is not None and until < kept.until:
            raise InputError(
                f"{path} is kept until {format_time(kept.until)}; a term is lengthened, never shortened"
            )
        folder, name = _term_place(path)
        with translated(self._root / folder, "writing the term in"):
            append_line(self._root / folder / TERMS, _format_term(until, name))
        self._terms = None

    def paths(self, prefix: str) -> Iterator[str]:
        """See the port."""
        start = self._locate(prefix) if prefix else self._root
        with translated(start, "listing"):
            for folder, _, names in os.walk(start, onerror=_raise_unless_missing):
                for name in names:
                    if not _is_ours(name):
                        yield str((Path(folder) / name).relative_to(self._root))

    def _locate(self, path: str) -> Path:
        target, parts = self._root / path, Path(path).parts
        # A control character in a name could write a line of its own among the terms.
        if (
            not parts
            or ".." in parts
            or path.startswith("/")
            or _is_ours(parts[-1])
            or not path.isprintable()
        ):
            raise ConfigurationError(f"{path!r} is not a path in the vault")
        return target

    def _term(self, folder: Path, name: str) -> datetime | None:
        return self._terms_of(self._root / folder / TERMS).get(name)

    def _terms_of(self, file: Path) -> dict[str, datetime]:
        """Read a folder's terms; the last folder asked for is remembered while its file does not grow."""
        with translated(file, "reading"):
            try:
                size = file.stat().st_size
            except FileNotFoundError:
                return {}
            if self._terms is not None and self._terms[:2] == (file, size):
                return self._terms[2]
            lines = file.read_bytes().split(b"\n")
        terms: dict[str, datetime] = {}
        for line in lines:
            try:
                moment, name = _parse_term(line)
            except ValueError:
                continue  # torn by a crash, and then its object was put again and has another; or damaged
            if name not in terms or terms[name] < moment:
                terms[name] = moment
        self._terms = (file, size, terms)
        return terms


def _format_term(until: datetime, name: str) -> str:
    term = f"{format_time(until)} {name}"
    return f"{term} {_check(term.encode())}\n"


def _parse_term(line: bytes) -> tuple[datetime, str]:
    """Read a line without its newline. Raises ValueError where it is not exactly one."""
    term, _, check = line.rpartition(b" ")
    if _check(term).encode() != check:
        raise ValueError("not a line of terms")
    until, _, name = term.decode().partition(" ")
    return parse_time(until), name


def _check(term: bytes) -> str:
    return hashlib.sha256(term).hexdigest()[:_CHECK_DIGITS]


def _is_ours(name: str) -> bool:
    """Say whether a file is the vault's own bookkeeping, and no object."""
    return name == TERMS or name.startswith(PART)


def _raise_unless_missing(error: OSError) -> None:
    """What cannot be listed must not look as if it were not there."""
    if not isinstance(error, FileNotFoundError | NotADirectoryError):
        raise error


def _term_place(path: str) -> tuple[Path, str]:
    """Return the folder whose ``.terms`` holds an object's term, and its name there.

    A partial tile lies in a folder of its own (``067.p/8``); its term stands with its neighbours.
    """
    target = Path(path)
    if target.parent.suffix == ".p":
        return target.parent.parent, f"{target.parent.name}/{target.name}"
    return target.parent, target.name
