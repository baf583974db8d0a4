"""What ``record`` and ``import`` share: record batch by batch, seal along the way, say what became of it all."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import typer

from ordertrail.cli.output import EXIT_INPUT, count, err, exit_code, out, say, say_json, say_problems
from ordertrail.kernel.errors import BusyError, OrderTrailError
from ordertrail.ledger.sequencer import BATCH, Sequencer
from ordertrail.record.recorder import Arriving, Recorded
from ordertrail.services import Trail


@dataclass(frozen=True, slots=True)
class Recording:
    """What is recorded into which log, and how."""

    trail: Trail
    stream: str
    all_or_nothing: bool
    seal: bool

    def run(self, source: Iterator[Arriving]) -> "Outcome":
        """Record everything; seal and anchor, unless another process does."""
        total, sealed, failure = Recorded(), 0, None
        sequencer: Sequencer | None = None
        with ExitStack() as stack:
            if self.seal:
                try:
                    sequencer = stack.enter_context(self.trail.sequencing(self.stream))
                except OrderTrailError as error:
                    # Whatever keeps us from sealing, an event that arrives is recorded: it is sealed later.
                    failure = error
            for recorded in self.trail.record_lines(
                source, stream=self.stream, all_or_nothing=self.all_or_nothing
            ):
                total += recorded
                if sequencer is not None:
                    sealed += sequencer.seal_batch(BATCH)
            if sequencer is not None:
                sealed += sequencer.seal(BATCH)
        size = self.trail.log(self.stream).log.store.head(self.stream).size
        waiting = self.trail.log(self.stream).log.journal.waiting(self.stream)
        return Outcome(total, sealed, size, waiting, failure)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an input, and where the log stands."""

    recorded: Recorded
    sealed: int
    size: int
    waiting: int
    failure: OrderTrailError | None

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
                + (f"; sealed {self.sealed:,}, the log has {self.size:,}." if self.sealed else ".")
            )
            if self.waiting:
                say(
                    f"{count(self.waiting, 'event')} recorded and not sealed yet; 'ordertrail seal' seals them."
                )
            if isinstance(self.failure, BusyError):
                say(f"Not sealed here: {self.failure.message}. What you recorded is safe.")
            if recorded.refused:
                err.print("Not recorded, each for the reason given; everything else was:")
                say_problems(
                    [f"{one.place}: {problem}" for one in recorded.refused for problem in one.problems]
                )
        if self.failure is not None and not isinstance(self.failure, BusyError):
            if as_json:
                raise typer.Exit(exit_code(self.failure))
            raise self.failure
        if recorded.refused:
            raise typer.Exit(EXIT_INPUT)

    def _as_dict(self) -> dict[str, Any]:
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
            "size": self.size,
            "waiting": self.waiting,
            "not_sealed": self.failure.message if self.failure is not None else None,
        }
