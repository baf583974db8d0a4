"""Every way of tampering that the full check must name, by name."""

from collections.abc import Mapping
from types import MappingProxyType

from ordertrail.ledger.tiles import BUNDLE, MAX_TILE_LEVEL
from ordertrail.testing.tamper.histories import (
    fork_database,
    fork_trail,
    move_to_another_order,
    publish_another_key,
    roll_back_database,
    roll_back_trail,
    sign_checkpoint_anew,
    sign_everything_anew,
)
from ordertrail.testing.tamper.objects import (
    delete_file,
    files,
    flip_file,
    kept,
    make_writable,
    newest_anchor,
    of_blob,
    older_anchors,
    remove_term,
    set_back,
    shorten_term,
    stray_file,
    stray_partial,
    stray_tile,
    swap_files,
    tiles,
    truncate_file,
)
from ordertrail.testing.tamper.rows import (
    append_entry,
    delete_batch,
    delete_entry,
    drop_triggers,
    edit_without_triggers,
    flip_batch_cell,
    flip_entry_cell,
    flip_registration_cell,
    insert_entry,
    replace_entry,
    shorten_keeping,
    swap_entries,
    truncate_entries,
)
from ordertrail.testing.tamper.where import Copies, Tampering

_BOTH, _TABLE, _TILES, _NONE = Copies.BOTH, Copies.TABLE, Copies.TILES, Copies.NONE

_BUNDLES = tiles(BUNDLE, BUNDLE, full=True)
_PARTIAL_BUNDLES = tiles(BUNDLE, BUNDLE, full=False)
_TILES_0 = tiles(0, 0, full=True)
_PARTIAL_TILES = tiles(0, 0, full=False)
_UPPER = tiles(1, MAX_TILE_LEVEL, full=True)
_PARTIAL_UPPER = tiles(1, MAX_TILE_LEVEL, full=False)
_CHECKPOINT = files("log/checkpoint")
_ANCHORS = files("log/anchors/*[0-9]")
_IDENTITY = files("log/identity")
_BLOBS = files("blobs/??/[0-9a-f]*")
_KEYS = files("log/keys.txt")

_ROWS = (
    Tampering(
        "entry.flip", "One byte of an entry in the table is changed.", flip_entry_cell("entry"), _TILES
    ),
    Tampering("entry.id", "A row is filed under another event's id.", flip_entry_cell("event_id"), _BOTH),
    Tampering("entry.chain", "A row is filed under another order.", flip_entry_cell("chain"), _BOTH),
    Tampering("entry.number", "A row has another number in its order.", flip_entry_cell("number"), _BOTH),
    Tampering("entry.previous", "A row names another row before it.", flip_entry_cell("previous"), _BOTH),
    Tampering("entry.hash", "A row has another hash than its entry.", flip_entry_cell("hash"), _BOTH),
    Tampering("entry.delete", "One row of the table is deleted.", delete_entry, _TILES),
    Tampering("entry.truncate", "All rows from some entry on are deleted.", truncate_entries, _TILES),
    Tampering("entry.append", "A row is added behind the last one.", append_entry, _BOTH),
    Tampering("entry.insert", "A row is slipped in between two others.", insert_entry, _TILES),
    Tampering("entry.swap", "Two rows change places.", swap_entries, _TILES),
    Tampering("entry.replace", "A row is replaced by INSERT OR REPLACE.", replace_entry, _TILES),
    Tampering(
        "entry.move", "An event moves to another order; all later rows follow.", move_to_another_order, _TILES
    ),
    Tampering("batch.root", "A batch has another root of its own.", flip_batch_cell("root"), _TILES),
    Tampering(
        "batch.tree-root", "A batch has another root of the tree.", flip_batch_cell("tree_root"), _TILES
    ),
    Tampering("batch.sealed", "A batch was sealed at another time.", flip_batch_cell("sealed"), _BOTH),
    Tampering(
        "batch.checkpoint",
        "One byte of a batch's checkpoint is changed.",
        flip_batch_cell("checkpoint"),
        _TILES,
    ),
    Tampering("batch.delete", "A batch's row is deleted.", delete_batch, _TILES),
    Tampering(
        "key.vkey",
        "One byte of the log's key in the table is changed.",
        flip_registration_cell("signing_key", "vkey"),
        _NONE,
    ),
    Tampering(
        "key.statement",
        "One byte of the log's beginning is changed.",
        flip_registration_cell("signing_key", "statement"),
        _BOTH,
    ),
    Tampering(
        "stream.origin",
        "The log has another origin in the table.",
        flip_registration_cell("stream", "origin"),
        _NONE,
    ),
    Tampering(
        "stream.created",
        "The log has another beginning in the table.",
        flip_registration_cell("stream", "created"),
        _BOTH,
    ),
    Tampering("stream.keep-days", "The log is to be kept for a shorter time.", shorten_keeping, _BOTH),
    Tampering("triggers.drop", "The triggers are dropped.", drop_triggers, _BOTH),
    Tampering(
        "triggers.drop-and-edit",
        "The triggers are dropped, and an entry is changed.",
        edit_without_triggers,
        _TILES,
    ),
)

_OBJECTS = (
    Tampering("bundle.flip", "One byte of a full bundle is changed.", flip_file(_BUNDLES), _TABLE),
    Tampering(
        "bundle.flip-partial", "One byte of a partial bundle is changed.", flip_file(_PARTIAL_BUNDLES), _TABLE
    ),
    Tampering("tile.flip", "One byte of a full tile of level 0 is changed.", flip_file(_TILES_0), _BOTH),
    Tampering(
        "tile.flip-partial",
        "One byte of a partial tile of level 0 is changed.",
        flip_file(_PARTIAL_TILES),
        _BOTH,
    ),
    Tampering("tile.flip-upper", "One byte of a full upper tile is changed.", flip_file(_UPPER), _BOTH),
    Tampering(
        "tile.flip-upper-partial",
        "One byte of a partial upper tile is changed.",
        flip_file(_PARTIAL_UPPER),
        _BOTH,
    ),
    Tampering("bundle.delete", "A full bundle is deleted.", delete_file(_BUNDLES), _TABLE),
    Tampering("bundle.delete-partial", "A partial bundle is deleted.", delete_file(_PARTIAL_BUNDLES), _TABLE),
    Tampering("bundle.swap", "Two full bundles change places.", swap_files(_BUNDLES), _TABLE),
    Tampering("bundle.truncate", "A full bundle is cut short.", truncate_file(_BUNDLES), _TABLE),
    Tampering("bundle.stray", "A forged partial bundle is added within the log.", stray_partial, _BOTH),
    Tampering("tile.delete", "A full tile is deleted.", delete_file(_TILES_0), _BOTH),
    Tampering("tile.delete-partial", "A partial tile is deleted.", delete_file(_PARTIAL_TILES), _BOTH),
    Tampering("tile.delete-upper", "An upper tile is deleted.", delete_file(_PARTIAL_UPPER), _BOTH),
    Tampering("tile.swap", "Two full tiles change places.", swap_files(_TILES_0), _BOTH),
    Tampering("tile.truncate", "A full tile is cut short.", truncate_file(_TILES_0), _BOTH),
    Tampering("tile.truncate-partial", "A partial tile is cut short.", truncate_file(_PARTIAL_TILES), _BOTH),
    Tampering("tile.stray", "A tile is added beyond the log's end.", stray_tile, _BOTH),
    Tampering("tile.stray-file", "A file that is no tile lies among the tiles.", stray_file, _BOTH),
    Tampering(
        "checkpoint.flip", "One byte of the published checkpoint is changed.", flip_file(_CHECKPOINT), _BOTH
    ),
    Tampering("checkpoint.delete", "The published checkpoint is deleted.", delete_file(_CHECKPOINT), _BOTH),
    Tampering("checkpoint.set-back", "An older checkpoint is published again.", set_back, _BOTH),
    Tampering("anchor.flip", "One byte of a kept checkpoint is changed.", flip_file(_ANCHORS), _BOTH),
    Tampering("anchor.swap", "Two kept checkpoints change places.", swap_files(_ANCHORS), _BOTH),
    Tampering("anchor.delete", "The newest kept checkpoint is deleted.", delete_file(newest_anchor), _BOTH),
    Tampering(
        "anchor.delete-older", "An older kept checkpoint is deleted.", delete_file(older_anchors), _BOTH
    ),
    Tampering(
        "identity.flip", "One byte of the log's kept beginning is changed.", flip_file(_IDENTITY), _BOTH
    ),
    Tampering("identity.delete", "The log's kept beginning is deleted.", delete_file(_IDENTITY), _BOTH),
    Tampering("keys.flip", "One byte of the published keys is changed.", flip_file(_KEYS), _BOTH),
    Tampering("keys.delete", "The published keys are deleted.", delete_file(_KEYS), _BOTH),
    Tampering("blob.flip", "One byte of a blob is changed.", of_blob(flip_file(_BLOBS)), _BOTH),
    Tampering("blob.term", "A blob is to be kept for a shorter time.", of_blob(shorten_term(_BLOBS)), _BOTH),
    Tampering("blob.writable", "A blob can be written again.", of_blob(make_writable(_BLOBS)), _BOTH),
    Tampering(
        "private-key.flip",
        "One byte of the private key's file is changed.",
        flip_file(files("keys/*.pem"), "keys"),
        _BOTH,
    ),
    Tampering("term.shorten", "An object is to be kept for a shorter time.", shorten_term(kept), _BOTH),
    Tampering("term.remove", "Nothing says any more how long an object is kept.", remove_term(kept), _BOTH),
    Tampering("object.writable", "A kept object can be written again.", make_writable(kept), _BOTH),
)

_HISTORIES = (
    Tampering(
        "history.roll-back-database",
        "An older copy of the database lies under the log.",
        roll_back_database,
        _TILES,
    ),
    Tampering(
        "history.roll-back",
        "An older copy of the whole trail is in its place.",
        roll_back_trail,
        _BOTH,
        silent=True,
    ),
    Tampering(
        "history.fork-database",
        "Other events were sealed into an older copy of the database.",
        fork_database,
        _TILES,
    ),
    Tampering(
        "history.fork",
        "Other events were sealed into an older copy of the trail.",
        fork_trail,
        _NONE,
        silent=True,
    ),
    Tampering(
        "signature.checkpoint", "The checkpoint is signed with another key.", sign_checkpoint_anew, _BOTH
    ),
    Tampering(
        "signature.published",
        "Another key is published, and signed the checkpoint.",
        publish_another_key,
        _BOTH,
    ),
    Tampering(
        "signature.everything",
        "Another key signed everything there is.",
        sign_everything_anew,
        _NONE,
        silent=True,
    ),
)

TAMPERINGS: Mapping[str, Tampering] = MappingProxyType(
    {tampering.name: tampering for tampering in (*_ROWS, *_OBJECTS, *_HISTORIES)}
)
