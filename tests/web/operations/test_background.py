"""What works in the background: alone it brings an order from its source to the index; each job fails by itself."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ordertrail.assembly import create_trail, open_trail
from ordertrail.assembly.background import LOCK, Background, Deaf, Job, Stage, Stopping, leading
from ordertrail.assembly.index import INDEX, open_query
from ordertrail.assembly.intake import open_intake
from ordertrail.assembly.jobs import Work, fed_meanwhile
from ordertrail.assembly.stores import read_settings
from ordertrail.intake.delivery import Way
from ordertrail.intake.receiving import Sent
from ordertrail.kernel.errors import EvidenceError, UnavailableError
from ordertrail.query.questions.search import search
from ordertrail.settings import Settings, SourceSettings
from ordertrail.testing.story import order_story

MAPPING = """\
[table]
key = "Order"

[order]
id = "Order"
placed = "Date"
currency = "Currency"

[order.lines]
name = "Item"
ordered = "Quantity"
unit_price = "Price"
"""
ROWS = b"Order,Date,Currency,Item,Quantity,Price\n1001,2026-11-22,EUR,Cup,2,12.00\n1002,2026-11-22,EUR,Cup,1,12.00\n"
SECONDS = 40.0


def until(wanted: Callable[[], bool], seconds: float = SECONDS) -> None:
    """Wait until something is so."""
    end = time.monotonic() + seconds
    while not wanted():
        assert time.monotonic() < end, "it never came to be"
        time.sleep(0.02)


class Heard(Deaf):
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.failures: list[tuple[str, Exception]] = []
        self.counts: dict[str, int] = {}
        self.lags: dict[str, int] = {}

    def done(self, job: str, count: int) -> None:
        """Count."""
        self.counts[job] = self.counts.get(job, 0) + count

    def behind(self, job: str, seconds: float, items: int) -> None:
        """Remember."""
        assert seconds >= 0
        self.lags[job] = items

    def failed(self, job: str, error: Exception) -> None:
        """Remember."""
        self.failures.append((job, error))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A trail whose intake has a source of tables."""
    source = SourceSettings(channel="csv", account="main", options={"mapping_file": "mapping.toml"})
    settings = Settings(immutable=False, sources=[source])
    create_trail(tmp_path / "trail", "shop.example/orders", settings=settings).close()
    (tmp_path / "trail" / "mapping.toml").write_text(MAPPING)
    return tmp_path / "trail"


def found(root: Path, text: str) -> int:
    """Return how many events the index has that a filter means."""
    with open_query(root) as query:
        return len(search(query.searches, query.parse(text)).hits)


def test_what_a_source_sent_is_found_in_the_index(root: Path) -> None:
    """Taken in, relayed, sealed, indexed: by the background alone, in seconds; and its end leaves nothing waiting."""
    heard = Heard()
    background = Background(Work(root, read_settings(root)).jobs(), heard)
    with open_intake(root):
        pass  # its tables are made
    background.start()
    try:
        with open_intake(root) as intake:
            source = intake.source("csv", "main")
            assert intake.door.receive(Sent(source, ROWS, Way.FILE, name="orders.csv")).id is not None
        until(lambda: found(root, "action:order.create") >= 2)
    finally:
        background.end()
    assert heard.failures == []
    assert heard.counts["intake"] == 1
    assert heard.counts["relay:intake"] == heard.counts["seal:default"] == heard.counts["feed"] > 2
    assert heard.lags["feed"] == 0
    with open_trail(root) as trail:
        (state,) = trail.status()
        assert (state.waiting, state.published) == (0, state.size)


def test_each_switch_leaves_its_job_to_others(root: Path) -> None:
    """Whoever runs sealing elsewhere switches it off here."""
    settings = read_settings(root)

    def names(**switches: bool) -> set[str]:
        said = settings.serve.model_copy(update=switches)
        return {one.name for one in Work(root, settings.model_copy(update={"serve": said})).jobs()}

    everything = {"intake", "relay:intake", "seal:default", "seal:new", "feed", "watch", "forecast"}
    assert names() == everything
    assert names(seal=False) == everything - {"seal:default", "seal:new"}
    assert names(relay=False) == everything - {"relay:intake"}
    assert names(watch=False) == everything - {"watch", "forecast"}
    assert names(intake=False, feed=False, watch=False) == {"relay:intake", "seal:default", "seal:new"}


@contextmanager
def going(jobs: list[Job], heard: Heard) -> Iterator[None]:
    """Run jobs."""
    background = Background(jobs, heard)
    background.start()
    try:
        yield
    finally:
        background.end()


def test_a_job_that_fails_is_tried_again_and_holds_up_no_other() -> None:
    """What is unavailable is tried again; what is broken is told; the others go on, and all end when they are asked."""
    tries, rounds, heard = [0], [0], Heard()

    def failing(_stopping: Stopping, _listener: object) -> None:
        tries[0] += 1
        raise UnavailableError("away") if tries[0] < 3 else ValueError("a fault of ours")

    def broken(_stopping: Stopping, _listener: object) -> None:
        raise EvidenceError("altered")

    def well(stopping: Stopping, _listener: object) -> None:
        while not stopping():
            rounds[0] += 1
            stopping.rest(0.01)

    jobs = [Job("a", Stage.RELAY, failing), Job("b", Stage.SEAL, broken), Job("c", Stage.FEED, well)]
    with going(jobs, heard):
        until(lambda: tries[0] >= 3 and rounds[0] > 20)
    kinds = [(job, type(error).__name__) for job, error in heard.failures]
    assert kinds.count(("b", "EvidenceError")) == 1
    assert kinds.count(("a", "UnavailableError")) == 2
    assert ("a", "ValueError") in kinds


def test_stages_end_one_after_the_other() -> None:
    """What comes in first ends first, and each after it has a last round: nothing is left in between."""
    order: list[str] = []

    def job(name: str) -> Callable[[Stopping, object], None]:
        def run(stopping: Stopping, _listener: object) -> None:
            while not stopping():
                stopping.rest(5)
            time.sleep(0.05)
            order.append(name)

        return run

    stages = [Stage.EXPORT, Stage.SEAL, Stage.INTAKE, Stage.FEED, Stage.RELAY]
    with going([Job(stage.name, stage, job(stage.name)) for stage in stages], Heard()):
        pass
    assert order == ["INTAKE", "RELAY", "SEAL", "FEED", "EXPORT"]


def test_one_leads_and_another_takes_over(tmp_path: Path) -> None:
    """Two services of one directory: the second waits, and is the one when the first ends."""
    first, second = threading.Event(), threading.Event()
    led: list[str] = []

    def lead(name: str, ending: threading.Event) -> None:
        with leading(tmp_path, ending.is_set, lambda _seconds: time.sleep(0.02)) as leads:
            if leads:
                led.append(name)
                ending.wait()

    threads = [threading.Thread(target=lead, args=("first", first))]
    threads[0].start()
    until(lambda: led == ["first"])
    threads.append(threading.Thread(target=lead, args=("second", second)))
    threads[1].start()
    time.sleep(0.2)
    assert led == ["first"]
    first.set()
    until(lambda: led == ["first", "second"])
    second.set()
    for thread in threads:
        thread.join()
    assert (tmp_path / LOCK).exists()


def test_sealing_alone_feeds_an_index_that_is_there(root: Path) -> None:
    """``seal --follow`` has what it sealed indexed, and an index that cannot be fed does not stop it."""
    with fed_meanwhile(root) as sealed_more:
        sealed_more()
    assert not (root / INDEX).exists()
    with open_query(root), open_trail(root) as trail:
        with fed_meanwhile(root) as sealed_more:
            for _ in trail.record_lines([("line", line) for line in order_story(2)]):
                pass
            sealed = trail.seal()
            sealed_more()
        assert found(root, "") == min(sealed, 50)
    with (root / INDEX).open("r+b") as file:
        file.write(b"this is no database any more")
    with fed_meanwhile(root) as sealed_more:
        sealed_more()
