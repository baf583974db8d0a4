r"""Messages of syslog (RFC 5424), and how they are framed on a stream (RFC 6587 section 3.4.1, RFC 5425 section 4.3).

::

    <109>1 2026-11-22T14:02:10.120000Z trail.example ordertrail 4711 order.update [origin software="OrderTrail"
    swVersion="0.1.0"][meta sequenceId="43"] CEF:0|…

Facility 13 is *log audit*. On a stream each message has its length in octets before it, so that no content can end it
or begin another. The content is UTF-8 without a byte order mark (``MSG-ANY``): readers of CEF look for ``CEF:`` at its
beginning.
"""

import re
from dataclasses import dataclass
from typing import Final

_FACILITY: Final = 13
WARNING: Final = 4
NOTICE: Final = 5
_LARGEST_SEQUENCE: Final = 2_147_483_647
_NIL: Final = "-"
_UNPRINTABLE: Final = re.compile(r"[^\x21-\x7e]")
_ESCAPED: Final = re.compile(r'(["\\\]])')
_VALUE_ENDS: Final = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Machine:
    """Who sends, as a header names it."""

    host: str
    version: str
    process: int
    program: str = "ordertrail"


@dataclass(frozen=True, slots=True)
class About:
    """What a header says of one message: ``time`` is RFC 3339 in UTC, ``sequence`` any number."""

    severity: int
    time: str
    kind: str
    sequence: int


def message(machine: Machine, about: About, content: str) -> str:
    """Return one message. Its sequence is told within what the format holds."""
    header = " ".join(
        (
            f"<{_FACILITY * 8 + about.severity}>1",
            about.time,
            _word(machine.host, 255),
            _word(machine.program, 48),
            _word(str(machine.process), 128),
            _word(about.kind, 32),
        )
    )
    software = f'[origin software="OrderTrail" swVersion="{_value(machine.version)}"]'
    meta = f'[meta sequenceId="{about.sequence % _LARGEST_SEQUENCE + 1}"]'
    return f"{header} {software}{meta} {content}"


def frame(text: str) -> bytes:
    """Return a message with its length before it."""
    data = text.encode()
    return b"%d %s" % (len(data), data)


def _word(text: str, longest: int) -> str:
    """Return a text as a field of the header: printable ASCII without spaces, so long at most, never empty."""
    return _UNPRINTABLE.sub("_", text)[:longest] or _NIL


def _value(text: str) -> str:
    """Return a text as a parameter's value (RFC 5424 section 6.3.3)."""
    return _ESCAPED.sub(r"\\\1", _VALUE_ENDS.sub(" ", text))
