-- The trail's tables. Everything but the outbox is append-only: triggers refuse UPDATE and DELETE, and the
-- full check compares this schema with the one it finds.

-- In the file's header: what it is ('OTR1'), and which steps its schema has, as ../../migrations.py says.
PRAGMA application_id = 1330926129;
PRAGMA user_version = 2002;

-- A log: its name in the trail, its origin line, and for how long its objects are kept.
CREATE TABLE stream (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  origin TEXT NOT NULL UNIQUE,
  keep_days INTEGER NOT NULL CHECK (keep_days >= 0),
  created TEXT NOT NULL
) STRICT;

-- The log's verifier keys; each is in force from the checkpoint of this size on.
CREATE TABLE signing_key (
  stream INTEGER NOT NULL REFERENCES stream (id),
  first INTEGER NOT NULL,
  vkey TEXT NOT NULL,
  statement BLOB NOT NULL,
  PRIMARY KEY (stream, first)
) STRICT, WITHOUT ROWID;

-- Captured events that wait to be sealed.
CREATE TABLE outbox (
  position INTEGER PRIMARY KEY AUTOINCREMENT,
  stream INTEGER NOT NULL REFERENCES stream (id),
  event_id BLOB NOT NULL UNIQUE CHECK (length(event_id) = 16),
  chain TEXT,
  body BLOB NOT NULL
) STRICT;

-- Sealed entries. previous and hash are the row chain: hash is the RFC 6962 leaf hash of the entry, and the
-- entry itself names the hash of the row before it.
CREATE TABLE entry (
  stream INTEGER NOT NULL REFERENCES stream (id),
  idx INTEGER NOT NULL CHECK (idx >= 0),
  event_id BLOB NOT NULL UNIQUE CHECK (length(event_id) = 16),
  chain TEXT,
  number INTEGER NOT NULL,
  previous BLOB NOT NULL CHECK (length(previous) = 32),
  hash BLOB NOT NULL CHECK (length(hash) = 32),
  entry BLOB NOT NULL,
  PRIMARY KEY (stream, idx)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX entry_chain ON entry (stream, chain, number) WHERE chain IS NOT NULL;

-- Batches: the range, its own root, the tree's root at its end, and the signed checkpoint.
CREATE TABLE batch (
  stream INTEGER NOT NULL REFERENCES stream (id),
  first INTEGER NOT NULL CHECK (first >= 0),
  size INTEGER NOT NULL CHECK (size > first),
  root BLOB NOT NULL CHECK (length(root) = 32),
  tree_root BLOB NOT NULL CHECK (length(tree_root) = 32),
  sealed TEXT NOT NULL,
  checkpoint BLOB NOT NULL,
  PRIMARY KEY (stream, first),
  UNIQUE (stream, size)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER stream_no_update BEFORE UPDATE ON stream
BEGIN SELECT raise(ABORT, 'stream is append-only'); END;
CREATE TRIGGER stream_no_delete BEFORE DELETE ON stream
BEGIN SELECT raise(ABORT, 'stream is append-only'); END;
CREATE TRIGGER signing_key_no_update BEFORE UPDATE ON signing_key
BEGIN SELECT raise(ABORT, 'signing_key is append-only'); END;
CREATE TRIGGER signing_key_no_delete BEFORE DELETE ON signing_key
BEGIN SELECT raise(ABORT, 'signing_key is append-only'); END;
CREATE TRIGGER outbox_no_update BEFORE UPDATE ON outbox
BEGIN SELECT raise(ABORT, 'a captured event is never changed'); END;
CREATE TRIGGER entry_no_update BEFORE UPDATE ON entry
BEGIN SELECT raise(ABORT, 'entry is append-only'); END;
CREATE TRIGGER entry_no_delete BEFORE DELETE ON entry
BEGIN SELECT raise(ABORT, 'entry is append-only'); END;
CREATE TRIGGER batch_no_update BEFORE UPDATE ON batch
BEGIN SELECT raise(ABORT, 'batch is append-only'); END;
CREATE TRIGGER batch_no_delete BEFORE DELETE ON batch
BEGIN SELECT raise(ABORT, 'batch is append-only'); END;
-- INSERT OR REPLACE deletes without firing delete triggers unless recursive triggers are on, as they are on our
-- own connections. For batches this refuses it everywhere; on entry it would double the cost of every insert,
-- and a replaced entry is found by the full check.
CREATE TRIGGER batch_no_replace BEFORE INSERT ON batch
WHEN EXISTS (SELECT 1 FROM batch WHERE stream = NEW.stream AND first = NEW.first)
BEGIN SELECT raise(ABORT, 'batch is append-only'); END;
