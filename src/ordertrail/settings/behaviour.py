"""Settings of behaviour scores."""

from typing import Annotated

from pydantic import Field

from ordertrail.settings.section import Section


class BehaviourSettings(Section):
    """Scores of how unusual orders, channels and, where this says so, people behave."""

    people: bool = False
    """Whether what people do is scored. It is personal data, and monitoring of staff: ask your lawyers first."""
    basis: str | None = None
    """Where ``people``: the agreement or assessment that allows it, as told in the model's card."""
    quiet_days: Annotated[int, Field(ge=0, le=366)] = 14
    """Days without an event after which an order is taken to be over; only those are learned from and scored."""
    refit_days: Annotated[int, Field(ge=1, le=366)] = 7
    """Days after which ``ordertrail behaviour fit --due``, and the service where it scores, learn anew."""
    score_every: Annotated[int, Field(ge=0, le=8_784)] = 0
    """Hours between two scorings by the service, which raises alerts of what is unusual; 0 leaves that to a timer."""
    order: Annotated[float, Field(ge=-50, le=50)] = -2.0
    """How unusual an order must be: the natural logarithm of the odds that it deviates, which are cautious."""
    person: Annotated[float, Field(ge=0, le=100)] = 10.0
    """How unusual a person's day must be: the sum of -log10 of how rare its aspects are."""
    channel: Annotated[float, Field(ge=0, le=100)] = 9.5
    """How unusual an hour of a channel must be: the sum of -log10 of how rare it is in five ways."""
