"""The reference of segments says what is in the files, and nothing that is not."""

import json
import re
from pathlib import Path

import pyarrow as pa
import pytest

from columnar.shelves import make, opened
from ordertrail.adapters.columnar.schema import FILES, File
from ordertrail.query.segments.manifest import MANIFEST, Block
from ordertrail.testing.conformance.index import SAMPLES

TEXT = (Path(__file__).parents[2] / "docs/reference/segments.md").read_text()
TYPES = {
    pa.string(): "text", pa.dictionary(pa.int32(), pa.string()): "text", pa.int64(): "int64", pa.int32(): "int32",
    pa.bool_(): "bool", pa.binary(32): "32 bytes", pa.timestamp("us", tz="UTC"): "timestamp",
    pa.decimal128(38, 0): "decimal(38, 0)",
}  # fmt: skip


def section(title: str) -> str:
    """Return what stands below a heading."""
    return TEXT.split(f"## {title}\n")[1].split("\n## ")[0]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_every_column_is_told_with_its_type(file: File) -> None:
    """In the file's own sequence, with what may be null, and what its rows are sorted by."""
    told = re.findall(r"^\| `(\w+)` \| (.+?) \| .+ \|$", section(file.name), re.MULTILINE)
    assert told == [(one.name, TYPES[one.type] + ("?" if one.nullable else "")) for one in file.schema]
    first = section(file.name).split("|")[0]
    assert (
        re.findall(r"`(\w+)`", first)[: len(file.sorted_by)] == list(file.sorted_by) or "As by day" in first
    )


def test_every_file_and_every_part_of_a_manifest_is_told(tmp_path: Path) -> None:
    """What is in a segment's folder stands in the reference, and so does each name in its manifest."""
    with opened(tmp_path / "segments") as (shelf, _):
        manifest = make(shelf, Block(5, 0), SAMPLES[:32])
        folder = shelf.folder(manifest)
    assert {path.name for path in folder.iterdir()} == {
        MANIFEST,
        *re.findall(r"\w+\.parquet", section("Folders")),
    }
    names = set(json.loads((folder / MANIFEST).read_bytes()))
    rows = re.findall(r"^\| (`.+?`) \|", section(MANIFEST), re.MULTILINE)
    assert {name for row in rows for name in re.findall(r"`(\w+)`", row)} == names
