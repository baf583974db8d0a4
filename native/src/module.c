/* The module: its functions, and the choice of an engine. */
#include <string.h>

#include "module_docs.h"
#include "python.h"

/* Raised with every change to what a caller sees; the product uses only the one that it knows. */
#define INTERFACE 1

static PyObject *implementations(PyObject *module, PyObject *nothing)
{
    (void)module;
    (void)nothing;
    const struct engine *engines[MAX_ENGINES];
    const size_t count = available_engines(engines);
    PyObject *names = PyTuple_New((Py_ssize_t)count);
    for (size_t n = 0; names != NULL && n < count; n++) {
        PyObject *name = PyUnicode_FromString(engines[n]->name);
        if (name == NULL || PyTuple_SetItem(names, (Py_ssize_t)n, name) < 0) {
            Py_CLEAR(names);
        }
    }
    return names;
}

static PyObject *use(PyObject *module, PyObject *name)
{
    (void)module;
    if (name == Py_None) {
        choose_engine(NULL);
        return Py_NewRef(Py_None);
    }
    if (!PyUnicode_Check(name)) {
        return PyErr_Format(PyExc_TypeError, "an implementation's name, or None");
    }
    const struct engine *engines[MAX_ENGINES];
    const size_t count = available_engines(engines);
    for (size_t n = 0; n < count; n++) {
        if (PyUnicode_CompareWithASCIIString(name, engines[n]->name) == 0) {
            choose_engine(engines[n]);
            return Py_NewRef(Py_None);
        }
    }
    return PyErr_Format(PyExc_ValueError, "%R is none of this machine's implementations", name);
}

static PyObject *in_use(PyObject *module, PyObject *nothing)
{
    (void)module;
    (void)nothing;
    const struct engine *engine = chosen_engine();
    return engine != NULL ? PyUnicode_FromString(engine->name) : Py_NewRef(Py_None);
}

static PyMethodDef methods[] = {
    {"leaf_hashes", leaf_hashes, METH_O, LEAF_HASHES_DOC},
    {"parents", parents, METH_O, PARENTS_DOC},
    {"parents_of_row", parents_of_row, METH_O, PARENTS_OF_ROW_DOC},
    {"format_bundle", format_bundle, METH_O, FORMAT_BUNDLE_DOC},
    {"is_bundle", is_bundle, METH_VARARGS, IS_BUNDLE_DOC},
    {"check_rows", check_rows, METH_VARARGS, CHECK_ROWS_DOC},
    {"implementations", implementations, METH_NOARGS, IMPLEMENTATIONS_DOC},
    {"use", use, METH_O, USE_DOC},
    {"in_use", in_use, METH_NOARGS, IN_USE_DOC},
    {NULL, NULL, 0, NULL},
};

static int execute(PyObject *module)
{
    return PyModule_AddIntConstant(module, "INTERFACE", INTERFACE);
}

static PyModuleDef_Slot slots[] = {
    {Py_mod_exec, (void *)execute},
    {0, NULL},
};

static struct PyModuleDef definition = {
    .m_base = PyModuleDef_HEAD_INIT,
    .m_name = "ordertrail_native._engine",
    .m_doc = MODULE_DOC,
    .m_methods = methods,
    .m_slots = slots,
};

PyMODINIT_FUNC PyInit__engine(void)
{
    return PyModuleDef_Init(&definition);
}
