"""What became of events that were sent to be recorded."""

from pydantic import ConfigDict, Field

from ordertrail.web.api.models.document import EVENT_ID, Count, Document
from ordertrail.web.api.models.problem import Fault


class Receipt(Document):
    """What became of a batch; it is durable. ``recorded``, ``repeated`` and the refused add up to what was sent."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"recorded": 1, "repeated": 0, "source": "legacy-erp", "ids": [EVENT_ID], "refused": []}
            ]
        }
    )

    recorded: Count
    repeated: Count = Field(description="Known already, with the same content: nothing was added.")
    source: str = Field(description="The name under which they are recorded, as context.source of each.")
    ids: tuple[str | None, ...] = Field(
        description="Each event's id, in its place; null where it was refused."
    )
    refused: tuple[Fault, ...] = Field(description="What is wrong with those that were refused.")
