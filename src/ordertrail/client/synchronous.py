"""The client for programs that wait."""

from collections.abc import Iterable, Iterator, Mapping
from types import TracebackType
from typing import Literal, Self
from urllib.parse import quote

import httpx
import stamina

from ordertrail.client import questions
from ordertrail.client.errors import error_of, is_later, read, unreachable
from ordertrail.client.proofs import Proven
from ordertrail.client.questions import Answered, Question
from ordertrail.client.sending import (
    ATTEMPTS,
    LINES,
    PATIENCE,
    PREFIX,
    ExportLines,
    LiveLines,
    Told,
    batches,
    check_address,
    together,
)
from ordertrail.kernel.errors import UnavailableError
from ordertrail.record.event import Event
from ordertrail.web.api.models.found import Found
from ordertrail.web.api.models.identity import RevealedDocument
from ordertrail.web.api.models.log import CheckDocument
from ordertrail.web.api.models.receipt import Receipt


class Client:
    """Asks a server of OrderTrail with one key. May be used by several threads.

    What may be repeated is repeated where the server cannot be reached, or says that it may be asked later: every
    question, and every batch of events, which is recorded once however often it arrives. ``attempts`` bounds that.
    """

    def __init__(self, base_url: str, key: str, *, timeout: float = 30.0, attempts: int = ATTEMPTS) -> None:
        """Raises ConfigurationError for an address to which the key would go in the clear."""
        self._attempts = attempts
        self._http = httpx.Client(
            base_url=check_address(base_url) + PREFIX,
            headers={"Authorization": f"Bearer {key}"},
            timeout=timeout,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the connections."""
        self._http.close()

    def ask(self, question: Question[Answered]) -> Answered:
        """Return the answer to a question. Raises RefusedError, UnavailableError or AnswerError."""
        return self._send("GET", question.path, question.answered, params=question.query())

    def search(self, q: str = "", *, zone: str = "UTC", limit: int = 200) -> Iterator[Found]:
        """Yield all events that a filter means, the newest first, page after page of ``limit``."""
        beyond: str | None = None
        while True:
            page = self.ask(questions.page(q, zone=zone, limit=limit, beyond=beyond))
            yield from page.events
            if page.older is None:
                return
            beyond = page.older

    def prove(self, event_id: str) -> Proven:
        """Return what proves an event; :meth:`Proven.check` checks it without the server."""
        return Proven(self.ask(questions.proof(event_id)))

    def record(
        self,
        events: Iterable[Event | Mapping[str, object]],
        *,
        stream: str = "default",
        mode: Literal["all", "each"] = "all",
    ) -> Receipt | None:
        """Record events in batches; each is durable, once, when the next one is sent. None where there were none.

        With ``all``, a batch in which something is wrong raises RefusedError, and those before it stay recorded.
        """
        told = {"stream": stream, "mode": mode}
        return together(
            self._send("POST", "events", Receipt, params=told, content=one.body, headers=one.headers())
            for one in batches(events)
        )

    def check(self, stream: str = "default") -> CheckDocument:
        """Begin a full check of a log; follow it by ``questions.check`` of its id."""
        return self._send("POST", "checks", CheckDocument, json={"stream": stream})

    def reveal(self, event_id: str, path: str, reason: str) -> RevealedDocument:
        """Open one sealed value of an event; the reason is kept in the trail. Sent again, it is recorded again."""
        body = {"path": path, "reason": reason}
        return self._send("POST", f"events/{quote(event_id)}/reveal", RevealedDocument, json=body)

    def export(
        self, q: str = "", *, zone: str = "UTC", most: int = 1_000_000, beyond: str | None = None
    ) -> Iterator[Found]:
        """Yield the events that a filter means, the oldest first, as they arrive.

        Raises UnavailableError where the export breaks off: what was yielded was not all.
        """
        asked = {"q": q, "zone": zone, "most": str(most)} | ({} if beyond is None else {"beyond": beyond})
        lines = ExportLines()
        try:
            with self._http.stream("GET", "export", params=asked, headers={"Accept": LINES}) as answer:
                if not answer.is_success:
                    answer.read()
                    raise error_of(answer)
                for line in answer.iter_lines():
                    found = lines.read(line)
                    if found is not None:
                        yield found
        except httpx.TransportError as error:
            raise unreachable(error, self._http.base_url.host) from None
        lines.require_end()

    def live(self, q: str = "", *, zone: str = "UTC") -> Iterator[Told]:
        """Yield what happens, as it happens, without end: where the stream breaks off it is taken up again."""
        lines = LiveLines()
        while True:
            for attempt in stamina.retry_context(on=UnavailableError, attempts=self._attempts):
                with attempt:
                    answer = self._open_live(q, zone, lines.last)
            try:
                for line in answer.iter_lines():
                    told = lines.read(line)
                    if told is not None:
                        yield told
            except httpx.TransportError:
                continue
            finally:
                answer.close()

    def _open_live(self, q: str, zone: str, last: str | None) -> httpx.Response:
        headers = {"Accept": "text/event-stream"} | ({} if last is None else {"Last-Event-ID": last})
        request = self._http.build_request("GET", "live", params={"q": q, "zone": zone}, headers=headers)
        try:
            answer = self._http.send(request, stream=True)
        except httpx.TransportError as error:
            raise unreachable(error, self._http.base_url.host) from None
        if not answer.is_success:
            answer.read()
            raise error_of(answer)
        return answer

    def _send(self, method: str, path: str, answered: type[Answered], **arguments: object) -> Answered:
        for attempt in stamina.retry_context(on=is_later, attempts=self._attempts, timeout=PATIENCE):
            with attempt:
                return read(self._once(method, path, arguments), answered)
        raise AssertionError  # the last attempt returns or raises

    def _once(self, method: str, path: str, arguments: dict[str, object]) -> httpx.Response:
        try:
            answer = self._http.request(method, path, **arguments)  # type: ignore[arg-type]
        except httpx.TransportError as error:
            raise unreachable(error, self._http.base_url.host) from None
        if not answer.is_success:
            raise error_of(answer)
        return answer
