"""What people do with what has not entered: mend it and give it back, release it, discard it; one, or all of a cause.

The delivered bytes are never changed. A fix is other bytes beside them, by their own SHA-256; the event of the giving
back names both, and who did it and why. What is given back is decided again from the start, by the rules and mappings
of then: where these alone were mended, it is given back as it came.

Bulk goes page by page, at a rate, and can be ended between any two letters; a dry run changes nothing and says what
would be done. Each letter is its own transaction with its event: where it stops, what was done is done.
"""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace

from ordertrail.intake.events import message_event
from ordertrail.intake.ports import Approval, Bodies, Change, Desk, Letter, Query
from ordertrail.intake.receiving import INLINE
from ordertrail.intake.states import OPEN, MessageState
from ordertrail.kernel.clock import Clock, format_time
from ordertrail.kernel.errors import InputError
from ordertrail.record.event import Actor
from ordertrail.record.event import Change as Told

_PAGE = 200


@dataclass(frozen=True, slots=True)
class Fix:
    """What is put in the place of what came: other bytes for all of it, or some bytes for some, wherever they stand."""

    body: bytes | None = None
    old: bytes = b""
    new: bytes = b""

    def apply(self, body: bytes) -> bytes:
        """Return the mended bytes. Raises InputError where the fix changes nothing."""
        mended = (
            self.body if self.body is not None else body.replace(self.old, self.new) if self.old else body
        )
        if mended == body:
            raise InputError("the fix changes nothing of what came; nothing was given back")
        if len(mended) > INLINE:
            raise InputError(
                f"{len(mended):,} bytes are mended; a fix has at most {INLINE:,}: send it as a new delivery"
            )
        return mended


@dataclass(frozen=True, slots=True)
class Bulk:
    """What became of a bulk: how many letters fitted, how many were given back, and how many somebody else had."""

    fitting: int = 0
    done: int = 0
    passed_by: int = 0
    unmended: int = 0
    """The fix changed nothing of them."""
    cancelled: bool = False


@dataclass(frozen=True, slots=True)
class Repair:
    """The desk with its rules. ``actor`` is who does it; each act needs a reason."""

    desk: Desk
    bodies: Bodies
    clock: Clock

    def replay(self, letter: Letter, actor: Actor, reason: str, fix: Fix | None = None) -> bool:
        """Give a letter back, mended or as it came; False where it is not as it was seen any more."""
        _require(letter, reason)
        body = None if fix is None else fix.apply(self._body(letter))
        return self._change(letter, MessageState.REPLAYED, actor, reason, body=body)

    def release(self, letter: Letter, actor: Actor, reason: str) -> bool:
        """Let a held letter through: what it was held for is approved, all else still counts."""
        _require(letter, reason)
        if letter.state is not MessageState.HELD:
            raise InputError(
                f"the message is {letter.state}, not held; what cannot enter is mended, not approved"
            )
        return self._change(letter, MessageState.REPLAYED, actor, reason, approved=True)

    def discard(self, letter: Letter, actor: Actor, reason: str) -> bool:
        """Decide that a letter shall not enter; it is kept, and so is why."""
        _require(letter, reason)
        return self._change(letter, MessageState.DISCARDED, actor, reason)

    def replay_all(  # noqa: PLR0913 - what is to be done, by whom, and how
        self,
        query: Query,
        actor: Actor,
        reason: str,
        *,
        fix: Fix | None = None,
        dry_run: bool = False,
        pause: Callable[[], bool] = lambda: True,
    ) -> Bulk:
        """Give back all letters that a query finds, one after the other.

        ``pause`` is called between two letters; it waits as long as the rate wants, and returns False to end the bulk.
        """
        bulk = Bulk()
        for letter in self._all(query):
            if bulk.fitting and not dry_run and not pause():
                return replace(bulk, cancelled=True)
            bulk = replace(bulk, fitting=bulk.fitting + 1)
            if dry_run:
                continue
            try:
                done = self.replay(letter, actor, reason, fix)
            except InputError:
                bulk = replace(bulk, unmended=bulk.unmended + 1)
                continue
            bulk = replace(bulk, done=bulk.done + done, passed_by=bulk.passed_by + (not done))
        return bulk

    def original(self, letter: Letter) -> bytes:
        """Return the delivered bytes of a letter, as they came."""
        with self._opened(letter.sha256) as body:
            return bytes(body)

    def _all(self, query: Query) -> Iterator[Letter]:
        page = replace(query, limit=_PAGE)
        while letters := self.desk.letters(page):
            yield from letters
            page = replace(page, after=(letters[-1].delivery, letters[-1].number))

    def _body(self, letter: Letter) -> bytes:
        with self._opened(letter.fix or letter.sha256) as body:
            if len(body) > INLINE:
                raise InputError(
                    f"the delivery has {len(body):,} bytes; what is larger than {INLINE:,} is mended as a new delivery"
                )
            return bytes(body)

    def opened(self, letter: Letter) -> AbstractContextManager[bytes]:
        """Open the bytes of a letter's delivery as they came. Raises EvidenceError if they are gone."""
        return self._opened(letter.sha256)

    @contextmanager
    def _opened(self, sha256: str) -> Iterator[bytes]:
        kept = self.desk.body(sha256)
        if kept is not None:
            yield kept
            return
        with self.bodies.open(sha256) as body:
            yield body

    def _change(  # noqa: PLR0913 - what is done, by whom, and why
        self,
        letter: Letter,
        state: MessageState,
        actor: Actor,
        reason: str,
        *,
        body: bytes | None = None,
        approved: bool = False,
    ) -> bool:
        time = format_time(self.clock())
        fix = None if body is None else hashlib.sha256(body).hexdigest()
        more = (
            [] if fix is None else [Told("/fix", letter.fix, fix) if letter.fix else Told("/fix", after=fix)]
        )
        more += [Told("/approved", after=True)] if approved else []
        event = message_event(
            state,
            time=time,
            source=letter.source,
            delivery=letter.delivery,
            number=letter.number,
            sha256=letter.sha256,
            order=letter.order,
            before=letter.state,
            actor=actor,
            reason=reason,
            more=more,
        )
        approval = Approval(actor.id, reason) if approved else None
        return self.desk.change([Change(letter, state, event, fix, body, approval)], time)[0]


def _require(letter: Letter, reason: str) -> None:
    if letter.state not in OPEN:
        raise InputError(
            f"the message is {letter.state}; only what is {', '.join(sorted(OPEN))} waits for anybody"
        )
    if not reason.strip():
        raise InputError("there is no reason; say why, and it is recorded with the act")
