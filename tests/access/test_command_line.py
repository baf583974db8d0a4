"""``ordertrail access`` on a real trail: what it does is kept, told to the trail, and tells no secret."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from access.desk import HERE, PASSWORD
from ordertrail.access.entrance import Admitted
from ordertrail.access.verbs import Verb
from ordertrail.assembly import create_trail, open_trail
from ordertrail.assembly.access import ACCESS, KEY, open_access
from ordertrail.cli.access import app
from ordertrail.kernel.errors import EvidenceError, InputError
from ordertrail.settings import Settings


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A trail, and beside it a file with a password."""
    create_trail(tmp_path / "trail", "shop.example/trail", settings=Settings(immutable=False)).close()
    (tmp_path / "password").write_text(f"{PASSWORD}\nnot this line\n")
    return tmp_path / "trail"


def _run(root: Path, *words: str, typed: str = "", trail: bool = True) -> str:
    arguments = [*words, "--trail", str(root)] if trail else list(words)
    done = CliRunner().invoke(app, arguments, input=typed)
    if done.exception is not None:
        raise done.exception
    return str(done.output)


def _json(root: Path, *words: str, **how: Any) -> dict[str, Any]:
    said: dict[str, Any] = json.loads(_run(root, *words, "--json", **how))
    return said


def _add(root: Path, name: str, *more: str) -> dict[str, Any]:
    return _json(root, "add", name, "--password-file", str(root.parent / "password"), *more)


def test_the_first_administrator_is_made_and_signs_in(root: Path) -> None:
    """With a password from a file; the account, its key and the events are there when it is opened again."""
    said = _add(root, "root", "--role", "administrator", "--title", "Rut Oss")
    assert (said["account"]["roles"], said["account"]["password"]) == (["administrator"], True)
    with open_trail(root) as trail, open_access(root, trail) as access:
        attempt = access.entrance.sign_in("root", PASSWORD, HERE)
        assert attempt.admitted is Admitted.IN
        assert attempt.token is not None
        found = access.recognising.by_session(attempt.token)
        assert found is not None
        assert found.who is not None
        assert found.who.may(Verb.ACCOUNTS_MANAGE)
        trail.seal()
        told = [one.entry.event.action for one in _sealed(trail)]
        assert told[-3:] == ["access.account.add", "access.account.change", "access.signin"]
        assert PASSWORD not in str(list(_sealed(trail)))
    assert (root / ACCESS).stat().st_mode & 0o077 == 0
    assert (root / "keys" / KEY).stat().st_mode & 0o077 == 0
    assert PASSWORD.encode() not in (root / ACCESS).read_bytes()


def _sealed(trail: Any) -> list[Any]:
    from ordertrail.services import _read

    log = trail.log().log
    return [_read("default", row) for row in log.reader.rows("default", 0, log.store.head("default").size)]


def test_a_password_is_typed_twice_and_shown_never(root: Path) -> None:
    """At the prompt; one that everybody tries is refused, and then there is no way in."""
    told = _run(root, "add", "ana", "--role", "viewer", typed=f"{PASSWORD}\n{PASSWORD}\n")
    assert PASSWORD not in told
    with pytest.raises(InputError, match="everybody tries first"):
        _run(root, "password", "ana", typed="Password-2026\nPassword-2026\n")
    assert "new password" in _run(root, "password", "ana", typed="seven green umbrellas hum\n" * 2)


def test_people_are_listed_changed_withdrawn_and_readmitted(root: Path) -> None:
    """Each with a reason where somebody is kept out."""
    _add(root, "ana", "--role", "viewer", "--tenant", "acme", "--region", "eu")
    said = _json(root, "set", "ana", "--role", "auditor", "--role", "evidence-exporter", "--sees-identities")
    assert said["warnings"] == ["many people's names can be taken out"]
    _run(root, "withdraw", "ana", "--reason", "left the house")
    (account,) = _json(root, "list")["accounts"]
    assert (account["active"], account["roles"]) == (False, ["auditor", "evidence-exporter"])
    _run(root, "readmit", "ana", "--reason", "came back")
    _run(root, "forget-factor", "ana", "--reason", "lost her telephone")
    told = _run(root, "list")
    assert "ana" in told
    assert "active" in told
    assert "everything" in told


@pytest.mark.parametrize(
    "words",
    [
        ("add", "x", "--role", "god", "--invite"),
        ("add", "x", "--role", "administrator", "--role", "viewer", "--invite"),
        ("set", "nobody", "--role", "viewer"), ("withdraw", "nobody", "--reason", "x"), ("invite", "nobody"),
        ("make-key", "nobody", "--label", "k"), ("withdraw-key", "000000000000", "--reason", "x"),
        ("add", "x", "--role", "viewer", "--password-file", "/nonexistent"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_refused(root: Path, words: tuple[str, ...]) -> None:
    """As a problem, with nothing changed."""
    with pytest.raises(InputError):
        _run(root, *words)
    assert not _json(root, "list")["accounts"]


def test_an_invited_person_and_a_service_with_a_key(root: Path) -> None:
    """Both secrets are printed once and listed never."""
    said = _json(root, "add", "ana", "--role", "viewer", "--invite")
    token = _json(root, "invite", "ana")["invitation"]
    assert token != said["invitation"]
    _json(root, "add", "shop", "--role", "recorder", "--service", "--tenant", "acme")
    made = _json(root, "make-key", "shop", "--label", "nightly", "--days", "30")
    assert made["verbs"] == ["events.record"]
    with open_trail(root) as trail, open_access(root, trail) as access:
        access.people.accept(token, PASSWORD, HERE)
        who = access.recognising.by_key(made["key"])
        assert who is not None
        assert who.scope.tenants == frozenset({"acme"})
    (listed,) = _json(root, "keys", "shop")["keys"]
    assert listed["id"] == made["id"]
    assert made["key"] not in str(listed)
    assert "nightly" in _run(root, "keys")
    with pytest.raises(InputError, match="is no verb"):
        _run(root, "make-key", "shop", "--label", "k", "--verb", "fly")
    with pytest.raises(InputError, match="may not"):
        _run(root, "make-key", "shop", "--label", "k", "--verb", "accounts.manage")
    _run(root, "withdraw-key", made["id"], "--reason", "leaked")
    with open_trail(root) as trail, open_access(root, trail) as access:
        assert access.recognising.by_key(made["key"]) is None


def test_the_roles_are_told(root: Path) -> None:
    """What each allows, and what must not meet."""
    said = _json(root, "roles", trail=False)
    assert "events.search" in said["roles"]["auditor"]
    refused = [one["verbs"] for one in said["apart"] if one["weight"] == "refused"]
    assert ["rules.write", "rules.approve"] in refused
    told = _run(root, "roles", trail=False)
    assert "gives rights" in told
    assert "administrator" in told


def test_the_key_of_the_accounts_is_needed(root: Path) -> None:
    """A copied database alone signs nobody in, also beside another trail's key."""
    _add(root, "ana", "--role", "viewer")
    (root / "keys" / KEY).unlink()
    with (
        open_trail(root) as trail,
        open_access(root, trail) as access,
        pytest.raises(EvidenceError, match="was not written by this program"),
    ):
        access.entrance.sign_in("ana", PASSWORD, HERE)
