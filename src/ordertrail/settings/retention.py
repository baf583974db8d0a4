"""Settings of how events are let go."""

from typing import Annotated

from pydantic import Field

from ordertrail.settings.section import Section


class RetentionSettings(Section):
    """How events are let go when their term is over."""

    four_eyes_from: Annotated[int, Field(ge=1)] = 1
    """Entries from which on a destruction needs the approval of somebody else than who asked."""
