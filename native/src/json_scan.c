/* The second pass over a JSON text: from one token to the next. */
#include "json_scan.h"

/* A member or element: most are strings, and they are told at once. */
static inline bool scan_inner(struct cursor *cursor, unsigned depth)
{
    struct text ignored;
    const bool string = cursor->at < cursor->end && *cursor->at == '"';
    return string ? scan_string(cursor, &ignored) : scan_value(cursor, depth);
}

static bool scan_object(struct cursor *cursor, unsigned depth)
{
    struct text name;
    if (scan_byte(cursor, '}')) {
        return true;
    }
    do {
        if (!scan_key(cursor, &name) || !scan_inner(cursor, depth)) {
            return false;
        }
    } while (scan_byte(cursor, ','));
    return scan_byte(cursor, '}');
}

static bool scan_array(struct cursor *cursor, unsigned depth)
{
    if (scan_byte(cursor, ']')) {
        return true;
    }
    do {
        if (!scan_inner(cursor, depth)) {
            return false;
        }
    } while (scan_byte(cursor, ','));
    return scan_byte(cursor, ']');
}

bool scan_value(struct cursor *cursor, unsigned depth)
{
    struct text ignored_text;
    int64_t ignored_number;
    if (cursor->at == cursor->end) {
        return false;
    }
    switch (*cursor->at) {
    case '"':
        return scan_string(cursor, &ignored_text);
    case '{':
        cursor->at++;
        return depth < MAX_DEPTH && scan_object(cursor, depth + 1);
    case '[':
        cursor->at++;
        return depth < MAX_DEPTH && scan_array(cursor, depth + 1);
    case 't':
        return SCAN_LITERAL(cursor, "true");
    case 'f':
        return SCAN_LITERAL(cursor, "false");
    case 'n':
        return SCAN_LITERAL(cursor, "null");
    default:
        return scan_integer(cursor, &ignored_number);
    }
}
