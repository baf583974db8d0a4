"""Passwords: which will do, and how they are kept.

Which will do, as NIST SP 800-63B (section 3.1.1.2) and OWASP ASVS (V2.1) have it: at least 12 characters and at most
200, any that Unicode has; no rule of digits and signs, no end after some months; but not one that everybody knows, that
is made of the person's own name or this program's, or that is a row of keys.

They are kept as Argon2id (RFC 9106) in its PHC string, which names its own cost, sealed under a key that is not in the
store (:class:`ordertrail.access.secrets.Box`): who steals the store has nothing to guess at.
"""

import os
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from threading import BoundedSemaphore
from typing import Final

from cryptography.exceptions import InvalidKey, UnsupportedAlgorithm
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from ordertrail.kernel.errors import ConfigurationError, InputError, Problem

SHORTEST: Final = 12
LONGEST: Final = 200
_FEW: Final = 4
"""Different characters below which a password is a pattern."""

_STOLEN: Final = """
    abc abcabc access account admin administrator amazon angel asdf asdfgh asdfghjkl asdfghjklp audit auditor
    auditpass august autumn baseball batman butterfly changeit changeme charlie chocolate company computer
    correcthorse correcthorsebatterystaple dallas december default demo dragon elephant facebook flower football
    freedom friday google guest hallo hello hunter iloveyou internet january jordan june july killer letmein
    letmeinplease linkedin liverpool login london loveme lovely manager master matrix michael microsoft monday
    money monkey mustang mypassword mysecret ninja nothing november october office opensesame oracle order
    orders pass passcode passphrase password passwort pokemon princess private qazwsx qazwsxedc qwer qwert
    qwerty qwertyuiop qwertz root samsung secret security september service shadow spring starwars summer sunday
    sunshine superman supersecret superuser support system temp temporary test testing thisisapassword trail
    trustno trustnoone tuesday unknown user username wachtwoord wednesday welcome whatever windows winter
"""
_KNOWN: Final = frozenset(_STOLEN.split())
"""What lists of stolen passwords are full of, without the digits and signs that people put around it."""

_ROWS: Final = (
    "01234567890123456789012345678901234567890",
    "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz",
    "qwertyuiopasdfghjklzxcvbnmqwertyuiop",
    "qwertzuiopasdfghjklyxcvbnmqwertzuiop",
    "1q2w3e4r5t6y7u8i9o0p",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm",
    "qazwsxedcrfvtgbyhnujm",
)
_PLAIN: Final = str.maketrans("013457@$!€", "oleastasie")
_OWN: Final = "ordertrail"


def password_problems(password: str, own: Iterable[str] = ()) -> tuple[Problem, ...]:
    """Return why a password will not do, empty where it does. ``own`` are names of its person."""
    return tuple(Problem("password", told) for told in _told(spelled(password), [*own, _OWN]))


def check_password(password: str, own: Iterable[str] = ()) -> None:
    """Raise InputError for a password that will not do, naming all that is wrong with it."""
    problems = password_problems(password, own)
    if problems:
        raise InputError(
            problems,
            meaning="The password was not set; nothing changed.",
            remedy="Take some words that belong together for nobody else, or let a password manager make one.",
        )


def spelled(password: str) -> str:
    """Return the one spelling of a password, whatever keyboard it comes from (NFKC)."""
    return unicodedata.normalize("NFKC", password)


def _told(password: str, own: Iterable[str]) -> Iterator[str]:
    if len(password) < SHORTEST:
        yield f"has {len(password)} characters; it needs at least {SHORTEST}"
    if len(password) > LONGEST:
        yield f"has {len(password)} characters; at most {LONGEST} are taken"
    if any(0xD800 <= ord(one) < 0xE000 or one == "\0" for one in password):
        yield "holds what no keyboard types"
    low = password.casefold()
    if len(set(low)) <= _FEW:
        yield f"is made of {len(set(low))} different characters"
    elif any(low in row or low in row[::-1] for row in _ROWS):
        yield "is a row of keys"
    elif _is_known(low, own):
        yield "is one that everybody tries first"


def _is_known(low: str, own: Iterable[str]) -> bool:
    """Say whether nothing is left of it but what everybody knows, its person's names, and digits and signs."""
    words = _KNOWN | {"".join(re.findall(r"[a-z]+", name.casefold())) for name in own}
    core = re.sub(r"^[\W\d_]+|[\W\d_]+$", "", low)
    for text in (low, core.translate(_PLAIN)):
        left = "".join(re.findall(r"[^\W\d_]+", text))
        if left and _made_of(left, {word for word in words if word}):
            return True
    return False


def _made_of(text: str, words: set[str]) -> bool:
    """Say whether a text is words and nothing else."""
    reached = {0}
    for end in range(1, len(text) + 1):
        if any(start in reached and text[start:end] in words for start in range(end)):
            reached.add(end)
    return len(text) in reached


@dataclass(frozen=True, slots=True)
class Cost:
    """What a try costs (RFC 9106 section 4, second recommended option): passes, lanes, and KiB of memory."""

    passes: int = 3
    lanes: int = 4
    memory: int = 64 * 1024


@dataclass(frozen=True, slots=True)
class Hasher:
    """Hashes passwords and compares them; only a few at a time, so that many who sign in cannot exhaust memory."""

    cost: Cost = field(default_factory=Cost)
    _turns: BoundedSemaphore = field(default_factory=lambda: BoundedSemaphore(4), repr=False, compare=False)

    def hash(self, password: str) -> str:
        """Return what is kept of a password."""
        cost = self.cost
        with self._turns:
            try:
                kdf = Argon2id(
                    salt=os.urandom(16),
                    length=32,
                    iterations=cost.passes,
                    lanes=cost.lanes,
                    memory_cost=cost.memory,
                )
            except UnsupportedAlgorithm:
                raise ConfigurationError(
                    "this machine's OpenSSL has no Argon2",
                    meaning="No password can be set or checked; evidence is untouched.",
                    remedy="Install the wheel of 'cryptography', which brings OpenSSL 3.2 or newer.",
                ) from None
            return kdf.derive_phc_encoded(spelled(password).encode("utf-8", "surrogatepass"))

    def is_right(self, password: str, kept: str) -> bool:
        """Say whether a password is the one that was kept."""
        with self._turns:
            try:
                Argon2id.verify_phc_encoded(spelled(password).encode("utf-8", "surrogatepass"), kept)
            except InvalidKey:
                return False
        return True

    def is_stale(self, kept: str) -> bool:
        """Say whether it was kept at another cost than new ones are."""
        cost = self.cost
        return f"$argon2id$v=19$m={cost.memory},t={cost.passes},p={cost.lanes}$" not in kept
