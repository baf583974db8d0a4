"""Problems as RFC 9457 has them, with a fixed list of types."""

from enum import StrEnum

from pydantic import ConfigDict, Field

from ordertrail.web.api.models.document import Document

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:ordertrail:problem:"


class ProblemKind(StrEnum):
    """What a problem is; ``type`` is this after :data:`TYPE_PREFIX`."""

    INPUT = "input"
    """A parameter, a filter or a body is wrong; ``errors`` names every place."""
    UNKNOWN = "unknown"
    """There is no such thing here, or none that you may see."""
    AMBIGUOUS = "ambiguous"
    """Several tenants have an order of that number: name one."""
    METHOD = "method"
    """The address does not take this method."""
    MEDIA = "media"
    """The body, or what is accepted, is of another type than the address has."""
    TOO_LARGE = "too-large"
    """The body is larger than is taken."""
    TOO_SLOW = "too-slow"
    """The body was not there in its time."""
    SCOPE = "scope"
    """What was asked is counted over all of a tenant, and you may see a part."""
    UNAUTHENTICATED = "unauthenticated"
    """Nobody is known by what was sent."""
    FORBIDDEN = "forbidden"
    """Who asks may not do this."""
    BUSY = "busy"
    """As many as can be served are being served, or somebody does just this; try again after ``Retry-After``."""
    UNAVAILABLE = "unavailable"
    """A store cannot be reached now; nothing is lost; try again after ``Retry-After``."""
    EVIDENCE = "evidence"
    """A check of evidence failed: this piece must not be relied upon."""
    CONFIGURATION = "configuration"
    """The trail is set up wrongly; its operator can help."""
    INTERNAL = "internal"
    """A fault of the service; it is in its log."""


class Fault(Document):
    """One thing that is wrong, and where: a place in the body, or a parameter."""

    detail: str
    pointer: str | None = Field(
        default=None, description="A JSON pointer into the body.", examples=["/0/actor/id"]
    )
    parameter: str | None = Field(default=None, description="The name of a parameter.", examples=["limit"])


class ProblemDocument(Document):
    """A refusal (RFC 9457): what happened, what it means for the evidence, and what to do."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "type": f"{TYPE_PREFIX}input",
                    "title": "Unprocessable Content",
                    "status": 422,
                    "detail": "terms.0: there is no field 'colour'",
                    "meaning": "Nothing was searched.",
                    "remedy": "Correct the terms named.",
                    "errors": [{"detail": "there is no field 'colour'", "parameter": "q"}],
                }
            ]
        }
    )

    type: str
    title: str
    status: int = Field(ge=400, le=599)
    detail: str
    meaning: str | None = Field(default=None, description="What it means for the evidence.")
    remedy: str | None = Field(default=None, description="What to do.")
    errors: tuple[Fault, ...] = ()
