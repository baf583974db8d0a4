"""An OpenID Connect provider that can be told to lie: what it says and signs is changed as a test likes.

It checks what a provider must of its side: the client's secret, the redirect, that a code is used once, and PKCE.
"""

import asyncio
import base64
import hashlib
import hmac
import json
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, quote, urlencode

import uvicorn
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

CLIENT = "ordertrail"
SECRET = "the client's own secret"  # noqa: S105 - a test's own

Change = Callable[[dict[str, Any]], dict[str, Any]]


@dataclass(slots=True)
class Provider:
    """A provider; ``person`` is who is signed in there, with their claims."""

    issuer: str = ""
    person: dict[str, Any] = field(
        default_factory=lambda: {"sub": "248289761001", "name": "Ana Lima", "groups": ["audit"]}
    )
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "one"}))
    published: list[RSAKey] | None = None
    discovery: Change = lambda said: said
    token: Change = lambda claims: claims
    sign: Callable[[dict[str, Any]], str] | None = None
    userinfo: dict[str, Any] = field(default_factory=dict)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def app(self) -> Starlette:
        """Return its application."""
        return Starlette(
            routes=[
                Route("/.well-known/openid-configuration", self._discovery),
                Route("/keys", self._keys),
                Route("/authorize", self._authorize),
                Route("/token", self._token, methods=["POST"]),
                Route("/userinfo", self._userinfo),
            ]
        )

    def _discovery(self, _request: Request) -> Response:
        self.asked.append("discovery")
        said = {"issuer": self.issuer, "jwks_uri": f"{self.issuer}/keys"}
        for name in ("authorization", "token", "userinfo"):
            said[f"{name}_endpoint"] = f"{self.issuer}/{'authorize' if name == 'authorization' else name}"
        return JSONResponse(self.discovery(said))

    def _keys(self, _request: Request) -> Response:
        self.asked.append("keys")
        keys = self.published if self.published is not None else [self.key]
        return JSONResponse(KeySet(list(keys)).as_dict(private=False))

    def _authorize(self, request: Request) -> Response:
        asked = dict(request.query_params)
        if asked.get("client_id") != CLIENT or asked.get("code_challenge_method") != "S256":
            return JSONResponse({"error": "invalid_request"}, 400)
        code = secrets.token_urlsafe()
        self.codes[code] = asked
        return RedirectResponse(
            f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}"
        )

    async def _token(self, request: Request) -> Response:
        sent = {name: values[0] for name, values in parse_qs((await request.body()).decode()).items()}
        asked = self.codes.pop(sent.get("code", ""), None)
        basic = "Basic " + base64.b64encode(f"{CLIENT}:{quote(SECRET, safe='')}".encode()).decode()
        challenge = hashlib.sha256(sent.get("code_verifier", "").encode()).digest()
        if (
            asked is None
            or request.headers.get("authorization") != basic
            or sent.get("redirect_uri") != asked["redirect_uri"]
            or base64.urlsafe_b64encode(challenge).rstrip(b"=").decode() != asked["code_challenge"]
        ):
            return JSONResponse({"error": "invalid_grant"}, 400)
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "aud": CLIENT,
            "iat": now,
            "exp": now + 300,
            "nonce": asked["nonce"],
            **self.person,
        }
        claims = self.token(claims)
        signed = (
            self.sign(claims)
            if self.sign
            else jwt.encode({"alg": "RS256", "kid": self.key.kid}, claims, self.key)
        )
        return JSONResponse({"access_token": "a", "token_type": "Bearer", "id_token": signed})

    def _userinfo(self, _request: Request) -> Response:
        return JSONResponse({"sub": self.person["sub"], **self.userinfo})

    def signed_with_its_public_key(self, claims: dict[str, Any]) -> str:
        """Return a token signed with a shared secret that is the provider's public key (the confusion of RS and HS)."""
        text = f"{_encoded({'alg': 'HS256', 'kid': self.key.kid})}.{_encoded(claims)}"
        mac = hmac.digest(self.key.as_pem(private=False), text.encode(), "sha256")
        return f"{text}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"


def unsigned(claims: dict[str, Any]) -> str:
    """Return a token that nobody signed (alg none)."""
    return f"{_encoded({'alg': 'none'})}.{_encoded(claims)}."


def _encoded(part: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()


@contextmanager
def serving(provider: Provider) -> Iterator[Provider]:
    """Run a provider on a port of this machine."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        provider.issuer = f"http://127.0.0.1:{listening.getsockname()[1]}"
        server = uvicorn.Server(uvicorn.Config(provider.app(), log_level="error", lifespan="off"))
        thread = threading.Thread(target=lambda: asyncio.run(server.serve([listening])), daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield provider
        server.should_exit = True
        thread.join()
