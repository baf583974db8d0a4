-- What the guard keeps beside the outbox. @schema@ is the schema that the outbox is in.

-- Row changes of transactions under way. A transaction's rows are gone when it commits, so that nothing here need
-- survive a crash: unlogged, the table costs no write-ahead log.
CREATE UNLOGGED TABLE IF NOT EXISTS @schema@.ordertrail_guard_seen (
    place bigint GENERATED ALWAYS AS IDENTITY (CACHE 64),
    transaction xid8 NOT NULL DEFAULT pg_current_xact_id(),
    stated timestamptz NOT NULL DEFAULT statement_timestamp(),
    relation text NOT NULL,
    op text NOT NULL,                 -- insert, update, delete; truncate: of so many rows; left_out: by the policy
    depth integer NOT NULL DEFAULT pg_trigger_depth(),
    login name NOT NULL DEFAULT session_user,
    role text NOT NULL DEFAULT current_setting('role'),
    first boolean NOT NULL DEFAULT false,
    asked integer NOT NULL DEFAULT 0,
    rows bigint,
    left_id text,                     -- the subject's id before and after
    made_id text,
    order_key text,                   -- where the paths to order and tenant begin
    tenant_key text,
    before jsonb,                     -- the row without what the policy hides or ignores
    after jsonb,
    hidden text[]                     -- hidden columns that changed; of a new or deleted row, those that have a value
);
CREATE INDEX IF NOT EXISTS ordertrail_guard_seen_transaction ON @schema@.ordertrail_guard_seen (transaction);
REVOKE ALL ON @schema@.ordertrail_guard_seen FROM PUBLIC;

-- How each guarded table's rows are told in events.
CREATE TABLE IF NOT EXISTS @schema@.ordertrail_guard_table (
    relation text PRIMARY KEY,
    told jsonb NOT NULL
);
REVOKE ALL ON @schema@.ordertrail_guard_table FROM PUBLIC;

-- At a commit the guard asks what capture recorded in this transaction.
CREATE INDEX IF NOT EXISTS ordertrail_guard_outbox ON @schema@.ordertrail_outbox (transaction);
