"""Blobs named by entries: each must be there, of the length told, and hash to its name."""

import hashlib
import json
import re
from collections.abc import Iterator
from typing import Any

from ordertrail.ledger.verify.report import Counts, Finding, Step
from ordertrail.ledger.verify.source import Source
from ordertrail.ledger.verify.windows import Window

_MARK = b'"blob":{'
_NAME = re.compile(r"[0-9a-f]{64}", re.ASCII)


def blob_findings(source: Source, window: Window, counts: Counts, start: int) -> Iterator[Finding]:
    """Check every blob that the window's entries name."""
    if _MARK not in b"".join(window.entries):
        return  # one search over all entries: most name none
    for index, entry in enumerate(window.entries, window.start):
        if _MARK in entry and index >= start:
            for name, length in blob_references(_read(entry)):
                counts.blobs += 1
                where = f"blob {name} of entry {index}"
                if problem := _problem(source, name, length):
                    yield Finding(Step.CONTENT, where, problem, index)
                    continue
                # A blob is kept from before its event was recorded; the log's beginning is the latest sure time.
                for kept in source.blob_custody.problems(name, source.log.created):
                    yield Finding(Step.CUSTODY, where, kept, index)


def _read(entry: bytes) -> Any:
    try:
        return json.loads(entry)
    except (ValueError, RecursionError):
        return None  # it was altered; the row is named as what is no entry


def blob_references(value: Any) -> Iterator[tuple[Any, Any]]:
    """Yield what stands for name and length of every blob that a JSON value refers to."""
    if isinstance(value, dict):
        blob = value.get("blob")
        if len(value) == 1 and isinstance(blob, dict) and blob.keys() == {"sha256", "length"}:
            yield blob["sha256"], blob["length"]
        else:
            for member in value.values():
                yield from blob_references(member)
    elif isinstance(value, list):
        for item in value:
            yield from blob_references(item)


def _problem(source: Source, name: Any, length: Any) -> str | None:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        return "is no name of a blob"
    data = source.blobs.get(name)
    if data is None:
        return "is missing"
    if len(data) != length:
        return f"has {len(data)} bytes, not {length}"
    if hashlib.sha256(data).hexdigest() != name:
        return "does not hash to its name"
    return None
