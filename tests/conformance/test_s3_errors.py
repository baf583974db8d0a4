"""What goes wrong with a store is told so that a person can act: the setting, the meaning, the remedy."""

import logging
import re
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import IPv4Address
from pathlib import Path
from threading import Thread

import pytest
from botocore import auth
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from ordertrail.adapters.s3.bucket import Bucket
from ordertrail.adapters.s3.place import S3Place
from ordertrail.adapters.s3.publication import S3Publication
from ordertrail.adapters.s3.vault import S3Vault
from ordertrail.kernel.errors import ConfigurationError, OrderTrailError, UnavailableError
from ordertrail.testing.conformance.vault import LATER, OBJECT
from servers.s3 import S3Server, bucket, ceph, use_credentials

__all__ = ["bucket", "ceph"]


@pytest.fixture
def server(ceph: S3Server) -> S3Server:
    """A real store."""
    return ceph


def put(bucket: Bucket) -> None:
    """Do what a sequencer does."""
    S3Vault(bucket, "log").put([(OBJECT, b"tile")], LATER)


def refusal(place: S3Place, act: Callable[[Bucket], object] = put) -> OrderTrailError:
    """Return what a place answers; every error says what it means for the evidence."""
    bucket = Bucket(place)
    try:
        with pytest.raises(OrderTrailError) as refused:
            act(bucket)
    finally:
        bucket.close()
    assert "Nothing is lost: events stay recorded" in refused.value.meaning
    assert place.where in str(refused.value)
    assert "secret" not in str(refused.value).lower()
    return refused.value


def test_wrong_credentials_are_named(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    """An unknown key, a wrong secret, none at all: the chain that they come from is named, and no secret is."""
    for access, secret in (("nobody", "x"), ("ordertrail-test", "wrong")):
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", access)
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", secret)
        told = refusal(bucket.place)
        assert isinstance(told, ConfigurationError)
        assert "does not accept the credentials" in str(told)
        assert "AWS_ACCESS_KEY_ID" in told.remedy
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    told = refusal(bucket.place)
    assert isinstance(told, ConfigurationError)
    assert "there are no credentials" in str(told)


def test_credentials_are_in_no_log(bucket: Bucket, caplog: pytest.LogCaptureFixture) -> None:
    """Whatever a program logs at DEBUG: no secret, no signature, no token."""
    caplog.set_level(logging.DEBUG)
    put(bucket)
    assert "ordertrail-test" not in caplog.text
    assert "authorization" not in caplog.text.lower()


def test_a_bucket_that_is_not_there_is_named(server: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """For writing and for reading: what cannot be looked at is not taken for empty."""
    use_credentials(server, monkeypatch)
    for act in (
        put,
        lambda bucket: S3Publication(bucket).checkpoint(),
        lambda bucket: S3Vault(bucket).get("a"),
    ):
        told = refusal(server.place("not-there"), act)
        assert isinstance(told, ConfigurationError)
        assert "there is no such bucket" in str(told)
        assert "url of [vault]" in told.remedy


def test_a_clock_that_is_off_is_named(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    """RequestTimeTooSkewed: whoever mends the clock needs nothing else."""
    monkeypatch.setattr(
        auth, "get_current_datetime", lambda: datetime.now(UTC).replace(tzinfo=None) + timedelta(hours=1)
    )
    told = refusal(bucket.place)
    assert isinstance(told, UnavailableError)
    assert "clock and the store's differ too much (RequestTimeTooSkewed" in str(told)
    assert "timedatectl" in told.remedy


def test_a_full_store_is_named(bucket: Bucket, server: S3Server) -> None:
    """A quota that is used up: what is kept is still read."""
    put(bucket)
    limits = ("--quota-scope=bucket", f"--bucket={bucket.place.bucket}")
    server.behind("radosgw-admin", "quota", "set", *limits, "--max-objects=1")
    server.behind("radosgw-admin", "quota", "enable", *limits)
    told = refusal(bucket.place, lambda bucket: S3Vault(bucket, "log").put([("other", b"x")], LATER))
    assert isinstance(told, UnavailableError)
    assert "the store is full" in str(told)
    assert "quota" in told.remedy
    assert S3Vault(bucket, "log").get(OBJECT) == b"tile"


def test_a_bucket_without_lock_cannot_be_written_to(
    server: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is put there that could be deleted."""
    use_credentials(server, monkeypatch)
    place = server.place(f"plain-{time.time_ns()}")
    made = Bucket(place)
    made.ask("create_bucket", "creating")
    made.close()
    told = refusal(place)
    assert isinstance(told, ConfigurationError)
    assert "cannot lock objects" in str(told)


class _Stub(BaseHTTPRequestHandler):
    """Answers everything with one error."""

    status, code = 500, ""

    def _answer(self) -> None:
        body = f"<Error><Code>{self.code}</Code><Message>as told</Message></Error>".encode()
        self.send_response(self.status)
        self.send_header("Content-Type", "application/xml")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_PUT = do_POST = do_HEAD = _answer  # noqa: N815 - names of http.server

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def serving(context: ssl.SSLContext | None = None) -> Iterator[str]:
    """Serve the stub; yield its URL."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Stub) as server:
        server.daemon_threads = True
        server.handle_error = lambda *_: None  # type: ignore[method-assign]  # a refused handshake is the point
        if context is not None:
            server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield f"http{'s' if context else ''}://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize(
    ("status", "code", "family", "said"),
    [
        (403, "AccessDenied", ConfigurationError, "refuses it to these credentials"),
        (400, "ExpiredToken", UnavailableError, "the credentials have expired"),
        (400, "AuthorizationHeaderMalformed", ConfigurationError, "in another region"),
        (507, "InsufficientStorage", UnavailableError, "the store is full"),
        (507, "XMinioStorageFull", UnavailableError, "the store is full"),
        (503, "SlowDown", UnavailableError, "could not do it now"),
        (500, "InternalError", UnavailableError, "could not do it now"),
        (400, "BadDigest", UnavailableError, "could not do it now"),
        (501, "NotImplemented", ConfigurationError, "does not know this request"),
        (400, "InvalidArgument", ConfigurationError, "the store refused it"),
    ],
)
def test_every_answer_has_a_meaning(
    monkeypatch: pytest.MonkeyPatch, status: int, code: str, family: type, said: str
) -> None:
    """And the store's own words stand behind it."""
    use_credentials(S3Server("stub", ""), monkeypatch)
    monkeypatch.setattr(_Stub, "status", status)
    monkeypatch.setattr(_Stub, "code", code)
    with serving() as url:
        told = refusal(S3Place("audit", endpoint=url, attempts=1))
    assert isinstance(told, family)
    assert said in str(told)
    assert f"({code}: as told)" in str(told)


def test_an_expired_certificate_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And an unknown authority; the setting that trusts one is named, and no way to switch the check off."""
    use_credentials(S3Server("stub", ""), monkeypatch)
    for age, said in ((timedelta(days=30), "expired"), (timedelta(0), "self-signed|self signed")):
        file = _certificate(tmp_path, datetime.now(UTC) - age)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        with serving(context) as url:
            trusted = str(file) if said == "expired" else None
            told = refusal(S3Place("audit", endpoint=url, attempts=1, ca_bundle=trusted))
        assert isinstance(told, UnavailableError)
        assert re.search(said, str(told))
        assert "ca_bundle of [vault]" in told.remedy


def test_an_outage_is_told_within_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody listens: UnavailableError within seconds, after the attempts that were set."""
    use_credentials(S3Server("stub", ""), monkeypatch)
    began = time.monotonic()
    told = refusal(S3Place("audit", endpoint="http://127.0.0.1:9", attempts=2))
    assert isinstance(told, UnavailableError)
    assert "does not answer (EndpointConnectionError)" in str(told)
    assert time.monotonic() - began < 10


def test_settings_that_cannot_work_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An endpoint that is no URL, a file of certificates that is not there."""
    use_credentials(S3Server("stub", ""), monkeypatch)
    for place, setting in (
        (S3Place("audit", endpoint="s3.example.com"), "endpoint of [vault]"),
        (S3Place("audit", ca_bundle=str(tmp_path / "absent.pem")), "ca_bundle of [vault]"),
    ):
        with pytest.raises(ConfigurationError) as refused:
            Bucket(place)
        assert setting in refused.value.remedy


def _certificate(folder: Path, until: datetime) -> Path:
    """Make a self-signed certificate of 127.0.0.1 that ended then, or a day after it was made if that is now."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    end = until if until < datetime.now(UTC) - timedelta(days=1) else until + timedelta(days=1)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(end - timedelta(days=30))
        .not_valid_after(end)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    file = folder / "server.pem"
    file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    return file
