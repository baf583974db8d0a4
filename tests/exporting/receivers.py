"""Receivers that really listen: syslog over TCP and TLS, and HTTP."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BufferedIOBase
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass(slots=True)
class Syslog:
    """What a receiver of syslog got: messages of each connection, by their octet counts."""

    port: int = 0
    received: list[str] = field(default_factory=list)
    connections: int = 0
    cut_after: int | None = None
    """End the first connection, without reading on, once so many messages were read of it."""


@contextmanager
def syslog_receiver(tls: ssl.SSLContext | None = None) -> Iterator[Syslog]:
    """Listen on a free port."""
    got = Syslog()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        got.port = listening.getsockname()[1]
        threads: list[threading.Thread] = []

        def accept() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = listening.accept()
                    got.connections += 1
                    threads.append(
                        threading.Thread(target=_receive, args=(got, connection, tls), daemon=True)
                    )
                    threads[-1].start()

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield got
        listening.shutdown(socket.SHUT_RDWR)
    thread.join(5)
    for one in threads:
        one.join(5)


def _receive(got: Syslog, connection: socket.socket, tls: ssl.SSLContext | None) -> None:
    first = got.connections == 1
    with (
        suppress(OSError, ValueError),
        connection if tls is None else tls.wrap_socket(connection, server_side=True) as stream,
        stream.makefile("rb") as reading,
    ):
        count = 0
        while length := _length(reading):
            got.received.append(reading.read(length).decode())
            count += 1
            if first and count == got.cut_after:
                return  # data that is unread when a socket closes resets the connection
    connection.close()


def _length(reading: BufferedIOBase) -> int:
    """Read a message's length, and the space behind it; 0 at the end."""
    digits = b""
    while (digit := reading.read(1)) not in {b" ", b""}:
        digits += digit
    return int(digits or b"0")


@dataclass(slots=True)
class Posted:
    """What a receiver over HTTP got, and how it answers: the status and the headers for a body."""

    url: str = ""
    bodies: list[bytes] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    answer: Callable[[bytes], tuple[int, dict[str, str]]] = lambda _body: (204, {})


@contextmanager
def http_receiver() -> Iterator[Posted]:
    """Listen on a free port."""
    got = Posted()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status, headers = got.answer(body)
            if status < 300:
                got.bodies.append(body)
                got.headers.append({name.lower(): value for name, value in self.headers.items()})
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as the library calls it
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        got.url = f"http://127.0.0.1:{server.server_port}/events"
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield got
        server.shutdown()
        thread.join()


def certificate(folder: Path, name: str = "127.0.0.1") -> tuple[Path, Path]:
    """Make a certificate of its own authority for an address; return its file and its key's."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "receiver")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(name))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    files = folder / f"{name}.pem", folder / f"{name}.key"
    files[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    files[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return files
