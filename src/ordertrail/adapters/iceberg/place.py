"""Where segments are shared: a warehouse, a catalogue of its tables, and the namespace that a log's tables are in.

A warehouse is a directory or ``s3://bucket/prefix``. In it, for the log ``default`` in the namespace ``ordertrail``::

    ordertrail_default/segments/<entries>-<digest>/   files of a segment, as in the trail, with manifest and tie
    ordertrail_default/<table>/metadata/              what Iceberg keeps of a table: metadata, snapshots, manifests

Credentials of S3 come from the standard AWS chain and from nowhere else. The catalogue is SQL, as pyiceberg and other
engines know it: a PostgreSQL database, or a SQLite file.
"""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pyarrow as pa
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.exceptions import CommitFailedException
from pyiceberg.io import load_file_io
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from ordertrail.kernel.errors import BusyError, OrderTrailError, UnavailableError

CATALOG: Final = "ordertrail"
"""The catalogue's name; of several in one database."""
_CHECKSUMS: Final = ("AWS_REQUEST_CHECKSUM_CALCULATION", "AWS_RESPONSE_CHECKSUM_VALIDATION")
"""Amazon's library sends uploads in chunks with a checksum after them; stores of others refuse that (411)."""
SEGMENTS: Final = "segments"
MEANING: Final = "What is shared is no evidence; the log and the trail's own segments are untouched."


# A file without rows has no statistics, and the library warns of each of its columns.
logging.getLogger("pyiceberg.io.pyarrow").setLevel(logging.ERROR)


@dataclass(frozen=True, slots=True)
class Warehouse:
    """Where tables and files are kept.

    ``location`` is an absolute directory, or a URL ``s3://bucket/prefix``; ``catalog`` a URL that SQLAlchemy knows,
    and ``password`` its user's, where it has one; ``endpoint`` the S3 store (None: Amazon's).
    """

    location: str
    catalog: str
    namespace: str
    password: str | None = None
    endpoint: str | None = None
    region: str | None = None

    @property
    def root(self) -> str:
        """The warehouse as a URL, without a slash at its end."""
        location = self.location.rstrip("/")
        return location if "://" in location else Path(location).as_uri()

    def namespace_of(self, stream: str) -> str:
        """Return the namespace of a log's tables. Streams have no underscores, so that no two share one."""
        return f"{self.namespace}_{stream.replace('-', '_')}"

    def segments_of(self, stream: str) -> str:
        """Return the folder of a log's segments, as a URL."""
        return f"{self.root}/{self.namespace_of(stream)}/{SEGMENTS}"

    @property
    def properties(self) -> dict[str, str]:
        """What pyiceberg is told of the storage."""
        told = {"s3.endpoint": self.endpoint, "s3.region": self.region}
        return {name: value for name, value in told.items() if value is not None}


class Opened:
    """A warehouse and its catalogue, open."""

    def __init__(self, warehouse: Warehouse) -> None:
        """Open it; a catalogue that is not there is made. Raises UnavailableError where it cannot be."""
        self.warehouse = warehouse
        if warehouse.endpoint is not None:
            for name in _CHECKSUMS:
                os.environ.setdefault(name, "when_required")
        url = make_url(warehouse.catalog)
        if url.drivername == "postgresql":
            url = url.set(drivername="postgresql+psycopg", password=warehouse.password)
        with translated(f"the catalogue {make_url(warehouse.catalog).render_as_string()}"):
            if url.database is not None and url.drivername == "sqlite":
                Path(url.database).parent.mkdir(parents=True, exist_ok=True)
            if "://" not in warehouse.location:
                Path(warehouse.location).mkdir(parents=True, exist_ok=True)
            self.catalog = SqlCatalog(
                CATALOG,
                uri=url.render_as_string(hide_password=False),
                warehouse=warehouse.root,
                **warehouse.properties,
            )
        self.io = load_file_io(warehouse.properties, warehouse.root)

    def close(self) -> None:
        """Close it."""
        self.catalog.close()


@contextmanager
def translated(what: str) -> Iterator[None]:
    """Turn errors of storage and catalogue into ours."""
    try:
        yield
    except OrderTrailError:
        raise
    except CommitFailedException:
        raise BusyError(
            f"{what} was changed by somebody else meanwhile",
            meaning=f"This change was not made. {MEANING}",
            remedy="Share again; what was done is not done twice.",
        ) from None
    except (OSError, pa.ArrowException, SQLAlchemyError) as error:
        said = str(error).partition("\n")[0]
        raise UnavailableError(
            f"{what} cannot be read or written: {said}",
            meaning=MEANING,
            remedy="See that storage and catalogue answer and let this program in, then share again.",
        ) from error
