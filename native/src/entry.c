#include "entry.h"

/* A string without escapes, not seen before. */
static bool read_once(struct cursor *cursor, struct text *text)
{
    return text->data == NULL && scan_string(cursor, text) && text_is_plain(cursor, *text);
}

/* The same, or null, which counts as absent: but only once. */
static bool read_optional(struct cursor *cursor, struct text *text, bool *seen)
{
    if (*seen) {
        return false;
    }
    *seen = true;
    return SCAN_LITERAL(cursor, "null") || read_once(cursor, text);
}

/* A member's name. One with an escape might be any, also one of those that are looked for. */
static bool read_name(struct cursor *cursor, struct text *name)
{
    return scan_key(cursor, name) && text_is_plain(cursor, *name);
}

static bool read_subject(struct cursor *cursor, struct entry *entry)
{
    bool order_seen = false, tenant_seen = false;
    if (SCAN_LITERAL(cursor, "{}")) {
        return true;
    }
    if (!scan_byte(cursor, '{')) {
        return false;
    }
    do {
        struct text name;
        bool read;
        if (!read_name(cursor, &name)) {
            return false;
        }
        if (text_is(name, "order", 5)) {
            read = read_optional(cursor, &entry->order, &order_seen);
        } else if (text_is(name, "tenant", 6)) {
            read = read_optional(cursor, &entry->tenant, &tenant_seen);
        } else {
            read = scan_value(cursor, 3);
        }
        if (!read) {
            return false;
        }
    } while (scan_byte(cursor, ','));
    return scan_byte(cursor, '}');
}

static bool read_event(struct cursor *cursor, struct entry *entry)
{
    bool subject_seen = false;
    if (!scan_byte(cursor, '{')) {
        return false;
    }
    do {
        struct text name;
        bool read;
        if (!read_name(cursor, &name)) {
            return false;
        }
        if (text_is(name, "id", 2)) {
            read = read_once(cursor, &entry->id);
        } else if (text_is(name, "subject", 7)) {
            read = !subject_seen && read_subject(cursor, entry);
            subject_seen = true;
        } else {
            read = scan_value(cursor, 2);
        }
        if (!read) {
            return false;
        }
    } while (scan_byte(cursor, ','));
    return scan_byte(cursor, '}') && entry->id.data != NULL && subject_seen;
}

static bool read_hash(struct cursor *cursor, const uint8_t **hash)
{
    struct text text;
    if (!scan_string(cursor, &text) || text.size != HEX_HASH || !text_is_plain(cursor, text)) {
        return false;
    }
    *hash = text.data;
    return true;
}

static bool read_link(struct cursor *cursor, struct entry *entry)
{
    return scan_byte(cursor, '{') && SCAN_NAMED(cursor, "number") && scan_integer(cursor, &entry->number)
           && scan_byte(cursor, ',') && SCAN_NAMED(cursor, "previous") && read_hash(cursor, &entry->order_previous)
           && scan_byte(cursor, '}');
}

static bool read_ledger(struct cursor *cursor, struct entry *entry)
{
    struct text name;
    if (!scan_byte(cursor, '{') || !SCAN_NAMED(cursor, "index") || !scan_integer(cursor, &entry->index)
        || !scan_byte(cursor, ',') || !scan_key(cursor, &name)) {
        return false;
    }
    if (text_is(name, "order", 5)
        && (!read_link(cursor, entry) || !scan_byte(cursor, ',') || !scan_key(cursor, &name))) {
        return false;
    }
    return text_is(name, "previous", 8) && read_hash(cursor, &entry->previous) && scan_byte(cursor, ',')
           && SCAN_NAMED(cursor, "recorded") && read_once(cursor, &entry->recorded) && scan_byte(cursor, '}');
}

bool read_entry(const uint8_t *data, size_t size, struct quotes *quotes, struct entry *entry)
{
    memset(entry, 0, sizeof *entry);
    if (!index_json(data, size, quotes)) {
        return false;
    }
    struct cursor cursor = {.begin = data, .at = data, .end = data + size, .quotes = quotes};
    const bool read = scan_byte(&cursor, '{') && SCAN_NAMED(&cursor, "event") && read_event(&cursor, entry)
                      && scan_byte(&cursor, ',') && SCAN_NAMED(&cursor, "ledger") && read_ledger(&cursor, entry)
                      && scan_byte(&cursor, '}') && cursor.at == cursor.end;
    entry->blob = cursor.blob;
    return read;
}
