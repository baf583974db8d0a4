"""Accounts and keys are looked after over HTTP as strictly as anywhere: by who may, and within their tenants."""

from typing import Any

import pytest

from access.desk import Desk
from ordertrail.access.principal import Scope
from ordertrail.access.roles import Role
from web.auth.site import ORIGIN, Browser, make_site

OTHER = "seven green umbrellas hum"
ACME, BOLT = Scope(frozenset({"acme"})), Scope(frozenset({"bolt"}))


class Asker:
    """A person's browser that sends JSON, as a page's script would."""

    def __init__(self, desk: Desk, name: str) -> None:
        self.browser = Browser(make_site(desk))
        self.browser.sign_in(name)
        self.token = self.browser.get("/me").json()["csrf_token"]

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """Ask with the session's own token."""
        headers = {"origin": ORIGIN, "sec-fetch-site": "same-origin", "x-csrf-token": self.token}
        return self.browser.client.request(method, path, json=body, headers=headers)


def _root(desk: Desk, scope: Scope | None = None) -> Asker:
    desk.person("root", Role.ADMINISTRATOR, scope=scope)
    return Asker(desk, "root")


def test_a_person_is_added_invited_changed_and_withdrawn() -> None:
    """All of it by one administrator, all of it told, and no answer holds what the person proves themselves by."""
    desk = Desk()
    root = _root(desk)
    added = root.ask(
        "POST",
        "/access/accounts",
        {"name": "ana", "title": "Ana Lima", "roles": ["viewer"], "tenants": ["acme"]},
    )
    assert added.status_code == 201
    browser = Browser(make_site(desk))
    browser.fill("/sign-in/invitation", invitation=added.json()["invitation"], password=OTHER)
    browser.sign_in("ana", OTHER)
    assert browser.get("/events").status_code == 200
    changed = root.ask("PUT", "/access/accounts/ana/rights", {"roles": ["auditor", "evidence-exporter"]})
    assert changed.json()["warnings"] == ["many people's names can be taken out"]
    assert changed.json()["account"]["tenants"] is None
    assert browser.get("/events").status_code == 303
    assert root.ask("POST", "/access/accounts/ana/withdrawal?reason=left").status_code == 204
    assert browser.sign_in("ana", OTHER).status_code == 403
    assert root.ask("DELETE", "/access/accounts/ana/withdrawal?reason=came%20back").status_code == 204
    assert root.ask("DELETE", "/access/accounts/ana/factor?reason=lost").status_code == 204
    assert root.ask("POST", "/access/accounts/ana/invitation").status_code == 201
    listed = root.ask("GET", "/access/accounts").json()["accounts"]
    assert [one["name"] for one in listed] == ["ana", "root"]
    assert "argon2" not in str(listed)


@pytest.mark.parametrize(
    "surplus",
    [
        {"id": "p-1"},
        {"password": "x"},
        {"state": "active"},
        {"version": 9},
        {"totp": None},
        {"verbs": ["accounts.manage"]},
    ],
)
def test_what_is_no_field_is_refused(surplus: dict[str, Any]) -> None:
    """Nothing is assigned by surplus, neither to a new account nor to one that is there."""
    desk = Desk()
    root = _root(desk)
    desk.person("ana", Role.VIEWER)
    before = desk.stores.accounts.named("ana")
    new = {"name": "eve", "title": "Eve", "roles": ["viewer"]} | surplus
    assert root.ask("POST", "/access/accounts", new).status_code == 422
    assert root.ask("PUT", "/access/accounts/ana/rights", {"roles": ["viewer"]} | surplus).status_code == 422
    assert desk.stores.accounts.named("eve") is None
    assert desk.stores.accounts.named("ana") == before


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/access/accounts", {"name": "x", "title": "X", "roles": ["administrator", "auditor"]}),
        ("POST", "/access/accounts", {"name": "x", "title": "X", "roles": ["god"]}),
        ("PUT", "/access/accounts/root/rights", {"roles": ["auditor"]}),
        ("PUT", "/access/accounts/nobody/rights", {"roles": []}),
        ("POST", "/access/accounts/ana/withdrawal", None),
        ("POST", "/access/accounts/ana/keys", {"label": "in ana's name"}),
        ("POST", "/access/accounts/shop/keys", {"label": "k", "verbs": ["accounts.manage"]}),
        ("POST", "/access/accounts/shop/keys", {"label": "k", "days": 1_000}),
        ("DELETE", "/access/keys/000000000000?reason=x", None),
    ],
)
def test_what_is_wrong_is_a_problem_and_changes_nothing(method: str, path: str, body: Any) -> None:
    """422, and it says what."""
    desk = Desk()
    root = _root(desk)
    desk.person("ana", Role.VIEWER)
    desk.service("shop", Role.RECORDER)
    before = list(desk.stores.accounts.every())
    assert root.ask(method, path, body).status_code == 422
    assert list(desk.stores.accounts.every()) == before
    assert not desk.stores.keys.of(None)


def test_keys_of_services_and_of_ones_own() -> None:
    """Answered once, listed without what is secret of them, withdrawn at once; and nobody withdraws others'."""
    desk = Desk()
    root = _root(desk)
    desk.service("shop", Role.VIEWER)
    made = root.ask(
        "POST", "/access/accounts/shop/keys", {"label": "nightly", "verbs": ["events.search"]}
    ).json()
    desk.person("ana", Role.VIEWER)
    ana = Asker(desk, "ana")
    own = ana.ask("POST", "/me/keys", {"label": "my notebook", "days": 7}).json()
    client = Browser(make_site(desk)).client
    for key in (made["key"], own["key"]):
        assert client.get("/events", headers={"authorization": f"Bearer {key}"}).status_code == 200
        assert client.get("/me/keys", headers={"authorization": f"Bearer {key}"}).status_code == 401
    listed = ana.ask("GET", "/me/keys")
    assert [one["id"] for one in listed.json()["keys"]] == [own["id"]]
    assert own["key"] not in listed.text
    assert ana.ask("DELETE", f"/access/keys/{made['id']}?reason=x").status_code == 422
    assert root.ask("DELETE", f"/access/keys/{own['id']}?reason=ana%20left").status_code == 204
    assert client.get("/events", headers={"authorization": f"Bearer {own['key']}"}).status_code == 401
    assert len(root.ask("GET", "/access/keys").json()["keys"]) == 2


def test_an_administrator_of_one_tenant_reaches_no_other() -> None:
    """By no address, with names and ids of theirs in hand; and no wider scope is given."""
    desk = Desk()
    root = _root(desk, ACME)
    ben, till = desk.person("ben", Role.VIEWER, scope=BOLT), desk.service("till", Role.RECORDER, scope=BOLT)
    desk.person("eva", Role.VIEWER)
    for name in ("ben", ben.id, "till", till.id, "eva"):
        for method, path, body in (
            ("PUT", "rights", {"roles": [], "tenants": ["acme"]}), ("POST", "invitation", None),
            ("POST", "withdrawal?reason=x", None), ("DELETE", "withdrawal?reason=x", None),
            ("DELETE", "factor?reason=x", None),
            ("POST", "keys", {"label": "k"}),
        ):  # fmt: skip
            told = root.ask(method, f"/access/accounts/{name}/{path}", body)
            assert told.status_code == 422
            assert "there is no account" in told.text
    assert [one["name"] for one in root.ask("GET", "/access/accounts").json()["accounts"]] == ["root"]
    for scope in ({}, {"tenants": ["bolt"]}, {"tenants": ["acme", "bolt"]}):
        new = {"name": "new", "title": "New", "roles": ["viewer"], **scope}
        assert "wider than your own" in root.ask("POST", "/access/accounts", new).text


def test_a_forged_request_gives_no_rights() -> None:
    """Without the session's own token, from another site, or by a form."""
    desk = Desk()
    root = _root(desk)
    body = {"name": "mallory", "title": "M", "roles": ["administrator"]}
    client = root.browser.client
    assert client.post("/access/accounts", json=body).status_code == 403
    forged = {"x-csrf-token": root.token, "origin": "https://evil.example"}
    assert client.post("/access/accounts", json=body, headers=forged).status_code == 403
    assert (
        root.browser.send("/access/accounts", {"csrf_token": root.token, "name": "mallory"}).status_code
        == 422
    )
    assert desk.stores.accounts.named("mallory") is None
