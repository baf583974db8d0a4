/* The first pass over a JSON text: sixty-four bytes at a time, a bit for each. */
#include "json_scan.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#define WIDTH 64

/* Which of 64 bytes are what; bit n is for byte n. */
struct classes {
    uint64_t quotes;
    uint64_t backslashes;
    uint64_t high;    /* part of a character beyond ASCII */
    uint64_t control; /* control characters: white space between tokens, or none of a string's */
};

#if defined(__SSE2__)

static inline uint64_t bits(__m128i bytes)
{
    return (uint64_t)(unsigned)_mm_movemask_epi8(bytes);
}

static inline struct classes classify(const uint8_t *data)
{
    struct classes classes = {0, 0, 0, 0};
    for (unsigned n = 0; n < WIDTH; n += 16) {
        const __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)(data + n));
        /* As signed numbers all bytes beyond ASCII are below the space too. */
        const uint64_t low = bits(_mm_cmplt_epi8(bytes, _mm_set1_epi8(' '))), high = bits(bytes);
        classes.quotes |= bits(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('"'))) << n;
        classes.backslashes |= bits(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\'))) << n;
        classes.high |= high << n;
        classes.control |= (low & ~high) << n;
    }
    return classes;
}

#else

static inline struct classes classify(const uint8_t *data)
{
    struct classes classes = {0, 0, 0, 0};
    for (unsigned n = 0; n < WIDTH; n++) {
        const uint64_t bit = UINT64_C(1) << n;
        classes.quotes |= data[n] == '"' ? bit : 0;
        classes.backslashes |= data[n] == '\\' ? bit : 0;
        classes.high |= data[n] >= 0x80 ? bit : 0;
        classes.control |= data[n] < ' ' ? bit : 0;
    }
    return classes;
}

#endif

/* The place of the lowest bit; `bits` has one. */
static inline unsigned lowest(uint64_t set)
{
    return (unsigned)__builtin_ctzll(set);
}

static inline bool is_between(uint8_t byte, uint8_t low, uint8_t high)
{
    return byte >= low && byte <= high;
}

/* Bytes of the character beyond ASCII that begins here, 0 for none (the Unicode Standard, table 3-7). */
static size_t utf8_size(const uint8_t *at, size_t left)
{
    const uint8_t first = at[0];
    size_t size;
    uint8_t low = 0x80, high = 0xbf;
    if (is_between(first, 0xc2, 0xdf)) {
        size = 2;
    } else if (is_between(first, 0xe0, 0xef)) {
        size = 3;
        low = first == 0xe0 ? 0xa0 : 0x80;  /* no overlong forms */
        high = first == 0xed ? 0x9f : 0xbf; /* no surrogates */
    } else if (is_between(first, 0xf0, 0xf4)) {
        size = 4;
        low = first == 0xf0 ? 0x90 : 0x80;
        high = first == 0xf4 ? 0x8f : 0xbf; /* nothing above U+10FFFF */
    } else {
        return 0;
    }
    if (left < size || !is_between(at[1], low, high)) {
        return 0;
    }
    for (size_t n = 2; n < size; n++) {
        if (!is_between(at[n], 0x80, 0xbf)) {
            return 0;
        }
    }
    return size;
}

static bool is_hex_digit(uint8_t byte)
{
    return is_between(byte, '0', '9') || is_between(byte, 'a', 'f');
}

/* Bytes of an escape as RFC 8785 section 3.2.2.2 writes it, 0 for any other: a short one, or \u00 and two digits. */
static size_t escape_size(const uint8_t *at, size_t left)
{
    if (left < 2) {
        return 0;
    }
    if (at[1] != 'u') {
        return memchr("\"\\bfnrt", at[1], 7) != NULL ? 2 : 0;
    }
    return left >= 6 && at[2] == '0' && at[3] == '0' && is_hex_digit(at[4]) && is_hex_digit(at[5]) ? 6 : 0;
}

/* Note the quotes among 64 bytes. */
static inline void note_quotes(uint64_t set, size_t from, struct quotes *quotes)
{
    uint16_t *at = quotes->at + quotes->count;
    for (; set != 0; set &= set - 1) {
        *at++ = (uint16_t)(from + lowest(set));
    }
    quotes->count = (size_t)(at - quotes->at);
}

/*
 * Note the quotes among 64 bytes some of which need a closer look. `*next` is the first byte that no escape or
 * character beyond ASCII before it has taken already.
 */
static bool note_slowly(const uint8_t *data, size_t size, size_t from, struct classes classes, size_t *next,
                        struct quotes *quotes)
{
    for (uint64_t set = classes.quotes | classes.backslashes | classes.high; set != 0; set &= set - 1) {
        const size_t at = from + lowest(set);
        if (at < *next) {
            continue;
        }
        if (data[at] == '"') {
            quotes->at[quotes->count++] = (uint16_t)at;
            continue;
        }
        const bool escape = data[at] == '\\';
        const size_t taken = escape ? escape_size(data + at, size - at) : utf8_size(data + at, size - at);
        if (taken == 0) {
            return false;
        }
        quotes->escapes = quotes->escapes || escape;
        *next = at + taken;
    }
    return true;
}

bool index_json(const uint8_t *data, size_t size, struct quotes *quotes)
{
    quotes->count = 0;
    quotes->escapes = false;
    if (size > MAX_TEXT) {
        return false;
    }
    size_t next = 0;
    for (size_t from = 0; from < size; from += WIDTH) {
        uint8_t rest[WIDTH];
        const uint8_t *at = data + from;
        if (size - from < WIDTH) {
            memset(rest, ' ', sizeof rest);
            memcpy(rest, at, size - from);
            at = rest;
        }
        const struct classes classes = classify(at);
        if (classes.control != 0) {
            return false;
        }
        if ((classes.backslashes | classes.high) != 0 || next > from) {
            if (!note_slowly(data, size, from, classes, &next, quotes)) {
                return false;
            }
            continue;
        }
        note_quotes(classes.quotes, from, quotes);
    }
    return true;
}
