"""The newest checkpoint and the verifier keys of a published log, as two files beside its tiles."""

from collections.abc import Sequence
from pathlib import Path

from ordertrail.adapters.files.durable import make_folder, replace, translated
from ordertrail.ledger.paths import KEYS
from ordertrail.ledger.tiles import CHECKPOINT_PATH
from ordertrail.vault.publication import refuse_setback


class FilePublication:
    """Implements :class:`ordertrail.ledger.ports.Publication`."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def checkpoint(self) -> bytes | None:
        """See the port."""
        return self._read(CHECKPOINT_PATH)

    def keys(self) -> bytes | None:
        """Return the published verifier keys, one a line."""
        return self._read(KEYS)

    def publish(self, checkpoint: bytes, vkeys: Sequence[str]) -> None:
        """See the port. The checkpoint goes first: at a rotation it is signed by the old key and the new.

        *If we stop* between the two, the keys are those of before; the next start publishes both again. In a
        new log the keys go first: no checkpoint is ever there without any key. Raises ForkError for a
        checkpoint of fewer entries than the published one.
        """
        keys = "".join(f"{vkey}\n" for vkey in vkeys).encode()
        refuse_setback(self.checkpoint(), checkpoint)
        with translated(self._root, "publishing in"):
            make_folder(self._root)
            if self._read(KEYS) is None:
                replace(self._root / KEYS, keys)
            replace(self._root / CHECKPOINT_PATH, checkpoint)
            if self._read(KEYS) != keys:
                replace(self._root / KEYS, keys)

    def _read(self, name: str) -> bytes | None:
        with translated(self._root / name, "reading"):
            try:
                return (self._root / name).read_bytes()
            except FileNotFoundError:
                return None
