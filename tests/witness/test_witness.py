"""A witness cosigns one history of each log, and no other, whatever it is asked."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ordertrail.adapters.files.witness_state import FileWitnessState
from ordertrail.adapters.memory.witness_state import MemoryWitnessState
from ordertrail.kernel.errors import EvidenceError, UnavailableError
from ordertrail.ledger.add_checkpoint import SIZE_TYPE, Answer, parse_cosignatures
from ordertrail.ledger.checkpoint import Checkpoint, open_checkpoint, sign_checkpoint
from ordertrail.ledger.hashing import EMPTY_ROOT
from ordertrail.ledger.note import Note, parse_note
from ordertrail.ledger.signers import Ed25519Cosigner, Ed25519Signer, MlDsa44Cosigner
from ordertrail.ledger.verify.offline import check_pair
from ordertrail.ledger.vkey import SignatureType, VerifierKey
from ordertrail.ledger.witness import Witness
from ordertrail.testing.conformance.together import at_once
from shared_data import shared_json
from witness.growing import NOW, ORIGIN, GrowingLog, cosigner, make_witness, private

LOG = GrowingLog.of(40)
FORK = LOG.fork(7)


def said(witness: Witness, body: bytes) -> tuple[int, bytes]:
    """Status and body of the answer."""
    answer = witness.add_checkpoint(body).answer
    return answer.status, answer.body


def conversation() -> list[dict[str, Any]]:
    """The steps of litewitness's own test, and what each must be answered."""
    steps: list[dict[str, Any]] = shared_json("vectors/literals/witness_add_checkpoint.json")["sequence"]
    assert len(steps) == 9
    return steps


def litewitness_log() -> VerifierKey:
    """The log of that conversation."""
    vectors = shared_json("vectors/literals/witness_add_checkpoint.json")
    origin = vectors["sequence"][0]["request"].split("\n")[2]
    return VerifierKey(origin, SignatureType.ED25519, bytes.fromhex(vectors["log_pubkey_hex"]))


def require_step(step: dict[str, Any], answer: Answer) -> None:
    """Hold an answer against what the conversation says of it."""
    assert answer.status == step["status"], step
    relation, text = step["assert_"].removeprefix("body ").split(" ", 1)
    if relation == "==":
        assert answer.body.decode() == text.strip('"').replace("\\n", "\n")
        assert answer.content_type == SIZE_TYPE
    else:
        assert text.strip('"') in answer.body.decode()


def test_the_conversation_of_litewitness() -> None:
    """All nine steps, in order, against one witness."""
    log = litewitness_log()
    state = MemoryWitnessState()
    witness = Witness("example.com/witness", [cosigner("example.com/witness")], {log.name: (log,)}, state)
    for step in conversation():
        require_step(step, witness.add_checkpoint(step["request"].encode()).answer)


def test_a_cosignature_is_of_the_checkpoint_with_the_time() -> None:
    """By each of the witness's keys, and it verifies beside the log's own signature."""
    witness = make_witness(post_quantum=True)
    keys = [signer.key for signer in witness.signers]
    status, body = said(witness, LOG.request(0, 5))
    assert status == 200
    note = open_checkpoint(LOG.note(5) + body, LOG.signer.key, keys)
    assert [(one.key, one.time) for one in note.verified] == [
        (LOG.signer.key, None),
        *((key, NOW) for key in keys),
    ]


def test_the_worked_example() -> None:
    """Growth is cosigned; a rollback, another face and a wrong memory are told the size that was cosigned."""
    witness = make_witness()
    assert said(witness, LOG.request(0, 3))[0] == 200
    assert said(witness, LOG.request(0, 5)) == (409, b"3\n")
    assert said(witness, LOG.request(3, 9))[0] == 200
    assert said(witness, LOG.request(3, 3)) == (409, b"9\n")
    assert said(witness, FORK.request(9, 9)) == (409, b"9\n")
    assert said(witness, LOG.request(9, 9))[0] == 200


@settings(deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 40), st.integers(0, 40)), max_size=30))
def test_what_is_cosigned_is_one_growing_history(asked: list[tuple[bool, int, int]]) -> None:
    """Whatever is asked, in whatever order: sizes never fall, and all roots are of one of the two histories."""
    witness = make_witness()
    cosigned = [Checkpoint(ORIGIN, 0, EMPTY_ROOT)]
    for forked, old, size in asked:
        log = FORK if forked else LOG
        if said(witness, log.request(old, size))[0] == 200:
            assert old == cosigned[-1].size <= size
            cosigned.append(log.checkpoint(size))
    assert any(all(one == log.checkpoint(one.size) for one in cosigned) for log in (LOG, FORK))


@given(st.binary(max_size=200))
def test_no_bytes_bring_it_down(data: bytes) -> None:
    """They are refused, and nothing is remembered."""
    witness = make_witness()
    for body in (data, b"old 0\n\n" + data):
        assert said(witness, body)[0] in {400, 403}
    assert witness.state.latest(ORIGIN) is None


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        (LOG.request(6, 5), 400, b"greater"),
        (b"", 400, b"begins with"),
        (b"old 0\n\nx\n1\ny\n\n", 400, b"base64"),
        (LOG.request(0, 5).replace(b"\n5\n", b"\n6\n"), 403, b"invalid signature"),
        (LOG.request(0, 5)[:-3], 403, b"invalid signature"),
        (LOG.request(0, 5, [b"h" * 32]), 422, b"consistency proof"),
        (LOG.request(0, 0, [b"h" * 32]), 422, b"consistency proof"),
        (LOG.request(0, 0).replace(b"47DEQ", b"47DEQ"), 200, b"\xe2\x80\x94 witness.example/w1 "),
    ],
)
def test_first_requests(body: bytes, status: int, words: bytes) -> None:
    """Each is answered for the first thing that is wrong with it."""
    answer = said(make_witness(), body)
    assert answer[0] == status
    assert words in answer[1]


def test_the_empty_tree_has_one_root() -> None:
    """A log that begins with another one is refused, and can still begin well."""
    witness = make_witness()
    wrong = sign_checkpoint(Checkpoint(ORIGIN, 0, b"r" * 32), [LOG.signer])
    assert said(witness, b"old 0\n\n" + wrong) == (409, b"0\n")
    assert said(witness, LOG.request(0, 0))[0] == 200
    assert said(witness, LOG.request(0, 0))[0] == 200
    assert said(witness, LOG.request(0, 8))[0] == 200


def test_a_proof_to_the_same_size_is_empty() -> None:
    """There is nothing to prove."""
    witness = make_witness()
    assert said(witness, LOG.request(0, 5))[0] == 200
    assert said(witness, LOG.request(5, 5, [b"h" * 32]))[0] == 422
    assert said(witness, LOG.request(5, 5))[0] == 200


def test_strangers_signatures_are_ignored_and_not_kept() -> None:
    """Theirs neither help nor harm; what is remembered holds the log's own alone."""
    witness = make_witness()
    stranger = Ed25519Signer(ORIGIN, private("stranger"))
    checkpoint = LOG.checkpoint(5)
    assert said(witness, b"old 0\n\n" + sign_checkpoint(checkpoint, [stranger]))[0] == 403
    assert (
        said(witness, b"old 0\n\n" + sign_checkpoint(checkpoint, [stranger, LOG.signer, cosigner()]))[0]
        == 200
    )
    assert witness.state.latest(ORIGIN) == LOG.note(5)


def test_any_key_of_the_log_will_do() -> None:
    """A log whose key was replaced is known by both; lines that no signature covers are not cosigned."""
    new = Ed25519Signer(ORIGIN, private("new"))
    quantum = MlDsa44Cosigner(ORIGIN, make_witness(post_quantum=True).signers[1].private_key, lambda: NOW)  # type: ignore[attr-defined]
    known = {ORIGIN: (LOG.signer.key, new.key, quantum.key)}
    witness = Witness("w", [cosigner("w")], known, MemoryWitnessState())
    assert said(witness, LOG.request(0, 3))[0] == 200
    for signer, size in ((new, 3), (quantum, 3)):
        note = sign_checkpoint(LOG.checkpoint(size), [signer])
        assert said(witness, b"old 3\n\n" + note)[0] == 200
    extended = Checkpoint(ORIGIN, 3, LOG.checkpoint(3).root, ("extension",))
    assert said(witness, b"old 3\n\n" + sign_checkpoint(extended, [quantum]))[0] == 403
    assert said(witness, b"old 3\n\n" + sign_checkpoint(extended, [quantum, new]))[0] == 200


def test_two_faces_are_kept_as_proof() -> None:
    """Whatever size the request comes from: two checkpoints that the log signed, and that cannot both be true."""
    witness = make_witness()
    assert said(witness, LOG.request(0, 9))[0] == 200
    assert witness.state.conflict(ORIGIN) is None
    for old in (0, 9, 4):
        verdict = witness.add_checkpoint(FORK.request(old, 9, []))
        assert (verdict.answer.status, verdict.answer.body, verdict.conflict) == (409, b"9\n", True)
    kept = witness.state.latest(ORIGIN), witness.state.conflict(ORIGIN)
    assert kept == (LOG.note(9), FORK.note(9))
    with pytest.raises(EvidenceError):
        check_pair(LOG.note(9), FORK.note(9), [LOG.signer.key], None)


@pytest.mark.parametrize("open_state", [lambda _path: MemoryWitnessState(), FileWitnessState.create])
def test_of_many_requests_at_once_one_history_is_cosigned(
    tmp_path: Path, open_state: Callable[[Path], MemoryWitnessState]
) -> None:
    """Two histories and many sizes at the same moment, through two witnesses on one memory as two processes are."""
    state = open_state(tmp_path)
    pair = [make_witness(state), make_witness(state)]
    cosigned = [LOG.checkpoint(0)]
    for _ in range(6):
        old = cosigned[-1].size
        asked = [
            (log, size) for log in (LOG, FORK) for size in range(old, min(old + 6, 40)) for _ in range(2)
        ]

        def asking(number: int, log: GrowingLog, size: int, old: int = old) -> Callable[[], int]:
            return lambda: said(pair[number % 2], log.request(old, size))[0]

        statuses = at_once(*(asking(number, *one) for number, one in enumerate(asked)))
        assert set(statuses) <= {200, 409, 422}
        grown = {
            log.checkpoint(size)
            for (log, size), status in zip(asked, statuses, strict=True)
            if status == 200 and size > old
        }
        # One size and root: further requests for just that may follow it, from that size only.
        assert len(grown) == 1
        cosigned.append(grown.pop())
    assert any(all(one == log.checkpoint(one.size) for one in cosigned) for log in (LOG, FORK))


def test_nothing_leaves_that_is_not_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it cannot be written down, no cosignature comes out."""

    def fail(*_: object) -> bool:
        raise UnavailableError("the disk is full")

    witness = make_witness()
    monkeypatch.setattr(witness.state, "advance", fail)
    with pytest.raises(UnavailableError):
        witness.add_checkpoint(LOG.request(0, 5))


@pytest.mark.parametrize(
    "damaged", [b"", b"nonsense", LOG.note(5)[:-5], LOG.note(5).replace(b"shop", b"shot")]
)
def test_a_damaged_memory_is_not_taken_for_none(damaged: bytes) -> None:
    """It cosigns nothing more of that log, and says why."""
    witness = make_witness()
    witness.state.advance(ORIGIN, None, damaged)
    with pytest.raises(EvidenceError, match="remembers"):
        witness.add_checkpoint(LOG.request(0, 9))


def test_the_time_is_of_before_anything_larger_was_recorded() -> None:
    """A cosignature says which tree was the largest that was seen by then; it must be true."""
    ticks = iter(range(100))
    advanced: list[int] = []

    class Watching(MemoryWitnessState):
        def advance(self, origin: str, expected: bytes | None, new: bytes) -> bool:
            advanced.append(next(ticks))
            return super().advance(origin, expected, new)

    signer = Ed25519Cosigner("w", private("w"), lambda: next(ticks))
    witness = Witness("w", [signer], {ORIGIN: (LOG.signer.key,)}, Watching())
    times = []
    for old, size in ((0, 3), (3, 3), (3, 9)):
        _, body = said(witness, LOG.request(old, size))
        note = Note(parse_note(LOG.note(size)).text, parse_cosignatures(body))
        times.append(int.from_bytes(note.signatures[0].blob[:8], "big"))
    assert all(time < recorded for time, recorded in zip(times, advanced, strict=True))
    assert all(recorded < time for time, recorded in zip(times[1:], advanced, strict=False))
