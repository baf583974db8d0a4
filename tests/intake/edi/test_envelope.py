"""Messages out of their envelopes: each is judged by its own trailer, envelopes tell what may be missing."""

from collections.abc import Iterator

import pytest

from ordertrail.intake.edi.edifact import edifact_segments
from ordertrail.intake.edi.envelope import EDIFACT, MOST_SEGMENTS, X12, Aside, Enclosed, Told, unfolded
from ordertrail.intake.edi.segments import Grammar, Segment, nested
from ordertrail.intake.edi.x12 import x12_segments

ISA = "ISA*00*          *00*          *ZZ*SENDER         *ZZ*RECEIVER       *260101*1200*U*00401*000000007*0*P*>~"


def x12(text: str) -> list[str]:
    """Return what an X12 file tells, in a line each."""
    return list(_told(unfolded(x12_segments(ISA + text), X12), X12))


def edifact(text: str) -> list[str]:
    """Return what an EDIFACT file tells, in a line each."""
    return list(_told(unfolded(edifact_segments(text), EDIFACT), EDIFACT))


def _told(parts: Iterator[Enclosed | Told | Aside], frame: object) -> Iterator[str]:
    for part in parts:
        match part:
            case Enclosed():
                faults = part.faults(X12 if frame is X12 else EDIFACT)
                yield " ".join([part.pointer, part.kind, *(f"[{fault}]" for fault in faults)])
            case Told():
                yield " ".join(["told", part.pointer, *(f"[{fault}]" for fault in part.faults)])
            case Aside():
                yield f"aside {part.pointer}"


def test_messages_stand_at_their_turn_in_group_and_interchange() -> None:
    """Pointers count interchanges, groups in them, messages in these."""
    group = "GS*PO*A*B*20260101*1200*{0}*X*004010~ST*850*1~SE*2*1~ST*850*2~SE*2*2~GE*2*{0}~"
    text = group.format(1) + group.format(2) + "IEA*2*7~" + ISA + group.format(1) + "IEA*1*7~"
    assert x12(text) == [
        "/ISA/0/GS/0/ST/0 850", "/ISA/0/GS/0/ST/1 850", "/ISA/0/GS/1/ST/0 850", "/ISA/0/GS/1/ST/1 850",
        "/ISA/1/GS/0/ST/0 850", "/ISA/1/GS/0/ST/1 850",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("trailer", "fault"),
    [
        ("SE*3*1~", "SE/1: SE counts 3, and there are 2"),
        ("SE*2*9~", "SE/2: ST has the control number 1, SE has 9"),
        ("SE*x*1~", "SE/1: SE counts 'x', which is no count"),
        (
            "SE~",
            "SE/1: SE counts '', which is no count] [/ISA/0/GS/0/ST/0/SE/2: ST has the control number 1, SE has none",
        ),
        ("", "SE: ST is never closed by SE: the end may be missing"),
    ],
)
def test_a_wrong_trailer_makes_its_message_faulty_with_both_numbers(trailer: str, fault: str) -> None:
    """The message may have lost lines, or gained those of another."""
    found = x12(f"GS*PO*A*B*20260101*1200*1*X*004010~ST*850*1~{trailer}GE*1*1~IEA*1*7~")
    assert found == [f"/ISA/0/GS/0/ST/0 850 [/ISA/0/GS/0/ST/0/{fault}]"]


def test_zeros_before_a_control_number_count_for_nothing() -> None:
    """ISA13 has nine digits, IEA02 of some partners fewer."""
    assert x12("GS*PO*A*B*20260101*1200*01*X*004010~ST*850*0001~SE*2*1~GE*1*1~IEA*1*07~") == [
        "/ISA/0/GS/0/ST/0 850"
    ]


@pytest.mark.parametrize(
    ("end", "told"),
    [
        ("GE*2*1~IEA*1*7~", "told /ISA/0/GS/0 [/ISA/0/GS/0/GE/1: GE counts 2, and there are 1]"),
        ("GE*1*2~IEA*1*7~", "told /ISA/0/GS/0 [/ISA/0/GS/0/GE/2: GS has the control number 1, GE has 2]"),
        ("GE*1*1~IEA*3*7~", "told /ISA/0 [/ISA/0/IEA/1: IEA counts 3, and there are 1]"),
        ("GE*1*1~", "told /ISA/0 [/ISA/0/IEA: ISA is never closed by IEA: the end may be missing]"),
    ],
)
def test_a_wrong_envelope_is_told_and_its_messages_are_whole(end: str, told: str) -> None:
    """The message is read; a message may be missing, and that is told beside it."""
    found = x12(f"GS*PO*A*B*20260101*1200*1*X*004010~ST*850*1~SE*2*1~{end}")
    assert found == ["/ISA/0/GS/0/ST/0 850", told]


def test_segments_outside_of_messages_are_told() -> None:
    """TA1 has its place there; what else stands there belongs to no message."""
    found = x12("TA1*1*260101*1200*A*000~BEG*00~IEA*0*7~SE*1*1~")
    assert found == [
        "aside /ISA/0/TA1/0",
        "told /ISA/0 [/ISA/0: BEG stands outside of any message]",
        "told  [SE stands outside of any message]",
    ]


def test_groups_of_edifact_may_be_left_out_and_messages_come_bare() -> None:
    """UNZ counts groups where there are some, else messages; without UNB nothing is asked of it."""
    assert edifact("UNB+UNOA:3+A+B+260101:1200+7'UNH+1+ORDERS'UNT+2+1'UNZ+1+7'") == ["/UNB/0/UNH/0 ORDERS"]
    assert edifact(
        "UNB+UNOA:3+A+B+260101:1200+7'UNG+O+A+B+260101:1200+5'UNH+1+ORDERS'UNT+2+1'UNE+1+5'UNZ+1+7'"
    ) == ["/UNB/0/UNG/0/UNH/0 ORDERS"]
    assert edifact("UNH+1+ORDERS'UNT+2+1'UNH+2+ORDCHG'UNT+2+2'") == ["/UNH/0 ORDERS", "/UNH/1 ORDCHG"]


def test_a_message_that_is_never_closed_does_not_swallow_the_next() -> None:
    """The second message is whole, the first is not."""
    found = edifact("UNB+UNOA:3+A+B+260101:1200+7'UNH+1+ORDERS'BGM+220+1'UNH+2+ORDERS'UNT+2+2'UNZ+2+7'")
    assert found == [
        "/UNB/0/UNH/0 ORDERS [/UNB/0/UNH/0/UNT: UNH is never closed by UNT: the end may be missing]",
        "/UNB/0/UNH/1 ORDERS",
    ]


def test_a_message_of_too_many_segments_is_counted_and_not_kept() -> None:
    """Memory is bounded; the fault says how many there were."""
    segments = [
        Segment("UNH", {"1": {"1": "1"}}),
        *[Segment("LIN")] * (MOST_SEGMENTS + 5),
        Segment("UNT", {}),
    ]
    part = next(unfolded(segments, EDIFACT))
    assert isinstance(part, Enclosed)
    assert (part.is_too_long, part.segments) == (True, ())
    assert any(f"{MOST_SEGMENTS + 7} segments are more than" in str(fault) for fault in part.faults(EDIFACT))


def test_segments_stand_beneath_what_they_belong_to() -> None:
    """A line holds all until the next line; a party its address; what nothing holds stands outermost."""
    grammar = Grammar({"N1": frozenset({"N3"})}, {"PO1": frozenset({"PO1", "CTT"})})
    tags = ["N1", "N3", "N1", "REF", "PO1", "REF", "N1", "N3", "PID", "PO1", "CTT", "AMT"]
    assert nested(map(Segment, tags), grammar) == {
        "N1": [{"N3": [{}]}, {}],
        "REF": [{}],
        "PO1": [{"REF": [{}], "N1": [{"N3": [{}]}], "PID": [{}]}, {}],
        "CTT": [{}],
        "AMT": [{}],
    }
