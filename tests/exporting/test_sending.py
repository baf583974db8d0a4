"""Sending on: from a real trail to receivers that listen; resumed, at least once, nothing passed over."""

import json
import socket
import ssl
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporting.entries import SENDER, story
from exporting.receivers import certificate, http_receiver, syslog_receiver
from ordertrail.adapters.exporting.syslog import SyslogStream
from ordertrail.assembly import create_trail, open_trail
from ordertrail.assembly.exporting import open_export
from ordertrail.exporting.cef import cef
from ordertrail.exporting.entry import Exported
from ordertrail.exporting.service import Export
from ordertrail.kernel.clock import utc_now
from ordertrail.kernel.errors import BusyError, ConfigurationError, EvidenceError, UnavailableError
from ordertrail.ledger.ports import EntryRow
from ordertrail.settings import Settings
from ordertrail.settings.export import ExporterSettings
from ordertrail.testing.story import order_story

ORIGIN = "export.example/trail"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A trail with a shop's story; tests give their exporters names of their own."""
    root = tmp_path_factory.mktemp("exporting") / "trail"
    with create_trail(root, ORIGIN, settings=Settings(immutable=False)) as trail:
        record(root, 8)
        trail.seal()
    return root


def record(root: Path, orders: int, seed: int = 7) -> None:
    """Record a story."""
    with open_trail(root) as trail:
        for _ in trail.record_lines((str(at), line) for at, line in enumerate(order_story(orders, seed))):
            pass
        trail.seal()


def ids(root: Path) -> list[str]:
    """Return the ids of all sealed events in the log's order."""
    with open_trail(root) as trail:
        log = trail.log().log
        rows = log.reader.rows("default", 0, log.store.head("default").size)
        return [json.loads(row.entry)["event"]["id"] for row in rows]


def exporter(name: str, to: str, **named: Any) -> ExporterSettings:
    """Return an exporter's settings."""
    said: dict[str, Any] = {"name": name, "to": to, "format": "cef", "batch": 20}
    return ExporterSettings(**said | named)


def cef_ids(messages: Sequence[str]) -> list[str]:
    """Return the ids in lines of CEF."""
    return [one.partition("externalId=")[2].partition(" ")[0] for one in messages]


def test_syslog_over_tcp_gets_every_event_once(made: Path) -> None:
    """In the log's order, framed; a second run sends nothing, and one after more was sealed what is new."""
    with syslog_receiver() as got:
        said = exporter("tcp", f"tcp://127.0.0.1:{got.port}")
        with open_export(made, said) as export:
            assert export.behind().events == len(ids(made))
            assert export.run() == len(ids(made))
            assert export.run() == 0
        record(made, 2, seed=11)
        with open_export(made, said) as export:
            assert 0 < export.behind().events == export.run()
            assert export.behind().events == 0
    assert cef_ids(got.received) == ids(made)
    assert all(one.startswith("<10") and " ordertrail " in one for one in got.received)


def test_a_connection_that_breaks_is_made_anew_and_nothing_is_missing(made: Path) -> None:
    """The batch that was not acknowledged is sent again: each at least once, the first of each in order."""
    with (
        syslog_receiver() as got,
        open_export(made, exporter("broken", f"tcp://127.0.0.1:{got.port}")) as export,
    ):
        got.cut_after = 30
        while True:
            with suppress(UnavailableError):
                if not export.run():
                    break
    assert got.connections >= 2
    assert list(dict.fromkeys(cef_ids(got.received))) == ids(made)


def test_syslog_over_tls_believes_only_the_right_receiver(made: Path, tmp_path: Path) -> None:
    """Its certificate must lead to the authority that was named, and be of the host that was named."""
    good, key = certificate(tmp_path)
    other, other_key = certificate(tmp_path, "127.0.0.2")
    for number, (file, private, taken) in enumerate([(good, key, True), (other, other_key, False)]):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file, private)
        with syslog_receiver(context) as got:
            said = exporter(f"tls{number}", f"tls://127.0.0.1:{got.port}", ca_file=str(good))
            with open_export(made, said) as export:
                if taken:
                    assert export.run() == len(ids(made))
                else:
                    with pytest.raises(UnavailableError, match="certificate"):
                        export.run()
        assert cef_ids(got.received) == (ids(made) if taken else [])


def test_syslog_over_udp_sends_datagrams(made: Path) -> None:
    """One message each."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiving:
        receiving.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        receiving.bind(("127.0.0.1", 0))
        said = exporter("udp", f"udp://127.0.0.1:{receiving.getsockname()[1]}", filter="action:order.create")
        with open_export(made, said) as export:
            sent = export.run()
        receiving.settimeout(5)
        received = [receiving.recv(65_536).decode() for _ in range(sent)]
    assert sent > 5
    assert all(" act=order.create " in one for one in received)


@pytest.mark.parametrize(
    ("form", "media_type"),
    [
        ("cloudevents", "application/cloudevents-batch+json"),
        ("ocsf", "application/x-ndjson"),
        ("cef", "text/plain"),
    ],
)
def test_http_gets_batches(made: Path, tmp_path: Path, form: str, media_type: str) -> None:
    """Each format as its readers take it, with the credential of the file."""
    (tmp_path / "token").write_text("Bearer of-tests\n")
    with http_receiver() as got:
        said = exporter(f"http-{form}", got.url, format=form, token_file=str(tmp_path / "token"))
        with open_export(made, said) as export:
            sent = export.run()
    assert {one["content-type"].partition(";")[0] for one in got.headers} == {media_type}
    assert {one["authorization"] for one in got.headers} == {"Bearer of-tests"}
    if form == "cloudevents":
        assert [one["id"] for body in got.bodies for one in json.loads(body)] == ids(made)
    assert sent == len(ids(made))
    assert len(got.bodies) == -(-sent // 20)


def test_http_that_refuses_holds_up_and_is_asked_again_when_it_said(made: Path) -> None:
    """A refusal passes nothing over; Retry-After is kept to; what is too large together goes in halves."""
    with http_receiver() as got, open_export(made, exporter("refusing", got.url)) as export:
        got.answer = lambda _body: (429, {"Retry-After": "1"})
        for _ in range(2):
            with pytest.raises(UnavailableError, match=r"429|asked to wait"):
                export.run()
        assert got.bodies == []
        export.destination._not_before = 0.0  # type: ignore[attr-defined]
        got.answer = lambda body: (413, {}) if body.count(b"\n") > 7 else (200, {})
        assert export.run() == len(ids(made))
        got.answer = lambda _body: (302, {"Location": "http://127.0.0.1:1/"})
        record(made, 1, seed=13)
        with pytest.raises(UnavailableError, match="302"):
            export.run()
    received = [line for body in got.bodies for line in body.decode().splitlines()]
    assert cef_ids(received) == ids(made)[: len(received)]


def test_a_file_grows_by_whole_lines(made: Path, tmp_path: Path) -> None:
    """A line an event; one that a crash tore is ended; a file that was moved away is begun anew."""
    file = tmp_path / "out.jsonl"
    file.write_text('{"torn":')
    with open_export(made, exporter("file", f"file://{file}", format="ocsf")) as export:
        sent = export.run()
    lines = file.read_text().splitlines()
    assert len(lines) == sent + 1
    assert [json.loads(line)["metadata"]["uid"] for line in lines[1:]] == ids(made)


def test_what_a_receiver_had_not_read_when_it_died_is_sent_to_its_successor() -> None:
    """It ends in the middle of a batch that its system has acknowledged, and is away for a while."""
    with syslog_receiver() as got:
        got.cut_after = 10
        stream = SyslogStream("127.0.0.1", got.port, 5)
        stream.send([f"first {number}" for number in range(20)])
        until = time.monotonic() + 30
        while len(got.received) < 10 and time.monotonic() < until:
            time.sleep(0.01)
        stream._port, port = 1, got.port
        with pytest.raises(UnavailableError):
            _send_for_ever(stream, ["second"])  # until it is seen that the connection has ended
        stream._port = port
        stream.send(["third"])
        stream.close()
        while "third" not in got.received and time.monotonic() < until:
            time.sleep(0.01)
    wanted = [*(f"first {number}" for number in range(20)), "third"]
    assert [one for one in dict.fromkeys(got.received) if one != "second"] == wanted


def _send_for_ever(stream: SyslogStream, messages: list[str]) -> None:
    while True:
        stream.send(messages)


def test_following_tells_what_it_cannot_reach_and_goes_on(made: Path) -> None:
    """With pauses that grow, over one destination, until it is asked to end."""
    told, waits = list[int | UnavailableError](), list[float]()
    with http_receiver() as got, open_export(made, exporter("following", got.url)) as export:
        got.answer = lambda _body: (503, {})

        def wait(seconds: float) -> None:
            waits.append(seconds)
            if len(waits) == 3:
                got.answer = lambda _body: (204, {})

        export.follow(lambda: len(waits) == 5, wait, told.append)
    assert [isinstance(one, UnavailableError) for one in told] == [True, True, True, False, False]
    assert told[3:] == [len(ids(made)), 0]
    assert waits[:3] == sorted(set(waits[:3]))


def test_how_far_it_is_can_be_looked_up_while_somebody_sends(made: Path, tmp_path: Path) -> None:
    """Looking needs no lock."""
    said = exporter("looked", f"file://{tmp_path}/x")
    with open_export(made, said), open_export(made, said, alone=False) as looking:
        assert looking.behind().events == len(ids(made))


def test_one_process_sends_at_a_time(made: Path, tmp_path: Path) -> None:
    """A second one is told so."""
    said = exporter("alone", f"file://{tmp_path}/x")
    with open_export(made, said), pytest.raises(BusyError, match="sends to alone"), open_export(made, said):
        pass


def test_a_log_that_became_shorter_is_told(made: Path, tmp_path: Path) -> None:
    """What was sent is a copy that the log no longer has: evidence, and nothing to go on from."""
    said = exporter("longer", f"file://{tmp_path}/x")
    (made / "exports").mkdir(exist_ok=True)
    (made / "exports/longer.json").write_text('{"version": 1, "places": {"default": 999999}}')
    with open_export(made, said) as export, pytest.raises(EvidenceError, match="999,999"):
        export.run()
    (made / "exports/longer.json").write_text("{")
    with open_export(made, said) as export, pytest.raises(ConfigurationError, match="how far"):
        export.run()


def test_it_can_begin_with_what_comes(made: Path, tmp_path: Path) -> None:
    """``begin = "now"``: what was sealed before is not sent."""
    said = exporter("now", f"file://{tmp_path}/x", begin="now")
    with open_export(made, said) as export:
        assert export.run() == 0
        record(made, 1, seed=17)
        assert export.run() > 0


@pytest.mark.parametrize(
    "said",
    [
        {"to": "tls://siem.example"},
        {"to": "file://"},
        {"to": "https://x", "certificate": "a"},
        {"to": "tcp://h:1", "token_file": "t"},
        {"to": "http://siem.example/x", "token_file": "t"},
        {"to": "https://u:p@siem.example"},
        {"to": "udp://h:1", "format": "ocsf"},
    ],
)
def test_what_does_not_fit_together_is_refused(said: dict[str, Any]) -> None:
    """Before anything is sent: a port that is missing, a credential over plain HTTP, a password in an address."""
    with pytest.raises(ValueError, match=r"needs|path|together|only|password"):
        ExporterSettings(**{"name": "x", "format": "cef"} | said)


# Laws over a destination and places that fail anywhere.


class _Log:
    def __init__(self, entries: list[Exported]) -> None:
        self.entries = entries

    def size(self, _stream: str) -> int:
        return len(self.entries)

    def rows(self, _stream: str, start: int, end: int) -> Iterator[EntryRow]:
        for number, one in enumerate(self.entries[start:end], start):
            yield EntryRow(number, bytes(16), None, 0, b"", b"", one.body)


class _Failing:
    """A destination and places whose every call may fail, before or after it has done what it does."""

    def __init__(self, fails: Callable[[], int]) -> None:
        self.sent: list[str] = []
        self.places: Mapping[str, int] | None = None
        self._fails = fails

    def send(self, messages: Sequence[str]) -> None:
        how = self._fails()
        self.sent += messages[: len(messages) // 2] if how == 1 else messages if how != 2 else []
        if how:
            raise UnavailableError("away")

    def read(self) -> Mapping[str, int] | None:
        return self.places

    def write(self, places: Mapping[str, int]) -> None:
        how = self._fails()
        if how != 2:
            self.places = dict(places)
        if how:
            raise UnavailableError("full")

    def close(self) -> None:
        """Nothing is open."""


_ENTRIES = list(story(3))


@given(st.lists(st.integers(0, 3), max_size=30), st.integers(1, 9))
def test_whatever_fails_each_event_arrives_in_order_and_none_is_missing(fails: list[int], batch: int) -> None:
    """Law: at least once, for every failure at every step; the first arrivals are in the log's order."""
    left = iter(fails)
    outside = _Failing(lambda: next(left, 0))
    export = Export(
        "x", _Log(_ENTRIES), ["default"], outside, outside, lambda one: cef(one, SENDER), utc_now, batch=batch
    )
    while export.behind().events:
        with suppress(UnavailableError):
            export.run()
    expected = [one.event.id for one in _ENTRIES]
    assert list(dict.fromkeys(cef_ids(outside.sent))) == expected
    assert replace(export, meant=lambda _one: False).run() == 0
