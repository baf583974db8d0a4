"""Change documents of SAP: exports as SE16 and extractors write them, in the fields of the data dictionary.

The rows are made up here, after the documented layout: no public export of CDHDR and CDPOS was found.
"""

import gzip
from pathlib import Path
from typing import Any

import pytest
import zstandard

from eventlogs.history_shops import told
from eventlogs.small_logs import Translated, mapping_of
from ordertrail.kernel.errors import InputError
from ordertrail.record.parse import parse_event

HEADERS = """MANDANT,OBJECTCLAS,OBJECTID,CHANGENR,USERNAME,UDATE,UTIME,TCODE
100,VERKBELEG,0000019068,0000000101,MOKAFOR,20200326,081257,VA01
100,VERKBELEG,0000019068,0000000102,MOKAFOR,20200326,091500,VA02
100,EINKBELEG,4500000017,0000000103,WF-BATCH,20200327,000001,ME22N
"""
POSITIONS = """\
MANDANT,OBJECTCLAS,OBJECTID,CHANGENR,TABNAME,TABKEY,FNAME,CHNGIND,CUKY_OLD,CUKY_NEW,VALUE_NEW,VALUE_OLD
100,VERKBELEG,0000019068,0000000101,VBAK,1000000019068,KEY,I,,,,
100,VERKBELEG,0000019068,0000000102,VBAP,1000000019068000010,NETPR,U,EUR,EUR,       99.50 ,      129.00
100,VERKBELEG,0000019068,0000000102,VBAP,1000000019068000010,KWMENG,U,,,20,2
100,VERKBELEG,0000019068,0000000102,VBAP,1000000019068000020,KEY,D,,,,
100,EINKBELEG,4500000017,0000000103,EKPO,100450000001700010,LOEKZ,U,,,L,
100,EINKBELEG,4500000017,0000000103,EKPO,100450000001700020,NETPR,J,EUR,EUR,7.20-,
"""
MONEY = """
version = 1
log = "erp"
format = "history"
[time]
zone = "Europe/Berlin"
[tables."VB*"]
kind = "order_line"
tabkey = ["MANDT:3", "VBELN:10", "POSNR:6"]
id = ["{VBELN}/{POSNR}", "{VBELN}"]
order = "{VBELN}"
actions = { create = "order.create", update = "order.update", delete = "order.line.delete" }
fields = { NETPR = { action = "order.price.change", as = "money" } }
[tables."EK*"]
kind = "order"
id = "{OBJECTID}"
actions = { create = "order.create", update = "order.update", delete = "order.delete" }
fields = { NETPR = { as = "money" } }
"""


def documents(folder: Path, headers: str = HEADERS, positions: str = POSITIONS) -> Path:
    """Write a pair of exports into a directory: one packed with gzip, one with zstd and tabs."""
    (folder / "cdhdr_2020.csv.gz").write_bytes(gzip.compress(headers.encode()))
    tabs = positions.replace(",", "\t").encode()
    (folder / "items.txt.zst").write_bytes(zstandard.compress(tabs))
    return folder


def read(folder: Path, **texts: str) -> Translated:
    """Read a pair of exports through the mapping that ships."""
    return told(documents(folder, **texts))


def changes_of(event: dict[str, Any]) -> dict[str, Any]:
    """Return an event's changes by path."""
    return {
        change["path"]: {side: change[side] for side in change if side != "path"}
        for change in event["changes"]
    }


def test_the_positions_of_a_row_are_one_event(tmp_path: Path) -> None:
    """Who, when and by which transaction from the header; the fields side by side; oldest first."""
    found = read(tmp_path)
    assert found.sentences == []
    assert [(event["action"], event["subject"]["id"], event["time"]) for event in found.events] == [
        ("order.create", "0000019068", "2020-03-26T08:12:57.000000Z"),
        ("order.price.change", "0000019068/000010", "2020-03-26T09:15:00.000000Z"),
        ("order.line.delete", "0000019068/000020", "2020-03-26T09:15:00.000000Z"),
        ("order.line.delete", "4500000017/00010", "2020-03-27T00:00:01.000000Z"),
        ("order.line.add", "4500000017/00020", "2020-03-27T00:00:01.000000Z"),
    ]
    price = found.events[1]
    assert changes_of(price) == {
        "/NETPR": {"before": "129.00", "after": "99.50"},
        "/KWMENG": {"before": "2", "after": "20"},
    }
    assert price["actor"] == {"id": "MOKAFOR", "kind": "person"}
    assert found.events[3]["actor"] == {"id": "WF-BATCH", "kind": "system"}
    assert price["context"] == {"channel": "VA02", "source": "sap-change-documents", "tags": ["imported"]}
    assert price["links"][1] == {
        "system": "sap-change-documents",
        "kind": "CDHDR",
        "id": "100/VERKBELEG/0000019068/0000000102",
    }
    for record in found.records:
        assert parse_event(record.line).id


def test_every_position_is_in_an_event(tmp_path: Path) -> None:
    """The number of fields told is the number of positions that tell one."""
    found = read(tmp_path)
    fields = sum(len(event.get("changes", ())) for event in found.events)
    assert fields == sum(",KEY," not in line for line in POSITIONS.splitlines()[1:])


def test_money_is_read_where_the_mapping_says_so(tmp_path: Path) -> None:
    """In the position's own currency, padded or with its sign behind it; times in the zone that is named."""
    found = told(documents(tmp_path), mapping_of(MONEY))
    assert found.sentences == []
    price = next(event for event in found.events if event["action"] == "order.price.change")
    assert changes_of(price)["/NETPR"] == {
        "before": {"amount": 12900, "currency": "EUR"},
        "after": {"amount": 9950, "currency": "EUR"},
    }
    assert price["time"] == "2020-03-26T08:15:00.000000Z"
    assert changes_of(found.events[-1])["/NETPR"] == {"after": {"amount": -720, "currency": "EUR"}}


def test_amounts_that_sap_may_have_shifted_are_refused(tmp_path: Path) -> None:
    """A yen has no minor unit, and SAP keeps its amounts with two digits: nobody can tell 720 from 7.20."""
    found = told(
        documents(tmp_path, positions=POSITIONS.replace("EUR,EUR,7.20-", "JPY,JPY,7.20-")), mapping_of(MONEY)
    )
    (refused,) = found.sentences
    assert refused.endswith("NETPR.after: SAP may have shifted amounts of JPY; read them as text")


def test_positions_and_headers_without_each_other_are_named(tmp_path: Path) -> None:
    """A position without a header has no time, a header without positions says not what; the rest is told."""
    lines = HEADERS.splitlines(keepends=True)
    more = lines[3].replace("0000000103", "0000000999")
    found = read(tmp_path, headers="".join([*lines[:2], lines[3], more]))
    assert found.sentences == [
        f"CDPOS 100/VERKBELEG/0000019068/0000000102/VBAP/{key}/{kind}: time: CDHDR has no header "
        "100/VERKBELEG/0000019068/0000000102: nothing says who and when"
        for key, kind in (("1000000019068000010", "U"), ("1000000019068000020", "D"))
    ] + ["CDHDR 100/EINKBELEG/4500000017/0000000999: has no positions in CDPOS: what changed is not known"]
    assert len(found.records) == 3


def test_half_a_pair_is_not_read(tmp_path: Path) -> None:
    """Positions alone say neither who nor when; what is missing is named."""
    (tmp_path / "cdpos.csv").write_text(POSITIONS)
    (problem,) = told(tmp_path).sentences
    assert problem.startswith("the export: needs the rows of CDHDR, which say who and when; none is there")


@pytest.mark.parametrize("time", ["81257", "081257", "08:12:57"])
def test_a_time_that_a_spreadsheet_has_shortened_is_read(time: str, tmp_path: Path) -> None:
    """UTIME has six digits; a leading zero that is gone can only have been a zero."""
    found = read(tmp_path, headers=HEADERS.replace("081257", time))
    assert found.events[0]["time"] == "2020-03-26T08:12:57.000000Z"


def test_headings_in_lower_case_are_read(tmp_path: Path) -> None:
    """Extracts through a database name columns in small letters."""
    headers, positions = (
        text.partition("\n")[0].lower() + "\n" + text.partition("\n")[2] for text in (HEADERS, POSITIONS)
    )
    lower = read(tmp_path, headers=headers, positions=positions)
    assert [record.line for record in lower.records] == [record.line for record in read(tmp_path).records]


def test_a_row_with_too_many_cells_is_refused_alone(tmp_path: Path) -> None:
    """Its file and number are named; the others are told."""
    broken = POSITIONS.replace(",20,2\n", ",20,2,surplus\n")
    found = read(tmp_path, positions=broken)
    assert found.sentences == ["items.txt.zst row 3: has 13 cells, the header has 12 (line 4)"]
    assert len(found.records) == 5


def test_a_directory_without_a_history_is_refused(tmp_path: Path) -> None:
    """It is said what a directory must hold."""
    (tmp_path / "notes.txt").write_text("nothing of the kind\n")
    with pytest.raises(InputError, match="no export in it is one of a history"):
        told(tmp_path)
