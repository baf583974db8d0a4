"""Custody: whether the kept objects are still kept as they must be."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from ordertrail.kernel.clock import format_time, parse_time
from ordertrail.vault.keeping import blob_path
from ordertrail.vault.ports import QuickVault, Vault


class VaultCustody:
    """Implements :class:`ordertrail.ledger.ports.Custody`: each object, read-only, for its whole term."""

    def __init__(self, vault: Vault, keep_days: int) -> None:
        self._vault = vault
        self._kept = vault.kept_until if isinstance(vault, QuickVault) else vault.kept
        self._keep_days = keep_days

    def paths(self) -> Iterator[str]:
        """See the port."""
        return self._vault.paths("")

    def problems(self, path: str, since: str) -> list[str]:
        """See the port. An object is kept at least for the log's term after its newest entry was recorded."""
        kept = self._kept(path)
        if kept is None:
            return ["is missing"]
        problems = []
        if kept.until is None:
            problems.append("has no term; nothing says how long it must be kept")
        elif since and (problem := self._term_problem(kept.until, since)):
            problems.append(problem)
        if not kept.read_only:
            problems.append("is not read-only")
        return [*problems, *kept.flaws]

    def _term_problem(self, until: datetime, since: str) -> str | None:
        try:
            due = parse_time(since) + timedelta(days=self._keep_days)
        except (ValueError, OverflowError):
            return f"must be kept for {self._keep_days:,} days after {since!r}, and there is no such time"
        if until < due:
            return f"is kept until {format_time(until)}, and must be kept until {format_time(due)}"
        return None


class BlobCustody(VaultCustody):
    """The same of blobs, which are asked for by name."""

    def problems(self, path: str, since: str) -> list[str]:
        """See the port; ``path`` is a blob's name."""
        return super().problems(blob_path(path), since)
