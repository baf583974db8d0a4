"""What open orders are foreseen to run into."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from ordertrail.web.api.models.document import EVENT_ID, TIME, Document, Time

Probability = Annotated[float, Field(ge=0, le=1, description="In whole millionths.")]


class ReasonDocument(Document):
    """Why a forecast is as it is: a value of the order, and how much it weighs."""

    sentence: str
    weight: float = Field(description="What it adds to the log-odds of a breach.")
    events: tuple[str, ...] = Field(description="Ids of the events that made it so.")
    change: str = Field(description="What would have to be otherwise; empty where nothing can be.")


class RemedyDocument(Document):
    """An allowed action, and the probability after it: an association in past orders, not a proven effect."""

    action: str
    probability: Probability
    sentence: str


class RiskDocument(Document):
    """How probable a breach is within a span from the forecast's time on."""

    seconds: Annotated[int, Field(ge=0)]
    probability: Probability


class ForecastDocument(Document):
    """What is foreseen of an order by one target. An association of the past; a person decides."""

    order: str
    tenant: str | None
    target: str
    model: str = Field(
        description="The SHA-256 of the model's file; empty where its target's own rule speaks."
    )
    at: Time
    until: Time
    probability: Probability
    curve: tuple[RiskDocument, ...]
    verdict: Literal["breach", "clear", "unsure", "unlike"] = Field(
        description="What can be said at the level asked for; unsure and unlike abstain."
    )
    moved_by: str = Field(description="The id of the newest event that it rests on.")
    reasons: tuple[ReasonDocument, ...]
    remedies: tuple[RemedyDocument, ...]


class ForecastsDocument(Document):
    """Open orders at risk, the most probable breach first."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "forecasts": [
                        {
                            "order": "SO-1042",
                            "tenant": "main",
                            "target": "cancelled",
                            "model": "",
                            "at": TIME,
                            "until": TIME,
                            "probability": 0.64,
                            "curve": [{"seconds": 86400, "probability": 0.31}],
                            "verdict": "unsure",
                            "moved_by": EVENT_ID,
                            "reasons": [],
                            "remedies": [],
                        }
                    ]
                }
            ]
        }
    )

    forecasts: tuple[ForecastDocument, ...]
