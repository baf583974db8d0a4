"""Cases, custody and bundles in memory: for tests, and for a look that leaves nothing behind."""

import threading
from collections.abc import Sequence
from dataclasses import replace

from ordertrail.evidence.cases import Act
from ordertrail.evidence.custody import CustodyAct, Kept
from ordertrail.kernel.errors import EvidenceError


class MemoryCaseBook:
    """Implements :class:`ordertrail.evidence.ports.CaseBook`."""

    def __init__(self) -> None:
        self._acts: dict[str, dict[int, Act]] = {}
        self._lock = threading.Lock()

    def append(self, act: Act) -> bool:
        """See the port."""
        with self._lock:
            return self._acts.setdefault(act.case, {}).setdefault(act.number, act) is act

    def acts(self, case: str) -> Sequence[Act]:
        """See the port."""
        with self._lock:
            return [act for _, act in sorted(self._acts.get(case, {}).items())]

    def cases(self, limit: int = 100, before: str | None = None) -> Sequence[str]:
        """See the port."""
        with self._lock:
            known = [case for case in self._acts if before is None or case < before]
        return sorted(known, reverse=True)[:limit]


class MemoryCustodyBook:
    """Implements :class:`ordertrail.evidence.ports.CustodyBook`."""

    def __init__(self) -> None:
        self._kept: dict[str, Kept] = {}
        self._acts: dict[str, dict[int, CustodyAct]] = {}
        self._lock = threading.Lock()

    def keep(self, kept: Kept) -> None:
        """See the port."""
        with self._lock:
            self._kept.setdefault(kept.bundle, replace(kept, custody=()))

    def append(self, act: CustodyAct) -> bool:
        """See the port."""
        with self._lock:
            return self._acts.setdefault(act.bundle, {}).setdefault(act.number, act) is act

    def find(self, bundle: str) -> Kept | None:
        """See the port."""
        with self._lock:
            return self._found(bundle) if bundle in self._kept else None

    def bundles(self, limit: int = 100, before: str | None = None) -> Sequence[Kept]:
        """See the port."""
        with self._lock:
            known = sorted((one for one in self._kept if before is None or one < before), reverse=True)
            return [self._found(one) for one in known[:limit]]

    def _found(self, bundle: str) -> Kept:
        acts = sorted(self._acts.get(bundle, {}).items())
        return replace(self._kept[bundle], custody=tuple(act for _, act in acts))


class MemoryShelf:
    """Implements :class:`ordertrail.evidence.ports.Shelf`."""

    def __init__(self) -> None:
        self._bundles: dict[str, bytes] = {}
        self._lock = threading.Lock()

    def put(self, bundle: str, data: bytes) -> None:
        """See the port."""
        with self._lock:
            if self._bundles.setdefault(bundle, data) != data:
                raise EvidenceError(f"another bundle {bundle} is kept already")

    def get(self, bundle: str) -> bytes | None:
        """See the port."""
        with self._lock:
            return self._bundles.get(bundle)

    def bundles(self) -> Sequence[str]:
        """See the port."""
        with self._lock:
            return sorted(self._bundles)

    def remove(self, bundle: str) -> int:
        """See the port."""
        with self._lock:
            return len(self._bundles.pop(bundle, b""))
