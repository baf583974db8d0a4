"""Check an OrderTrail evidence bundle. Needs Python 3.11 and the package ``cryptography``, and nothing else.

::

    python verify.py BUNDLE.zip [--key KEY|FILE]... [--roots FILE]

KEY is a verifier key of the log that you had from another source than the bundle; FILE holds some, one a line. ROOTS
is a PEM file of the root certificates of time-stamp authorities that you trust. Exit status: 0 the bundle holds and a
key that you named is the log's; 1 it does not hold; 2 usage, or no key was named: then the bundle agrees with itself,
as a forged one could.

This file stands alone: it shares no code with the program that made the bundle, so that the one checks the other.
The formats are public: C2SP tlog-proof, tlog-checkpoint, tlog-cosignature, tlog-policy and signed-note, RFC 6962,
RFC 8785, RFC 3161; ``docs/reference/bundle.md`` of OrderTrail describes the rest.
"""

import base64
import hashlib
import sys
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ordertrail.evidence.verifier.formats import (
    BESIDE,
    CLOSING,
    HAS_MLDSA,
    OPENING,
    SLACK,
    STEPS,
    BrokenError,
    Checkpoint,
    Key,
    Members,
    check_consistency,
    check_inclusion,
    check_note,
    check_stamp,
    leaf,
    read_archive,
    read_checkpoint,
    read_json,
    read_note,
    read_proof,
    read_vkey,
    require,
    unbase64,
    write_archive,
)

# --- one log of a bundle -----------------------------------------------------------------------------------------


class Log:
    """What a bundle has of one log."""

    def __init__(self, members: Members, part: dict[str, Any]) -> None:
        self.members, self.stream, self.origin = members, part["stream"], part["origin"]
        self.notes = dict(self.sized("checkpoints"))
        self.trees = {size: read_checkpoint(data) for size, data in self.notes.items()}
        for size, tree in self.trees.items():
            require((tree.origin, tree.size) == (self.origin, size), "a checkpoint is of another log or size")
        require(
            bool(self.trees) and max(self.trees) == part["size"],
            f"the checkpoint of {self.origin} is missing",
        )
        self.head = self.trees[part["size"]]
        self.by_note = {self.notes[size]: tree for size, tree in self.trees.items()}
        self.keys: list[tuple[int, str]] = []
        self.witnesses = dict(self._witnesses(members.get(f"logs/{self.stream}/policy.txt", b"").decode()))
        others = members.get(f"logs/{self.stream}/cosigners.txt", b"").decode().splitlines()
        self.beside = list(dict.fromkeys([*map(read_vkey, others), *self.witnesses.values()]))

    def sized(self, kind: str) -> Iterator[tuple[int, bytes]]:
        """Yield the members of a kind, by their sizes."""
        folder = f"logs/{self.stream}/{kind}/"
        yield from ((int(n[-16:]), self.members[n]) for n in sorted(self.members) if n.startswith(folder))

    @staticmethod
    def _witnesses(policy: str) -> Iterator[tuple[str, Key]]:
        for line in policy.split("\n"):
            words = line.split()
            if words[:1] == ["witness"] and len(words) >= 3:
                key = read_vkey(words[2])
                if key.kind == 1:  # read as the cosignature key of that name
                    material = b"\x04" + key.public
                    id_ = hashlib.sha256(key.name.encode() + b"\n" + material).digest()[:4]
                    key = Key(key.name, 4, key.public, id_)
                yield words[1], key

    def check_keys(self) -> None:
        """Check that the first key began this log, and that each key was named by the one before."""
        for first, statement in self.sized("keys"):
            lines = read_note(statement)[0].decode("utf-8", "replace").split("\n")[:-1]
            vkey = lines[-1]
            if not self.keys:
                expected = ["ordertrail/log/v1", self.origin, self.stream]
                require(
                    first == 0 and lines[:3] == expected and len(lines) == 6,
                    "the log's first statement is not one",
                )
                check_note(statement, [read_vkey(vkey)], [])
            else:
                old = self.keys[-1]
                expected = ["ordertrail/rotation/v1", self.origin, str(first), old[1], vkey]
                require(
                    first > old[0] and lines == expected,
                    f"the key of {first} was not named by the one before",
                )
                check_note(statement, [read_vkey(old[1]), read_vkey(vkey)], [])
            self.keys.append((first, vkey))
        require(bool(self.keys), "the log's keys are missing")

    def key_at(self, size: int) -> Key:
        """Return the key in force at a size."""
        return read_vkey([vkey for first, vkey in self.keys if first <= size][-1])

    def check_checkpoints(self) -> None:
        """Check who signed each checkpoint."""
        for size, data in self.notes.items():
            require(self.key_at(size).name == self.origin, "the log's key has another name than the log")
            check_note(data, [self.key_at(size)], self.beside)

    def between(self, older: Checkpoint, newer: Checkpoint, proof: bytes) -> None:
        """Check that one checkpoint is the beginning of another."""
        if older.size == 0 and not proof:
            return
        require(not proof or proof.endswith(b"\n"), "a proof between checkpoints is cut off")
        hashes = list(map(unbase64, proof.decode("ascii", "replace").split("\n")[:-1]))
        check_consistency(older.size, older.root, newer.size, newer.root, hashes)

    def check_history(self) -> None:
        """Check that all checkpoints are of one history."""
        proofs = dict(self.sized("consistency"))
        require(
            proofs.keys() == {size for size in self.trees if size < self.head.size},
            "a consistency proof is missing",
        )
        for size, proof in proofs.items():
            self.between(self.trees[size], self.head, proof)


# --- the bundle ---------------------------------------------------------------------------------------------------


class Check:
    """The six steps over one bundle; what passed is told as it passes."""

    def __init__(
        self, data: bytes, trusted: list[Key], roots: bytes | None, tell: Callable[[int, str], None]
    ) -> None:
        self.data, self.trusted, self.roots, self.tell = data, trusted, roots, tell
        self.step = 1

    def run(self) -> None:
        """Go through the steps. Raises BrokenError at ``step``."""
        for number, check in enumerate(
            (self.content, self.inclusion, self.signature, self.continuity, self.time, self.custody), 1
        ):
            self.step = number
            check()

    def content(self) -> None:
        """Archive, manifest, members, page, entries, documents, disclosures."""
        members = self.members = read_archive(self.data)
        self.manifest = manifest = read_json(members.get("manifest.json", b""), "manifest.json")
        require(manifest.get("bundle") == "ordertrail/bundle/v1", "the manifest is of another format")
        listed = {one["name"]: one for one in manifest["members"]}
        require(
            list(listed) == sorted(listed) and len(listed) == len(manifest["members"]),
            "the manifest is not in order",
        )
        for name in sorted((members.keys() - BESIDE) | listed.keys()):
            require(name in listed, f"{name} is not in the manifest")
            require(name in members and name not in BESIDE, f"{name} is missing")
            found = {
                "length": len(members[name]),
                "name": name,
                "sha256": hashlib.sha256(members[name]).hexdigest(),
            }
            require(listed[name] == found, f"{name} was altered")
        require(
            {"seal.json", "seal.tlog-proof", "verify.html"} <= members.keys(),
            "the seal or the page is missing",
        )
        before, _, rest = members["verify.html"].partition(OPENING)
        carried, _, after = rest.partition(CLOSING)
        frame = hashlib.sha256(b"".join((before, OPENING, CLOSING, after))).hexdigest()
        others = {name: data for name, data in members.items() if name != "verify.html"}
        same = carried == base64.b64encode(write_archive(others))
        require(frame == manifest["page"] and same, "verify.html was altered")
        self.entries: list[tuple[str, bytes, Any]] = []
        for name in sorted(members):
            if name.startswith("logs/") and name.endswith(".json"):
                entry = read_json(members[name], name)
                require(entry["ledger"]["index"] == int(name[-21:-5]), f"{name} is another entry")
                require(name.removesuffix("json") + "tlog-proof" in members, f"{name} has no proof")
                self.entries.append((name.split("/")[1], members[name], entry))
            if name.startswith("blobs/"):
                require(hashlib.sha256(members[name]).hexdigest() == name[6:], f"{name} has another hash")
        self.purges = {
            name[7:-5]: self.purge(name, read_json(members[name], name))
            for name in sorted(members)
            if name.startswith("purges/")
        }
        for part in manifest["logs"]:
            count = sum(stream == part["stream"] for stream, _, _ in self.entries)
            require(
                count == part["entries"], f"the manifest says {part['entries']} entries, and {count} are here"
            )
        opened = self.disclosures(members.get("disclosures.json"))
        self.tell(1, f"{len(members):,} members, {len(self.entries):,} entries, {opened} disclosed fields")

    def purge(self, name: str, told: dict[str, Any]) -> dict[str, Any]:
        """Read what was destroyed: the deletion log's certificate and the log's own order must say the same."""
        places = {(stream, entry["ledger"]["index"]): entry["event"] for stream, _, entry in self.entries}
        at = (told["certificate"]["stream"], told["certificate"]["index"])
        stream, index = told["order"]["stream"], told["order"]["index"]
        require(at in places and (stream, index) in places, f"{name} is of entries that are not here")
        event, order = places[at], places[stream, index]
        said, ordered = ({c["path"]: c.get("after") for c in one["changes"]} for one in (event, order))
        origin = next(part["origin"] for part in self.manifest["logs"] if part["stream"] == stream)
        kinds = [
            (one["action"], one["outcome"], one["subject"]["kind"], one["subject"]["id"])
            for one in (event, order)
        ]
        require(
            kinds[0] == ("retention.purge", "success", "disposal", name[7:-5])
            and (said["/stream"], said["/origin"]) == (stream, origin)
            and at[0] != stream
            and told.keys() == {"certificate", "consistency", "order"},
            f"{name}: entry {at[1]} does not certify it",
        )
        minimum = said["/minimum"]
        require(
            kinds[1] == ("retention.purge", "success", "log", origin)
            and (said["/order"], ordered["/minimum"], ordered["/root"])
            == (order["id"], minimum, said["/root"])
            and type(minimum) is int
            and 0 < minimum <= index,
            f"{name}: entry {index} does not order what is certified",
        )
        hashes = list(map(unbase64, told["consistency"]))
        return {
            "at": at,
            "stream": stream,
            "minimum": minimum,
            "root": bytes.fromhex(said["/root"]),
            "hashes": hashes,
        }

    def disclosures(self, data: bytes | None) -> int:
        """Open what is disclosed, and hold it against its commitments."""
        found = [] if data is None else read_json(data, "disclosures.json")
        events = {entry["event"]["id"]: entry["event"] for _, _, entry in self.entries}
        for one in found:
            value: Any = events[one["event"]]
            for name in one["path"].split("/")[1:]:
                value = value[
                    int(name) if isinstance(value, list) else name.replace("~1", "/").replace("~0", "~")
                ]
            key, box = unbase64(one["key"]), unbase64(value["sealed"]["box"])
            place = one["event"].encode() + b"\0" + one["path"].encode()
            plain = AESGCM(key).decrypt(box[:12], box[12:], place)
            committed = hashlib.sha256(b"ordertrail/commitment/v1\0" + key + place + b"\0" + plain).digest()
            require(
                committed == unbase64(value["sealed"]["commitment"]),
                f"{one['path']} is not what was committed to",
            )
        return len(found)

    def inclusion(self) -> None:
        """Each entry, and the seal, under a root."""
        self.logs = {part["stream"]: Log(self.members, part) for part in self.manifest["logs"]}
        for stream, data, entry in self.entries:
            index = entry["ledger"]["index"]
            at, hashes, note = read_proof(self.members[f"logs/{stream}/entries/{index:016d}.tlog-proof"])
            tree = self.logs[stream].by_note.get(note)
            require(
                tree is not None and at == index,
                f"the proof of entry {index} is of another, or leads elsewhere",
            )
            check_inclusion(index, tree.size, leaf(data), hashes, tree.root) if tree else None
        self.home = self.logs[self.manifest["sealed_in"]]
        self.seal = read_json(self.members["seal.json"], "seal.json")
        self.sealed_at, hashes, self.seal_note = read_proof(self.members["seal.tlog-proof"])
        self.seal_tree = read_checkpoint(self.seal_note)
        require(self.sealed_at == self.seal["ledger"]["index"], "the seal's proof is of another entry")
        tree = self.seal_tree
        check_inclusion(self.sealed_at, tree.size, leaf(self.members["seal.json"]), hashes, tree.root)
        self.tell(2, f"{len(self.entries):,} entries and the seal are under roots of checkpoints")

    def signature(self) -> None:
        """Keys, checkpoints, and that the log names this manifest."""
        for log in self.logs.values():
            log.check_keys()
            log.check_checkpoints()
            known = [read_vkey(vkey) for _, vkey in log.keys]
            trusted = not self.trusted or any(key in known for key in self.trusted)
            require(trusted or self.certifies(log), f"{log.origin} has no key that you trust")
            if not trusted:
                self.tell(0, f"{log.origin} only certifies what was destroyed; you named no key of it")
            self.tell(
                3,
                f"{log.origin}: {len(log.notes)} checkpoints signed by {', '.join(vkey for _, vkey in log.keys)}",
            )
        require(
            self.seal_tree.origin == self.home.origin and len(self.seal_tree.signatures) == 1,
            "the seal is malformed",
        )
        check_note(self.seal_note, [self.home.key_at(self.seal_tree.size)], [])
        if any(key.kind == 6 for log in self.logs.values() for key in log.beside) and not HAS_MLDSA:
            self.tell(0, "signatures by ML-DSA-44 were not checked: this release of cryptography has none")
        event = self.seal["event"]
        named = {change["path"]: change.get("after") for change in event["changes"]}
        hash_ = hashlib.sha256(self.members["manifest.json"]).hexdigest()
        right = (event["action"], event["outcome"], event["subject"]["id"], named.get("/manifest/sha256"))
        require(
            right == ("bundle.make", "success", self.manifest["id"], hash_), "the log names another manifest"
        )
        self.tell(3, f"entry {self.sealed_at:,} of the log names this manifest, {hash_}")

    def certifies(self, log: Log) -> bool:
        """Whether a log is here for its certificates of destruction only; an entry of the other log ordered each."""
        places = {one["at"] for one in self.purges.values()}
        own = {
            (stream, entry["ledger"]["index"]) for stream, _, entry in self.entries if stream == log.stream
        }
        return log is not self.home and bool(own) and own <= places

    def continuity(self) -> None:
        """One history, and no gap in an order."""
        for log in self.logs.values():
            log.check_history()
        self.home.between(self.home.head, self.seal_tree, self.members.get("seal.consistency", b""))
        require(self.sealed_at >= self.home.head.size, "the seal is older than what it seals")
        for id_, one in self.purges.items():
            log = self.logs[one["stream"]]
            check_consistency(one["minimum"], one["root"], log.head.size, log.head.root, one["hashes"])
            self.tell(
                4, f"entries 0 to {one['minimum'] - 1:,} of {log.origin} were purged under certificate {id_}"
            )
        for told in self.manifest.get("orders", ()):
            previous, number = self.before(told)
            last = number + told["events"]
            for stream, data, entry in self.entries:
                subject = entry["event"]["subject"]
                if (stream, subject.get("order"), subject.get("tenant")) == (
                    told["stream"],
                    told["order"],
                    told.get("tenant"),
                ):
                    number += 1
                    link = {"number": number, "previous": previous.hex()}
                    require(
                        entry["ledger"].get("order") == link,
                        f"order {told['order']} has a gap before its event {number}",
                    )
                    previous = leaf(data)
            require(
                number == last,
                f"order {told['order']} ends with event {number}, not {last}",
            )
        self.tell(
            4,
            f"one history; {len(self.manifest.get('orders', ()))} orders without an unexplained gap",
        )

    def before(self, told: dict[str, Any]) -> tuple[bytes, int]:
        """Return the hash and number that an order begins after: what a certificate explains, or nothing."""
        before = told.get("before")
        if before is None:
            return bytes(32), 0
        covering = [
            (one["minimum"], id_)
            for id_, one in self.purges.items()
            if one["stream"] == told["stream"] and before["entry"] < one["minimum"]
        ]
        require(
            bool(covering) and min(covering)[1] == before["purge"] and before["number"] > 0,
            f"order {told['order']}: no certificate explains what is missing",
        )
        place = (told["stream"], told["order"], told.get("tenant"))
        first = next(
            entry["ledger"]["order"]
            for stream, _, entry in self.entries
            if (stream, entry["event"]["subject"].get("order"), entry["event"]["subject"].get("tenant"))
            == place
        )
        previous, head = bytes.fromhex(first["previous"]), self.logs[told["stream"]].head
        check_inclusion(
            before["entry"], head.size, previous, list(map(unbase64, before["hashes"])), head.root
        )
        self.tell(
            4,
            f"order {told['order']}: events 1 to {before['number']} are purged under certificate {before['purge']}, "
            "not missing",
        )
        return previous, before["number"]

    def time(self) -> None:
        """Recorded times, stamps and cosignatures."""
        for log in self.logs.values():
            recorded = [
                (e["ledger"]["index"], e["ledger"]["recorded"]) for s, _, e in self.entries if s == log.stream
            ]
            require(sorted(recorded, key=lambda one: one[1]) == recorded, "recorded times run backwards")
            for name, size, time in [*self.stamps(log), *self.cosignatures(log)]:
                late = [
                    index
                    for index, told in recorded
                    if index < size and datetime.fromisoformat(told) > time + SLACK
                ]
                require(not late, f"an entry was recorded after {name} saw it")
                self.tell(5, f"{name} saw {size:,} entries of {log.origin} at {time.isoformat()}")
        self.tell(5, "recorded times do not run backwards")

    def stamps(self, log: Log) -> Iterator[tuple[str, int, datetime]]:
        """Check the time stamps over a log's checkpoints."""
        for name in sorted(self.members):
            if name.startswith(f"logs/{log.stream}/timestamps/"):
                size, authority = int(name.split("/")[3]), name.split("/")[4].removesuffix(".tsr")
                anchor = self.members[f"logs/{log.stream}/anchors/{size:016d}"]
                require(read_note(anchor)[0] == log.trees[size].text, f"{name} is over another checkpoint")
                roots = self.roots or self.members.get(f"roots/{authority}.pem")
                if roots is None:
                    self.tell(0, f"{name} was not checked: there is no root for it")
                    continue
                if self.roots is None:
                    self.tell(
                        0, f"the stamp of {authority} leads to a root that the bundle brings: compare it"
                    )
                yield authority, size, check_stamp(self.members[name], anchor, roots)

    def cosignatures(self, log: Log) -> Iterator[tuple[str, int, datetime]]:
        """Check the witnesses' signatures on a log's checkpoints."""
        names = {key: name for name, key in log.witnesses.items()}
        if names:
            self.tell(0, "the witnesses are those of the bundle's own policy: compare their keys")
        for size, data in log.notes.items():
            yield from ((names[key], size, time) for key, time in check_note(data, [], list(names))[1])

    def custody(self) -> None:
        """Who made it."""
        made, event = self.manifest["made"], self.seal["event"]
        require(
            event["actor"]["id"] == made["by"] != made.get("approved_by"),
            "the log says that somebody else made it",
        )
        self.tell(6, f"made by {made['by']} at {made['at']}: {made['reason']}")


def say(line: str) -> None:
    """Print a line, on terminals of any encoding."""
    sys.stdout.buffer.write(f"{line}\n".encode(errors="replace"))


def main(arguments: list[str]) -> int:
    """Run the check; return the exit status."""
    names, trusted, roots, rest = [], [], None, iter(arguments)
    for argument in rest:
        if argument == "--key":
            text = next(rest, "")
            lines = Path(text).read_text() if Path(text).is_file() else text
            trusted += [read_vkey(line.strip()) for line in lines.split("\n") if line.strip()]
        elif argument == "--roots":
            roots = Path(next(rest, "")).read_bytes()
        else:
            names.append(argument)
    if len(names) != 1:
        say((__doc__ or "").split("\n\n")[1])
        return 2
    check = Check(
        Path(names[0]).read_bytes(), trusted, roots, lambda step, told: say(f"  {step or '!'} {told}")
    )
    try:
        check.run()
    except (
        BrokenError,
        InvalidTag,
        ValueError,
        LookupError,
        TypeError,
        AttributeError,
        RecursionError,
        OverflowError,
    ) as error:
        say(f"BROKEN at step {check.step} {STEPS[check.step]}: {error or type(error).__name__}")
        return 1
    if not trusted:
        say(
            "The bundle agrees with itself. You named no key: compare the ones above, and name yours with --key."
        )
        return 2
    say("The bundle holds, and its log has a key that you trust.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
