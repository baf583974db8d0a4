"""``make bench``: measure every figure that the project claims, and its peers beside it, in one run.

Usage: ``bench/run.py [--quick | --full] [--only SECTION,…] [--json] [--dir DIR]``, of the sections seal, postgresql,
latency, proof, verify, memory, s3, peers, capture, capture-django, capture-guard and capture-peers.
"""

import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    from bench.command import main

    sys.exit(main())
