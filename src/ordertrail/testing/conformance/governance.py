"""What a governance log promises: what was written is there for everybody, in the log's order, once."""

from collections.abc import Callable

import pytest

from ordertrail.kernel.clock import format_time, utc_now
from ordertrail.kernel.ids import new_id
from ordertrail.monitor.governance import GovernanceLog
from ordertrail.record.event import Actor, Change, Context, Event, Subject
from ordertrail.testing.conformance.together import at_once


def said(number: int) -> Event:
    """Return a sample: somebody stopped a mandate."""
    return Event(
        id=new_id(),
        time=format_time(utc_now()),
        action="policy.stop",
        actor=Actor("anna", "person"),
        subject=Subject("policy", f"M-{number:012x}"),
        changes=(Change("/number", after=number),),
        context=Context(reason="something is wrong"),
    )


class GovernanceLogSuite:
    """Holds for :class:`ordertrail.monitor.governance.GovernanceLog`."""

    @pytest.fixture
    def reopen(self) -> Callable[[], GovernanceLog]:
        """Return what opens the same log, never begun at first, once more."""
        raise NotImplementedError

    def test_a_log_that_was_never_begun_says_nothing(self, reopen: Callable[[], GovernanceLog]) -> None:
        """There is nothing to read, and reading begins nothing."""
        assert list(reopen().events()) == []
        assert list(reopen().events()) == []

    def test_what_was_written_is_there_for_others_at_once(self, reopen: Callable[[], GovernanceLog]) -> None:
        """Who opened it before anything was written reads what another wrote, in its order."""
        early, writer = reopen(), reopen()
        told = [said(number) for number in range(4)]
        writer.write(told[:1])
        assert list(early.events()) == told[:1]
        early.write(told[1:3])
        writer.write(told[3:])
        assert list(writer.events()) == list(early.events()) == list(reopen().events()) == told

    def test_an_id_that_is_there_adds_nothing(self, reopen: Callable[[], GovernanceLog]) -> None:
        """Writing again what was written is done, and changes nothing."""
        log, event = reopen(), said(1)
        log.write([event])
        log.write([event])
        assert list(log.events()) == [event]

    def test_of_many_who_write_at_once_none_is_lost(self, reopen: Callable[[], GovernanceLog]) -> None:
        """Each finds its own word among all the others', although they begin the log together."""
        told = [said(number) for number in range(6)]
        logs = [reopen() for _ in told]

        def write(log: GovernanceLog, event: Event) -> Callable[[], bool]:
            def job() -> bool:
                log.write([event])
                return event in list(log.events())

            return job

        assert at_once(*(write(log, event) for log, event in zip(logs, told, strict=True))) == [True] * 6
        assert len(list(reopen().events())) == 6
