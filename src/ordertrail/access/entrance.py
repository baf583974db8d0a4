"""Coming in with a password, and a second factor where there is one; and going out again.

::

    (nobody) ──password──▶ SECOND ──code or recovery code──▶ FULL ──▶ signed out, idle too long, or over
                   ├─────▶ ENROL ──first code of a new factor──▶ FULL
                   └─────▶ FULL

Every arrow makes a new token. What is told to somebody who is refused is the same whatever was wrong, and takes the
same work: a name that nobody has is compared with a password that nobody knows.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from ordertrail.access.account import Account, fold_name
from ordertrail.access.passwords import LONGEST, Hasher
from ordertrail.access.ports import Accounts, Attempts, Sessions, Tickets
from ordertrail.access.rules import Rules
from ordertrail.access.secrets import Box, digest, new_token
from ordertrail.access.session import Session, Stage
from ordertrail.access.telling import NOBODY, Deed, Teller, Where, actor_of
from ordertrail.access.throttle import FORGOTTEN, Buckets, buckets
from ordertrail.access.ticket import Purpose, recovery_digest
from ordertrail.access.totp import used_step
from ordertrail.kernel.clock import Clock
from ordertrail.record.event import Actor, Subject

TRAIL: Final = Subject("trail", "trail")
_LONGEST_NAME: Final = 400


class Admitted(StrEnum):
    """How a try to come in ended."""

    IN = "in"
    SECOND = "second"
    """The code of the second factor is asked for."""
    ENROL = "enrol"
    """A second factor is to be set up first."""
    REFUSED = "refused"
    WAIT = "wait"
    """Too many tries; nothing was looked at."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """What became of a try: the new token where somebody got further, or how many seconds to wait."""

    admitted: Admitted
    token: str | None = field(default=None, repr=False)
    wait: int = 0


@dataclass(frozen=True, slots=True)
class Entrance:
    """Lets people in."""

    accounts: Accounts
    sessions: Sessions
    tickets: Tickets
    attempts: Attempts
    hasher: Hasher
    box: Box
    teller: Teller
    rules: Rules
    clock: Clock
    nobody: Callable[[], str] = field(repr=False)
    """Returns the hash of a password that nobody knows, at the same cost as all; made when it is first asked for."""

    def sign_in(self, name: str, password: str, where: Where, leaving: str | None = None) -> Attempt:
        """Try a name and a password. ``leaving`` is the token that the browser came with; it is good no more."""
        now = self.clock()
        typed = fold_name(name[:_LONGEST_NAME])
        tried = buckets(typed, where.ip)
        wait = self._wait(tried, now)
        if wait is not None:
            return wait
        account = self.accounts.named(typed)
        if not self._knows(account, password) or account is None:
            return self._refused(account, where, "password")
        self._right(tried)
        self._renew_hash(account, password)
        stage = Stage.SECOND if account.totp else Stage.ENROL if self.rules.second_factor else Stage.FULL
        return self.begin(account, stage, where, "password", leaving)

    def second_factor(self, session: Session, account: Account, typed: str, where: Where) -> Attempt:
        """Try a code, or a recovery code, for a session that waits for one."""
        now = self.clock()
        tried = buckets(f"\0second\0{account.id}", where.ip)
        wait = self._wait(tried, now)
        if wait is not None:
            return wait
        if session.stage is not Stage.SECOND or account.totp is None:
            return self._refused(account, where, "second factor")
        step = used_step(self.box.open(account.totp, account.id), typed[:40], now, account.totp_step)
        if step is not None and self.accounts.put(replace(account, totp_step=step).changed()):
            how = "password and code"
        elif self._recovers(account, typed, now):
            how = "password and recovery code"
        else:
            return self._refused(account, where, "second factor")
        self._right(tried)
        return self.begin(account, Stage.FULL, where, how, session)

    def prove_again(self, session: Session, account: Account, password: str, where: Where) -> Attempt:
        """Let somebody who is signed in prove again, with the password, that it is still they."""
        tried = buckets(account.name, where.ip)
        wait = self._wait(tried, self.clock())
        if wait is not None:
            return wait
        if not self._knows(account, password):
            return self._refused(account, where, "password")
        self._right(tried)
        return self.begin(account, session.stage, where, "password again", session)

    def begin(
        self, account: Account, stage: Stage, where: Where, how: str, before: Session | str | None
    ) -> Attempt:
        """Begin a session under a new token. A session that was ``before`` goes on in it; a token only ends."""
        now, token = self.clock(), new_token()
        left: str | None = None
        if isinstance(before, Session):
            left, created = before.digest, before.created if before.stage is stage else now
            session = replace(
                before, digest=digest(token), stage=stage, created=created, proven=now, seen=now
            )
        else:
            left = None if before is None else digest(before)
            session = Session(digest(token), f"web-{new_token()[:12]}", account.id, stage, now, now, now)
        if stage is Stage.FULL:
            actor = replace_session(actor_of(account), session.name)
            with self.teller.telling(Deed("access.signin", actor, TRAIL, where, how)):
                self.sessions.add(session, left)
            self._tidy(account, now)
            return Attempt(Admitted.IN, token)
        self.sessions.add(session, left)
        return Attempt(Admitted(stage.value), token)

    def sign_out(self, session: Session, account: Account, where: Where, *, everywhere: bool = False) -> int:
        """End a session, or all of its account; return how many."""
        ended = [one.digest for one in self.sessions.of(account.id)] if everywhere else [session.digest]
        actor = replace_session(actor_of(account), session.name)
        with self.teller.telling(
            Deed("access.signout", actor, TRAIL, where, reason="everywhere" if everywhere else "")
        ):
            self.sessions.drop(*ended)
        return len(ended)

    def _tidy(self, account: Account, now: datetime) -> None:
        """Forget what is good for nothing any more: so nothing grows but by those who come in."""
        ended = [one.digest for one in self.sessions.of(account.id) if not one.alive(now, self.rules)]
        self.sessions.drop(*ended)
        self.tickets.sweep(now)
        self.attempts.sweep(now - FORGOTTEN)

    def _knows(self, account: Account | None, password: str) -> bool:
        """Say whether somebody who may come in knows the password. It is the same work whoever asks."""
        kept, nobody = None, self.nobody()
        if account is not None and account.password is not None:
            kept = self.box.open(account.password, account.id).decode()
        right = self.hasher.is_right(password[:LONGEST], kept or nobody) and len(password) <= LONGEST
        return right and kept is not None and account is not None and account.active

    def _renew_hash(self, account: Account, password: str) -> None:
        """Keep the password at today's cost. Who was faster did the same."""
        assert account.password is not None  # noqa: S101 - it was just right
        if self.hasher.is_stale(self.box.open(account.password, account.id).decode()):
            kept = self.box.seal(self.hasher.hash(password).encode(), account.id)
            self.accounts.put(replace(account, password=kept).changed())

    def _recovers(self, account: Account, typed: str, now: datetime) -> bool:
        code = recovery_digest(account.id, typed[:60])
        ticket = self.tickets.take(code, Purpose.RECOVERY, now)
        return ticket is not None and ticket.account == account.id

    def _wait(self, tried: Buckets, now: datetime) -> Attempt | None:
        until = self.attempts.begin(tried.all, now)
        if until is None:
            return None
        return Attempt(Admitted.WAIT, wait=max(1, int((until - now).total_seconds()) + 1))

    def _right(self, tried: Buckets) -> None:
        self.attempts.succeeded((tried.place, tried.name), (tried.address,))

    def _refused(self, account: Account | None, where: Where, what: str) -> Attempt:
        """Tell the trail; the one who tried is told nothing."""
        actor = NOBODY if account is None else actor_of(account)
        self.teller.tell(Deed("access.signin.fail", actor, TRAIL, where, reason=what), outcome="denied")
        return Attempt(Admitted.REFUSED)


def replace_session(actor: Actor, session: str) -> Actor:
    """Return who acts in a session."""
    return Actor(actor.id, actor.kind, actor.roles, actor.on_behalf_of, session)
