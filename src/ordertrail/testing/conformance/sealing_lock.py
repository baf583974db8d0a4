"""What :class:`ordertrail.ledger.ports.SealingLock` promises.

That a lock ends with its process cannot be tried within one; an adapter's own tests start a second.
"""

from collections.abc import Callable

import pytest

from ordertrail.kernel.errors import BusyError
from ordertrail.ledger.ports import SealingLock
from ordertrail.testing.conformance.together import at_once

Reopen = Callable[[], SealingLock]


class SealingLockSuite:
    """Give ``reopen``: another lock on the same log, as a second process would have."""

    @pytest.fixture
    def reopen(self) -> Reopen:
        """Open the lock once more."""
        raise NotImplementedError("a lock's suite needs a fixture 'reopen'")

    @pytest.fixture
    def lock(self, reopen: Reopen) -> SealingLock:
        """The lock under test."""
        return reopen()

    def test_while_it_is_held_nobody_else_gets_it(self, lock: SealingLock, reopen: Reopen) -> None:
        """BusyError names who holds it, at once, and each time."""
        lock.acquire()
        other = reopen()
        for _ in range(2):
            with pytest.raises(BusyError) as caught:
                other.acquire()
            assert "is sealing" in caught.value.message
        lock.release()

    def test_nor_does_its_holder_a_second_time(self, lock: SealingLock) -> None:
        """Two sequencers of one process are two sequencers; the first still holds it."""
        lock.acquire()
        with pytest.raises(BusyError):
            lock.acquire()
        lock.release()

    def test_once_it_is_given_back_another_gets_it(self, lock: SealingLock, reopen: Reopen) -> None:
        """And back and forth."""
        other = reopen()
        for _ in range(3):
            lock.acquire()
            lock.release()
            other.acquire()
            with pytest.raises(BusyError):
                lock.acquire()
            other.release()

    def test_whoever_asks_learns_whether_it_is_theirs(self, lock: SealingLock, reopen: Reopen) -> None:
        """BusyError to all but the holder: before it is taken, while another holds it, and once it is given back."""
        other = reopen()
        with pytest.raises(BusyError):
            lock.check()
        for _ in range(2):
            lock.acquire()
            lock.check()
            with pytest.raises(BusyError):
                other.check()
            lock.release()
            with pytest.raises(BusyError):
                lock.check()

    def test_only_the_holder_can_give_it_back(self, lock: SealingLock, reopen: Reopen) -> None:
        """One that failed to get it, or gives it back twice, takes it from nobody."""
        other = reopen()
        other.release()
        lock.acquire()
        with pytest.raises(BusyError):
            other.acquire()
        other.release()
        with pytest.raises(BusyError):
            reopen().acquire()
        lock.release()
        lock.release()
        other.acquire()
        lock.release()
        with pytest.raises(BusyError):
            reopen().acquire()
        other.release()

    def test_of_many_at_once_one_gets_it(self, reopen: Reopen) -> None:
        """Exactly one."""
        locks = [reopen() for _ in range(6)]
        outcomes = at_once(*(lock.acquire for lock in locks))
        assert sorted(type(outcome).__name__ for outcome in outcomes) == ["BusyError"] * 5 + ["NoneType"]
        for lock in locks:
            lock.release()
