"""Holding segments against the log, in two depths.

1. *Files*: each is what the manifest says, byte for byte. 2. *Root*: the leaf hashes that the segment holds fold to the
root in its manifest, and that is a node under the published, signed checkpoint. Deep, also 3. *Columns*: each entry of
the log is hashed and read anew, and every file is made of them anew: the same rows, the same figures in the manifest.

Files and manifest can be changed together by whoever can write them; that, only the third finds. Whoever relies
on a row proves its entry: segments find, the log proves.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ordertrail.kernel.errors import EvidenceError, UnavailableError
from ordertrail.ledger.merkle import root as tree_root
from ordertrail.query.segments.building import Source, leaves_of
from ordertrail.query.segments.manifest import Block, Manifest, digest_of
from ordertrail.query.segments.ports import Inspection


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong with a segment, in a sentence."""

    stream: str
    block: Block
    message: str

    def __str__(self) -> str:
        return f"segment {self.block.name} of stream {self.stream}: {self.message}"


def check(
    manifest: Manifest,
    inspection: Inspection,
    source: Source,
    *,
    deep: bool,
    on_entries: Callable[[int], None] = lambda _: None,
) -> Iterator[Finding]:
    """Yield what is wrong with a segment; nothing where it is what the log says."""

    def found(message: str) -> Finding:
        return Finding(manifest.stream, manifest.block, message)

    try:
        for problem in inspection.problems(manifest):
            yield found(problem)
        yield from map(found, _root_problems(manifest, inspection, source))
        if deep:
            yield from map(found, _column_problems(manifest, inspection, source))
    except (EvidenceError, UnavailableError) as error:
        yield found(error.message)
    on_entries(manifest.block.end - manifest.block.start)


def _root_problems(manifest: Manifest, inspection: Inspection, source: Source) -> Iterator[str]:
    block = manifest.block
    if manifest.origin != source.tree.origin(manifest.stream):
        yield f"it is of the log {manifest.origin}, and this is {source.tree.origin(manifest.stream)}"
        return
    if block.end > source.tree.size(manifest.stream):
        yield "it holds more than the published checkpoint commits to"
        return
    if source.tree.root(manifest.stream, block) != manifest.root:
        yield "its root is not in the tree of the published checkpoint: it was made of another log"
    leaves = inspection.leaves(manifest)
    if len(leaves) != block.end - block.start or tree_root(leaves) != manifest.root:
        yield "the leaf hashes that it holds do not lead to its root"


def _column_problems(manifest: Manifest, inspection: Inspection, source: Source) -> Iterator[str]:
    if manifest.words != digest_of(source.actions):
        yield "it was made with other words for actions than the settings have now; make it anew with --anew"
        return
    yield from inspection.differences(manifest, leaves_of(source, manifest.stream, manifest.block))
