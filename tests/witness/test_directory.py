"""A witness in its directory and on the command line: settings, keys, and what it says of itself."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given
from hypothesis import strategies as st

from ordertrail.adapters.files.witness_file import (
    WitnessFile,
    format_witness_file,
    parse_witness_file,
)
from ordertrail.assembly.witness import add_witness_log, create_witness, open_witness, serve_witness
from ordertrail.kernel.errors import ConfigurationError, InputError, UnavailableError
from ordertrail.ledger.signers import Ed25519Signer
from ordertrail.ledger.vkey import SignatureType, VerifierKey, format_vkey, is_key_name
from witness.growing import NAME, ORIGIN, GrowingLog, private

COMMAND = [str(Path(sys.executable).with_name("ordertrail")), "witness"]
LOG = GrowingLog.of(30)
KEY = LOG.signer.key
OTHER = Ed25519Signer("other.example/log", private("other")).key


def run(*arguments: str | Path, cwd: Path, expect: int = 0, env: dict[str, str] | None = None) -> str:
    """Run a verb; what it said, once it ended as expected."""
    done = subprocess.run(
        [*COMMAND, *map(str, arguments)],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | (env or {}),
    )
    assert done.returncode == expect, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout + ("" if "--json" in arguments else done.stderr)


def run_json(*arguments: str | Path, cwd: Path, expect: int = 0) -> dict[str, Any]:
    """Run a verb with --json; what it said."""
    said: dict[str, Any] = json.loads(run(*arguments, "--json", cwd=cwd, expect=expect))
    return said


class TestSettings:
    """``witness.toml``."""

    @given(
        st.text(min_size=1, max_size=30).filter(is_key_name),
        st.lists(st.text(min_size=1).filter(is_key_name)),
    )
    def test_what_is_written_is_read_again(self, name: str, origins: list[str]) -> None:
        """Whatever the names that keys can have."""
        keys = [VerifierKey(one, SignatureType.ED25519, b"k" * 32) for one in dict.fromkeys(origins)]
        settings = WitnessFile(name, tuple(keys))
        assert parse_witness_file(format_witness_file(settings)) == settings

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("", "version: must be 1; .*name: must be"),
            ('version = 2\nname = "w"\n', "version"),
            ('version = 1\nname = "a b"\n', "name"),
            ('version = 1\nname = "w"\ncolour = "red"\n', "colour: is not a setting"),
            ('version = 1\nname = "w"\nlog = "x"\n', "log.0: is a table"),
            ('version = 1\nname = "w"\n[[log]]\nvkey = 5\n', "log.0: is a table"),
            ('version = 1\nname = "w"\n[[log]]\nvkey = "x"\n', "log.0: a key is written"),
            (
                f'version = 1\nname = "w"\n[[log]]\nvkey = "{format_vkey(KEY)}"\nurl = "x"\n',
                "log.0: is a table",
            ),
            ('version = 1\nname = "w"\n' + 2 * f'[[log]]\nvkey = "{format_vkey(KEY)}"\n', "log.1: .*twice"),
            ("version", "not TOML"),
        ],
    )
    def test_what_is_wrong_is_named(self, text: str, message: str) -> None:
        """All of it."""
        with pytest.raises(ConfigurationError, match=f"(?s){message}"):
            parse_witness_file(text)


class TestDirectory:
    """A witness as files."""

    def test_it_is_the_same_witness_when_it_is_opened_again(self, tmp_path: Path) -> None:
        """With what it has cosigned, and the keys that it has shown."""
        created = create_witness(tmp_path / "w", NAME, [KEY, OTHER])
        assert created.add_checkpoint(LOG.request(0, 9)).answer.status == 200
        opened = open_witness(tmp_path / "w")
        assert [signer.key for signer in opened.signers] == [signer.key for signer in created.signers]
        assert [signer.key.type for signer in opened.signers] == [
            SignatureType.ED25519_COSIGNATURE,
            SignatureType.MLDSA44_COSIGNATURE,
        ]
        assert list(opened.logs) == [ORIGIN, OTHER.name]
        assert opened.add_checkpoint(LOG.request(0, 5)).answer.body == b"9\n"
        assert opened.add_checkpoint(LOG.request(9, 30)).answer.status == 200

    def test_ed25519_alone(self, tmp_path: Path) -> None:
        """Where nobody wants the longer signatures."""
        create_witness(tmp_path / "w", NAME, post_quantum=False)
        (signer,) = open_witness(tmp_path / "w").signers
        assert signer.key.type is SignatureType.ED25519_COSIGNATURE

    def test_keys_are_private_files(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Mode 0600 in a folder of mode 0700, encrypted where there is a passphrase, and useless without it."""
        (tmp_path / "passphrase").write_text("correct horse\n")
        monkeypatch.setenv("ORDERTRAIL_PASSPHRASE_FILE", str(tmp_path / "passphrase"))
        create_witness(tmp_path / "w", NAME)
        keys = sorted((tmp_path / "w/keys").iterdir())
        assert [path.stat().st_mode & 0o777 for path in (keys[0].parent, *keys)] == [0o700, 0o600, 0o600]
        assert all(b"ENCRYPTED" in path.read_bytes() for path in keys)
        assert len(open_witness(tmp_path / "w").signers) == 2
        monkeypatch.delenv("ORDERTRAIL_PASSPHRASE_FILE")
        with pytest.raises(ConfigurationError, match=r"passphrase|Password"):
            open_witness(tmp_path / "w")

    def test_keys_that_are_not_its_own_are_refused(self, tmp_path: Path) -> None:
        """Another witness's, another name's, of another kind, or none at all."""
        create_witness(tmp_path / "w", NAME, post_quantum=False)
        settings, (path,) = tmp_path / "w/witness.toml", (tmp_path / "w/keys").iterdir()
        text = settings.read_text()
        settings.write_text(text.replace("/w1", "/w2"))
        with pytest.raises(ConfigurationError, match="is not a key of the witness"):
            open_witness(tmp_path / "w")
        settings.write_text(text)
        strange = generate_private_key(SECP256R1())
        path.write_bytes(strange.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        with pytest.raises(ConfigurationError, match="neither"):
            open_witness(tmp_path / "w")
        path.write_bytes(b"nonsense")
        with pytest.raises(ConfigurationError, match="does not open"):
            open_witness(tmp_path / "w")
        path.unlink()
        with pytest.raises(ConfigurationError, match="no key"):
            open_witness(tmp_path / "w")

    def test_a_lost_memory_is_not_a_new_one(self, tmp_path: Path) -> None:
        """Without its folder it cosigns nothing."""
        witness = create_witness(tmp_path / "w", NAME, [KEY])
        assert witness.add_checkpoint(LOG.request(0, 9)).answer.status == 200
        (tmp_path / "w/state").rename(tmp_path / "w/elsewhere")
        with pytest.raises(UnavailableError, match="is not there"):
            open_witness(tmp_path / "w").add_checkpoint(LOG.fork(3).request(0, 9))

    def test_a_directory_that_is_used_is_left_alone(self, tmp_path: Path) -> None:
        """Even one in which a witness was never created to its end; that one is said."""
        (tmp_path / "file").touch()
        with pytest.raises(ConfigurationError, match="not an empty directory"):
            create_witness(tmp_path, NAME)
        (tmp_path / "half/state").mkdir(parents=True)
        with pytest.raises(ConfigurationError) as caught:
            create_witness(tmp_path / "half", NAME)
        assert "never created to its end" in caught.value.remedy
        with pytest.raises(ConfigurationError, match="cannot name a witness"):
            create_witness(tmp_path / "new", "a witness")
        for absent in ("new", "half", "file"):
            with pytest.raises(ConfigurationError, match="there is no witness"):
                open_witness(tmp_path / absent)

    def test_logs_are_added_and_remarks_stay(self, tmp_path: Path) -> None:
        """A further log, a further key of one; once."""
        create_witness(tmp_path / "w", NAME, [KEY])
        settings = tmp_path / "w/witness.toml"
        settings.write_text(settings.read_text() + "# asked by the audit department")
        new = Ed25519Signer(ORIGIN, private("new")).key
        assert [add_witness_log(tmp_path / "w", key) for key in (OTHER, new, KEY, new)] == [
            True,
            True,
            False,
            False,
        ]
        assert open_witness(tmp_path / "w").logs == {ORIGIN: (KEY, new), OTHER.name: (OTHER,)}
        assert "# asked by the audit department\n" in settings.read_text()

    def test_without_a_web_server_it_says_what_to_install(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Everything else works without."""
        monkeypatch.delitem(sys.modules, "ordertrail.adapters.witness.server", raising=False)
        monkeypatch.setitem(sys.modules, "uvicorn", None)
        with pytest.raises(ConfigurationError, match="not installed: uvicorn") as caught:
            serve_witness(create_witness(tmp_path / "w", NAME), "127.0.0.1", 0, lambda *_: None)
        assert "ordertrail[witness]" in caught.value.remedy


class TestCommandLine:
    """``ordertrail witness``."""

    def test_from_init_to_a_cosignature(self, tmp_path: Path) -> None:
        """A key as itself or in a file; what is shown is what was cosigned; a signal ends it well."""
        (tmp_path / "keys.txt").write_text(f"{format_vkey(KEY)}\n")
        created = run_json(
            "init", "w", "--name", NAME, "--log", "keys.txt", "--log", format_vkey(OTHER), cwd=tmp_path
        )
        assert [log["origin"] for log in created["logs"]] == [ORIGIN, OTHER.name]
        assert created["key_encrypted"] is False
        witness = open_witness(tmp_path / "w")
        assert witness.add_checkpoint(LOG.request(0, 9)).answer.status == 200
        assert witness.add_checkpoint(LOG.fork(1).request(9, 9)).conflict
        shown = run_json("show", "w", cwd=tmp_path)
        assert shown["keys"] == created["keys"]
        assert [(log["size"], log["conflict"]) for log in shown["logs"]] == [(9, True), (None, False)]
        told = run("show", "w", cwd=tmp_path)
        assert f"{ORIGIN}: cosigned at 9 entries\n" in told
        assert f"witness {NAME} {created['keys'][0]}\n" in told
        assert "two roots" in told

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    def test_serve_says_where_and_ends_well(self, tmp_path: Path, number: int) -> None:
        """Status 0 when it is asked to end."""
        run("init", "w", "--name", NAME, cwd=tmp_path)
        with subprocess.Popen(
            [*COMMAND, "serve", "w", "--port", "0"], cwd=tmp_path, stdout=subprocess.PIPE, text=True
        ) as child:
            assert child.stdout is not None
            said = child.stdout.readline()
            assert said.startswith(f"Witness {NAME} listens on http://127.0.0.1:")
            child.send_signal(number)
            assert child.wait(30) == 0

    def test_add_log(self, tmp_path: Path) -> None:
        """Once is enough."""
        run("init", "w", "--name", NAME, "--no-post-quantum", cwd=tmp_path)
        assert run_json("add-log", "w", format_vkey(KEY), cwd=tmp_path) == {"added": [format_vkey(KEY)]}
        assert run_json("add-log", "w", format_vkey(KEY), cwd=tmp_path) == {"added": []}
        assert "knows that already" in run("add-log", "w", format_vkey(KEY), cwd=tmp_path)
        assert run_json("show", "w", cwd=tmp_path)["logs"][0]["size"] is None

    def test_what_goes_wrong_has_its_status(self, tmp_path: Path) -> None:
        """2 for input and settings, 3 for what may come back."""
        assert run_json("show", "w", cwd=tmp_path, expect=2)["error"] == "ConfigurationError"
        assert (
            run_json("init", "w", "--name", NAME, "--log", "x", cwd=tmp_path, expect=2)["error"]
            == "InputError"
        )
        run("init", "w", "--name", NAME, "--log", format_vkey(KEY), cwd=tmp_path)
        (tmp_path / "w/state").rename(tmp_path / "w/gone")
        assert run_json("show", "w", cwd=tmp_path, expect=3)["error"] == "UnavailableError"
        with pytest.raises(InputError):
            add_witness_log(tmp_path / "w", VerifierKey("a", SignatureType.ED25519, b""))
