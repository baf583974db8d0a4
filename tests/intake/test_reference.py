"""The page about channels names each that is shipped, and no other."""

import re

from docs.blocks import ROOT
from ordertrail.intake.channel import BUILT_IN, open_channel

TEXT = (ROOT / "docs/reference/channels.md").read_text()


def test_every_channel_is_documented_and_opens() -> None:
    """In the table, in order; each has the name that it is opened by."""
    assert re.findall(r"^\| `(\w+)` \| [^|]+ \| [^|]+ \| [^|]+ \|$", TEXT, re.MULTILINE) == sorted(BUILT_IN)
    assert [open_channel(name).name for name in BUILT_IN] == list(BUILT_IN)
