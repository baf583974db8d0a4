"""What the settings say of access is what holds; what cannot hold is refused before anybody signs in."""

import re
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import pytest

from access.desk import HERE
from ordertrail.access.account import Bound
from ordertrail.access.entrance import TRAIL
from ordertrail.access.ports import Identity
from ordertrail.access.roles import Role
from ordertrail.access.service import Access, local_principal
from ordertrail.access.telling import Deed, actor_of
from ordertrail.adapters.access.oidc import OpenIdProvider
from ordertrail.assembly import create_trail, open_trail
from ordertrail.assembly.access import open_access
from ordertrail.kernel.errors import ConfigurationError
from ordertrail.settings import SETTINGS, Settings, parse_settings

GUIDE = Path(__file__).parents[2] / "docs/howto/let-people-in.md"
HOUSE = """
[serve]
public_url = "https://trail.example.com"
[access]
issuer = "https://id.example.com"
client_id = "ordertrail"
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A trail."""
    create_trail(tmp_path / "trail", "shop.example/trail", settings=Settings(immutable=False)).close()
    return tmp_path / "trail"


def _opened(root: Path, stack: ExitStack, text: str) -> Access:
    (root / SETTINGS).write_text(f"version = 1\nimmutable = false\n{text}")
    return stack.enter_context(open_access(root, stack.enter_context(open_trail(root))))


def test_the_house_chooses_how_long_things_last(root: Path) -> None:
    """And where it answers, and whether by TLS."""
    said = """
[serve]
insecure_cookies = true
public_url = "http://localhost:8530"
[access]
idle_minutes = 5
longest_hours = 2
glass_minutes = 15
invitation_hours = 3
second_factor = "required"
"""
    with ExitStack() as stack:
        rules = _opened(root, stack, said).rules
        assert (rules.idle, rules.longest) == (timedelta(minutes=5), timedelta(hours=2))
        assert (rules.glass, rules.invitation) == (timedelta(minutes=15), timedelta(hours=3))
        assert (rules.second_factor, rules.tls, rules.origin) == (True, False, "http://localhost:8530")


def test_the_guides_settings_of_another_house_are_good(root: Path) -> None:
    """As they stand there: groups become roles, claims become tenants, and nothing is asked of it yet."""
    (said,) = (
        block for block in re.findall(r"```toml\n(.+?)```", GUIDE.read_text(), re.DOTALL) if "issuer" in block
    )
    secret = root.parent / "secret"
    secret.write_text("not told to anybody\n")
    with ExitStack() as stack:
        access = _opened(root, stack, said.replace("/run/secrets/ordertrail-oidc", str(secret)))
        assert access.federation is not None
        partner = access.federation.partner
        assert isinstance(partner.house, OpenIdProvider)
        assert partner.house._registration.redirect == "https://trail.example.com/oidc/arrive"
        assert "not told" not in repr(partner.house._registration)
        claims = {
            ("groups", "audit-team"),
            ("groups", "audit-leads"),
            ("tenants", "acme"),
            ("roles", "administrator"),
        }
        wanted = partner.mapping.wanted(Identity(Bound("i", "s"), "Ana", frozenset(claims)))
        assert (wanted.roles, wanted.scope.tenants, wanted.sees_identities) == (
            (Role.AUDITOR,),
            frozenset({"acme"}),
            True,
        )


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        (HOUSE + '[access.roles.groups]\n"a" = ["god"]', "is no role"),
        (HOUSE + '[access.roles.groups]\n"a" = ["administrator", "viewer"]', "must not read evidence"),
        (
            HOUSE.replace("public_url", "# public_url") + '[access.roles.groups]\n"a" = ["viewer"]',
            "needs public_url",
        ),
    ],
)
def test_what_cannot_hold_is_refused_at_the_start(root: Path, text: str, wrong: str) -> None:
    """Nobody finds out by being let in."""
    with ExitStack() as stack, pytest.raises(ConfigurationError, match=wrong):
        _opened(root, stack, text)


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        (HOUSE, "needs client_id, and roles"),
        (
            '[access]\nissuer = "http://id.example.com"\nclient_id = "x"\n[access.roles.g]\na = ["viewer"]',
            "https://",
        ),
        ('[access]\nscopes = ["profile"]', "must have openid"),
        ('[access]\nurl = "postgresql://a:secret-word@host/db"', "must not hold a password"),
        ("[access]\nidle_minutes = 0", "idle_minutes"),
    ],
)
def test_settings_that_are_wrong_are_named(text: str, wrong: str) -> None:
    """With their place, and without a password that stands where none belongs."""
    with pytest.raises(ConfigurationError, match=wrong) as told:
        parse_settings(f"version = 1\n{text}")
    assert "secret-word" not in str(told.value)


def test_events_of_access_go_into_the_trail(root: Path) -> None:
    """Through its own door, where they are sealed like any other."""
    with ExitStack() as stack:
        trail = stack.enter_context(open_trail(root))
        access = stack.enter_context(open_access(root, trail))
        before = trail.log().log.journal.waiting("default")
        access.teller.tell(Deed("access.signout", actor_of(local_principal()), TRAIL, HERE))
        assert trail.log().log.journal.waiting("default") == before + 1
