/* Hashes of leaves and nodes (RFC 6962 section 2.1), for Python. */
#include <string.h>

#include "python.h"

#define LEAF 0x00
#define NODE 0x01

bool pin(PyObject *sequence, struct pinned *pinned)
{
    pinned->messages = NULL;
    pinned->count = 0;
    pinned->tuple = PySequence_Tuple(sequence);
    if (pinned->tuple == NULL) {
        return false;
    }
    const Py_ssize_t size = PyTuple_Size(pinned->tuple);
    pinned->messages = PyMem_Calloc((size_t)size, sizeof *pinned->messages);
    if (pinned->messages == NULL) {
        PyErr_NoMemory();
        return false;
    }
    for (Py_ssize_t n = 0; n < size; n++) {
        PyObject *item = PyTuple_GetItem(pinned->tuple, n);
        char *data;
        Py_ssize_t length;
        if (PyBytes_AsStringAndSize(item, &data, &length) < 0) {
            return false;
        }
        pinned->messages[n].data = (const uint8_t *)data;
        pinned->messages[n].size = (size_t)length;
    }
    pinned->count = (size_t)size;
    return true;
}

void release(struct pinned *pinned)
{
    PyMem_Free(pinned->messages);
    Py_XDECREF(pinned->tuple);
    pinned->messages = NULL;
    pinned->tuple = NULL;
}

PyObject *digest_list(const uint8_t *digests, size_t count)
{
    PyObject *list = PyList_New((Py_ssize_t)count);
    for (size_t n = 0; list != NULL && n < count; n++) {
        PyObject *digest = PyBytes_FromStringAndSize((const char *)digests + DIGEST_SIZE * n, DIGEST_SIZE);
        /* Takes the digest over, also where it fails. */
        if (digest == NULL || PyList_SetItem(list, (Py_ssize_t)n, digest) < 0) {
            Py_CLEAR(list);
        }
    }
    return list;
}

static PyObject *leaf_hashes_of(const struct pinned *entries)
{
    uint8_t *digests = PyMem_Calloc(entries->count, DIGEST_SIZE);
    if (digests == NULL) {
        return PyErr_NoMemory();
    }
    hash_messages(engine_for(entries->count), LEAF, entries->messages, entries->count, digests);
    PyObject *list = digest_list(digests, entries->count);
    PyMem_Free(digests);
    return list;
}

PyObject *leaf_hashes(PyObject *module, PyObject *entries)
{
    (void)module;
    struct pinned pinned;
    PyObject *list = pin(entries, &pinned) ? leaf_hashes_of(&pinned) : NULL;
    release(&pinned);
    return list;
}

/* Pairs hashed at a time: what is made of them stays in the processor's nearest memory. */
#define PAIRS 256

/* Hash neighbours, put side by side first. `hashes` has an even number of messages, each DIGEST_SIZE bytes. */
static void hash_pairs(const struct message *hashes, size_t count, uint8_t *digests)
{
    uint8_t side_by_side[PAIRS][2 * DIGEST_SIZE];
    struct message pairs[PAIRS];
    const struct engine *engine = engine_for(count / 2);
    for (size_t from = 0; from < count / 2; from += PAIRS) {
        const size_t some = count / 2 - from < PAIRS ? count / 2 - from : PAIRS;
        for (size_t n = 0; n < some; n++) {
            memcpy(side_by_side[n], hashes[2 * (from + n)].data, DIGEST_SIZE);
            memcpy(side_by_side[n] + DIGEST_SIZE, hashes[2 * (from + n) + 1].data, DIGEST_SIZE);
            pairs[n].data = side_by_side[n];
            pairs[n].size = 2 * DIGEST_SIZE;
        }
        hash_messages(engine, NODE, pairs, some, digests + DIGEST_SIZE * from);
    }
}

static PyObject *parents_of(const struct pinned *row)
{
    for (size_t n = 0; n < row->count; n++) {
        if (row->messages[n].size != DIGEST_SIZE) {
            return PyErr_Format(PyExc_ValueError, "a node hash has %d bytes", DIGEST_SIZE);
        }
    }
    uint8_t *digests = PyMem_Calloc(row->count / 2, DIGEST_SIZE);
    if (digests == NULL) {
        return PyErr_NoMemory();
    }
    hash_pairs(row->messages, row->count & ~(size_t)1, digests);
    PyObject *list = digest_list(digests, row->count / 2);
    PyMem_Free(digests);
    return list;
}

PyObject *parents(PyObject *module, PyObject *hashes)
{
    (void)module;
    struct pinned pinned;
    PyObject *list = pin(hashes, &pinned) ? parents_of(&pinned) : NULL;
    release(&pinned);
    return list;
}

PyObject *parents_of_row(PyObject *module, PyObject *row)
{
    (void)module;
    char *data;
    Py_ssize_t size;
    if (PyBytes_AsStringAndSize(row, &data, &size) < 0) {
        return NULL;
    }
    if (size % DIGEST_SIZE != 0) {
        return PyErr_Format(PyExc_ValueError, "a row of hashes has a multiple of %d bytes", DIGEST_SIZE);
    }
    const size_t count = (size_t)size / (2 * DIGEST_SIZE);
    PyObject *above = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)(count * DIGEST_SIZE));
    if (above == NULL) {
        return NULL;
    }
    uint8_t *digests = (uint8_t *)PyBytes_AsString(above);
    for (size_t from = 0; from < count; from += PAIRS) {
        struct message pairs[PAIRS];
        const size_t some = count - from < PAIRS ? count - from : PAIRS;
        for (size_t n = 0; n < some; n++) {
            pairs[n].data = (const uint8_t *)data + 2 * DIGEST_SIZE * (from + n);
            pairs[n].size = 2 * DIGEST_SIZE;
        }
        hash_messages(engine_for(count), NODE, pairs, some, digests + DIGEST_SIZE * from);
    }
    return above;
}
