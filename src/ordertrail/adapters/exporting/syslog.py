"""Syslog receivers: over TLS (RFC 5425) and TCP with octet counting (RFC 6587), and over UDP (RFC 5426).

TCP says that bytes were handed to the kernel, not that they arrived, and syslog has no answer. So a batch counts as
sent once the other side's system has acknowledged every byte of it (``SIOCOUTQ`` is 0, tcp(7)). Its program may still
end before it has read them: where the other side ends a connection, what was acknowledged over it in the last
:data:`_UNREAD_SECONDS` is sent again over the new one, before anything else. UDP has nothing of the kind: what is lost
is lost.
"""

import fcntl
import select
import socket
import ssl
import struct
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from ordertrail.exporting.syslog import frame
from ordertrail.kernel.errors import UnavailableError

_OUTSTANDING: Final = 0x5411
"""SIOCOUTQ: bytes that were sent and not acknowledged (tcp(7))."""
_NAP: Final = 0.002
_UNREAD_SECONDS: Final = 60.0
_UNREAD_BYTES: Final = 8 << 20
"""More than a system holds for a program that does not read (tcp_rmem, 6 MiB as a rule)."""


class SyslogStream:
    """Implements :class:`ordertrail.exporting.ports.Destination` over one connection, made when it is needed."""

    def __init__(self, host: str, port: int, timeout: float, tls: ssl.SSLContext | None = None) -> None:
        """``timeout`` is the seconds that connecting, and sending a batch, may take."""
        self._host = host
        self._port = port
        self._timeout = timeout
        self._tls = tls
        self._socket: socket.socket | None = None
        self._unread: deque[tuple[float, bytes]] = deque()
        """What the other side's system has acknowledged, and when; its program may not have read it yet."""

    def send(self, messages: Sequence[str]) -> None:
        """See the port."""
        try:
            connected, again = self._connected()
            data = again + b"".join(map(frame, messages))
            connected.settimeout(self._timeout)
            connected.sendall(data)
            self._await_acknowledged(connected)
        except (OSError, ssl.SSLError) as error:
            self._drop()
            raise UnavailableError(
                f"syslog at {self._host} port {self._port} does not take events: {_told(error)}",
                meaning="Nothing is lost: what was not acknowledged is sent again.",
                remedy="Look at the receiver, its certificate, and what stands between.",
            ) from error
        if again:
            self._unread.clear()
        self._remember(data)

    def close(self) -> None:
        """See the port."""
        self._drop()

    def _drop(self) -> None:
        if self._socket is not None:
            with suppress(OSError):
                self._socket.close()
            self._socket = None

    def _connected(self) -> tuple[socket.socket, bytes]:
        """Return the connection, and what is to be sent again over it: one that the other side ended is made anew."""
        again = b""
        if self._socket is not None and _is_ended(self._socket):
            self._drop()
        if self._socket is None:
            again = b"".join(data for at, data in self._unread if time.monotonic() - at < _UNREAD_SECONDS)
            plain = socket.create_connection((self._host, self._port), self._timeout)
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            try:
                self._socket = (
                    plain if self._tls is None else self._tls.wrap_socket(plain, server_hostname=self._host)
                )
            except BaseException:
                plain.close()
                raise
        return self._socket, again

    def _remember(self, data: bytes) -> None:
        """Remember what was acknowledged, as much of it as a system may hold for its program."""
        self._unread.append((time.monotonic(), data))
        while len(self._unread) > 1 and sum(len(one) for _, one in self._unread) > _UNREAD_BYTES:
            self._unread.popleft()

    def _await_acknowledged(self, connected: socket.socket) -> None:
        end = time.monotonic() + self._timeout
        while _outstanding(connected):
            if time.monotonic() > end:
                raise TimeoutError("it did not acknowledge in time")
            if _is_ended(connected):
                raise ConnectionResetError("it ended the connection")
            time.sleep(_NAP)


class SyslogDatagrams:
    """Implements :class:`ordertrail.exporting.ports.Destination` over UDP: a message a datagram, and no promise."""

    def __init__(self, host: str, port: int) -> None:
        self._host = host
        self._port = port

    def send(self, messages: Sequence[str]) -> None:
        """See the port. Raises UnavailableError for a message that no datagram holds."""
        try:
            family, kind, protocol, _, address = socket.getaddrinfo(
                self._host, self._port, type=socket.SOCK_DGRAM
            )[0]
            with socket.socket(family, kind, protocol) as sending:
                for text in messages:
                    sending.sendto(text.encode(), address)  # EMSGSIZE where no datagram holds it
        except OSError as error:
            raise UnavailableError(
                f"syslog at {self._host} port {self._port} cannot be sent to: {_told(error)}",
                meaning="Nothing is lost: it is sent again.",
            ) from error

    def close(self) -> None:
        """See the port."""


def _outstanding(connected: socket.socket) -> int:
    data: bytes = fcntl.ioctl(connected.fileno(), _OUTSTANDING, bytes(4))
    (size,) = struct.unpack("i", data)
    return int(size)


def _is_ended(connected: socket.socket) -> bool:
    """Say whether the other side has ended a connection. A receiver of syslog says nothing, so what it says is that."""
    if not select.select([connected], [], [], 0)[0]:
        return False
    try:
        connected.settimeout(0)
        return connected.recv(1) == b""
    except (BlockingIOError, ssl.SSLWantReadError):
        return False
    except OSError:
        return True
    finally:
        with suppress(OSError):
            connected.settimeout(None)


def _told(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate: {error.verify_message}"
    return str(getattr(error, "strerror", None) or error or type(error).__name__)
