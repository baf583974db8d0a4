"""What is installed in the environment that this runs in: ``python -m bench.capture_peers.versions NAME…``."""

import json
import sys
from importlib import metadata


def main() -> None:
    """Say the versions of packages as a JSON object; of one that is not installed, nothing."""
    found = {}
    for name in sys.argv[1:]:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
