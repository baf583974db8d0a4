"""What pages are made of: vendored parts, icons, the budget; and views and links that are kept."""

import gzip
import hashlib
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from ordertrail.adapters.views.store import SqlViews
from ordertrail.kernel.errors import InputError
from ordertrail.views.saved import Link, SavedView, check_address, check_view
from ordertrail.web.pages import assets
from ordertrail.web.pages.shell import PLACES, Standing

ROOT = Path(__file__).parents[3]
WEB = ROOT / "src/ordertrail/web"
BUDGET = 75_000


def test_vendored_files_are_those_of_the_lock() -> None:
    """Promise: every byte that is not ours is named by its hash, and none is there that is not named."""
    parts = tomllib.loads((WEB / "vendor.lock.toml").read_text())["part"]
    files = {name: digest for part in parts for name, digest in part["files"].items()}
    for name, digest in files.items():
        assert hashlib.sha256((ROOT / name).read_bytes()).hexdigest() == digest, name
    kept = {str(path.relative_to(ROOT)) for path in (WEB / "static/vendor").iterdir()}
    assert kept <= files.keys()
    assert all(part["integrity"].startswith("sha512-") and part["licence"] for part in parts)


def test_scripts_and_styles_keep_their_budget() -> None:
    """Promise: all scripts and styles of all pages are at most 75 KB squeezed."""
    squeezed = sum(
        len(gzip.compress(one.body, 9))
        for name, one in assets.assets().items()
        if name.endswith((".js", ".css"))
    )
    assert squeezed <= BUDGET


def test_every_icon_that_is_used_is_in_the_sprite_and_no_other() -> None:
    """Promise: no page shows an empty place, and nothing is carried along."""
    known = set(re.findall(r'<symbol id="([^"]+)"', (WEB / "static/icons.svg").read_text()))
    assert known == set((WEB / "icons.txt").read_text().split())
    named = {one.icon for one in PLACES} | {one.icon for one in Standing}
    for template in (WEB / "templates").glob("*.html"):
        named |= set(re.findall(r"""icon\(["']([a-z0-9-]+)["']""", template.read_text()))
    assert named <= known
    sources = "".join(
        path.read_text() for path in (*(WEB / "templates").glob("*.html"), *(WEB / "pages").glob("*.py"))
    )
    assert [one for one in known if f'"{one}"' not in sources and f"'{one}'" not in sources] == []


def test_no_template_has_a_script_or_a_style_of_its_own() -> None:
    """Promise: the content security policy has nothing to forbid."""
    for template in (WEB / "templates").glob("*.html"):
        text = template.read_text()
        assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son[a-z]+=|javascript:", text), (
            template.name
        )


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqlViews]:
    """An empty store."""
    made = SqlViews.at(tmp_path / "views.db")
    yield made
    made.close()


def view(number: int, owner: str = "ada", name: str = "", *, team: bool = False) -> SavedView:
    """Return a view."""
    return SavedView(
        f"v{number}", name or f"view {number}", "/explore?q=x", owner, team, "2026-11-22T14:02:10.120000Z"
    )


def test_views_are_their_owner_s_and_the_team_s(store: SqlViews) -> None:
    """Promise: one's own and everybody's are seen; only one's own can be forgotten."""
    assert store.save(view(1))
    assert store.save(view(2, "bob"))
    assert store.save(view(3, "bob", team=True))
    assert [one.id for one in store.seen_by("ada")] == ["v1", "v3"]
    assert not store.remove("v3", "ada")
    assert store.remove("v3", "bob")
    assert [one.id for one in store.seen_by("ada")] == ["v1"]


def test_a_name_is_taken_once(store: SqlViews) -> None:
    """Promise: a second view of the same name is refused, and the first one stands."""
    assert store.save(view(1, name="mine"))
    assert not store.save(view(2, name="mine"))
    assert store.save(view(3, "bob", name="mine"))
    assert [one.id for one in store.seen_by("ada")] == ["v1"]


def test_a_link_is_for_good(store: SqlViews, tmp_path: Path) -> None:
    """Promise: a link is there for whoever opens the store later."""
    link = Link("l1", "/explore?q=x", "Europe/Berlin", "ada", "2026-11-22T14:02:10.120000Z", 12)
    store.add_link(link)
    again = SqlViews.at(tmp_path / "views.db")
    assert (again.link("l1"), again.link("l2")) == (link, None)
    again.close()


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.example/",
        "//evil.example/explore",
        "/sign-out",
        "/explore\n",
        "/\\evil",
        "javascript:1",
        "/explorer",
    ],
)
def test_only_pages_of_ours_are_kept(address: str) -> None:
    """Promise: a link of ours leads to a page of ours that asks something."""
    with pytest.raises(InputError):
        check_address(address)


def test_a_view_has_a_name() -> None:
    """Promise: an empty or endless name is refused."""
    assert check_view(" Mine ", "/explore?q=x") == ("Mine", "/explore?q=x")
    for name in ("", "   ", "x" * 121, "a\nb"):
        with pytest.raises(InputError):
            check_view(name, "/explore")
