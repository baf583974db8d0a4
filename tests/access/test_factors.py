"""The second factor: others' codes, used once; recovery codes; and how it is set up."""

from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from access.desk import HERE, Desk
from ordertrail.access.entrance import Admitted
from ordertrail.access.roles import Role
from ordertrail.access.rules import Rules
from ordertrail.access.service import local_principal
from ordertrail.access.totp import address, code_at, new_secret, spelled, step_of, used_step
from ordertrail.kernel.errors import InputError

RFC_6238 = [
    (59, "94287082"), (1111111109, "07081804"), (1111111111, "14050471"), (1234567890, "89005924"),
    (2000000000, "69279037"), (20000000000, "65353130"),
]  # fmt: skip


@pytest.mark.parametrize(("seconds", "code"), RFC_6238)
def test_codes_are_those_of_the_standard(seconds: int, code: str) -> None:
    """RFC 6238, appendix B, SHA-1; we show the last six of its eight digits."""
    moment = datetime.fromtimestamp(seconds, UTC)
    assert code_at(b"12345678901234567890", step_of(moment)) == code[2:]


@given(st.integers(min_value=1, max_value=1 << 40), st.integers(min_value=-4, max_value=4))
def test_a_code_is_good_around_its_step_and_once(step: int, distance: int) -> None:
    """One step before and after, for clocks that disagree; never at or before the last one used."""
    secret = b"12345678901234567890"
    moment = datetime.fromtimestamp(min(step, 8_000_000_000) * 30 + 7, UTC)
    now = step_of(moment)
    code = code_at(secret, max(0, now + distance))
    found = used_step(secret, f" {code[:3]} {code[3:]} ", moment, 0)
    if found is not None:
        assert abs(found - now) <= 1
        assert code_at(secret, found) == code
        assert used_step(secret, code, moment, found) in {None, found + 1, found + 2}
    else:
        assert abs(distance) > 1 or now + distance <= 0


@pytest.mark.parametrize("typed", ["", "12345", "1234567", "12345a", "١٢٣٤٥٦", "-12345", "0x1234"])
def test_what_is_no_code_is_none(typed: str) -> None:
    """Six digits of ASCII."""
    assert used_step(b"12345678901234567890", typed, datetime.fromtimestamp(59, UTC), 0) is None


def test_authenticators_read_the_address() -> None:
    """Secret, issuer and account stand where they look for them."""
    secret = new_secret()
    told = urlsplit(address(secret, "ana&lima?x"))
    assert (told.scheme, told.netloc, told.path) == ("otpauth", "totp", "/OrderTrail:ana%26lima%3Fx")
    said = parse_qs(told.query)
    assert said["secret"] == [spelled(secret).replace(" ", "")]
    assert said["issuer"] == ["OrderTrail"]


def _enrolled(desk: Desk) -> tuple[str, bytes, tuple[str, ...]]:
    """Set up a second factor of ana's; return a token that waits for it, its secret and its codes."""
    account = desk.person("ana", Role.AUDITOR)
    offer = desk.access.factors.offer(account)
    secret = desk.access.factors._offered(account, offer.sealed)
    codes = desk.access.factors.enrol(account, offer.sealed, code_at(secret, step_of(desk.now)), HERE)
    attempt = desk.access.entrance.sign_in("ana", "nineteen copper kettles sing", HERE)
    assert attempt.admitted is Admitted.SECOND
    assert attempt.token is not None
    return attempt.token, secret, codes


def _second(desk: Desk, token: str, typed: str) -> Admitted:
    found = desk.session(token)
    return desk.access.entrance.second_factor(found.session, found.account, typed, HERE).admitted


def test_half_signed_in_is_nobody() -> None:
    """With the password alone no address opens; after some minutes it begins anew."""
    desk = Desk()
    token, _, _ = _enrolled(desk)
    assert desk.session(token).who is None
    desk.wait(minutes=5)
    assert desk.known(token) is None


def test_a_code_is_good_once() -> None:
    """The one that was used to set up, and the one that signed in, sign nobody in again."""
    desk = Desk()
    token, secret, _ = _enrolled(desk)
    used = code_at(secret, step_of(desk.now))
    assert _second(desk, token, used) is Admitted.REFUSED
    desk.wait(seconds=30)
    fresh = code_at(secret, step_of(desk.now))
    assert _second(desk, token, fresh) is Admitted.IN
    again = desk.access.entrance.sign_in("ana", "nineteen copper kettles sing", HERE)
    assert again.token is not None
    assert _second(desk, again.token, fresh) is Admitted.REFUSED


def test_a_recovery_code_is_good_once_however_it_is_typed() -> None:
    """With other letters' case, and without its dashes."""
    desk = Desk()
    token, _, codes = _enrolled(desk)
    assert len(set(codes)) == 10
    assert _second(desk, token, codes[0].upper().replace("-", " ")) is Admitted.IN
    account = desk.stores.accounts.named("ana")
    assert account is not None
    assert desk.access.factors.codes_left(account) == 9
    again = desk.access.entrance.sign_in("ana", "nineteen copper kettles sing", HERE)
    assert again.token is not None
    assert _second(desk, again.token, codes[0]) is Admitted.REFUSED
    new = desk.access.factors.renew_codes(account, HERE)
    assert _second(desk, again.token, codes[1]) is Admitted.REFUSED
    assert _second(desk, again.token, new[0]) is Admitted.IN


def test_codes_are_guessed_no_faster_than_passwords() -> None:
    """After a few wrong ones it is not even looked at the right one."""
    desk = Desk()
    token, secret, _ = _enrolled(desk)
    desk.wait(seconds=60)
    right = code_at(secret, step_of(desk.now))
    wrong = f"{(int(right) + 1) % 1_000_000:06}"
    tried = [_second(desk, token, wrong) for _ in range(6)]
    assert tried == [Admitted.REFUSED] * 4 + [Admitted.WAIT] * 2
    assert _second(desk, token, right) is Admitted.WAIT


def test_a_factor_is_set_up_with_its_own_offer_and_once() -> None:
    """Not with a wrong code, a forged offer, or one that was made for somebody else; and not over another one."""
    desk = Desk()
    ana, bob = desk.person("ana", Role.AUDITOR), desk.person("bob", Role.VIEWER)
    offer, other = desk.access.factors.offer(ana), desk.access.factors.offer(bob)
    secret = desk.access.factors._offered(ana, offer.sealed)
    code = code_at(secret, step_of(desk.now))
    wrong = f"{(int(code) + 1) % 1_000_000:06}"
    for sealed, typed in (
        (offer.sealed, wrong),
        (other.sealed, code),
        ("00" * 40, code),
        ("zz", code),
        ("", code),
    ):
        with pytest.raises(InputError):
            desk.access.factors.enrol(ana, sealed, typed, HERE)
    desk.access.factors.enrol(ana, offer.sealed, code, HERE)
    kept = desk.stores.accounts.get(ana.id)
    assert kept is not None
    with pytest.raises(InputError, match="already"):
        desk.access.factors.enrol(kept, offer.sealed, code, HERE)


def test_where_a_second_factor_is_required_it_comes_first() -> None:
    """Who has none sets one up before anything opens; its secret is not in what is told."""
    desk = Desk(rules=Rules(second_factor=True))
    account = desk.person("ana", Role.AUDITOR)
    attempt = desk.access.entrance.sign_in("ana", "nineteen copper kettles sing", HERE)
    assert attempt.admitted is Admitted.ENROL
    assert desk.session(attempt.token).who is None
    offer = desk.access.factors.offer(account)
    assert offer.secret.replace(" ", "") not in str(desk.told)


def test_a_lost_factor_is_taken_away_by_others() -> None:
    """Not by its own person, who might be a thief; its recovery codes go with it, and everybody is signed out."""
    desk = Desk()
    token, _, codes = _enrolled(desk)
    assert _second(desk, token, codes[0]) is Admitted.IN
    desk.person("root", Role.ADMINISTRATOR)
    desk.access.people.forget_factor(desk.who("root"), "ana", HERE, "lost her telephone")
    assert desk.access.entrance.sign_in("ana", "nineteen copper kettles sing", HERE).admitted is Admitted.IN
    account = desk.stores.accounts.named("ana")
    assert account is not None
    assert desk.access.factors.codes_left(account) == 0
    with pytest.raises(InputError, match=r"themselves|their own"):
        desk.access.people.forget_factor(desk.who("root"), "root", HERE, "lost mine")
    desk.access.people.forget_factor(local_principal(), "root", HERE, "by the command line")
