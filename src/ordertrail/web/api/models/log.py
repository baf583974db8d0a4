"""The log itself: where it stands, its checkpoints and keys, proofs, and full checks."""

from enum import StrEnum

from pydantic import ConfigDict, Field

from ordertrail.web.api.models.document import EVENT_ID, TIME, Count, Digest, Document, Lag, Time

ORIGIN = "shop.example/log"
NOTE = f"{ORIGIN}\n42\nsFodV/vSp5O8n9a8QpW6PRY97tfOSW5bsc2Xl/EQi08=\n\n— {ORIGIN} hI2DJw…\n"
"""For examples."""


class SeenDocument(Document):
    """Who else has seen the log: up to which size, and when by their clock; null where never."""

    name: str
    size: Count | None
    time: Time | None


class StreamDocument(Document):
    """Where a log stands."""

    stream: str
    origin: str
    size: Count = Field(description="Sealed entries.")
    published: Count = Field(description="Entries that the newest published checkpoint commits to.")
    waiting: Count = Field(description="Recorded events that are not sealed yet.")
    last_recorded: Time | None
    root: Digest
    key: str = Field(description="The verifier key in force (C2SP signed-note).")
    keys: Count
    keep_days: Count
    kept_by: str
    immutable: bool
    timestamps: tuple[SeenDocument, ...]
    witnesses: tuple[SeenDocument, ...]
    quorum: bool | None = Field(description="Whether enough witnesses cosigned; null where none are asked.")


class StatusDocument(Document):
    """Where each log of the trail stands, and how far the index is behind."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "time": TIME,
                    "lag": {"events": 0, "milliseconds": 0},
                    "streams": [
                        {
                            "stream": "default",
                            "origin": ORIGIN,
                            "size": 42,
                            "published": 42,
                            "waiting": 0,
                            "last_recorded": TIME,
                            "root": "5b" * 32,
                            "key": f"{ORIGIN}+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8",
                            "keys": 1,
                            "keep_days": 2557,
                            "kept_by": "file",
                            "immutable": True,
                            "timestamps": [],
                            "witnesses": [],
                            "quorum": None,
                        }
                    ],
                }
            ]
        }
    )

    time: Time
    lag: Lag
    streams: tuple[StreamDocument, ...]


class KeyDocument(Document):
    """A verifier key, in force for checkpoints of ``first`` entries and more."""

    first: Count
    vkey: str
    statement: str = Field(
        description="The signed note by which the key before named this one; empty for the first."
    )


class KeysDocument(Document):
    """The keys of a log, the oldest first."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "stream": "default",
                    "origin": ORIGIN,
                    "keys": [
                        {
                            "first": 0,
                            "vkey": f"{ORIGIN}+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8",
                            "statement": "",
                        }
                    ],
                }
            ]
        }
    )

    stream: str
    origin: str
    keys: tuple[KeyDocument, ...]


class CheckpointDocument(Document):
    """A signed checkpoint; none of its signatures was checked for this answer."""

    size: Count
    root: Digest
    note: str = Field(description="The signed note (C2SP tlog-checkpoint), as it is kept.")


class CheckpointPage(Document):
    """Checkpoints that were published, the newest first."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "stream": "default",
                    "origin": ORIGIN,
                    "checkpoints": [{"size": 42, "root": "5b" * 32, "note": NOTE}],
                    "before": None,
                }
            ]
        }
    )

    stream: str
    origin: str
    checkpoints: tuple[CheckpointDocument, ...]
    before: Count | None = Field(description="Older ones are before this size; null where there are none.")


class ConsistencyDocument(Document):
    """Shows that the log of one size is the beginning of the log of another (RFC 6962 section 2.1.2)."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "stream": "default",
                    "old": 41,
                    "new": 42,
                    "hashes": ["sFodV/vSp5O8n9a8QpW6PRY97tfOSW5bsc2Xl/EQi08="],
                }
            ]
        }
    )

    stream: str
    old: Count
    new: Count
    hashes: tuple[str, ...] = Field(description="Base64.")


class ProofDocument(Document):
    """An entry and what proves it, offline, to whoever trusts the log's key."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": EVENT_ID,
                    "stream": "default",
                    "origin": ORIGIN,
                    "index": 41,
                    "size": 42,
                    "hashes": ["sFodV/vSp5O8n9a8QpW6PRY97tfOSW5bsc2Xl/EQi08="],
                    "checkpoint": NOTE,
                    "entry": '{"event":{…},"ledger":{…}}',
                    "proof": f"c2sp.org/tlog-proof@v1\nindex 41\n…\n\n{NOTE}",
                    "keys": [f"{ORIGIN}+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"],
                }
            ]
        }
    )

    id: str
    stream: str
    origin: str
    index: Count
    size: Count = Field(description="Entries that the checkpoint commits to.")
    hashes: tuple[str, ...] = Field(description="The inclusion proof, base64, from the leaf's sibling up.")
    checkpoint: str = Field(description="The signed note.")
    entry: str = Field(description="The entry as it is hashed; UTF-8.")
    proof: str = Field(description="The same as a C2SP tlog-proof file.")
    keys: tuple[str, ...] = Field(
        description="The log's keys. Believe them only if you have them from elsewhere too."
    )


class CheckState(StrEnum):
    """How far a full check is."""

    RUNNING = "running"
    INTACT = "intact"
    BROKEN = "broken"
    FAILED = "failed"
    """It could not be carried through; nothing is known."""


class CheckRequest(Document):
    """Which log is to be checked in full."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", json_schema_extra={"examples": [{"stream": "default"}]}
    )

    stream: str = Field(default="default", min_length=1, max_length=63)


class FindingDocument(Document):
    """One thing that is wrong: at which numbered step, where, and what it is."""

    step: int = Field(ge=1, le=6)
    label: str
    where: str
    message: str
    index: Count | None
    order: str | None


class CheckDocument(Document):
    """A full check of a log: how far it is, and what it found."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "01a1f7b3-bded-7add-9e62-8356012664f7",
                    "stream": "default",
                    "state": "intact",
                    "begun": TIME,
                    "ended": TIME,
                    "done": 42,
                    "total": 42,
                    "verdict": "All 42 events, recorded from … to …, are intact.",
                    "findings": [],
                    "more_findings": 0,
                }
            ]
        }
    )

    id: str
    stream: str
    state: CheckState
    begun: Time
    ended: Time | None
    done: Count = Field(description="Entries that were looked at.")
    total: Count
    verdict: str | None
    findings: tuple[FindingDocument, ...]
    more_findings: Count
