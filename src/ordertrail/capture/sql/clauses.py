"""A statement that changes rows, cut into its clauses: which table, which rows, which columns, which values.

The cuts are pieces of the statement's own text, with its own parameters in them. What capture asks the database about
a statement is therefore asked in the statement's own words: the rows that ``UPDATE t SET … WHERE w`` is about are
``SELECT … FROM t WHERE w``, with the very same w.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from ordertrail.capture.schema import TableName
from ordertrail.capture.sql.dml import DEFAULT, EXPRESSION, Clause, Dml, Parameter, Value, Verb
from ordertrail.capture.sql.scan import Slot, Token, scan


class _Unreadable(Exception):  # noqa: N818 - never leaves this module
    """The statement is not of a form that is cut here."""


def read_dml(sql: str) -> Dml | None:
    """Cut a statement; None where it changes no rows, ``other`` where it may but is of no form that is cut here."""
    tokens = scan(sql)
    while tokens and tokens[-1].word == ";":
        tokens.pop()
    if not tokens:
        return None
    if any(token.word == ";" for token in tokens):
        return Dml(
            "other", tuple(_mentioned(tokens))
        )  # several statements in one text, whichever comes first
    first = tokens[0].word
    if first in {
        "SELECT",
        "VALUES",
        "EXPLAIN",
        "SHOW",
        "SET",
        "PRAGMA",
        "BEGIN",
        "LISTEN",
        "NOTIFY",
        "FETCH",
    }:
        return None
    cutter = _Cutter(sql, tokens)
    try:
        return cutter.read()
    except (_Unreadable, IndexError):
        return Dml("other", tuple(_mentioned(tokens)))


def mentioned(sql: str) -> list[TableName]:
    """Return every name in a statement that could be a table's, for those to judge who know the tables."""
    return _mentioned(scan(sql))


def _mentioned(tokens: Sequence[Token]) -> list[TableName]:
    names: list[TableName] = []
    for place, token in enumerate(tokens):
        if token.sort not in {"word", "name"}:
            continue
        name = _identifier(token)
        if place >= 2 and tokens[place - 1].word == ".":
            names.append(TableName(name, _identifier(tokens[place - 2])))
        names.append(TableName(name))
    return names


def _identifier(token: Token) -> str:
    """Return a name as the database knows it: as written in quotes, in lower case without them."""
    if token.sort == "name":
        return token.word[1:-1].replace('""', '"')
    return token.word.lower()


class _Cutter:
    """Walks over one statement's tokens."""

    def __init__(self, sql: str, tokens: list[Token]) -> None:
        self.sql = sql
        self.tokens = tokens
        self.at = 0

    def read(self) -> Dml | None:
        with_ = Clause()
        if self.tokens[0].word == "WITH":
            body = next(
                (n for n, one in enumerate(self.tokens) if one.depth == 0 and one.word in _VERBS and n > 1),
                None,
            )
            writes = any(
                one.depth > 0 and one.word in _WRITES and self.tokens[n - 1].word == "("
                for n, one in enumerate(self.tokens)
            )
            if body is None:
                raise _Unreadable
            if writes:
                raise _Unreadable
            if self.tokens[body].word == "SELECT":
                return None
            with_ = self.cut(0, body)
            self.at = body
        if any(one.word == ";" and one.depth == 0 for one in self.tokens):
            raise _Unreadable
        match self.word():
            case "UPDATE":
                return self.update(with_)
            case "DELETE":
                return self.delete(with_)
            case "INSERT" | "REPLACE":
                return self.insert(with_)
            case "TRUNCATE":
                return self.truncate()
            case "COMMIT" | "END" | "ROLLBACK" | "ABORT" | "SAVEPOINT" | "RELEASE" | "START":
                return None
        raise _Unreadable

    # Movement ---------------------------------------------------------------------------------------------------

    def word(self) -> str:
        return self.tokens[self.at].word if self.at < len(self.tokens) else ""

    def take(self, *words: str) -> bool:
        """Step over these words if they come next."""
        for number, word in enumerate(words):
            if self.at + number >= len(self.tokens) or self.tokens[self.at + number].word != word:
                return False
        self.at += len(words)
        return True

    def until(self, words: frozenset[str], start: int) -> int:
        """Return the place of the first of these words outside brackets, or the end."""
        for place in range(start, len(self.tokens)):
            token = self.tokens[place]
            if token.depth == 0 and token.sort == "word" and token.word in words:
                if token.word == "FROM" and self.tokens[place - 1].word == "DISTINCT":
                    continue
                return place
        return len(self.tokens)

    def cut(self, start: int, end: int) -> Clause:
        """Return the text between two places, with its parameters taken out."""
        if start >= end:
            return Clause()
        texts, slots = [], []
        at = self.tokens[start].start
        for token in self.tokens[start:end]:
            if token.slot is not None:
                texts.append(self.sql[at : token.start])
                slots.append(token.slot)
                at = token.end
        texts.append(self.sql[at : self.tokens[end - 1].end])
        return Clause(tuple(texts), tuple(slots))

    # Parts ------------------------------------------------------------------------------------------------------

    def table(self) -> TableName:
        token = self.tokens[self.at]
        if token.sort not in {"word", "name"}:
            raise _Unreadable
        name, schema = _identifier(token), None
        self.at += 1
        if self.take("."):
            schema, name = name, _identifier(self.tokens[self.at])
            self.at += 1
        return TableName(name, schema)

    def alias(self, stop: frozenset[str], table: TableName) -> str:
        """Return how the rest of the statement calls the table."""
        marked = self.take("AS")
        if self.at < len(self.tokens):
            token = self.tokens[self.at]
            if token.sort == "name" or (token.sort == "word" and (marked or token.word not in stop)):
                self.at += 1
                return self.sql[token.start : token.end]
        return table.sql

    def update(self, with_: Clause) -> Dml:
        self.at += 1
        otherwise = self.word() == "OR"
        self.conflicting()
        start = self.at
        self.take("ONLY")
        table = self.table()
        alias = self.alias(frozenset({"SET"}), table)
        target = self.cut(start, self.at)
        if not self.take("SET"):
            raise _Unreadable
        sets_end = self.until(frozenset({"FROM", "WHERE", "RETURNING", "ORDER", "LIMIT"}), self.at)
        sets = tuple(self.assignments(self.at, sets_end))
        expressions = tuple(self.assigned(self.at, sets_end))
        dml = self.rest("update", with_, table, alias, target, sets_end, "FROM", sets)
        return replace(
            dml, expressions=expressions if len(expressions) == len(sets) else (), otherwise=otherwise
        )

    def delete(self, with_: Clause) -> Dml:
        self.at += 1
        if not self.take("FROM"):
            raise _Unreadable
        start = self.at
        self.take("ONLY")
        table = self.table()
        alias = self.alias(frozenset({"USING", "WHERE", "RETURNING", "ORDER", "LIMIT"}), table)
        return self.rest("delete", with_, table, alias, self.cut(start, self.at), self.at, "USING", ())

    def rest(
        self, verb: Verb, with_: Clause, table: TableName, alias: str, target: Clause, at: int, beside_word: str,
        sets: tuple[tuple[str, Value], ...],
    ) -> Dml:  # fmt: skip
        """Read what UPDATE and DELETE end with: other tables, the condition, what is returned."""
        stop = frozenset({"WHERE", "RETURNING", "ORDER", "LIMIT"})
        beside = Clause()
        if at < len(self.tokens) and self.tokens[at].word == beside_word:
            end = self.until(stop, at)
            beside = self.cut(at + 1, end)
            at = end
        where, where_end = Clause(), at
        start = at
        if at < len(self.tokens) and self.tokens[at].word == "WHERE":
            start = at + 1
            where_end = self.until(stop - {"WHERE"}, start)
            where = self.cut(start, where_end)
        tail = self.tokens[where_end].word if where_end < len(self.tokens) else ""
        if tail in {"ORDER", "LIMIT"} or (where and self.tokens[start].word == "CURRENT"):
            raise _Unreadable
        end = self.tokens[where_end - 1].end
        span = (self.tokens[at].start, self.tokens[start].start, end) if where else (end, end, end)
        return Dml(
            verb, (table,), alias, with_, target, beside, where, sets, returning=tail == "RETURNING",
            key_slots=tuple(self.comparisons(start, where_end)) if where else (), where_span=span,
        )  # fmt: skip

    def insert(self, with_: Clause) -> Dml:
        conflict = "replace" if self.word() == "REPLACE" else None
        self.at += 1
        plain = self.word() == "INTO"
        conflict = self.conflicting() or conflict
        if not self.take("INTO"):
            raise _Unreadable
        table = self.table()
        alias = self.alias(frozenset({"VALUES", "SELECT", "DEFAULT", "WITH", "OVERRIDING", "TABLE"}), table)
        columns: tuple[str, ...] = ()
        if self.word() == "(" and self.tokens[self.at + 1].word not in {"SELECT", "WITH", "VALUES"}:
            end = self.close(self.at)
            columns = tuple(
                _identifier(token)
                for token in self.tokens[self.at + 1 : end]
                if token.sort in {"word", "name"}
            )
            self.at = end + 1
        if self.take("OVERRIDING"):
            self.at += 2
        end = self.until(frozenset({"ON", "RETURNING"}), self.at)
        while (
            end < len(self.tokens)
            and self.tokens[end].word == "ON"
            and self.tokens[end + 1].word != "CONFLICT"
        ):
            end = self.until(frozenset({"ON", "RETURNING"}), end + 1)
        query = self.cut(self.at, end)
        rows: tuple[tuple[Value, ...], ...] = ()
        values, span = Clause(), (0, 0)
        if self.word() == "VALUES":
            rows = tuple(self.value_rows(self.at + 1, end))
            if plain and query.slots and len(query.slots) == sum(one.slot is not None for one in self.tokens):
                values = self.cut(self.at + 1, end)
                span = (self.tokens[self.at + 1].start, self.tokens[end - 1].end)
        elif self.word() == "SELECT" and any(token.word == "IMP_SEN" for token in self.tokens[self.at : end]):
            rows, query = (self.sentinel_row(end),), Clause()
        elif self.take("DEFAULT", "VALUES"):
            rows, query = ((),), Clause()
        returning = self.until(frozenset({"RETURNING"}), end)
        if end < len(self.tokens) and self.tokens[end].word == "ON":
            words = {token.word for token in self.tokens[end:returning] if token.depth == 0}
            conflict = "nothing" if "NOTHING" in words else "update"
        return Dml(
            "insert", (table,), alias, with_, columns=columns, rows=rows, query=query, conflict=conflict,  # type: ignore[arg-type]
            returning=returning < len(self.tokens), values=values, values_span=span,
        )  # fmt: skip

    def truncate(self) -> Dml:
        self.at += 1
        self.take("TABLE")
        tables = []
        while True:
            self.take("ONLY")
            tables.append(self.table())
            self.take("*")
            if not self.take(","):
                break
        cascade = any(token.word == "CASCADE" for token in self.tokens[self.at :])
        return Dml("truncate", tuple(tables), cascade=cascade)

    def conflicting(self) -> str | None:
        """Step over SQLite's ``OR REPLACE`` and the like; return what it means for rows that are there."""
        if not self.take("OR"):
            return None
        word = self.word()
        self.at += 1
        return {"REPLACE": "replace", "IGNORE": "nothing"}.get(word)

    def close(self, start: int) -> int:
        """Return the place of the bracket that closes the one at a place."""
        depth = self.tokens[start].depth
        for place in range(start + 1, len(self.tokens)):
            if self.tokens[place].word in {")", "]"} and self.tokens[place].depth == depth:
                return place
        raise _Unreadable

    def assignments(self, start: int, end: int) -> list[tuple[str, Value]]:
        """Read ``a = 1, b = %(b)s, (c, d) = (…)``."""
        sets: list[tuple[str, Value]] = []
        for low, high in self.parts(start, end, 0):
            equals = next(
                (n for n in range(low, high) if self.tokens[n].depth == 0 and self.tokens[n].word == "="),
                None,
            )
            if equals is None:
                raise _Unreadable
            named = [one for one in self.tokens[low:equals] if one.sort in {"word", "name"}]
            if self.tokens[low].word == "(":
                sets += [(_identifier(one), EXPRESSION) for one in named]
            else:
                sets.append((_identifier(named[-1]), self.value(equals + 1, high)))
        return sets

    def assigned(self, start: int, end: int) -> Iterator[Clause]:
        """Yield the values of ``a = 1, b = %(b)s`` as they are written."""
        for low, high in self.parts(start, end, 0):
            equals = next(
                n for n in range(low, high) if self.tokens[n].depth == 0 and self.tokens[n].word == "="
            )
            yield self.cut(equals + 1, high)

    def value_rows(self, start: int, end: int) -> list[tuple[Value, ...]]:
        rows = []
        for low, high in self.parts(start, end, 0):
            if self.tokens[low].word != "(":
                raise _Unreadable
            rows.append(tuple(self.value(*part) for part in self.parts(low + 1, high - 1, 1)))
        return rows

    def sentinel_row(self, end: int) -> tuple[Value, ...]:
        """Read the form in which SQLAlchemy has many rows inserted in order.

        ``SELECT p0::INTEGER, p1::VARCHAR FROM (VALUES (…)) AS imp_sen(p0, p1, sen_counter) ORDER BY sen_counter``
        """
        start = self.at + 1
        from_ = self.until(frozenset({"FROM"}), start)
        opening = next(place for place in range(from_, end) if self.tokens[place].word == "VALUES") + 1
        inner = [self.value(*part) for part in self.parts(opening + 1, self.close(opening), 2)]
        row: list[Value] = []
        for low, high in self.parts(start, from_, 0):
            word = self.tokens[low].word
            named = word[1:] if word[0] == "P" else ""
            plain = named.isdecimal() and (high == low + 1 or self.tokens[low + 1].word == "::")
            row.append(inner[int(named)] if plain and int(named) < len(inner) else EXPRESSION)
        return tuple(row)

    def parts(self, start: int, end: int, depth: int) -> list[tuple[int, int]]:
        """Return the places between the commas of a list at a depth of brackets."""
        found, low = [], start
        for place in range(start, end):
            if self.tokens[place].word == "," and self.tokens[place].depth == depth:
                found.append((low, place))
                low = place + 1
        if low < end:
            found.append((low, end))
        return found

    def value(self, start: int, end: int) -> Value:
        """Return what a value is, as far as it can be told without the database."""
        tokens = self.tokens[start:end]
        if (
            len(tokens) >= 3
            and tokens[1].word == "::"
            and tokens[0].slot is not None
            and _is_type(tokens[2:])
        ):
            return Parameter(tokens[0].slot)
        if len(tokens) != 1:
            return EXPRESSION
        token = tokens[0]
        if token.slot is not None:
            return Parameter(token.slot)
        if token.sort == "number" and token.word.isdecimal():
            return int(token.word)
        if token.sort == "text" and token.word[0] == "'" and "%%" not in token.word:
            return token.word[1:-1].replace("''", "'")
        return (
            {"NULL": None, "DEFAULT": DEFAULT}.get(token.word, EXPRESSION)
            if token.sort == "word"
            else EXPRESSION
        )

    def comparisons(self, start: int, end: int) -> list[tuple[str, Slot]]:
        """Read a condition that is nothing but ``column = parameter AND …``; empty where it is anything else."""
        found: list[tuple[str, Slot]] = []
        at = start
        while True:
            names = []
            while at < end and self.tokens[at].sort in {"word", "name"}:
                names.append(_identifier(self.tokens[at]))
                at += 1
                if at < end and self.tokens[at].word == ".":
                    at += 1
            if not names or at + 1 >= end or self.tokens[at].word != "=":
                return []
            slot = self.tokens[at + 1].slot
            if slot is None:
                return []
            at += 2
            if at < end and self.tokens[at].word == "::":
                at += 1
                while at < end and self.tokens[at].word != "AND":
                    at += 1
            found.append((names[-1], slot))
            if at >= end:
                return found
            if self.tokens[at].word != "AND":
                return []
            at += 1


_VERBS = frozenset({"SELECT", "INSERT", "UPDATE", "DELETE", "MERGE", "VALUES", "REPLACE"})
_WRITES = frozenset({"INSERT", "UPDATE", "DELETE", "MERGE"})


def _is_type(tokens: Sequence[Token]) -> bool:
    """Say whether tokens are a type's name, such as ``VARCHAR(20)`` or ``TIMESTAMP WITH TIME ZONE``."""
    return all(
        token.sort in {"word", "number", "name"} or token.word in {"(", ")", ",", "[", "]", "."}
        for token in tokens
    )
