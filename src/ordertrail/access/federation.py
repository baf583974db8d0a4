"""Signing in with another house (OpenID Connect): the journey there and back, and what its word is good for.

An account is bound to the other house's name for its person (issuer and subject), never to an e-mail address: those
are given to somebody else one day, and some houses let people write any into their profile. What the other house says
of its people's groups becomes roles by the settings alone, anew at every signing in.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from ordertrail.access.account import Account
from ordertrail.access.administration import Administration, Wanted
from ordertrail.access.entrance import TRAIL, Attempt, Entrance
from ordertrail.access.ports import House, Identity, Tickets
from ordertrail.access.principal import Known, Principal, Scope
from ordertrail.access.roles import Role, Weight, meetings
from ordertrail.access.rules import Rules
from ordertrail.access.secrets import digest
from ordertrail.access.session import Stage
from ordertrail.access.telling import NOBODY, Deed, Teller, Where
from ordertrail.access.ticket import Purpose, Ticket
from ordertrail.access.verbs import Verb
from ordertrail.kernel.clock import Clock
from ordertrail.kernel.errors import InputError, Problem

_LONGEST: Final = 4_000


@dataclass(frozen=True, slots=True)
class ClaimRules:
    """What claims give. Each key is a claim and one value of it: ``("groups", "audit-team")``.

    ``scoped`` are the claims whose values are names of tenants, channels and regions. Without a claim of tenants, all
    tenants are meant; with one that a person has no value of, none.
    """

    roles: Mapping[tuple[str, str], tuple[Role, ...]]
    tenants: str | None = None
    channels: str | None = None
    regions: str | None = None
    identities: frozenset[tuple[str, str]] = frozenset()

    def wanted(self, identity: Identity) -> Wanted:
        """Return what an identity's account is to be."""
        found = [role for claim, roles in self.roles.items() if claim in identity.claims for role in roles]
        tenants = None if self.tenants is None else _values(identity, self.tenants)
        scope = Scope(tenants, _values(identity, self.channels), _values(identity, self.regions))
        return Wanted(tuple(sorted(set(found))), scope, bool(self.identities & identity.claims))


@dataclass(frozen=True, slots=True)
class Partner:
    """Another house, and what its word gives."""

    house: House
    mapping: ClaimRules


@dataclass(frozen=True, slots=True)
class Federation:
    """Signs people in with another house."""

    partner: Partner
    entrance: Entrance
    administration: Administration
    tickets: Tickets
    teller: Teller
    rules: Rules
    clock: Clock

    @property
    def name(self) -> str:
        """What people call the other house."""
        return self.partner.house.name

    def depart(self, browser: str, target: str) -> str:
        """Begin a journey for a browser that is to arrive at ``target``; return where to send it."""
        departure = self.partner.house.depart()
        luggage = json.dumps(
            {
                "browser": digest(browser),
                "nonce": departure.nonce,
                "verifier": departure.verifier,
                "target": target,
            }
        )
        now = self.clock()
        self.tickets.sweep(now)
        self.tickets.add(
            [Ticket(digest(departure.state), Purpose.JOURNEY, None, now + self.rules.unfinished, luggage)]
        )
        return departure.url

    def arrive(
        self, browser: str, state: str, code: str, where: Where, leaving: str | None
    ) -> tuple[Attempt, str]:
        """End a journey: return the attempt and where the browser wanted to go.

        Raises InputError where the journey was not begun by this browser, or proves nothing; UnavailableError where
        the other house cannot be reached.
        """
        ticket = self.tickets.take(digest(state[:_LONGEST]), Purpose.JOURNEY, self.clock())
        luggage = None if ticket is None else json.loads(ticket.luggage)
        if luggage is None or luggage["browser"] != digest(browser):
            raise InputError(
                Problem("state", "this signing in was not begun here, or took too long"),
                meaning="Nobody was signed in.",
                remedy="Begin again at the page to sign in.",
            )
        try:
            identity = self.partner.house.arrive(code[:_LONGEST], luggage["nonce"], luggage["verifier"])
            account = self._account(identity, where)
        except InputError:
            self.teller.tell(
                Deed("access.signin.fail", NOBODY, TRAIL, where, reason=f"with {self.name}"), outcome="denied"
            )
            raise
        attempt = self.entrance.begin(account, Stage.FULL, where, f"with {self.name}", leaving)
        return attempt, luggage["target"]

    def _account(self, identity: Identity, where: Where) -> Account:
        """Return the account of an identity, made or changed to what its claims give."""
        wanted = self.partner.mapping.wanted(identity)
        if any(one.weight is Weight.REFUSED for one in meetings(wanted.roles)):
            raise _unwelcome("its groups give roles that must not meet in one person")
        account = self.administration.accounts.bound(identity.bound)
        if account is not None and not account.active:
            raise _unwelcome("the account was withdrawn")
        if not wanted.roles:
            if account is not None:
                self.administration.become(
                    account, wanted, where, _house(self.name), "its groups give no role any more"
                )
            raise _unwelcome("its groups give no role here")
        if account is None:
            name = f"{digest(identity.bound.issuer)[:8]}:{digest(identity.bound.subject)[:24]}"
            given = self.administration.add(
                _house(self.name), name, identity.title, wanted, where, bound=identity.bound
            )
            return given.account
        self.administration.become(account, wanted, where, _house(self.name), "its groups changed")
        return self.administration.accounts.get(account.id) or account


def _values(identity: Identity, claim: str | None) -> frozenset[str]:
    return frozenset(value for name, value in identity.claims if name == claim)


def _house(name: str) -> Principal:
    """Return the other house, as who gives what its claims give."""
    return Principal(
        id=f"oidc:{name}",
        kind="service",
        name=name,
        roles=(),
        verbs=frozenset({Verb.ACCOUNTS_MANAGE}),
        known=Known.LOCAL,
    )


def _unwelcome(why: str) -> InputError:
    return InputError(
        Problem("", f"you are known, but may not come in: {why}"),
        meaning="Nobody was signed in.",
        remedy="Ask who looks after this trail's accounts.",
    )
