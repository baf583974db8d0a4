"""What several documents share."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from ordertrail.kernel.clock import format_time

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EVENT_ID = "01a1f7b3-bded-7add-9e62-8356012664f6"
TIME = "2026-11-22T14:02:10.120000Z"
"""For examples."""

LARGEST_INTEGER = 2**53 - 1
"""The largest whole number that every JSON reader keeps exactly (I-JSON, RFC 7493)."""

Time = Annotated[str, Field(description="RFC 3339, UTC, six digits of fraction.", examples=[TIME])]
Count = Annotated[int, Field(ge=0)]
Digest = Annotated[str, Field(description="SHA-256, in hexadecimal.", pattern="^[0-9a-f]{64}$")]


class Document(BaseModel):
    """A part of what goes over the wire. Readers pass over fields that they do not know; there may be more one day."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Lag(Document):
    """How far the index was behind the log: sealed events that it had not, and the age of the oldest of them."""

    events: Count
    milliseconds: Count


def moment(microseconds: int) -> str:
    """Write microseconds since 1970 as a time."""
    return format_time(_EPOCH + timedelta(microseconds=microseconds))
