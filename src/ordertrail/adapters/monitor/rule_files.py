"""The trail's own rules: a folder of YAML files, which people may keep in a repository and edit in place."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from tempfile import NamedTemporaryFile

from ordertrail.kernel.errors import InputError, UnavailableError

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}", re.ASCII)
_LARGEST = 1 << 20


class FolderOfRules:
    """Implements :class:`ordertrail.monitor.ports.RuleFiles`. A folder that is not there has no rules in it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self) -> Mapping[str, str]:
        """See the port. Raises UnavailableError for a file that cannot be read: no rule is silently left out."""
        try:
            return {path.stem: self._text(path) for path in self._paths()}
        except (OSError, UnicodeDecodeError) as error:
            raise UnavailableError(
                f"the rules in {self._folder} cannot be read: {error}",
                meaning="Nothing is watched until they can: a rule that is left out finds nothing.",
                remedy="Mend or remove the file.",
            ) from None

    def write(self, name: str, text: str) -> None:
        """See the port: beside it, flushed, and then in its place."""
        if not _NAME.fullmatch(name):
            raise InputError(
                f"{name[:80]!r} is no name of a file of rules; small letters, digits, - and _ make one"
            )
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            with NamedTemporaryFile(
                "w", dir=self._folder, prefix=".", suffix=".new", delete=False, encoding="utf-8"
            ) as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            Path(file.name).replace(self._folder / f"{name}.yml")
        except OSError as error:
            raise UnavailableError(f"the rule cannot be written to {self._folder}: {error}") from None

    def mark(self) -> object:
        """See the port."""
        return tuple((path.name, path.stat().st_mtime_ns, path.stat().st_size) for path in self._paths())

    def _paths(self) -> list[Path]:
        if not self._folder.is_dir():
            return []
        return sorted(path for path in self._folder.glob("*.yml") if not path.name.startswith("."))

    def _text(self, path: Path) -> str:
        if path.stat().st_size > _LARGEST:
            raise OSError(f"{path.name} has more than {_LARGEST:,} bytes")
        return path.read_text(encoding="utf-8")
