/* Python's limited API (3.11), and what the files of this extension that speak it share. */
#ifndef ORDERTRAIL_PYTHON_H
#define ORDERTRAIL_PYTHON_H

#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030b0000
#include <Python.h>

#include "sha256.h"

/*
 * Objects of type bytes and the tuple that holds them: as long as it does, and since bytes never change, the
 * messages may be read.
 */
struct pinned {
    PyObject *tuple;
    struct message *messages;
    size_t count;
};

/* Pin a sequence of bytes; false with TypeError set where it is none. release() either way. */
bool pin(PyObject *sequence, struct pinned *pinned);
void release(struct pinned *pinned);

/* A list of `count` digests as bytes objects; NULL with an error set. */
PyObject *digest_list(const uint8_t *digests, size_t count);

/* The functions of the module, by the files that they are in. What they promise is in module_docs.h. */
PyObject *leaf_hashes(PyObject *module, PyObject *entries);
PyObject *parents(PyObject *module, PyObject *hashes);
PyObject *parents_of_row(PyObject *module, PyObject *row);
PyObject *format_bundle(PyObject *module, PyObject *entries);
PyObject *is_bundle(PyObject *module, PyObject *arguments);
PyObject *check_rows(PyObject *module, PyObject *arguments);

#endif
