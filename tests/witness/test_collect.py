"""A checkpoint is witnessed by all who can be reached; who remembers another history is an incident."""

import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ordertrail.adapters.witness.client import HttpWitnessClient
from ordertrail.kernel.errors import ConfigurationError, EvidenceError, InputError, UnavailableError
from ordertrail.ledger.add_checkpoint import MAX_MESSAGE_SIZE, SIZE_TYPE, TEXT_TYPE, Answer
from ordertrail.ledger.checkpoint import sign_checkpoint
from ordertrail.ledger.merkle import MemoryNodes
from ordertrail.ledger.note import format_signature, parse_note
from ordertrail.ledger.policy import Policy, parse_policy
from ordertrail.ledger.signers import signature_by
from ordertrail.ledger.vkey import VerifierKey, format_vkey
from ordertrail.ledger.witness import Witness
from ordertrail.ledger.witnessing import Collected, Incident, IncidentKind, collect
from witness.growing import ORIGIN, GrowingLog, cosigner, make_witness, serving

LOG = GrowingLog.of(300)
NAMES = ("w1", "w2", "w3")


def policy_of(urls: Mapping[str, str | None], quorum: int = 2) -> Policy:
    """A policy of these witnesses, of whom so many are needed."""
    witnesses = "".join(
        f"witness {name} {format_vkey(cosigner(name).key)} {url or ''}\n" for name, url in urls.items()
    )
    group = f"group of-them {quorum} {' '.join(urls)}\nquorum of-them\n"
    return parse_policy(f"log {format_vkey(LOG.signer.key)}\n{witnesses}{group}".encode())


POLICY = policy_of(dict.fromkeys(NAMES))


class Client:
    """A way to a witness of this process; ``said`` holds what it was asked, ``instead`` what it says for itself."""

    def __init__(self, witness: Witness, instead: Callable[[bytes], Answer] | None = None) -> None:
        self.witness = witness
        self.instead = instead
        self.asked: list[bytes] = []

    @property
    def name(self) -> str:
        """See the port."""
        return self.witness.name

    @property
    def key(self) -> VerifierKey:
        """See the port."""
        return cosigner(self.name).key

    def add_checkpoint(self, request: bytes) -> Answer:
        """See the port."""
        self.asked.append(request)
        return self.instead(request) if self.instead else self.witness.add_checkpoint(request).answer


@pytest.fixture
def clients() -> list[Client]:
    """Ways to three witnesses that have cosigned nothing."""
    return [Client(make_witness(name=name)) for name in NAMES]


def asked_of(
    log: GrowingLog, clients: list[Client], size: int, seen: Mapping[str, int] | None = None
) -> Collected:
    """Have a checkpoint of this size witnessed."""
    return collect(log.note(size), POLICY, clients, MemoryNodes(log.leaves[:size]), seen)


def answering(status: int, body: bytes = b"", content_type: str = TEXT_TYPE) -> Callable[[bytes], Answer]:
    """A witness that always says this."""
    return lambda _request: Answer(status, body, content_type)


class TestFlow:
    """What is asked, and what is made of the answers."""

    def test_a_growing_log_is_cosigned_at_each_step(self, clients: list[Client]) -> None:
        """With all cosignatures on it the note opens under the policy; each witness is asked once from then on."""
        seen: Mapping[str, int] = {}
        for size in (1, 2, 3, 100, 256, 257, 300):
            done = asked_of(LOG, clients, size, seen)
            assert (done.cosigned, done.missing, done.incidents, done.quorum) == (NAMES, (), (), True)
            assert POLICY.check(parse_note(done.note)).checkpoint == LOG.checkpoint(size)
            assert done.note.startswith(LOG.note(size))
            seen = done.seen
            assert seen == dict.fromkeys(NAMES, size)
        assert [len(client.asked) for client in clients] == [7, 7, 7]

    @pytest.mark.parametrize("seen", [{}, {"w1": 5}, {"w1": 200}, {"w1": -1}, {"w1": 10**6}])
    def test_what_a_witness_has_seen_is_learned_from_it(
        self, clients: list[Client], seen: Mapping[str, int]
    ) -> None:
        """Whatever we remember or have forgotten."""
        assert asked_of(LOG, clients, 100).quorum
        done = asked_of(LOG, clients, 200, seen)
        assert (done.cosigned, done.incidents) == (NAMES, ())
        assert all(len(client.asked) == 3 for client in clients)

    def test_who_has_cosigned_is_not_asked_again(self, clients: list[Client]) -> None:
        """What is missing can be made up for later, from the note as it was."""
        clients[1].instead = answering(503)
        first = asked_of(LOG, clients, 100)
        assert (first.cosigned, [one.name for one in first.missing], first.quorum) == (
            ("w1", "w3"),
            ["w2"],
            True,
        )
        clients[1].instead = None
        second = collect(first.note, POLICY, clients, MemoryNodes(LOG.leaves[:100]), first.seen)
        assert (second.cosigned, second.missing) == (NAMES, ())
        assert [len(client.asked) for client in clients] == [1, 2, 1]

    def test_a_rollback_is_an_incident(self, clients: list[Client]) -> None:
        """The witnesses have seen more of the log than it has now; nothing is tried again."""
        assert asked_of(LOG, clients, 200).quorum
        for seen in ({}, dict.fromkeys(NAMES, 150), dict.fromkeys(NAMES, 200)):
            done = asked_of(LOG, clients, 150, seen)
            assert (done.cosigned, done.missing, done.quorum) == ((), (), False)
            assert [one.kind for one in done.incidents] == [IncidentKind.ROLLBACK] * 3
            assert str(done.incidents[0]) == (
                f"witness w1 has cosigned {ORIGIN} at 200 entries, and this log has only 150: "
                "it was rolled back, or another copy of it goes on"
            )
        assert all(len(client.asked) == 4 for client in clients)

    def test_to_be_too_late_is_no_incident(self, clients: list[Client]) -> None:
        """Another process of this log had a newer checkpoint witnessed while this one was on its way."""
        assert asked_of(LOG, clients, 200).quorum
        for newest, incidents in ((200, 0), (300, 0), (199, 3)):
            done = collect(LOG.note(150), POLICY, clients, LOG.reader, newest=partial(int, newest))
            assert (len(done.incidents), len(done.missing)) == (incidents, 3 - incidents)
            assert all("newer checkpoint" in one.reason for one in done.missing)

    @pytest.mark.parametrize("size", [200, 201, 256, 300])
    def test_a_split_view_is_an_incident(self, clients: list[Client], size: int) -> None:
        """A log that shows another history, of that size or larger, is told so by those who saw the first."""
        assert asked_of(LOG, clients[:1], 200).cosigned == ("w1",)
        fork = LOG.fork(180)
        done = asked_of(fork, clients, size)
        assert done.cosigned == ("w2", "w3")
        (incident,) = done.incidents
        expected = Incident(
            IncidentKind.SPLIT_VIEW, "w1", fork.checkpoint(size), 200, fork.checkpoint(200).root
        )
        assert incident == expected
        assert "another history" in str(incident)

    def test_a_fork_after_what_was_seen_is_none(self, clients: list[Client]) -> None:
        """Nobody can know of it yet."""
        assert asked_of(LOG, clients, 150).quorum
        done = asked_of(LOG.fork(180), clients, 200)
        assert (done.cosigned, done.incidents) == (NAMES, ())

    def test_a_409_without_a_size_from_our_own_size_is_a_split_view(self, clients: list[Client]) -> None:
        """The specification asks for a body only where the old size is wrong."""
        assert asked_of(LOG, clients, 100).quorum
        clients[0].instead = answering(409, b"another root")
        done = asked_of(LOG, clients, 100, {"w1": 100})
        assert [one.kind for one in done.incidents] == [IncidentKind.SPLIT_VIEW]

    def test_damaged_tiles_accuse_nobody(self, clients: list[Client]) -> None:
        """A proof that does not lead to our own root is our own trouble, and is not sent."""
        assert asked_of(LOG, clients, 100).quorum
        with pytest.raises(EvidenceError, match="does not lead to the root"):
            collect(LOG.note(200), POLICY, clients, LOG.fork(50).reader, dict.fromkeys(NAMES, 100))
        assert all(len(client.asked) == 1 for client in clients)

    def test_what_is_no_checkpoint_is_not_sent(self, clients: list[Client]) -> None:
        """An error of ours."""
        with pytest.raises(InputError):
            collect(b"nonsense", POLICY, clients, LOG.reader)

    def test_a_witness_without_a_way_to_it_is_missing(self) -> None:
        """The policy may need it all the same."""
        done = asked_of(LOG, [], 10)
        assert [(one.name, "no URL" in one.reason) for one in done.missing] == [
            (name, True) for name in NAMES
        ]
        assert not done.quorum
        assert done.note == LOG.note(10)

    def test_a_bad_cosignature_on_the_note_is_replaced(self, clients: list[Client]) -> None:
        """It would make the whole note worthless."""
        other = sign_checkpoint(LOG.checkpoint(9), [cosigner("w1")])
        note = LOG.note(10) + other[other.index(b"\n\n") + 2 :]
        done = collect(note, POLICY, clients, MemoryNodes(LOG.leaves[:10]))
        assert done.cosigned == NAMES
        assert POLICY.check(parse_note(done.note))


class TestFaithless:
    """Witnesses that say what they should not."""

    @pytest.mark.parametrize(
        ("answer", "reason"),
        [
            (answering(200, b"garbage"), "holds no cosignatures"),
            (answering(200), "holds no cosignatures"),
            (answering(200, b"\xff\xfe\n"), "holds no cosignatures"),
            (answering(200, "\u2014 w1 AAAAAAAA\n".encode()), "holds no cosignature by w1+"),
            (answering(500, b"oops\x1b[31m\n" * 100), "it answered 500: oops"),
            (answering(302), "it answered 302: nothing"),
            (answering(404, b"unknown log\n"), "it answered 404: unknown log"),
            (answering(403, b"unknown log\n"), "it answered 403: unknown log"),
            (answering(422, b"no\n"), "it answered 422: no"),
            (answering(409, b"many\n", SIZE_TYPE), "409 without a size"),
            (answering(409, b"0\n", SIZE_TYPE), "says that it knows just these"),
            (answering(409, b"7\n", SIZE_TYPE), "says that it knows just these"),
        ],
    )
    def test_it_is_missing_with_the_reason(
        self, clients: list[Client], answer: Callable[[bytes], Answer], reason: str
    ) -> None:
        """And the others count."""
        clients[0].instead = answer
        done = asked_of(LOG, clients, 10)
        assert (done.cosigned, done.incidents, done.quorum) == (("w2", "w3"), (), True)
        (missing,) = done.missing
        assert missing.name == "w1"
        assert reason in missing.reason
        assert missing.reason.isprintable()
        assert len(missing.reason) < 300

    def test_another_s_signature_or_another_checkpoint_s_does_not_count(self, clients: list[Client]) -> None:
        """Whoever else signed, and whatever else was signed."""

        def lines(name: str, size: int) -> bytes:
            text = parse_note(LOG.note(size)).text
            return format_signature(signature_by(cosigner(name), text)).encode()

        for body, reason in (
            (lines("w2", 10), "no cosignature by w1+"),
            (lines("w1", 9), "was not signed by it"),
            (lines("w1", 10) + lines("w1", 9), "was not signed by it"),
        ):
            clients[0].instead = answering(200, body)
            done = asked_of(LOG, clients, 10)
            assert done.cosigned == ("w2", "w3")
            assert reason in done.missing[0].reason
            assert POLICY.check(parse_note(done.note))
        clients[0].instead = answering(200, lines("w2", 9) + lines("w1", 10) + lines("w3", 10))
        done = asked_of(LOG, clients, 10)
        assert done.cosigned == NAMES
        assert len(parse_note(done.note).signatures) == 4

    def test_one_that_changes_its_mind_is_asked_twice_and_no_more(self, clients: list[Client]) -> None:
        """It cannot keep us busy."""
        sizes = iter(range(1, 100))
        clients[0].instead = lambda _request: Answer(409, b"%d\n" % next(sizes), SIZE_TYPE)
        done = asked_of(LOG, clients, 50)
        assert len(clients[0].asked) == 2
        assert "changed while it was asked" in done.missing[0].reason

    @settings(deadline=None, max_examples=60)
    @given(st.sampled_from([200, 204, 301, 400, 403, 404, 409, 422, 500]), st.binary(max_size=60))
    def test_whatever_it_says_nothing_is_raised(self, status: int, body: bytes) -> None:
        """The note stays good, and the others' cosignatures are on it."""
        ways = [Client(make_witness(name=name)) for name in NAMES]
        ways[0].instead = answering(status, body)
        done = asked_of(LOG, ways, 10, {"w1": 3})
        assert done.cosigned == ("w2", "w3")
        assert POLICY.check(parse_note(done.note))


def collect_over_http(
    note: bytes, policy: Policy, reader: MemoryNodes, seen: Mapping[str, int] | None = None, *, timeout: float
) -> Collected:
    """Ask all witnesses of a policy at once, at their URLs."""
    clients = [
        HttpWitnessClient(one.name, one.key, one.url or "", timeout=timeout) for one in policy.witnesses
    ]
    with ThreadPoolExecutor(len(clients)) as threads:
        return collect(note, policy, clients, reader, seen, each=threads.map)


@contextmanager
def line(talk: Callable[[socket.socket], None]) -> Iterator[str]:
    """Listen, and talk to whoever connects; the URL."""
    ended = threading.Event()

    def listen() -> None:
        while not ended.is_set():
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(10)
                try:
                    talk(connection)
                    ended.wait(0.05)
                except OSError:
                    continue

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=listen)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            ended.set()
            listening.shutdown(socket.SHUT_RDWR)
            thread.join(20)


def dripping(connection: socket.socket) -> None:
    """A head that never ends, a byte at a time."""
    connection.recv(1 << 16)
    for _ in range(100):
        connection.sendall(b"H" if _ == 0 else b"TTP/1.1 200 OK\r\nA: b\r\n"[_ : _ + 1] or b"x")
        time.sleep(0.1)


def endless(connection: socket.socket) -> None:
    """A body without end."""
    connection.recv(1 << 16)
    connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        connection.sendall(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")


def nothing(connection: socket.socket) -> None:
    """Silence."""
    connection.recv(1 << 16)
    time.sleep(3)


def no_http(connection: socket.socket) -> None:
    """Something else."""
    connection.recv(1 << 16)
    connection.sendall(b"220 mail.example ESMTP\r\n")


class TestHttp:
    """Through real connections."""

    def test_two_of_three_are_enough(self) -> None:
        """One is dead: it is named, the checkpoint has its quorum, and nobody waited for long."""
        with ExitStack() as stack:
            urls: dict[str, str | None] = {
                name: stack.enter_context(serving(make_witness(name=name))) for name in NAMES
            }
            with socket.create_server(("127.0.0.1", 0)) as closed:
                urls["w2"] = f"http://127.0.0.1:{closed.getsockname()[1]}"
            policy = policy_of(urls)
            seen: Mapping[str, int] = {}
            for size in (1, 70, 300):
                reader = MemoryNodes(LOG.leaves[:size])
                done = collect_over_http(LOG.note(size), policy, reader, seen, timeout=5)
                assert (done.cosigned, done.quorum, done.incidents) == (("w1", "w3"), True, ())
                assert [one.name for one in done.missing] == ["w2"]
                assert policy.check(parse_note(done.note)).checkpoint == LOG.checkpoint(size)
                seen = done.seen
            rolled_back = collect_over_http(LOG.note(200), policy, MemoryNodes(LOG.leaves[:200]), timeout=5)
            assert [one.kind for one in rolled_back.incidents] == [IncidentKind.ROLLBACK] * 2
            forked = LOG.fork(9)
            split = collect_over_http(forked.note(), policy, forked.reader, timeout=5)
            assert [one.kind for one in split.incidents] == [IncidentKind.SPLIT_VIEW] * 2
            assert not split.quorum

    @pytest.mark.parametrize("talk", [dripping, endless, nothing, no_http])
    def test_a_witness_that_misbehaves_is_unavailable_in_time(
        self, talk: Callable[[socket.socket], None]
    ) -> None:
        """Whatever it sends or does not send, and whoever else is asked meanwhile."""
        with line(talk) as url, serving(make_witness(name="w2")) as good:
            policy = policy_of({"w1": url, "w2": good}, quorum=1)
            begun = time.monotonic()
            done = collect_over_http(LOG.note(9), policy, MemoryNodes(LOG.leaves[:9]), timeout=1)
            assert time.monotonic() - begun < 4
            assert (done.cosigned, [one.name for one in done.missing]) == (("w2",), ["w1"])

    def test_an_answer_is_taken_as_it_comes(self) -> None:
        """Redirects are not followed, packed bodies not unpacked, and the size is bounded."""

        def talk(connection: socket.socket) -> None:
            path = connection.recv(1 << 16).split(b" ")[1]
            head = {
                b"/moved/add-checkpoint": b"307 Moved\r\nLocation: /elsewhere\r\n",
                b"/packed/add-checkpoint": b"200 OK\r\nContent-Encoding: gzip\r\n",
                b"/large/add-checkpoint": b"200 OK\r\n",
            }[path]
            body = b"x" * (MAX_MESSAGE_SIZE + 1) if b"large" in path else b"not gzip"
            connection.sendall(b"HTTP/1.1 %bContent-Length: %d\r\n\r\n%b" % (head, len(body), body))

        key = cosigner("w1").key
        with line(talk) as url:
            moved = HttpWitnessClient("w1", key, f"{url}/moved/").add_checkpoint(b"x")
            assert (moved.status, moved.body) == (307, b"not gzip")
            assert HttpWitnessClient("w1", key, f"{url}/packed").add_checkpoint(b"x").body == b"not gzip"
            with pytest.raises(UnavailableError, match="more than"):
                HttpWitnessClient("w1", key, f"{url}/large").add_checkpoint(b"x")

    @pytest.mark.parametrize(
        "url",
        [
            "",
            "witness.example",
            "ftp://w.example",
            "http://",
            "http://w:x/",
            "https://w/?q",
            "http://w:0",
            "http://[w/",
        ],
    )
    def test_what_is_no_url_is_told_at_once(self, url: str) -> None:
        """An error of configuration, that names the witness."""
        with pytest.raises(ConfigurationError, match="w1"):
            HttpWitnessClient("w1", cosigner("w1").key, url)

    def test_a_name_that_does_not_resolve_is_unavailable(self) -> None:
        """It may come back."""
        with pytest.raises(UnavailableError):
            HttpWitnessClient("w1", cosigner("w1").key, "http://nowhere.invalid", timeout=5).add_checkpoint(
                b"x"
            )
