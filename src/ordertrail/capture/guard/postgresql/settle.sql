-- Fires once for each transaction, when it commits: the application has written its outbox by then.
CREATE OR REPLACE FUNCTION @schema@.ordertrail_guard_settle() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $ordertrail$
DECLARE
    here xid8 := pg_current_xact_id();
    told jsonb;
BEGIN
    -- The usual case first: one row changed, and capture recorded just that.
    IF (SELECT count(*) FROM @schema@.ordertrail_guard_seen AS s WHERE s.transaction = here) = 1 THEN
        SELECT o.body::jsonb INTO told FROM @schema@.ordertrail_outbox AS o
        WHERE o.transaction = here AND o.relation = NEW.relation AND NOT starts_with(o.client, 'guard/') LIMIT 1;
        IF told ->> 'outcome' = 'success' AND told #>> '{rows,0,0}' = coalesce(NEW.left_id, NEW.made_id)
            AND told ->> 'op' = ANY (CASE WHEN NEW.left_id IS NULL THEN '{insert}' ELSE '{update,delete}' END::text[]) THEN
            DELETE FROM @schema@.ordertrail_guard_seen AS s WHERE s.transaction = here;
            RETURN NULL;
        END IF;
    END IF;
    -- And then: every row change has a record of its own.
    IF NOT EXISTS (
        SELECT FROM (
            SELECT s.relation, CASE WHEN s.left_id IS NULL THEN 'made' ELSE 'left' END AS side,
                   coalesce(s.left_id, s.made_id) AS subject, 1 AS n
            FROM @schema@.ordertrail_guard_seen AS s WHERE s.transaction = here AND s.op <> 'left_out'
            UNION ALL
            SELECT t.relation, t.side, t.subject, -1
            FROM @schema@.ordertrail_guard_told(here) AS t WHERE t.batch ->> 'op' <> 'statement'
        ) AS counted
        GROUP BY relation, side, subject HAVING sum(n) > 0
    ) THEN
        DELETE FROM @schema@.ordertrail_guard_seen AS s WHERE s.transaction = here;
        RETURN NULL;
    END IF;
    -- SET CONSTRAINTS … IMMEDIATE has us asked before the application has written. We ask again at the commit; where
    -- this is the commit, that is at once.
    IF NEW.asked = 0 OR (NEW.asked < 100 AND current_query() ~* 'set\s+constraints') THEN
        SET CONSTRAINTS @schema@.ordertrail_guard_settle DEFERRED;
        UPDATE @schema@.ordertrail_guard_seen AS s SET asked = s.asked + 1
        WHERE s.transaction = here AND s.place = NEW.place;
        RETURN NULL;
    END IF;
    PERFORM @schema@.ordertrail_guard_record(here);
    DELETE FROM @schema@.ordertrail_guard_seen AS s WHERE s.transaction = here;
    RETURN NULL;
END
$ordertrail$;

DROP TRIGGER IF EXISTS ordertrail_guard_settle ON @schema@.ordertrail_guard_seen;
CREATE CONSTRAINT TRIGGER ordertrail_guard_settle AFTER INSERT OR UPDATE ON @schema@.ordertrail_guard_seen
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.first)
    EXECUTE FUNCTION @schema@.ordertrail_guard_settle();
ALTER TABLE @schema@.ordertrail_guard_seen ENABLE ALWAYS TRIGGER ordertrail_guard_settle;

-- Rows that the application did change, and that its policy leaves out and counts.
CREATE OR REPLACE FUNCTION @schema@.ordertrail_guard_left_out() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $ordertrail$
DECLARE
    more bigint := NEW.rows - CASE TG_OP WHEN 'UPDATE' THEN OLD.rows ELSE 0 END;
BEGIN
    INSERT INTO @schema@.ordertrail_guard_seen (relation, op, rows) SELECT NEW.relation, 'left_out', more
    WHERE more > 0 AND NEW.rule IN ('unattended', 'system', 'unprivileged')
        AND EXISTS (SELECT FROM @schema@.ordertrail_guard_seen AS s WHERE s.transaction = pg_current_xact_id());
    RETURN NULL;
END
$ordertrail$;

DROP TRIGGER IF EXISTS ordertrail_guard_left_out ON @schema@.ordertrail_filtered;
CREATE TRIGGER ordertrail_guard_left_out AFTER INSERT OR UPDATE ON @schema@.ordertrail_filtered
    FOR EACH ROW EXECUTE FUNCTION @schema@.ordertrail_guard_left_out();
ALTER TABLE @schema@.ordertrail_filtered ENABLE ALWAYS TRIGGER ordertrail_guard_left_out;

REVOKE EXECUTE ON FUNCTION @schema@.ordertrail_guard_record, @schema@.ordertrail_guard_client,
    @schema@.ordertrail_guard_body, @schema@.ordertrail_guard_bypasses, @schema@.ordertrail_guard_told,
    @schema@.ordertrail_guard_path, @schema@.ordertrail_guard_settle, @schema@.ordertrail_guard_left_out FROM PUBLIC;
