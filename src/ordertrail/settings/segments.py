"""Settings of the sealed columnar segments."""

from typing import Annotated

from pydantic import AfterValidator, Field

from ordertrail.settings.section import Section, with_scheme, without_password


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
    warehouse: str | None = None
    """Where segments are shared as Iceberg tables: a directory, or ``s3://bucket/prefix``; without it, they are not."""
    catalog: Annotated[str, with_scheme("postgresql"), AfterValidator(without_password)] | None = None
    """A PostgreSQL database that is the tables' catalogue; without it, ``iceberg.db`` in the directory."""
    catalog_password_file: str | None = None
    """A file that holds its role's password; without it, ORDERTRAIL_CATALOG_PASSWORD."""
    namespace: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")] = "ordertrail"
    """What the names of the tables' namespaces begin with; a log's own name follows."""
    endpoint: str | None = None
    """The S3 endpoint of the warehouse; without it, Amazon's."""
    region: str | None = None
    """The region of the warehouse's bucket."""
