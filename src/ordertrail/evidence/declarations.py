"""Texts that go with a bundle: how to check it, and a declaration for whoever keeps the records to sign.

The declaration follows the words of the rules that ask for one; its blanks (``____``) are filled in by hand, by a
person who can be asked. It is a text, no legal advice:

- US Federal Rules of Evidence 902(11), 902(13) and 902(14): a certification of a qualified person that a record was
  made in the regular course, by a process that produces an accurate result, or is authenticated by a process of
  digital identification. Form of the declaration: 28 U.S.C. § 1746.
- Regulation (EU) No 910/2014 (eIDAS) articles 25, 35 and 41: what electronic signatures, seals and time stamps are
  worth as evidence. It says which of them this bundle has, and does not call them *qualified*.
"""

from collections.abc import Sequence

from ordertrail.evidence.manifest import LogPart, Made

_BLANK = "_" * 32


def declaration(bundle: str, about: str, made: Made, logs: Sequence[LogPart], *, stamped: bool) -> str:
    """Return the declaration for a bundle, with blanks."""
    origins = ", ".join(part.origin for part in logs)
    stamps = (
        "The bundle holds electronic time stamps (RFC 3161). Whether the authority is a qualified trust service\n"
        "provider is to be seen from the trusted list of its member state: [ ] yes  [ ] no."
        if stamped
        else "The bundle holds no electronic time stamp. Its times are those of the operator's own clock."
    )
    return f"""\
DECLARATION OF THE CUSTODIAN OF RECORDS

Bundle     {bundle}
Of         {about}
Made       {made.at} by {made.by}
Log        {origins}


1. Who declares

I, {_BLANK} (name), am {_BLANK} (position)
of {_BLANK} (organisation). I am a custodian of its electronic records, or otherwise
qualified to speak of them, and I know of my own knowledge how they are made and kept.


2. How the records are made and kept (US Federal Rules of Evidence 803(6), 902(11))

The events in this bundle were recorded at or near the time of what they tell, by or from information of
somebody with knowledge, in the course of a regularly conducted activity, and recording them was a regular
practice of that activity.   [ ] yes   [ ] except: {_BLANK}


3. The process (US Federal Rules of Evidence 902(13))

Each event was written to an append-only log by a program, hashed (SHA-256), made part of a Merkle tree
(RFC 6962), and the tree's root was signed. I know of no fault of the process that bears on these records.
The system was in regular working order.   [ ] yes   [ ] except: {_BLANK}


4. Identification by hash (US Federal Rules of Evidence 902(14))

I checked this bundle on {_BLANK} (date) with {_BLANK}
(program), and it found every step in order. The SHA-256 of the file that I checked is

{"_" * 64}


5. Seal and time (Regulation (EU) No 910/2014, articles 25, 35 and 41)

The log's checkpoints bear an electronic signature by a key that the organisation holds. It is a
[ ] plain   [ ] advanced   [ ] qualified electronic signature or seal.
{stamps}


6. Signature (28 U.S.C. § 1746)

I declare under penalty of perjury under the laws of {_BLANK}
that the foregoing is true and correct.

Executed on {_BLANK} (date) at {_BLANK} (place)


{_BLANK}
(signature)
"""


def readme(bundle: str, about: str, logs: Sequence[LogPart], vkeys: Sequence[str]) -> str:
    """Return the text that a bundle opens with."""
    origins = ", ".join(part.origin for part in logs)
    keys = "\n".join(f"    {vkey}" for vkey in vkeys)
    return f"""\
EVIDENCE BUNDLE {bundle}

{about}, from {origins}.

To read it      open report.pdf.
To check it     open verify.html in a browser (no network is needed), or run one of

    python verify.py THIS-BUNDLE.zip --key KEY          needs Python 3.11 and the package cryptography
    ordertrail check THIS-BUNDLE.zip --key KEY          needs the package ordertrail

Whom you trust  A bundle that somebody forged as a whole, keys included, agrees with itself too. So compare the
                log's keys below with ones that you had from another source before, and take verify.py or
                verify.html from there too if you do not trust who sent you this.

{keys}

What must stay  Keep the .zip file as it is: one changed byte, and no verifier takes it any more. To unpack it
                changes nothing; to pack it again does.
"""
