"""What a house chooses of how people come in."""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Rules:
    """How long things last, and where the house answers.

    ``origin`` is the address that browsers see (``https://trail.example.com``), None where it is taken from each
    request. ``tls`` says that browsers come over TLS; without it cookies are plain, which only does on one's own
    machine.
    """

    idle: timedelta = timedelta(minutes=30)
    longest: timedelta = timedelta(hours=12)
    unfinished: timedelta = timedelta(minutes=5)
    """To give the second factor in, or to come back from another house."""
    fresh: timedelta = timedelta(minutes=10)
    """After which who wants to break a glass or change a factor proves again who they are."""
    glass: timedelta = timedelta(minutes=60)
    """How long a glass stays broken."""
    invitation: timedelta = timedelta(days=2)
    """For which an invitation to choose a password is good."""
    skew: timedelta = timedelta(minutes=2)
    """By which clocks of the house's machines may disagree."""
    second_factor: bool = False
    """Whether everybody who has a password must have a second factor."""
    tls: bool = True
    origin: str | None = None
