-- The triggers of @table@. ALWAYS: under session_replication_role = replica too.
CREATE OR REPLACE TRIGGER ordertrail_guard_insert AFTER INSERT ON @table@
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION @schema@.@function@();
CREATE OR REPLACE TRIGGER ordertrail_guard_update AFTER UPDATE ON @table@
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION @schema@.@function@();
CREATE OR REPLACE TRIGGER ordertrail_guard_delete AFTER DELETE ON @table@
    REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION @schema@.@function@();
CREATE OR REPLACE TRIGGER ordertrail_guard_truncate BEFORE TRUNCATE ON @table@
    FOR EACH STATEMENT EXECUTE FUNCTION @schema@.@function@();
ALTER TABLE @table@ ENABLE ALWAYS TRIGGER ordertrail_guard_insert, ENABLE ALWAYS TRIGGER ordertrail_guard_update,
    ENABLE ALWAYS TRIGGER ordertrail_guard_delete, ENABLE ALWAYS TRIGGER ordertrail_guard_truncate;
