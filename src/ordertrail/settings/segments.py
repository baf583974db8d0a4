"""Settings of the sealed columnar segments."""

from typing import Annotated

from pydantic import Field

from ordertrail.settings.section import Section


class SegmentSettings(Section):
    """Where segments are kept, how large they are, and what asking them may use. They are no evidence."""

    folder: str = "segments"
    """The folder that they are in, beside the settings or by an absolute path."""
    height: Annotated[int, Field(ge=4, le=20)] = 16
    """Two to this power is how many entries a small segment has; the index alone has what is in none yet."""
    joined_height: Annotated[int, Field(ge=4, le=24)] = 20
    """Two to this power is how many entries a large segment has, which small ones are joined to."""
    threads: Annotated[int, Field(ge=1, le=256)] = 2
    """Threads of a question over segments."""
    memory: Annotated[int, Field(ge=128)] = 1_024
    """Megabytes that questions over segments may use together; more is put aside into temporary files."""
    seconds: Annotated[int, Field(ge=1, le=3_600)] = 60
    """Seconds after which a question over segments is given up."""
