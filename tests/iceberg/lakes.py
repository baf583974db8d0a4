"""A trail whose segments are shared, for tests: the order story, in one segment of 256 entries and three of 64."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from ordertrail.assembly import create_trail, open_trail
from ordertrail.assembly.columnar import open_segments
from ordertrail.assembly.sharing import open_sharing
from ordertrail.query.segments.building import build
from ordertrail.query.segments.planning import Heights
from ordertrail.query.sharing.publishing import Shared
from ordertrail.settings import Settings
from ordertrail.settings.segments import SegmentSettings
from ordertrail.testing.story import order_story

ORIGIN = "shop.example/log"
STORY = list(order_story())
HEIGHTS = Heights(6, 8)


def settings_of(warehouse: str, **more: str) -> Settings:
    """Return settings of a trail that shares into a warehouse."""
    return Settings(immutable=False, segments=SegmentSettings.model_validate({"warehouse": warehouse} | more))


def new_trail(root: Path, settings: Settings, lines: Iterable[bytes] = STORY) -> Path:
    """Make a trail of lines, sealed, with its segments."""
    with create_trail(root, ORIGIN, settings=settings):
        pass
    grow(root, lines)
    return root


def grow(root: Path, lines: Iterable[bytes]) -> None:
    """Record and seal more, and make segments of it."""
    with open_trail(root) as trail:
        list(trail.record_lines(("story", line) for line in lines))
        trail.seal()
    with open_segments(root) as work:
        build(work.shelf, work.source, work.streams, HEIGHTS)


def share(root: Path, *, anew: bool = False) -> Shared:
    """Share what is to be shared."""
    with open_sharing(root) as sharing:
        return sharing.share(anew=anew)


def findings(root: Path, *, deep: bool = True) -> list[str]:
    """Return what is wrong with what is shared."""
    with open_sharing(root) as sharing:
        return list(sharing.check(deep=deep))


def ranges(root: Path, table: str = "events", stream: str = "default") -> Sequence[tuple[int, int]]:
    """Return the entries that a table reads, segment by segment."""
    with open_sharing(root) as sharing:
        return [(one.start, one.end) for one in sharing.tables.listing(stream, table).shares]
