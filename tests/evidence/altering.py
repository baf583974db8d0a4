"""Altering bundles: a byte, a member, or a member with a manifest that agrees with it."""

import json
from collections.abc import Callable

import msgspec

from ordertrail.evidence import layout
from ordertrail.evidence.archive import format_archive, parse_archive
from ordertrail.evidence.manifest import format_manifest, list_members, parse_manifest
from ordertrail.evidence.verifier.page import build_page

Change = Callable[[bytes], bytes]
Members = dict[str, bytes]


def flipped(data: bytes, at: int, bit: int = 0) -> bytes:
    """Change one bit."""
    return data[:at] + bytes([data[at] ^ (1 << bit)]) + data[at + 1 :]


def with_member(bundle: bytes, name: str, change: Change) -> bytes:
    """Change one member, and nothing else."""
    members = parse_archive(bundle)
    members[name] = change(members[name])
    return format_archive(members)


def consistently(bundle: bytes, change: Callable[[Members], None]) -> bytes:
    """Change members, and make manifest and page agree with them: what is left to find it is the proofs."""
    members = parse_archive(bundle)
    change(members)
    manifest = parse_manifest(members[layout.MANIFEST])
    members[layout.MANIFEST] = format_manifest(
        msgspec.structs.replace(manifest, members=list_members(members))
    )
    return paged(members)


def paged(members: Members) -> bytes:
    """Write members with a page that carries them."""
    del members[layout.PAGE]
    members[layout.PAGE] = build_page(format_archive(members))
    return format_archive(members)


def edited_json(change: Callable[[dict[str, object]], None]) -> Change:
    """Change a canonical JSON member."""

    def edit(data: bytes) -> bytes:
        value = json.loads(data)
        change(value)
        return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()

    return edit
