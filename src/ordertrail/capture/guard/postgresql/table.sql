-- The guard of one table, @relation@: what each statement changed in it, seen after the statement.
CREATE OR REPLACE FUNCTION @schema@.@function@() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $ordertrail$
DECLARE
    ignored text[] := @ignored@;
    hidden text[] := @hidden@;
    begins boolean;
    emptied bigint;
BEGIN
    IF @private@ THEN
        -- A column that the guard does not know, and that may be a hidden one under another name, is hidden.
        hidden := hidden || ARRAY(
            SELECT a.attname::text FROM pg_attribute AS a WHERE a.attrelid = TG_RELID AND a.attnum > 0
                AND NOT a.attisdropped AND a.attname::text <> ALL (@known@));
    END IF;
    IF TG_OP = 'INSERT' THEN
        INSERT INTO @schema@.ordertrail_guard_seen (relation, op, first, made_id, order_key, tenant_key, after, hidden)
        SELECT @relation@, 'insert', row_number() OVER () = 1 AND @begins@, @subject@, @order@, @tenant@,
               r.image - ignored - hidden, @made_hidden@
        FROM (SELECT to_jsonb(n) AS image FROM new_rows AS n) AS r;
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO @schema@.ordertrail_guard_seen (relation, op, first, left_id, order_key, tenant_key, before, hidden)
        SELECT @relation@, 'delete', row_number() OVER () = 1 AND @begins@, @subject@, @order@, @tenant@,
               r.image - ignored - hidden, @left_hidden@
        FROM (SELECT to_jsonb(o) AS image FROM old_rows AS o) AS r;
    ELSIF TG_OP = 'UPDATE' THEN
        -- Both tables hold the rows in the order in which they were changed; keys may have changed too.
        INSERT INTO @schema@.ordertrail_guard_seen (
            relation, op, first, left_id, made_id, order_key, tenant_key, before, after, hidden)
        SELECT @relation@, 'update', row_number() OVER () = 1 AND @begins@, @subject@, @made@, @order@, @tenant@,
               r.image - ignored - hidden, r.made - ignored - hidden,
               @changed_hidden@
        FROM (SELECT o.image, n.image AS made
              FROM (SELECT to_jsonb(o) AS image, row_number() OVER () AS n FROM old_rows AS o) AS o
                  JOIN (SELECT to_jsonb(n) AS image, row_number() OVER () AS n FROM new_rows AS n) AS n USING (n)
              OFFSET 0) AS r
        WHERE r.image - ignored <> r.made - ignored;
    ELSIF (SELECT c.relkind FROM pg_class AS c WHERE c.oid = TG_RELID) <> 'p' THEN
        begins := @begins@;
        EXECUTE format('SELECT count(*) FROM %s', TG_RELID::regclass) INTO emptied;
        IF emptied > @most@ THEN
            INSERT INTO @schema@.ordertrail_guard_seen (relation, op, first, rows)
            VALUES (@relation@, 'truncate', begins, emptied);
        ELSE
            EXECUTE replace($ordertrail_rows$
                INSERT INTO @schema@.ordertrail_guard_seen (relation, op, first, left_id, order_key, tenant_key, before, hidden)
                SELECT @relation@, 'delete', $1 AND row_number() OVER () = 1, @subject@, @order@, @tenant@,
                       r.image - $2 - $3, @left_hidden_emptied@
                FROM (SELECT to_jsonb(o) AS image FROM <table> AS o) AS r
            $ordertrail_rows$, '<table>', TG_RELID::regclass::text) USING begins, ignored, hidden;
        END IF;
    END IF;
    RETURN NULL;
END
$ordertrail$;
