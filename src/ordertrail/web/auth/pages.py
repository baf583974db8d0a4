"""The pages of signing in, as plain HTML without style or script. Pure: one function, which a house may replace.

What is shown is a :class:`Page`; :func:`render` writes it. Put another function of the same shape at
``app.state.render_access`` and it is asked instead.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from html import escape

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from ordertrail.access.factors import Offer
from ordertrail.web.auth.csrf import FIELD


class PageKind(StrEnum):
    """Which page it is; each but ``CODES`` and ``STOPPED`` has a form, which is sent to where the page came from."""

    SIGN_IN = "sign-in"
    """Fields ``name``, ``password``; beside it a link to ``/oidc/depart`` where there is another house."""
    SECOND = "second"
    """Field ``code``: of the authenticator, or a recovery code."""
    ENROL = "enrol"
    """Shows ``offer``; fields ``sealed`` (hidden, from the offer) and ``code``."""
    CODES = "codes"
    """Shows ``codes``, once."""
    AGAIN = "again"
    """Field ``password``, of somebody who is signed in."""
    INVITATION = "invitation"
    """Fields ``invitation`` and ``password``."""
    PASSWORD = "password"  # noqa: S105 - a page
    """Fields ``old`` and ``password``."""
    SIGN_OUT = "sign-out"
    """Field ``everywhere``: a box to tick."""
    GLASS = "glass"
    """Fields ``reason`` and ``verbs``: a box for each of ``verbs``."""
    STOPPED = "stopped"
    """Says ``message`` and leads to the page to sign in."""


@dataclass(frozen=True, slots=True)
class Page:
    """What a page shows. ``token`` goes into the form's field ``csrf_token``, ``target`` into its field ``next``."""

    kind: PageKind
    action: str
    token: str = field(default="", repr=False)
    target: str = "/"
    message: str = ""
    problems: tuple[str, ...] = ()
    house: str | None = None
    offer: Offer | None = field(default=None, repr=False)
    codes: tuple[str, ...] = field(default=(), repr=False)
    verbs: tuple[tuple[str, str], ...] = ()


Render = Callable[[Request, Page, int], Response]

_TITLES = {
    PageKind.SIGN_IN: "Sign in",
    PageKind.SECOND: "Your second factor",
    PageKind.ENROL: "Set up a second factor",
    PageKind.CODES: "Recovery codes",
    PageKind.AGAIN: "Is it still you?",
    PageKind.INVITATION: "Choose a password",
    PageKind.PASSWORD: "Change your password",
    PageKind.SIGN_OUT: "Sign out",
    PageKind.GLASS: "Break the glass",
    PageKind.STOPPED: "Not signed in",
}


def respond(request: Request, page: Page, status: int = 200) -> Response:
    """Answer with a page, as the application renders them. It is kept nowhere."""
    render_it: Render = getattr(request.app.state, "render_access", render)
    response = render_it(request, page, status)
    response.headers["Cache-Control"] = "no-store"
    return response


def render(_request: Request, page: Page, status: int = 200) -> Response:
    """Write a page as plain HTML."""
    title = escape(_TITLES[page.kind])
    told = f'<p role="alert">{escape(page.message)}</p>' if page.message else ""
    wrong = "".join(f"<li>{escape(one)}</li>" for one in page.problems)
    body = "\n".join(
        (
            f"<h1>{title}</h1>",
            told,
            f'<ul role="alert">{wrong}</ul>' if wrong else "",
            *_content(page),
        )
    )
    return HTMLResponse(
        '<!doctype html>\n<html lang="en">\n<head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title} – OrderTrail</title></head>\n<body>\n<main>\n{body}\n</main>\n</body>\n</html>\n",  # noqa: RUF001
        status,
    )


def _content(page: Page) -> Iterable[str]:
    if page.kind is PageKind.CODES:
        yield "<p>Keep these codes. Each stands once for your authenticator; they are not shown again.</p>"
        yield f"<ul>{''.join(f'<li><code>{escape(one)}</code></li>' for one in page.codes)}</ul>"
        yield f'<p><a href="{escape(page.target)}">Go on</a></p>'
        return
    if page.kind is PageKind.STOPPED:
        yield '<p><a href="/sign-in">Sign in</a></p>'
        return
    if page.offer is not None:
        yield f"<p>Type this secret into your authenticator: <code>{escape(page.offer.secret)}</code></p>"
        yield f'<p><a href="{escape(page.offer.address)}">Or open it there</a></p>'
    yield f'<form method="post" action="{escape(page.action)}">'
    yield _hidden(FIELD, page.token) + _hidden("next", page.target)
    if page.offer is not None:
        yield _hidden("sealed", page.offer.sealed)
    yield from _fields(page)
    yield f'<p><button type="submit">{escape(_TITLES[page.kind])}</button></p>\n</form>'
    if page.kind is PageKind.SIGN_IN and page.house is not None:
        yield f'<p><a href="/oidc/depart">Sign in with {escape(page.house)}</a></p>'


def _fields(page: Page) -> Iterable[str]:
    match page.kind:
        case PageKind.SIGN_IN:
            yield _field("name", "Name", "text", "username")
            yield _field("password", "Password", "password", "current-password")
        case PageKind.SECOND | PageKind.ENROL:
            yield _field("code", "Code", "text", "one-time-code")
        case PageKind.AGAIN:
            yield _field("password", "Password", "password", "current-password")
        case PageKind.INVITATION:
            yield _field("invitation", "Invitation", "text", "off")
            yield _field("password", "New password", "password", "new-password")
        case PageKind.PASSWORD:
            yield _field("old", "Password", "password", "current-password")
            yield _field("password", "New password", "password", "new-password")
        case PageKind.SIGN_OUT:
            yield '<p><label><input type="checkbox" name="everywhere" value="yes"> On all my devices</label></p>'
        case PageKind.GLASS:
            yield _field("reason", "Why", "text", "off")
            for verb, words in page.verbs:
                box = f'<input type="checkbox" name="verbs" value="{escape(verb)}">'
                yield f"<p><label>{box} {escape(words)}</label></p>"


def _field(name: str, label: str, kind: str, complete: str) -> str:
    return (
        f'<p><label>{escape(label)} <input type="{kind}" name="{name}" autocomplete="{complete}" required '
        'autocapitalize="none" spellcheck="false"></label></p>'
    )


def _hidden(name: str, value: str) -> str:
    return f'<input type="hidden" name="{name}" value="{escape(value)}">'
