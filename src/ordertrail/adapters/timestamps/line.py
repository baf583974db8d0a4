"""Asking an authority over HTTP (RFC 3161 section 3.4), within a time and a size that nothing can exceed.

An HTTP library bounds each wait, not their sum, and no wait for a name's address; an authority that drips, or a
resolver that hangs, could hold the one who asks for hours. So the question is asked in a thread that is left
behind when the time is up. There is one such thread an authority at most: while it hangs, nobody asks again.
"""

import re
from threading import Lock, Thread
from time import monotonic
from typing import TYPE_CHECKING, Final

from ordertrail.adapters.timestamps.failures import NO_STAMP, require
from ordertrail.kernel.errors import OrderTrailError, UnavailableError

if TYPE_CHECKING:
    import httpx

#: Bytes of an answer at most: those of today's authorities have 1,000 to 8,000.
MAX_ANSWER: Final = 1 << 16

_QUERY: Final = "application/timestamp-query"
_REPLY: Final = "application/timestamp-reply"
# Not compressed: what is read is what was sent, and cannot grow.
_HEADERS: Final = {"Content-Type": _QUERY, "Accept": _REPLY, "Accept-Encoding": "identity"}


class Line:
    """The way to one authority; ``transport`` is httpx's, where it is not the network's."""

    def __init__(
        self, name: str, url: str, timeout_seconds: float, transport: "httpx.BaseTransport | None" = None
    ) -> None:
        self._name = name
        self._url = url
        # An address may hold a password, and an error may be read by anybody.
        self._shown = re.sub("//[^/]*@", "//", url)
        self._timeout = timeout_seconds
        self._transport = transport
        self._lock = Lock()
        self._busy: Thread | None = None

    def ask(self, query: bytes) -> bytes:
        """Return what the authority answers, within the time that was set; twice that where several ask.

        :raises UnavailableError: if it does not answer in time, or not as an authority does.
        """
        require("httpx")
        results: list[bytes | OrderTrailError] = []
        if not self._lock.acquire(timeout=self._timeout):
            raise self._unavailable("others are asking it")
        try:
            if self._busy is not None and self._busy.is_alive():
                raise self._unavailable("it still holds the last question")
            self._busy = Thread(
                target=self._run, args=(query, results), name=f"ask {self._name}", daemon=True
            )
            self._busy.start()
            self._busy.join(self._timeout)
        finally:
            self._lock.release()
        if not results:
            raise self._unavailable(f"it was silent for {self._timeout:g} s")
        if isinstance(results[0], OrderTrailError):
            raise results[0]
        return results[0]

    def _run(self, query: bytes, results: list[bytes | OrderTrailError]) -> None:
        import httpx  # noqa: PLC0415 - an extra: only who asks an authority needs it

        try:
            with (
                httpx.Client(
                    follow_redirects=False, timeout=self._timeout, transport=self._transport
                ) as client,
                client.stream("POST", self._url, content=query, headers=_HEADERS) as response,
            ):
                results.append(self._read(response))
        except OrderTrailError as error:
            results.append(error)
        except Exception as error:  # noqa: BLE001 - httpx's and the sockets'; in a thread, nobody else would tell it
            told = (str(error) or type(error).__name__).replace(self._url, self._shown)
            results.append(self._unavailable(told))

    def _read(self, response: "httpx.Response") -> bytes:
        if response.status_code != 200:
            raise self._unavailable(f"it answered {response.status_code} {response.reason_phrase}")
        kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if kind != _REPLY:
            raise self._unavailable(f"what answers sends {kind or 'something'!r}, not {_REPLY}")
        answer, until = bytearray(), monotonic() + self._timeout
        for part in response.iter_raw():
            answer += part
            if len(answer) > MAX_ANSWER:
                raise self._unavailable(f"its answer has more than {MAX_ANSWER:,} bytes")
            if monotonic() > until:
                raise self._unavailable(f"its answer takes more than {self._timeout:g} s")
        return bytes(answer)

    def _unavailable(self, told: str) -> UnavailableError:
        return UnavailableError(
            f"timestamps.{self._name}.url: the authority at {self._shown} did not stamp: {told}",
            meaning=NO_STAMP,
            remedy="It is asked again at the next anchor. If this lasts, check the address, the proxy and the network.",
        )
