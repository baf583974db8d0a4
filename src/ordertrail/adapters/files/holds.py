"""Which objects are held beyond any term: append-only lines at the root of a vault.

The file ``.holds`` gets a line when a hold is placed, and one when it is lifted; of an object's lines the last
one counts::

    on tile/0/067 f3b08b44
    off tile/0/067 04d79c04

that is: what was done, the object's path, and the first 8 hex digits of SHA-256 over the two and the space
between them. A line whose digits do not fit, because a crash tore it, is no line.
"""

import hashlib
from pathlib import Path

from ordertrail.adapters.files.durable import append_line, translated

HOLDS = ".holds"

_CHECK_DIGITS = 8


class HoldLines:
    """The legal holds of a vault in a directory."""

    def __init__(self, root: Path) -> None:
        self._file = root / HOLDS
        self._read: tuple[int, frozenset[str]] = (0, frozenset())

    def of(self, path: str) -> bool:
        """Say whether an object is held."""
        return path in self._held()

    def add(self, path: str, *, on: bool) -> None:
        """Append a line; it is on disk when this returns."""
        with translated(self._file, "writing"):
            append_line(self._file, _format_hold(path, on=on))

    def _held(self) -> frozenset[str]:
        """Return what is held; read again only when the file has grown."""
        with translated(self._file, "reading"):
            try:
                size = self._file.stat().st_size
            except (FileNotFoundError, NotADirectoryError):
                return frozenset()
            if size != self._read[0]:
                held: set[str] = set()
                for line in self._file.read_bytes().decode(errors="replace").split("\n"):
                    does, _, rest = line.partition(" ")
                    path, _, _ = rest.rpartition(" ")
                    if does == "on" and f"{line}\n" == _format_hold(path, on=True):
                        held.add(path)
                    elif does == "off" and f"{line}\n" == _format_hold(path, on=False):
                        held.discard(path)
                self._read = (size, frozenset(held))
        return self._read[1]


def _format_hold(path: str, *, on: bool) -> str:
    text = f"{'on' if on else 'off'} {path}"
    return f"{text} {hashlib.sha256(text.encode()).hexdigest()[:_CHECK_DIGITS]}\n"
