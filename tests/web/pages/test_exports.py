"""Exports: what one would hold before it is made, and those made in the background, whoever dies meanwhile."""

import csv
import io
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import expect

from ordertrail.access.roles import Role, verbs_of
from ordertrail.access.verbs import Verb
from ordertrail.adapters.files.takeouts import FileTakeouts
from ordertrail.kernel.clock import format_time, parse_time
from ordertrail.kernel.errors import InputError
from ordertrail.kernel.ids import new_id
from ordertrail.query.ports import Way
from ordertrail.takeout.takeout import KEPT, REMEMBERED, TRIES, Bounds, Stage, Takeout
from ordertrail.web.pages.previewing import preview
from ordertrail.web.takeout import Maker
from web.house import House
from web.pages.conftest import Open, picture, settled
from web.pages.serving import Served, served
from web.pages.test_access import violations
from web.pages.test_rooms import Reader

_DIES = """
import sys
from pathlib import Path
from ordertrail.adapters.files.takeouts import FileTakeouts
store, name = FileTakeouts(Path(sys.argv[1])), sys.argv[2]
with store.hold(name) as held:
    assert held
    store.put(store.get(name).begun())
    file = store.begin(name)
    file.write(b"the first half")
    file.flush()
    print("holds", flush=True)
    sys.stdin.read()
"""


@contextmanager
def holder(root: Path, takeout: str) -> Iterator[subprocess.Popen[str]]:
    """Yield a process that holds an export and has half of it written; it is killed where it stands."""
    command = [sys.executable, "-c", _DIES, str(root), takeout]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "holds\n"
        yield process
        process.send_signal(signal.SIGKILL)


def takeout(house: House, **said: object) -> Takeout:
    """Return an export as it is asked for by the exporter."""
    owner = house.people[Role.EXPORTER].id
    asked = format_time(house.services.trail.clock())
    one = Takeout(
        new_id(), owner, None, "action:order.cancel", "Events", "csv", 1_000_000, 10, Bounds(), asked
    )
    return replace(one, **said)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A shop of its own: what these tests seal would stand in the histories that others look at."""
    with served(tmp_path_factory.mktemp("exports") / "trail", orders=20) as found:
        yield found


@pytest.fixture(scope="module")
def house(running: Served) -> House:
    """The house that is served."""
    return running.house


@pytest.fixture
def store(tmp_path: Path) -> FileTakeouts:
    """An empty store."""
    return FileTakeouts(tmp_path / "exports")


@pytest.fixture
def maker(house: House, store: FileTakeouts) -> Maker:
    """What makes exports here, when it is told to."""
    return Maker(house.services, store)


def heard(house: House, name: str) -> list[tuple[str, str | None, str]]:
    """Return what the trail tells of an export: action, reason and outcome, the oldest first."""
    house.feed()
    query = house.services.query
    hits = query.searches.page(query.parse(f'subject:="{name}"'), 20, None, Way.NEWER)
    told = query.read_all(hits)
    events = [told[hit.key].event for hit in hits]
    return [(one.action, one.context.reason if one.context else None, one.outcome) for one in events]


def test_exports_are_kept_as_they_stand(house: House, store: FileTakeouts) -> None:
    """Promise: what was put is there, the oldest first, for whoever opens the directory; nothing else is."""
    assert store.every() == []
    first = takeout(house, bounds=Bounds(("main",), ("web",)))
    second = replace(takeout(house), asked="2999-01-01T00:00:00.000000Z")
    for one in (second, first):
        store.put(one)
    (store._root / "stray").mkdir()
    assert FileTakeouts(store._root).every() == [first, second]
    assert store.get("../../etc/passwd") is None
    assert store.get(new_id()) is None
    assert store._root.stat().st_mode & 0o777 == 0o700


def test_one_holds_an_export_at_a_time(house: House, store: FileTakeouts) -> None:
    """Promise: whoever comes second is told so, and gets it when the first one is done."""
    one = takeout(house)
    store.put(one)
    with store.hold(one.id) as first, store.hold(one.id) as second:
        assert (first, second) == (True, False)
    with store.hold(one.id) as again:
        assert again


def test_an_export_is_made_whole_and_told(house: House, store: FileTakeouts, maker: Maker) -> None:
    """Promise: the file has what was meant, with its hash and size; that it was made is on record."""
    one = takeout(house)
    store.put(one)
    maker.work()
    done = store.get(one.id)
    file = store.file(one.id)
    assert done is not None
    assert file is not None
    with io.TextIOWrapper(file, "utf-8-sig", newline="") as text:
        rows = list(csv.reader(text))
    query = house.services.query
    assert len(rows) - 2 == done.events == query.searches.count(query.parse(one.filter), 1_000)
    assert rows[-1][1].endswith("whole")
    assert (done.stage, done.whole, done.tries) == (Stage.READY, True, 1)
    assert done.until is not None
    assert done.ended is not None
    assert parse_time(done.until) - parse_time(done.ended) == KEPT
    assert heard(house, one.id) == [("evidence.read", "made", "success")]


def test_a_killed_worker_loses_nothing(house: House, store: FileTakeouts, maker: Maker) -> None:
    """Promise: while it lives nobody else touches its export; killed, the next one makes it from the start."""
    one = takeout(house)
    store.put(one)
    with holder(store._root, one.id):
        maker.work()
        held = store.get(one.id)
        assert held is not None
        assert held.stage is Stage.RUNNING
    maker.work()
    done, file = store.get(one.id), store.file(one.id)
    assert done is not None
    assert file is not None
    with file:
        assert file.read(14) != b"the first half"
    assert (done.stage, done.tries) == (Stage.READY, 2)


def test_what_kills_whoever_makes_it_is_reported(house: House, store: FileTakeouts, maker: Maker) -> None:
    """Promise: an export that nobody survives is failed at last, in words and on record, and not begun for ever."""
    one = takeout(house)
    store.put(one)
    for _ in range(TRIES):
        with holder(store._root, one.id):
            pass
    maker.work()
    done = store.get(one.id)
    assert done is not None
    assert done.stage is Stage.FAILED
    assert "died each time" in done.why
    assert heard(house, one.id) == [("evidence.read", "failed", "failed")]
    assert store.file(one.id) is None


def test_who_lost_the_right_gets_nothing(house: House, store: FileTakeouts, maker: Maker) -> None:
    """Promise: rights are looked at again when it is made: a role that exports, and an account at all."""
    viewer = takeout(house, owner=house.people[Role.VIEWER].id)
    gone = takeout(house, owner="p-nobody")
    for one in (viewer, gone):
        store.put(one)
    maker.work()
    for one in (viewer, gone):
        done = store.get(one.id)
        assert done is not None
        assert (done.stage, store.file(one.id)) == (Stage.FAILED, None)
        assert "may not have it any more" in done.why


def test_an_export_holds_what_its_owner_may_see(house: House, store: FileTakeouts, maker: Maker) -> None:
    """Promise: the bounds it was asked for with are kept, whatever its filter means."""
    one = takeout(house, filter="", bounds=Bounds(("no-such-tenant",)))
    store.put(one)
    maker.work()
    done = store.get(one.id)
    assert done is not None
    assert (done.stage, done.events) == (Stage.READY, 0)


def test_a_link_ends_and_its_file_goes(house: House, store: FileTakeouts, maker: Maker) -> None:
    """Promise: when its time is over the bytes are gone, and the record of it stays."""
    past = format_time(house.services.trail.clock() - timedelta(seconds=1))
    one = takeout(house)
    store.put(one)
    maker.work()
    done = store.get(one.id)
    assert done is not None
    store.put(replace(done, until=past))
    maker.work()
    over = store.get(one.id)
    assert over is not None
    assert (over.stage, store.file(one.id)) == (Stage.EXPIRED, None)
    with pytest.raises(InputError):
        over.cancelled()


def test_what_ended_long_ago_is_forgotten_here(house: House, store: FileTakeouts, maker: Maker) -> None:
    """Promise: the directory does not grow for ever; one that waits, or is ready, is never forgotten."""
    long_ago = format_time(house.services.trail.clock() - REMEMBERED)
    ended = takeout(house, asked=long_ago).failed("of something")
    waits = takeout(house, asked=long_ago)
    for one in (ended, waits):
        store.put(one)
    maker.work()
    assert [one.id for one in store.every()] == [waits.id]
    assert not (store._root / ended.id).exists()


def test_who_ends_in_good_order_costs_no_try(house: House, store: FileTakeouts, maker: Maker) -> None:
    """Promise: a service that is stopped a hundred times makes the export the next time."""
    one = takeout(house)
    for _ in range(100):
        one = one.begun().put_back()
    assert (one.stage, one.tries) == (Stage.WAITING, 0)
    store.put(one)
    maker.work()
    done = store.get(one.id)
    assert done is not None
    assert (done.stage, done.tries) == (Stage.READY, 1)


def test_one_that_is_given_up_is_not_made(house: House, store: FileTakeouts, maker: Maker) -> None:
    """Promise: what its owner gave up stays so."""
    one = takeout(house)
    store.put(one.cancelled())
    maker.work()
    assert store.get(one.id) == one.cancelled()


def test_the_preview_tells_the_size_that_comes(house: House, store: FileTakeouts, maker: Maker) -> None:
    """Promise: the number of events is theirs, and the size of comma-separated values within a quarter."""
    query = house.services.query
    who = house.services.access.recognising.by_key(house.key(Role.EXPORTER))
    assert who is not None
    told = preview(query, query.parse("kind:person"), who)
    one = takeout(house, filter="kind:person")
    store.put(one)
    maker.work()
    done = store.get(one.id)
    assert done is not None
    assert told.events == done.events > 50
    (shown,) = (form.size for form in told.forms if form.name == "csv")
    number, unit = shown.removeprefix("about ").split()
    size = float(number) * {"KB": 1_000, "MB": 1_000_000}[unit]
    assert abs(size - done.size) < done.size / 4
    assert {"Changes", "Who"} <= {field.name for field in told.fields}
    assert "nothing is left out" in told.bounds


def test_an_exporter_previews_and_takes_a_workbook_out(opened: Open) -> None:
    """Promise: from Explore in two clicks; how many, how large, which fields and what is sealed are said before."""
    page = settled(opened("/explore?q=action%3Aorder.cancel", "evidence-exporter"))
    page.locator(".page-head").get_by_role("link", name="Export").click()
    page.wait_for_url("**/exports?**")
    preview_ = settled(page).locator("#preview")
    expect(preview_).to_contain_text("sealed")
    expect(preview_).to_contain_text("about")
    preview_.locator("summary", has_text="Fields").click()
    expect(preview_).to_contain_text("ids as they were recorded")
    assert violations(page) == []
    picture(page, "export")
    with page.expect_download() as waiting:
        preview_.get_by_role("link", name="Download Workbook").click()
    assert waiting.value.suggested_filename == "events.xlsx"
    viewer = opened("/explore", "viewer")
    expect(viewer.locator(".page-head").get_by_role("link", name="Export")).to_have_count(0)


def test_one_in_the_background_is_ready_by_itself(opened: Open, running: Served) -> None:
    """Promise: asked for with a click, seen to become ready without another, downloaded by its link, all on record."""
    page = settled(opened("/exports?q=action%3Aorder.cancel", "evidence-exporter"))
    page.get_by_role("button", name="In the background Comma-separated values").click()
    page.wait_for_url("**/exports")
    row = page.locator("#exports tbody tr").first
    expect(row).to_contain_text("Ready")
    expect(row).to_contain_text("Link until")
    assert violations(page) == []
    page.emulate_media(color_scheme="dark")
    assert violations(page) == []
    with page.expect_download() as waiting:
        row.get_by_role("link", name="Download").click()
    assert waiting.value.suggested_filename.endswith(".csv")
    name = row.get_attribute("id") or ""
    told = heard(running.house, name.removeprefix("export-"))
    assert [(action, reason) for action, reason, _ in told][1:] == [
        ("evidence.read", "made"),
        ("evidence.read", "downloaded"),
    ]
    assert told[0][0] == "evidence.export"
    row.get_by_role("button", name="Remove").click()
    expect(page.locator("#exports tbody tr").first).to_contain_text("Removed")


def test_without_scripts_exports_are_asked_for_and_had(opened: Open) -> None:
    """Promise: preview, asking and download are links and forms; a link looks again."""
    page = opened("/exports?q=action%3Aorder.cancel&show=preview", "evidence-exporter", scripts=False)
    expect(page.locator("#preview")).to_contain_text("Workbook")
    page.get_by_role("button", name="In the background Lines of JSON").click()
    row = page.locator("#exports tbody tr").first
    for _ in range(40):
        if "Ready" in row.inner_text():
            break
        page.wait_for_timeout(100)
        page.reload()
    expect(row).to_contain_text("Ready")


def test_a_file_is_its_owner_s_and_as_it_was_made(house: House, running: Served) -> None:
    """Promise: another exporter has no such export; an altered file is not handed out; neither is one that ended."""
    store: FileTakeouts = running.app.state.takeouts
    maker = Maker(house.services, store)
    one = takeout(house)
    store.put(one)
    maker.work()
    with ExitStack() as opened:
        own = opened.enter_context(Reader(running.url, house.session(Role.EXPORTER)))
        other = opened.enter_context(Reader(running.url, house.session(Role.ADMINISTRATOR)))
        assert len(own.download(f"/exports/{one.id}/file")) > 100
        other.open(f"/exports/{one.id}/file", expect=404 if may_export(Role.ADMINISTRATOR) else 403)
        own.open(f"/exports/{new_id()}/file", expect=404)
        path = store._root / one.id / "file"
        path.write_bytes(path.read_bytes().replace(b"order.cancel", b"order.update"))
        assert "was altered" in own.open(f"/exports/{one.id}/file", expect=500)
        own.open("/exports")
        own.send(f"/exports/{one.id}/remove")
        own.open(f"/exports/{one.id}/file", expect=404)


def may_export(role: Role) -> bool:
    """Say whether a role makes exports."""
    return Verb.EXPORTS_MAKE in verbs_of((role,))
