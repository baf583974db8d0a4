/* Rows of the table of entries, taken apart. */
#ifndef ORDERTRAIL_ROWS_H
#define ORDERTRAIL_ROWS_H

#include "python.h"

#define ID_SIZE 16

/* One row: (index, event id, chain, number, previous hash, hash, entry). The tuple that is the row owns it all but the tail. */
struct row {
    int64_t index;
    const uint8_t *id; /* ID_SIZE bytes */
    PyObject *chain;   /* of type str, or None */
    struct {
        const char *data; /* UTF-8; NULL for None */
        size_t size;
    } chain_text;
    PyObject *number_object;
    int64_t number;
    const uint8_t *previous; /* DIGEST_SIZE bytes */
    const uint8_t *hash;     /* DIGEST_SIZE bytes */
    PyObject *hash_object;
    PyObject *tail; /* owned: where its chain stood, None for nowhere; NULL until the chain is moved on */
};

/* Take a row apart; false, without an error set, where it has not these types and lengths exactly. */
bool read_row(PyObject *tuple, struct row *row, struct message *entry);

/* A bytes object of exactly this size, as its bytes; NULL, without an error set, for any other object. */
const uint8_t *bytes_of(PyObject *object, size_t size);

#endif
