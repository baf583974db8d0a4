"""A file that grows by a line an event, and files that keep how far an exporter is."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from ordertrail.kernel.errors import ConfigurationError, UnavailableError

_VERSION: Final = 1


class FileDestination:
    """Implements :class:`ordertrail.exporting.ports.Destination`: lines at the end of a file, on disk when it returns.

    The file is looked up by its name each time, so that another program may move it away, and a new one is begun.
    """

    def __init__(self, path: Path, append: Callable[[Path, str], None]) -> None:
        """``append`` appends whole lines durably, and ends a last line that a crash tore."""
        self._path = path
        self._append = append

    def send(self, messages: Sequence[str]) -> None:
        """See the port."""
        try:
            self._append(self._path, "".join(f"{one}\n" for one in messages))
        except OSError as error:
            raise UnavailableError(
                f"{self._path} cannot be written: {error.strerror or error}",
                meaning="Nothing is lost: it is written again.",
                remedy="Free space, or mend the file system or its rights.",
            ) from error

    def close(self) -> None:
        """See the port."""


class FilePlaces:
    """Implements :class:`ordertrail.exporting.ports.Places` in a file of JSON."""

    def __init__(self, path: Path, replace: Callable[[Path, bytes], None]) -> None:
        """``replace`` puts a file in place durably, in one step."""
        self._path = path
        self._replace = replace

    def read(self) -> Mapping[str, int] | None:
        """See the port. Raises ConfigurationError for a file that is none of ours."""
        try:
            data = json.loads(self._path.read_bytes())
        except FileNotFoundError:
            return None
        except OSError as error:
            raise UnavailableError(f"{self._path} cannot be read: {error.strerror or error}") from error
        except ValueError:
            data = None
        match data:
            case {"version": 1, "places": dict(places)} if all(_is_place(one) for one in places.values()):
                return places
        raise ConfigurationError(
            f"{self._path} does not say how far an exporter is",
            meaning="Nothing was sent.",
            remedy="Delete it to send everything again; receivers know events by their ids.",
        )

    def write(self, places: Mapping[str, int]) -> None:
        """See the port."""
        data = json.dumps({"version": _VERSION, "places": dict(places)}) + "\n"
        try:
            self._replace(self._path, data.encode())
        except OSError as error:
            raise UnavailableError(
                f"{self._path} cannot be written: {error.strerror or error}",
                meaning="Nothing is lost: what was sent since is sent again.",
            ) from error


def _is_place(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
