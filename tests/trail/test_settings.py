"""Settings are read strictly, from the file and from the environment over it; no secret is ever shown."""

from pathlib import Path

import pytest

from ordertrail.assembly import create_trail, open_trail
from ordertrail.kernel.errors import ConfigurationError
from ordertrail.record.actions import Action, Catalogue
from ordertrail.settings import (
    DatabaseSettings,
    Settings,
    TimestampSettings,
    VaultSettings,
    format_settings,
    parse_settings,
)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('colour = "red"', "colour: is not a setting; the settings are version"),
        ('immutable = "yes"', "immutable: input should be a valid boolean"),
        ("version = 2", "version: must be 1; a newer OrderTrail may be needed"),
        ("x =", "is not TOML"),
        ('[database]\nurll = "x"', "database.urll: is not a setting; the settings are url"),
        ('[database]\nurl = "mysql://a@b/c"', "database.url: must begin with postgresql://"),
        ('[database]\nurl = "postgresql://a:hush@b/c"', "database.url: must not hold a password"),
        ('[database]\nurl = "postgresql://b/c?password=hush"', "database.url: must not hold a password"),
        ("[database]\nlease_seconds = 1", "database.lease_seconds"),
        ('[vault]\nmode = "NONE"', "vault.mode: input should be 'COMPLIANCE' or 'GOVERNANCE'"),
        ('[[timestamps]]\nname = "A B"\nurl = "http://a"\nroots = "r"', "timestamps.0.name"),
        ('[actions]\n"a" = "b"', "actions.a: is not of the form"),
    ],
)
def test_what_is_wrong_is_named(text: str, told: str) -> None:
    """Each wrong setting by its path, with what it may be; a password is not repeated."""
    with pytest.raises(ConfigurationError) as caught:
        parse_settings(text)
    assert told in str(caught.value)
    assert "hush" not in str(caught.value)


def test_the_environment_goes_before_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """Section by section: what it does not name stays as the file has it."""
    monkeypatch.setenv("ORDERTRAIL_DATABASE__URL", "postgresql://sealer@db/orders")
    monkeypatch.setenv("ORDERTRAIL_IMMUTABLE", "false")
    settings = parse_settings("immutable = true\n[database]\nlease_seconds = 20\n")
    assert settings.database == DatabaseSettings(url="postgresql://sealer@db/orders", lease_seconds=20)
    assert not settings.immutable


def test_a_wrong_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a variable, not as a line of a file that does not have it."""
    monkeypatch.setenv("ORDERTRAIL_DATABASE__LEASE_SECONDS", "soon")
    with pytest.raises(ConfigurationError, match="the environment: ORDERTRAIL_DATABASE__LEASE_SECONDS"):
        parse_settings("")


def test_what_is_written_is_read_back() -> None:
    """The file of a new trail holds every choice that is not the default."""
    settings = Settings(
        immutable=False,
        actions=Catalogue([Action("order.gift.wrap", 'wrapped "well"', sensitive=True)]),
        database=DatabaseSettings(url="postgresql://sealer@db/orders", lease_seconds=20),
        vault=VaultSettings(url="s3://evidence/main", mode="GOVERNANCE"),
        timestamps=[TimestampSettings(name="a", url="http://a", roots="r.pem")],
    )
    again = parse_settings(format_settings(settings))
    assert again.actions["order.gift.wrap"] == settings.actions["order.gift.wrap"]
    for name in ("immutable", "database", "vault", "timestamps", "signer", "witnesses", "anchor"):
        assert getattr(again, name) == getattr(settings, name), name


def test_a_settings_file_begins_a_trail(tmp_path: Path) -> None:
    """As it is, with the files that it names beside it."""
    (tmp_path / "mine").mkdir()
    text = '# ours\nversion = 1\nimmutable = false\n\n[witnesses]\npolicy = "w.policy"\n'
    (tmp_path / "mine" / "settings.toml").write_text(text)
    (tmp_path / "mine" / "w.policy").write_text("quorum none\n")
    create_trail(
        tmp_path / "trail", "a.example/log", settings_file=tmp_path / "mine" / "settings.toml"
    ).close()
    assert (tmp_path / "trail" / "trail.toml").read_text() == text
    with open_trail(tmp_path / "trail") as trail:
        assert trail.attestors.policy is not None
