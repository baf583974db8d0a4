/* What the ledger reads of an entry, where it lies in the entry's own bytes. */
#ifndef ORDERTRAIL_ENTRY_H
#define ORDERTRAIL_ENTRY_H

#include "json_scan.h"

/* Bytes of the largest entry: in a bundle its length is a uint16 (C2SP tlog-tiles, "Log entries"). */
#define MAX_ENTRY_SIZE MAX_TEXT

#define HEX_HASH 64

struct entry {
    struct text id;
    struct text order;  /* no data where the event belongs to no order */
    struct text tenant; /* no data where there is none */
    int64_t index;
    int64_t number;               /* in its order; 0 where it has no link */
    const uint8_t *order_previous; /* HEX_HASH bytes; NULL where it has no link */
    const uint8_t *previous;       /* HEX_HASH bytes */
    struct text recorded;
    bool blob; /* whether it names a blob, perhaps */
};

/*
 * Read an entry that is written as the sequencer writes it:
 *
 *     {"event":{...},"ledger":{"index":n[,"order":{"number":n,"previous":"<64>"}],"previous":"<64>","recorded":"..."}}
 *
 * False for any other, be it an entry or not: whoever asks must then read it in another way. True means that a
 * JSON parser would read the same: the strings that are told have no escapes, and no member is there twice.
 * The 64 bytes of a hash may be any that a string may hold; the caller compares them. `quotes` is room to work in.
 */
bool read_entry(const uint8_t *data, size_t size, struct quotes *quotes, struct entry *entry);

#endif
