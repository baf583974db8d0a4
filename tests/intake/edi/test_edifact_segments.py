"""EDIFACT segments: UNA, release characters, wrapped lines, versions of the syntax, and charsets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ordertrail.intake.edi.edifact import charset, edifact_segments
from ordertrail.intake.edi.segments import decoded
from ordertrail.intake.faults import Code, FaultyError


def read(text: str) -> list[tuple[str, dict[str, object]]]:
    """Return tags and elements."""
    return [(one.tag, dict(one.fields)) for one in edifact_segments(text)]


def test_an_element_is_always_an_object_of_its_components() -> None:
    """A place does not depend on how many components a partner fills."""
    assert read("UNH+1+ORDERS:D:96A:UN'BGM+220++9'") == [
        ("UNH", {"1": {"1": "1"}, "2": {"1": "ORDERS", "2": "D", "3": "96A", "4": "UN"}}),
        ("BGM", {"1": {"1": "220"}, "3": {"1": "9"}}),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "UNH+1'FTX+AAI+++it?'s 5?+5?:?? yes'",
        "UNA:+.? 'UNH+1'FTX+AAI+++it?'s 5?+5?:?? yes'",
        "\ufeffUNA:+.? '\r\nUNH+1'\r\n\tFTX+AAI+++it?'s 5?+5?:?? yes'\r\n",
        "UNH+\n1'FTX+AAI+++it?\n's 5?\r\n+5?:?? y\nes'",
        "UNA:+.! 'UNH+1'FTX+AAI+++it!'s 5!+5!:? yes'",
        "UNA=*.?;~UNH*1~FTX*AAI***it's 5+5:?? yes~",
        "UNA:+.  ~UNH+1~FTX+AAI+++it's 5~",
    ],
)
def test_released_characters_are_text(text: str) -> None:
    """Whatever the separators are, what is released is read as it stands."""
    found = read(text)[-1]
    assert found[0] == "FTX"
    assert found[1]["4"] in ({"1": "it's 5+5:? yes"}, {"1": "it's 5"})


def test_an_even_number_of_release_characters_releases_nothing() -> None:
    """Two of them are one character of text, behind which the element ends."""
    assert read("UNH+a??+b'")[0] == ("UNH", {"1": {"1": "a?"}, "2": {"1": "b"}})


def test_repetition_divides_from_version_4_on() -> None:
    """Before, the place of UNA was reserved, and an asterisk in a text is one."""
    old = read("UNA:+.?*'UNB+UNOA:3+A+B'FTX+a*b'")
    new = read("UNA:+.?*'UNB+UNOA:4+A+B'FTX+a*b'FTX+a?*b'")
    assert old[1] == ("FTX", {"1": {"1": "a*b"}})
    assert new[1] == ("FTX", {"1": [{"1": "a"}, {"1": "b"}]})
    assert new[2] == ("FTX", {"1": {"1": "a*b"}})


def test_a_decimal_comma_is_a_point_in_numbers_only() -> None:
    """The standard allows both; a comma in a name stays."""
    found = read("UNH+1'QTY+21:12,5'PRI+AAA:1,25:CT:AAE:1,5'IMD+F++:::1,5 l'QTY+21:1,2,3'")
    assert found[1][1] == {"1": {"1": "21", "2": "12.5"}}
    assert found[2][1] == {"1": {"1": "AAA", "2": "1.25", "3": "CT", "4": "AAE", "5": "1.5"}}
    assert found[3][1]["3"] == {"4": "1,5 l"}
    assert found[4][1] == {"1": {"1": "21", "2": "1,2,3"}}


def test_passwords_are_in_no_tree() -> None:
    """The recipient's reference (S005) and the application's password (0058)."""
    found = read("UNB+UNOA:3+A+B+260101:1200+7+SECRET:AA'UNG+ORDERS+A+B+260101:1200+1+UN+D:96A+SECRET'")
    assert all("SECRET" not in str(fields) for _, fields in found)
    assert found[0][1]["5"] == {"1": "7"}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("STX=ANA:1+X'", "TRADACOMS"),
        ("BGM+220+1'", "BGM"),
        ("", "begins with ''"),
        ("ISA*00*", "begins with 'ISA"),
        ('<?xml version="1.0"?>', "not EDIFACT"),
    ],
)
def test_what_is_no_edifact_says_what_it_begins_with(text: str, told: str) -> None:
    """The reason names what it looks like."""
    with pytest.raises(FaultyError, match=told) as caught:
        list(edifact_segments(text))
    assert caught.value.faults[0].code is Code.UNREADABLE


def test_separators_that_cannot_be_told_apart_are_a_problem() -> None:
    """Of a UNA whose element separator is its component separator nothing could be divided."""
    assert "cannot be told apart" in str(next(edifact_segments("UNA::.? 'UNH+1'")).problem)


@pytest.mark.parametrize(
    ("syntax", "encoding", "text"),
    [
        ("UNOC", "latin-1", "Käse"),
        ("UNOD", "iso8859-2", "łóżko"),
        ("UNOF", "iso8859-7", "τυρί"),
        ("UNOE", "iso8859-5", "сыр"),
    ],
)
def test_the_syntax_identifier_names_the_charset(syntax: str, encoding: str, text: str) -> None:
    """Bytes that are not UTF-8 are what UNB says that they are."""
    body = f"UNB+{syntax}:3+A+B'FTX+AAI+++{text}'".encode(encoding)
    assert decoded(body, charset(body)).endswith(f"{text}'")
    utf8 = f"UNB+{syntax}:3+A+B'FTX+AAI+++{text}'".encode()
    assert decoded(utf8, charset(utf8)).endswith(f"{text}'")


_TEXT = st.text(st.characters(blacklist_characters="\r\n\ufeff\x1a"), max_size=8)


@given(
    st.lists(st.lists(st.lists(_TEXT, min_size=1, max_size=3), max_size=4), max_size=4),
    st.sampled_from(["", "\n", "\r\n"]),
)
def test_what_was_written_is_read(segments: list[list[list[str]]], between: str) -> None:
    """Any text survives release and reading; components that say nothing are left out."""

    def released(text: str) -> str:
        return "".join(f"?{one}" if one in "?+:'" else one for one in text)

    text = "UNH+1'" + between
    expected: list[tuple[str, dict[str, object]]] = [("UNH", {"1": {"1": "1"}})]
    for elements in segments:
        text += "+".join(["ABC", *(":".join(map(released, parts)) for parts in elements)]) + "'" + between
        fields: dict[str, object] = {}
        for at, parts in enumerate(elements, start=1):
            told = {
                str(place): part for place, part in enumerate(parts, start=1) if part and not part.isspace()
            }
            if told:
                fields[str(at)] = told
        expected.append(("ABC", fields))
    assert read(text) == expected
