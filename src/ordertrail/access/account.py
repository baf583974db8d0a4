"""An account: a person or a service that may come in, with what it may do and how it proves who it is."""

import re
import secrets
import unicodedata
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

from ordertrail.access.principal import Scope
from ordertrail.access.roles import Role
from ordertrail.kernel.errors import InputError, Problem

_NAME: Final = re.compile(r"[^\s\x00-\x1f\x7f]{1,100}")
_LONGEST: Final = 200


class Kind(StrEnum):
    """Who it is; the words of :data:`ordertrail.record.event.ActorKind`."""

    PERSON = "person"
    SERVICE = "service"


class AccountState(StrEnum):
    """Whether it may come in."""

    ACTIVE = "active"
    WITHDRAWN = "withdrawn"
    """It may not, by any way; what it did stays its own, so an account is never removed."""


@dataclass(frozen=True, slots=True)
class Bound:
    """Whom another house knows an account as: ``subject`` is pinned to ``issuer``; neither is an e-mail address."""

    issuer: str
    subject: str


@dataclass(frozen=True, slots=True)
class Account:
    """An account as it is kept.

    ``id`` is opaque and never used again; it is what events know. ``name`` is what is typed to sign in, in one
    spelling (:func:`fold_name`). ``password`` and ``totp`` are sealed (:class:`ordertrail.access.secrets.Box`);
    ``totp_step`` is the last time step whose code was used (RFC 6238). ``version`` counts changes: who writes names
    the one that was read.
    """

    id: str
    name: str
    title: str
    kind: Kind = Kind.PERSON
    roles: tuple[Role, ...] = ()
    scope: Scope = field(default_factory=Scope)
    sees_identities: bool = False
    state: AccountState = AccountState.ACTIVE
    password: bytes | None = field(default=None, repr=False)
    totp: bytes | None = field(default=None, repr=False)
    totp_step: int = 0
    bound: Bound | None = None
    created: str = ""
    version: int = 0

    @property
    def active(self) -> bool:
        """Whether it may come in."""
        return self.state is AccountState.ACTIVE

    def changed(self) -> "Account":
        """Return it with the next version."""
        return replace(self, version=self.version + 1)


def new_account_id(kind: Kind) -> str:
    """Return an id that nobody has: ``p-`` for people, ``s-`` for services, and 60 random bits."""
    return f"{kind.value[0]}-{secrets.randbits(60):015x}"


def fold_name(name: str) -> str:
    """Return the one spelling under which a name is known: names that look alike in any case are one (NFKC).

    Folding and composing are repeated until nothing changes any more; a few letters need it twice.
    """
    before, folded = None, name
    while folded != before:
        before = folded
        folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", folded).casefold()).strip()
    return folded


def checked_name(name: str) -> str:
    """Return the one spelling of a new account's name. Raises InputError for what is no name."""
    folded = fold_name(name)
    if not _NAME.fullmatch(folded) or not folded.isprintable():
        raise InputError(Problem("name", "is 1 to 100 characters without spaces, such as ana.lima"))
    return folded


def checked_title(title: str) -> str:
    """Return what people are shown for an account. Raises InputError for what is not one line of text."""
    told = title.strip()
    if not 0 < len(told) <= _LONGEST or not told.isprintable():
        raise InputError(Problem("title", f"is one line of 1 to {_LONGEST} characters"))
    return told
