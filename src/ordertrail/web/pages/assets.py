"""Files that pages load: read once, served by their names and nothing else, each under an address that names its bytes.

``href("ordertrail.css")`` is ``/static/ordertrail.css?v=1f0c…``: a new release is a new address, so that browsers may
keep what they have for good.
"""

import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import PurePosixPath
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request
from starlette.responses import PlainTextResponse, Response

from ordertrail.web.auth.admission import public

_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
    ".txt": "text/plain; charset=utf-8",
    ".webmanifest": "application/manifest+json",
}
_SQUEEZED: Final = frozenset({".css", ".js", ".svg", ".txt"})

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class Asset:
    """A file, its media type, its bytes as they are and squeezed, and the beginning of its SHA-256."""

    type: str
    body: bytes
    squeezed: bytes | None
    version: str


@cache
def assets() -> Mapping[str, Asset]:
    """Return all files by the path below ``static``; the verifier that bundles carry is one of them."""
    found = {"evidence.js": _asset(files("ordertrail.evidence.verifier") / "verify.js", ".js")}
    root = files("ordertrail.web") / "static"
    waiting = [(root, PurePosixPath())]
    while waiting:
        folder, path = waiting.pop()
        for one in folder.iterdir():
            name = path / one.name
            if one.is_dir():
                waiting.append((one, name))
            elif name.suffix in _TYPES:
                found[str(name)] = _asset(one, name.suffix)
    return found


def _asset(file: Traversable, suffix: str) -> Asset:
    body = file.read_bytes()
    squeezed = gzip.compress(body, 9, mtime=0) if suffix in _SQUEEZED else None
    return Asset(_TYPES[suffix], body, squeezed, hashlib.sha256(body).hexdigest()[:12])


def href(name: str) -> str:
    """Return the address of a file. Raises KeyError where there is none: a template names one that is not kept."""
    return f"/static/{name}?v={assets()[name].version}"


@router.get("/static/{name:path}", include_in_schema=False)
def asset(request: Request, name: str, _: Annotated[None, Depends(public)], v: str = "") -> Response:
    """Serve a file; for good where the address names its bytes."""
    found = assets().get(name)
    if found is None:
        return PlainTextResponse("There is no such file.", 404)
    headers = {
        "Cache-Control": "public, max-age=31536000, immutable" if v == found.version else "no-cache",
        "ETag": f'"{found.version}"',
        "X-Content-Type-Options": "nosniff",
        "Vary": "Accept-Encoding",
    }
    if request.headers.get("if-none-match") == headers["ETag"]:
        return Response(None, 304, headers)
    if found.squeezed is not None and "gzip" in request.headers.get("accept-encoding", ""):
        return Response(found.squeezed, 200, {**headers, "Content-Encoding": "gzip"}, found.type)
    return Response(found.body, 200, headers, found.type)
