"""What the documents say about a bus is what the tests run."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def accounts_of(configuration: str) -> str:
    """Return the accounts of a server's configuration, without remarks, blanks and passwords."""
    plain = re.sub(r"\s#.*", "", configuration[configuration.index("\naccounts {") :])
    return re.sub(r"\s+", " ", re.sub(r"password: [^,}]+", "password", plain)).strip()


def test_the_how_to_gives_the_rights_that_are_tried() -> None:
    """Promise: whoever copies the configuration of the how-to has the rights under which all is tested."""
    how_to = (ROOT / "docs/howto/spread-over-sequencers.md").read_text()
    told = next(block for block in how_to.split("```") if "\naccounts {" in block)
    ours = (ROOT / "tests/servers/nats.conf").read_text()
    assert accounts_of(told) == accounts_of(ours)
    assert "permissions: {" in accounts_of(ours)
    assert "sync_interval: always" in told
    assert "sync_interval: always" in ours
