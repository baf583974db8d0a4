"""``ordertrail bundle``, ``case`` and ``check`` on a bundle, as one types them."""

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from evidence.altering import flipped, with_member
from evidence.richly import Rich, event, order
from ordertrail.assembly import create_trail
from ordertrail.cli import bundle, cases
from ordertrail.cli.check import check
from ordertrail.evidence import layout
from ordertrail.evidence.opening import BrokenBundleError
from ordertrail.kernel.errors import InputError
from ordertrail.settings import Settings

app = typer.Typer()
app.add_typer(bundle.app, name="bundle")
app.add_typer(cases.app, name="case")
app.command("check")(check)


def run(*words: str) -> Result:
    """Run a command; what it raises is the command line's to tell."""
    result = CliRunner().invoke(app, list(words))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory with a trail of two orders in it, in which one types."""
    monkeypatch.chdir(tmp_path)
    with create_trail(tmp_path / "trail", "shop.example/orders", settings=Settings(immutable=False)) as trail:
        trail.record([event("order.create", order(f"SO-{number}")) for number in range(3)])
        trail.seal()
        (tmp_path / "key.txt").write_text(trail.keys()[-1].vkey)
    return tmp_path


class TestBundle:
    """Make, check, hand over."""

    def test_made_and_checked(self, place: Path) -> None:
        """With the key it holds; without one the status says that nobody vouches."""
        made = run("bundle", "make", "b.zip", "--order", "SO-1", "--reason", "audit", "--by", "anna")
        assert "The bundle proves 1 event of shop.example/orders: order SO-1." in made.stdout
        checked = run("check", "b.zip", "--key", "key.txt")
        assert checked.exit_code == 0
        assert "6 custody: made by anna" in checked.stdout
        unvouched = run("check", "b.zip")
        assert unvouched.exit_code == 2
        assert "you named no key" in unvouched.stdout
        told = json.loads(run("check", "b.zip", "--key", "key.txt", "--json").stdout)
        assert (told["holds"], told["vouched"], len(told["events"])) == (True, True, 1)
        assert (place / "trail" / "bundles").is_dir()

    def test_it_is_linked_fetched_and_received(self, place: Path) -> None:
        """Who had it is told in order."""
        run("bundle", "make", "b.zip", "--order", "SO-1", "--reason", "audit", "--by", "anna")
        name = json.loads(run("bundle", "list", "--json").stdout)["bundles"][0]["bundle"]
        link = run("bundle", "link", name, "--for", "court", "--by", "anna").stdout.strip()
        run("bundle", "fetch", link, "copy.zip", "--by", "ben")
        run("bundle", "receive", name, "--from", "court", "--by", "anna")
        run("bundle", "withdraw", link, "--by", "anna")
        with pytest.raises(InputError):
            run("bundle", "fetch", link, "again.zip")
        assert (place / "copy.zip").read_bytes() == (place / "b.zip").read_bytes()
        told = json.loads(run("bundle", "show", name, "--json").stdout)["custody"]
        assert [act["what"] for act in told] == ["made", "linked", "downloaded", "received", "withdrawn"]

    def test_what_cannot_be_meant_is_refused(self, place: Path) -> None:
        """Nothing chosen, no reason, an order that is not there, a file that is."""
        (place / "there.zip").write_bytes(b"")
        for words in (
            ("b.zip", "--reason", "x"),
            ("b.zip", "--order", "SO-1"),
            ("b.zip", "--order", "SO-77", "--reason", "x"),
            ("there.zip", "--order", "SO-1", "--reason", "x"),
        ):
            with pytest.raises(InputError):
                run("bundle", "make", *words)

    def test_an_altered_one_is_refused_with_the_step(self, rich: Rich, tmp_path: Path) -> None:
        """The error names it."""
        file, key = tmp_path / "bad.zip", rich.vkeys[0]
        file.write_bytes(with_member(rich.bundle.data, layout.REPORT, lambda data: flipped(data, 3)))
        with pytest.raises(BrokenBundleError, match=r"step 1 content: report\.pdf was altered"):
            run("check", str(file), "--key", key)

    def test_a_readers_own_policy_and_roots_are_asked(self, rich: Rich, tmp_path: Path) -> None:
        """A quorum of one's own witnesses, and authorities whose roots one has oneself."""
        file, policy, other = tmp_path / "b.zip", tmp_path / "mine.txt", tmp_path / "other.txt"
        file.write_bytes(rich.bundle.data)
        witness = (rich.root / "witnesses.policy").read_text().splitlines()[0]
        policy.write_text(f"log {rich.vkeys[-1]}\n{witness}\nquorum w1\n")
        roots = str(rich.root / "roots.pem")
        assert run("check", str(file), "--policy", str(policy), "--roots", roots).exit_code == 0
        stranger = "witness other sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"
        other.write_text(f"log {rich.vkeys[-1]}\n{stranger}\nquorum other\n")
        with pytest.raises(BrokenBundleError, match="step 3 signature: the quorum 'other' is not reached"):
            run("check", str(file), "--policy", str(other))


def test_a_case_from_its_opening_to_its_bundle(place: Path) -> None:
    """Opened, sampled, submitted, signed by another, taken out."""
    opened = json.loads(
        run("case", "open", "Prices", "--template", "price-override", "--by", "anna", "--json").stdout
    )
    name = opened["case"]
    drawn = run(
        "case",
        "sample",
        name,
        "--size",
        "2",
        "--seed",
        "dice: 4 2 6",
        "--filter",
        "action:order.create",
        "--by",
        "anna",
    )
    assert "Drew 2 events of 3 by random" in drawn.stdout
    run("case", "submit", name, "--by", "anna")
    with pytest.raises(InputError, match="prepared this case"):
        run("case", "sign", name, "--by", "anna")
    assert "is signed" in run("case", "sign", name, "--by", "ben").stdout
    assert "signed off by ben" in run("case", "show", name).stdout
    assert name in run("case", "list").stdout
    made = run("bundle", "make", "case.zip", "--case", name, "--reason", "for the auditor", "--by", "anna")
    assert "case Prices: 2 single events" in made.stdout
    assert run("check", "case.zip", "--key", "key.txt").exit_code == 0
    assert (place / "trail" / "evidence.db").exists()
