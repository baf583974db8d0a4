"""A vault in a directory: write-once by link, read-only, immutable where the system allows it, with terms.

Beside the objects of a folder lies a file ``.terms``, to which a line is appended for each object that is
put or whose term is lengthened::

    2033-11-20T14:02:11.004512Z 067
    2033-11-20T14:02:11.004512Z 068.p/112

An object's term is the latest of its lines. Lines are never rewritten, so a term that was shortened shows:
the full check knows from the log itself for how long each object must be kept at least.
"""

import os
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
                        meaning="Either the kept object was altered, or history was forked; it was not overwritten.",
                    )
            folders[target.parent] = None
            folder, name = _term_place(path)
            known = None if new else self._term(folder, name)
            if known is None or known < until:
                terms.setdefault(self._root / folder / TERMS, []).append(f"{format_time(until)} {name}\n")
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
            except (FileNotFoundError, NotADirectoryError):
                return None

    def kept(self, path: str) -> Kept | None:
        """See the port."""
        target = self._locate(path)
        with translated(target, "reading"):
            try:
                status = target.stat()
            except (FileNotFoundError, NotADirectoryError):
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
            append_line(self._root / folder / TERMS, f"{format_time(until)} {name}\n")
        self._terms = None

    def paths(self, prefix: str) -> Iterator[str]:
        """See the port."""
        start = self._locate(prefix) if prefix else self._root
        for folder, _, names in os.walk(start):
            for name in names:
                if name != TERMS and not name.startswith(PART):
                    yield str((Path(folder) / name).relative_to(self._root))

    def _locate(self, path: str) -> Path:
        target = self._root / path
        if ".." in target.parts or target == self._root or path.startswith("/"):
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
            lines = file.read_text(errors="replace").split("\n")
        terms: dict[str, datetime] = {}
        for line in lines:
            until, _, name = line.partition(" ")
            try:
                moment = parse_time(until)
            except ValueError:
                continue  # a line torn by a crash; its object was put again, and has another
            if name not in terms or terms[name] < moment:
                terms[name] = moment
        self._terms = (file, size, terms)
        return terms


def _term_place(path: str) -> tuple[Path, str]:
    """Return the folder whose ``.terms`` holds an object's term, and its name there.

    A partial tile lies in a folder of its own (``067.p/8``); its term stands with its neighbours.
    """
    target = Path(path)
    if target.parent.suffix == ".p":
        return target.parent.parent, f"{target.parent.name}/{target.name}"
    return target.parent, target.name
