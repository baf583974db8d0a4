-- How values, rows and ids are told in the outbox; see ordertrail.capture.values and ordertrail.capture.batch.

-- A UUID of version 7 (RFC 9562 section 5.7).
CREATE OR REPLACE FUNCTION @schema@.ordertrail_guard_id() RETURNS text
LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp AS $ordertrail$
    SELECT encode(
        set_byte(substring(int8send((extract(epoch FROM clock_timestamp()) * 1000)::bigint) FROM 3 FOR 6)
                 || substring(uuid_send(gen_random_uuid()) FROM 7), 6, 112 + (random() * 15)::integer), 'hex')::uuid::text
$ordertrail$;

-- Of the hidden columns: those whose value changed; of a new or a deleted row, those that have a value.
CREATE OR REPLACE FUNCTION @schema@.ordertrail_guard_hidden(before jsonb, after jsonb, hidden text[]) RETURNS text[]
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $ordertrail$
    SELECT array_agg(one) FROM unnest(hidden) AS one
    WHERE coalesce(nullif(before -> one, 'null') IS DISTINCT FROM nullif(after -> one, 'null'), false)
$ordertrail$;

-- A text as an id of an event can hold it.
CREATE OR REPLACE FUNCTION @schema@.ordertrail_guard_name(said text) RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $ordertrail$
    SELECT coalesce(nullif(left(regexp_replace(said, '[\x01-\x1f\x7f-\xa0]', U&'\FFFD', 'g'), 512), ''), '(empty)')
    WHERE said IS NOT NULL
$ordertrail$;

CREATE OR REPLACE FUNCTION @schema@.ordertrail_guard_text(said text) RETURNS jsonb
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $ordertrail$
    SELECT CASE WHEN length(said) <= 16384 THEN to_jsonb(said) ELSE jsonb_build_object(
        'shortened', left(said, 1000), 'sha256', encode(sha256(convert_to(said, 'UTF8')), 'hex'),
        'length', octet_length(convert_to(said, 'UTF8'))) END
$ordertrail$;

-- A column's value, as the outbox carries it. One that cannot be told is told as such, and nothing is raised.
CREATE OR REPLACE FUNCTION @schema@.ordertrail_guard_value(kind text, how text, value jsonb, currency text)
RETURNS jsonb LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $ordertrail$
DECLARE
    said text := value #>> '{}';
BEGIN
    IF said IS NULL THEN
        RETURN 'null';
    END IF;
    CASE
        WHEN how = 'money' THEN
            RETURN jsonb_build_object('money', jsonb_build_array(said, coalesce(currency, '')));
        WHEN how = 'minor' THEN
            RETURN jsonb_build_object('amount', value, 'currency', coalesce(currency, ''));
        WHEN kind IN ('integer', 'minor', 'boolean') THEN
            RETURN value;
        WHEN kind = 'float' THEN
            RETURN jsonb_build_object('unrepresentable', 'float', 'text', said);
        WHEN kind = 'binary' THEN
            RETURN jsonb_build_object('binary', jsonb_build_object(
                'sha256', encode(sha256(said::bytea), 'hex'), 'length', length(said::bytea)));
        WHEN kind = 'json' THEN
            IF length(said) > 16384 THEN
                RETURN @schema@.ordertrail_guard_text(said);
            ELSIF jsonb_path_exists(value, '$.** ? (@.type() == "number" && (@.floor() != @ || @.abs() > 9007199254740991))')
                OR jsonb_path_exists(value, '$.**{12 to last}') THEN
                RETURN jsonb_build_object('unrepresentable', 'json', 'text', left(said, 1000));
            END IF;
            RETURN jsonb_build_object('json', value);
        ELSE
            RETURN @schema@.ordertrail_guard_text(said);
    END CASE;
EXCEPTION WHEN OTHERS THEN
    RETURN jsonb_build_object('unrepresentable', kind, 'text', left(said, 1000));
END
$ordertrail$;

-- The columns of a table in events: those that the guard knows, and those that came after it was installed.
CREATE OR REPLACE FUNCTION @schema@.ordertrail_guard_columns(told jsonb, sample jsonb, hidden text[]) RETURNS jsonb
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $ordertrail$
    SELECT (told -> 'columns') || coalesce(jsonb_agg(jsonb_build_object(
        'name', key, 'path', '/' || replace(replace(key, '~', '~0'), '/', '~1'),
        'kind', CASE WHEN (told ->> 'private')::boolean THEN 'redacted'
                     WHEN jsonb_typeof(value) IN ('object', 'array') THEN 'json'
                     WHEN jsonb_typeof(value) = 'boolean' THEN 'boolean'
                     WHEN jsonb_typeof(value) = 'number' AND value::text !~ '[.eE]' THEN 'integer' ELSE 'opaque' END))
        FILTER (WHERE key IS NOT NULL), '[]')
    FROM (SELECT * FROM jsonb_each(sample) UNION SELECT one, 'null' FROM unnest(hidden) AS one) AS c (key, value)
    WHERE NOT (told -> 'known') ? key
$ordertrail$;

-- One side of a row change, in the order of the columns.
CREATE OR REPLACE FUNCTION @schema@.ordertrail_guard_image(columns jsonb, image jsonb, op text, side text, hidden text[])
RETURNS jsonb LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $ordertrail$
    SELECT jsonb_agg(CASE
        WHEN c.told ->> 'kind' <> 'redacted' THEN @schema@.ordertrail_guard_value(
            c.told ->> 'kind', c.told ->> 'how', image -> (c.told ->> 'name'), image ->> (c.told ->> 'currency'))
        WHEN op = 'update' THEN jsonb_build_object(
            'redacted', (side = 'after' AND c.told ->> 'name' = ANY (hidden))::integer)
        WHEN c.told ->> 'name' = ANY (hidden) THEN '{"redacted": 0}'
        ELSE 'null' END ORDER BY c.n)
    FROM jsonb_array_elements(columns) WITH ORDINALITY AS c (told, n)
    WHERE image IS NOT NULL
    HAVING count(*) > 0
$ordertrail$;

-- Where a path over foreign keys leads. A parent that this transaction deleted is remembered by the guard.
CREATE OR REPLACE FUNCTION @schema@.ordertrail_guard_path(start text, hops jsonb, here xid8) RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $ordertrail$
DECLARE
    hop jsonb;
    reached text := start;
    found_one text;
BEGIN
    FOR hop IN SELECT value FROM jsonb_array_elements(hops) LOOP
        EXIT WHEN reached IS NULL;
        BEGIN
            EXECUTE format('SELECT p.%I::text FROM %s AS p WHERE p.%I = $1::%s', hop ->> 'column', hop ->> 'table',
                           hop ->> 'key', hop ->> 'type') INTO found_one USING reached;
        EXCEPTION WHEN OTHERS THEN
            found_one := NULL;  -- the table is no longer as it was: better an event without its order than none
        END;
        IF found_one IS NULL THEN
            SELECT s.before ->> (hop ->> 'column') INTO found_one FROM @schema@.ordertrail_guard_seen AS s
            WHERE s.transaction = here AND s.relation = hop ->> 'relation' AND s.before ->> (hop ->> 'key') = reached
            LIMIT 1;
        END IF;
        reached := found_one;
    END LOOP;
    RETURN @schema@.ordertrail_guard_name(reached);
END
$ordertrail$;
