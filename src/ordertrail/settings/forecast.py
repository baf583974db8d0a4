"""Settings of forecasts."""

from typing import Annotated

from pydantic import Field

from ordertrail.settings.section import Section


class ForecastSettings(Section):
    """Forecasts of open orders."""

    targets: str = "targets.toml"
    """A file of targets of the trail's own, from the trail's directory on; it need not be there."""
    without: list[str] = Field(default_factory=list)
    """Names of shipped targets that are not forecast."""
    alpha: Annotated[float, Field(gt=0, lt=1)] = 0.1
    """Of all orders of an outcome, the share whose forecast may have ruled that outcome out."""
    train_every: Annotated[int, Field(ge=0, le=3_650)] = 0
    """Days after which a service trains each target anew, in the background; 0 is never."""
    seed: Annotated[int, Field(ge=0, le=2**31 - 1)] = 7
    """The seed that models are trained with."""
