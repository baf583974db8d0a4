"""Large payloads in memory."""

import hashlib
from threading import Lock


class MemoryBlobs:
    """Implements :class:`ordertrail.record.ports.Blobs`, but for durability."""

    def __init__(self) -> None:
        self._blobs: dict[str, bytes] = {}
        self._lock = Lock()

    def put(self, data: bytes) -> str:
        """See the port."""
        name = hashlib.sha256(data).hexdigest()
        with self._lock:
            self._blobs[name] = data
        return name

    def get(self, sha256: str) -> bytes | None:
        """See the port."""
        with self._lock:
            return self._blobs.get(sha256)
