"""A time-stamp authority for tests: ``openssl ts -reply`` behind HTTP, with certificates made for the occasion.

It can be told to behave otherwise: to answer what a test has prepared, or nothing. What no honest tool makes
(another nonce, another time, a certificate that is not an authority's) is put together here and signed by
``openssl cms``. Where openssl is not installed a test is skipped with the reason, except in continuous
integration (``CI=true``), where it fails.
"""

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from shutil import which
from threading import Thread

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from ordertrail.adapters.timestamps.failures import require

POLICY = "1.2.3.4.1"
TIME_STAMPING = (ExtendedKeyUsageOID.TIME_STAMPING,)

_CONFIGURATION = """\
[authority]
serial = {folder}/serial
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256, sha384, sha512
accuracy = secs:1
ess_cert_id_alg = sha256
"""

_numbers = count(1)


@dataclass(frozen=True, slots=True)
class Answer:
    """What is sent back over HTTP."""

    body: bytes
    status: int = 200
    kind: str = "application/timestamp-reply"
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Holder:
    """A certificate and its private key, in memory and as files."""

    certificate: x509.Certificate
    key: EllipticCurvePrivateKey
    certificate_file: Path
    key_file: Path

    @property
    def pem(self) -> bytes:
        """The certificate."""
        return self.certificate.public_bytes(Encoding.PEM)


@dataclass(frozen=True, slots=True)
class Stamp:
    """What a stamp says (TSTInfo, RFC 3161 section 2.4.2)."""

    digest: bytes
    nonce: int
    time: datetime
    policy: str = POLICY
    status: int = 0

    def encode(self) -> bytes:
        """Write it in DER."""
        sha256 = _der(0x30, _oid("2.16.840.1.101.3.4.2.1"), b"\x05\x00")
        fraction = f".{self.time.microsecond:06}".rstrip("0") if self.time.microsecond else ""
        time = f"{self.time:%Y%m%d%H%M%S}{fraction}"
        return _der(
            0x30,
            _integer(1),
            _oid(self.policy),
            _der(0x30, sha256, _der(0x04, self.digest)),
            _integer(7),
            _der(0x18, f"{time}Z".encode()),
            _integer(self.nonce),
        )


@dataclass
class TestAuthority:
    """The authority; ``behave`` is what it does with a query."""

    __test__ = False

    folder: Path
    root: Holder
    signer: Holder
    url: str = ""
    queries: list[bytes] = field(default_factory=list)
    behave: Callable[[bytes], Answer] = field(init=False)

    def __post_init__(self) -> None:
        self.behave = self.honest

    @property
    def roots(self) -> bytes:
        """What a trail is told to trust."""
        return self.root.pem

    def honest(self, query: bytes) -> Answer:
        """Stamp, as openssl does."""
        return Answer(self.reply(query))

    def reply(self, query: bytes, signer: Holder | None = None) -> bytes:
        """Have openssl answer a query."""
        signer = signer or self.signer
        place = self.folder / f"query-{next(_numbers)}"
        place.write_bytes(query)
        command = [
            "openssl", "ts", "-reply", "-config", str(self.folder / "authority.cnf"), "-section", "authority",
            "-queryfile", str(place), "-signer", str(signer.certificate_file), "-inkey", str(signer.key_file),
            "-out", f"{place}.tsr",
        ]  # fmt: skip
        subprocess.run(command, check=True, capture_output=True)
        return Path(f"{place}.tsr").read_bytes()

    def read(self, query: bytes) -> Stamp:
        """Say what an honest stamp over a query would say."""
        told = require("rfc3161_client").decode_timestamp_response(self.reply(query)).tst_info
        return Stamp(told.message_imprint.message, told.nonce, told.gen_time)

    def forge(
        self, stamp: Stamp, signer: Holder | None = None, *, beside: Path | None = None, bare: bool = False
    ) -> bytes:
        """Sign whatever a stamp is to say, by whomever; with another certificate beside the signer's, or none."""
        signer = signer or self.signer
        place = self.folder / f"forged-{next(_numbers)}"
        place.write_bytes(stamp.encode())
        command = [
            "openssl", "cms", "-sign", "-binary", "-nodetach", "-md", "sha256", "-outform", "DER",
            "-econtent_type", "1.2.840.113549.1.9.16.1.4", "-in", str(place), "-out", f"{place}.tsr",
            "-signer", str(signer.certificate_file), "-inkey", str(signer.key_file),
        ]  # fmt: skip
        command += ["-certfile", str(beside)] if beside else []
        command += ["-nocerts"] if bare else []
        subprocess.run(command, check=True, capture_output=True)
        return _der(0x30, _der(0x30, _integer(stamp.status)), Path(f"{place}.tsr").read_bytes())

    def lie(
        self,
        query: bytes,
        *,
        signer: Holder | None = None,
        beside: Path | None = None,
        bare: bool = False,
        **said: object,
    ) -> Answer:
        """Answer with an honest stamp but for what is ``said``, signed as :meth:`forge` does."""
        stamp = replace(self.read(query), **said)  # type: ignore[arg-type]
        return Answer(self.forge(stamp, signer, beside=beside, bare=bare))

    def issue(
        self,
        name: str = "authority",
        *,
        by: Holder | None = None,
        purposes: tuple[x509.ObjectIdentifier, ...] = TIME_STAMPING,
        critical: bool = True,
        term: tuple[datetime, datetime] | None = None,
    ) -> Holder:
        """Have the root, or somebody else, certify a new key."""
        return make_holder(self.folder, name, by or self.root, purposes, critical=critical, term=term)


@contextmanager
def time_stamp_authority(folder: Path) -> Iterator[TestAuthority]:
    """Run an authority on a port of its own; its files lie in an empty directory."""
    if which("openssl") is None:
        reason = "openssl is not installed"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    (folder / "authority.cnf").write_text(_CONFIGURATION.format(folder=folder))
    (folder / "serial").write_text("01\n")
    root = make_holder(folder, "root", None, ())
    authority = TestAuthority(folder, root, make_holder(folder, "authority", root, TIME_STAMPING))
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, authority)) as server:
        authority.url = f"http://127.0.0.1:{server.server_address[1]}/"
        thread = Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield authority
        finally:
            server.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    """Hands queries to the authority."""

    def __init__(self, authority: TestAuthority, *arguments: object) -> None:
        self._authority = authority
        super().__init__(*arguments)  # type: ignore[arg-type]

    def do_POST(self) -> None:
        """Answer a query (RFC 3161 section 3.4)."""
        query = self.rfile.read(int(self.headers["Content-Length"]))
        assert self.headers["Content-Type"] == "application/timestamp-query"
        self._authority.queries.append(query)
        answer = self._authority.behave(query)
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.kind)
        self.send_header("Content-Length", str(len(answer.body)))
        for name, value in answer.headers:
            self.send_header(name, value)
        self.end_headers()
        try:
            self.wfile.write(answer.body)
        except OSError:
            self.close_connection = True  # whoever asked has gone

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def make_holder(  # noqa: PLR0913 - what a certificate says
    folder: Path,
    name: str,
    issuer: Holder | None,
    purposes: tuple[x509.ObjectIdentifier, ...],
    *,
    critical: bool = True,
    term: tuple[datetime, datetime] | None = None,
) -> Holder:
    """Make a key and certify it; without an issuer, by itself."""
    key = generate_private_key(SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"{name} {next(_numbers)}")])
    now = datetime.now(UTC)
    first, last = term or (now - timedelta(days=30 * 365), now + timedelta(days=3_650))
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(first)
        .not_valid_after(last)
        .add_extension(
            x509.BasicConstraints(ca=not purposes and issuer is None, path_length=None), critical=True
        )
    )
    if purposes:
        builder = builder.add_extension(x509.ExtendedKeyUsage(purposes), critical=critical)
    certificate = builder.sign(issuer.key if issuer else key, SHA256())
    stem = f"{name}-{next(_numbers)}"
    holder = Holder(certificate, key, folder / f"{stem}.pem", folder / f"{stem}.key")
    holder.certificate_file.write_bytes(holder.pem)
    holder.key_file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return holder


def _der(tag: int, *parts: bytes) -> bytes:
    """Write one DER value (X.690): tag, length, content."""
    content = b"".join(parts)
    if len(content) < 0x80:
        return bytes([tag, len(content)]) + content
    length = len(content).to_bytes((len(content).bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + content


def _integer(value: int) -> bytes:
    return _der(0x02, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def _oid(dotted: str) -> bytes:
    first, second, *rest = map(int, dotted.split("."))
    octets = bytearray([40 * first + second])
    for arc in rest:
        groups = [arc & 0x7F]
        while arc := arc >> 7:
            groups.append(0x80 | arc & 0x7F)
        octets += bytes(reversed(groups))
    return _der(0x06, bytes(octets))
