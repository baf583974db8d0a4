-- What capture recorded in a transaction, as (relation, side, subject); side "left" has a before, "made" has none.
-- It sets nothing and is run as its caller, so that PostgreSQL makes it part of the query that asks.
CREATE OR REPLACE FUNCTION @schema@.ordertrail_guard_told(transaction_id xid8)
RETURNS TABLE (relation text, side text, subject text, batch jsonb, row_told jsonb)
LANGUAGE sql STABLE AS $ordertrail$
    SELECT o.relation, CASE b.body ->> 'op' WHEN 'insert' THEN 'made' ELSE 'left' END,
           coalesce(r.told ->> 0, r.told #>> '{subject,id}'), b.body, r.told
    FROM @schema@.ordertrail_outbox AS o
        CROSS JOIN LATERAL (SELECT o.body::jsonb AS body OFFSET 0) AS b
        CROSS JOIN LATERAL jsonb_array_elements(coalesce(b.body -> 'rows', b.body -> 'events')) AS r (told)
    WHERE o.transaction = transaction_id AND NOT starts_with(o.client, 'guard/')
        AND b.body ->> 'outcome' = 'success' AND b.body ->> 'op' IN ('insert', 'update', 'delete', 'statement')
$ordertrail$;

-- The row changes of a transaction that capture did not record: what the guard saw, less what the outbox tells.
CREATE OR REPLACE FUNCTION @schema@.ordertrail_guard_bypasses(here xid8)
RETURNS TABLE (stated timestamptz, relation text, op text, nested boolean, uncertain boolean, login name, role text,
               place bigint, subject text, order_key text, tenant_key text, before jsonb, after jsonb, hidden text[],
               rows bigint)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $ordertrail$
    WITH told AS MATERIALIZED (
        SELECT * FROM @schema@.ordertrail_guard_told(here)
    ), seen AS (
        SELECT s.*, coalesce(s.left_id, s.made_id) AS subject FROM @schema@.ordertrail_guard_seen AS s
        WHERE s.transaction = here AND s.op <> 'left_out'
    ), net AS (
        -- Capture tells what a statement made of a row, however often its triggers and cascades came by. A trigger
        -- inside a statement runs after the statement has changed its rows, and is seen before it.
        SELECT s.stated, s.relation, s.subject, min(s.place) AS place, min(s.depth) > 1 AS nested,
               (array_agg(s.op ORDER BY s.depth, s.place))[1] AS op,
               (array_agg(s.login ORDER BY s.depth, s.place))[1] AS login,
               (array_agg(s.role ORDER BY s.depth, s.place))[1] AS role,
               (array_agg(s.order_key ORDER BY s.depth, s.place))[1] AS order_key,
               (array_agg(s.tenant_key ORDER BY s.depth, s.place))[1] AS tenant_key,
               (array_agg(s.before ORDER BY s.depth, s.place))[1] AS before,
               (array_agg(s.after ORDER BY s.depth DESC, s.place DESC))[1] AS after,
               string_to_array(string_agg(array_to_string(s.hidden, E'\x01'), E'\x01'), E'\x01') AS hidden,
               max(s.rows) AS rows
        FROM seen AS s GROUP BY s.stated, s.relation, s.subject, CASE s.op WHEN 'truncate' THEN s.place END
    ), changed AS (
        SELECT n.*, CASE WHEN n.before IS NULL THEN 'made' ELSE 'left' END AS side FROM net AS n
        WHERE n.op = 'truncate' OR n.hidden IS NOT NULL OR n.before IS DISTINCT FROM n.after
    ), told_values AS MATERIALIZED (
        SELECT t.relation, t.subject, c.column_told ->> 0 AS path,
               replace(t.row_told -> 4 ->> (c.n::integer - 1), ' ', 'T') AS value
        FROM told AS t
            CROSS JOIN LATERAL jsonb_array_elements(t.batch #> '{shape,columns}') WITH ORDINALITY AS c (column_told, n)
        UNION ALL
        SELECT t.relation, t.subject, c.change ->> 'path', replace(c.change ->> 'after', ' ', 'T')
        FROM told AS t CROSS JOIN LATERAL jsonb_array_elements(t.row_told -> 'changes') AS c (change)
        WHERE jsonb_typeof(t.row_told) = 'object'
    ), counted AS (
        SELECT t.relation, t.side, t.subject, count(*) AS n FROM told AS t
        WHERE t.batch ->> 'op' <> 'statement' GROUP BY 1, 2, 3
    ), ranked AS (
        -- Where a row was changed more often than capture says, those changes are the bypasses whose values capture
        -- never heard of; and of changes that look alike, the later ones.
        SELECT c.*, coalesce(k.n, 0) AS recorded, row_number() OVER (
            PARTITION BY c.relation, c.side, c.subject
            ORDER BY CASE WHEN k.n > 0 THEN (
                SELECT count(*) FROM jsonb_each(c.after) AS v
                WHERE c.before -> v.key IS DISTINCT FROM v.value AND NOT EXISTS (
                    SELECT FROM told_values AS t
                    WHERE t.relation = c.relation AND t.subject = c.subject AND t.path = '/' || v.key
                        AND t.value IS NOT DISTINCT FROM replace(v.value #>> '{}', ' ', 'T'))) END, c.place) AS nth
        FROM changed AS c LEFT JOIN counted AS k USING (relation, side, subject)
    ), left_out AS MATERIALIZED (
        SELECT s.relation, s.rows FROM @schema@.ordertrail_guard_seen AS s
        WHERE s.transaction = here AND s.op = 'left_out'
    ), given AS (
        -- Rows that are accounted for without being told one by one; '(unknown)' is any table.
        SELECT * FROM left_out
        UNION ALL
        SELECT t.relation, coalesce((SELECT (c.change ->> 'after')::bigint
            FROM jsonb_array_elements(t.row_told -> 'changes') AS c (change) WHERE c.change ->> 'path' = '/rows'), 1::bigint << 50)
        FROM told AS t WHERE t.batch ->> 'op' = 'statement'
    ), rest AS (
        SELECT r.*, sum(coalesce(r.rows - (SELECT sum(k.n) FROM counted AS k WHERE k.relation = r.relation AND k.side = 'left'),
                                 r.rows, 1)) OVER (PARTITION BY r.relation) AS missing,
               (SELECT coalesce(sum(g.rows), 0) FROM given AS g WHERE g.relation IN (r.relation, '(unknown)')) AS excused
        FROM ranked AS r
        WHERE r.nth > r.recorded AND NOT EXISTS (
            -- What a statement that was left out did to other tables, by cascades, was left out with it.
            SELECT FROM seen AS s JOIN left_out AS l ON l.relation IN (s.relation, '(unknown)')
            WHERE s.stated = r.stated AND r.relation NOT IN (SELECT one.relation FROM left_out AS one))
    )
    SELECT r.stated, r.relation,
           CASE WHEN r.op = 'truncate' THEN r.op WHEN r.before IS NULL THEN 'insert' WHEN r.after IS NULL THEN 'delete' ELSE 'update' END,
           r.nested, r.excused > 0, r.login, r.role, r.place, r.subject, r.order_key, r.tenant_key, r.before, r.after, r.hidden,
           r.rows
    FROM rest AS r WHERE r.missing > r.excused
$ordertrail$;
