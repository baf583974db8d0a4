"""What :class:`ordertrail.vault.ports.Disposal` promises of a vault that has it."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Protocol

import pytest

from ordertrail.kernel.errors import InputError
from ordertrail.testing.conformance.vault import LATER, OBJECT, PARTIAL
from ordertrail.vault.ports import Disposal, Holds, Vault


class LettingVault(Vault, Disposal, Holds, Protocol):
    """A vault that lets go of what is due."""


Reopen = Callable[[], LettingVault]


class DisposalSuite:
    """Give ``reopen``, a vault that has nothing in it, ``due``, a term that is over at once, and ``now``, after it.

    Where a store's own clock counts, ``wait`` passes the time until then.
    """

    @pytest.fixture
    def reopen(self) -> Reopen:
        """Open the vault once more."""
        raise NotImplementedError("the suite of disposal needs a fixture 'reopen'")

    @pytest.fixture
    def due(self) -> datetime:
        """The end of a term that is over soon."""
        return LATER

    @pytest.fixture
    def wait(self) -> Callable[[], None]:
        """Pass the time until that term is over."""
        return lambda: None

    def test_what_is_due_is_deleted_and_its_place_is_free(
        self, reopen: Reopen, due: datetime, wait: Callable[[], None]
    ) -> None:
        """Its bytes are counted; it is neither there nor missing; what lies beside it stays; twice changes nothing."""
        vault = reopen()
        vault.put([(OBJECT, b"tile"), (PARTIAL, b"partial")], due)
        wait()
        after = due + timedelta(seconds=1)
        assert vault.dispose(OBJECT, after) == 4
        for one in (vault, reopen()):
            assert (one.get(OBJECT), one.kept(OBJECT)) == (None, None)
            assert list(one.paths("tile")) == [PARTIAL]
            assert one.dispose(OBJECT, after) == 0
        assert vault.get(PARTIAL) == b"partial"

    def test_what_is_not_due_is_not_deleted(self, reopen: Reopen) -> None:
        """A term that is not over refuses, to the moment, and says when it is."""
        vault = reopen()
        vault.put([(OBJECT, b"tile")], LATER)
        with pytest.raises(InputError, match="2033-11-20"):
            vault.dispose(OBJECT, LATER - timedelta(seconds=1))
        assert vault.get(OBJECT) == b"tile"

    def test_what_is_held_is_not_deleted(
        self, reopen: Reopen, due: datetime, wait: Callable[[], None]
    ) -> None:
        """A hold refuses although the term is over; released, it goes."""
        vault = reopen()
        vault.put([(OBJECT, b"tile")], due)
        vault.hold(OBJECT)
        wait()
        after = due + timedelta(seconds=1)
        with pytest.raises(InputError, match="legal hold"):
            vault.dispose(OBJECT, after)
        assert vault.get(OBJECT) == b"tile"
        vault.release(OBJECT)
        assert vault.dispose(OBJECT, after) == 4

    def test_what_was_deleted_can_be_kept_again(
        self, reopen: Reopen, due: datetime, wait: Callable[[], None]
    ) -> None:
        """Its place is as if nothing had been there: other bytes, and a term of their own."""
        vault = reopen()
        vault.put([(OBJECT, b"tile")], due)
        wait()
        vault.dispose(OBJECT, due + timedelta(seconds=1))
        vault.put([(OBJECT, b"another")], LATER)
        assert reopen().get(OBJECT) == b"another"
        kept = reopen().kept(OBJECT)
        assert kept is not None
        assert kept.until is not None
        assert kept.until >= LATER
