"""What people try who may not: other sites' forms, planted and forged tokens, targets elsewhere, keys of who left."""

from datetime import timedelta
from urllib.parse import quote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from access.desk import HERE, PASSWORD, Desk
from ordertrail.access.administration import Wanted
from ordertrail.access.principal import Scope
from ordertrail.access.roles import NOT_BY_KEY, Role, verbs_of
from ordertrail.access.rules import Rules
from ordertrail.access.secrets import digest
from ordertrail.access.service import local_principal
from ordertrail.access.verbs import Verb
from ordertrail.web.auth.refusing import HOME, safe_target
from web.auth.site import HTML, ORIGIN, Browser, make_site

DAY = timedelta(days=1)


def _signed_in(desk: Desk, role: Role = Role.VIEWER) -> Browser:
    desk.person("ana", role)
    browser = Browser(make_site(desk))
    browser.sign_in("ana")
    return browser


class TestOtherSitesForms:
    """Cross-site request forgery: each wall is tried alone."""

    def test_a_page_of_ours_may(self) -> None:
        """By a form's field, or by a header; from this site, or from a program that says nothing of sites."""
        browser = _signed_in(Desk())
        token = browser.get("/me").json()["csrf_token"]
        assert browser.send("/views", {"csrf_token": token}).status_code == 200
        for headers in (
            {"origin": ORIGIN},
            {"sec-fetch-site": "same-origin"},
            {"sec-fetch-site": "none"},
            {},
        ):
            told = browser.client.post("/views", json={}, headers={**headers, "X-CSRF-Token": token})
            assert told.status_code == 200

    @pytest.mark.parametrize("token", ["", "x", "0" * 64, "é", "null"])
    def test_without_the_token_nobody_may(self, token: str) -> None:
        """Even from this very site."""
        browser = _signed_in(Desk())
        assert browser.send("/views", {"csrf_token": token}).status_code == 403
        assert browser.send("/views", {}).status_code == 403
        assert browser.send("/glass/mend", {"csrf_token": token}).status_code == 403
        assert browser.client.post("/views", json={"csrf_token": token}).status_code == 403

    @pytest.mark.parametrize(
        "headers",
        [
            {"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"}, {"origin": "https://evil.example"},
            {"origin": "null"}, {"origin": "https://trail.example.com.evil.example"},
            {"origin": "http://trail.example.com"},
            {"origin": "https://trail.example.com:444"}, {"origin": ""},
            {"origin": ORIGIN, "sec-fetch-site": "cross-site"},
        ],
    )  # fmt: skip
    def test_from_another_site_nobody_may(self, headers: dict[str, str]) -> None:
        """Even with the right token: whatever leaked it."""
        browser = _signed_in(Desk())
        token = browser.get("/me").json()["csrf_token"]
        told = browser.client.post("/views", headers={**headers, "X-CSRF-Token": token})
        assert told.status_code == 403

    def test_where_no_origin_is_configured_the_host_counts(self) -> None:
        """A page of the same host, whatever a proxy made of the scheme."""
        desk = Desk(rules=Rules(origin=None))
        browser = _signed_in(desk)
        token = browser.get("/me").json()["csrf_token"]
        for origin, status in (
            (ORIGIN, 200),
            ("https://evil.example", 403),
            ("null", 403),
            ("https://[", 403),
        ):
            told = browser.client.post("/views", headers={"origin": origin, "X-CSRF-Token": token})
            assert told.status_code == status

    def test_a_token_is_its_sessions_alone(self) -> None:
        """Somebody else's, one from before signing in, and one of an earlier session of one's own."""
        desk = Desk()
        desk.person("mallory", Role.VIEWER)
        app = make_site(desk)
        other = Browser(app)
        other.sign_in("mallory")
        theirs = other.get("/me").json()["csrf_token"]
        ana = Browser(app)
        desk.person("ana", Role.VIEWER)
        before = ana.form("/sign-in")["csrf_token"]
        ana.sign_in("ana")
        earlier = ana.get("/me").json()["csrf_token"]
        ana.sign_in("ana")
        for token in (theirs, before, earlier):
            assert ana.send("/views", {"csrf_token": token}).status_code == 403

    def test_nobody_is_signed_in_as_somebody_else_by_another_site(self) -> None:
        """Login CSRF: the form to sign in needs the token of a page that this browser opened."""
        desk = Desk()
        desk.person("mallory", Role.VIEWER)
        app = make_site(desk)
        victim, mallory = Browser(app), Browser(app)
        fields = {
            "name": "mallory",
            "password": PASSWORD,
            "csrf_token": mallory.form("/sign-in")["csrf_token"],
        }
        assert victim.send("/sign-in", fields).status_code == 403
        victim.form("/sign-in")
        assert victim.send("/sign-in", fields).status_code == 403
        own = fields | {"csrf_token": victim.form("/sign-in")["csrf_token"]}
        assert victim.send("/sign-in", own, origin="https://evil.example").status_code == 403
        assert victim.token is None

    def test_a_key_needs_no_token_and_a_cookie_beside_it_gives_nothing(self) -> None:
        """No browser sends a key by itself; and whoever sends one is who the key says, and nobody else."""
        desk = Desk()
        browser = _signed_in(desk, Role.AUDITOR)
        shop = desk.service("shop", Role.VIEWER)
        made = desk.access.keyring.make(
            local_principal(), shop, "k", frozenset({Verb.VIEWS_WRITE}), DAY, HERE
        )
        bearer = {"authorization": f"Bearer {made.text}"}
        assert browser.client.post("/views", headers=bearer).json() == {"saved by": shop.id}
        assert browser.client.get("/events", headers=bearer).status_code == 403
        for wrong in ("Bearer ot_000000000000_x", "Bearer", "Basic eDp5", "", f"Token {made.text}"):
            assert browser.client.get("/events", headers={"authorization": wrong}).status_code == 401

    @pytest.mark.parametrize("kind", ["text/plain", "multipart/form-data; boundary=x", "application/json"])
    def test_other_kinds_of_bodies_bring_no_token(self, kind: str) -> None:
        """A form of another site can send these without asking first."""
        browser = _signed_in(Desk())
        token = browser.get("/me").json()["csrf_token"]
        told = browser.client.post("/views", content=f"csrf_token={token}", headers={"content-type": kind})
        assert told.status_code == 403

    def test_a_form_is_bounded(self) -> None:
        """One that is huge, or of very many fields, is not looked through."""
        browser = _signed_in(Desk())
        token = browser.get("/me").json()["csrf_token"]
        assert browser.send("/views", {"csrf_token": token, "x": "y" * 70_000}).status_code == 403
        assert browser.send("/views", {f"f{number}": "" for number in range(300)}).status_code == 400


class TestTokens:
    """Sessions that were not begun here, or not by this person."""

    def test_a_planted_cookie_is_good_for_nothing(self) -> None:
        """Session fixation: signing in makes a new token, and ends the one that came."""
        desk = Desk()
        desk.person("mallory", Role.VIEWER)
        desk.person("ana", Role.AUDITOR)
        app = make_site(desk)
        mallory = Browser(app)
        mallory.sign_in("mallory")
        victim = Browser(app)
        victim.client.cookies.set("__Host-ordertrail", mallory.token or "", domain="trail.example.com")
        victim.sign_in("ana")
        assert victim.token != mallory.token
        assert victim.get("/me").json()["name"] == "Ana"
        assert mallory.get("/me").status_code == 303

    @pytest.mark.parametrize(
        "token", ["", "x", "A" * 43, "A" * 5_000, "é", "../../etc/passwd", "' OR 1=1 --", "\x00"]
    )
    def test_a_made_up_cookie_is_nobodys(self, token: str) -> None:
        """Whatever it is; and it breaks nothing."""
        client = Browser(make_site(Desk())).client
        told = client.get("/events", headers={"cookie": f"__Host-ordertrail={token}".encode()})
        assert told.status_code == 401

    def test_what_the_store_holds_is_no_cookie(self) -> None:
        """Its thief has hashes."""
        desk = Desk()
        browser = _signed_in(desk)
        for text in (digest(browser.token or ""), browser.get("/me").json()["csrf_token"]):
            thief = Browser(make_site(desk)).client
            assert thief.get("/events", headers={"cookie": f"__Host-ordertrail={text}"}).status_code == 401

    def test_a_plain_cookie_is_not_taken_for_one_that_is_bound_to_this_host(self) -> None:
        """A neighbouring host can plant the one, and not the other."""
        desk = Desk()
        browser = _signed_in(desk)
        client = Browser(make_site(desk)).client
        assert client.get("/events", headers={"cookie": f"ordertrail={browser.token}"}).status_code == 401

    def test_whoever_is_withdrawn_is_out_at_once(self) -> None:
        """By session and by key, with the next request."""
        desk = Desk()
        browser = _signed_in(desk)
        account = desk.stores.accounts.named("ana")
        assert account is not None
        key = desk.access.keyring.make(
            desk.who("ana"), account, "k", frozenset({Verb.EVENTS_SEARCH}), DAY, HERE
        )
        bearer = {"authorization": f"Bearer {key.text}"}
        assert browser.client.get("/events", headers=bearer).status_code == 200
        desk.access.people.withdraw(local_principal(), "ana", HERE, "left the house")
        assert browser.client.get("/events", headers=bearer).status_code == 401
        assert browser.get("/events").status_code == 303
        assert browser.sign_in("ana").status_code == 403

    def test_a_forgotten_role_is_gone_at_once(self) -> None:
        """A right that was taken away does not last as long as the session."""
        desk = Desk()
        browser = _signed_in(desk)
        desk.access.people.change(local_principal(), "ana", Wanted((Role.COLLECTOR,), Scope()), HERE)
        assert browser.get("/events").status_code == 303


class TestTargets:
    """Where somebody is sent after signing in is always here."""

    @pytest.mark.parametrize(
        "target",
        [
            "https://evil.example", "//evil.example", "/\\evil.example", "\\\\evil.example", "/\t/evil.example",
            "/\n/evil.example", "///evil.example", "javascript:alert(1)",
            "data:text/html,x", "http:evil.example", "", "evil",
            "/%0d%0aSet-Cookie:x=y\r\nX: y", "/\u2044evil", "/sign-in?next=/sign-in",
            "/sign-out", "/oidc/depart", "/a\\b",
            "/" + "a" * 3_000, "@evil.example", " /evil", "/\x00",
        ],
    )  # fmt: skip
    def test_a_target_elsewhere_is_the_first_page(self, target: str) -> None:
        """Nobody signs in here and lands on a site that looks like this one."""
        desk = Desk()
        desk.person("ana", Role.VIEWER)
        assert safe_target(target) == HOME
        browser = Browser(make_site(desk))
        fields = browser.form("/sign-in") | {"name": "ana", "password": PASSWORD, "next": target}
        assert browser.send("/sign-in", fields).headers["location"] == HOME
        assert browser.form(f"/sign-in?next={quote(target)}")["next"] == HOME

    @given(st.text(max_size=40) | st.from_regex(r"[/\\:.@a-z%\s]{0,12}", fullmatch=True))
    def test_any_target_is_on_this_host(self, target: str) -> None:
        """For any text: a path of this host, on one line, which is itself a safe target."""
        safe = safe_target(target)
        parts = urlsplit(safe)
        assert (parts.scheme, parts.netloc) == ("", "")
        assert safe.startswith("/")
        assert not safe.startswith(("//", "/\\"))
        assert safe.isprintable()
        assert safe_target(safe) == safe

    def test_no_header_can_be_put_in(self) -> None:
        """Neither by the address that somebody wanted, nor by a name or a reason."""
        desk = Desk()
        desk.person("ana", Role.VIEWER)
        browser = Browser(make_site(desk))
        for path in ("/events?q=%0d%0aset-cookie:a=b", "/events?q=%E2%80%A8x", "/events?q=a%00b"):
            told = browser.get(path)
            assert told.status_code == 303
            assert "set-cookie" not in told.headers
            assert "\r" not in told.headers["location"]
            assert "\n" not in told.headers["location"]
        browser.sign_in("ana", "x\r\nSet-Cookie: a=b")
        assert browser.client.cookies.get("a") is None

    def test_what_is_written_into_a_page_is_text(self) -> None:
        """No script by way of the target, of a browser's name, or of what another house is called."""
        browser = Browser(make_site(Desk()))
        page = browser.get('/sign-in?next=/"><script>alert(1)</script>', user_agent="<script>")
        assert "<script" not in page.text


class TestRecords:
    """What was asked, by whom, and what was refused: the trail knows."""

    def test_a_read_is_an_event_before_it_is_answered(self) -> None:
        """With its filter and its hits, from where and in which session; without it there is no answer."""
        desk = Desk()
        browser = _signed_in(desk)
        desk.told.clear()
        assert (
            browser.get("/events?q=actor:clerk-17", x_request_id="r-81", user_agent="Firefox").status_code
            == 200
        )
        (event,) = desk.told
        assert (event.action, event.subject.kind, event.subject.id) == ("evidence.search", "filter", "events")
        assert event.context is not None
        assert (event.context.request, event.context.user_agent, event.context.reason) == (
            "r-81",
            "Firefox",
            "actor:clerk-17",
        )
        assert [(change.path, change.after) for change in event.changes] == [("/hits", 3)]
        assert (event.context.ip, event.context.channel) == ("203.0.113.7", "web")
        desk.broken = True
        with pytest.raises(Exception, match="journal"):
            browser.get("/events?q=secret")

    def test_what_was_refused_is_an_event(self) -> None:
        """Who is known and may not: which address, and which verb was missing."""
        desk = Desk()
        browser = _signed_in(desk)
        desk.told.clear()
        assert browser.get("/do/exports.make?secret=1").status_code == 403
        (event,) = desk.told
        assert (event.action, event.outcome, event.subject.id) == (
            "access.deny",
            "denied",
            "/do/exports.make",
        )
        assert ("/verb", "exports.make") in [(change.path, change.after) for change in event.changes]
        assert "secret" not in str(event)
        desk.broken = True
        assert browser.get("/do/exports.make").status_code == 503

    @pytest.mark.parametrize("agent", ["x" * 9_000, "\x01\x02", "ü" * 300, "a\tb"])
    def test_what_a_client_says_of_itself_fits_an_event(self, agent: str) -> None:
        """However long or odd; else a read could be made unrecordable, or the trail's lines forged."""
        desk = Desk()
        browser = _signed_in(desk)
        headers = {
            **HTML,
            "user-agent": agent.encode("latin-1"),
            "x-request-id": b"a b\xff",
            "traceparent": b"zz",
        }
        assert (
            browser.client.get("/events?q=%0aforged%20line%00%ed%a0%80", headers=headers).status_code == 200
        )
        event = desk.told[-1]
        assert event.context is not None
        assert (event.context.reason or "").isprintable()


@pytest.mark.parametrize("role", Role)
def test_each_role_opens_what_it_allows_and_nothing_else(role: Role) -> None:
    """The matrix, over every verb: by session and by key."""
    desk = Desk()
    desk.person("ana", role, sees=True)
    app = make_site(desk)
    browser = Browser(app)
    browser.sign_in("ana")
    allowed = verbs_of([role])
    for verb in Verb:
        assert browser.get(f"/do/{verb}").status_code == (200 if verb in allowed else 403)
    service = desk.service("robot", role)
    keyed = allowed - NOT_BY_KEY
    if keyed:
        made = desk.access.keyring.make(local_principal(), service, "k", keyed, DAY, HERE)
        client = Browser(app).client
        for verb in Verb:
            expected = 200 if verb in keyed - {Verb.IDENTITIES_REVEAL} else 403
            told = client.get(f"/do/{verb}", headers={"authorization": f"Bearer {made.text}"})
            assert told.status_code == expected
