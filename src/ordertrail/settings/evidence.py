"""Settings of what is taken out as evidence."""

from typing import Annotated

from pydantic import AfterValidator, Field

from ordertrail.settings.section import Section, with_scheme, without_password


class EvidenceSettings(Section):
    """Bundles, cases, and who had what in hand."""

    url: Annotated[str, with_scheme("postgresql", "sqlite"), AfterValidator(without_password)] | None = None
    """The database of cases and custody; without it, ``evidence.db`` in the directory."""
    password_file: str | None = None
    """A file that holds the role's password; without it, ORDERTRAIL_EVIDENCE_PASSWORD."""
    fonts: tuple[str, ...] = ()
    """Font files to print reports with, the main one first; without them, those of the system."""
    wait_seconds: Annotated[int, Field(ge=1, le=600)] = 120
    """Seconds to wait for another process that is sealing and anchoring, before a bundle is given up."""
    link_hours: Annotated[int, Field(ge=1, le=8_760)] = 72
    """Hours for which a link to a bundle is good."""
