"""What the vault room asks of a store."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Kept:
    """How an object is kept.

    ``until`` is the end of its term, None where the store knows of none. ``locked`` says whether the store
    itself refuses to change or delete it now (an immutable flag, an object lock), not only its permissions.
    """

    until: datetime | None
    length: int
    read_only: bool
    locked: bool


class Vault(Protocol):
    """Objects by path, written once and kept for a term.

    Durable: once ``put`` returns, the objects survive a crash of the machine. Write-once: a path that holds
    the same bytes is left as it is (its term may be lengthened), one that holds other bytes raises
    EvidenceError. A term is only ever lengthened. Concurrency: any number of processes; two that put the
    same path agree or one of them fails. Raises UnavailableError where the store cannot be used now.
    """

    def put(self, objects: Sequence[tuple[str, bytes]], until: datetime) -> None:
        """Keep objects until then at least, in this order."""

    def get(self, path: str) -> bytes | None:
        """Return an object's bytes as they are now; None where there is none."""

    def kept(self, path: str) -> Kept | None:
        """Say how an object is kept; None where there is none."""

    def extend(self, path: str, until: datetime) -> None:
        """Lengthen an object's term. Raises InputError if that would shorten it."""

    def paths(self, prefix: str) -> Iterator[str]:
        """Yield the paths below a prefix, in no particular order.

        Of what is there, and of what is not there although a term says that it must be.
        """
