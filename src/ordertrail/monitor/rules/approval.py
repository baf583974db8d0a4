"""The trail's own rules where two people are needed: what somebody saved is in force once another approved it.

What is in force is folded from the governance log, texts and all, so that a file that is changed in its folder changes
nothing; the folder holds a copy of it, which people may keep in a repository.

================  ======================================================================================================
``rule.adopt``    subject ``rule``, the file's name; /text: in force before approval was asked for, and still is
``rule.change``   /text: saved by somebody, and waits; in the place of whatever waited before
``rule.approve``  /sha256 of the text that waits, by a person who did not save it: it is in force from now on
``rule.reject``   /sha256 of the text that waits: it waits no more; whoever saved it may do so, too
================  ======================================================================================================

Adopting is done once, before anything else is said of rules: a file that is put into the folder later is never adopted.
"""

import hashlib
import hmac
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from ordertrail.kernel.clock import Clock
from ordertrail.kernel.errors import InputError
from ordertrail.monitor.governance import GovernanceLog, Told, given_reason, reason_of, said
from ordertrail.record.event import Actor, Change, Event, Subject

LARGEST: Final = 48_000
"""Bytes of the largest file of rules that waits for approval: an entry of the log holds it whole."""

_ENGINE: Final = Actor("ordertrail", "system")
_ABOUT: Final = frozenset({"rule.adopt", "rule.change", "rule.approve", "rule.reject"})


@dataclass(frozen=True, slots=True)
class WaitingRules:
    """A file of rules that somebody saved and nobody approved yet."""

    name: str
    text: str
    by: str
    at: str
    reason: str

    @property
    def sha256(self) -> str:
        """What an approval is of."""
        return digest(self.text)


@dataclass(frozen=True, slots=True)
class RuleRegister:
    """What the governance log says of the trail's own rules: texts by the names of their files."""

    in_force: Mapping[str, str] = field(default_factory=dict)
    waiting: Mapping[str, WaitingRules] = field(default_factory=dict)
    begun: bool = False
    """Whether anything was said at all."""


def digest(text: str) -> str:
    """Return the SHA-256 of a text."""
    return hashlib.sha256(text.encode()).hexdigest()


def fold(events: Iterable[Event]) -> RuleRegister:
    """Fold the governance log, in its order."""
    in_force: dict[str, str] = {}
    waiting: dict[str, WaitingRules] = {}
    begun = False
    for event in events:
        if event.action not in _ABOUT or event.outcome != "success":
            continue
        name, told = event.subject.id, said(event)
        text, known = told.get("/text"), waiting.get(name)
        match event.action:
            case "rule.adopt" if not begun and event.actor == _ENGINE:
                in_force |= {one: each for one, each in _adopted(text).items() if isinstance(each, str)}
            case "rule.change" if isinstance(text, str):
                waiting[name] = WaitingRules(name, text, event.actor.id, event.time, reason_of(event))
            case "rule.approve" if known is not None and approvable(known, event.actor, told.get("/sha256")):
                in_force[name] = waiting.pop(name).text
            case "rule.reject" if known is not None and told.get("/sha256") == known.sha256:
                del waiting[name]
        begun = True
    return RuleRegister(in_force, waiting, begun)


def approvable(waiting: WaitingRules, by: Actor, sha256: object) -> bool:
    """Say whether somebody may approve what waits: a person, of that very text, and not who saved it."""
    return (
        by.kind == "person"
        and by.id != waiting.by
        and isinstance(sha256, str)
        and hmac.compare_digest(sha256, waiting.sha256)
    )


@dataclass(frozen=True, slots=True)
class Approvals:
    """Approval of the trail's own rules, by its parts. ``required`` says whether it is asked for now."""

    log: GovernanceLog
    required: Callable[[], bool]
    clock: Clock

    def register(self, files: Callable[[], Mapping[str, str]]) -> RuleRegister:
        """Return what is in force and what waits; what ``files`` has is adopted where nothing was ever said."""
        found = fold(self.log.events())
        texts = {} if found.begun else dict(files())
        if not texts:
            return found
        changes = [Change("/text", after=texts)]
        reason = "in force before approval was asked for"
        self._told.tell("rule.adopt", _ENGINE, Subject("rule", "all"), reason, changes)
        return fold(self.log.events())

    def propose(self, name: str, text: str, by: Actor, reason: str) -> WaitingRules:
        """Have a text wait for somebody's approval."""
        size = len(text.encode())
        if size > LARGEST:
            raise InputError(f"{name} has {size:,} bytes; {LARGEST:,} are the most that is approved at once")
        changes = [Change("/text", after=text), Change("/sha256", after=digest(text))]
        self._told.tell("rule.change", by, Subject("rule", name), given_reason(reason), changes)
        return self._waiting(name)

    def approve(self, name: str, sha256: str, by: Actor, reason: str) -> str:
        """Put in force what waits under a name, if it is that very text; return it."""
        reason, waiting = given_reason(reason), self._waiting(name)
        subject = Subject("rule", name)
        if not approvable(waiting, by, sha256):
            why = f"{by.id} saved {name}" if by.id == waiting.by else f"{by.id} is no person"
            if sha256 != waiting.sha256:
                why = f"what waits as {name} is {waiting.sha256[:12]}, not {sha256[:12]}"
            remedy = "Look at what waits, and have another person approve it."
            raise self._told.refused(
                "rule.approve", by, subject, f"{why}; another person approves it", remedy
            )
        self._told.tell("rule.approve", by, subject, reason, [Change("/sha256", after=sha256)])
        return waiting.text

    def reject(self, name: str, by: Actor, reason: str) -> None:
        """Turn down what waits under a name, or take it back."""
        reason, waiting = given_reason(reason), self._waiting(name)
        self._told.tell(
            "rule.reject", by, Subject("rule", name), reason, [Change("/sha256", after=waiting.sha256)]
        )

    @property
    def _told(self) -> Told:
        return Told(self.log, self.clock)

    def _waiting(self, name: str) -> WaitingRules:
        found = fold(self.log.events()).waiting.get(name)
        if found is None:
            raise InputError(
                f"no rules wait under the name {name[:80]!r}",
                remedy="See which do with 'ordertrail watch waiting'.",
            )
        return found


def _adopted(text: object) -> Mapping[str, object]:
    return text if isinstance(text, dict) else {}
