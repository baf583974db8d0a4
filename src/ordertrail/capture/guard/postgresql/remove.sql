-- Takes the guard away: its functions, and the triggers that call them. The outbox and what waits in it stay.
DO $ordertrail$
DECLARE
    one record;
BEGIN
    FOR one IN
        SELECT p.oid::regprocedure AS name FROM pg_proc AS p
        WHERE p.pronamespace = to_regnamespace('@schema@') AND starts_with(p.proname, 'ordertrail_guard_')
    LOOP
        EXECUTE format('DROP FUNCTION %s CASCADE', one.name);
    END LOOP;
END
$ordertrail$;
DROP TABLE IF EXISTS @schema@.ordertrail_guard_seen;
DROP TABLE IF EXISTS @schema@.ordertrail_guard_table;
DROP INDEX IF EXISTS @schema@.ordertrail_guard_outbox;
