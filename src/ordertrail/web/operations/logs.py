"""Logs for machines: one JSON object a line on standard error, with no personal data.

::

    {"time": "2026-11-23T14:02:10.120000Z", "level": "info", "logger": "ordertrail.http", "message": "answered",
     "request": "01935f6e-…", "trace": "4bf92f35…", "method": "GET", "route": "/api/v1/events", "status": 200, …}

What a line may hold is listed, not what it may not: a message is a constant of the source, and facts stand in
``extra={"facts": {…}}``, which take numbers, and texts of a closed kind (:class:`Facts`). Of an error only its kind is
told, and where it happened, unless it is one of our own about a store or a setting; what came in is never repeated. The
libraries' own lines pass the same door, and addresses and e-mail addresses are taken out of every text: a second wall,
in case somebody formats a value into a message.
"""

import json
import logging
import re
import sys
import traceback
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Literal, TextIO

from ordertrail.kernel.clock import format_time
from ordertrail.kernel.errors import (
    ConfigurationError,
    EvidenceError,
    InputError,
    OrderTrailError,
    UnavailableError,
)

Facts = Mapping[str, str | int | float | bool | None]
"""What a line says beside its message: figures, names of parts, methods, templates of routes; no value of an event."""


@dataclass(frozen=True, slots=True)
class Correlation:
    """What leads from a line to a request: our id of it, and the id of its W3C trace."""

    request: str
    trace: str | None = None


correlation: ContextVar[Correlation | None] = ContextVar("correlation", default=None)
"""The request that is being answered, in its own task and the threads that it asks."""

_QUIET: Final = {
    "uvicorn.access": logging.CRITICAL,  # it has the address that called and the words that were searched for
    "ordertrail.relay": logging.ERROR,  # it names who went past the application; the trail has that on record
    "httpx": logging.WARNING,
    "urllib3": logging.WARNING,
    "opentelemetry": logging.WARNING,
}
_TELLING: Final = (UnavailableError, ConfigurationError, EvidenceError)
"""Errors whose words are ours, about stores, settings and entries' places."""

_LONGEST: Final = 1_000
_LOOKED_AT: Final = 8_000
"""Characters of a text that are looked at: what is cut off after that cannot begin what stays."""
_FRAMES: Final = 12
_EMAIL: Final = re.compile(r"[^\s@\"<>(),;:\[\]]{1,64}@[^\s@\"'<>(),;:/\[\]]{1,253}")
_IP4: Final = re.compile(r"(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?![\d.])")
_IP6: Final = re.compile(r"(?<![0-9A-Za-z:])(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f.]{0,15}(?![0-9A-Za-z:])")
_CREDENTIAL: Final = re.compile(r"(?i)\b(bearer|basic|password|secret|token)([ =:]+)\S+")


def without_personal(text: str) -> str:
    """Return a text without what may be somebody's: e-mail and IP addresses, and what follows the name of a secret."""
    text = _EMAIL.sub("[e-mail]", text[:_LOOKED_AT])
    text = _IP6.sub(_unless_time, _IP4.sub("[address]", text))
    return _CREDENTIAL.sub(r"\1\2[secret]", text)[:_LONGEST]


def _unless_time(found: re.Match[str]) -> str:
    """Take out what may be an address of IPv6; keep 14:02:10, which is none."""
    text = found[0]
    return text if re.fullmatch(r"\d\d:\d\d:\d\d(\.\d+)?", text) else "[address]"


class JsonLines(logging.Formatter):
    """Writes a record as one JSON object."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        return json.dumps(line_of(record), ensure_ascii=False)


class TextLines(logging.Formatter):
    """Writes a record for a person at a terminal."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        told = line_of(record)
        time, level, logger, message = (told.pop(name) for name in ("time", "level", "logger", "message"))
        facts = " ".join(f"{name}={value}" for name, value in told.items())
        return f"{time} {level:<7} {logger}: {message} {facts}".rstrip()


def line_of(record: logging.LogRecord) -> dict[str, Any]:
    """Return what a line says of a record."""
    line: dict[str, Any] = {
        "time": format_time(datetime.fromtimestamp(record.created, UTC)),
        "level": record.levelname.lower(),
        "logger": record.name,
        "message": without_personal(record.getMessage()),
        "process": record.process,
    }
    about = correlation.get()
    if about is not None:
        line["request"] = about.request
        if about.trace is not None:
            line["trace"] = about.trace
    facts: Facts = getattr(record, "facts", {})
    for name, value in facts.items():
        line.setdefault(name, without_personal(value) if isinstance(value, str) else value)
    if record.exc_info and record.exc_info[1] is not None:
        line.update(error_of(record.exc_info[1]))
    return line


def error_of(error: BaseException) -> dict[str, Any]:
    """Return what a line says of an error: its kind, where it happened, and our own words where there are some."""
    told: dict[str, Any] = {"error": type(error).__name__}
    if isinstance(error, OrderTrailError) and isinstance(error, _TELLING):
        told["happened"] = without_personal(error.message)
    elif isinstance(error, InputError):
        told["problems"] = len(error.problems)
    frames = traceback.extract_tb(error.__traceback__)[-_FRAMES:]
    told["at"] = [f"{_short(one.filename)}:{one.lineno} {one.name}" for one in frames]
    return told


def _short(path: str) -> str:
    """Return a source file's path from its package on: where something is installed is nobody's business."""
    for mark in ("/site-packages/", "/src/"):
        if mark in path:
            return path.rpartition(mark)[2]
    return path.rpartition("/")[2]


def configure_logs(
    level: str, form: Literal["json", "text"] = "json", stream: TextIO | None = None
) -> logging.Handler:
    """Send everything that is logged in this process through the one door; return its handler."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonLines() if form == "json" else TextLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name, least in _QUIET.items():
        logging.getLogger(name).setLevel(least)
    for name in ("uvicorn", "uvicorn.error"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
        logger.setLevel(logging.WARNING)
    return handler
