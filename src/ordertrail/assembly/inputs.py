"""What events are read from: lines of JSON, and event logs through a mapping."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

from ordertrail.adapters.eventlogs.detect import open_event_log
from ordertrail.adapters.eventlogs.events import BrokenSourceError, SourceRecord
from ordertrail.adapters.eventlogs.mapping_file import builtin_mapping, builtin_mappings, load_mapping
from ordertrail.adapters.eventlogs.source import Progress
from ordertrail.adapters.eventlogs.source import Source as EventFile
from ordertrail.kernel.errors import Problem
from ordertrail.record.actions import Catalogue
from ordertrail.record.lines import split_lines
from ordertrail.record.recorder import Arriving

_CHUNK = 1 << 20


def read_lines(source: str, progress: Progress) -> Iterator[Arriving]:
    """Read JSON lines from a file, packed or not, or from standard input where ``source`` is ``-``."""
    if source == "-":
        yield from split_lines(iter(lambda: os.read(sys.stdin.fileno(), _CHUNK), b""))
        return
    broken: list[BrokenSourceError] = []

    def chunks() -> Iterator[bytes]:
        try:
            yield from EventFile(Path(source)).chunks(progress)
        except BrokenSourceError as error:
            broken.append(error)

    yield from split_lines(chunks())
    for error in broken:
        yield source, (Problem("", str(error)),)


def read_event_log(
    source: Path, mapping: str | None, actions: Catalogue, progress: Progress
) -> Iterator[Arriving]:
    """Read an event log through a mapping: a file, the name of one that ships, or found by content."""
    chosen = None
    if mapping is not None:
        chosen = (
            builtin_mapping(mapping)
            if mapping in builtin_mappings()
            else load_mapping(Path(mapping), actions)
        )
    for found in open_event_log(source, chosen, progress):
        if isinstance(found, SourceRecord):
            yield found.position, found.line
        else:
            yield found.position, tuple(found.problems)
