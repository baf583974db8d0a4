"""X12 segments are read by the separators that their interchange names, however it was wrapped, cut or filled."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ordertrail.intake.edi.segments import LONGEST_SEGMENT, decoded
from ordertrail.intake.edi.x12 import x12_segments
from ordertrail.intake.faults import Code, FaultyError

ISA = "ISA*00*          *00*          *ZZ*SENDER         *ZZ*RECEIVER       *260101*1200*U*00401*000000007*0*P*>"


def read(text: str) -> list[tuple[str, dict[str, object]]]:
    """Return tags and elements, or the problem of what is none."""
    return [(one.tag, dict(one.fields)) if one.problem is None else ("?", {}) for one in x12_segments(text)]


def test_elements_are_numbered_and_empty_ones_left_out() -> None:
    """BEG04 that is empty is not there; the ones behind it keep their numbers."""
    assert read(f"{ISA}~BEG*00*SA*4711**20260101~")[1] == (
        "BEG",
        {"1": "00", "2": "SA", "3": "4711", "5": "20260101"},
    )


def test_passwords_of_the_header_are_in_no_tree() -> None:
    """ISA01 to ISA04 may be passwords."""
    header = read("ISA*01*LOGIN     *01*SECRET    *ZZ*A*ZZ*B*260101*1200*U*00401*1*0*P*>~")[0][1]
    assert header == {
        "5": "ZZ",
        "6": "A",
        "7": "ZZ",
        "8": "B",
        "9": "260101",
        "10": "1200",
        "11": "U",
        "12": "00401",
        "13": "1",
        "14": "0",
        "15": "P",
    }


@pytest.mark.parametrize(
    "text",
    [
        f"{ISA}~ST*850*1~N1*ST*A B~",
        f"\ufeff{ISA}~\r\nST*850*1~\r\nN1*ST*A B~\r\n",
        f"{ISA}\nST*850*1\nN1*ST*A B\n",
        f"{ISA}\r\nST*850*1\r\nN1*ST*A B",
        f"{ISA}\rST*850*1\rN1*ST*A B\r",
        f"{ISA}~\n  ST*850*1~\n\tN1*ST*A B~~\n\n",
        f"{ISA}…\nST*850*1…\nN1*ST*A B…",
        f"{ISA}\x1cST*850*1\x1cN1*ST*A B\x1c",
        f"{ISA}~ST*85\n0*1~N1*S\r\nT*A B~",
        f"{ISA[:-2]}*~ST*850*1~N1*ST*A B~",
        f"{ISA[:-1]}\nST*850*1\nN1*ST*A B\n",
        f"{ISA[:-2]}*~\nST*850*1~\nN1*ST*A B\n",
        f"{ISA[:30]}\n{ISA[30:]}~ST*850*1~N1*ST*A B~",
        f"{ISA.replace('00401', '401')}~ST*850*1~N1*ST*A B~",
        f"{ISA}~ST*850*1~N1*ST*A B>~",
        f"{ISA.replace('*', '|')}~ST|850|1~N1|ST|A B~",
        f"{ISA.replace('*', chr(0x1D))}!ST\x1d850\x1d1!N1\x1dST\x1dA B!",
    ],
)
def test_whatever_the_separators_and_line_ends_the_segments_are_the_same(text: str) -> None:
    """A mark at the beginning, wraps, indents, any terminator, ISA16 left out or left over."""
    assert read(text)[1:] == [("ST", {"1": "850", "2": "1"}), ("N1", {"1": "ST", "2": "A B"})]


def test_each_interchange_has_its_own_separators() -> None:
    """Two files that were put one behind the other are read as two."""
    second = ISA.replace("*", "|").replace(">", ":")
    found = read(f"{ISA}~ST*850*1~\n{second}'ST|855|2'")
    assert [tag for tag, _ in found] == ["ISA", "ST", "ISA", "ST"]
    assert found[3] == ("ST", {"1": "855", "2": "2"})


def test_only_composites_are_divided() -> None:
    """A component separator in free text is text; in REF04 it divides."""
    found = read(f"{ISA}~N3*5>6 High St~REF*CR*1**ZZ>2>YY>3~")
    assert found[1] == ("N3", {"1": "5>6 High St"})
    assert found[2] == ("REF", {"1": "CR", "2": "1", "4": {"1": "ZZ", "2": "2", "3": "YY", "4": "3"}})


@pytest.mark.parametrize(
    "text", ["", "   ", "UNB+UNOA:1'", "ISA", "ISAB", "GS*PO~", '{"id": 1}', "<?xml version"]
)
def test_what_does_not_begin_with_an_interchange_is_unreadable(text: str) -> None:
    """There is nothing that would say how it is divided."""
    with pytest.raises(FaultyError) as caught:
        list(x12_segments(text))
    assert caught.value.faults[0].code is Code.UNREADABLE


def test_a_header_that_is_cut_off_says_how_much_is_there() -> None:
    """The first makes the file unreadable; a later one is told where it stands."""
    with pytest.raises(FaultyError, match="cut off after 4 of its 16 elements"):
        list(x12_segments("ISA*00*  *00*  *ZZ"))
    assert read(f"{ISA}~IEA*0*7~ISA*00*")[-1] == ("?", {})


@pytest.mark.parametrize("raw", ["1A*x", "InvalidSegment*1", "n1*ST", "A*1", "*1", "ABCD*1", "N\x001*1"])
def test_what_is_no_tag_is_a_problem_and_no_segment(raw: str) -> None:
    """A tag could otherwise be taken for an element's number."""
    last = list(x12_segments(f"{ISA}~{raw}~"))[-1]
    assert (last.tag, last.fields) == ("", {})
    assert "no segment's tag" in str(last.problem)


def test_segments_beyond_all_bounds_are_problems() -> None:
    """A file without terminators is not taken into memory element by element."""
    long = list(x12_segments(f"{ISA}~N3*{'x' * LONGEST_SEGMENT}~"))[-1]
    many = list(x12_segments(f"{ISA}~N3{'*1' * 2000}~"))[-1]
    assert "longer than" in str(long.problem)
    assert "more than 1000 elements" in str(many.problem)


@given(
    st.lists(
        st.tuples(
            st.from_regex(r"[A-Z][A-Z0-9]{1,2}", fullmatch=True).filter(lambda tag: tag != "ISA"),
            st.lists(
                st.text(st.characters(blacklist_characters="*~>\r\n\ufeff\x1a"), max_size=8), max_size=6
            ),
        ),
        max_size=6,
    ),
    st.sampled_from(["~", "~\n", "~\r\n", "\n"]),
)
def test_what_was_written_is_read(segments: list[tuple[str, list[str]]], end: str) -> None:
    """Segments written by the standard are read as they are, but for elements that say nothing."""
    text = ISA + end + "".join("*".join([tag, *elements]) + end for tag, elements in segments)
    expected = [
        (tag, {str(at): one for at, one in enumerate(elements, start=1) if one and not one.isspace()})
        for tag, elements in segments
    ]
    found = [(tag, {at: str(one).strip() for at, one in fields.items()}) for tag, fields in read(text)[1:]]
    assert found == [(tag, {at: one.strip() for at, one in fields.items()}) for tag, fields in expected]


def test_the_encoding_is_what_the_bytes_are() -> None:
    """UTF-8 where it is valid, UTF-16 with its mark, else the named one, in which every byte is a character."""
    assert decoded("é".encode(), "latin-1") == "é"
    assert decoded("é".encode("latin-1"), "latin-1") == "é"
    assert decoded("é".encode("utf-16"), "latin-1") == "é"
    assert decoded(b"\xef\xbb\xbfISA", "latin-1") == "ISA"
