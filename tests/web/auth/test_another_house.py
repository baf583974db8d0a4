"""Signing in with OpenID Connect: with providers that run, one of them somebody else's, and with one that lies."""

import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey

from access.desk import Desk
from ordertrail.access.account import Bound
from ordertrail.access.federation import ClaimRules, Partner
from ordertrail.access.roles import Role
from ordertrail.access.service import local_principal
from ordertrail.access.telling import Where
from ordertrail.adapters.access.oidc import OpenIdProvider, Registration
from web.auth.provider import CLIENT, SECRET, Provider, serving, unsigned
from web.auth.site import ORIGIN, Browser, make_site

REDIRECT = f"{ORIGIN}/oidc/arrive"
RULES = ClaimRules(
    {
        ("groups", "audit"): (Role.AUDITOR,),
        ("groups", "view"): (Role.VIEWER,),
        ("groups", "root"): (Role.ADMINISTRATOR,),
    },
    tenants="tenants",
    identities=frozenset({("groups", "leads")}),
)


@pytest.fixture
def provider() -> Iterator[Provider]:
    """A provider that runs."""
    with serving(Provider()) as running:
        yield running


def _desk(issuer: str, rules: ClaimRules = RULES, secret: str | None = SECRET) -> Desk:
    registration = Registration(
        issuer, CLIENT, REDIRECT, secret, ("openid", "profile"), frozenset({"groups", "tenants"})
    )
    return Desk(partner=Partner(OpenIdProvider("Acme ID", registration), rules))


def _journey(browser: Browser, path: str = "/oidc/depart?next=/me") -> str:
    """Depart, let the provider answer, and return the address that it sends the browser back to."""
    away = browser.get(path).headers["location"]
    back = httpx.get(away).headers["location"]
    assert back.startswith(REDIRECT)
    return str(back).removeprefix(ORIGIN)


def test_a_person_of_another_house_comes_in(provider: Provider) -> None:
    """Known by issuer and subject, with what the groups give; the account is made at the first time, and told."""
    provider.person |= {"tenants": ["acme"], "email": "root@ordertrail.example"}
    desk = _desk(provider.issuer)
    browser = Browser(make_site(desk))
    assert "Sign in with Acme ID" in browser.get("/sign-in").text
    back = browser.get(_journey(browser), sec_fetch_site="cross-site")
    assert (back.status_code, back.headers["location"]) == (303, "/me")
    told = browser.get("/me").json()
    assert (told["name"], told["roles"], told["scope"]["tenants"]) == ("Ana Lima", ["auditor"], ["acme"])
    (account,) = desk.stores.accounts.every()
    assert account.bound == Bound(provider.issuer, "248289761001")
    assert desk.actions()[:2] == [("access.account.add", "success"), ("access.signin", "success")]
    again = Browser(make_site(desk))
    again.get(_journey(again))
    assert len(desk.stores.accounts.every()) == 1


def test_the_journey_says_what_it_must(provider: Provider) -> None:
    """Code flow, PKCE with S256, a state and a nonce of their own, and the redirect that was agreed on."""
    browser = Browser(make_site(_desk(provider.issuer)))
    one, two = (parse_qs(urlsplit(browser.get("/oidc/depart").headers["location"]).query) for _ in range(2))
    assert (one["response_type"], one["code_challenge_method"], one["redirect_uri"]) == (
        ["code"],
        ["S256"],
        [REDIRECT],
    )
    assert one["scope"] == ["openid profile"]
    for name in ("state", "nonce", "code_challenge"):
        assert one[name] != two[name]
        assert len(one[name][0]) >= 43


def test_groups_are_looked_at_anew_each_time(provider: Provider) -> None:
    """A role that is gone there is gone here, and with the last one nobody comes in, nor goes on being in."""
    desk = _desk(provider.issuer)
    provider.person["tenants"] = "acme"
    first = Browser(make_site(desk))
    first.get(_journey(first))
    provider.person["groups"] = ["view"]
    second = Browser(make_site(desk))
    second.get(_journey(second))
    assert second.get("/me").json()["roles"] == ["viewer"]
    assert first.get("/me").status_code == 303
    provider.person["groups"] = []
    third = Browser(make_site(desk))
    told = third.get(_journey(third))
    assert told.status_code == 403
    assert "give no role" in told.text
    assert second.get("/me").status_code == 303
    assert ("access.signin.fail", "denied") in desk.actions()


@pytest.mark.parametrize(
    ("person", "why"),
    [
        ({"groups": ["root", "audit"]}, "must not meet"),
        ({"groups": "nobody"}, "no role"),
        ({"groups": {"audit": 1}}, "no role"),
    ],
)  # fmt: skip
def test_what_groups_give_is_bound_like_any_roles(
    provider: Provider, person: dict[str, Any], why: str
) -> None:
    """Separation of duties holds for another house's groups; without a role nobody comes in."""
    provider.person |= person
    desk = _desk(provider.issuer)
    browser = Browser(make_site(desk))
    told = browser.get(_journey(browser))
    assert told.status_code == 403
    assert why in told.text
    assert not desk.stores.accounts.every()


def test_a_claim_of_tenants_that_is_missing_shows_none(provider: Provider) -> None:
    """Where tenants are read from a claim, nothing said is nothing seen, and not everything."""
    browser = Browser(make_site(_desk(provider.issuer)))
    browser.get(_journey(browser))
    assert browser.get("/me").json()["scope"]["tenants"] == []


def test_a_withdrawn_person_does_not_come_back_by_the_other_house(provider: Provider) -> None:
    """Whatever its groups give."""
    desk = _desk(provider.issuer)
    browser = Browser(make_site(desk))
    browser.get(_journey(browser))
    (account,) = desk.stores.accounts.every()
    desk.access.people.withdraw(local_principal(), account.name, Where(), "left the house")
    told = browser.get(_journey(browser))
    assert (told.status_code, "withdrawn" in told.text) == (403, True)
    assert browser.get("/me").status_code == 303


def test_claims_that_only_userinfo_has_are_asked_for(provider: Provider) -> None:
    """And believed only of the person whom the token names."""
    provider.person.pop("groups")
    provider.userinfo = {"groups": ["view"], "iss": "https://evil.example"}
    browser = Browser(make_site(_desk(provider.issuer)))
    browser.get(_journey(browser))
    assert browser.get("/me").json()["roles"] == ["viewer"]
    provider.userinfo |= {"sub": "somebody else"}
    other = Browser(make_site(_desk(provider.issuer)))
    assert other.get(_journey(other)).status_code == 403


LIES: dict[str, Callable[[Provider], None]] = {
    "another issuer": lambda one: _claims(one, iss="https://evil.example"),
    "for another client": lambda one: _claims(one, aud="somebody"),
    "for nobody": lambda one: _claims(one, aud=[]),
    "for several, asked by another": lambda one: _claims(one, aud=[CLIENT, "x"], azp="x"),
    "for several, asked by nobody": lambda one: _claims(one, aud=[CLIENT, "x"]),
    "ended": lambda one: _claims(one, exp=int(time.time()) - 1_000),
    "without an end": lambda one: _claims(one, exp=None),
    "an end that is no number": lambda one: _claims(one, exp="9999999999"),
    "of the future": lambda one: _claims(one, iat=int(time.time()) + 1_000),
    "another nonce": lambda one: _claims(one, nonce="x"),
    "no nonce": lambda one: _claims(one, nonce=None),
    "no subject": lambda one: _claims(one, sub=""),
    "a subject that is no text": lambda one: _claims(one, sub=7),
    "signed by nobody": lambda one: setattr(one, "sign", unsigned),
    "signed with the public key": lambda one: setattr(one, "sign", one.signed_with_its_public_key),
    "signed by another key of the same name": lambda one: setattr(one, "sign", _by_another_key),
    "no token at all": lambda one: setattr(one, "sign", lambda _: None),
    "a token that is none": lambda one: setattr(one, "sign", lambda _: "a.b.c"),
}


def _claims(provider: Provider, **said: Any) -> None:
    provider.token = lambda claims: {name: one for name, one in (claims | said).items() if one is not None}


def _by_another_key(claims: dict[str, Any]) -> str:
    return jwt.encode({"alg": "RS256", "kid": "one"}, claims, RSAKey.generate_key(2048, {"kid": "one"}))


@pytest.mark.parametrize("lie", LIES)
def test_a_token_that_proves_nothing_lets_nobody_in(provider: Provider, lie: str) -> None:
    """Each check of OpenID Connect Core, section 3.1.3.7, with a token that fails this one alone."""
    LIES[lie](provider)
    desk = _desk(provider.issuer)
    browser = Browser(make_site(desk))
    told = browser.get(_journey(browser))
    assert told.status_code == 403, told.text
    assert browser.token is None
    assert not desk.stores.accounts.every()
    assert desk.actions() == [("access.signin.fail", "denied")]


def test_a_journey_is_ended_once_and_by_the_browser_that_began_it() -> None:
    """A code that was caught or planted is of no use: not in another browser, not twice, not late, not made up."""
    with serving(Provider()) as provider:
        desk = _desk(provider.issuer)
        app = make_site(desk)
        victim, mallory = Browser(app), Browser(app)
        planted = _journey(mallory)
        assert victim.get(planted).status_code == 403
        victim.get("/oidc/depart")
        assert victim.get(planted).status_code == 403
        assert mallory.get(planted).status_code == 403
        late = _journey(mallory)
        desk.wait(minutes=5)
        assert mallory.get(late).status_code == 403
        good = _journey(mallory)
        assert mallory.get(re.sub(r"state=[^&]*", "state=x", good)).status_code == 403
        assert mallory.get(good).status_code == 303
        assert mallory.get(good).status_code == 403
        assert victim.token is None


def test_a_code_of_another_journey_is_not_taken(provider: Provider) -> None:
    """The verifier is its journey's own (PKCE)."""
    browser = Browser(make_site(_desk(provider.issuer)))
    one, two = _journey(browser), _journey(browser)
    code = parse_qs(urlsplit(one).query)["code"][0]
    assert browser.get(re.sub(r"code=[^&]*", f"code={code}", two)).status_code == 403


def test_a_new_key_is_found_and_a_withdrawn_one_is_not_asked_for_again_and_again(provider: Provider) -> None:
    """Providers change their keys; a flood of forged tokens makes no flood of requests to them."""
    desk = _desk(provider.issuer)
    browser = Browser(make_site(desk))
    browser.get(_journey(browser))
    asked = provider.asked.count("keys")
    provider.key = RSAKey.generate_key(2048, {"kid": "two"})
    house = desk.partner
    assert house is not None
    assert isinstance(house.house, OpenIdProvider)
    for _ in range(3):
        assert browser.get(_journey(browser)).status_code == 403
    assert provider.asked.count("keys") == asked
    known = house.house._known
    assert known is not None
    house.house._known = type(known)(known.said, known.keys, known.asked - 60)
    assert browser.get(_journey(browser)).status_code == 303


@pytest.mark.parametrize(
    "said",
    [
        {"issuer": "https://evil.example"}, {"token_endpoint": "http://evil.example/token"}, {"jwks_uri": "file:///etc/passwd"},
        {"authorization_endpoint": "javascript:alert(1)"}, {"jwks_uri": 7}, {"authorization_endpoint": None},
    ],
)  # fmt: skip
def test_a_provider_that_points_elsewhere_is_not_followed(provider: Provider, said: dict[str, Any]) -> None:
    """Another issuer, an address without TLS, one that is none: nobody is sent there, and nothing is asked of it."""
    provider.discovery = lambda known: known | said
    browser = Browser(make_site(_desk(provider.issuer)))
    departed = browser.get("/oidc/depart")
    if departed.status_code == 303:
        departed = browser.get(_journey(browser))
    assert departed.status_code == 503
    assert "evil" not in departed.text


def test_a_provider_that_is_not_there_keeps_nobody_waiting_for_evidence() -> None:
    """It is said, and people with a password still come in."""
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        desk = _desk(f"http://127.0.0.1:{nobody.getsockname()[1]}")
        desk.person("ana", Role.VIEWER)
        browser = Browser(make_site(desk))
        told = browser.get("/oidc/depart")
        assert told.status_code == 503
        assert browser.sign_in("ana").status_code == 303


def test_without_another_house_its_addresses_are_not_there() -> None:
    """404, and no button."""
    browser = Browser(make_site(Desk()))
    assert browser.get("/oidc/depart").status_code == 404
    assert browser.get("/oidc/arrive?state=x&code=y").status_code == 404
    assert "/oidc" not in browser.get("/sign-in").text


def test_a_provider_of_somebody_else_works() -> None:
    """oidc-provider-mock, which others test their clients with, as a process of its own."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    issuer = f"http://127.0.0.1:{port}"
    claims = '{"sub": "u-1", "groups": ["audit"], "tenants": ["acme"], "name": "Ana of Acme"}'
    command = [sys.executable, "-m", "oidc_provider_mock", "--port", str(port), "--user-claims", claims]
    with subprocess.Popen(
        [*command, "--require-nonce", "true"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            _until_it_answers(f"{issuer}/.well-known/openid-configuration")
            desk = _desk(issuer)
            browser = Browser(make_site(desk))
            away = browser.get("/oidc/depart?next=/me").headers["location"]
            back = httpx.post(away, data={"sub": "u-1"}).headers["location"]
            arrived = browser.get(str(back).removeprefix(ORIGIN))
            assert arrived.status_code == 303, arrived.text
            told = browser.get("/me").json()
            assert (told["roles"], told["scope"]["tenants"]) == (["auditor"], ["acme"])
            assert desk.stores.accounts.bound(Bound(issuer, "u-1")) is not None
        finally:
            process.terminate()


def _until_it_answers(url: str) -> None:
    for _ in range(600):
        try:
            httpx.get(url).raise_for_status()
        except httpx.HTTPError:
            time.sleep(0.05)
        else:
            return
    pytest.fail("the provider does not start")
