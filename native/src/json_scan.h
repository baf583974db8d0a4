/*
 * Moving over canonical JSON (RFC 8785) without building anything, in two passes.
 *
 * index_json() looks at all bytes at once for those that matter: it notes where strings begin and end, and checks
 * what is inside them. The scan_… functions then move a cursor from one thing to the next, over a string in one
 * step. Each says whether the thing was there; where it says no, the cursor may stand anywhere, and the whole
 * text is given up. What is taken is narrower than JSON, never wider: no white space, integers only, well-formed
 * UTF-8, the escapes that RFC 8785 writes, and at most MAX_DEPTH brackets.
 */
#ifndef ORDERTRAIL_JSON_SCAN_H
#define ORDERTRAIL_JSON_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define MAX_DEPTH 64

/* Bytes of the longest text, so that a place in it is a uint16. */
#define MAX_TEXT 0xffff

/* The places of all quotes that begin or end a string. */
struct quotes {
    size_t count;
    bool escapes; /* whether any string has one */
    uint16_t at[MAX_TEXT];
};

struct cursor {
    const uint8_t *begin;
    const uint8_t *at;
    const uint8_t *end;
    const struct quotes *quotes;
    size_t quote; /* the next one of these */
    bool blob;    /* whether a member named "blob" whose value is an object was passed */
};

/* The content of a JSON string as it stands between its quotes. */
struct text {
    const uint8_t *data;
    size_t size;
};

/* First pass; false for what is surely not canonical JSON, or longer than MAX_TEXT. */
bool index_json(const uint8_t *data, size_t size, struct quotes *quotes);

static inline bool scan_bytes(struct cursor *cursor, const char *wanted, size_t size)
{
    if ((size_t)(cursor->end - cursor->at) < size || memcmp(cursor->at, wanted, size) != 0) {
        return false;
    }
    cursor->at += size;
    return true;
}

/* One exact piece of text without quotes: SCAN_LITERAL(cursor, "true"). */
#define SCAN_LITERAL(cursor, literal) scan_bytes(cursor, literal, sizeof(literal) - 1)

static inline bool scan_byte(struct cursor *cursor, uint8_t wanted)
{
    if (cursor->at == cursor->end || *cursor->at != wanted) {
        return false;
    }
    cursor->at++;
    return true;
}

static inline bool text_is(struct text text, const char *wanted, size_t size)
{
    return text.size == size && memcmp(text.data, wanted, size) == 0;
}

/* Whether a text stands for itself, without escapes. */
static inline bool text_is_plain(const struct cursor *cursor, struct text text)
{
    return !cursor->quotes->escapes || memchr(text.data, '\\', text.size) == NULL;
}

static inline bool scan_string(struct cursor *cursor, struct text *text)
{
    const struct quotes *quotes = cursor->quotes;
    if (cursor->quote + 1 >= quotes->count || cursor->at != cursor->begin + quotes->at[cursor->quote]) {
        return false;
    }
    const uint8_t *close = cursor->begin + quotes->at[cursor->quote + 1];
    text->data = cursor->at + 1;
    text->size = (size_t)(close - text->data);
    cursor->at = close + 1;
    cursor->quote += 2;
    return true;
}

/* An integer of at most 18 digits, so that it fits. */
static inline bool scan_integer(struct cursor *cursor, int64_t *value)
{
    const bool negative = scan_byte(cursor, '-');
    const uint8_t *first = cursor->at;
    int64_t number = 0;
    for (; cursor->at < cursor->end && *cursor->at >= '0' && *cursor->at <= '9'; cursor->at++) {
        if (cursor->at - first == 18) {
            return false;
        }
        number = number * 10 + (*cursor->at - '0');
    }
    const ptrdiff_t digits = cursor->at - first;
    /* No leading zeros, no negative one. What would make it no integer is refused by whoever comes next. */
    if (digits == 0 || (first[0] == '0' && (digits > 1 || negative))) {
        return false;
    }
    *value = negative ? -number : number;
    return true;
}

/* A member's name and the colon after it. */
static inline bool scan_key(struct cursor *cursor, struct text *name)
{
    if (!scan_string(cursor, name) || !scan_byte(cursor, ':')) {
        return false;
    }
    if (text_is(*name, "blob", 4) && cursor->at < cursor->end && *cursor->at == '{') {
        cursor->blob = true;
    }
    return true;
}

/* The member that is written exactly so: its name and the colon after it. */
#define SCAN_NAMED(cursor, name) scan_named(cursor, name, sizeof(name) - 1)

static inline bool scan_named(struct cursor *cursor, const char *name, size_t size)
{
    struct text found;
    return scan_key(cursor, &found) && text_is(found, name, size);
}

/* Any value; `depth` is how many brackets are open around it. */
bool scan_value(struct cursor *cursor, unsigned depth);

#endif
