"""An archive has one spelling, which every other program reads, and no other is accepted."""

import io
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ordertrail.evidence.archive import MAX_MEMBERS, format_archive, is_member_name, parse_archive
from ordertrail.kernel.errors import InputError

NAMES = st.from_regex(
    r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,8}(/[A-Za-z0-9_-][A-Za-z0-9._-]{0,8}){0,3}", fullmatch=True
)
MEMBERS = st.dictionaries(NAMES, st.binary(max_size=200), min_size=1, max_size=8)


@given(MEMBERS)
def test_it_is_read_back_by_us_and_by_others(members: dict[str, bytes]) -> None:
    """Python's zipfile sees the same members, stored, and finds no fault."""
    data = format_archive(members)
    assert parse_archive(data) == dict(sorted(members.items()))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        assert {info.filename: archive.read(info) for info in archive.infolist()} == members
        assert {info.compress_type for info in archive.infolist()} == {zipfile.ZIP_STORED}


@given(MEMBERS, st.data())
def test_no_byte_can_be_another(members: dict[str, bytes], data: st.DataObject) -> None:
    """Anywhere: what is read then is refused, or other members, whose hashes are the manifest's business."""
    whole = format_archive(members)
    at, bit = data.draw(st.integers(0, len(whole) - 1)), data.draw(st.integers(0, 7))
    altered = whole[:at] + bytes([whole[at] ^ (1 << bit)]) + whole[at + 1 :]
    with pytest.raises(InputError):
        parse_archive(altered)


@given(MEMBERS)
def test_what_other_programs_write_is_another_spelling(members: dict[str, bytes]) -> None:
    """Compressed, commented, with other times or in another order: refused."""
    for compression, comment in (
        (zipfile.ZIP_DEFLATED, b""),
        (zipfile.ZIP_STORED, b"x"),
        (zipfile.ZIP_STORED, b""),
    ):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", compression) as archive:
            for name in sorted(members, reverse=True):
                archive.writestr(name, members[name])
            archive.comment = comment
        with pytest.raises(InputError):
            parse_archive(out.getvalue())


@pytest.mark.parametrize(
    "name", ["", "/x", "../x", "a/../b", "a//b", ".x", "a/", "ä", "a\\b", "a\x00b", "a b", "x" * 161]
)
def test_names_that_lead_elsewhere_are_none(name: str) -> None:
    """Neither written nor read."""
    assert not is_member_name(name)
    with pytest.raises(InputError):
        format_archive({name: b""})


def test_there_is_an_end_to_members() -> None:
    """Beyond what the format can count nothing is written."""
    with pytest.raises(InputError, match="at most"):
        format_archive({str(number): b"" for number in range(MAX_MEMBERS + 1)})
