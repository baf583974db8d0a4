/* What help() says. */
#ifndef ORDERTRAIL_MODULE_DOCS_H
#define ORDERTRAIL_MODULE_DOCS_H

#define MODULE_DOC \
    "The functions of ordertrail_native, in C.\n\n" \
    "Bytes must be of type bytes. Every function holds the interpreter's lock while it works, for it is soon done:\n" \
    "a thousand entries of a kilobyte take a quarter of a millisecond."

#define LEAF_HASHES_DOC \
    "leaf_hashes(entries, /)\n--\n\n" \
    "RFC 6962 hashes of many entries as leaves: SHA-256(0x00 || entry), 32 bytes each, in their order.\n" \
    "\n" \
    ":raises TypeError: if an entry is not of type bytes."

#define PARENTS_DOC \
    "parents(row, /)\n--\n\n" \
    "RFC 6962 hashes of the pairs (0, 1), (2, 3), … of a row; a last one without a partner is left out.\n" \
    "\n" \
    ":raises TypeError: if a hash is not of type bytes.\n" \
    ":raises ValueError: if one has not 32 bytes."

#define PARENTS_OF_ROW_DOC \
    "parents_of_row(row, /)\n--\n\n" \
    "The same of hashes one after the other in one bytes object, as one.\n" \
    "\n" \
    ":raises TypeError: if it is not of type bytes.\n" \
    ":raises ValueError: if it has not a multiple of 32 bytes."

#define FORMAT_BUNDLE_DOC \
    "format_bundle(entries, /)\n--\n\n" \
    "Each entry after its length as a big-endian uint16 (C2SP tlog-tiles, \"Log entries\").\n" \
    "\n" \
    ":raises TypeError: if an entry is not of type bytes.\n" \
    ":raises ValueError: if one has more than 65,535 bytes."

#define IS_BUNDLE_DOC \
    "is_bundle(data, entries, /)\n--\n\n" \
    "Whether these bytes are what format_bundle() would make of the entries; False for one too long.\n" \
    "\n" \
    ":raises TypeError: if anything is not of type bytes."

#define CHECK_ROWS_DOC \
    "check_rows(rows, first, before, recorded, tails, /)\n--\n\n" \
    "Check consecutive rows of the table of entries against their entries.\n" \
    "\n" \
    "rows are tuples (index, event id, chain, number, previous hash, hash, entry), the first of which must be\n" \
    "first, follow the hash before and be recorded no earlier than recorded. tails maps chains to\n" \
    "the number and hash of their last entry so far.\n" \
    "\n" \
    "None where anything is not as the sequencer writes it, whether wrong or only unusual, types included; nothing\n" \
    "is changed then. Otherwise every row is right, tails is moved on, and what is returned follows from the\n" \
    "rows: their leaf hashes; when they were recorded; (chain, number, previous hash in hex, index) of each entry\n" \
    "that is the first of a chain that tails did not have; and whether any of them may name a blob.\n" \
    "\n" \
    ":raises TypeError: if an argument is of another type.\n" \
    ":raises ValueError: if before has not 32 bytes, or first is no index."

#define IMPLEMENTATIONS_DOC \
    "implementations()\n--\n\n" \
    "Names of the implementations of SHA-256 that this machine can run, the best for many messages first."

#define USE_DOC \
    "use(name, /)\n--\n\n" \
    "Use one implementation for everything from now on; None: the best for each call, as at first.\n" \
    "\n" \
    ":raises ValueError: if this machine has none of that name."

#define IN_USE_DOC \
    "in_use()\n--\n\n" \
    "Name of the implementation chosen with use(); None where none is."

#endif
