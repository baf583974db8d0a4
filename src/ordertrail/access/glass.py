"""Breaking the glass: further rights to read in an emergency, for a short time, with a reason; everybody is told."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from ordertrail.access.account import Account
from ordertrail.access.entrance import replace_session
from ordertrail.access.ports import Sessions
from ordertrail.access.roles import BEHIND_GLASS, verbs_of
from ordertrail.access.rules import Rules
from ordertrail.access.secrets import digest, new_token
from ordertrail.access.session import Glass, Session, Stage
from ordertrail.access.telling import Deed, Teller, Where, actor_of
from ordertrail.access.verbs import Verb
from ordertrail.kernel.clock import Clock, format_time
from ordertrail.kernel.errors import InputError, Problem
from ordertrail.record.event import Change, Subject

_LEAST_REASON = 10


@dataclass(frozen=True, slots=True)
class BreakGlass:
    """Breaks glasses, and mends them early."""

    sessions: Sessions
    teller: Teller
    rules: Rules
    clock: Clock

    def take(
        self, session: Session, account: Account, verbs: Iterable[Verb], reason: str, where: Where
    ) -> tuple[str, Glass]:
        """Give a session further rights until :attr:`Rules.glass` is over; return its new token.

        Its scope stays what it was: no glass lets anybody look at another tenant. Raises InputError naming what is
        wrong: no reason, a right that is not to be had so, roles that may not, a proof of who it is that is too old.
        """
        now, taken = self.clock(), frozenset(verbs)
        problems = [Problem("verbs", f"{verb} cannot be taken so") for verb in sorted(taken - BEHIND_GLASS)]
        if not taken:
            problems.append(Problem("verbs", "names none"))
        if len(reason.strip()) < _LEAST_REASON:
            problems.append(Problem("reason", "say in a sentence why; it is kept, and others are told"))
        if session.stage is not Stage.FULL or Verb.GLASS_BREAK not in verbs_of(account.roles):
            problems.append(Problem("", "your roles do not let you break the glass"))
        elif not session.fresh(now, self.rules.fresh):
            problems.append(Problem("", "prove again who you are first, with your password"))
        if problems:
            raise InputError(problems, meaning="No right was given.")
        glass = Glass(taken, now + self.rules.glass, reason.strip())
        token = new_token()
        changes = [
            Change("/verbs", after=sorted(verb.value for verb in taken)),
            Change("/until", after=format_time(glass.until)),
        ]
        actor = replace_session(actor_of(account), session.name)
        subject = Subject("session", session.name)
        with self.teller.telling(
            Deed("access.glass.break", actor, subject, where, reason=glass.reason, changes=changes)
        ):
            self.sessions.add(replace(session, digest=digest(token), glass=glass, seen=now), session.digest)
        return token, glass

    def mend(self, session: Session) -> str:
        """Give the rights back early; return the session's new token."""
        token = new_token()
        self.sessions.add(replace(session, digest=digest(token), glass=None), session.digest)
        return token
