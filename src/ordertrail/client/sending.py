"""What client and server say to each other, without the network: batches, lines, streams of events. Pure."""

import ipaddress
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit
from uuid import uuid4

from pydantic import ValidationError

from ordertrail.client.errors import AnswerError
from ordertrail.kernel.errors import ConfigurationError, UnavailableError
from ordertrail.record.encoding import encode
from ordertrail.record.event import Event
from ordertrail.web.api.models.found import ExportEnd, Found
from ordertrail.web.api.models.live import Gap, LiveStatus
from ordertrail.web.api.models.receipt import Receipt

PREFIX = "/api/v1/"
BATCH_EVENTS = 1_000
BATCH_BYTES = 8 << 20
"""Of one request, at most, where events are sent."""
LINES = "application/x-ndjson"

ATTEMPTS = 5
PATIENCE = timedelta(seconds=60)
"""How often, and how long, a call that may be repeated is repeated."""

Told = LiveStatus | Found | Gap
"""What a live stream tells."""
_TOLD: Mapping[str, type[Told]] = {"status": LiveStatus, "found": Found, "gap": Gap}


def check_address(base_url: str) -> str:
    """Return a server's address. Raises ConfigurationError for one to which a key would be sent in the clear."""
    parts = urlsplit(base_url)
    if parts.scheme == "http" and not _is_here(parts.hostname or ""):
        raise ConfigurationError(
            f"{parts.hostname} would be sent the key in the clear",
            meaning="Nothing was sent.",
            remedy="Use https://.",
        )
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ConfigurationError(
            "the address of a server is such as https://trail.example.com", meaning="Nothing was sent."
        )
    return base_url.rstrip("/")


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@dataclass(frozen=True, slots=True)
class Batch:
    """Events that are sent together, as lines, under an idempotency key of their own: it may be sent again."""

    body: bytes
    key: str

    def headers(self) -> dict[str, str]:
        """Return what is sent beside the body."""
        return {"Content-Type": LINES, "Idempotency-Key": f'"{self.key}"'}


def batches(events: Iterable[Event | Mapping[str, object]]) -> Iterator[Batch]:
    """Yield events in batches of bounded number and size."""
    lines: list[bytes] = []
    size = 0
    for event in events:
        line = encode(event) if isinstance(event, Event) else json.dumps(event, ensure_ascii=False).encode()
        if lines and (len(lines) == BATCH_EVENTS or size + len(line) > BATCH_BYTES):
            yield _batch(lines)
            lines, size = [], 0
        lines.append(line)
        size += len(line) + 1
    if lines:
        yield _batch(lines)


def _batch(lines: list[bytes]) -> Batch:
    return Batch(b"\n".join(lines) + b"\n", str(uuid4()))


def together(receipts: Iterable[Receipt]) -> Receipt | None:
    """Return what became of several batches as of one; None of none."""
    whole: Receipt | None = None
    for one in receipts:
        whole = (
            one
            if whole is None
            else Receipt(
                recorded=whole.recorded + one.recorded,
                repeated=whole.repeated + one.repeated,
                source=one.source,
                ids=whole.ids + one.ids,
                refused=whole.refused + one.refused,
            )
        )
    return whole


@dataclass(slots=True)
class ExportLines:
    """Reads an export's lines; ``end`` is there once it has ended."""

    end: ExportEnd | None = None

    def read(self, line: str) -> Found | None:
        """Return the event of a line, None for the end. Raises UnavailableError where the server could not go on."""
        if line.startswith('{"end":'):
            self.end = ExportEnd.model_validate(json.loads(line)["end"])
            return None
        if line.startswith('{"problem":'):
            raise UnavailableError("the server could not go on with the export")
        try:
            return Found.model_validate_json(line)
        except ValidationError as error:
            raise AnswerError(f"a line of the export is no event: {error.error_count()} faults") from None

    def require_end(self) -> ExportEnd:
        """Return how it ended. Raises UnavailableError for an export that broke off."""
        if self.end is None:
            raise UnavailableError("the export broke off: it did not say that it had ended")
        return self.end


@dataclass(slots=True)
class LiveLines:
    """Reads server-sent events line by line; ``last`` is the place where the stream can be taken up again."""

    last: str | None = None
    name: str = ""
    data: str = ""

    def read(self, line: str) -> Told | None:
        """Return what a line completes, if it completes something that is known."""
        if line:
            field, _, value = line.partition(":")
            value = value.removeprefix(" ")
            match field:
                case "id":
                    self.last = value
                case "event":
                    self.name = value
                case "data":
                    self.data += value
            return None
        name, data, self.name, self.data = self.name, self.data, "", ""
        kind = _TOLD.get(name)
        return None if kind is None or not data else kind.model_validate_json(data)
