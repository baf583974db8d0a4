"""What the vault room asks of a store."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, runtime_checkable


@dataclass(frozen=True, slots=True)
class Kept:
    """How an object is kept.

    ``until`` is the end of its term, None where the store knows of none. ``locked`` says whether the store
    itself refuses to change or delete it now (an immutable flag, an object lock), not only its permissions.

    ``mode`` names what keeps it: ``COMPLIANCE`` or ``GOVERNANCE`` (S3 Object Lock), ``immutable flag``,
    ``read-only``, or nothing. ``version`` is the store's name for the version that counts, ``legal_hold``
    whether it is held beyond any term. ``flaws`` are sentences about what somebody did to it ("was
    overwritten …"), although the version that counts is still there.
    """

    until: datetime | None
    length: int
    read_only: bool
    locked: bool
    mode: str = ""
    version: str | None = None
    legal_hold: bool = False
    flaws: tuple[str, ...] = ()


class Vault(Protocol):
    """Objects by path, written once and kept for a term.

    Durable: once ``put`` returns, the objects survive a crash of the machine. Write-once: a path that holds
    the same bytes is left as it is (its term may be lengthened), one that holds other bytes raises
    EvidenceError. A term is only ever lengthened; a store may keep whole seconds only, and then rounds up.
    Concurrency: any number of processes; two that put the same path agree or one of them fails. Raises
    UnavailableError where the store cannot be used now.
    """

    def put(self, objects: Sequence[tuple[str, bytes]], until: datetime) -> None:
        """Keep objects until then at least, side by side or in any order.

        What must be there before something else is put by an earlier call. When this raises, nothing of the
        call is under way any more.
        """

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


class Holds(Protocol):
    """Legal holds: an object is kept, whatever its term, until the hold is lifted.

    Durable once the call returns. A hold may be placed twice and is then lifted once. Both raise InputError
    where there is no such object, UnavailableError where the store cannot be used now.
    """

    def hold(self, path: str) -> None:
        """Hold an object."""

    def release(self, path: str) -> None:
        """Lift the hold; the object's term is as it was."""


class Disposal(Protocol):
    """Letting go of what is due. Durable once the call returns; any number of processes.

    Raises InputError, and deletes nothing, where the object's term is not over or a legal hold is on it; a store that
    locks objects itself refuses too, whatever anybody asks. Raises UnavailableError where the store cannot be used now.
    """

    def dispose(self, path: str, now: datetime) -> int:
        """Delete an object whose term was over by now, with all copies; return the bytes freed, 0 where it is gone."""


@runtime_checkable
class QuickVault(Protocol):
    """A vault that can say at less cost what the full check asks of every object."""

    def kept_until(self, path: str) -> Kept | None:
        """As ``kept``, but for lock, mode and hold, which it does not look at and tells as of an object without."""


@runtime_checkable
class Inventory(Protocol):
    """A vault that can say how all its objects are kept at less than a question each."""

    def inventory(self, prefix: str) -> Iterator[tuple[str, Kept | None]]:
        """Yield each path below a prefix with how it is kept; None as of ``kept``."""
