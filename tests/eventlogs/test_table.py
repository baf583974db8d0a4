"""CSV logs: every row becomes a record or a problem, and one bad row spoils no other."""

import csv
import io
from pathlib import Path

import pytest

from eventlogs.small_logs import CSV_MAPPING, mapping_of, translate
from ordertrail.adapters.eventlogs.source import Limits

MAPPING = mapping_of(CSV_MAPPING)
HEADER = "order,what,when,who,price\n"
GOOD = "o1,Placed,2026-11-22T14:02:10Z,anna,\n"


def test_a_row_becomes_the_event_that_the_mapping_says(tmp_path: Path) -> None:
    """Action, time, actor, subject, changes and source stand where the event's specification has them."""
    (event,) = translate(
        (HEADER + "o1,Priced,2026-11-22T15:02+01:00,anna,12.34\n").encode(), MAPPING, tmp_path
    ).events
    assert event["action"] == "order.price.change"
    assert event["time"] == "2026-11-22T14:02:00.000000Z"
    assert event["actor"] == {"id": "anna", "kind": "person"}
    assert event["subject"] == {"kind": "order", "id": "o1", "order": "o1"}
    assert event["changes"] == [
        {"path": "/activity", "after": "Priced"},
        {"path": "/price", "after": {"amount": 1234, "currency": "EUR"}},
    ]
    assert event["context"] == {"source": "shop"}


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        ("o1,Placed,,anna,", "row 2: time: is missing (when)"),
        ("o1,Placed,2026-11-22 14:02:10,anna,", "has no zone, and the mapping names none (time.zone)"),
        ("o1,Placed,22.11.2026,anna,", "time: '22.11.2026' is not an ISO 8601 date and time"),
        ("o1,Placed,2026-02-30T10:00:00Z,anna,", "is not a time that exists"),
        ("o1,Vanished,2026-11-22T14:02:10Z,anna,", "activity: 'Vanished' has no action in the mapping"),
        ("o1,,2026-11-22T14:02:10Z,anna,", "activity: is missing"),
        (",Placed,2026-11-22T14:02:10Z,anna,", "case: is missing: the event belongs to no case"),
        ("o1,Priced,2026-11-22T14:02:10Z,anna,12.3x", "changes.0.after: '12.3x' is not a number"),
        ("o1,Priced,2026-11-22T14:02:10Z,anna,NaN", "changes.0.after: 'NaN' is not a number"),
        ("o1,Priced,2026-11-22T14:02:10Z,anna,12.345", "more than the 2 digits after the point that EUR has"),
        ("o1,Priced,2026-11-22T14:02:10Z,anna,99999999999999999", "is beyond 2**53 - 1"),
        ("o1,Placed", "has 2 cells, the header has 5 (line 3)"),
        ("o1,Placed,2026-11-22T14:02:10Z,anna,,extra", "has 6 cells, the header has 5 (line 3)"),
        ('o1,Pla"ced"x,2026-11-22T14:02:10Z,"anna"x,', "is not CSV: ',' expected after '\"' (line 3)"),
    ],
)
def test_one_bad_row_is_one_problem_between_two_records(row: str, sentence: str, tmp_path: Path) -> None:
    """The problem says where and what, keeps the row, and the rows around it are translated."""
    result = translate(f"{HEADER}{GOOD}{row}\n{GOOD}".encode(), MAPPING, tmp_path)
    assert [record.position for record in result.records] == ["row 1", "row 3"]
    (problem,) = result.problems
    assert sentence in str(problem)
    assert problem.position == "row 2"
    assert problem.original


def test_all_problems_of_a_row_are_named(tmp_path: Path) -> None:
    """A row with a wrong time and a wrong amount gets both."""
    result = translate(f"{HEADER}o1,Priced,soon,anna,much\n".encode(), MAPPING, tmp_path)
    assert [problem.path for problem in result.problems[0].problems] == ["time", "changes.0.after"]


def test_bytes_that_are_not_utf8_spoil_their_row_alone(tmp_path: Path) -> None:
    """The problem names the column and the byte; nothing is replaced silently."""
    result = translate(
        HEADER.encode() + b"o1,Placed,2026-11-22T14:02:10Z,ann\xe9,\n" + GOOD.encode(), MAPPING, tmp_path
    )
    assert len(result.records) == 1
    assert result.sentences == ["row 1: who: is not UTF-8: byte 0xe9 after 3 characters"]


def test_another_encoding_is_read_where_the_mapping_names_it(tmp_path: Path) -> None:
    """The same bytes are text in windows-1252."""
    mapping = mapping_of(CSV_MAPPING, ("[time]", '[csv]\nencoding = "windows-1252"\n\n[time]'))
    result = translate(HEADER.encode() + b"o1,Placed,2026-11-22T14:02:10Z,ann\xe9,\n", mapping, tmp_path)
    assert result.events[0]["actor"]["id"] == "anné"


@pytest.mark.parametrize(
    ("header", "sentence"),
    [
        ("order,what,when,who,price,what\n", "the header names columns twice: 'what'"),
        ("order,what,who\n", "the header lacks columns that the mapping needs: price, when"),
    ],
)
def test_a_header_that_cannot_be_meant_ends_the_reading(header: str, sentence: str, tmp_path: Path) -> None:
    """With doubled or missing columns no row could be understood."""
    result = translate((header + GOOD).encode(), MAPPING, tmp_path)
    assert result.records == []
    assert sentence in result.sentences[0]


def test_an_unclosed_quote_is_reported_with_all_that_it_swallowed(tmp_path: Path) -> None:
    """The rows behind an open quote are in the problem's original, not gone."""
    result = translate(f'{HEADER}{GOOD}o2,"Placed\n{GOOD}{GOOD}'.encode(), MAPPING, tmp_path)
    assert len(result.records) == 1
    (problem,) = result.problems
    assert "(lines 3 to 5)" in str(problem)
    assert problem.original.count(b"o1,Placed") == 2


def test_quoted_cells_may_hold_line_ends_and_delimiters(tmp_path: Path) -> None:
    """RFC 4180 quoting is understood, with either line end and a byte order mark."""
    row = 'o1,Placed,2026-11-22T14:02:10Z,"anna, or\r\n""bo""",\r\n'
    content = b"\xef\xbb\xbf" + (HEADER.strip() + "\r\n" + row + GOOD).encode()
    result = translate(content, MAPPING, tmp_path)
    assert result.problems == []
    assert result.events[0]["actor"]["id"] == 'anna, or\r\n"bo"'


def test_an_endless_line_ends_the_reading(tmp_path: Path) -> None:
    """A line beyond the limit is refused before it fills the memory."""
    content = (HEADER + GOOD + "o2," + "x" * 200_000).encode()
    result = translate(content, MAPPING, tmp_path, limits=Limits(element=65_536))
    assert len(result.records) == 1
    assert "line 3: the line is longer than 65536 bytes" in result.sentences[0]


def test_columns_that_no_rule_uses_are_kept(tmp_path: Path) -> None:
    """A column that the mapping does not look at becomes a change under /source."""
    result = translate(
        b"order,what,when,who,price,a/b\no1,Placed,2026-11-22T14:02Z,x,,seen\n", MAPPING, tmp_path
    )
    assert {"path": "/source/a~1b", "after": "seen"} in result.events[0]["changes"]


def test_every_row_is_counted_for_its_id_also_a_bad_one(tmp_path: Path) -> None:
    """Correcting one row changes no other row's id."""
    spoilt = translate((HEADER + "o1,Placed,soon,anna,\n" + GOOD).encode(), MAPPING, tmp_path)
    whole = translate((HEADER + GOOD + GOOD).encode(), MAPPING, tmp_path)
    assert spoilt.events[0]["id"] == whole.events[1]["id"]
    assert whole.events[0]["id"] != whole.events[1]["id"]


def test_rows_of_a_case_may_stand_apart(tmp_path: Path) -> None:
    """Identical rows of a case get different ids wherever they stand."""
    content = HEADER + GOOD + GOOD.replace("o1", "o2") + GOOD
    assert len({event["id"] for event in translate(content.encode(), MAPPING, tmp_path).events}) == 3


def test_many_pieces_read_like_one(tmp_path: Path) -> None:
    """Rows that straddle the pieces in which a file is read are whole."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    for number in range(5_000):
        writer.writerow([f"o{number}", "Placed", "2026-11-22T14:02:10Z", "é" * (number % 50), ""])
    result = translate((HEADER + text.getvalue()).encode(), MAPPING, tmp_path)
    assert result.problems == []
    assert [event["subject"]["id"] for event in result.events] == [f"o{number}" for number in range(5_000)]


def test_conditions_name_the_activity_where_there_is_no_column_for_it(tmp_path: Path) -> None:
    """The first condition that holds names it; otherwise the last word does."""
    conditions = 'otherwise = "Priced"\nwhen = [{ field = "price", empty = true, activity = "Placed" }]'
    mapping = mapping_of(CSV_MAPPING, ('[activity]\nfield = "what"', f"[activity]\n{conditions}"))
    rows = "o1,,2026-11-22T14:02:10Z,anna,\no1,,2026-11-22T14:02:10Z,anna,5\n"
    events = translate((HEADER + rows).encode(), mapping, tmp_path).events
    assert [event["action"] for event in events] == ["order.create", "order.price.change"]
