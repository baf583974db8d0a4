-- The guard of one table. A row that REPLACE deletes and puts back in one statement was updated.
DROP TRIGGER IF EXISTS @insert@;
CREATE TRIGGER @insert@ AFTER INSERT ON @table@
BEGIN
    UPDATE ordertrail_guard_seen SET op = 'update', after = @after@
    WHERE place = (SELECT max(place) FROM ordertrail_guard_seen) AND relation = @relation@ AND op = 'delete'
        AND subject = @made@ AND stated = @now@;
    INSERT INTO ordertrail_guard_seen (stated, relation, op, subject, order_key, tenant_key, after)
    SELECT @now@, @relation@, 'insert', @made@, @made_order@, @made_tenant@, @after@ WHERE changes() = 0;
END;
DROP TRIGGER IF EXISTS @update@;
CREATE TRIGGER @update@ AFTER UPDATE ON @table@ WHEN @differs@
BEGIN
    INSERT INTO ordertrail_guard_seen (stated, relation, op, subject, order_key, tenant_key, changed, before, after)
    VALUES (@now@, @relation@, 'update', @left@, @left_order@, @left_tenant@, @changed@, @before@, @after_update@);
END;
DROP TRIGGER IF EXISTS @delete@;
CREATE TRIGGER @delete@ AFTER DELETE ON @table@
BEGIN
    INSERT INTO ordertrail_guard_seen (stated, relation, op, subject, order_key, tenant_key, before)
    VALUES (@now@, @relation@, 'delete', @left@, @left_order@, @left_tenant@, @before@);
END;
