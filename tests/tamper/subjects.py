"""The trails that these tests tamper with, built through the public API, and how a copy is checked."""

from dataclasses import dataclass
from itertools import islice, pairwise
from pathlib import Path

from ordertrail.assembly import create_trail, open_trail
from ordertrail.ledger.verify.full import Options
from ordertrail.ledger.verify.report import Report
from ordertrail.settings import Settings
from ordertrail.testing.story import order_story
from ordertrail.testing.tamper import copy_trail

ORIGIN = "orders.example.com/tamper"

ANCHORED = (0, 90, 256, 257, 400, 550, 660, 700)
"""Sizes at which the small trail is anchored."""

MANY = 66_000
"""Events under a full tile of level 1 (65,536), and some more."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A trail that nobody has open, and its newest checkpoint as somebody keeps it elsewhere."""

    root: Path
    size: int
    checkpoint: bytes

    def copy(self, target: Path) -> Path:
        """Copy it, to be tampered with."""
        return copy_trail(self.root, target)


def build_small(root: Path) -> Subject:
    """Tell a shop's story in 700 events, one of them with a blob, sealed and anchored seven times."""
    story = list(islice(order_story(orders=80), ANCHORED[-1] - 1))
    story.insert(333, document())
    lines = [(f"line {number}", line) for number, line in enumerate(story)]
    with create_trail(root, ORIGIN, settings=Settings(immutable=False)) as trail:
        for (start, end), batch in zip(pairwise(ANCHORED), (90, 100, 1, 50, 150, 40, 13), strict=True):
            assert all(not outcome.refused for outcome in trail.record_lines(lines[start:end]))
            assert trail.seal(limit=batch) == end - start
    return Subject(root, ANCHORED[-1], (root / "log" / "checkpoint").read_bytes())


def build_large(root: Path) -> Subject:
    """Seal 66,000 small events: enough for an upper tile that is full."""
    with create_trail(root, ORIGIN, settings=Settings(immutable=False)) as trail:
        lines = ((f"line {number}", small_event(number)) for number in range(MANY))
        assert all(not outcome.refused for outcome in trail.record_lines(lines))
        assert trail.seal(limit=16_000) == MANY
    return Subject(root, MANY, (root / "log" / "checkpoint").read_bytes())


def small_event(number: int) -> bytes:
    """Return an event that is about as short as one can be."""
    return (
        b'{"time":"2026-11-22T14:02:10.120000Z","action":"order.read","actor":{"id":"a","kind":"person"},'
        b'"subject":{"kind":"order","id":"SO-%d","order":"SO-%d"}}' % (number % 97, number % 97)
    )


def document() -> bytes:
    """Return an event with a value of 80,000 bytes, which becomes a blob."""
    return (
        b'{"time":"2026-11-21T09:00:00.000000Z","action":"order.update",'
        b'"actor":{"id":"edi-gateway","kind":"service"},"subject":{"kind":"order","id":"SO-4000","order":"SO-4000"},'
        b'"changes":[{"path":"/documents/1","after":"%b"}]}' % (b"x" * 80_000)
    )


def check(root: Path, options: Options | None = None) -> Report:
    """Open a trail and check its one log in full, whatever it is called by now."""
    with open_trail(root) as trail:
        (stream,) = trail.logs
        return trail.verify(options, stream=stream)
