"""A site with the addresses of access and a few more, and browsers that visit it."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from types import SimpleNamespace
from typing import Annotated, Any
from urllib.parse import urlsplit

import httpx
from fastapi import Depends, FastAPI
from starlette.requests import Request

from access.desk import PASSWORD, Desk
from ordertrail.access.principal import Principal
from ordertrail.access.verbs import Verb
from ordertrail.web.auth import routes
from ordertrail.web.auth.admission import admit, public
from ordertrail.web.auth.observing import observe
from ordertrail.web.auth.refusing import install

ORIGIN = "https://trail.example.com"
HTML = {"accept": "text/html,application/xhtml+xml"}


def make_site(desk: Desk) -> FastAPI:
    """Return the application: those of access, an address for each verb, and one that changes something."""
    app = FastAPI(openapi_url="/openapi.json", docs_url=None, redoc_url=None)
    app.state.services = SimpleNamespace(access=desk.access)
    app.include_router(routes.router)
    install(app)

    @app.get("/healthz", dependencies=[Depends(public)])
    def healthz() -> dict[str, str]:
        return {"status": "well"}

    @app.get("/events")
    def events(
        request: Request, who: Annotated[Principal, Depends(admit(Verb.EVENTS_SEARCH))], q: str = ""
    ) -> dict[str, Any]:
        observe(request, who, "evidence.search", "filter", "events", q, [("hits", 3)])
        return {"who": who.id, "q": q}

    @app.post("/views")
    def views(who: Annotated[Principal, Depends(admit(Verb.VIEWS_WRITE))]) -> dict[str, str]:
        return {"saved by": who.id}

    for verb in Verb:
        app.add_api_route(f"/do/{verb.value}", _doing(verb), methods=["GET"])
    return app


def _doing(verb: Verb) -> Any:
    def do(who: Annotated[Principal, Depends(admit(verb))]) -> dict[str, str]:
        return {"did": verb.value, "who": who.id}

    return do


@dataclass(slots=True)
class _Form(HTMLParser):
    """The hidden fields of a page's form."""

    action: str = ""
    hidden: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        HTMLParser.__init__(self)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take a field."""
        told = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.action = told["action"]
        if tag == "input" and told.get("type") == "hidden":
            self.hidden[told["name"]] = told["value"]


class Client:
    """Asks an application within this process, over what looks like TLS; keeps cookies as browsers do."""

    def __init__(self, app: FastAPI, address: str = "203.0.113.7") -> None:
        transport = httpx.ASGITransport(app, client=(address, 50_000))
        self._client = httpx.AsyncClient(transport=transport, base_url=ORIGIN)

    @property
    def cookies(self) -> httpx.Cookies:
        """The cookies that it keeps."""
        return self._client.cookies

    def request(self, method: str, path: str, **asked: Any) -> httpx.Response:
        """Ask, and follow no redirect."""
        return asyncio.run(self._client.request(method, path, **asked))

    def get(self, path: str, **asked: Any) -> httpx.Response:
        """Ask by GET."""
        return self.request("GET", path, **asked)

    def post(self, path: str, **asked: Any) -> httpx.Response:
        """Ask by POST."""
        return self.request("POST", path, **asked)


class Browser:
    """A person's browser: it fills forms in, and says from where a request comes."""

    def __init__(self, app: FastAPI, address: str = "203.0.113.7") -> None:
        self.client = Client(app, address)

    def get(self, path: str, **headers: str) -> Any:
        """Open a page."""
        return self.client.get(
            path, headers=HTML | {name.replace("_", "-"): one for name, one in headers.items()}
        )

    def form(self, path: str) -> dict[str, str]:
        """Open a page and return the hidden fields of its form."""
        page = self.get(path)
        assert page.status_code == 200, (path, page.status_code, page.text)
        form = _Form()
        form.feed(page.text)
        assert form.action == urlsplit(path).path
        return form.hidden

    def send(self, path: str, fields: Mapping[str, str], **headers: str) -> Any:
        """Send a form as it stands."""
        said = HTML | {"origin": ORIGIN, "sec-fetch-site": "same-origin"}
        said |= {name.replace("_", "-"): one for name, one in headers.items()}
        return self.client.post(path, data=dict(fields), headers=said)

    def fill(self, path: str, **fields: str) -> Any:
        """Open a page, fill its form in, and send it."""
        return self.send(urlsplit(path).path, self.form(path) | fields)

    def sign_in(self, name: str, password: str = PASSWORD, path: str = "/sign-in") -> Any:
        """Sign in."""
        return self.fill(path, name=name, password=password)

    @property
    def token(self) -> str | None:
        """The session's token."""
        return self.client.cookies.get("__Host-ordertrail")
