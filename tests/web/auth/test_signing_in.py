"""Signing in and out with a browser."""

from access.desk import PASSWORD, Desk
from ordertrail.access.roles import Role
from ordertrail.access.rules import Rules
from ordertrail.access.service import local_principal
from ordertrail.access.telling import Where
from ordertrail.access.totp import code_at, step_of
from web.auth.site import HTML, Browser, make_site

OTHER, WEAK = "seven green umbrellas hum", "password1234"


def test_a_stranger_is_led_to_sign_in_and_back() -> None:
    """With where they wanted to go, its query too."""
    desk = Desk()
    ana = desk.person("ana", Role.AUDITOR)
    browser = Browser(make_site(desk))
    led = browser.get("/events?q=actor:x%20y&zone=UTC")
    assert led.status_code == 303
    assert led.headers["location"] == "/sign-in?next=/events%3Fq%3Dactor%3Ax%2520y%26zone%3DUTC"
    back = browser.sign_in("ana", path=led.headers["location"])
    assert (back.status_code, back.headers["location"]) == (303, "/events?q=actor:x%20y&zone=UTC")
    found = browser.get(back.headers["location"])
    assert found.json() == {"who": ana.id, "q": "actor:x y"}


def test_programs_are_told_what_they_lack() -> None:
    """A problem (RFC 9457), and how to ask; never a page."""
    client = Browser(make_site(Desk())).client
    for headers in (
        {},
        {"accept": "application/json"},
        HTML | {"sec-fetch-dest": "empty"},
        HTML | {"authorization": "Basic eDp5"},
    ):
        told = client.get("/events", headers=headers)
        assert told.status_code == 401
        assert told.headers["content-type"] == "application/problem+json"
        assert told.headers["www-authenticate"].startswith("Bearer")
        assert told.json()["title"] == "Unauthorized"
    assert client.post("/views", headers=HTML).status_code == 401


def test_cookies_are_kept_from_scripts_neighbours_and_the_open_net() -> None:
    """__Host-, Secure, HttpOnly, SameSite=Lax, for all paths; and plain only where the house says so."""
    desk = Desk()
    desk.person("ana", Role.VIEWER)
    browser = Browser(make_site(desk))
    signed = browser.sign_in("ana")
    (cookie,) = [one for one in signed.headers.get_list("set-cookie") if one.startswith("__Host-ordertrail=")]
    parts = {part.strip().lower() for part in cookie.split(";")[1:]}
    assert {"secure", "httponly", "samesite=lax", "path=/", "max-age=43200"} <= parts
    assert not any(part.startswith("domain") for part in parts)
    assert browser.client.cookies.get("__Host-ordertrail-browser") is None
    plain = Desk(rules=Rules(tls=False))
    plain.person("ana", Role.VIEWER)
    browser = Browser(make_site(plain))
    signed = browser.sign_in("ana")
    assert "ordertrail=" in signed.headers["set-cookie"]
    assert "secure" not in signed.headers["set-cookie"].lower()
    assert browser.get("/events").status_code == 200


def test_a_wrong_password_says_nothing_more() -> None:
    """The page is the same whoever was named; nothing that was typed is in it."""
    desk = Desk()
    desk.person("ana", Role.VIEWER)
    pages = set()
    for name in ("ana", "nobody", "<script>alert(1)</script>"):
        browser = Browser(make_site(desk))
        told = browser.sign_in(name, "wrong wrong wrong")
        assert told.status_code == 403
        assert "Content-Type" not in told.text
        pages.add(told.text.replace(_token(told.text), ""))
        assert browser.token is None
        assert "script" not in told.text
    assert len(pages) == 1


def _token(page: str) -> str:
    return page.partition('name="csrf_token" value="')[2].partition('"')[0]


def test_too_many_tries_are_told_how_long_to_wait() -> None:
    """429 and Retry-After, and the right password waits too."""
    desk = Desk()
    desk.person("ana", Role.VIEWER)
    browser = Browser(make_site(desk))
    told = [browser.sign_in("ana", "wrong wrong wrong").status_code for _ in range(4)]
    assert told == [403] * 4
    held = browser.sign_in("ana", PASSWORD)
    assert (held.status_code, held.headers["retry-after"]) == (429, "2")
    assert browser.token is None


def test_the_second_factor_by_browser() -> None:
    """Set up on one's own, with codes that are shown once; then asked for, and only then is one signed in."""
    desk = Desk()
    desk.person("ana", Role.AUDITOR)
    app = make_site(desk)
    browser = Browser(app)
    browser.sign_in("ana")
    before = browser.token
    fields = browser.form("/sign-in/enrol")
    account = desk.stores.accounts.named("ana")
    assert account is not None
    secret = desk.access.factors._offered(account, fields["sealed"])
    wrong = browser.send("/sign-in/enrol", fields | {"code": "000000"})
    assert wrong.status_code == 422
    done = browser.send("/sign-in/enrol", fields | {"code": code_at(secret, step_of(desk.now))})
    assert done.status_code == 200
    assert done.headers["cache-control"] == "no-store"
    codes = [part.partition("</code>")[0] for part in done.text.split("<code>")[1:]]
    assert len(codes) == 10
    assert browser.token != before
    assert browser.get("/me").json()["recovery_codes"] == 10

    other = Browser(app)
    asked = other.sign_in("ana", path="/sign-in?next=/events")
    assert asked.headers["location"] == "/sign-in/second?next=/events"
    assert other.get("/events").status_code == 303
    assert other.get("/me").status_code == 303
    assert other.fill(asked.headers["location"], code="123").status_code == 403
    desk.wait(seconds=30)
    half = other.token
    into = other.fill(asked.headers["location"], code=code_at(secret, step_of(desk.now)))
    assert (into.status_code, into.headers["location"]) == (303, "/events")
    assert other.token != half
    assert other.get("/events").status_code == 200


def test_an_invited_person_chooses_a_password() -> None:
    """The secret is typed into a form and stands in no address; then they sign in."""
    desk = Desk()
    desk.person("ana", Role.VIEWER)
    token, _ = desk.access.people.invite(local_principal(), "ana", Where())
    browser = Browser(make_site(desk))
    weak = browser.fill("/sign-in/invitation", invitation=token, password=WEAK)
    assert weak.status_code == 422
    assert "everybody tries first" in weak.text
    assert token not in weak.text
    assert (
        browser.fill("/sign-in/invitation", invitation=f" {token} ", password=OTHER).headers["location"]
        == "/sign-in"
    )
    assert browser.sign_in("ana", OTHER).status_code == 303


def test_signing_out_here_and_everywhere() -> None:
    """The token is good no more, also where somebody kept it."""
    desk = Desk()
    desk.person("ana", Role.VIEWER)
    app = make_site(desk)
    one, two = Browser(app), Browser(app)
    one.sign_in("ana")
    two.sign_in("ana")
    kept = one.token
    assert one.fill("/sign-out", everywhere="yes").headers["location"] == "/sign-in"
    assert one.token is None
    assert two.get("/events").status_code == 303
    one.client.cookies.set("__Host-ordertrail", kept or "", domain="trail.example.com")
    assert one.get("/events").status_code == 303
    assert ("access.signout", "success") in desk.actions()


def test_who_i_am() -> None:
    """Roles, verbs and scope, without anything that signs in."""
    desk = Desk()
    ana = desk.person("ana", Role.VIEWER)
    browser = Browser(make_site(desk))
    browser.sign_in("ana")
    told = browser.get("/me").json()
    assert (told["id"], told["roles"], told["scope"]["tenants"]) == (ana.id, ["viewer"], None)
    assert "events.search" in told["verbs"]
    assert str(browser.token) not in str(told)


def test_breaking_the_glass_by_browser() -> None:
    """After a proof that is fresh; with a reason; the administrator reads, and gives no rights meanwhile."""
    desk = Desk()
    desk.person("root", Role.ADMINISTRATOR)
    browser = Browser(make_site(desk))
    browser.sign_in("root")
    assert browser.get("/events").status_code == 403
    desk.wait(minutes=15)
    assert browser.get("/glass").headers["location"] == "/sign-in/again?next=/glass"
    again = browser.fill("/sign-in/again?next=/glass", password=PASSWORD)
    assert again.headers["location"] == "/glass"
    assert "prove again" not in browser.fill("/glass", reason="x").text
    before = browser.token
    broken = browser.fill("/glass", reason="orders vanish, nobody else is here", verbs="events.search")
    assert broken.status_code == 303
    assert browser.token != before
    assert browser.get("/events").status_code == 200
    assert browser.get("/do/accounts.manage").status_code == 403
    assert (
        browser.send("/glass/mend", {"csrf_token": browser.get("/me").json()["csrf_token"]}).status_code
        == 303
    )
    assert browser.get("/events").status_code == 403
    assert ("access.glass.break", "success") in desk.actions()


def test_changing_ones_password_by_browser() -> None:
    """With the old one; then everybody signs in anew."""
    desk = Desk()
    desk.person("ana", Role.VIEWER)
    browser = Browser(make_site(desk))
    browser.sign_in("ana")
    assert browser.fill("/me/password", old="wrong", password=OTHER).status_code == 403
    assert browser.fill("/me/password", old=PASSWORD, password=WEAK).status_code == 422
    assert browser.fill("/me/password", old=PASSWORD, password=OTHER).status_code == 303
    assert browser.get("/events").status_code == 303
    assert browser.sign_in("ana").status_code == 403
    assert browser.sign_in("ana", OTHER).status_code == 303
