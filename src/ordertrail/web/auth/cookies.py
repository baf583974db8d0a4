"""The cookies: one for a session, one for a browser that is about to sign in.

Over TLS they carry the prefix ``__Host-`` (RFC 6265bis, section 4.1.3.2): a browser takes such a cookie only from this
very host, over TLS, and for all of it, so that no neighbouring host can plant one. They are HttpOnly, so that no script
reads them, and SameSite=Lax, so that other sites' forms do not bring them. They hold random tokens and nothing else.
"""

from typing import Final

from starlette.requests import HTTPConnection
from starlette.responses import Response

from ordertrail.access.rules import Rules

_SESSION: Final = "ordertrail"
_BROWSER: Final = "ordertrail-browser"
_LONGEST: Final = 128


def _name(name: str, rules: Rules) -> str:
    return f"__Host-{name}" if rules.tls else name


def _read(request: HTTPConnection, name: str, rules: Rules) -> str | None:
    """Return a cookie's token; None where there is none, or something no token of ours looks like."""
    token = request.cookies.get(_name(name, rules))
    return token if token and len(token) <= _LONGEST and token.isascii() and token.isprintable() else None


def _write(response: Response, name: str, token: str, rules: Rules, seconds: int) -> None:
    response.set_cookie(
        _name(name, rules), token, max_age=seconds, path="/", secure=rules.tls, httponly=True, samesite="lax"
    )


def session_token(request: HTTPConnection, rules: Rules) -> str | None:
    """Return the token of the session that a request came with."""
    return _read(request, _SESSION, rules)


def set_session(response: Response, token: str, rules: Rules) -> None:
    """Give a browser a session."""
    _write(response, _SESSION, token, rules, int(rules.longest.total_seconds()))


def drop_session(response: Response, rules: Rules) -> None:
    """Take a browser's session away."""
    _write(response, _SESSION, "", rules, 0)


def browser_token(request: HTTPConnection, rules: Rules) -> str | None:
    """Return what a browser that is about to sign in was given."""
    return _read(request, _BROWSER, rules)


def set_browser(response: Response, token: str, rules: Rules) -> None:
    """Give a browser that is about to sign in a token of its own."""
    _write(response, _BROWSER, token, rules, int(rules.longest.total_seconds()))


def drop_browser(response: Response, rules: Rules) -> None:
    """Take it away: the browser signed in, and what it had before is good no more."""
    _write(response, _BROWSER, "", rules, 0)
