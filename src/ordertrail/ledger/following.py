"""Following the journal: seal what comes, as it comes, and have each anchor attested.

One process holds the sealing lock and does, until it is told to stop:

1. **Seal** a batch of what waits.
2. **Anchor** where the cadence says so (:class:`ordertrail.ledger.sequencer.Cadence`).
3. **Attest** the newest anchor, beside everything else: authorities and witnesses are asked in a thread, and what
   they said is published when it is there. One anchor at a time; what comes meanwhile is asked about next.
4. **Wait** for the journal where nothing waits.

*If we stop here*, at any point, the sequencer's own crash story holds. A clean end anchors; the last anchor is
attested before the caller is let go.
"""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from ordertrail.kernel.clock import Clock, format_time
from ordertrail.kernel.errors import UnavailableError
from ordertrail.ledger.attestation import Attested, Attestors, attest
from ordertrail.ledger.sequencer import BATCH, Cadence, Log, Sequencer, sequencing
from ordertrail.ledger.witnessing import Missing

_NAP = 1.0
"""Seconds after which it is looked again whether to stop."""

Tell = Callable[[int, Attested | None], None]
"""Called with how many events were sealed, or with what came of asking about an anchor."""


def follow(  # noqa: PLR0913, PLR0917 - each is one thing that following needs
    log: Log, clock: Clock, cadence: Cadence, attestors: Attestors, stop: Callable[[], bool], tell: Tell
) -> None:
    """Seal what comes until ``stop`` says so. Raises what :func:`sequencing` raises."""
    asking = _Asking(log, clock, attestors, tell)
    with (
        ThreadPoolExecutor(1, thread_name_prefix="attestation") as pool,
        sequencing(log, clock, None, cadence) as sequencer,
    ):
        while not stop():
            sealed = sequencer.seal_batch(BATCH)
            if sealed:
                tell(sealed, None)
            if sequencer.due == 0:
                sequencer.anchor()
            asking.go_on(pool, sequencer)
            if not sealed:
                log.journal.wait(log.stream, min(_NAP, sequencer.due))
        sequencer.anchor()
        asking.go_on(pool, sequencer)
        asking.finish(pool, sequencer)


class _Asking:
    """What is asked of others about the anchors, one anchor at a time."""

    def __init__(self, log: Log, clock: Clock, attestors: Attestors, tell: Tell) -> None:
        self._log = log
        self._clock = clock
        self._attestors = attestors
        self._tell = tell
        self._asked = -1
        self._seen: dict[str, int] = {}
        self._under_way: Future[Attested] | None = None

    def go_on(self, pool: ThreadPoolExecutor, sequencer: Sequencer) -> None:
        """Publish what was answered, and ask about the newest anchor if nobody was asked yet."""
        if not self._attestors:
            return
        if self._under_way is not None:
            if not self._under_way.done():
                return
            self._take(self._under_way, sequencer)
        if sequencer.anchored > self._asked:
            self._asked = sequencer.anchored
            since = format_time(self._clock())
            self._under_way = pool.submit(
                attest, self._log.tiles, self._log.publication, self._attestors, since, self._seen
            )

    def finish(self, pool: ThreadPoolExecutor, sequencer: Sequencer) -> None:
        """Wait for what is under way, and for the newest anchor's."""
        while self._under_way is not None:
            self._under_way.exception()
            self.go_on(pool, sequencer)

    def _take(self, answered: Future[Attested], sequencer: Sequencer) -> None:
        self._under_way = None
        try:
            attested = answered.result()
        except UnavailableError as error:  # the vault, for a moment; sealing says so itself if it lasts
            self._tell(0, Attested(self._asked, b"", missing=(Missing("everyone", error.message),)))
            return
        self._seen = dict(attested.seen)
        sequencer.publish_cosigned(attested.note)
        self._tell(0, attested)
