-- Writes a transaction's bypasses into the outbox, under the numbers of a client of the guard's own.
CREATE OR REPLACE FUNCTION @schema@.ordertrail_guard_record(here xid8) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $ordertrail$
DECLARE
    who text;
    counted bigint;
    done bigint := 0;
    batch record;
    transaction_told text := (SELECT t.batch ->> 'transaction' FROM @schema@.ordertrail_guard_told(here) AS t LIMIT 1);
BEGIN
    FOR batch IN
        WITH bypasses AS MATERIALIZED (
            SELECT b.*, coalesce(g.told, '{"columns": [], "known": [], "private": true}') AS told,
                   (row_number() OVER (PARTITION BY b.stated, b.relation, b.op, b.nested, b.uncertain, b.login, b.role
                                       ORDER BY b.place) - 1) / 1000 AS part
            FROM @schema@.ordertrail_guard_bypasses(here) AS b
                LEFT JOIN @schema@.ordertrail_guard_table AS g ON g.relation = b.relation
        ), parts AS (
            SELECT b.stated, b.relation, b.op, b.nested, b.uncertain, b.login, b.role, b.part, b.told, max(b.rows) AS rows,
                   min(b.place) AS place, count(*) AS events, @schema@.ordertrail_guard_columns(
                       b.told, (array_agg(coalesce(b.after, b.before)))[1],
                       string_to_array(string_agg(array_to_string(b.hidden, E'\x01'), E'\x01'), E'\x01')) AS columns
            FROM bypasses AS b GROUP BY b.stated, b.relation, b.op, b.nested, b.uncertain, b.login, b.role, b.part, b.told
        )
        SELECT p.*, (
            SELECT jsonb_agg(jsonb_build_array(
                coalesce(b.subject, '(new)'),
                @schema@.ordertrail_guard_path(b.order_key, p.told -> 'order', here),
                @schema@.ordertrail_guard_path(b.tenant_key, p.told -> 'tenant', here),
                @schema@.ordertrail_guard_image(p.columns, b.before, p.op, 'before', b.hidden),
                @schema@.ordertrail_guard_image(p.columns, b.after, p.op, 'after', b.hidden)) ORDER BY b.place)
            FROM bypasses AS b
            WHERE (b.stated, b.relation, b.op, b.nested, b.uncertain, b.login, b.role, b.part)
                = (p.stated, p.relation, p.op, p.nested, p.uncertain, p.login, p.role, p.part)
                AND p.op <> 'truncate'
        ) AS changed FROM parts AS p ORDER BY p.place
    LOOP
        IF who IS NULL THEN
            transaction_told := coalesce(transaction_told, @schema@.ordertrail_guard_id());
            SELECT taken.client, taken.counter INTO who, counted FROM @schema@.ordertrail_guard_client() AS taken;
        END IF;
        INSERT INTO @schema@.ordertrail_outbox (client, counter, events, relation, captured, body)
        VALUES (who, counted + done, batch.events, batch.relation,
                (extract(epoch FROM clock_timestamp()) * 1000)::bigint,
                @schema@.ordertrail_guard_body(
                    batch.stated, batch.relation, batch.op, batch.nested, batch.uncertain, batch.login, batch.role,
                    batch.told, batch.columns, batch.changed, batch.rows, transaction_told)::text);
        done := done + batch.events;
    END LOOP;
    IF done > 0 THEN
        UPDATE @schema@.ordertrail_client AS c SET counter = c.counter + done WHERE c.client = who;
        RAISE LOG 'ordertrail: % row changes bypassed the application and were recorded, login %', done, session_user;
    END IF;
END
$ordertrail$;

-- A client that no other transaction counts with now: its row is locked until we commit. Nobody waits for one, and
-- a transaction that may not see what others have committed since it began takes a new one.
CREATE OR REPLACE FUNCTION @schema@.ordertrail_guard_client(OUT client text, OUT counter bigint)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $ordertrail$
BEGIN
    IF current_setting('transaction_isolation') LIKE 'read%' THEN
        SELECT c.client, c.counter INTO client, counter FROM @schema@.ordertrail_client AS c
        WHERE starts_with(c.client, 'guard/') LIMIT 1 FOR UPDATE SKIP LOCKED;
    END IF;
    IF client IS NULL THEN
        client := 'guard/' || @schema@.ordertrail_guard_id();
        counter := 0;
        INSERT INTO @schema@.ordertrail_client (client, counter, started, host, process)
        VALUES (client, 0, to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
                coalesce(host(inet_server_addr()), 'local'), pg_backend_pid());
    END IF;
END
$ordertrail$;

-- The outbox row's body: a batch of rows, or of a TRUNCATE that emptied a table of too many rows to tell.
CREATE OR REPLACE FUNCTION @schema@.ordertrail_guard_body(
    stated timestamptz, relation text, op text, nested boolean, uncertain boolean, login name, role text, told jsonb,
    columns jsonb, changed jsonb, rows bigint, transaction_told text) RETURNS jsonb
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $ordertrail$
DECLARE
    moment text := to_char(stated AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"');
    id text := @schema@.ordertrail_guard_id();
    actor jsonb := jsonb_build_object('id', @schema@.ordertrail_guard_name(login::text), 'kind', 'service')
        || CASE role WHEN 'none' THEN '{}' ELSE jsonb_build_object(
            'roles', jsonb_build_array(@schema@.ordertrail_guard_name(role))) END;
    context jsonb := jsonb_strip_nulls(jsonb_build_object(
        'ip', host(inet_client_addr()), 'user_agent', nullif(current_setting('application_name'), ''),
        'channel', 'database', 'source', @schema@.ordertrail_guard_name('postgresql/' || current_database()),
        'tags', to_jsonb(array_remove(ARRAY[
            'bypass', CASE WHEN nested THEN 'nested' END, CASE WHEN uncertain THEN 'uncertain' END, told ->> 'tag'], NULL))));
    batch jsonb := jsonb_build_object('v', 1, 'id', id, 'time', moment, 'outcome', 'success', 'transaction', transaction_told);
BEGIN
    IF op <> 'truncate' THEN
        RETURN batch || jsonb_build_object(
            'op', op, 'who', jsonb_build_object('actor', actor, 'context', context), 'rows', changed,
            'shape', jsonb_build_object('table', relation, 'kind', told ->> 'kind', 'action', 'capture.bypass', 'columns', (
                SELECT jsonb_agg(jsonb_build_array(c.value ->> 'path', c.value ->> 'kind', c.value -> 'extra'))
                FROM jsonb_array_elements(columns) AS c)));
    END IF;
    RETURN batch || jsonb_build_object('op', 'statement', 'events', jsonb_build_array(jsonb_build_object(
        'id', id, 'time', moment, 'action', 'capture.bypass', 'outcome', 'success', 'actor', actor, 'context', context,
        'subject', jsonb_build_object('kind', 'table', 'id', relation),
        'changes', jsonb_build_array(jsonb_build_object('path', '/statement', 'after', 'TRUNCATE'),
                                     jsonb_build_object('path', '/rows', 'after', rows)),
        'links', jsonb_build_array(jsonb_build_object(
            'system', 'capture', 'kind', 'transaction', 'id', transaction_told)))));
END
$ordertrail$;
