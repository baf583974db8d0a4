"""A provider's API as its documentation has it, served on this machine: lists in pages, parcels by number, tokens."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True, slots=True)
class Asked:
    """One question: its path, its parameters, what was posted, and its headers, named in small letters."""

    path: str
    said: dict[str, str]
    posted: Any
    headers: dict[str, str]


@dataclass
class Api:
    """An API. ``lists`` are its elements by path, the newest first; ``documents`` what a path answers as it stands."""

    url: str = ""
    provider: str = ""
    lists: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    documents: dict[str, Any] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    """What it adds to its answers."""
    token: str | None = None
    """The token that it takes; None where it makes none."""
    size: int = 2
    """Elements of its pages, whatever is asked for."""

    def answer(self, asked: Asked) -> tuple[int, Any]:
        """Return the status and the document of an answer."""
        if asked.path.endswith("token"):
            self.token = f"token-{len(self.asked)}"
            return 200, {"access_token": self.token}
        if self.status != 200:
            return self.status, {}
        if self.token is not None and asked.headers.get("authorization") != f"Bearer {self.token}":
            return 401, {}
        if asked.path in self.documents:
            return 200, self.documents[asked.path]
        if asked.path in self.lists:
            return 200, self._page(asked)
        return 404, {"error": {"code": "404", "message": "not found"}}

    def _page(self, asked: Asked) -> Any:
        """Return a page in the form of the provider whose path it is."""
        items, path, said, size = self.lists[asked.path], asked.path, asked.said, self.size
        start = next((at + 1 for at, one in enumerate(items) if one["id"] == _last(said)), 0)
        start = int(said.get("cursor") or said.get("skip") or start)
        if "page" in said:
            start = (int(said["page"]) - 1) * size
        found, more = items[start : start + size], start + size < len(items)
        following = f"https://elsewhere.example{path}?limit={size}&cursor={start + size}"
        href = {"href": following, "type": "application/hal+json"} if more else None
        links = [{"rel": "self", "href": "x"}] + ([{"rel": "next", "href": following}] if more else [])
        turned = {"total": len(items), "next_cursor": str(start + size), "has_next_page": more}
        name = path.rsplit("/", 1)[1]
        forms: dict[str, Any] = {
            "stripe": {"object": "list", "data": found, "has_more": more},
            "paypal": {"events": found, "count": len(found), "links": links},
            "easypost": {"trackers": found, "has_more": more},
            "mollie": {"_embedded": {name: found}, "_links": {"next": href}},
            "square": {name: found} | ({"cursor": str(start + size)} if more else {}),
            "razorpay": {"entity": "collection", "items": found},
            "shippo": {"results": found, "next": following if more else None},
            "authorizenet": {"_links": {}, "notifications": found},
            "aftership": {"meta": {"code": 200}, "data": {"pagination": turned, "trackings": found}},
        }
        return self._graph(asked) if name == "graphql" else forms[self.provider]

    def _graph(self, asked: Asked) -> Any:
        variables = asked.posted["variables"]
        query = asked.posted["query"]
        name = next(one for one in ("transactions", "refunds", "disputes") if f"{one}(input" in query)
        items = [one for one in self.lists["/graphql"] if one["of"] == name]
        start = int(variables.get("after", 0))
        found = [{"node": one} for one in items[start : start + self.size]]
        more = start + self.size < len(items)
        page = {"hasNextPage": more, "endCursor": str(start + self.size)}
        return {"data": {"search": {name: {"pageInfo": page, "edges": found}}}}


def _last(said: dict[str, str]) -> str | None:
    return said.get("starting_after") or said.get("before_id")


@contextmanager
def serving(api: Api) -> Iterator[Api]:
    """Serve it on a port that is free."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(None)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            self._answer(json.loads(body) if body[:1] in "{[" else parse_qs(body))

        def _answer(self, posted: Any) -> None:
            parts = urlsplit(self.path)
            said = {name: values[0] for name, values in parse_qs(parts.query).items()}
            asked = Asked(parts.path, said, posted, {name.lower(): one for name, one in self.headers.items()})
            api.asked.append(asked)
            status, document = api.answer(asked)
            body = json.dumps(document).encode()
            self.send_response(status)
            for name, one in api.headers.items():
                self.send_header(name, one)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    api.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield api
    finally:
        server.shutdown()
        server.server_close()
