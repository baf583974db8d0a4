"""The log over HTTP is a C2SP log: somebody who only knows the formats follows it, and Go's own code accepts it."""

import struct
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from interop.conftest import tlogcheck
from interop.golang import TlogCheck
from ordertrail.access.roles import Role
from ordertrail.web.api.tiles import router
from web.api.conftest import Asker, Shop
from web.api.served import served

__all__ = ["tlogcheck"]


def needed(size: int) -> Iterator[tuple[str, bool]]:
    """Yield the paths of all tiles and bundles of a tree of this size, by the rules of tlog-tiles alone."""
    level, count = 0, size
    while count:
        for number in range((count + 255) // 256):
            width = min(256, count - number * 256)
            path = spelled(number) + ("" if width == 256 else f".p/{width}")
            yield f"tile/{level}/{path}", False
            if level == 0:
                yield f"tile/entries/{path}", True
        level, count = level + 1, count // 256


def spelled(number: int) -> str:
    """Write a tile's number in groups of three digits."""
    groups = [f"{number % 1000:03d}"]
    while number := number // 1000:
        groups.insert(0, f"x{number % 1000:03d}")
    return "/".join(groups)


def test_go_accepts_what_is_served(shop: Shop, auditor: Asker, tmp_path: Path, tlogcheck: TlogCheck) -> None:
    """Everything is fetched by HTTP, by paths that are worked out here, and handed to the Go checker."""
    shop.house.feed()
    checkpoint = shop.client.get("/checkpoint")
    assert checkpoint.headers["content-type"] == "text/plain; charset=utf-8"
    assert checkpoint.headers["cache-control"] == "no-cache"
    (tmp_path / "checkpoint").write_bytes(checkpoint.content)
    keys = auditor.get("/api/v1/keys")["keys"]
    (tmp_path / "keys.txt").write_text("".join(f"{one['vkey']}\n" for one in keys))
    size = int(checkpoint.text.split("\n")[1])
    assert size > 256
    for path, guarded in needed(size):
        answer = shop.client.get(f"/{path}", headers=auditor.headers() if guarded else {})
        assert answer.status_code == 200, path
        assert answer.headers["content-type"] == "application/octet-stream"
        assert "immutable" in answer.headers["cache-control"]
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(answer.content)
    verdict = tlogcheck(tmp_path)
    assert f"OK size={size} checkpoints=1 " in verdict.message, verdict.message


def test_what_is_no_tile_is_not_there(shop: Shop) -> None:
    """No other spelling, no other file: 404 or a refusal, and never a path of the server's own."""
    for path in (
        "tile/0/1", "tile/0/0000", "tile/0/x000/000", "tile/64/000", "tile/0/000.p/0", "tile/0/000.p/256",
        "tile/0/..%2f..%2fkeys", "tile/0/%2e%2e/%2e%2e/keys.txt", "tile/0/999", "tile/00/000",
        "streams/nowhere/checkpoint", "streams/..%2f/checkpoint", "tile/0/000%00", "tile/0/000/",
    ):  # fmt: skip
        answer = shop.client.get(f"/{path}")
        assert answer.status_code in {404, 422}, path
    assert shop.client.get("/streams/default/checkpoint").content == shop.client.get("/checkpoint").content


def test_a_tile_is_known_by_its_tag(shop: Shop) -> None:
    """What never changes need not be sent twice."""
    first = shop.client.get("/tile/0/000")
    again = shop.client.get("/tile/0/000", headers={"If-None-Match": first.headers["etag"]})
    assert again.status_code == 304


def test_entries_are_evidence(shop: Shop) -> None:
    """Who reads a bundle is recorded, and who may not search has none."""
    reader = shop.asker(Role.VIEWER)
    bundle = reader.get("/tile/entries/000").content
    (length,) = struct.unpack_from(">H", bundle)
    assert bundle[2 : 2 + length].startswith(b'{"event":')
    assert shop.told("evidence.read")[-1].subject.kind == "entries"
    shop.asker(Role.RECORDER).get("/tile/entries/000", status=403)


def test_closed_hashes_take_a_key(shop: Shop) -> None:
    """Where a house does not open its log, hashes are for who may have proofs, and no cache on the way keeps them."""
    app = FastAPI()
    app.state.services = shop.services
    app.include_router(router)
    key = shop.asker(Role.VIEWER).headers()
    with served(app) as address, httpx.Client(base_url=address) as client:
        assert client.get("/checkpoint").status_code == 401
        assert client.get("/tile/0/000").status_code == 401
        assert client.get("/tile/0/000", headers=key).headers["cache-control"].startswith("private")


@pytest.mark.parametrize("path", ["/checkpoint", "/tile/0/000"])
def test_nothing_else_is_taken(shop: Shop, path: str) -> None:
    """A log is read and not written here."""
    assert shop.client.post(path).status_code == 405
