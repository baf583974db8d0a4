"""Time-stamp authorities keep their port's promises: the fake, openssl's, and those that lie."""

import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from threading import Event, Thread
from time import monotonic, sleep
from zlib import compress

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from ordertrail.adapters.memory.timestamper import MemoryTimestamper
from ordertrail.adapters.timestamps.line import MAX_ANSWER
from ordertrail.adapters.timestamps.rfc3161 import Authority, Rfc3161Timestamper
from ordertrail.kernel.clock import utc_now
from ordertrail.kernel.errors import ConfigurationError, EvidenceError, InputError, UnavailableError
from ordertrail.ledger.clock_offset import ClockOffset
from ordertrail.ledger.ports import Timestamper
from ordertrail.testing.conformance.timestamper import NOTE, TimestamperSuite
from servers.authority import (
    POLICY,
    TIME_STAMPING,
    Answer,
    TestAuthority,
    make_holder,
    time_stamp_authority,
)
from shared_data import shared

Behaviour = Callable[[bytes], Answer]

#: A fuzzed certificate may have a serial number that cryptography warns of.
pytestmark = pytest.mark.filterwarnings("ignore:Parsed a serial number")


@pytest.fixture
def authority(tmp_path: Path) -> Iterator[TestAuthority]:
    """An honest authority."""
    with time_stamp_authority(tmp_path) as running:
        yield running


def asking(authority: TestAuthority, name: str = "local", **settings: object) -> Rfc3161Timestamper:
    """A timestamper that asks it."""
    told = Authority(name, authority.url, authority.roots, timeout_seconds=10)
    return Rfc3161Timestamper(replace(told, **settings))  # type: ignore[arg-type]


class TestMemory(TimestamperSuite):
    """MemoryTimestamper."""

    @pytest.fixture
    def stamper(self) -> Timestamper:
        """The fake."""
        return MemoryTimestamper("memory", utc_now)

    @pytest.fixture
    def another(self) -> Timestamper:
        """With another key."""
        return MemoryTimestamper("memory", utc_now)

    @pytest.fixture
    def unreachable(self, stamper: Timestamper) -> Timestamper:
        """Switched off."""
        assert isinstance(stamper, MemoryTimestamper)
        stamper.availability.up = False
        return stamper


class TestRfc3161(TimestamperSuite):
    """Rfc3161Timestamper with openssl's authority."""

    @pytest.fixture
    def stamper(self, authority: TestAuthority) -> Timestamper:
        """As it is set up."""
        return asking(authority)

    @pytest.fixture
    def another(self, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Timestamper]:
        """With a root of its own."""
        with time_stamp_authority(tmp_path_factory.mktemp("another")) as running:
            yield asking(running, "another")

    @pytest.fixture
    def unreachable(self, authority: TestAuthority) -> Timestamper:
        """Where nobody listens."""
        with socket.socket() as one:
            one.bind(("127.0.0.1", 0))
            port = one.getsockname()[1]
        return asking(authority, url=f"http://127.0.0.1:{port}/")

    @pytest.fixture
    def liars(self, authority: TestAuthority) -> Sequence[Timestamper]:
        """One that answers everything with its first answer."""
        asking(authority).stamp(NOTE)
        first = authority.honest(authority.queries[0])
        authority.behave = lambda _query: first
        return [asking(authority, "replayer")]


class TestLies:
    """Each bad answer has an error of its own: what it is, which setting, what it means, what to do."""

    @pytest.fixture
    def refused(self, authority: TestAuthority) -> Callable[[Behaviour, str], None]:
        """Expect a refusal that begins so."""

        def expect(behaviour: Behaviour, told: str) -> None:
            authority.behave = behaviour
            with pytest.raises(EvidenceError, match=told) as caught:
                asking(authority, policy=POLICY).stamp(NOTE)
            assert "nothing is lost" in caught.value.meaning
            assert caught.value.remedy

        return expect

    def test_forging_itself_is_sound(self, authority: TestAuthority) -> None:
        """What is put together here is taken where nothing is wrong with it, or the rest shows nothing."""
        authority.behave = authority.lie
        stamper = asking(authority, policy=POLICY)
        assert stamper.check(stamper.stamp(NOTE), NOTE) <= datetime.now(UTC)

    def test_another_nonce(self, authority: TestAuthority, refused: Callable[[Behaviour, str], None]) -> None:
        """Replayed, or of another question."""
        refused(partial(authority.lie, nonce=1), r"^timestamps\.local\.url: .* another nonce")

    def test_another_digest(
        self, authority: TestAuthority, refused: Callable[[Behaviour, str], None]
    ) -> None:
        """Over other bytes; of another length too."""
        for digest in (bytes(32), b"", bytes(64)):
            refused(partial(authority.lie, digest=digest), r"^timestamps\.local\.url: .*wrong digest")

    def test_another_policy(
        self, authority: TestAuthority, refused: Callable[[Behaviour, str], None]
    ) -> None:
        """Both are named."""
        told = r"^timestamps\.local\.policy: .*1\.2\.3\.5, not 1\.2\.3\.4\.1"
        refused(partial(authority.lie, policy="1.2.3.5"), told)

    def test_a_certificate_that_expired(
        self, authority: TestAuthority, refused: Callable[[Behaviour, str], None]
    ) -> None:
        """Before it stamped; or is not valid yet."""
        now = datetime.now(UTC)
        for term in (
            (now - timedelta(days=400), now - timedelta(days=35)),
            (now + timedelta(days=1), now + timedelta(days=9)),
        ):
            signer = authority.issue(term=term)
            refused(
                lambda query, signer=signer: Answer(authority.reply(query, signer)),  # type: ignore[misc]
                r"^timestamps\.local\.roots: .* not valid then: it is valid from",
            )

    @pytest.mark.parametrize(
        ("purposes", "critical", "told"),
        [
            ((), True, "no extended key usage"),
            ((ExtendedKeyUsageOID.SERVER_AUTH,), True, "not for time-stamping alone"),
            ((ExtendedKeyUsageOID.TIME_STAMPING, ExtendedKeyUsageOID.SERVER_AUTH), True, "alone"),
            (TIME_STAMPING, False, "critically"),
        ],
    )
    def test_a_certificate_of_another_purpose(
        self,
        authority: TestAuthority,
        refused: Callable[[Behaviour, str], None],
        purposes: tuple[x509.ObjectIdentifier, ...],
        critical: bool,  # noqa: FBT001 - a parameter of the cases
        told: str,
    ) -> None:
        """None, another, more than one, or not critically so (RFC 3161 section 2.3)."""
        signer = authority.issue("other", purposes=purposes, critical=critical)
        refused(partial(authority.lie, signer=signer), rf"^timestamps\.local\.roots: .*{told}")

    def test_a_chain_that_leads_elsewhere(
        self, authority: TestAuthority, refused: Callable[[Behaviour, str], None]
    ) -> None:
        """To another root; to itself; to a certificate that may not certify."""
        stranger = make_holder(authority.folder, "stranger", None, ())
        for signer in (
            authority.issue(by=stranger),
            make_holder(authority.folder, "self", None, TIME_STAMPING),
            authority.issue(by=authority.signer),
        ):
            refused(partial(authority.lie, signer=signer), r"^timestamps\.local\.roots: .* leads to one")

    def test_an_authority_that_only_bears_the_name(
        self, authority: TestAuthority, refused: Callable[[Behaviour, str], None]
    ) -> None:
        """Root and authority of the right names, with other keys."""
        fake = make_holder(authority.folder, "root", None, ())
        impostor = replace(fake, certificate=authority.root.certificate)
        refused(partial(authority.lie, signer=authority.issue(by=impostor)), r"^timestamps\.local\.roots: ")

    def test_a_second_certificate_of_the_signers_name_and_number(
        self, authority: TestAuthority, refused: Callable[[Behaviour, str], None]
    ) -> None:
        """Slipped in so that the purpose is read from one, and the signature verified with the other."""
        server = authority.issue("server", purposes=(ExtendedKeyUsageOID.SERVER_AUTH,))
        twin = (
            x509.CertificateBuilder()
            .subject_name(server.certificate.subject)
            .issuer_name(server.certificate.issuer)
            .public_key(server.key.public_key())
            .serial_number(server.certificate.serial_number)
            .not_valid_before(server.certificate.not_valid_before_utc)
            .not_valid_after(server.certificate.not_valid_after_utc)
            .add_extension(x509.ExtendedKeyUsage(TIME_STAMPING), critical=True)
            .sign(authority.signer.key, server.certificate.signature_hash_algorithm)  # type: ignore[arg-type]
        )
        extra = authority.folder / "twin.pem"
        extra.write_bytes(twin.public_bytes(Encoding.PEM))
        behaviour = partial(authority.lie, signer=server, beside=extra)
        refused(behaviour, "2 certificates of its signer")

    def test_a_stamp_without_its_certificate(
        self, authority: TestAuthority, refused: Callable[[Behaviour, str], None]
    ) -> None:
        """It could not be checked in years."""
        refused(partial(authority.lie, bare=True), "0 certificates of its signer")

    def test_garbage(self, refused: Callable[[Behaviour, str], None]) -> None:
        """Nothing, text, half an answer."""
        for body in (b"", b"stamped!", b"\x30\x80\x00\x00"):
            refused(lambda _query, body=body: Answer(body), "is no good RFC 3161 response")  # type: ignore[misc]


class TestAbsence:
    """An authority that gives no stamp delays nothing, and is told with the setting that names it."""

    @pytest.mark.parametrize(
        ("answer", "told"),
        [
            (Answer(b"no", status=503), "503"),
            (Answer(b"", status=302, headers=(("Location", "http://127.0.0.1:1/"),)), "302"),
            (Answer(b"<p>log in first", kind="text/html; charset=utf-8"), "'text/html'"),
            (Answer(b"0" * (MAX_ANSWER + 1)), "more than 65,536 bytes"),
            (Answer(bytes.fromhex("30053003020102")), "status 2"),
            (Answer(bytes.fromhex("30053003020103")), "status 3"),
        ],
    )
    def test_what_is_no_stamp_is_unavailable(
        self, authority: TestAuthority, answer: Answer, told: str
    ) -> None:
        """An error page, a way elsewhere, a portal, a flood, a refusal."""
        authority.behave = lambda _query: answer
        with pytest.raises(UnavailableError, match=rf"^timestamps\.local\.url: .*{told}") as caught:
            asking(authority).stamp(NOTE)
        assert "Recording and sealing go on" in caught.value.meaning
        assert len(authority.queries) == 1

    def test_silence_ends(self, authority: TestAuthority) -> None:
        """After the time that was set; and while it holds a question, it is not asked again."""
        done = Event()

        def silent(_query: bytes) -> Answer:
            done.wait(20)
            return Answer(b"")

        authority.behave = silent
        stamper, began = asking(authority, timeout_seconds=0.4), monotonic()
        with pytest.raises(UnavailableError, match=r"silent for 0\.4 s|timed out"):
            stamper.stamp(NOTE)
        assert monotonic() - began < 3
        done.set()

    def test_a_drip_ends(self, authority: TestAuthority) -> None:
        """One byte at a time resets no clock; the next question is refused at once while the last one drips."""
        with socket.create_server(("127.0.0.1", 0)) as server:
            stamper = asking(
                authority, url=f"http://127.0.0.1:{server.getsockname()[1]}/", timeout_seconds=0.5
            )
            began = monotonic()
            with pytest.raises(UnavailableError, match=r"silent for 0\.5 s"):
                _while_dripping(server, partial(stamper.stamp, NOTE))
            assert monotonic() - began < 3

    def test_a_compressed_answer_is_not_unpacked(self, authority: TestAuthority) -> None:
        """A thousand bytes stay a thousand bytes; nobody asked for them so."""
        bomb = compress(bytes(10_000_000))
        authority.behave = lambda _query: Answer(bomb, headers=(("Content-Encoding", "deflate"),))
        with pytest.raises(EvidenceError, match="no good RFC 3161 response"):
            asking(authority).stamp(NOTE)

    def test_the_way_to_it_may_be_ones_own(self, authority: TestAuthority) -> None:
        """A transport of httpx's, with a client certificate or a proxy of its own."""
        asked = []

        def answer(request: httpx.Request) -> httpx.Response:
            asked.append(str(request.url))
            headers = {"Content-Type": "application/timestamp-reply"}
            stream = httpx.ByteStream(authority.reply(request.content))
            return httpx.Response(200, headers=headers, stream=stream)

        settings = Authority("local", "https://tsa.example.com/a", authority.roots)
        stamper = Rfc3161Timestamper(settings, transport=httpx.MockTransport(answer))
        assert stamper.check(stamper.stamp(NOTE), NOTE)
        assert asked == ["https://tsa.example.com/a"]

    def test_a_password_in_an_address_is_not_shown(self, authority: TestAuthority) -> None:
        """It is sent to the authority, and told to nobody else."""
        local = authority.url.removeprefix("http://")
        assert asking(authority, url=f"http://me:hidden-51@{local}").stamp(NOTE)
        authority.behave = lambda _query: Answer(b"no", status=401)
        for url in (
            f"http://me:hidden-51@{local}",
            "http://me:hidden-51@[",
            "http://me:hidden-51@127.0.0.1:1/",
        ):
            settings = Authority("local", url, authority.roots)
            with pytest.raises(UnavailableError) as caught:
                Rfc3161Timestamper(settings).stamp(NOTE)
            assert "hidden-51" not in f"{caught.value.diagnostics()} {caught.value!r} {settings!r}"
        with pytest.raises(ConfigurationError) as refused:
            asking(authority, url="me:hidden-51@tsa.example.com")
        assert "hidden-51" not in str(refused.value.diagnostics())

    def test_a_missing_package(self, authority: TestAuthority, monkeypatch: pytest.MonkeyPatch) -> None:
        """Is told with the command that installs it."""
        for package in ("rfc3161_client", "httpx"):
            with monkeypatch.context() as patch:
                patch.setitem(sys.modules, package, None)
                with pytest.raises(ConfigurationError, match=package) as caught:
                    asking(authority).stamp(NOTE)
                assert "pip install 'ordertrail[timestamps]'" in caught.value.remedy

    def test_a_dead_and_a_lying_authority_keep_no_other_from_stamping(
        self, authority: TestAuthority, tmp_path_factory: pytest.TempPathFactory
    ) -> None:
        """Each answers for itself."""
        with time_stamp_authority(tmp_path_factory.mktemp("liar")) as liar:
            liar.behave = partial(liar.lie, nonce=1)
            good, bad = asking(authority, "good"), asking(liar, "bad")
            dead = asking(authority, "dead", url="http://127.0.0.1:9/", timeout_seconds=1)
            told: dict[str, object] = {}
            for stamper in (dead, bad, good):
                try:
                    told[stamper.name] = stamper.stamp(NOTE)
                except (UnavailableError, EvidenceError) as error:
                    told[stamper.name] = type(error)
        stamp = told.pop("good")
        assert told == {"dead": UnavailableError, "bad": EvidenceError}
        assert isinstance(stamp, bytes)
        assert good.check(stamp, NOTE)


def _while_dripping(server: socket.socket, question: Callable[[], object]) -> None:
    """Ask, while the server sends one byte of a header every tenth of a second."""
    stop = Event()

    def drip() -> None:
        connection, _ = server.accept()
        with connection:
            for byte in b"HTTP/1.1 200 OK\r\nX-Wait: " + b"x" * 200:
                if stop.is_set():
                    return
                connection.sendall(bytes([byte]))
                sleep(0.1)

    thread = Thread(target=drip)
    thread.start()
    try:
        question()
    finally:
        stop.set()
        thread.join()


class TestYearsLater:
    """A kept stamp is verified at its own time."""

    def test_an_expired_certificate_was_good_then(self, authority: TestAuthority) -> None:
        """A stamp of 2019 by a certificate that ended in 2020 is good today."""
        signer = authority.issue(term=(datetime(2018, 1, 1, tzinfo=UTC), datetime(2020, 1, 1, tzinfo=UTC)))
        then = datetime(2019, 6, 1, 12, 30, 15, tzinfo=UTC)
        authority.behave = partial(authority.lie, signer=signer, time=then)
        stamper = asking(authority)
        assert stamper.check(stamper.stamp(NOTE), NOTE) == then

    def test_a_stamp_after_its_certificates_end_is_refused(self, authority: TestAuthority) -> None:
        """Whenever it is looked at; the error is that of a kept stamp."""
        authority.behave = authority.lie
        stamp = asking(authority).stamp(NOTE)
        query = authority.queries[0]
        signer = authority.issue(term=(datetime(2018, 1, 1, tzinfo=UTC), datetime(2020, 1, 1, tzinfo=UTC)))
        late = authority.lie(query, signer=signer).body
        assert late != stamp
        with pytest.raises(EvidenceError, match=r"the stamp is signed by .* not valid then") as caught:
            asking(authority).check(late, NOTE)
        assert "Entries and their proofs stand" in caught.value.meaning
        assert "look for a copy" in caught.value.remedy

    def test_another_root_does_not_vouch_for_it(
        self, authority: TestAuthority, tmp_path_factory: pytest.TempPathFactory
    ) -> None:
        """Whose stamps a trail takes, its settings say."""
        stamp = asking(authority).stamp(NOTE)
        other = make_holder(tmp_path_factory.mktemp("other"), "other", None, ())
        with pytest.raises(EvidenceError, match=r"timestamps\.local\.roots"):
            asking(authority, roots=other.pem).check(stamp, NOTE)
        both = other.pem + authority.roots + authority.signer.pem
        assert asking(authority, roots=both).check(stamp, NOTE)

    def test_openssl_verifies_what_is_kept(self, authority: TestAuthority) -> None:
        """A stamp is a file as any: whoever has it, the checkpoint and the root needs nothing of ours."""
        stamp = asking(authority).stamp(NOTE)
        for name, data in (("stamp.tsr", stamp), ("note", NOTE), ("other", NOTE + b"\n")):
            (authority.folder / name).write_bytes(data)
        for name, good in (("note", True), ("other", False)):
            command = [
                "openssl", "ts", "-verify", "-in", "stamp.tsr", "-data", name,
                "-CAfile", str(authority.root.certificate_file),
            ]  # fmt: skip
            done = subprocess.run(command, cwd=authority.folder, capture_output=True, check=False)
            assert (done.returncode == 0) == good, done.stderr

    @pytest.mark.parametrize("digest", ["sha256", "sha384", "sha512"])
    def test_stamps_of_sigstores_authority(self, digest: str) -> None:
        """Made by others, kept by others: good over their bytes."""
        folder = shared("vectors/rfc3161-client/test/fixtures/sigstage")
        stamper = Rfc3161Timestamper(
            Authority("sigstage", "https://nowhere.example", (folder / "ts_chain.pem").read_bytes())
        )
        stamp = (folder / f"response-{digest}.tsr").read_bytes()
        assert stamper.check(stamp, b"hello").date().isoformat() == "2025-05-09"
        with pytest.raises(EvidenceError, match="wrong digest"):
            stamper.check(stamp, b"hello\n")

    @pytest.mark.parametrize("broken", ["invalid-signature", "no-embedded-cert"])
    def test_bad_stamps_of_sigstores_authority(self, broken: str) -> None:
        """Made to be refused."""
        folder = shared("vectors/rfc3161-client/test/fixtures/sigstage")
        stamper = Rfc3161Timestamper(
            Authority("sigstage", "https://nowhere.example", (folder / "ts_chain.pem").read_bytes())
        )
        with pytest.raises(EvidenceError):
            stamper.check((folder / f"response-{broken}.tsr").read_bytes(), b"hello")


class TestClock:
    """A wrong system clock is noticed by what authorities say."""

    @pytest.mark.parametrize("wrong", [-3_600, -5, 5, 86_400 * 400])
    def test_a_wrong_clock_is_told(self, authority: TestAuthority, wrong: int) -> None:
        """By how much, what it means for the evidence, and what to do; the stamp itself is good."""
        told = Authority("local", authority.url, authority.roots, timeout_seconds=10)
        stamper = Rfc3161Timestamper(told, clock=lambda: utc_now() + timedelta(seconds=wrong))
        offset = stamper.offset()
        assert abs(offset.offset - timedelta(seconds=wrong)) <= offset.uncertainty
        problem = offset.problem()
        assert problem is not None
        assert ("ahead of" if wrong > 0 else "behind") in problem.message
        assert "'local'" in problem.message
        assert "recording and sealing go on" in problem.meaning
        assert "set-ntp" in problem.remedy
        assert stamper.check(stamper.stamp(NOTE), NOTE)
        assert stamper.last_offset is not None
        assert stamper.last_offset.is_wrong

    def test_a_right_clock_is_not(self, authority: TestAuthority) -> None:
        """What the measuring leaves open is no offset: an authority that tells whole seconds."""
        stamper = asking(authority)
        assert stamper.last_offset is None
        for _ in range(3):
            offset = stamper.offset()
            assert not offset.is_wrong
            assert offset.problem() is None
            assert offset.uncertainty < timedelta(seconds=2.5)

    @pytest.mark.parametrize(
        ("offset", "uncertainty", "wrong"),
        [(2.0, 0.0, False), (2.1, 0.0, True), (-2.1, 0.0, True), (3.0, 1.0, False), (-3.2, 1.0, True)],
    )
    def test_what_is_wrong(self, offset: float, uncertainty: float, wrong: bool) -> None:  # noqa: FBT001 - a case
        """More than two seconds beyond what the measuring leaves open, either way."""
        found = ClockOffset("any", timedelta(seconds=offset), timedelta(seconds=uncertainty))
        assert found.is_wrong == wrong
        assert (found.problem() is not None) == wrong

    def test_a_lying_clock_is_seen_beside_an_honest_one(self, authority: TestAuthority) -> None:
        """An authority an hour off stamps an hour off: two of them show which."""
        honest, lying = asking(authority, "honest"), asking(authority, "lying")
        assert not honest.offset().is_wrong
        authority.behave = partial(authority.lie, time=datetime.now(UTC) + timedelta(hours=1))
        assert lying.offset().is_wrong


class TestSettings:
    """What is set up wrongly is named when it is opened, not at the first anchor."""

    @pytest.mark.parametrize(
        ("settings", "told"),
        [
            ({"roots": b"no certificate"}, r"^timestamps\.local\.roots: holds no certificates"),
            ({"roots": b""}, r"^timestamps\.local\.roots: holds no certificates"),
            ({"policy": "anything"}, r"^timestamps\.local\.policy: 'anything'"),
            ({"url": "tsa.example.com"}, r"^timestamps\.local\.url: is no address"),
            ({"name": "../local"}, r"^timestamps: '\.\./local'"),
            ({"name": ""}, "^timestamps: ''"),
        ],
    )
    def test_it_is_named(self, authority: TestAuthority, settings: dict[str, object], told: str) -> None:
        """With what it means and what to do."""
        with pytest.raises(ConfigurationError, match=told) as caught:
            asking(authority, **settings)  # type: ignore[arg-type]
        assert "Recording and sealing go on" in caught.value.meaning

    def test_roots_without_a_root(self, authority: TestAuthority) -> None:
        """The authority's own certificate is not what it leads to."""
        with pytest.raises(ConfigurationError, match="holds no root"):
            asking(authority, roots=authority.signer.pem)

    def test_nothing_cannot_be_stamped(self, authority: TestAuthority) -> None:
        """There is nothing that it would show."""
        with pytest.raises(InputError):
            asking(authority).stamp(b"")
        assert authority.queries == []
