"""Bundles as files of a folder, written once; and the key that signs links to them."""

import os
import secrets
from collections.abc import Sequence
from pathlib import Path

from ordertrail.kernel.errors import ConfigurationError, EvidenceError, UnavailableError
from ordertrail.kernel.ids import parse_id

_KEY_SIZE = 32


class FileShelf:
    """Implements :class:`ordertrail.evidence.ports.Shelf`. A bundle's file is named by its id, and private."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, bundle: str, data: bytes) -> None:
        """See the port. *If we stop here*, a file with another ending is left, which nobody reads."""
        path = self._path(bundle)
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            part = path.with_suffix(f".part{secrets.token_hex(8)}")
            _write_durably(part, data)
            try:
                os.link(part, path)  # refuses where the name is taken; renaming would replace it
            except FileExistsError:
                if path.read_bytes() != data:
                    raise EvidenceError(f"another bundle {bundle} is kept already") from None
            finally:
                part.unlink(missing_ok=True)
            _sync_folder(self._folder)
        except OSError as error:
            raise UnavailableError(
                f"the bundle {bundle} cannot be kept in {self._folder}: {error.strerror}"
            ) from None

    def get(self, bundle: str) -> bytes | None:
        """See the port."""
        try:
            return self._path(bundle).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise UnavailableError(f"the bundle {bundle} cannot be read: {error.strerror}") from None

    def bundles(self) -> Sequence[str]:
        """See the port."""
        return sorted(path.stem for path in self._folder.glob("*.zip"))

    def remove(self, bundle: str) -> int:
        """See the port."""
        path, freed = self._path(bundle), 0
        try:
            for one in (*self._folder.glob(f"{bundle}.part*"), *self._folder.glob(path.name)):
                freed += one.stat().st_size
                one.unlink(missing_ok=True)
            if self._folder.exists():
                _sync_folder(self._folder)
        except OSError as error:
            raise UnavailableError(f"the bundle {bundle} cannot be removed: {error.strerror}") from None
        return freed

    def _path(self, bundle: str) -> Path:
        try:
            parse_id(bundle)
        except ValueError as error:
            raise ConfigurationError(f"{bundle[:60]!r} is {error}") from None
        return self._folder / f"{bundle}.zip"


def link_key(path: Path) -> bytes:
    """Return the key that signs links, made at first use: 32 random bytes in a file of mode 0600.

    Two that make it at once agree on the first one's.
    """
    if not path.exists():
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            part = path.with_suffix(f".part{secrets.token_hex(8)}")
            _write_durably(part, os.urandom(_KEY_SIZE))
            try:
                os.link(part, path)
            except FileExistsError:
                pass
            finally:
                part.unlink(missing_ok=True)
            _sync_folder(path.parent)
        except OSError as error:
            raise UnavailableError(f"the key of links cannot be kept in {path}: {error.strerror}") from None
    key = path.read_bytes()
    if len(key) != _KEY_SIZE:
        raise ConfigurationError(
            f"{path} is not a key of {_KEY_SIZE} bytes",
            meaning="No link is made or followed; bundles and their custody are untouched.",
            remedy="Delete the file: a new key is made, and links that are out no longer work.",
        )
    return key


def _write_durably(path: Path, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
