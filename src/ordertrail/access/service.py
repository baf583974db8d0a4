"""Access: all of its parts, as programs are handed them."""

import getpass
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from ordertrail.access.administration import Administration
from ordertrail.access.entrance import Entrance
from ordertrail.access.factors import Factors
from ordertrail.access.federation import Federation, Partner
from ordertrail.access.glass import BreakGlass
from ordertrail.access.keyring import KeyRing
from ordertrail.access.passwords import Hasher
from ordertrail.access.ports import Accounts, ApiKeys, Attempts, Sessions, Tickets
from ordertrail.access.principal import Known, Principal
from ordertrail.access.recognising import Recognising
from ordertrail.access.rules import Rules
from ordertrail.access.secrets import Box, new_token
from ordertrail.access.telling import Record, Teller
from ordertrail.access.verbs import Verb
from ordertrail.kernel.clock import Clock


@dataclass(frozen=True, slots=True)
class Stores:
    """What is kept of access."""

    accounts: Accounts
    sessions: Sessions
    keys: ApiKeys
    tickets: Tickets
    attempts: Attempts


@dataclass(frozen=True, slots=True)
class Access:
    """Who may do what.

    ::

        access.recognising.by_key("ot_…")             # a principal, or None
        access.entrance.sign_in(name, password, where)  # a token, or a refusal
        access.people.add(who, name, title, wanted, where)
    """

    recognising: Recognising
    entrance: Entrance
    people: Administration
    keyring: KeyRing
    factors: Factors
    glass: BreakGlass
    teller: Teller
    rules: Rules
    federation: Federation | None = None

    def names(self) -> Mapping[str, str]:
        """Return what people call each account, by its id: for those who see identities."""
        return {one.id: one.title for one in self.people.accounts.every()}


@dataclass(frozen=True, slots=True)
class Outside:
    """What access is put on: stores, the box of its secrets, the trail's door, and the time."""

    stores: Stores
    box: Box
    record: Record
    clock: Clock


def build_access(
    outside: Outside, rules: Rules, *, hasher: Hasher | None = None, partner: Partner | None = None
) -> Access:
    """Put access together; ``partner`` is another house that people sign in with."""
    hasher = hasher or Hasher()
    stores, box, clock = outside.stores, outside.box, outside.clock
    teller = Teller(outside.record, clock)
    accounts, sessions, tickets = stores.accounts, stores.sessions, stores.tickets
    nobody = cache(lambda: hasher.hash(new_token()))
    entrance = Entrance(
        accounts, sessions, tickets, stores.attempts, hasher, box, teller, rules, clock, nobody
    )
    people = Administration(accounts, sessions, tickets, hasher, box, teller, rules, clock)
    federation = None
    if partner is not None:
        federation = Federation(partner, entrance, people, tickets, teller, rules, clock)
    return Access(
        recognising=Recognising(accounts, sessions, stores.keys, rules, clock),
        entrance=entrance,
        people=people,
        keyring=KeyRing(accounts, stores.keys, teller, clock),
        factors=Factors(accounts, tickets, box, teller, clock),
        glass=BreakGlass(sessions, teller, rules, clock),
        teller=teller,
        rules=rules,
        federation=federation,
    )


def local_principal() -> Principal:
    """Return whoever runs the command line: they hold the trail's directory, and with it everything in it."""
    return Principal(
        id=getpass.getuser(),
        kind="person",
        name=getpass.getuser(),
        roles=(),
        verbs=frozenset(Verb),
        sees_identities=True,
        known=Known.LOCAL,
    )
