"""Prints what DuckDB's own Iceberg extension reads: ``duckdb_reader.py '{"<table>": "<metadata>", …}'``."""

import json
import sys
from pathlib import Path
from types import ModuleType

import duckdb
import duckdb_extension_avro  # type: ignore[import-not-found]
import duckdb_extension_iceberg  # type: ignore[import-not-found]
from sums import columns  # type: ignore[import-not-found]


def extension(package: ModuleType) -> Path:
    """Return the extension that a package carries."""
    return next(Path(str(package.__file__)).parent.glob("extensions/*/*.duckdb_extension"))


connection = duckdb.connect(config={"autoinstall_known_extensions": False})
for one in (duckdb_extension_avro, duckdb_extension_iceberg):
    connection.execute(f"LOAD '{extension(one)}'")
json.dump(
    {
        table: connection.execute(f"SELECT {columns(table)} FROM iceberg_scan('{place}')").fetchone()
        for table, place in json.loads(sys.argv[1]).items()
    },
    sys.stdout,
)
