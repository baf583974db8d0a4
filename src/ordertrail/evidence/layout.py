"""What stands where in a bundle.

::

    README.txt, declaration.txt                     for people
    report.pdf                                      for people: who, what, when, before and after, how it is proven
    manifest.json                                   what the bundle is, and the hash of every other member
    seal.json, seal.tlog-proof, seal.consistency    the log's own entry that names the manifest's hash, proven
    verify.html, verify.py                          verifiers that need nothing else
    disclosures.json                                keys of the sealed fields that the recipient may see
    blobs/<SHA-256>                                 what was too large for an entry
    roots/<authority>.pem                           certificates that time stamps lead to
    purges/<certificate>.json                       destructions: who certifies and orders them, proven
    logs/<stream>/keys/<size>                       statements by which the log's keys came into force
    logs/<stream>/cosigners.txt                     other verifier keys of the log and its witnesses' policy
    logs/<stream>/policy.txt
    logs/<stream>/checkpoints/<size>                signed notes, with every cosignature that they had
    logs/<stream>/consistency/<size>                hashes from that size to the log's largest checkpoint here
    logs/<stream>/anchors/<size>                    the same checkpoint in the bytes that were time-stamped
    logs/<stream>/timestamps/<size>/<authority>.tsr RFC 3161 responses over these
    logs/<stream>/entries/<index>.json              entries, exactly as sealed
    logs/<stream>/entries/<index>.tlog-proof        their C2SP proofs

Sizes and indexes have sixteen digits, so that names sort by them.
"""

import re
from typing import Final

README: Final = "README.txt"
DECLARATION: Final = "declaration.txt"
REPORT: Final = "report.pdf"
MANIFEST: Final = "manifest.json"
SEAL: Final = "seal.json"
SEAL_PROOF: Final = "seal.tlog-proof"
SEAL_CONSISTENCY: Final = "seal.consistency"
PAGE: Final = "verify.html"
PROGRAM: Final = "verify.py"
DISCLOSURES: Final = "disclosures.json"

#: What the manifest cannot name by a hash of the whole: itself, what was made after it, and the page that carries it.
BESIDE: Final = frozenset({MANIFEST, SEAL, SEAL_PROOF, SEAL_CONSISTENCY, PAGE})

_STREAM: Final = r"logs/[a-z][a-z0-9-]{0,62}"
_KNOWN = re.compile(
    r"README\.txt|declaration\.txt|report\.pdf|manifest\.json|seal\.json|seal\.tlog-proof|seal\.consistency"
    r"|verify\.html|verify\.py|disclosures\.json|blobs/[0-9a-f]{64}|roots/[a-z0-9][a-z0-9-]{0,62}\.pem"
    rf"|purges/[a-z0-9-]{{1,80}}\.json|{_STREAM}/(?:cosigners\.txt|policy\.txt"
    r"|(?:keys|checkpoints|consistency|anchors)/[0-9]{16}|entries/[0-9]{16}\.(?:json|tlog-proof)"
    r"|timestamps/[0-9]{16}/[a-z0-9][a-z0-9-]{0,62}\.tsr)",
    re.ASCII,
)


def belongs(name: str) -> bool:
    """Whether a bundle may have a member of this name."""
    return _KNOWN.fullmatch(name) is not None


def log_member(stream: str, kind: str, size: int) -> str:
    """Return where a log's key statement, checkpoint, consistency proof or anchor stands."""
    return f"logs/{stream}/{kind}/{size:016d}"


def entry_member(stream: str, index: int) -> str:
    """Return where an entry stands."""
    return f"logs/{stream}/entries/{index:016d}.json"


def proof_member(stream: str, index: int) -> str:
    """Return where an entry's proof stands."""
    return f"logs/{stream}/entries/{index:016d}.tlog-proof"


def stamp_member(stream: str, size: int, authority: str) -> str:
    """Return where an authority's response over an anchor stands."""
    return f"logs/{stream}/timestamps/{size:016d}/{authority}.tsr"


def roots_member(authority: str) -> str:
    """Return where the certificates of an authority stand."""
    return f"roots/{authority}.pem"


def blob_member(sha256: str) -> str:
    """Return where a blob stands."""
    return f"blobs/{sha256}"


def purge_member(certificate: str) -> str:
    """Return where the destruction of a certificate is told."""
    return f"purges/{certificate}.json"


def cosigners_member(stream: str) -> str:
    """Return where the verifier keys that sign beside a log's own stand."""
    return f"logs/{stream}/cosigners.txt"


def policy_member(stream: str) -> str:
    """Return where a log's policy of witnesses stands."""
    return f"logs/{stream}/policy.txt"


def is_bundle(data: bytes) -> bool:
    """Whether these bytes begin as a bundle does: its first member by name is the text to read first."""
    return data[:4] == b"PK\x03\x04" and data[30 : 30 + len(README)] == README.encode()
