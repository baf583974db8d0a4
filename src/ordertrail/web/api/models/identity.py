"""A sealed personal value that is opened."""

from typing import Any

from pydantic import ConfigDict, Field

from ordertrail.web.api.models.document import EVENT_ID, Document


class RevealRequest(Document):
    """Which value of an event is to be opened, and why."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        json_schema_extra={"examples": [{"path": "/context/ip", "reason": "complaint 2026-118"}]},
    )

    path: str = Field(
        description="A JSON pointer into the event.",
        pattern=r"^/(context/(ip|user_agent)|changes/[0-9]{1,5}/(before|after)(/[^/]+){0,16})$",
        max_length=1_000,
    )
    reason: str = Field(description="Kept in the trail.", min_length=3, max_length=1_000, pattern=r"\S")


class RevealedDocument(Document):
    """The value, open."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"event": EVENT_ID, "path": "/context/ip", "value": "203.0.113.7"}]}
    )

    event: str
    path: str
    value: Any
