-- The trail's tables. Everything but the outbox only grows: the roles that log in have no right to UPDATE, DELETE or
-- TRUNCATE, triggers refuse it to everyone who has, and the full check compares all of this with what it finds.
--
-- Run by one who may become :"owner", with the names of the four roles filled in. Whoever is logged in as sealer, app or
-- auditor can undo nothing; nobody logs in as owner. The schema's name is fixed: a database holds one trail.

CREATE SCHEMA ordertrail AUTHORIZATION :"owner";
SET LOCAL ROLE :"owner";
SET LOCAL search_path = ordertrail, pg_temp;

REVOKE ALL ON SCHEMA ordertrail FROM PUBLIC;
GRANT USAGE ON SCHEMA ordertrail TO :"sealer", :"app", :"auditor";

-- Which steps of which version were taken; migrations add to it.
CREATE TABLE schema_version (
  version integer NOT NULL CHECK (version > 0),
  phase text NOT NULL CHECK (phase IN ('pre', 'post')),
  taken timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (version, phase)
);

-- A log: its name in the trail, its origin line, and for how long its objects are kept.
CREATE TABLE stream (
  id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name text COLLATE "C" NOT NULL UNIQUE,
  origin text COLLATE "C" NOT NULL UNIQUE,
  keep_days integer NOT NULL CHECK (keep_days >= 0),
  created text COLLATE "C" NOT NULL
);

-- The log's verifier keys; each is in force from the checkpoint of this size on.
CREATE TABLE signing_key (
  stream integer NOT NULL REFERENCES stream (id),
  first bigint NOT NULL,
  vkey text COLLATE "C" NOT NULL,
  statement bytea NOT NULL,
  PRIMARY KEY (stream, first)
);

-- Who sealed when: each taking of a log's sealing lock is one more epoch, and only the newest may append.
CREATE TABLE epoch (
  stream integer NOT NULL REFERENCES stream (id),
  epoch bigint NOT NULL CHECK (epoch > 0),
  holder text NOT NULL,
  taken timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (stream, epoch)
);

-- Captured events that wait to be sealed. The stream is not a foreign key: looking it up for each row would double
-- the cost of the row. Positions are given when rows come, and rows are seen when they are committed: a later one may
-- have the lower position.
CREATE TABLE outbox (
  position bigint GENERATED ALWAYS AS IDENTITY,
  stream integer NOT NULL,
  event_id bytea NOT NULL UNIQUE CHECK (octet_length(event_id) = 16),
  chain text COLLATE "C",
  body bytea NOT NULL,
  PRIMARY KEY (stream, position)
) WITH (autovacuum_vacuum_scale_factor = 0.0, autovacuum_vacuum_threshold = 5000);

-- Sealed entries, a partition a month. previous and hash are the row chain: hash is the RFC 6962 leaf hash of the
-- entry, and the entry itself names the hash of the row before it. month is that of the time at which the entry's batch
-- was sealed. No foreign key, as in outbox.
CREATE TABLE entry (
  stream integer NOT NULL,
  idx bigint NOT NULL CHECK (idx >= 0),
  event_id bytea NOT NULL CHECK (octet_length(event_id) = 16),
  chain text COLLATE "C",
  number bigint NOT NULL,
  previous bytea NOT NULL CHECK (octet_length(previous) = 32),
  hash bytea NOT NULL CHECK (octet_length(hash) = 32),
  entry bytea NOT NULL,
  month date NOT NULL CHECK (month = date_trunc('month', month::timestamp)::date),
  PRIMARY KEY (stream, idx, month)
) PARTITION BY RANGE (month);

-- What must be unique over all months, and finds an entry wherever it is: one row an entry.
CREATE TABLE entry_key (
  stream integer NOT NULL,
  idx bigint NOT NULL,
  event_id bytea NOT NULL PRIMARY KEY,
  chain text COLLATE "C",
  number bigint NOT NULL,
  hash bytea NOT NULL,
  month date NOT NULL,
  UNIQUE (stream, idx)
);
CREATE UNIQUE INDEX entry_key_chain ON entry_key (stream, chain, number) WHERE chain IS NOT NULL;

-- Batches: the range, its own root, the tree's root at its end, and the signed checkpoint.
CREATE TABLE batch (
  stream integer NOT NULL REFERENCES stream (id),
  first bigint NOT NULL CHECK (first >= 0),
  size bigint NOT NULL CHECK (size > first),
  root bytea NOT NULL CHECK (octet_length(root) = 32),
  tree_root bytea NOT NULL CHECK (octet_length(tree_root) = 32),
  sealed text COLLATE "C" NOT NULL,
  checkpoint bytea NOT NULL,
  PRIMARY KEY (stream, first),
  UNIQUE (stream, size)
);

-- Refuses whatever it is called for.
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql SET search_path = ordertrail, pg_temp AS $$
BEGIN
  RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'restrict_violation';
END $$;

CREATE TRIGGER schema_version_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON schema_version
FOR EACH STATEMENT EXECUTE FUNCTION refuse();
CREATE TRIGGER stream_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON stream
FOR EACH STATEMENT EXECUTE FUNCTION refuse();
CREATE TRIGGER signing_key_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON signing_key
FOR EACH STATEMENT EXECUTE FUNCTION refuse();
CREATE TRIGGER epoch_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON epoch
FOR EACH STATEMENT EXECUTE FUNCTION refuse();
CREATE TRIGGER outbox_no_change BEFORE UPDATE OR TRUNCATE ON outbox
FOR EACH STATEMENT EXECUTE FUNCTION refuse();
CREATE TRIGGER entry_key_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON entry_key
FOR EACH STATEMENT EXECUTE FUNCTION refuse();
CREATE TRIGGER batch_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON batch
FOR EACH STATEMENT EXECUTE FUNCTION refuse();
-- A trigger for each row is every partition's too; one for each statement is the named table's alone.
CREATE TRIGGER entry_no_change BEFORE UPDATE OR DELETE ON entry FOR EACH ROW EXECUTE FUNCTION refuse();
CREATE TRIGGER entry_no_truncate BEFORE TRUNCATE ON entry FOR EACH STATEMENT EXECUTE FUNCTION refuse();

-- Refuses to let go of an event that the log does not hold, whoever deletes it.
CREATE FUNCTION refuse_unsealed() RETURNS trigger LANGUAGE plpgsql SET search_path = ordertrail, pg_temp AS $$
BEGIN
  IF EXISTS (
    SELECT FROM gone WHERE NOT EXISTS (SELECT FROM entry_key WHERE entry_key.event_id = gone.event_id)
  ) THEN
    RAISE EXCEPTION 'an event that is not sealed is never discarded' USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER outbox_only_sealed AFTER DELETE ON outbox REFERENCING OLD TABLE AS gone
FOR EACH STATEMENT EXECUTE FUNCTION refuse_unsealed();

-- Discards what is sealed; with it, the sealing role needs no right to delete anything.
CREATE FUNCTION discard(of_stream integer, low bigint, high bigint) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = ordertrail, pg_temp AS $$
  DELETE FROM outbox WHERE stream = of_stream AND position BETWEEN low AND high;
$$;

-- Makes the partition of a month, if there is none, and the next one's; with it, the sealing role needs no right to
-- create anything. A table is made and then attached: that keeps no reader waiting. Nobody is granted anything on it:
-- every way to it leads through entry.
CREATE FUNCTION add_month(wanted date) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ordertrail, pg_temp AS $$
DECLARE
  first date := date_trunc('month', wanted::timestamp)::date;
  month date;
  name text;
BEGIN
  FOREACH month IN ARRAY ARRAY[first, (first + interval '1 month')::date] LOOP
    name := 'entry_' || to_char(month, 'YYYY_MM');
    CONTINUE WHEN to_regclass(name) IS NOT NULL;
    PERFORM pg_advisory_xact_lock('entry'::regclass::oid::bigint);  -- of two that find none, one makes it
    CONTINUE WHEN to_regclass(name) IS NOT NULL;
    EXECUTE format('CREATE TABLE %I (LIKE entry INCLUDING ALL)', name);
    EXECUTE format(
      'CREATE TRIGGER entry_no_truncate BEFORE TRUNCATE ON %I FOR EACH STATEMENT EXECUTE FUNCTION refuse()', name
    );
    EXECUTE format(
      'ALTER TABLE entry ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
      name, month, (month + interval '1 month')::date
    );
  END LOOP;
END $$;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA ordertrail FROM PUBLIC;
GRANT SELECT ON ALL TABLES IN SCHEMA ordertrail TO :"sealer", :"app", :"auditor";
GRANT INSERT ON outbox TO :"app", :"sealer";
GRANT INSERT ON stream, signing_key, epoch, entry, entry_key, batch TO :"sealer";
GRANT EXECUTE ON FUNCTION discard(integer, bigint, bigint), add_month(date) TO :"sealer";

INSERT INTO schema_version (version, phase) VALUES (2, 'pre'), (2, 'post');
