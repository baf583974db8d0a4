"""What logs and witnesses say to each other is read strictly, and written as it was read."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ordertrail.kernel.errors import InputError
from ordertrail.ledger.add_checkpoint import (
    MAX_MESSAGE_SIZE,
    SIGNATURES,
    format_add_checkpoint,
    format_cosignatures,
    format_size,
    parse_add_checkpoint,
    parse_cosignatures,
    parse_size,
)
from ordertrail.ledger.subtree import MAX_SIZE
from shared_data import shared_json
from witness.growing import GrowingLog

LOG = GrowingLog.of(70)
GOOD = LOG.request(33, 70)
#: The example of the specification, "add-checkpoint".
EXAMPLE = """old 20852014
PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=
jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=
5+pKlUdi2LeF/BcMHBn+Ku6yhPGNCswZZD1X/6QgPd8=
/6WVhPs2CwSsb5rYBH5cjHV/wSmA79abXAwhXw3Kj/0=

example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

\u2014 example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo\
+zyWE+xeMcTOAYQ8=
\u2014 example.com/behind-the-sofa opLqBQsREYCgu6xQkYQwJr9fo45a62DN9EdmHXnZdXNqlcVGlCum2Wks+49/V6267UEjw6QUXTS\
5Rovnzv++qbSzm9Q=
"""
#: Its example of an answer.
ANSWER = """\u2014 witness.example/w1 CMp+6LWBU0anHGH5aNDTJkH/gj79sG+T6+iP2ThYN5krrDJbR1HDnucjL39QsZTSvVjyQLrdk3DXDqI\
5G2HgLatVs0pWh6Up69HVOw==
\u2014 witness.example/w1 I7rEps0pvK2UqkS2gSpVUDhrhVtQV9lgF6pRrWAvjJHjyWpW7VcE3SiOlVlbQNt64vWhO+DlkL0+UfzuOBMh9Ch\
dMkP1vi/lCAsmlw==
\u2014 witness.example/w2 AWui8Sk55XjYLOijihBjhqEH6nS1ndDymE0a+6idX7pLcnoB+dhnz0854aLZgrrKbYKA7nC3HNJhm/kWl7oJlqU\
3rXXvpysAdyP3wQ==
"""


def reads(body: bytes) -> bool:
    """Whether a body is a request; one that is, is written as it was read."""
    try:
        request = parse_add_checkpoint(body)
    except InputError:
        return False
    assert format_add_checkpoint(request) == body
    return True


def test_the_examples_of_the_specification() -> None:
    """They are read, and written as they were."""
    request = parse_add_checkpoint(EXAMPLE.encode())
    assert (request.old, len(request.proof), len(request.note.signatures)) == (20_852_014, 4, 2)
    assert (request.checkpoint.origin, request.checkpoint.size) == ("example.com/behind-the-sofa", 20_852_163)
    assert reads(EXAMPLE.encode())
    lines = parse_cosignatures(ANSWER.encode())
    assert [line.name for line in lines] == ["witness.example/w1", "witness.example/w1", "witness.example/w2"]
    assert format_cosignatures(lines) == ANSWER.encode()


def test_the_requests_of_litewitness() -> None:
    """All that were accepted there are read here; the one with a signature that is not canonical says where."""
    for step in shared_json("vectors/literals/witness_add_checkpoint.json")["sequence"]:
        body = step["request"].encode()
        if not reads(body):
            assert step["assert_"] == 'body contains "invalid signature"'
            with pytest.raises(InputError) as caught:
                parse_add_checkpoint(body)
            assert [problem.path for problem in caught.value.problems] == [SIGNATURES]


@given(st.binary(max_size=300))
def test_any_bytes_are_a_request_or_an_input_error(data: bytes) -> None:
    """Nothing else ever comes out."""
    reads(data)
    reads(b"old 3\n\n" + data)
    reads(b"old 3\n" + data + GOOD[GOOD.index(b"\n\n") :])


@given(st.integers(0, len(GOOD)), st.integers(0, 3), st.binary(max_size=3))
def test_a_request_with_other_bytes_in_it_is_another_one_or_none(at: int, cut: int, put: bytes) -> None:
    """Wherever they are put, and whatever they take the place of."""
    reads(GOOD[:at] + put + GOOD[at + cut :])


@given(st.integers(0, MAX_SIZE), st.lists(st.binary(min_size=32, max_size=32), max_size=63))
def test_every_size_and_proof_can_be_written_and_read(old: int, proof: list[bytes]) -> None:
    """Up to 63 hashes."""
    assert reads(LOG.request(old, 70, proof))


def test_what_is_too_much_is_refused() -> None:
    """A 64th hash, a size that no tree has, a message without end."""
    line = GOOD.split(b"\n")[1] + b"\n"
    note = GOOD[GOOD.index(b"\n\n") + 1 :]
    assert reads(b"old 3\n" + 63 * line + note)
    assert not reads(b"old 3\n" + 64 * line + note)
    assert not reads(b"old %d\n" % (MAX_SIZE + 1) + note)
    for body in (b"old 3\n\n" + b"x" * MAX_MESSAGE_SIZE, GOOD + b"\n" * MAX_MESSAGE_SIZE):
        with pytest.raises(InputError, match="at most"):
            parse_add_checkpoint(body)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"old 33\n", b"old 033\n"),
        (b"old 33\n", b"old  33\n"),
        (b"old 33\n", b"old 33 \n"),
        (b"old 33\n", b"Old 33\n"),
        (b"old 33\n", b"old -1\n"),
        (b"old 33\n", b"old 33\r\n"),
        (b"old 33\n", b""),
        (b"=\n", b"=\n\n"),
        (b"=\n", b"\n"),
        (b"=\n", b"=\r\n"),
        (b"\n70\n", b"\n070\n"),
    ],
)
def test_other_spellings_are_refused(old: bytes, new: bytes) -> None:
    """There is one."""
    assert old in GOOD
    assert not reads(GOOD.replace(old, new, 1))


@given(st.binary(max_size=40))
def test_answers_are_read_strictly_too(data: bytes) -> None:
    """Whatever the bytes, they are cosignatures, a size, or an InputError."""
    with suppress(InputError):
        assert format_cosignatures(parse_cosignatures(data)) == data
    with suppress(InputError):
        assert format_size(parse_size(data)) == data


@pytest.mark.parametrize("body", [b"", b"3", b"3\n\n", b"03\n", b"+3\n", b"3 \n", b"\n", b"three\n"])
def test_a_size_has_one_spelling(body: bytes) -> None:
    """Decimal, and a newline."""
    with pytest.raises(InputError):
        parse_size(body)
    assert parse_size(b"3\n") == 3
