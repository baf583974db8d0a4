"""What ``record`` and ``import`` share: record batch by batch, seal along the way, say what became of it all."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Self

import typer

from ordertrail.assembly.filing import OWN, door_of
from ordertrail.cli.attestation import attested_as_dict, end_on_incident, tell_attested
from ordertrail.cli.output import EXIT_INPUT, err, exit_code, out, say, say_json, say_problems
from ordertrail.kernel.errors import BusyError, OrderTrailError
from ordertrail.kernel.numbers import count
from ordertrail.ledger.attestation import Attested
from ordertrail.ledger.sequencer import BATCH, Sequencer
from ordertrail.record.recorder import Arriving, Recorded
from ordertrail.services import DEFAULT_STREAM, Trail


class Sealing:
    """Seals along the way. Whatever keeps it from sealing is remembered, and never keeps an event out."""

    def __init__(self, trail: Trail, stream: str, *, wanted: bool) -> None:
        self._context = trail.sequencing(stream)
        self._wanted = wanted
        self._sequencer: Sequencer | None = None
        self.sealed = 0
        self.failure: OrderTrailError | None = None

    def __enter__(self) -> Self:
        if self._wanted:
            try:
                self._sequencer = self._context.__enter__()
            except OrderTrailError as error:
                self.failure = error
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if self._sequencer is not None:
            self._leave(error)

    def batch(self) -> None:
        """Seal what was just recorded."""
        self._try(lambda sequencer: sequencer.seal_batch(BATCH))

    def rest(self) -> None:
        """Seal everything that still waits."""
        self._try(lambda sequencer: sequencer.seal(BATCH))

    def _try(self, seal: Callable[[Sequencer], int]) -> None:
        if self._sequencer is not None:
            try:
                self.sealed += seal(self._sequencer)
            except OrderTrailError as error:
                self._leave(error)

    def _leave(self, error: BaseException | None) -> None:
        """Give the lock back; after an error without anchoring."""
        self._sequencer = None
        try:
            self._context.__exit__(
                type(error) if error else None, error, error.__traceback__ if error else None
            )
        except OrderTrailError as failure:
            self.failure = failure
        else:
            self.failure = error if isinstance(error, OrderTrailError) else None


@dataclass(frozen=True, slots=True)
class Recording:
    """What is recorded into which log, and how."""

    trail: Trail
    stream: str
    all_or_nothing: bool
    seal: bool

    def run(self, source: Iterator[Arriving]) -> "Outcome":
        """Record everything, each event in the stream of its class; seal and anchor where possible.

        Raises InputError for a stream that only the trail itself writes.
        """
        door, total = door_of(self.trail, self.stream), Recorded()
        with Sealing(self.trail, self.stream, wanted=self.seal) as sealing:
            for recorded in [door.record_all(source)] if self.all_or_nothing else door.record_each(source):
                total += recorded
                sealing.batch()
            sealing.rest()
        ends = [self._end(self.stream, sealing)]
        for stream in self._filed_into():
            with Sealing(self.trail, stream, wanted=self.seal) as beside:
                beside.rest()
            ends.append(self._end(stream, beside))
        return Outcome(total, tuple(ends))

    def _filed_into(self) -> list[str]:
        """Return the other streams in which something waits to be sealed, where events were filed by their classes."""
        if self.stream != DEFAULT_STREAM:
            return []
        others = {name: one.log for name, one in self.trail.logs.items() if name not in {*OWN, self.stream}}
        return [name for name, log in others.items() if log.journal.waiting(name)]

    def _end(self, stream: str, sealing: Sealing) -> "LogEnd":
        log = self.trail.log(stream).log
        attested = self.trail.attest(stream=stream) if sealing.sealed and not sealing.failure else None
        size, waiting = log.store.head(stream).size, log.journal.waiting(stream)
        return LogEnd(stream, sealing.sealed, size, waiting, sealing.failure, attested)


@dataclass(frozen=True, slots=True)
class LogEnd:
    """Where a log stands: what was sealed of it now, its entries, what waits, and what kept that from being sealed."""

    stream: str
    sealed: int
    size: int
    waiting: int
    failure: OrderTrailError | None
    attested: Attested | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an input, and where the logs stand: the one that was named first, then those filed into."""

    recorded: Recorded
    logs: tuple[LogEnd, ...]

    @property
    def sealed(self) -> int:
        """How many events were sealed."""
        return sum(one.sealed for one in self.logs)

    @property
    def waiting(self) -> int:
        """How many wait to be sealed."""
        return sum(one.waiting for one in self.logs)

    @property
    def failure(self) -> OrderTrailError | None:
        """What kept a log from being sealed; that of the first one."""
        return next((one.failure for one in self.logs if one.failure is not None), None)

    @property
    def attestations(self) -> list[Attested]:
        """What witnesses and authorities said of the logs' new anchors."""
        return [one.attested for one in self.logs if one.attested is not None]

    def tell(self, *, as_json: bool) -> None:
        """Say it; end with status 2 if anything was refused."""
        recorded = self.recorded
        if as_json:
            say_json(self._as_dict())
        else:
            out.print(
                f"Recorded {count(recorded.recorded, 'event')}"
                + (f", knew {recorded.repeated:,} already" if recorded.repeated else "")
                + (f", [red]refused {len(recorded.refused):,}[/red]" if recorded.refused else "")
                + self._sealed_words()
            )
            if isinstance(self.failure, BusyError):
                say(f"Not sealed here: {self.failure.message}. What you recorded is safe; it seals that too.")
            elif self.waiting:
                waiting = count(self.waiting, "event")
                say(f"{waiting} recorded and not sealed yet; 'ordertrail seal' seals them.")
            for attested in self.attestations:
                tell_attested(attested)
            if recorded.refused:
                err.print("Not recorded, each for the reason given; everything else was:")
                say_problems(
                    [f"{one.place}: {problem}" for one in recorded.refused for problem in one.problems]
                )
        if self.failure is not None and not isinstance(self.failure, BusyError):
            if as_json:
                raise typer.Exit(exit_code(self.failure))
            raise self.failure
        for attested in self.attestations:
            end_on_incident(attested)
        if recorded.refused:
            raise typer.Exit(EXIT_INPUT)

    def _sealed_words(self) -> str:
        first, *others = self.logs
        if not any(one.sealed for one in others):
            return f"; sealed {self.sealed:,}, the log has {first.size:,}." if self.sealed else "."
        each = ", ".join(f"{one.sealed:,} of {one.stream} ({one.size:,})" for one in self.logs if one.sealed)
        return f", by their classes; sealed {each}."

    def _as_dict(self) -> dict[str, Any]:
        first = self.logs[0]
        return {
            "recorded": self.recorded.recorded,
            "repeated": self.recorded.repeated,
            "refused": [
                {
                    "place": one.place,
                    "problems": [
                        {"path": problem.path, "message": problem.message} for problem in one.problems
                    ],
                }
                for one in self.recorded.refused
            ],
            "sealed": self.sealed,
            "size": first.size,
            "waiting": self.waiting,
            "not_sealed": self.failure.message if self.failure is not None else None,
            "attested": attested_as_dict(first.attested) if first.attested is not None else None,
            "logs": {
                one.stream: {"sealed": one.sealed, "size": one.size, "waiting": one.waiting}
                for one in self.logs
            },
        }
