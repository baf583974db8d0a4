"""The command line as a user meets it: real processes, real files, exit statuses."""

import gzip
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import zstandard

from ordertrail.kernel.ids import new_id
from ordertrail.testing.story import order_story

COMMAND = [str(Path(sys.executable).with_name("ordertrail"))]
STORY = [line.rstrip(b"\n") for line in order_story()]


Env = dict[str, str] | None


def run(*arguments: str | Path, cwd: Path, stdin: bytes = b"", expect: int = 0, env: Env = None) -> str:
    """Run a verb; its output, once it ended with the status expected."""
    done = subprocess.run(
        [*COMMAND, *map(str, arguments)],
        cwd=cwd,
        input=stdin,
        capture_output=True,
        check=False,
        env=os.environ | (env or {}),
    )
    told = done.stdout.decode() + done.stderr.decode()
    assert done.returncode == expect, told
    assert "Traceback" not in told
    return done.stdout.decode() if expect == 0 or "--json" in arguments else told


def run_json(*arguments: str | Path, cwd: Path, stdin: bytes = b"", expect: int = 0) -> dict[str, Any]:
    """Run a verb with --json; what it said."""
    said: dict[str, Any] = json.loads(run(*arguments, "--json", cwd=cwd, stdin=stdin, expect=expect))
    return said


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with a trail that holds the story."""
    home = tmp_path_factory.mktemp("home")
    run("init", "--no-immutable", "--origin", "shop.example/log", cwd=home)
    (home / "story.jsonl").write_bytes(b"\n".join(STORY))
    said = run_json("record", "story.jsonl", cwd=home)
    assert said["recorded"] == said["sealed"] == said["size"] == len(STORY)
    return home


def test_status_and_verify_say_that_all_is_well(recorded: Path) -> None:
    """After recording, everything is sealed, published and intact; nothing waits."""
    status = run_json("status", cwd=recorded)["streams"][0]
    assert status["size"] == status["published"] == len(STORY)
    assert status["waiting"] == 0
    assert status["immutable"] is False
    report = run_json("verify", cwd=recorded)
    assert report["intact"]
    assert report["verdict"].startswith(f"All {len(STORY):,} events")
    assert "✓ All" in run("verify", "--anchor", "trail/log/checkpoint", cwd=recorded)


def test_a_trail_at_rest_has_the_published_layout(recorded: Path) -> None:
    """The tree is where C2SP says, the keys file begins with the log's key, private keys are private."""
    log = recorded / "trail" / "log"
    key = (log / "keys.txt").read_text().splitlines()[0]
    assert key.startswith("shop.example/log+")
    assert (log / "checkpoint").read_text().startswith(f"shop.example/log\n{len(STORY)}\n")
    assert (log / "tile" / "entries" / "000").exists()
    assert (log / "tile" / "0" / "000").stat().st_size == 8192
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in (recorded / "trail" / "keys").iterdir())
    assert not (log / "tile" / "0" / "000").stat().st_mode & 0o222


def test_recording_again_adds_nothing(recorded: Path) -> None:
    """Ids are idempotency keys: the same file again is known already, other content is refused."""
    said = run_json("record", "story.jsonl", cwd=recorded)
    assert (said["recorded"], said["repeated"], said["size"]) == (0, len(STORY), len(STORY))
    changed = json.loads(STORY[0]) | {"action": "order.read"}
    said = run_json("record", "-", cwd=recorded, stdin=json.dumps(changed).encode(), expect=2)
    assert said["refused"][0]["problems"][0]["path"] == "id"
    assert said["size"] == len(STORY)


def test_history_show_prove_check(recorded: Path, tmp_path: Path) -> None:
    """An order's story is proven; one event is shown, proven to a file, and checked without the trail."""
    event = json.loads(STORY[-1])
    story = run_json("history", event["subject"]["order"], cwd=recorded)
    assert story["problems"] == []
    assert story["proven"] == len(story["events"])
    assert [one["number"] for one in story["events"]] == list(range(1, len(story["events"]) + 1))
    assert event["actor"]["id"] in run("show", event["id"], cwd=recorded)
    said = run_json("prove", event["id"], "--out", tmp_path, cwd=recorded)
    (proof, entry), key = map(Path, said["files"]), said["keys"][0]
    assert run_json("check", proof, "--key", key, cwd=tmp_path)["holds"]
    entry.write_bytes(entry.read_bytes().replace(b"success", b"denied!", 1))
    broken = run_json("check", proof, "--key", key, cwd=tmp_path, expect=1)
    assert broken["error"] == "EvidenceError"
    other = "shop.example/log+00000000+AQ=="
    run("check", proof, "--key", other, cwd=tmp_path, expect=2)
    run("check", proof, cwd=tmp_path, expect=2)


def test_a_bundle_proves_a_whole_order(recorded: Path, tmp_path: Path) -> None:
    """Every event of an order goes into one file, which checks offline; a changed byte in it is refused."""
    order = json.loads(STORY[-1])["subject"]["order"]
    bundle = tmp_path / "order.zip"
    said = run_json("prove", "--order", order, "--bundle", bundle, cwd=recorded)
    key = recorded / "trail" / "log" / "keys.txt"
    checked = run_json("check", bundle, "--key", key, cwd=tmp_path)
    assert len(checked["steps"]) == len(said["proven"]) == run_json("history", order, cwd=recorded)["proven"]
    data = bytearray(bundle.read_bytes())
    data[len(data) // 3] ^= 1
    bundle.write_bytes(data)
    assert run_json("check", bundle, "--key", key, cwd=tmp_path, expect=2)["error"] == "InputError"


def test_checkpoints_kept_elsewhere_catch_a_rollback(recorded: Path, tmp_path: Path) -> None:
    """A checkpoint kept elsewhere is continued by the trail, and a trail rolled back behind it is caught."""
    home = tmp_path / "home"
    shutil.copytree(recorded, home)
    old = tmp_path / "old.checkpoint"
    shutil.copy(home / "trail" / "log" / "checkpoint", old)
    shutil.copytree(home / "trail", tmp_path / "yesterday")
    run("record", "-", cwd=home, stdin=json.dumps(json.loads(STORY[0]) | {"id": new_id()}).encode())
    kept = tmp_path / "kept.checkpoint"
    shutil.copy(home / "trail" / "log" / "checkpoint", kept)
    key = home / "trail" / "log" / "keys.txt"
    said = run("check", old, kept, "--key", key, "--log", home / "trail" / "log", cwd=tmp_path)
    assert "nothing was changed or removed" in said
    run("verify", "--anchor", old, "--anchor", kept, cwd=home)
    shutil.rmtree(home / "trail")
    shutil.copytree(tmp_path / "yesterday", home / "trail")
    assert run_json("verify", cwd=home)["intact"]
    report = run_json("verify", "--anchor", kept, cwd=home, expect=1)
    assert "rolled back" in report["first"]["message"]


def test_rotation_incremental_and_resumed_checks(recorded: Path, tmp_path: Path) -> None:
    """After a rotation all still verifies, also only from the last good checkpoint on."""
    home = tmp_path / "home"
    shutil.copytree(recorded, home)
    before = run_json("keys", "list", cwd=home)["keys"]
    run("verify", cwd=home)
    rotated = run_json("keys", "rotate", cwd=home)
    assert len(before) == 1
    assert rotated["first"] == len(STORY) + 1
    assert (home / "trail" / "log" / "keys.txt").read_text().splitlines()[0] == rotated["key"]
    report = run_json("verify", "--since", "last", cwd=home)
    assert (report["intact"], report["since"], report["counts"]["entries"]) == (True, len(STORY), 1)
    assert run_json("verify", "--resume", cwd=home)["intact"]
    assert run_json("verify", cwd=home)["counts"]["entries"] == len(STORY) + 1


@pytest.mark.parametrize("pack", [bytes, gzip.compress, zstandard.compress])
def test_packed_input(pack: Any, recorded: Path, tmp_path: Path) -> None:
    """Plain, gzip and zstd files are told by their content."""
    home = tmp_path / "home"
    shutil.copytree(recorded, home)
    event = json.dumps(json.loads(STORY[0]) | {"id": new_id()}).encode() + b"\n"
    (home / "more").write_bytes(pack(event))
    assert run_json("record", "more", cwd=home)["recorded"] == 1


def test_bad_lines_are_named_and_good_ones_kept(recorded: Path, tmp_path: Path) -> None:
    """Each bad line is refused with all its problems; the good lines of the same input are recorded."""
    home = tmp_path / "home"
    shutil.copytree(recorded, home)
    good = json.dumps(json.loads(STORY[0]) | {"id": new_id()}).encode()
    bad = json.dumps(json.loads(STORY[1]) | {"id": new_id(), "action": "x.y", "time": "today"}).encode()
    source = b"\n".join((good, bad, b"{", good.replace(b"success", b"\xff")))
    said = run_json("record", "-", cwd=home, stdin=source, expect=2)
    assert said["recorded"] == 1
    assert [one["place"] for one in said["refused"]] == ["line 2", "line 3", "line 4"]
    assert {problem["path"] for problem in said["refused"][0]["problems"]} == {"action", "time"}
    text = run("record", "-", cwd=home, stdin=source, expect=2)
    assert "line 2: action: 'x.y' is not in the action catalogue" in text
    truncated = gzip.compress(b"\n".join([good.replace(b"success", b"failed")] * 3))[:-20]
    (home / "cut.gz").write_bytes(truncated)
    assert run_json("record", "cut.gz", cwd=home, expect=2)["refused"][-1]["place"]


def test_all_or_nothing_records_nothing_of_a_bad_input(recorded: Path, tmp_path: Path) -> None:
    """Asked for, one bad line refuses the whole input."""
    home = tmp_path / "home"
    shutil.copytree(recorded, home)
    good = json.dumps(json.loads(STORY[0]) | {"id": new_id()}).encode()
    said = run_json("record", "-", "--all-or-nothing", cwd=home, stdin=good + b"\n{", expect=2)
    assert said["problems"][0]["path"] == "line 2"
    assert run_json("status", cwd=home)["streams"][0]["size"] == len(STORY)


def test_only_one_process_seals(recorded: Path, tmp_path: Path) -> None:
    """While one process seals, another records, and is told who seals."""
    home = tmp_path / "home"
    shutil.copytree(recorded, home)
    holder = (
        "import ordertrail, sys\n"
        "with ordertrail.open('trail') as trail, trail.sequencing():\n"
        "    print('held', flush=True)\n"
        "    sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", holder], cwd=home, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        event = json.dumps(json.loads(STORY[0]) | {"id": new_id()}).encode()
        said = run_json("record", "-", cwd=home, stdin=event)
        assert said["recorded"] == 1
        assert "is sealing this trail" in said["not_sealed"]
        refused = run_json("seal", cwd=home, expect=3)
        assert "process" in refused["happened"]
        process.communicate(b"")
    assert run_json("seal", cwd=home)["sealed"] == 1
    assert run_json("verify", cwd=home)["intact"]


def test_errors_say_what_to_do(tmp_path: Path) -> None:
    """No trail, a wrong verb, an existing directory, an unknown event: status 2 and a remedy."""
    assert "ordertrail init" in run("status", cwd=tmp_path, expect=2)
    assert run_json("verify", cwd=tmp_path, expect=2)["error"] == "ConfigurationError"
    run("frobnicate", cwd=tmp_path, expect=2)
    (tmp_path / "trail").mkdir()
    (tmp_path / "trail" / "x").touch()
    assert "not an empty directory" in run("init", cwd=tmp_path, expect=2)


def test_unknown_things_are_input_errors(recorded: Path) -> None:
    """An event or order that the trail does not hold is said so."""
    assert "no sealed event has the id" in run("show", new_id(), cwd=recorded, expect=2)
    assert "no sealed event of order" in run("history", "SO-none", cwd=recorded, expect=2)
    run("record", "missing.jsonl", cwd=recorded, expect=2)


def test_encrypted_keys_need_their_passphrase(tmp_path: Path) -> None:
    """With a passphrase the key is encrypted at rest: without it nothing is sealed, and nothing is lost."""
    (tmp_path / "secret").write_text("correct horse\n")
    secret = {"ORDERTRAIL_PASSPHRASE_FILE": str(tmp_path / "secret")}
    run("init", "--no-immutable", cwd=tmp_path, env=secret)
    pem = next((tmp_path / "trail" / "keys").glob("*.pem")).read_text()
    assert "ENCRYPTED" in pem
    event = json.dumps(json.loads(STORY[0]) | {"id": new_id()}).encode()
    assert "1 event recorded and not sealed yet" in run("record", "-", cwd=tmp_path, stdin=event, expect=2)
    assert "passphrase" in run("seal", cwd=tmp_path, expect=2)
    run("verify", cwd=tmp_path)
    assert run_json("status", cwd=tmp_path)["streams"][0]["key_encrypted"]
    run("seal", cwd=tmp_path, env=secret)
    run("verify", cwd=tmp_path, env=secret)
    assert run_json("status", cwd=tmp_path)["streams"][0]["size"] == 1


def test_proofs_from_before_a_rotation_check_with_the_older_keys(recorded: Path, tmp_path: Path) -> None:
    """The new key alone does not vouch for an old proof, and the check says why; with all keys it holds."""
    home = tmp_path / "home"
    shutil.copytree(recorded, home)
    proof = run_json("prove", json.loads(STORY[0])["id"], cwd=home)["files"][0]
    old = tmp_path / "old.checkpoint"
    shutil.copy(home / "trail" / "log" / "checkpoint", old)
    run("keys", "rotate", cwd=home)
    assert "you trust" in run("check", proof, "--key", "trail/log/keys.txt", cwd=home, expect=1)
    (home / "all.txt").write_text(run("keys", "list", "--plain", cwd=home))
    assert run_json("check", proof, "--key", "all.txt", cwd=home)["holds"]
    pair = ("check", old, "trail/log/checkpoint", "--key", "all.txt")
    run(*pair, "--log", "trail/log", cwd=home)
    assert "--log" in run(*pair, cwd=home, expect=2)


def test_post_quantum_signatures(tmp_path: Path) -> None:
    """Asked for, published checkpoints carry an ML-DSA-44 signature too, and lose nothing by it."""
    run("init", "--no-immutable", "--post-quantum", cwd=tmp_path)
    run("record", "-", cwd=tmp_path, stdin=STORY[0])
    assert len((tmp_path / "trail" / "log" / "keys.txt").read_text().splitlines()) == 2
    assert run_json("verify", cwd=tmp_path)["intact"]
    checkpoint = tmp_path / "trail" / "log" / "checkpoint"
    text = checkpoint.read_text()
    assert text.count("\n— ") == 2
    checkpoint.write_text(text[:-10] + ("A" if text[-10] != "A" else "B") + text[-9:])
    assert run_json("verify", cwd=tmp_path, expect=1)["first"]["name"] == "signature"


def test_doctor(recorded: Path, tmp_path: Path) -> None:
    """The doctor finds a healthy trail healthy, and a key that others can read not."""
    assert run_json("doctor", cwd=recorded)["healthy"]
    home = tmp_path / "home"
    shutil.copytree(recorded, home)
    next((home / "trail" / "keys").glob("*.pem")).chmod(0o644)
    assert "chmod 600" in run("doctor", cwd=home, expect=2)
    assert not run_json("doctor", "--trail", tmp_path / "none", cwd=home, expect=2)["healthy"]


def test_import_of_a_small_log(recorded: Path, tmp_path: Path) -> None:
    """An event log is imported through a mapping that ships; a second import adds nothing."""
    home = tmp_path / "home"
    shutil.copytree(recorded, home)
    (home / "log.csv").write_text(
        "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"
        "536365,85123A,HOLDER,6,2010-12-01 08:26:00,2.55,17850.0,United Kingdom\n"
        "C536366,71053,LANTERN,-6,2010-12-01 08:27:00,3.39,17850.0,United Kingdom\n"
        "536367,71053,LANTERN,many,2010-12-01 08:27:00,3.39,17850.0,United Kingdom\n"
    )
    said = run_json("import", "log.csv", "--mapping", "online-retail", cwd=home, expect=2)
    assert said["recorded"] == 2
    assert len(said["refused"]) == 1
    again = run_json("import", "log.csv", "--mapping", "online-retail", cwd=home, expect=2)
    assert (again["recorded"], again["repeated"]) == (0, 2)
    assert run_json("history", "536365", cwd=home)["proven"] == 1


def test_version_and_help(tmp_path: Path) -> None:
    """The command tells its version, and every verb explains itself."""
    assert run("--version", cwd=tmp_path).startswith("ordertrail ")
    for verb in (
        "init",
        "record",
        "import",
        "seal",
        "status",
        "verify",
        "prove",
        "check",
        "history",
        "show",
        "doctor",
    ):
        assert "--json" in run(verb, "--help", cwd=tmp_path)
