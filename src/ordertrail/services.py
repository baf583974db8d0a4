"""What web, cli and programs are handed: a trail, with each room's service under its name."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass

from ordertrail.kernel.clock import Clock
from ordertrail.ledger.ports import EntryReader
from ordertrail.ledger.rotation import LogIdentity
from ordertrail.ledger.sequencer import Log, Sequencer, sequencing
from ordertrail.record.event import Event
from ordertrail.record.ports import Blobs
from ordertrail.record.recorder import Recorded, Recorder

DEFAULT_STREAM = "default"
