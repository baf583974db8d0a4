"""A part that fails is named with its setting, what it means for the evidence and what to do; nothing is lost."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ordertrail.assembly import create_trail, open_trail
from ordertrail.assembly.probes import probes
from ordertrail.kernel.clock import format_time, utc_now
from ordertrail.kernel.errors import ConfigurationError, OrderTrailError, UnavailableError
from ordertrail.kernel.ids import new_id
from ordertrail.record.event import Actor, Event, Subject
from ordertrail.services import Trail
from ordertrail.settings import Settings
from production.conftest import ORIGIN, Production, settings_of
from servers.authority import TestAuthority


def event() -> Event:
    """Return an event of an order."""
    return Event(
        id=new_id(),
        time=format_time(utc_now()),
        action="order.update",
        actor=Actor("clerk-17", "person"),
        subject=Subject("order", "SO-1", "SO-1"),
    )


def require_told(error: OrderTrailError, *words: str) -> None:
    """Require an error that says what happened, what it means and what to do, naming these."""
    told = error.diagnostics()
    for part in (told.happened, told.meaning, told.remedy):
        assert len(part) > 15, told
    for word in words:
        assert re.search(word, f"{told.happened} {told.meaning} {told.remedy}"), (word, told)


def records_on(trail: Trail) -> int:
    """Record an event, whatever else fails; return how many wait."""
    assert trail.record([event()]).recorded == 1
    return trail.log().log.journal.waiting("default")


def reseal(production: Production, expected: int) -> None:
    """What waited is sealed once the part works again."""
    with production.open() as trail:
        assert trail.seal() == expected
        assert trail.verify().intact


def test_wrong_credentials_of_the_bucket(production: Production, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sealing stops before anything is published; recording goes on."""
    secret = os.environ["AWS_SECRET_ACCESS_KEY"]
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    with production.open() as trail:
        assert records_on(trail) == 1
        with pytest.raises(ConfigurationError) as caught:
            trail.seal()
        require_told(caught.value, "credentials|access key|AWS_")
        assert records_on(trail) == 2
    assert "wrong" not in str(caught.value)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", secret)
    reseal(production, 2)


def test_a_bucket_that_is_gone(production: Production) -> None:
    """Its setting is named."""
    settings = (production.root / "trail.toml").read_text()
    elsewhere = settings.replace(production.bucket.place.bucket, "no-such-bucket-anywhere")
    (production.root / "trail.toml").write_text(elsewhere)
    with production.open() as trail:
        assert records_on(trail) == 1
        with pytest.raises(ConfigurationError) as caught:
            trail.seal()
        require_told(caught.value, "no-such-bucket-anywhere", r"url of \[vault\]")
    (production.root / "trail.toml").write_text(settings)
    reseal(production, 1)


def test_a_store_that_does_not_answer(production: Production) -> None:
    """It may come back: what waits, waits."""
    settings = (production.root / "trail.toml").read_text()
    endpoint = production.bucket.place.endpoint or ""
    (production.root / "trail.toml").write_text(settings.replace(endpoint, "http://127.0.0.1:9"))
    with production.open() as trail:
        assert records_on(trail) == 1
        with pytest.raises(UnavailableError) as caught:
            trail.seal()
        require_told(caught.value, "127.0.0.1:9")
    (production.root / "trail.toml").write_text(settings)
    reseal(production, 1)


def test_wrong_password_of_the_database(production: Production, tmp_path: Path) -> None:
    """A server that is not there or refuses us: the setting is named, the password never."""
    settings = (production.root / "trail.toml").read_text()
    (tmp_path / "password").write_text("geheim-4711\n")
    nobody = settings.replace(production.database.roles.sealer, "nobody_at_all")
    nobody = nobody.replace("lease_seconds", f'password_file = "{tmp_path / "password"}"\nlease_seconds')
    (production.root / "trail.toml").write_text(nobody)
    with pytest.raises(OrderTrailError) as caught:
        production.open()
    require_told(caught.value, r"\[database\]|database\.url")
    assert "geheim-4711" not in repr(caught.value) + str(caught.value.diagnostics())
    (production.root / "trail.toml").write_text(settings)
    reseal(production, 0)


def test_a_clock_off_the_authority_is_told_by_doctor(attested: Production) -> None:
    """More than two seconds beyond doubt: it names the clock, what it means and what to do."""
    off = timedelta(seconds=30)
    found = {
        name: probe()
        for name, probe in probes(attested.root, clock=lambda: datetime.now(UTC) + off)
        if name.startswith("timestamps")
    }
    told = found["timestamps tsa"]
    assert told.level == "failed"
    assert "ahead of" in told.message
    assert "recording and sealing go on" in told.message
    assert "timedatectl" in told.message


def test_an_expired_certificate_of_an_authority(attested: Production, authority: TestAuthority) -> None:
    """Its stamp is refused by name; the checkpoint stands without it."""
    past = datetime.now(UTC) - timedelta(days=30)
    expired = authority.issue("expired", term=(past, past + timedelta(days=10)))
    honest = authority.behave
    authority.behave = lambda query: authority.lie(query, signer=expired)
    try:
        with attested.open() as trail:
            trail.record([event()])
            assert trail.seal() == 1
            seen = trail.attest()
            assert seen is not None
            ((name, reason),) = seen.missing
            assert (name, bool(re.search("expired|not valid|validity", reason))) == ("tsa", True), reason
            assert trail.verify().intact
    finally:
        authority.behave = honest


def test_a_token_that_was_taken_out(attested: Production) -> None:
    """Nothing is sealed and nothing is lost."""
    settings = (attested.root / "trail.toml").read_text()
    (attested.root / "trail.toml").write_text(settings.replace('token = "ordertrail"', 'token = "elsewhere"'))
    with attested.open() as trail:
        assert records_on(trail) == 1
        with pytest.raises(OrderTrailError) as caught:
            trail.seal()
        require_told(caught.value, "elsewhere|signer")
    (attested.root / "trail.toml").write_text(settings)
    reseal(attested, 1)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of four megabytes."""
    place = tmp_path / "small"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(place)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"no file system can be mounted here: {mounted.stderr.decode().strip()}")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_a_full_disk(small_disk: Path, tmp_path: Path) -> None:
    """What was acknowledged is there, what was refused is told, and with room all goes on."""
    root = small_disk / "trail"
    create_trail(root, ORIGIN, settings=Settings(immutable=False)).close()
    acknowledged = 0

    def fill(trail: Trail) -> None:
        nonlocal acknowledged
        for _ in range(1_000):
            acknowledged += trail.record([event() for _ in range(100)]).recorded
            trail.seal()

    with open_trail(root) as trail:
        with pytest.raises(UnavailableError) as caught:
            fill(trail)
        require_told(caught.value, "space|full|disk")
    shutil.copytree(root, tmp_path / "roomy")
    with open_trail(tmp_path / "roomy") as trail:
        trail.seal()
        report = trail.verify()
        assert report.intact, report.findings
        assert report.size >= acknowledged > 0


def test_settings_that_name_nothing_are_named(tmp_path: Path) -> None:
    """Each file that a setting names and that is not there is told with the setting."""
    for setting, text in (
        ("witnesses.policy", '[witnesses]\npolicy = "none"\n'),
        ("timestamps.0.roots", '[[timestamps]]\nname = "a"\nurl = "http://tsa.example"\nroots = "none"\n'),
        ("database.password_file", '[database]\nurl = "postgresql://a@b/c"\npassword_file = "none"\n'),
        ("signer.pin_file", '[signer]\nkind = "pkcs11"\nmodule = "m"\ntoken = "t"\npin_file = "none"\n'),
    ):
        (tmp_path / "settings.toml").write_text(f"version = 1\nimmutable = false\n{text}")
        with pytest.raises(ConfigurationError) as caught:
            create_trail(tmp_path / setting, ORIGIN, settings_file=tmp_path / "settings.toml")
        require_told(caught.value, re.escape(setting))


def test_nothing_of_a_trail_in_production_needs_its_own_files(production: Production) -> None:
    """The directory holds settings and keys, and no evidence."""
    kept = {path.name for path in production.root.iterdir()}
    assert kept <= {"trail.toml", "keys", "write-once.json", "blobs"}
    assert settings_of(production.database, production.bucket) == (production.root / "trail.toml").read_text()
