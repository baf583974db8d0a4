"""The observer: claims what providers delivered, reads it, and settles the facts. A worker of intake's inbox.

As intake's own worker does it (:mod:`ordertrail.intake.processing`), with the same claims, leases, tries and letters:

1. **Claim** what is due. *If we stop here*, it is due again when the lease ends, and the claim is counted.
2. **Read** it, part by part, from where the last one came. *If we stop here*, as after step 1.
3. **Settle** in one transaction: what became of each part, how far the delivery is read, and the events of the facts
   that are new. *If we stop here*, either all of it is kept or none.
4. **Keep** the facts beside, for matching. *If we stop before*, the facts are on record and not yet matched: whoever
   makes the projection again from the trail has them, and a copy that comes meanwhile is recorded once more, under the
   same key, and counts once.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import islice

from ordertrail.correlate.events import fact_event
from ordertrail.correlate.facts import Fact, Thing
from ordertrail.correlate.matching.cards import Blind, payer_token
from ordertrail.correlate.matching.ports import Facts as KnownFacts
from ordertrail.correlate.observation import Facts, Observation
from ordertrail.correlate.provider import Provider
from ordertrail.intake.delivery import Delivery, Source
from ordertrail.intake.events import delivery_event, message_event
from ordertrail.intake.faults import Code, Fault, FaultyError
from ordertrail.intake.message import Faulty, Foreign
from ordertrail.intake.ports import Bodies, Claim, Outcome, Progress, Settlement, Settling, Waiting
from ordertrail.intake.processing import Flow, Worked
from ordertrail.intake.reading import failure
from ordertrail.intake.states import MessageState
from ordertrail.kernel.clock import format_time
from ordertrail.kernel.errors import ConfigurationError, InputError, OrderTrailError, UnavailableError
from ordertrail.record.event import Event


@dataclass(frozen=True, slots=True)
class ProviderReader:
    """Reads claimed deliveries. ``sources`` are those that are configured, by ``provider/account``."""

    sources: Mapping[str, Source]
    bodies: Bodies
    provider: Callable[[str], Provider]

    def read(self, claim: Claim, start: int) -> Iterator[Observation]:
        """Yield what a delivery tells from its n-th part on; what stops the reading is the last part, and faulty.

        Raises UnavailableError where its bytes cannot be reached now.
        """
        try:
            with self._observations(claim) as observations:
                yield from islice(observations, start, None)
        except FaultyError as error:
            yield Observation("", Faulty(error.faults))
        except UnavailableError:
            raise
        except (ConfigurationError, InputError) as error:
            yield Observation("", Faulty((Fault(Code.FAILED, "", f"{error.message}; {error.remedy}"),)))
        except OrderTrailError:
            raise
        except Exception as error:  # noqa: BLE001 - a provider's own fault ends one delivery, and no worker
            yield Observation("", Faulty((failure("reading it", error),)))

    @contextmanager
    def _observations(self, claim: Claim) -> Iterator[Iterator[Observation]]:
        source = self.sources.get(claim.source)
        if source is None:
            raise ConfigurationError(
                f"there is no source {claim.source}",
                remedy="Name it in [[correlate.providers]] of trail.toml, and give its deliveries back.",
            )
        provider = self.provider(source.channel)
        if claim.body is not None:
            yield iter(provider.read(_delivery(claim, source, claim.body)))
            return
        with self.bodies.open(claim.fix or claim.sha256) as body:
            yield iter(provider.read(_delivery(claim, source, bytes(body))))


@dataclass(frozen=True, slots=True)
class _Part:
    """One part of a claimed delivery, and what becomes of it."""

    claim: Claim
    number: int
    observation: Observation
    state: MessageState
    new: tuple[Fact, ...] = ()
    waiting: Waiting | None = None


@dataclass(slots=True)
class _Reached:
    """How far a delivery is read, and what its parts came to."""

    claim: Claim
    number: int
    counts: Counter[MessageState]

    def with_(self, parts: Sequence[_Part], *, done: bool = False) -> Progress:
        """Return it as it is to be kept with these parts."""
        counts = self.counts + Counter(part.state for part in parts)
        return Progress(self.claim, self.number + len(parts), dict(counts), done=done)

    def add(self, parts: Sequence[_Part]) -> None:
        """Count parts that were settled."""
        self.number += len(parts)
        self.counts.update(part.state for part in parts)


class Observer:
    """One worker over providers' deliveries; used by one thread. ``on_facts`` is told which things have new facts."""

    def __init__(
        self,
        flow: Flow,
        reader: ProviderReader,
        facts: KnownFacts,
        on_facts: Callable[[Sequence[Thing]], object],
        blind: Blind | None = None,
    ) -> None:
        self._flow = flow
        self._reader = reader
        self._facts = facts
        self._on_facts = on_facts
        self._blind = blind

    def drain(self) -> Worked:
        """Work until nothing is due."""
        worked = Worked()
        while done := self.round():
            worked.add(done)
        return worked

    def round(self) -> Worked:
        """Claim once, and work on what was claimed."""
        flow, worked = self._flow, Worked()
        for claim in flow.inbox.claim(flow.clock(), flow.pace.lease, flow.pace.deliveries):
            reached = _Reached(claim, claim.progress, Counter(claim.counts))
            try:
                self._work(reached, worked)
            except UnavailableError as error:
                self._put_off(reached, error, worked)
        for waiting in flow.inbox.claim_waiting(flow.clock(), flow.pace.lease, flow.pace.deliveries):
            self._take_up(waiting, worked)
        return worked

    def _work(self, reached: _Reached, worked: Worked) -> None:
        claim = reached.claim
        if claim.tries > self._flow.backoff.attempts:
            told = f"{claim.tries - 1} tries came to nothing, and its workers may have ended by it"
            observations = iter([Observation("", Faulty((Fault(Code.FAILED, "", told),)))])
        else:
            observations = self._reader.read(claim, claim.progress)
        # Where a worker may have died of a delivery it is read part by part, so that what is before the poison is kept.
        size = self._flow.pace.messages if claim.tries == 1 else 1
        while chunk := list(islice(observations, size)):
            if not self._settle(self._parts(claim, reached.number, chunk), reached, worked):
                return
        if self._settle((), reached, worked, done=True):
            worked.deliveries += 1

    def _parts(self, claim: Claim, number: int, chunk: Sequence[Observation]) -> list[_Part]:
        told = [fact for one in chunk if isinstance(one.content, Facts) for fact in one.content.facts]
        known = set(self._facts.known(fact.key for fact in told))
        parts = []
        for place, one in enumerate(chunk):
            new: list[Fact] = []
            if isinstance(one.content, Facts):
                for fact in one.content.facts:
                    if fact.key not in known:
                        known.add(fact.key)
                        new.append(fact)
            parts.append(_Part(claim, number + place, one, _state(one, new), tuple(new)))
        return parts

    def _settle(
        self, parts: Sequence[_Part], reached: _Reached | None, worked: Worked, *, done: bool = False
    ) -> bool:
        """Settle parts of one delivery; False where it is somebody else's by now."""
        flow, now = self._flow, self._flow.clock()
        time = format_time(now)
        events = [event for part in parts for event in _events(part, time)]
        progress = () if reached is None else (reached.with_(parts, done=done),)
        if done:
            events += [_read_event(one, time) for one in progress]
        settlement = Settlement(time, progress, tuple(map(_outcome, parts)), (), tuple(events))
        try:
            settled = flow.inbox.settle(settlement, now + flow.pace.lease)
        except UnavailableError:
            raise
        except Exception as error:
            if not parts:
                raise
            return self._settle_apart(parts, reached, worked, error)
        if settled is not Settling.DONE:
            return False
        worked.states.update(part.state for part in parts)
        if reached is not None:
            reached.add(parts)
        self._keep([fact for part in parts for fact in part.new])
        return True

    def _settle_apart(
        self, parts: Sequence[_Part], reached: _Reached | None, worked: Worked, error: Exception
    ) -> bool:
        """Settle parts one by one; one that no store takes is a letter, and stops neither its neighbours nor us."""
        if len(parts) > 1:
            return all(self._settle([part], reached, worked) for part in parts)
        (part,) = parts
        if part.state is MessageState.DEAD:
            raise error
        dead = Observation(part.observation.pointer, Faulty((failure("settling it", error),)))
        again = replace(part, observation=dead, state=MessageState.DEAD, new=())
        return self._settle([again], reached, worked)

    def _keep(self, new: Sequence[Fact]) -> None:
        if not new:
            return
        payers = {fact.about: token for fact in new if (token := payer_token(fact.payer, self._blind))}
        self._facts.add([fact.without_payer() for fact in new], payers)
        self._on_facts(tuple(dict.fromkeys(fact.about for fact in new)))

    def _take_up(self, waiting: Waiting, worked: Worked) -> None:
        """Read a part again that a person gave back."""
        try:
            found = next(self._reader.read(waiting.claim, waiting.number), None)
            if found is None:
                gone = f"the bytes have no part {waiting.number} any more; they were mended to say less"
                found = Observation("", Faulty((Fault(Code.MISSING, "", gone),)))
            (part,) = self._parts(waiting.claim, waiting.number, [found])
            again = _Part(part.claim, part.number, part.observation, part.state, part.new, waiting)
            self._settle([again], None, worked)
        except UnavailableError:
            worked.put_off += 1  # it is due again when the lease ends

    def _put_off(self, reached: _Reached, error: UnavailableError, worked: Worked) -> None:
        """Give a delivery back that could not be worked on, to be tried again later from where it came."""
        flow, now = self._flow, self._flow.clock()
        again = format_time(now + flow.backoff.wait(reached.claim.tries))
        progress = replace(reached.with_(()), again_at=again, error=error.message)
        flow.inbox.settle(Settlement(format_time(now), (progress,)), now)
        worked.put_off += 1


def _state(observation: Observation, new: Sequence[Fact]) -> MessageState:
    match observation.content:
        case Facts():
            return MessageState.ACCEPTED if new else MessageState.DUPLICATE
        case Foreign():
            return MessageState.FOREIGN
        case Faulty():
            return MessageState.DEAD


def _outcome(part: _Part) -> Outcome:
    content = part.observation.content
    faults = content.faults if isinstance(content, Faulty) else ()
    if isinstance(content, Foreign):
        faults = (Fault(Code.FOREIGN, "", content.reason),)
    return Outcome(
        delivery=part.claim.id,
        number=part.number,
        source=part.claim.source,
        attempt=part.claim.attempt,
        state=part.state,
        pointer=part.observation.pointer,
        faults=faults,
        taken_up=part.waiting is not None,
    )


def _events(part: _Part, time: str) -> Iterator[Event]:
    for fact in part.new:
        yield fact_event(fact, part.claim.id)
    if isinstance(part.observation.content, Faulty):
        yield message_event(
            MessageState.DEAD,
            time=time,
            source=part.claim.source,
            delivery=part.claim.id,
            number=part.number,
            sha256=part.claim.fix or part.claim.sha256,
            before=part.waiting.state if part.waiting is not None else None,
            faults=part.observation.content.faults,
        )


def _read_event(progress: Progress, time: str) -> Event:
    claim = progress.claim
    return delivery_event(
        time=time,
        source=claim.source,
        delivery=claim.id,
        sha256=claim.fix or claim.sha256,
        size=claim.size,
        counts=progress.counts,
    )


def _delivery(claim: Claim, source: Source, body: bytes) -> Delivery:
    return Delivery(source, body, claim.received, claim.way, claim.headers, claim.name)
