"""What ``deploy/`` holds is well-formed for those who run it, and names verbs, settings and paths that there are."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from configparser import RawConfigParser
from pathlib import Path
from typing import Any

import kubernetes_validate  # type: ignore[import-untyped]
import pytest
import typer
import yaml

from ordertrail.cli.main import app
from ordertrail.settings import parse_settings

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
UNITS = sorted((DEPLOY / "systemd").iterdir())
SERVICES = [path for path in UNITS if path.suffix == ".service"]
MANIFESTS: list[dict[str, Any]] = list(
    yaml.safe_load_all((DEPLOY / "kubernetes/ordertrail.yaml").read_text())
)
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
EXPOSED = 2.0
"""Of ten: what systemd-analyze may say that a unit is exposed by."""


def pods() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every pod of the manifests, by the name of what makes it."""
    for one in MANIFESTS:
        spec = one.get("spec", {})
        template = spec.get("jobTemplate", {}).get("spec", spec).get("template")
        if template:
            yield one["metadata"]["name"], template["spec"]


def commands() -> Iterator[tuple[str, Sequence[str]]]:
    """Yield what each file runs of ours."""
    for path in SERVICES:
        yield path.name, unit(path)["Service"]["ExecStart"].split()[1:]
    for name, pod in pods():
        yield name, pod["containers"][0]["args"]
    for name, service in COMPOSE["services"].items():
        if name != "database":
            yield f"compose {name}", service["command"]


def unit(path: Path) -> Mapping[str, Mapping[str, str]]:
    """Read a unit; of what stands in it more than once, the last."""
    parser = RawConfigParser(strict=False)
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read(path)
    return parser


@pytest.mark.parametrize("manifest", MANIFESTS, ids=lambda one: f"{one['kind']}/{one['metadata']['name']}")
def test_each_manifest_is_what_kubernetes_takes(manifest: dict[str, Any]) -> None:
    """The published schema of its kind, with no field that it does not know."""
    kubernetes_validate.validate(manifest, "1.32", strict=True)


@pytest.mark.parametrize(("name", "pod"), list(pods()), ids=lambda one: one if isinstance(one, str) else "")
def test_pods_are_confined(name: str, pod: dict[str, Any]) -> None:
    """No root, nothing written but what is mounted for it, no capability, no token, bounded memory."""
    assert pod["securityContext"]["runAsNonRoot"], name
    assert pod["automountServiceAccountToken"] is False
    for one in pod["containers"]:
        confined = one["securityContext"]
        assert confined["readOnlyRootFilesystem"]
        assert not confined["allowPrivilegeEscalation"]
        assert confined["capabilities"] == {"drop": ["ALL"]}
        assert one["resources"]["limits"]["memory"]
        assert {mount["name"] for mount in one["volumeMounts"]} <= {
            volume["name"] for volume in pod["volumes"]
        }


def test_selectors_choose_the_pods_that_are_meant() -> None:
    """Service, budget and policy name labels that pods of exactly one deployment have."""
    labels = {
        one["metadata"]["name"]: one["spec"]["template"]["metadata"]["labels"]
        for one in MANIFESTS
        if one["kind"] == "Deployment"
    }
    for one in MANIFESTS:
        spec = one.get("spec", {})
        selector = {
            "Deployment": lambda spec=spec: spec["selector"]["matchLabels"],
            "Service": lambda spec=spec: spec["selector"],
            "PodDisruptionBudget": lambda spec=spec: spec["selector"]["matchLabels"],
        }.get(one["kind"])
        if selector is not None:
            chosen = [name for name, own in labels.items() if selector().items() <= own.items()]
            assert chosen == [one["metadata"]["name"]]


def test_containers_of_compose_are_confined() -> None:
    """Ours run without root, on a file system that they cannot write, and no secret stands in the file."""
    for name, service in COMPOSE["services"].items():
        if name != "database":
            assert (service["read_only"], service["cap_drop"], service["user"]) == (
                True,
                ["ALL"],
                "10001:10001",
            )
    assert "password:" not in (DEPLOY / "compose.yaml").read_text().replace("-password:", "").lower()
    for kind in ("volumes", "networks", "secrets"):
        used = {
            str(one).split(":")[0]
            for service in COMPOSE["services"].values()
            for one in service.get(kind, ())
        }
        assert used == set(COMPOSE[kind])


def test_the_container_file_is_clean() -> None:
    """Hadolint finds nothing."""
    tool = Path(sys.executable).parent / "hadolint"
    done = subprocess.run(
        [str(tool), str(DEPLOY / "container/Dockerfile")], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "")


def test_the_container_runs_what_it_should_as_whom_it_should() -> None:
    """Not root, dependencies by their hashes, a health check, and only files that there are."""
    text = (DEPLOY / "container/Dockerfile").read_text()
    stages = text.split("\nFROM ")
    assert "USER 10001:10001" in stages[-1]
    assert "HEALTHCHECK" in stages[-1]
    assert "--require-hashes" in text
    for line in re.findall(r"^COPY (?!--from)(.+) \S+$", text, re.MULTILINE):
        assert all((ROOT / name).exists() for name in line.split()), line
    kept = (DEPLOY / "container/Dockerfile.dockerignore").read_text().split()
    assert all((ROOT / one[1:]).exists() for one in kept if one.startswith("!"))


def test_the_container_s_dependencies_are_locked() -> None:
    """Every requirement has one version and its hashes."""
    lines = (DEPLOY / "container/requirements.txt").read_text().replace("\\\n", " ").split("\n")
    named = [line for line in lines if line and not line.lstrip().startswith("#")]
    assert len(named) > 40
    assert all(re.match(r"[a-z0-9._-]+(\[[a-z,-]+\])?==\S+ .*--hash=sha256:", line) for line in named)


@pytest.mark.parametrize(
    ("name", "words"), list(commands()), ids=lambda one: one if isinstance(one, str) else ""
)
def test_what_is_run_is_a_verb_with_options_that_it_has(name: str, words: Sequence[str]) -> None:
    """No file runs a verb or an option that the command line does not know."""
    command: Any = typer.main.get_command(app)
    rest = list(words)
    while getattr(command, "commands", None):
        command = command.commands[rest.pop(0)]
    known = {text for one in command.params for text in (*one.opts, *one.secondary_opts)}
    assert {word for word in rest if word.startswith("-")} <= known, name


def test_settings_of_the_manifests_are_settings() -> None:
    """The ConfigMap's trail.toml is read as a trail's would be."""
    settings = next(one for one in MANIFESTS if one["kind"] == "ConfigMap")["data"]["trail.toml"]
    assert parse_settings(settings).serve.public_url == "https://trail.example.com"


@pytest.mark.parametrize("path", UNITS, ids=lambda one: one.name)
def test_units_are_what_systemd_takes(path: Path, tmp_path: Path) -> None:
    """systemd-analyze finds nothing but that our program is not installed here."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not here")
    for one in UNITS:
        text = (
            one.read_text()
            .replace("/opt/ordertrail/bin/ordertrail", "/bin/true")
            .replace("User=ordertrail\n", "")
        )
        (tmp_path / one.name).write_text(text.replace("Group=ordertrail\n", ""))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(tmp_path / path.name)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert [line for line in done.stderr.splitlines() if str(tmp_path) in line or path.name in line] == []


@pytest.mark.parametrize("path", SERVICES, ids=lambda one: one.name)
def test_services_are_hardened(path: Path) -> None:
    """What systemd-analyze counts as exposed stays low, and nothing of ours is named that is not there."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not here")
    limit = int(EXPOSED * 10)
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", f"--threshold={limit}", str(path)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-500:]
    assert unit(path)["Service"]["SystemCallErrorNumber"] == "EPERM"


def test_every_timer_has_its_service() -> None:
    """A timer begins the service of its name."""
    assert all(path.with_suffix(".service").exists() for path in UNITS if path.suffix == ".timer")
