"""Roles: names for sets of verbs that one person's work needs, and which verbs must not meet in one person.

Separation of duties is told of verbs, not of roles, so that it holds for every set of roles and for a role that is
added later. A pair that is *refused* cannot be given together; one that is *warned* of can, and the event of giving it
says so.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from ordertrail.access.verbs import Verb
from ordertrail.kernel.errors import InputError, Problem


class Role(StrEnum):
    """What somebody's work is."""

    VIEWER = "viewer"
    AUDITOR = "auditor"
    EXPORTER = "evidence-exporter"
    TRIAGER = "alert-triager"
    RULE_AUTHOR = "rule-author"
    RULE_APPROVER = "rule-approver"
    RETENTION_OFFICER = "retention-officer"
    RETENTION_APPROVER = "retention-approver"
    INTAKE_OPERATOR = "intake-operator"
    ADMINISTRATOR = "administrator"
    RECORDER = "recorder"
    COLLECTOR = "collector"


_READING: Final = frozenset({Verb.STATUS_READ, Verb.EVENTS_SEARCH, Verb.PROOFS_READ})

ALLOWS: Final[Mapping[Role, frozenset[Verb]]] = {
    Role.VIEWER: _READING | {Verb.VIEWS_WRITE, Verb.ALERTS_READ, Verb.LINKS_READ},
    Role.AUDITOR: _READING
    | {
        Verb.VIEWS_WRITE, Verb.ACTIVITY_READ, Verb.IDENTITIES_REVEAL, Verb.INTEGRITY_CHECK, Verb.ALERTS_READ,
        Verb.RULES_READ, Verb.LINKS_READ, Verb.CASES_READ, Verb.CASES_WRITE, Verb.CASES_SIGN, Verb.RETENTION_READ,
        Verb.INTAKE_READ, Verb.SETTINGS_READ, Verb.GLASS_BREAK,
    },
    Role.EXPORTER: _READING | {Verb.VIEWS_WRITE, Verb.CASES_READ, Verb.EXPORTS_MAKE},
    Role.TRIAGER: _READING
    | {
        Verb.VIEWS_WRITE, Verb.ACTIVITY_READ, Verb.ALERTS_READ, Verb.ALERTS_TRIAGE, Verb.RULES_READ, Verb.LINKS_READ,
        Verb.LINKS_DECIDE, Verb.CASES_READ, Verb.CASES_WRITE, Verb.GLASS_BREAK,
    },
    Role.RULE_AUTHOR: _READING | {Verb.VIEWS_WRITE, Verb.ALERTS_READ, Verb.RULES_READ, Verb.RULES_WRITE},
    Role.RULE_APPROVER: _READING | {Verb.ALERTS_READ, Verb.RULES_READ, Verb.RULES_APPROVE},
    Role.RETENTION_OFFICER: frozenset({Verb.STATUS_READ, Verb.RETENTION_READ, Verb.RETENTION_WRITE}),
    Role.RETENTION_APPROVER: frozenset({Verb.STATUS_READ, Verb.RETENTION_READ, Verb.RETENTION_APPROVE}),
    Role.INTAKE_OPERATOR: frozenset(
        {Verb.STATUS_READ, Verb.METRICS_READ, Verb.INTAKE_READ, Verb.INTAKE_OPERATE}
    ),
    Role.ADMINISTRATOR: frozenset(
        {
            Verb.STATUS_READ, Verb.METRICS_READ, Verb.SETTINGS_READ, Verb.SETTINGS_WRITE, Verb.ACCOUNTS_MANAGE,
            Verb.GLASS_BREAK,
        }
    ),
    Role.RECORDER: frozenset({Verb.EVENTS_RECORD}),
    Role.COLLECTOR: frozenset({Verb.STATUS_READ, Verb.METRICS_READ}),
}  # fmt: skip
"""The matrix. Who gives rights reads no evidence, and who reads evidence gives no rights."""

PURPOSE: Final[Mapping[Role, str]] = {
    Role.VIEWER: "finds and reads events, and has them proven",
    Role.AUDITOR: "reads everything, checks the trail, keeps and signs cases",
    Role.EXPORTER: "takes evidence out, as files and bundles",
    Role.TRIAGER: "works on alerts, and decides which systems speak of one order",
    Role.RULE_AUTHOR: "writes the rules that watch the trail",
    Role.RULE_APPROVER: "approves rules that somebody else wrote",
    Role.RETENTION_OFFICER: "asks for holds, archives, purges and erasures",
    Role.RETENTION_APPROVER: "approves what somebody else asked to let go",
    Role.INTAKE_OPERATOR: "repairs and replays what did not enter",
    Role.ADMINISTRATOR: "adds people, gives roles, sets the trail up; reads no evidence",
    Role.RECORDER: "a system that records events",
    Role.COLLECTOR: "a system that collects figures",
}

BEHIND_GLASS: Final = frozenset(
    {
        Verb.EVENTS_SEARCH, Verb.ACTIVITY_READ, Verb.PROOFS_READ, Verb.IDENTITIES_REVEAL, Verb.ALERTS_READ,
        Verb.CASES_READ, Verb.LINKS_READ, Verb.INTAKE_READ,
    }
)  # fmt: skip
"""What can be taken in an emergency: to read. Nothing can be changed, let go or taken out by breaking a glass."""

NOT_BY_KEY: Final = frozenset(
    {Verb.ACCOUNTS_MANAGE, Verb.GLASS_BREAK, Verb.CASES_SIGN, Verb.RETENTION_APPROVE}
)
"""What no API key can do: it takes a person who is there."""


class Weight(StrEnum):
    """What happens where two verbs meet that should not."""

    REFUSED = "refused"
    WARNED = "warned"


@dataclass(frozen=True, slots=True)
class Separation:
    """Two verbs that should not meet in one person, and why."""

    one: Verb
    other: Verb
    weight: Weight
    why: str

    def meets(self, verbs: Iterable[Verb]) -> bool:
        """Say whether both are among them."""
        return {self.one, self.other} <= set(verbs)


SEPARATED: Final = (
    Separation(
        Verb.ACCOUNTS_MANAGE, Verb.EVENTS_SEARCH, Weight.REFUSED, "who gives rights must not read evidence"
    ),
    Separation(
        Verb.ACCOUNTS_MANAGE, Verb.RETENTION_APPROVE, Weight.REFUSED, "who gives rights must not let go"
    ),
    Separation(
        Verb.RULES_WRITE, Verb.RULES_APPROVE, Weight.REFUSED, "who writes rules must not approve them"
    ),
    Separation(
        Verb.RETENTION_WRITE, Verb.RETENTION_APPROVE, Weight.REFUSED, "who asks to let go must not approve it"
    ),
    Separation(
        Verb.RETENTION_WRITE, Verb.CASES_SIGN, Weight.REFUSED, "who signs cases must not let evidence go"
    ),
    Separation(
        Verb.EVENTS_RECORD, Verb.CASES_SIGN, Weight.REFUSED, "who signs cases must not write the evidence"
    ),
    Separation(
        Verb.RULES_WRITE, Verb.ALERTS_TRIAGE, Weight.WARNED, "who closes alerts can silence their rule"
    ),
    Separation(
        Verb.INTAKE_OPERATE, Verb.CASES_SIGN, Weight.WARNED, "who mends deliveries signs cases about them"
    ),
    Separation(
        Verb.EXPORTS_MAKE, Verb.IDENTITIES_REVEAL, Weight.WARNED, "many people's names can be taken out"
    ),
)
"""In one person, and so also in one session."""


def roles_of(names: Iterable[str]) -> tuple[Role, ...]:
    """Read the names of roles. Raises InputError naming each that is none."""
    known, problems = [], []
    for place, name in enumerate(names):
        try:
            known.append(Role(name))
        except ValueError:
            problems.append(
                Problem(f"roles.{place}", f"{name[:60]!r} is no role; there are {', '.join(Role)}")
            )
    if problems:
        raise InputError(problems)
    return tuple(dict.fromkeys(known))


def verbs_of(roles: Iterable[Role]) -> frozenset[Verb]:
    """Return what roles allow together."""
    return frozenset().union(*(ALLOWS[role] for role in roles))


def meetings(roles: Iterable[Role]) -> tuple[Separation, ...]:
    """Return the separations that roles would break together."""
    verbs = verbs_of(roles)
    return tuple(one for one in SEPARATED if one.meets(verbs))


def check_separation(roles: Iterable[Role]) -> tuple[Separation, ...]:
    """Return what is to be warned of. Raises InputError naming every pair that must not be given together."""
    met = meetings(roles)
    refused = [one for one in met if one.weight is Weight.REFUSED]
    if refused:
        raise InputError(
            [Problem("roles", f"{one.why} ({one.one} with {one.other})") for one in refused],
            meaning="The roles were not given; nothing changed.",
            remedy="Give the roles to two people.",
        )
    return met


def with_glass_broken(own: frozenset[Verb], taken: frozenset[Verb]) -> frozenset[Verb]:
    """Return what may be done while a glass is broken: what was taken, and of one's own what may stand beside it."""
    meant = own | taken
    apart = {
        verb
        for one in SEPARATED
        if one.weight is Weight.REFUSED and one.meets(meant)
        for verb in (one.one, one.other)
    }
    return meant - (apart - taken)
