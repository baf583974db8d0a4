#include "rows.h"

#include "entry.h"

enum field { INDEX, ID, CHAIN, NUMBER, PREVIOUS, HASH, ENTRY, FIELDS };

const uint8_t *bytes_of(PyObject *object, size_t size)
{
    if (!PyBytes_CheckExact(object) || PyBytes_Size(object) != (Py_ssize_t)size) {
        return NULL;
    }
    return (const uint8_t *)PyBytes_AsString(object);
}

static bool read_number(PyObject *object, int64_t *value)
{
    if (!PyLong_CheckExact(object)) {
        return false;
    }
    *value = PyLong_AsLongLong(object);
    if (*value == -1 && PyErr_Occurred()) {
        PyErr_Clear(); /* too large for any index */
        return false;
    }
    return true;
}

static bool read_chain(PyObject *object, struct row *row)
{
    row->chain = object;
    row->chain_text.data = NULL;
    row->chain_text.size = 0;
    if (object == Py_None) {
        return true;
    }
    Py_ssize_t size;
    if (!PyUnicode_CheckExact(object)) {
        return false;
    }
    row->chain_text.data = PyUnicode_AsUTF8AndSize(object, &size);
    if (row->chain_text.data == NULL) {
        PyErr_Clear(); /* half a surrogate pair: no name of ours */
        return false;
    }
    row->chain_text.size = (size_t)size;
    return true;
}

bool read_row(PyObject *tuple, struct row *row, struct message *entry)
{
    if (!PyTuple_Check(tuple) || PyTuple_Size(tuple) != FIELDS) {
        return false;
    }
    PyObject *bytes = PyTuple_GetItem(tuple, ENTRY);
    if (!PyBytes_CheckExact(bytes)) {
        return false;
    }
    entry->data = (const uint8_t *)PyBytes_AsString(bytes);
    entry->size = (size_t)PyBytes_Size(bytes);
    row->id = bytes_of(PyTuple_GetItem(tuple, ID), ID_SIZE);
    row->previous = bytes_of(PyTuple_GetItem(tuple, PREVIOUS), DIGEST_SIZE);
    row->hash_object = PyTuple_GetItem(tuple, HASH);
    row->hash = bytes_of(row->hash_object, DIGEST_SIZE);
    row->number_object = PyTuple_GetItem(tuple, NUMBER);
    return entry->size <= MAX_ENTRY_SIZE && row->id != NULL && row->previous != NULL && row->hash != NULL
           && read_number(PyTuple_GetItem(tuple, INDEX), &row->index)
           && read_number(row->number_object, &row->number)
           && read_chain(PyTuple_GetItem(tuple, CHAIN), row);
}
