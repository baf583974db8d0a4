r"""A process model as a file: counts, in canonical JSON (RFC 8785). Nothing in it is code, and anybody can check it.

::

    {"version": 1, "fields": ["role"], "paths": [[["order.create", "order.approve"], 4711], …],
     "values": [[[["order.approve"], "approver", 4711], …]], "allowances": {"missing": 0, …}}

``paths`` are courses and how many cases took each; ``values`` are by field: contexts, a value, and how often it came.
The same cases make the same bytes. A file that is not what :func:`format_model` writes is refused.
"""

import json
from collections.abc import Mapping
from typing import Any

from ordertrail.kernel.canonical import canonical
from ordertrail.kernel.errors import EvidenceError
from ordertrail.monitor.behaviour.paths import Paths
from ordertrail.monitor.behaviour.process import ProcessModel
from ordertrail.monitor.behaviour.repairs import Kind
from ordertrail.monitor.behaviour.values import FieldCounts

VERSION = 1


def format_model(model: ProcessModel) -> bytes:
    """Return the bytes of a model's file."""
    return canonical(
        {
            "version": VERSION,
            "fields": list(model.fields),
            "paths": [[list(path), count] for path, count in sorted(model.paths.counts.items())],
            "values": [
                [[list(context), value, times] for (context, value), times in sorted(counts.counts.items())]
                for counts in model.counts
            ],
            "allowances": {kind.value: allowance for kind, allowance in model.allowances.items()},
        }
    )


def read_model(data: bytes) -> ProcessModel:
    """Read a model's file. Raises EvidenceError for what is none."""
    try:
        told = json.loads(data)
        if told["version"] != VERSION:
            raise _refused(f"its format is version {told['version']!r}; this release reads {VERSION}")
        model = ProcessModel(
            tuple(_text(name) for name in told["fields"]),
            Paths({tuple(map(_text, path)): _times(count) for path, count in told["paths"]}),
            tuple(_counts(rows) for rows in told["values"]),
            _allowances(told["allowances"]),
        )
        same = format_model(model) == data
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise _refused(str(error)) from None
    if not same or len(model.counts) != len(model.fields):
        raise _refused("it is not written as this release writes one")
    return model


def _counts(rows: Any) -> FieldCounts:
    counts = FieldCounts()
    for context, value, times in rows:
        counts.learn(tuple(map(_text, context)), _text(value), _times(times))
    return counts


def _allowances(told: Mapping[str, Any]) -> dict[Kind, float]:
    found = {Kind(kind): float(one) for kind, one in told.items()}
    if not all(0 <= one <= 1_000 for one in found.values()):
        raise ValueError("an allowance is out of bounds")
    return found


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value


def _times(value: Any) -> int:
    if type(value) is not int or value < 1:
        raise ValueError(f"{value!r} is no count")
    return value


def _refused(why: str) -> EvidenceError:
    return EvidenceError(
        f"the file of a behaviour model cannot be read: {why}",
        meaning="Nothing is scored by it.",
        remedy="Learn anew with 'ordertrail behaviour fit', and have the new model approved.",
    )
