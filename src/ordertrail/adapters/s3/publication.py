"""The newest checkpoint and the verifier keys of a published log, as two objects beside its tiles.

They are the only objects that are replaced. In a bucket with versions each replacement is a new version, and
the old ones stay: for as long as the bucket's own rule says, or for ``keep``. They need no lock of their own,
for every checkpoint is kept, locked, among the anchors.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from ordertrail.adapters.s3.bucket import Bucket, Lock, whole_second
from ordertrail.kernel.clock import Clock, utc_now
from ordertrail.kernel.errors import BusyError
from ordertrail.ledger.paths import KEYS
from ordertrail.ledger.tiles import CHECKPOINT_PATH
from ordertrail.vault.publication import refuse_setback


class S3Publication:
    """Implements :class:`ordertrail.ledger.ports.Publication`."""

    def __init__(
        self, bucket: Bucket, below: str = "", *, keep: timedelta | None = None, clock: Clock = utc_now
    ) -> None:
        """Publish in a bucket, in the folder ``below``; lock each version for ``keep``, if at all."""
        self._bucket = bucket
        self._prefix = bucket.place.prefix + (f"{below.strip('/')}/" if below.strip("/") else "")
        self._keep = keep
        self._clock = clock
        self._conditional = True

    def checkpoint(self) -> bytes | None:
        """See the port. A delete marker over it is looked through: it hides, and removes nothing."""
        return self._newest(CHECKPOINT_PATH).data

    def keys(self) -> bytes | None:
        """Return the published verifier keys, one a line."""
        return self._newest(KEYS).data

    def publish(self, checkpoint: bytes, vkeys: Sequence[str]) -> None:
        """See the port. The checkpoint goes first: at a rotation it is signed by the old key and the new.

        *If we stop* between the two, the keys are those of before; the next start publishes both again. In a
        new log the keys go first: no checkpoint is ever there without any key. Raises ForkError for a
        checkpoint of fewer entries than the published one, BusyError if another process publishes here.
        """
        keys = "".join(f"{vkey}\n" for vkey in vkeys).encode()
        published, known = self._newest(CHECKPOINT_PATH), self._newest(KEYS)
        refuse_setback(published.data, checkpoint)
        if known.data is None:
            self._replace(KEYS, known, keys)
        self._replace(CHECKPOINT_PATH, published, checkpoint)
        if known.data is not None:
            self._replace(KEYS, known, keys)

    def _newest(self, name: str) -> "_Newest":
        key = self._prefix + name
        body = self._bucket.get(key)
        if body is not None:
            return _Newest(body.data, body.etag)
        history = self._bucket.history(key)
        newest = history.newest if history else None
        hidden = self._bucket.get(key, newest.id) if newest else None
        return _Newest(hidden.data if hidden else None, None)

    def _replace(self, name: str, known: "_Newest", data: bytes) -> None:
        """Put a new version over the one that was read, and over no other; read back what stands now."""
        if known.data == data and known.etag is not None:
            return
        key, lock = self._prefix + name, None
        if self._keep is not None:
            lock = Lock(self._bucket.place.mode, whole_second(self._clock() + self._keep))
        written = self._bucket.put(key, data, lock, replacing=known.etag, anyway=not self._conditional)
        if written is None:
            if known.etag is None or self._newest(name) != known:
                raise _busy(name)
            # Ceph's gateway says so of any version in a bucket that has them: it cannot compare at all.
            self._conditional = False
            self._bucket.put(key, data, lock, anyway=True)
        now = self._bucket.get(key)
        if now is None or now.data != data:  # a store that does not honour the condition
            raise _busy(name)


@dataclass(frozen=True, slots=True)
class _Newest:
    """The newest version's bytes, and its entity tag unless a delete marker lies over it."""

    data: bytes | None
    etag: str | None


def _busy(name: str) -> BusyError:
    return BusyError(
        f"{name} was replaced by somebody else while it was being published",
        meaning="Two sequencers publish one log, or somebody else writes to the bucket; nothing was lost.",
        remedy="Stop the other one; then run 'ordertrail verify', and seal again.",
    )
