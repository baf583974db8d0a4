"""The built wheel: works without the repository, and verifies with nothing but ``cryptography`` installed."""

import json
import subprocess
import sys
import venv
from importlib.metadata import version
from pathlib import Path

import pytest

import ordertrail
from ordertrail.testing.story import order_story

ROOT = Path(__file__).parents[2]

VERIFY = """
import sys, json
from pathlib import Path
from ordertrail.ledger.verify.offline import check_entry
from ordertrail.ledger.vkey import parse_vkey
import ordertrail.ledger.verify.full, ordertrail.ledger.verify.segment
proof, entry, key = sys.argv[1:]
checked = check_entry(Path(proof).read_bytes(), Path(entry).read_bytes(), (parse_vkey(key),))
loaded = sorted({name.split(".")[0] for name in sys.modules} & {"msgspec", "orjson", "sqlalchemy", "typer", "rich"})
print(json.dumps({"verdict": checked.verdict, "loaded": loaded}))
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from the source tree."""
    out = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", out],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    return next(out.glob("*.whl"))


def install(home: Path, *packages: str | Path) -> Path:
    """Make a new virtual environment with these packages; return its Python."""
    venv.create(home, with_pip=True)
    python = home / "bin" / "python"
    install_into(python, *packages)
    return python


def install_into(python: Path, *arguments: str | Path) -> None:
    """Install packages into an environment."""
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, *map(str, arguments)], check=True, capture_output=True)


def test_the_verifier_needs_only_cryptography(wheel: Path, tmp_path: Path) -> None:
    """A court's laptop with the wheel and ``cryptography`` checks a proof; nothing else is there to import."""
    with ordertrail.create(tmp_path / "trail", "shop.example/log", immutable=False) as trail:
        list(trail.record_lines((f"line {n}", line) for n, line in enumerate(order_story(orders=3))))
        trail.seal()
        event = json.loads(next(order_story(orders=3)))
        proof = trail.prove(event["id"])
        key = trail.keys()[-1].vkey
    from ordertrail.ledger.tlog_proof import format_tlog_proof

    (tmp_path / "p.tlog-proof").write_bytes(format_tlog_proof(proof.proof))
    (tmp_path / "p.json").write_bytes(proof.sealed.row.entry)
    python = install(tmp_path / "venv", f"cryptography=={version('cryptography')}")
    install_into(python, "--no-deps", wheel)
    done = subprocess.run(
        [python, "-c", VERIFY, tmp_path / "p.tlog-proof", tmp_path / "p.json", key],
        check=True, capture_output=True, cwd=tmp_path,
    )  # fmt: skip
    said = json.loads(done.stdout)
    assert said["verdict"].startswith(f"Event {event['id']} is entry 0")
    assert said["loaded"] == []


def test_an_installed_wheel_needs_no_repository(wheel: Path, tmp_path: Path) -> None:
    """Installed with its dependencies it creates, records, seals and verifies, shipped files and all."""
    python = install(tmp_path / "venv", wheel)
    command = python.with_name("ordertrail")
    (tmp_path / "story.jsonl").write_bytes(
        b"".join(line.rstrip(b"\n") + b"\n" for line in order_story(orders=3))
    )
    for verb in (["init", "--no-immutable"], ["record", "story.jsonl"], ["verify"]):
        done = subprocess.run([str(command), *verb], cwd=tmp_path, check=False, capture_output=True)
        assert done.returncode == 0, done.stderr.decode()
    assert b"are intact" in done.stdout
