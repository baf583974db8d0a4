/*
 * A group of consecutive rows against what their entries say: the hot loop of the full check.
 *
 * There are two answers. Either every row is regular, and then what follows from the rows is returned; or
 * something is not as it is nearly always, and then None is, for somebody with more patience to say what it is.
 * Nothing is found here: what is wrong is for the caller to find, and to name.
 */
#include <string.h>

#include "entry.h"
#include "rows.h"

#define SEPARATOR '\t'

/* What the check knows and what it makes. Borrowed: tails and recorded; owned: the lists. */
struct check {
    PyObject *tails;
    PyObject *leaves;
    PyObject *times;
    PyObject *opened;
    PyObject *recorded; /* the last time seen: one of times, or the caller's */
    const uint8_t *before;
    bool blob;
    struct quotes *quotes; /* room to work in */
};

/* Regular, irregular, or failed with an error set. */
enum answer { FAILED = -1, IRREGULAR, REGULAR };

static void write_hex(const uint8_t *bytes, size_t size, uint8_t *hex)
{
    for (size_t n = 0; n < size; n++) {
        const uint8_t high = bytes[n] >> 4, low = bytes[n] & 15;
        hex[2 * n] = (uint8_t)(high + '0' + (high > 9 ? 'a' - '0' - 10 : 0));
        hex[2 * n + 1] = (uint8_t)(low + '0' + (low > 9 ? 'a' - '0' - 10 : 0));
    }
}

/* Whether HEX_HASH bytes are a hash in lower-case hex. */
static bool is_hex_of(const uint8_t *hex, const uint8_t *hash)
{
    uint8_t expected[HEX_HASH];
    write_hex(hash, DIGEST_SIZE, expected);
    return memcmp(hex, expected, HEX_HASH) == 0;
}

/* Whether a text is a UUID as RFC 9562 section 4 writes it: 8-4-4-4-12 digits. */
static bool is_uuid_of(struct text text, const uint8_t *id)
{
    static const struct { uint8_t from, to, size; } groups[] = {
        {0, 0, 8}, {8, 9, 4}, {12, 14, 4}, {16, 19, 4}, {20, 24, 12},
    };
    uint8_t digits[2 * ID_SIZE], expected[36];
    write_hex(id, ID_SIZE, digits);
    memset(expected, '-', sizeof expected);
    for (size_t n = 0; n < sizeof groups / sizeof *groups; n++) {
        memcpy(expected + groups[n].to, digits + groups[n].from, groups[n].size);
    }
    return text.size == sizeof expected && memcmp(text.data, expected, sizeof expected) == 0;
}

/* Whether a chain's name is that of the entry's order and tenant. */
static bool is_chain_of(const struct row *row, const struct entry *entry)
{
    const char *name = row->chain_text.data;
    const size_t order = entry->order.size, tenant = entry->tenant.size;
    return row->chain_text.size == order + 1 + tenant && memcmp(name, entry->order.data, order) == 0
           && name[order] == SEPARATOR
           && (tenant == 0 || memcmp(name + order + 1, entry->tenant.data, tenant) == 0);
}

static bool text_before(struct text text, const char *other, size_t size)
{
    const int order = memcmp(text.data, other, text.size < size ? text.size : size);
    return order < 0 || (order == 0 && text.size < size);
}

/* Note when an entry was recorded. Entries of a batch have one time; they share one object. */
static enum answer note_time(struct check *check, const struct entry *entry, size_t place)
{
    Py_ssize_t size;
    const char *last = PyUnicode_AsUTF8AndSize(check->recorded, &size);
    if (last == NULL) {
        return FAILED;
    }
    if (text_before(entry->recorded, last, (size_t)size)) {
        return IRREGULAR;
    }
    PyObject *time;
    if (text_is(entry->recorded, last, (size_t)size)) {
        time = Py_NewRef(check->recorded);
    } else {
        time = PyUnicode_DecodeUTF8((const char *)entry->recorded.data, (Py_ssize_t)entry->recorded.size, NULL);
    }
    if (time == NULL || PyList_SetItem(check->times, (Py_ssize_t)place, time) < 0) {
        return FAILED;
    }
    check->recorded = time;
    return REGULAR;
}

/* The first entry that an order has here: what it says of the one before is for the caller to look up. */
static enum answer open_chain(struct check *check, const struct row *row, const struct entry *entry)
{
    PyObject *open = Py_BuildValue("(OOs#L)", row->chain, row->number_object, (const char *)entry->order_previous,
                                   (Py_ssize_t)HEX_HASH, (long long)row->index);
    const enum answer answer = open != NULL && PyList_Append(check->opened, open) == 0 ? REGULAR : FAILED;
    Py_XDECREF(open);
    return answer;
}

/* Whether an entry follows where its chain stands: a number and a hash. */
static bool follows(PyObject *tail, const struct row *row, const struct entry *entry)
{
    if (!PyTuple_Check(tail) || PyTuple_Size(tail) != 2) {
        return false;
    }
    PyObject *number = PyTuple_GetItem(tail, 0);
    const uint8_t *hash = bytes_of(PyTuple_GetItem(tail, 1), DIGEST_SIZE);
    if (hash == NULL || !PyLong_CheckExact(number)) {
        return false;
    }
    const long long before = PyLong_AsLongLong(number);
    if (before == -1 && PyErr_Occurred()) {
        PyErr_Clear();
        return false;
    }
    return row->number > 0 && before == row->number - 1 && is_hex_of(entry->order_previous, hash);
}

/* Check an entry's link to its order's previous entry; move the chain on to it. `*tail` gets where it stood. */
static enum answer check_chain(struct check *check, const struct row *row, const struct entry *entry, PyObject **tail)
{
    if (row->chain == Py_None) {
        return entry->order.data == NULL && entry->order_previous == NULL && row->number == 0 ? REGULAR : IRREGULAR;
    }
    if (entry->order.data == NULL || entry->order_previous == NULL || entry->number != row->number
        || !is_chain_of(row, entry)) {
        return IRREGULAR;
    }
    PyObject *found = PyDict_GetItemWithError(check->tails, row->chain);
    if (found == NULL && (PyErr_Occurred() || open_chain(check, row, entry) != REGULAR)) {
        return FAILED;
    }
    if (found != NULL && !follows(found, row, entry)) {
        return IRREGULAR;
    }
    PyObject *now = PyTuple_Pack(2, row->number_object, row->hash_object);
    if (now == NULL) {
        return FAILED;
    }
    *tail = found != NULL ? Py_NewRef(found) : Py_NewRef(Py_None);
    const int set = PyDict_SetItem(check->tails, row->chain, now);
    if (set < 0) {
        Py_CLEAR(*tail); /* nothing was moved */
    }
    Py_DECREF(now);
    return set == 0 ? REGULAR : FAILED;
}

/* Check one row whose entry hashes to `hash`; `place` is its place in the group. */
static enum answer check_row(struct check *check, struct row *row, struct message bytes, const uint8_t *hash,
                             size_t place)
{
    struct entry entry;
    if (memcmp(row->hash, hash, DIGEST_SIZE) != 0 || memcmp(row->previous, check->before, DIGEST_SIZE) != 0
        || !read_entry(bytes.data, bytes.size, check->quotes, &entry) || entry.index != row->index
        || !is_hex_of(entry.previous, check->before) || !is_uuid_of(entry.id, row->id)) {
        return IRREGULAR;
    }
    const enum answer in_time = note_time(check, &entry, place);
    if (in_time != REGULAR) {
        return in_time;
    }
    /* The row's own hash is the leaf's: one object is enough. */
    if (PyList_SetItem(check->leaves, (Py_ssize_t)place, Py_NewRef(row->hash_object)) < 0) {
        return FAILED;
    }
    check->before = hash;
    check->blob = check->blob || entry.blob;
    return check_chain(check, row, &entry, &row->tail);
}

/* Put the chains back to where they stood. Failing at that is failing, whatever the answer was. */
static enum answer move_back(struct check *check, const struct row *rows, size_t count, enum answer answer)
{
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    for (size_t n = count; n-- > 0;) {
        const struct row *row = &rows[n];
        if (row->tail != NULL
            && (row->tail == Py_None ? PyDict_DelItem(check->tails, row->chain)
                                     : PyDict_SetItem(check->tails, row->chain, row->tail)) < 0) {
            Py_XDECREF(type);
            Py_XDECREF(value);
            Py_XDECREF(traceback);
            return FAILED;
        }
    }
    PyErr_Restore(type, value, traceback);
    return answer;
}

/* Memory for a group of rows, taken apart. */
struct group {
    size_t count;
    struct row *rows;
    struct message *entries;
    uint8_t *hashes;
    struct quotes *quotes;
};

static bool make_group(struct group *group, size_t count)
{
    group->count = count;
    group->rows = PyMem_Calloc(count, sizeof *group->rows);
    group->entries = PyMem_Calloc(count, sizeof *group->entries);
    group->hashes = PyMem_Calloc(count, DIGEST_SIZE);
    group->quotes = PyMem_Malloc(sizeof *group->quotes);
    if (group->rows == NULL || group->entries == NULL || group->hashes == NULL || group->quotes == NULL) {
        PyErr_NoMemory();
        return false;
    }
    return true;
}

static void drop_group(struct group *group)
{
    for (size_t n = 0; group->rows != NULL && n < group->count; n++) {
        Py_XDECREF(group->rows[n].tail);
    }
    PyMem_Free(group->rows);
    PyMem_Free(group->entries);
    PyMem_Free(group->hashes);
    PyMem_Free(group->quotes);
}

static enum answer check_group(struct check *check, struct group *group, PyObject *rows, int64_t first)
{
    for (size_t n = 0; n < group->count; n++) {
        if (!read_row(PyTuple_GetItem(rows, (Py_ssize_t)n), &group->rows[n], &group->entries[n])
            || group->rows[n].index != first + (int64_t)n) {
            return IRREGULAR;
        }
    }
    hash_messages(engine_for(group->count), 0x00, group->entries, group->count, group->hashes);
    check->quotes = group->quotes;
    check->leaves = PyList_New((Py_ssize_t)group->count);
    check->times = PyList_New((Py_ssize_t)group->count);
    check->opened = PyList_New(0);
    if (check->leaves == NULL || check->times == NULL || check->opened == NULL) {
        return FAILED;
    }
    enum answer answer = REGULAR;
    for (size_t n = 0; n < group->count && answer == REGULAR; n++) {
        answer = check_row(check, &group->rows[n], group->entries[n], group->hashes + DIGEST_SIZE * n, n);
    }
    return answer == REGULAR ? REGULAR : move_back(check, group->rows, group->count, answer);
}

static PyObject *answer_of(enum answer answer, const struct check *check)
{
    switch (answer) {
    case REGULAR:
        return Py_BuildValue("(OOOO)", check->leaves, check->times, check->opened,
                             check->blob ? Py_True : Py_False);
    case IRREGULAR:
        return Py_NewRef(Py_None);
    default:
        return NULL;
    }
}

PyObject *check_rows(PyObject *module, PyObject *arguments)
{
    (void)module;
    PyObject *sequence, *before, *recorded, *tails, *result = NULL;
    long long first;
    if (!PyArg_ParseTuple(arguments, "OLSUO!", &sequence, &first, &before, &recorded, &PyDict_Type, &tails)) {
        return NULL;
    }
    struct check check = {.tails = tails, .recorded = recorded, .before = bytes_of(before, DIGEST_SIZE)};
    if (check.before == NULL || first < 0 || first > INT64_MAX / 2) {
        PyErr_SetString(PyExc_ValueError, "before is a hash of 32 bytes, first the index of a row");
        return NULL;
    }
    PyObject *rows = PySequence_Tuple(sequence);
    if (rows == NULL) {
        return NULL;
    }
    struct group group;
    if (make_group(&group, (size_t)PyTuple_Size(rows))) {
        result = answer_of(check_group(&check, &group, rows, (int64_t)first), &check);
    }
    drop_group(&group);
    Py_XDECREF(check.leaves);
    Py_XDECREF(check.times);
    Py_XDECREF(check.opened);
    Py_DECREF(rows);
    return result;
}
