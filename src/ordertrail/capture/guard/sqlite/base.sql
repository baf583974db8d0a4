-- What the guard keeps beside the outbox. Triggers run in whatever program writes, so that those of the audited tables
-- use nothing but functions that every build of SQLite has; those of the outbox run in the capturing application.

-- Row changes. What is still here when a transaction has committed, nobody recorded.
CREATE TABLE IF NOT EXISTS ordertrail_guard_seen (
    place integer PRIMARY KEY,
    stated text NOT NULL,
    relation text NOT NULL,
    op text NOT NULL,
    subject text NOT NULL,
    order_key,
    tenant_key,
    changed text NOT NULL DEFAULT '/',  -- of an update: the paths of the columns that changed, "/note/status/"
    before text,                        -- values as SQL literals, with commas between them
    after text
);
CREATE INDEX IF NOT EXISTS ordertrail_guard_seen_subject ON ordertrail_guard_seen (relation, subject);

-- How each guarded table's rows are told in events.
CREATE TABLE IF NOT EXISTS ordertrail_guard_table (relation text PRIMARY KEY, told text NOT NULL);

-- Capture recorded one row, of which one change was seen: that is the one. The usual case, which takes no temporary table.
DROP TRIGGER IF EXISTS ordertrail_guard_told_one;
CREATE TRIGGER ordertrail_guard_told_one BEFORE INSERT ON ordertrail_outbox
WHEN NEW.events = 1 AND NEW.client NOT LIKE 'guard/%' AND json_extract(NEW.body, '$.outcome') = 'success'
    AND json_extract(NEW.body, '$.op') IN ('insert', 'update', 'delete')
BEGIN
    DELETE FROM ordertrail_guard_seen WHERE place = (
        SELECT max(place) FROM ordertrail_guard_seen
        WHERE relation = NEW.relation AND subject = coalesce(
            json_extract(NEW.body, '$.rows[0][0]'), json_extract(NEW.body, '$.events[0].subject.id'),
            CAST(json_extract(NEW.body, '$.columns.subjects[0]') AS text))
        HAVING count(*) = 1);
END;

-- Capture recorded rows: what was seen of them is accounted for. Of one row's changes those are taken that changed
-- nothing but what capture tells, the newest first; and with each, what its own statement did to the row besides.
DROP TRIGGER IF EXISTS ordertrail_guard_told;
CREATE TRIGGER ordertrail_guard_told AFTER INSERT ON ordertrail_outbox
WHEN NEW.client NOT LIKE 'guard/%' AND json_extract(NEW.body, '$.outcome') = 'success'
    AND json_extract(NEW.body, '$.op') IN ('insert', 'update', 'delete')
    AND (NEW.events > 1 OR EXISTS (
        SELECT 1 FROM ordertrail_guard_seen WHERE relation = NEW.relation AND subject = coalesce(
            json_extract(NEW.body, '$.rows[0][0]'), json_extract(NEW.body, '$.events[0].subject.id'),
            CAST(json_extract(NEW.body, '$.columns.subjects[0]') AS text))))
BEGIN
    DELETE FROM ordertrail_guard_seen WHERE place IN (
        WITH told AS (
            SELECT subject, count(*) AS n FROM (
                SELECT coalesce(json_extract(r.value, '$[0]'), json_extract(r.value, '$.subject.id')) AS subject
                FROM json_each(coalesce(json_extract(NEW.body, '$.rows'), json_extract(NEW.body, '$.events'))) AS r
                UNION ALL
                SELECT CAST(r.value AS text) FROM json_each(NEW.body, '$.columns.subjects') AS r
            ) GROUP BY 1
        ), paths AS MATERIALIZED (
            SELECT json_extract(c.value, '$[0]') || '/' AS path FROM json_each(NEW.body, '$.shape.columns') AS c
            UNION
            SELECT json_extract(c.value, '$.path') || '/'
            FROM json_each(NEW.body, '$.events') AS e, json_each(e.value, '$.changes') AS c
        ), alike AS MATERIALIZED (
            SELECT s.place, s.subject, s.stated, s.op, t.n,
                   length(s.changed) - 1 <= (SELECT coalesce(sum(length(p.path) - 1), 0) FROM paths AS p
                                             WHERE instr(s.changed, p.path) > 0) AS explained
            FROM told AS t JOIN ordertrail_guard_seen AS s ON s.relation = NEW.relation AND s.subject = t.subject
        ), matched AS MATERIALIZED (
            SELECT * FROM (SELECT *, row_number() OVER (PARTITION BY subject ORDER BY explained DESC, place DESC) AS nth
                           FROM alike)
            WHERE nth <= n
        )
        SELECT place FROM matched
        UNION ALL
        SELECT a.place FROM matched AS m JOIN alike AS a ON a.subject = m.subject AND a.stated = m.stated
        WHERE a.explained OR m.op = 'delete'
    );
END;

-- Capture recorded a statement and how many rows it changed.
DROP TRIGGER IF EXISTS ordertrail_guard_stated;
CREATE TRIGGER ordertrail_guard_stated AFTER INSERT ON ordertrail_outbox
WHEN NEW.client NOT LIKE 'guard/%' AND json_extract(NEW.body, '$.op') = 'statement'
BEGIN
    DELETE FROM ordertrail_guard_seen WHERE place IN (
        SELECT place FROM ordertrail_guard_seen WHERE NEW.relation IN (relation, '(unknown)') ORDER BY place DESC
        LIMIT (SELECT coalesce(sum(json_extract(c.value, '$.after')), 0)
               FROM json_each(NEW.body, '$.events') AS e, json_each(e.value, '$.changes') AS c
               WHERE json_extract(c.value, '$.path') = '/rows'));
END;

-- The policy left rows out, and counted them; what their statements did besides was left out with them.
DROP TRIGGER IF EXISTS ordertrail_guard_left_out;
CREATE TRIGGER ordertrail_guard_left_out AFTER INSERT ON ordertrail_filtered
WHEN NEW.rule IN ('unattended', 'system', 'unprivileged')
BEGIN
    DELETE FROM ordertrail_guard_seen WHERE stated IN (
        SELECT stated FROM ordertrail_guard_seen WHERE NEW.relation IN (relation, '(unknown)') ORDER BY place DESC
        LIMIT NEW.rows);
END;
DROP TRIGGER IF EXISTS ordertrail_guard_left_out_more;
CREATE TRIGGER ordertrail_guard_left_out_more AFTER UPDATE ON ordertrail_filtered
WHEN NEW.rule IN ('unattended', 'system', 'unprivileged')
BEGIN
    DELETE FROM ordertrail_guard_seen WHERE stated IN (
        SELECT stated FROM ordertrail_guard_seen WHERE NEW.relation IN (relation, '(unknown)') ORDER BY place DESC
        LIMIT max(NEW.rows - OLD.rows, 0));
END;
