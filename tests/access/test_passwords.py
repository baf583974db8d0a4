"""Passwords that everybody tries do not do; what is kept of the others tells nothing."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ordertrail.access.passwords import LONGEST, SHORTEST, Cost, Hasher, password_problems
from ordertrail.access.secrets import Box
from ordertrail.kernel.errors import ConfigurationError


@pytest.mark.parametrize(
    "password",
    [
        "short", "password1234", "P@ssw0rd2026!", "qwertyuiop123", "123456789012", "210987654321", "aaaaaaaaaaaa",
        "abababababab", "Welcome2026!!", "letmein-letmein", "correcthorsebatterystaple", "1q2w3e4r5t6y",
        "ORDERTRAIL-2026",
        "ana.lima-2026", "anaLIMA!anaLIMA", "Summer2026!Summer", "admin-password-1", "x" * (LONGEST + 1),
        "nul\0nul\0nul\0nul",
    ],
)  # fmt: skip
def test_what_everybody_tries_is_refused(password: str) -> None:
    """Common ones, in any dress; rows of keys; patterns; one's own name; what is too short or too long."""
    assert password_problems(password, ("ana.lima", "Ana Lima"))


@pytest.mark.parametrize(
    "password",
    ["nineteen copper kettles sing", "vT8#qLm2!zRw", "πάντα ῥεῖ καὶ οὐδὲν μένει", "the administrator eats plums",
     "🐙🐘🦊🐝🦉🐌🦂🐢🐬🦔🐇🦆"],
)  # fmt: skip
def test_what_is_hard_to_guess_is_taken(password: str) -> None:
    """Words, signs, any language; no rule of digits and capitals (NIST SP 800-63B)."""
    assert not password_problems(password, ("ana.lima", "Ana Lima"))


@given(st.text(max_size=SHORTEST - 1))
def test_nothing_short_is_taken(password: str) -> None:
    """Whatever it is made of. NFKC may spell a text longer; what counts is its one spelling."""
    problems = password_problems(password)
    assert problems or len(password) < SHORTEST


def test_a_hash_is_right_for_its_password_alone() -> None:
    """However a keyboard composes its letters; and two hashes of one password differ."""
    hasher = Hasher(Cost(1, 1, 64))
    kept = hasher.hash("café crème brûlée")
    assert hasher.is_right("cafe\u0301 cre\u0300me bru\u0302le\u0301e", kept)
    assert not hasher.is_right("cafe creme brulee", kept)
    assert not hasher.is_right("", kept)
    assert kept != hasher.hash("café crème brûlée")


def test_the_cost_is_that_of_the_standard_and_named_in_the_hash() -> None:
    """RFC 9106, section 4, second recommended option; a cheaper hash is stale."""
    assert Hasher().hash("nineteen copper kettles sing").startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert Hasher().is_stale(Hasher(Cost(1, 1, 64)).hash("x"))
    assert not Hasher(Cost(1, 1, 64)).is_stale(Hasher(Cost(1, 1, 64)).hash("x"))


@given(st.binary(max_size=60), st.integers(min_value=0), st.integers(min_value=0, max_value=7))
def test_a_box_opens_for_its_owner_and_unchanged(plain: bytes, place: int, bit: int) -> None:
    """Not for another account, not under another key, and not with any bit of it changed."""
    box = Box(b"k" * 32)
    sealed = box.seal(plain, "p-1")
    assert box.open(sealed, "p-1") == plain
    changed = bytearray(sealed)
    changed[place % len(sealed)] ^= 1 << bit
    for other, what, owner in (
        (box, sealed, "p-2"),
        (Box(os.urandom(32)), sealed, "p-1"),
        (box, bytes(changed), "p-1"),
    ):
        with pytest.raises(ConfigurationError):
            other.open(what, owner)


def test_what_is_no_box_does_not_open() -> None:
    """Nothing, and less than a nonce."""
    for junk in (b"", b"x" * 11, b"x" * 27):
        with pytest.raises(ConfigurationError):
            Box(b"k" * 32).open(junk, "p-1")
