"""OpenID Connect: another house that people sign in with.

The authorization code flow with PKCE (RFC 7636, S256), state and nonce; the provider is found by OpenID Connect
Discovery 1.0. What comes back is checked as OpenID Connect Core 1.0, section 3.1.3.7, has it: signed by a key of the
provider with an algorithm of public keys (never ``none``, never a shared secret), issued by this issuer, for this
client, now, and for this journey's nonce. No address comes from a user: all are the issuer's own, over TLS, and no
redirect is followed.
"""

import base64
import hashlib
import hmac
import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, Final, cast
from urllib.parse import quote, urlencode, urlsplit

import httpx
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, KeySetSerialization

from ordertrail.access.account import Bound
from ordertrail.access.ports import Departure, Identity
from ordertrail.access.secrets import new_token
from ordertrail.kernel.errors import InputError, Problem, UnavailableError

_ALGORITHMS: Final = (
    "RS256",
    "RS384",
    "RS512",
    "PS256",
    "PS384",
    "PS512",
    "ES256",
    "ES384",
    "ES512",
    "EdDSA",
)
_SECONDS: Final = 10.0
_KNOWN: Final = 3_600.0
"""Seconds for which what a provider says of itself, and its keys, are believed."""
_AGAIN: Final = 30.0
"""Seconds between two looks for keys that are new."""
_SKEW: Final = 120
_LARGEST: Final = 1 << 20
_HERE: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_NAMES: Final = ("name", "preferred_username")
_MOST: Final = 1_000
"""Values of one claim that are looked at."""


@dataclass(frozen=True, slots=True)
class Registration:
    """What the provider and this trail have agreed on. ``claims`` are those that the settings name."""

    issuer: str
    client_id: str
    redirect: str
    client_secret: str | None = field(default=None, repr=False)
    scopes: tuple[str, ...] = ("openid", "profile")
    claims: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class _Provider:
    """What a provider says of itself, and when it was asked."""

    said: Mapping[str, Any]
    keys: KeySet
    asked: float

    def address(self, name: str, issuer: str) -> str:
        """Return one of its addresses. Refuses one that is missing, or that goes over the net unprotected."""
        url = self.said.get(name)
        parts = urlsplit(url) if isinstance(url, str) else None
        here = urlsplit(issuer).hostname in _HERE
        if parts is None or not (parts.scheme == "https" or (here and parts.hostname in _HERE)):
            raise _unavailable(f"it names no {name} that begins with https://")
        return str(url)


class OpenIdProvider:
    """Implements :class:`ordertrail.access.ports.House`."""

    def __init__(self, name: str, registration: Registration) -> None:
        self._name = name
        self._registration = registration
        self._known: _Provider | None = None
        self._asking = Lock()

    @property
    def name(self) -> str:
        """See the port."""
        return self._name

    def depart(self) -> Departure:
        """See the port."""
        state, nonce, verifier = new_token(), new_token(), secrets.token_urlsafe(48)
        registration = self._registration
        endpoint = self._provider().address("authorization_endpoint", registration.issuer)
        asked = {
            "response_type": "code",
            "client_id": registration.client_id,
            "redirect_uri": registration.redirect,
            "scope": " ".join(registration.scopes),
            "state": state,
            "nonce": nonce,
            "code_challenge": _challenge(verifier),
            "code_challenge_method": "S256",
        }
        url = f"{endpoint}{'&' if urlsplit(endpoint).query else '?'}{urlencode(asked)}"
        return Departure(url, state, nonce, verifier)

    def arrive(self, code: str, nonce: str, verifier: str) -> Identity:
        """See the port."""
        issuer, provider = self._registration.issuer, self._provider()
        with _translated(), _client() as client:
            tokens = self._tokens(client, provider.address("token_endpoint", issuer), code, verifier)
            claims = self._proven(tokens.get("id_token"), nonce)
            access = tokens.get("access_token")
            if "userinfo_endpoint" in provider.said and self._registration.claims - claims.keys():
                url = provider.address("userinfo_endpoint", issuer)
                more = _json(client.get(url, headers={"Authorization": f"Bearer {access}"}))
                if more.get("sub") != claims["sub"]:
                    raise _unproven("what it says of its person is of somebody else")
                claims = {**more, **claims}
        return self._identity(claims)

    def _tokens(self, client: httpx.Client, url: str, code: str, verifier: str) -> dict[str, Any]:
        """Exchange a code (RFC 6749, section 4.1.3); a client with a secret proves itself by it (section 2.3.1)."""
        name, secret = self._registration.client_id, self._registration.client_secret
        asked = {
            "grant_type": "authorization_code",
            "redirect_uri": self._registration.redirect,
            "code": code,
            "code_verifier": verifier,
        }
        headers = {"Accept": "application/json"}
        if secret is None:
            asked["client_id"] = name
        else:
            basic = f"{quote(name, safe='')}:{quote(secret, safe='')}".encode()
            headers["Authorization"] = f"Basic {base64.b64encode(basic).decode()}"
        answer = client.post(url, data=asked, headers=headers)
        if answer.is_client_error:
            raise _unproven("the code was not taken")
        return _json(answer)

    def _proven(self, token: object, nonce: str) -> dict[str, Any]:
        """Return the claims of an ID token whose every proof was checked."""
        if not isinstance(token, str) or len(token) > _LARGEST:
            raise _unproven("there is no ID token")
        claims = self._signed(token)
        audience = claims.get("aud")
        meant = [audience] if isinstance(audience, str) else audience
        client, now = self._registration.client_id, time.time()
        if claims.get("iss") != self._registration.issuer:
            raise _unproven("the ID token is of another issuer")
        if not isinstance(meant, list) or client not in meant or claims.get("azp", client) != client:
            raise _unproven("the ID token is for somebody else")
        if len(meant) > 1 and "azp" not in claims:
            raise _unproven("the ID token is for several, and does not say who asked")
        if not _is_number(claims.get("exp")) or claims["exp"] <= now - _SKEW:
            raise _unproven("the ID token has ended")
        if not _is_number(claims.get("iat")) or claims["iat"] > now + _SKEW:
            raise _unproven("the ID token is of the future")
        if not hmac.compare_digest(str(claims.get("nonce", "")).encode(), nonce.encode()):
            raise _unproven("the ID token is of another journey")
        if not isinstance(claims.get("sub"), str) or not 0 < len(claims["sub"]) <= 255:
            raise _unproven("the ID token names nobody")
        return claims

    def _signed(self, token: str) -> dict[str, Any]:
        """Return the claims of a token that the provider signed. Keys that are new are looked for once."""
        for keys in (self._provider().keys, self._provider(anew=True).keys):
            try:
                return dict(jwt.decode(token, keys, algorithms=list(_ALGORITHMS)).claims)
            except (JoseError, ValueError):
                continue
        raise _unproven("the ID token is not signed by it")

    def _identity(self, claims: Mapping[str, Any]) -> Identity:
        found = frozenset(
            (name, value) for name in self._registration.claims for value in _texts(claims.get(name))
        )
        titles = [claims[name] for name in _NAMES if isinstance(claims.get(name), str)]
        title = next(
            (one.strip()[:200] for one in titles if one.strip() and one.isprintable()), claims["sub"][:200]
        )
        return Identity(Bound(self._registration.issuer, claims["sub"]), title, found)

    def _provider(self, *, anew: bool = False) -> _Provider:
        """Return what the provider says of itself, asked again when that is old, or ``anew`` and not just now."""
        with self._asking:
            known, now = self._known, time.monotonic()
            if known is not None and now - known.asked < (_AGAIN if anew else _KNOWN):
                return known
            self._known = self._asked(now)
            return self._known

    def _asked(self, now: float) -> _Provider:
        issuer = self._registration.issuer
        with _translated(), _client() as client:
            url = f"{issuer.rstrip('/')}/.well-known/openid-configuration"
            said = _json(client.get(url))
            if said.get("issuer") != issuer:
                raise _unavailable("it says that it is another issuer")
            provider = _Provider(said, KeySet([]), now)
            answer = client.get(provider.address("jwks_uri", issuer))
            keys = KeySet.import_key_set(cast("KeySetSerialization", _json(answer)))
        return _Provider(said, keys, now)


def _challenge(verifier: str) -> str:
    """Return what the provider is told of a verifier that comes later (RFC 7636, section 4.2, S256)."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def _client() -> httpx.Client:
    """Return what asks the provider: in bounded time, by no proxy that the environment names, following nothing."""
    return httpx.Client(timeout=_SECONDS, follow_redirects=False, trust_env=False)


def _json(answer: httpx.Response) -> dict[str, Any]:
    """Return the JSON object of an answer. Raises UnavailableError for any other answer."""
    if answer.status_code != httpx.codes.OK or len(answer.content) > _LARGEST:
        raise _unavailable(f"it answered {answer.status_code} with {len(answer.content):,} bytes")
    said = answer.json()
    if not isinstance(said, dict):
        raise _unavailable("it answered something else than an object")
    return said


def _texts(value: object) -> list[str]:
    """Return the values of a claim: a text, or a list of them; anything else has none."""
    if isinstance(value, str):
        return [value]
    return [one for one in value[:_MOST] if isinstance(one, str)] if isinstance(value, list) else []


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


@contextmanager
def _translated() -> Iterator[None]:
    """Tell what went wrong on the way in our own words; what the provider wrote may hold tokens, and is not shown."""
    try:
        yield
    except (httpx.HTTPError, ValueError, JoseError) as error:
        raise _unavailable(f"it cannot be understood or reached ({type(error).__name__})") from None


def _unavailable(why: str) -> UnavailableError:
    return UnavailableError(
        f"the house that people sign in with: {why}",
        meaning="Nobody was signed in; evidence is untouched.",
        remedy="Try again; look at issuer of [access], and whether the provider answers.",
    )


def _unproven(why: str) -> InputError:
    return InputError(
        Problem("", f"what came back from the other house proves nothing: {why}"),
        meaning="Nobody was signed in.",
        remedy="Begin again at the page to sign in.",
    )
