/* Entry bundles (C2SP tlog-tiles, "Log entries"): each entry after its length as a big-endian uint16. */
#include <string.h>

#include "entry.h"
#include "python.h"

#define LENGTH_SIZE 2

PyObject *format_bundle(PyObject *module, PyObject *entries)
{
    (void)module;
    PyObject *bundle = NULL;
    struct pinned pinned;
    bool fine = pin(entries, &pinned);
    size_t size = 0;
    for (size_t n = 0; fine && n < pinned.count; n++) {
        size += LENGTH_SIZE + pinned.messages[n].size;
        if (pinned.messages[n].size > MAX_ENTRY_SIZE || size > PTRDIFF_MAX) {
            PyErr_Format(PyExc_ValueError, "an entry has at most %d bytes", MAX_ENTRY_SIZE);
            fine = false;
        }
    }
    if (fine) {
        bundle = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)size);
    }
    if (bundle != NULL) {
        uint8_t *at = (uint8_t *)PyBytes_AsString(bundle);
        for (size_t n = 0; n < pinned.count; n++) {
            const struct message entry = pinned.messages[n];
            *at++ = (uint8_t)(entry.size >> 8);
            *at++ = (uint8_t)entry.size;
            memcpy(at, entry.data, entry.size);
            at += entry.size;
        }
    }
    release(&pinned);
    return bundle;
}

static bool holds(const uint8_t *data, size_t size, const struct pinned *entries)
{
    for (size_t n = 0; n < entries->count; n++) {
        const struct message entry = entries->messages[n];
        if (size < LENGTH_SIZE || size - LENGTH_SIZE < entry.size
            || ((size_t)data[0] << 8 | data[1]) != entry.size
            || memcmp(data + LENGTH_SIZE, entry.data, entry.size) != 0) {
            return false;
        }
        data += LENGTH_SIZE + entry.size;
        size -= LENGTH_SIZE + entry.size;
    }
    return size == 0;
}

PyObject *is_bundle(PyObject *module, PyObject *arguments)
{
    (void)module;
    PyObject *data, *entries;
    char *bytes;
    Py_ssize_t size;
    if (!PyArg_ParseTuple(arguments, "SO", &data, &entries) || PyBytes_AsStringAndSize(data, &bytes, &size) < 0) {
        return NULL;
    }
    PyObject *answer = NULL;
    struct pinned pinned;
    if (pin(entries, &pinned)) {
        answer = PyBool_FromLong(holds((const uint8_t *)bytes, (size_t)size, &pinned));
    }
    release(&pinned);
    return answer;
}
