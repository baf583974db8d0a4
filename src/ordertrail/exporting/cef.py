r"""Common Event Format, version 0 (ArcSight; also read by Microsoft Sentinel, QRadar, Splunk and others).

::

    CEF:0|OrderTrail|OrderTrail|0.1.0|order.price.change|changed the price of|7|rt=1763820130120 suser=clerk …

In the header a backslash and a pipe are escaped, and a line end becomes a space: nothing there may break a line. In the
extension a backslash, an equals sign and line ends are (``\n``, ``\r``). A value longer than its key may hold is cut,
and ends with ``…``: the id and the place in the log lead to the whole.

Source: ArcSight Common Event Format, implementation standard, version 26.
"""

import re
from collections.abc import Iterator
from typing import Final

from ordertrail.exporting.entry import Exported, Sender, address_of, agent_of
from ordertrail.query.projection import microseconds
from ordertrail.record.sentence import change_words, sentence

_SENSITIVE: Final = 7
_REFUSED: Final = 5
_USUAL: Final = 3
_SHOWN_CHANGES: Final = 20

_HEADER: Final = str.maketrans({"\\": "\\\\", "|": "\\|", "\n": " ", "\r": " "})
_EXTENSION: Final = str.maketrans({"\\": "\\\\", "=": "\\=", "\n": "\\n", "\r": "\\r"})
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x85\u2028\u2029]")
"""Characters that no key may hold, or that some reader takes for the end of a line."""

_LENGTHS: Final = {"msg": 1_023, "reason": 1_023, "request": 1_023, "requestClientApplication": 1_023}
_CUSTOM: Final = 4_000
_OTHER: Final = 1_023
_LONGEST_NAME: Final = 512


def cef(one: Exported, sender: Sender) -> str:
    """Return an entry as a line of CEF."""
    event = one.event
    header = (sender.version, event.action, sender.phrase(event), str(_severity(one, sender)))
    pairs = " ".join(
        f"{key}={escape_value(_cut(value, _length(key)))}" for key, value in _extension(one, sender) if value
    )
    fields = "|".join(escape_header(_cut(text, _LONGEST_NAME)) for text in header)
    return f"CEF:0|OrderTrail|OrderTrail|{fields}|{pairs}"


def escape_header(text: str) -> str:
    """Return a text as a field of the header."""
    return _CONTROL.sub(" ", text).translate(_HEADER)


def escape_value(text: str) -> str:
    """Return a text as a value of the extension."""
    return _CONTROL.sub(" ", text).translate(_EXTENSION)


def _severity(one: Exported, sender: Sender) -> int:
    """Return 0 to 10: what people are told of at once is high, what was refused is medium."""
    if sender.is_sensitive(one.event):
        return _SENSITIVE
    return _USUAL if one.event.outcome == "success" else _REFUSED


def _extension(one: Exported, sender: Sender) -> Iterator[tuple[str, str | None]]:
    """Yield keys and values, the standard's own keys first."""
    event, context, place = one.event, one.context, one.sealed.place
    yield "rt", str(microseconds(event.time) // 1_000)
    yield "externalId", event.id
    yield "act", event.action
    yield "outcome", event.outcome
    yield "suser", event.actor.id
    yield "spriv", ",".join(event.actor.roles)
    yield from _address(address_of(context))
    yield "requestClientApplication", agent_of(context)
    yield "deviceExternalId", sender.origin
    yield "deviceFacility", place.stream
    yield "reason", context.reason
    yield "msg", sentence(event, sender.actions)
    yield from _labelled("cs1", "order", event.subject.order)
    yield from _labelled("cs2", "subject", f"{event.subject.kind} {event.subject.id}")
    yield from _labelled("cs3", "tenant", event.subject.tenant)
    yield from _labelled("cs4", "channel", context.channel)
    yield from _labelled("cs5", "request", context.request)
    changes = "; ".join(map(change_words, event.changes[:_SHOWN_CHANGES]))
    more = len(event.changes) - _SHOWN_CHANGES
    yield from _labelled("cs6", "changes", f"{changes}; and {more} more" if more > 0 else changes)
    yield from _labelled("cn1", "logIndex", str(place.position))


def _address(address: str | None) -> Iterator[tuple[str, str | None]]:
    """Yield where something came from: ``src`` is of version 4, and the standard has a custom key for version 6."""
    if address is not None and ":" in address:
        yield from _labelled("c6a2", "Source IPv6 Address", address)
    else:
        yield "src", address


def _labelled(key: str, label: str, value: str | None) -> Iterator[tuple[str, str | None]]:
    if value:
        yield f"{key}Label", label
        yield key, value


def _length(key: str) -> int:
    return _CUSTOM if key.startswith("cs") and key[-1:].isdigit() else _LENGTHS.get(key, _OTHER)


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 1] + "…"
