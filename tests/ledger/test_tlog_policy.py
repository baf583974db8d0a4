from itertools import combinations
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from ordertrail.kernel.errors import EvidenceError, InputError
from ordertrail.ledger.checkpoint import Checkpoint, sign_checkpoint
from ordertrail.ledger.note import Note, parse_note
from ordertrail.ledger.policy import MAX_POLICY_SIZE, Policy, parse_policy
from ordertrail.ledger.signers import Ed25519Cosigner, Ed25519Signer, NoteSigner
from ordertrail.ledger.vkey import SignatureType, format_vkey
from shared_data import shared_json

CHECKPOINT = Checkpoint("example.com/log", 3, b"r" * 32)
LOG = Ed25519Signer("example.com/log", Ed25519PrivateKey.from_private_bytes(b"l" * 32))
FOREIGN = Ed25519Signer("example.com/foreign", Ed25519PrivateKey.from_private_bytes(b"f" * 32))
WITNESSES = {
    name: Ed25519Cosigner(
        f"{name}.example", Ed25519PrivateKey.from_private_bytes(name.encode() * 16), lambda: 5
    )
    for name in ("X1", "X2", "X3", "Y1", "Y2", "Y3")
}
KEYS = "".join(f"witness {name} {format_vkey(signer.key)}\n" for name, signer in WITNESSES.items())
#: The example of the specification, "Example policy".
EXAMPLE = f"""# An example with two levels of groups
log {format_vkey(LOG.key)}

{KEYS}
group X-witnesses 2 X1 X2 X3
\tgroup Y-witnesses any Y1 Y2 Y3
group X-and-Y all X-witnesses Y-witnesses
quorum X-and-Y
"""
#: Vectors that C2SP forbids: with the same witness key twice, so that one witness would count as two; and
#: with a comment at the end of a line, where C2SP knows comment lines only.
NOT_C2SP = {
    "whitespace and comments": "not a line of a policy",
    "group numerical": "already that of a witness",
    "group all": "already that of a witness",
    "group any": "already that of a witness",
}


def signed(*signers: NoteSigner) -> Note:
    """The checkpoint above, signed."""
    return parse_note(sign_checkpoint(CHECKPOINT, signers))


def least(policy: Policy) -> int:
    """How many cosignatures can reach the quorum."""
    names = [witness.name for witness in policy.witnesses]
    counts = range(len(names) + 1)
    return next(n for n in counts if any(map(policy.is_met_by, combinations(names, n))))


class TestVectors:
    """Policies of transparency-dev/formats."""

    @staticmethod
    def corrected(vector: dict[str, Any]) -> str:
        """A vector as C2SP would have it: each witness with a key of its own, comments on their own lines."""
        text = vector["policy"].replace("    #comment\nwitness", "\n").replace("/    #comment", "/")
        lines = text.split("\n")
        for number, line in enumerate(lines):
            if line.startswith("witness w3 "):
                lines[number] = f"witness w3 {format_vkey(WITNESSES['X1'].key)} https://example.com/"
        return "\n".join(lines)

    def test_valid_policies(self) -> None:
        """They are accepted, with as many witnesses needed, once corrected to what C2SP allows."""
        vectors = shared_json("vectors/literals/tlog_policy.json")["valid"]
        assert len(vectors) == 5
        for vector in vectors:
            name = vector["name"]
            if name in NOT_C2SP:
                with pytest.raises(InputError, match=NOT_C2SP[name]):
                    parse_policy(vector["policy"].encode())
            else:
                assert least(parse_policy(vector["policy"].encode())) == vector["n"]
            assert least(parse_policy(self.corrected(vector).encode())) == vector["n"], name

    def test_invalid_policies(self) -> None:
        """They are refused, and not only because their last line lacks its newline."""
        vectors = shared_json("vectors/literals/tlog_policy.json")["invalid"]
        assert len(vectors) == 6
        reasons = [
            "quorum line",
            "not defined",
            "already defined",
            "not all, any",
            "cannot be",
            "not defined",
        ]
        for vector, reason in zip(vectors, reasons, strict=True):
            for end in ("", "\n"):
                with pytest.raises(InputError, match=reason if end else "newline"):
                    parse_policy((vector["policy"] + end).encode())


class TestParse:
    """Policies as bytes."""

    def test_the_example_of_the_specification(self) -> None:
        """Two of the X and one of the Y are needed, no fewer and no others."""
        policy = parse_policy(EXAMPLE.encode())
        assert [log.key for log in policy.logs] == [LOG.key]
        assert [witness.name for witness in policy.witnesses] == list(WITNESSES)
        assert policy.is_met_by({"X1", "X3", "Y2"})
        assert policy.is_met_by(WITNESSES)
        for few in ({"X1", "X2", "X3"}, {"X1", "Y1", "Y2"}, {"X1"}, set(), {"X-and-Y "}):
            assert not policy.is_met_by(few)
        assert least(policy) == 3

    def test_urls_and_white_space(self) -> None:
        """URLs may follow keys; spaces and tabs part and surround the items, and nothing else does."""
        log, witness = format_vkey(LOG.key), format_vkey(WITNESSES["X1"].key)
        text = f" \t log\t{log}  https://log.example/ \n#no\n\twitness W\u00a0\u2003 {witness} https://w\n"
        text += "quorum none\n"
        policy = parse_policy(text.encode())
        assert policy.logs[0].url == "https://log.example/"
        assert (policy.witnesses[0].name, policy.witnesses[0].url) == ("W\u00a0\u2003", "https://w")

    def test_names_are_compared_as_bytes(self) -> None:
        """A Kelvin sign is not a K, and bytes that are no UTF-8 are as good a name as any."""
        one, two = (format_vkey(WITNESSES[name].key).encode() for name in ("X1", "X2"))
        policy = parse_policy(
            b"witness K %b\nwitness \xe2\x84\xaa %b\ngroup \xff all K \xe2\x84\xaa\nquorum \xff\n"
            % (one, two)
        )
        assert least(policy) == 2
        with pytest.raises(InputError, match="not defined"):
            parse_policy(b"witness K %b\nquorum \xe2\x84\xaa\n" % one)

    def test_a_witness_key_of_type_1_is_read_as_a_cosignature_key(self) -> None:
        """Other tools publish witnesses so: the key then verifies cosignatures, and plain signatures not."""
        signer = Ed25519Signer("w.example", Ed25519PrivateKey.from_private_bytes(b"w" * 32))
        cosigner = Ed25519Cosigner("w.example", signer.private_key, lambda: 5)
        text = f"log {format_vkey(LOG.key)}\nwitness w {format_vkey(signer.key)}\nquorum w\n"
        policy = parse_policy(text.encode())
        assert policy.witnesses[0].key.type is SignatureType.ED25519_COSIGNATURE
        assert policy.check(signed(LOG, cosigner))
        with pytest.raises(EvidenceError):
            policy.check(signed(LOG, signer))

    @pytest.mark.parametrize(
        ("line", "message"),
        [
            ("log {log}", "already that of a log"),
            ("log {renamed}", "already that of a log"),
            ("log {log} url more", "not a line"),
            ("log", "not a line"),
            ("logs {log}", "not a line"),
            ("log nonsense", "a key is written"),
            ("witness w", "not a line"),
            ("witness X1 {new}", "already defined"),
            ("witness X9 {x1}", "already that of a witness"),
            ("witness any {new}", "cannot be a name"),
            ("witness none {new}", "cannot be a name"),
            ("group g any", "not a line"),
            ("group g any g", "not defined"),
            ("group g any none", "not defined"),
            ("group g any unknown", "not defined"),
            ("group g any X1", "already a member"),
            ("group g any free free", "already a member"),
            ("group g 0 free", "not all, any"),
            ("group g 2 free", "not all, any"),
            ("group g 01 free", "not all, any"),
            ("group g +1 free", "not all, any"),
            ("group g ANY free", "not all, any"),
            ("group X-and-Y any free", "already defined"),
            ("quorum", "not a line"),
            ("quorum X1 Y1", "not a line"),
            ("quorum X1", "second quorum"),
            ("quorum none", "second quorum"),
            ("# \x7f", "control character"),
            ("# \r", "control character"),
            ("# \0", "control character"),
            ("# \x0b", "control character"),
        ],
    )
    def test_strange_lines_are_refused(self, line: str, message: str) -> None:
        """Each is named by its number; a policy is read whole or not at all."""
        renamed = Ed25519Signer("another.example", LOG.private_key)
        free = Ed25519Cosigner("free.example", Ed25519PrivateKey.from_private_bytes(b"1" * 32), lambda: 0)
        new = Ed25519Cosigner("new.example", Ed25519PrivateKey.from_private_bytes(b"2" * 32), lambda: 0)
        text = f"{EXAMPLE}witness free {format_vkey(free.key)}\n"
        line = line.format(
            log=format_vkey(LOG.key),
            renamed=format_vkey(renamed.key),
            new=format_vkey(new.key),
            x1=format_vkey(WITNESSES["X1"].key),
        )
        assert parse_policy(text.encode())
        with pytest.raises(InputError, match=message) as caught:
            parse_policy(f"{text}{line}\n".encode())
        assert {problem.path for problem in caught.value.problems} == {f"lines.{text.count(chr(10)) + 1}"}

    def test_every_problem_is_named(self) -> None:
        """A policy with three bad lines has three problems."""
        with pytest.raises(InputError) as caught:
            parse_policy(b"log x\nnonsense\nquorum q\n")
        assert [problem.path for problem in caught.value.problems] == ["lines.1", "lines.2", "lines.3"]
        for text in (b"", b"quorum none", b"#\n", b"#" * MAX_POLICY_SIZE + b"\n"):
            with pytest.raises(InputError):
                parse_policy(text)

    @given(st.binary(max_size=60))
    def test_nothing_but_input_errors(self, data: bytes) -> None:
        """Whatever the bytes, they are a policy or an InputError."""
        try:
            parse_policy(data + b"\nquorum none\n")
        except InputError:
            return

    def test_many_logs_witnesses_and_groups(self) -> None:
        """Far more than the 32 of each that C2SP asks for are read and evaluated."""
        lines, group = [], ""
        for number in range(300):
            private = Ed25519PrivateKey.from_private_bytes(number.to_bytes(32, "big"))
            key = Ed25519Cosigner(f"w{number}.example", private, lambda: 0).key
            lines.append(f"log {format_vkey(key)}\nwitness w{number} {format_vkey(key)}\n")
            lines.append(f"group g{number} all w{number} {group}\n")
            group = f"g{number}"
        policy = parse_policy(f"{''.join(lines)}quorum {group}\n".encode())
        assert policy.is_met_by({f"w{number}" for number in range(300)})
        assert not policy.is_met_by({f"w{number}" for number in range(1, 300)})


class TestCheck:
    """Checkpoints under a policy."""

    @settings(deadline=None)
    @given(st.sets(st.sampled_from(sorted(WITNESSES))))
    def test_a_checkpoint_counts_exactly_when_the_quorum_has_cosigned(self, names: set[str]) -> None:
        """Whatever the witnesses, the checkpoint is opened if and only if they reach the quorum."""
        policy = parse_policy(EXAMPLE.encode())
        note = signed(LOG, *(WITNESSES[name] for name in sorted(names)))
        if len({"X1", "X2", "X3"} & names) >= 2 and {"Y1", "Y2", "Y3"} & names:
            assert policy.check(note).checkpoint == CHECKPOINT
        else:
            with pytest.raises(EvidenceError, match="quorum"):
                policy.check(note)

    def test_the_log_must_have_signed_under_its_own_name(self) -> None:
        """Witnesses alone, unknown logs, and logs that sign another log's checkpoint do not count."""
        policy = parse_policy(
            f"log {format_vkey(LOG.key)}\nlog {format_vkey(FOREIGN.key)}\n{KEYS}quorum X1\n".encode()
        )
        assert policy.check(signed(LOG, WITNESSES["X1"]))
        for note in (signed(WITNESSES["X1"]), signed(FOREIGN, WITNESSES["X1"])):
            with pytest.raises(EvidenceError, match="no known log"):
                policy.check(note)

    def test_logs_may_be_known_from_elsewhere(self) -> None:
        """A policy without logs needs them to be given, and says so."""
        policy = parse_policy(f"{KEYS}quorum none\n".encode())
        assert policy.check(signed(LOG), [LOG.key])
        with pytest.raises(InputError):
            policy.check(signed(LOG))

    def test_a_bad_cosignature_refuses_the_checkpoint(self) -> None:
        """Even one that the quorum does not need."""
        policy = parse_policy(f"log {format_vkey(LOG.key)}\n{KEYS}quorum none\n".encode())
        good = signed(LOG, WITNESSES["X1"])
        other = sign_checkpoint(Checkpoint("example.com/log", 4, b"r" * 32), [WITNESSES["X1"]])
        assert policy.check(good)
        with pytest.raises(EvidenceError):
            policy.check(Note(good.text, (good.signatures[0], parse_note(other).signatures[0])))
