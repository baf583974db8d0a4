"""A sequencer in a process of its own, as ``ordertrail streams follow`` runs it: ``sequencer.py TRAIL NAME``."""

import sys

from ordertrail.cli.streams import app

if __name__ == "__main__":
    app(["follow", "--trail", sys.argv[1], "--name", sys.argv[2], "--json"])
