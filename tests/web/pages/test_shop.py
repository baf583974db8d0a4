"""The lively shop that a first run opens on."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ordertrail.access.roles import check_separation
from ordertrail.assembly import create_trail
from ordertrail.assembly.house import open_services
from ordertrail.kernel.clock import parse_time
from ordertrail.settings import Settings
from ordertrail.testing.shop import PEOPLE, fill, shop_story

NOW = datetime(2027, 3, 1, 9, 30, tzinfo=UTC)


def test_the_story_ends_now_and_is_the_same_each_time() -> None:
    """Promise: all events happened before the moment that is given, the newest minutes before; no id is told twice."""
    lines = list(shop_story(NOW, tellings=3, orders=10))
    times = [parse_time(json.loads(line)["time"]) for line in lines]
    assert max(times) < NOW
    assert (NOW - max(times)).total_seconds() < 600
    assert (NOW - min(times)).days >= 4
    assert len({json.loads(line)["id"] for line in lines}) == len(lines)
    assert lines == list(shop_story(NOW, tellings=3, orders=10))


def test_a_shop_needs_a_telling() -> None:
    """Promise: nothing is not a shop."""
    with pytest.raises(ValueError, match="at least one"):
        next(shop_story(NOW, tellings=0))


def test_a_trail_is_filled_and_asked(tmp_path: Path) -> None:
    """Promise: everything is taken by the trail's own door, sealed, indexed, and the frauds are found in it."""
    with create_trail(tmp_path / "trail", "shop.example/trail", settings=Settings(immutable=False)):
        pass
    with open_services(tmp_path / "trail") as services:
        recorded = fill(services.trail, services.query, tellings=2, orders=20)
        assert recorded > 400
        assert services.query.lag().events == 0
        frauds = services.query.parse("actor:t.varga lowered:unit_price>20%")
        assert services.query.searches.count(frauds, 100) == 2


def test_the_people_keep_what_is_separated_apart() -> None:
    """Promise: nobody of the shop has roles that must not meet."""
    for one in PEOPLE:
        check_separation(one.roles)
