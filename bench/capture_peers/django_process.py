"""What a process does for a library under Django: sets Django up with it, and only then imports the work.

    python -m bench.capture_peers.django_process WORK MODULE VENDOR WHERE

``WORK`` is ``django_matrix`` or ``django_overhead``. Says one JSON object a line.
"""

import os
import sys
from importlib import import_module

import django

_PEERS = {name: f"{name}.peer" for name in ("shop_auditlog", "shop_simple_history", "shop_pghistory")}


def main() -> None:
    """Set Django up, and do the work."""
    work, module, vendor, where = sys.argv[1:]
    os.environ["CAPTURE_PEER"] = module
    os.environ["DJANGO_SETTINGS_MODULE"] = "bench.capture_peers.django_settings"
    django.setup()
    peer = import_module(f"bench.capture_peers.{_PEERS.get(module, module)}").peer()
    import_module(f"bench.capture_peers.{work}").work(peer, vendor, where)


if __name__ == "__main__":
    main()
