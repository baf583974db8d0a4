-- People's keys and the blind index. Here, and only here, things are deleted: that is what erasure is. What
-- stays is that a person was erased and when, and that nobody can undo.

-- Which key-encryption key wraps the keys: a known text, wrapped by it (RFC 3394).
CREATE TABLE wrapping (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  proof BLOB NOT NULL
) STRICT;

-- A person's key, wrapped. Numbered, so that the tokens need not repeat the person's name.
CREATE TABLE person_key (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  person TEXT NOT NULL UNIQUE,
  wrapped BLOB NOT NULL CHECK (length(wrapped) = 40)
) STRICT;

-- Where a sealed value stands that has this token.
CREATE TABLE token (
  token BLOB NOT NULL,
  person_key INTEGER NOT NULL REFERENCES person_key (id),
  event TEXT NOT NULL,
  path TEXT NOT NULL,
  PRIMARY KEY (token, person_key, event, path)
) STRICT, WITHOUT ROWID;

CREATE INDEX token_person_key ON token (person_key);

-- A person whose key was destroyed.
CREATE TABLE tombstone (
  person TEXT PRIMARY KEY,
  destroyed TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TRIGGER wrapping_no_update BEFORE UPDATE ON wrapping
BEGIN SELECT raise(ABORT, 'the wrapping key is never exchanged in place'); END;
CREATE TRIGGER wrapping_no_delete BEFORE DELETE ON wrapping
BEGIN SELECT raise(ABORT, 'the wrapping key is never forgotten'); END;
CREATE TRIGGER person_key_no_update BEFORE UPDATE ON person_key
BEGIN SELECT raise(ABORT, 'a key is never changed'); END;
CREATE TRIGGER person_key_never_again BEFORE INSERT ON person_key
WHEN EXISTS (SELECT 1 FROM tombstone WHERE person = NEW.person)
BEGIN SELECT raise(ABORT, 'the person was erased; their key is never made again'); END;
CREATE TRIGGER tombstone_no_update BEFORE UPDATE ON tombstone
BEGIN SELECT raise(ABORT, 'a tombstone is never changed'); END;
CREATE TRIGGER tombstone_no_delete BEFORE DELETE ON tombstone
BEGIN SELECT raise(ABORT, 'a tombstone is never removed'); END;
