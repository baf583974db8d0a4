"""The key-encryption key: one line, private, locked by a passphrase where there is one."""

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ordertrail.adapters.files import kek as module
from ordertrail.adapters.files.kek import Cost, create_kek, format_kek, index_key, load_kek, parse_kek
from ordertrail.kernel.errors import ConfigurationError, InputError, OrderTrailError, UnavailableError
from ordertrail.testing.conformance.together import at_once

CHEAP = Cost(16, 8, 1)
KEY = bytes(range(32))
PASSPHRASE = b"correct horse"
PLAIN, LOCKED = (
    line.strip() + "\n"
    for line in str(module.__doc__).split("\n")
    if line.startswith("    ") and "<" not in line and ":" in line and "=" in line and "AES" not in line
)


def test_the_worked_examples_are_the_formats() -> None:
    """What the specification shows is what is read and written."""
    assert format_kek(KEY, None) == PLAIN
    assert parse_kek(PLAIN, None) == parse_kek(LOCKED, PASSPHRASE) == KEY


@given(st.binary(min_size=32, max_size=32), st.none() | st.binary(min_size=1, max_size=40))
def test_what_is_written_is_read(key: bytes, passphrase: bytes | None) -> None:
    """With a passphrase or without; and with one, the key is not in the line, nor is any line like another."""
    line = format_kek(key, passphrase, CHEAP)
    assert parse_kek(line, passphrase) == key
    if passphrase is not None:
        assert format_kek(key, passphrase, CHEAP) != line
        with pytest.raises(ConfigurationError):
            parse_kek(line, passphrase + b"!")


@pytest.mark.parametrize("passphrase", [None, PASSPHRASE])
def test_a_stored_key_is_the_one_that_is_loaded(tmp_path: Path, passphrase: bytes | None) -> None:
    """From a file of mode 0600, nothing half-written beside it."""
    path = tmp_path / "keys" / "people.kek"
    key = create_kek(path, passphrase, CHEAP)
    assert load_kek(path, passphrase) == key
    assert len(key) == 32
    assert path.stat().st_mode & 0o777 == 0o600
    assert [one.name for one in path.parent.iterdir()] == ["people.kek"]


def test_the_usual_cost_opens_again(tmp_path: Path) -> None:
    """128 MiB a try."""
    key = create_kek(tmp_path / "people.kek", PASSPHRASE)
    assert (tmp_path / "people.kek").read_text().startswith("scrypt:131072:8:1:")
    assert load_kek(tmp_path / "people.kek", PASSPHRASE) == key


def test_a_key_is_never_overwritten(tmp_path: Path) -> None:
    """That would erase every person; of two that make one at once, one is refused."""
    path = tmp_path / "people.kek"
    outcomes = at_once(*[lambda: create_kek(path, None)] * 3)
    made = [outcome for outcome in outcomes if isinstance(outcome, bytes)]
    assert len(made) == 1
    with pytest.raises(ConfigurationError):
        create_kek(path, PASSPHRASE, CHEAP)
    assert load_kek(path, None) == made[0]


def test_a_plain_key_needs_no_passphrase() -> None:
    """A trail that sets one later still opens."""
    assert parse_kek(PLAIN, PASSPHRASE) == KEY


def test_a_passphrase_must_be_there_and_right(tmp_path: Path) -> None:
    """Each says what to do about it; an empty one is none."""
    path = tmp_path / "people.kek"
    path.write_text(LOCKED)
    for wrong, remedy in (
        (None, "ORDERTRAIL_PASSPHRASE_FILE"),
        (b"wrong", "Check the passphrase"),
        (b"", "Set one"),
    ):
        with pytest.raises(ConfigurationError) as caught:
            load_kek(path, wrong)
        assert remedy in caught.value.remedy
    with pytest.raises(ConfigurationError):
        format_kek(KEY, b"")


def test_a_file_that_cannot_be_read_is_unavailable(tmp_path: Path) -> None:
    """It may be restored."""
    with pytest.raises(UnavailableError) as caught:
        load_kek(tmp_path / "people.kek", None)
    assert "Restore" in caught.value.remedy


@pytest.mark.parametrize(
    "line",
    [
        "", "\n", "plain:\n", PLAIN[:-1], PLAIN + "\n", PLAIN.replace("plain", "PLAIN"), " " + PLAIN,
        PLAIN.replace(":", "::"), PLAIN.replace("\n", "\r\n"), "plain:AAECAw==\n", PLAIN.replace("h8=", "h9="),
        PLAIN.replace("AAEC", "A*EC"), LOCKED.replace(":16:", ":15:"), LOCKED.replace(":16:", ":016:"),
        LOCKED.replace(":16:", ":+16:"), LOCKED.replace(":16:", ":1:"), LOCKED.replace(":16:", ":4294967296:"),
        LOCKED.replace(":8:", ":0:"), LOCKED.replace(":1:", ":17:"), LOCKED.replace(":8:", ":99999999:"),
        LOCKED.replace("AAA==", "AA=="), LOCKED.replace("scrypt", "argon2"), "\ufffd\n",
    ],
)  # fmt: skip
def test_any_other_line_is_refused_and_never_quoted(tmp_path: Path, line: str) -> None:
    """An error of configuration that shows nothing of what may be the key; no line exhausts the memory."""
    with pytest.raises(InputError):
        parse_kek(line, PASSPHRASE)
    (tmp_path / "people.kek").write_bytes(line.encode())
    with pytest.raises(ConfigurationError) as caught:
        load_kek(tmp_path / "people.kek", PASSPHRASE)
    assert "AAECAw" not in str(caught.value.diagnostics())
    assert caught.value.remedy.startswith("Restore")


@given(st.integers(0, len(LOCKED) - 1), st.integers(1, 127))
def test_a_flipped_byte_never_gives_another_key(place: int, flip: int) -> None:
    """The line is refused, or it is the same key after all."""
    damaged = bytearray(LOCKED.encode())
    damaged[place] ^= flip
    with suppress(OrderTrailError):
        assert parse_kek(damaged.decode(), PASSPHRASE) == KEY


def test_the_index_key_is_derived_and_another_one() -> None:
    """HKDF-SHA256 by hand (RFC 5869): extract with a salt of zeros, expand by one block."""
    import hmac

    extracted = hmac.digest(bytes(32), KEY, "sha256")
    assert index_key(KEY) == hmac.digest(extracted, b"ordertrail/index/v1\x01", "sha256")
    assert index_key(KEY) != KEY
