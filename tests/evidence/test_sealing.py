"""A bundle needs the log to be sealed, by this process or by another one."""

import threading
from pathlib import Path

import pytest

from evidence.richly import AUDITOR, event, order
from ordertrail.assembly import create_trail, open_trail
from ordertrail.assembly.evidence import open_workshop
from ordertrail.assembly.sealing import TrailSealing
from ordertrail.evidence.bundling import Bundling, Request
from ordertrail.evidence.checking import check_bundle
from ordertrail.evidence.choosing import Selection
from ordertrail.kernel.errors import UnavailableError
from ordertrail.ledger.vkey import parse_vkey
from ordertrail.record.event import Subject
from ordertrail.services import DEFAULT_STREAM
from ordertrail.settings import Settings
from ordertrail.settings.storage import AnchorSettings

SO_1 = Selection((("SO-1", None),))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A trail that anchors every second, with an event in it."""
    settings = Settings(immutable=False, anchor=AnchorSettings(seconds=1))
    with create_trail(tmp_path / "trail", "orders.example.com/sealed", settings=settings) as trail:
        trail.record([event("order.create", order("SO-1"))])
        trail.seal()
    return tmp_path / "trail"


def test_it_is_made_while_another_process_seals(root: Path) -> None:
    """The other's anchor is waited for; what came to the order meanwhile is in, as of the checkpoint."""
    stop, holds = threading.Event(), threading.Event()

    def asked() -> bool:
        """Say whether it is to end; asked for the first time, the other one has the lock."""
        holds.set()
        return stop.is_set()

    with open_trail(root) as other, open_trail(root) as trail:
        sealing = threading.Thread(target=other.follow, args=(asked,))
        sealing.start()
        try:
            assert holds.wait(60)
            bundling = Bundling(open_workshop(root, trail), DEFAULT_STREAM, trail.clock)
            bundle = bundling.make(Request(SO_1, AUDITOR, "while others seal"))
        finally:
            stop.set()
            sealing.join()
        assert check_bundle(bundle.data, [parse_vkey(trail.keys()[-1].vkey)]).vouched


def test_who_never_publishes_is_not_waited_for_for_ever(root: Path) -> None:
    """After its seconds it says what stands: the event is recorded, and no bundle was handed out."""
    told = event("bundle.make", Subject("bundle", "b"))
    with open_trail(root) as other, open_trail(root) as trail:
        with (
            other.sequencing(),
            pytest.raises(UnavailableError, match="was not sealed and published") as caught,
        ):
            TrailSealing(trail, 0.2).seal(told, DEFAULT_STREAM)
        assert "no bundle was handed out" in caught.value.meaning
        trail.seal()
        assert trail.find(told.id).entry.event.action == "bundle.make"


def test_an_event_of_a_whole_order_is_never_missed(root: Path) -> None:
    """What was recorded and not sealed yet is sealed first: the order is complete as of the bundle's checkpoint."""
    with open_trail(root) as trail:
        trail.record([event("order.update", order("SO-1"))])
        bundling = Bundling(open_workshop(root, trail), DEFAULT_STREAM, trail.clock)
        bundle = bundling.make(Request(SO_1, AUDITOR, "all of it"))
        assert [one.events for one in bundle.checked.manifest.orders] == [2]
