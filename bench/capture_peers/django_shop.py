"""Making the Django shop's tables, and those of a library, in an empty database."""

from typing import Any

from django.core.management import call_command

from bench.capture_peers.ports import DjangoPeer
from capture.django.conftest import migrate, use


def make_shop(peer: DjangoPeer, database: dict[str, Any]) -> None:
    """Make all tables in a database, which becomes Django's default one, and what the library needs there.

    The users' come first: tables of libraries refer to them, and those without migrations are made before all that
    have some.
    """
    use(database)
    call_command("migrate", "auth", verbosity=0)
    migrate()
    peer.prepare()
