-- Provenance: the tables of schema version 1 as its step made them on 2026-11-22, frozen, with rows of that version.
-- The runs are inserted in another order than they were created in; run-b and run-c were created at the same time.
CREATE TABLE schema_version (version INTEGER NOT NULL);
INSERT INTO schema_version (version) VALUES (1);
CREATE TABLE lease (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  holder TEXT,
  token INTEGER NOT NULL UNIQUE,
  expires_ms INTEGER NOT NULL
);
CREATE TABLE run (
  run_id TEXT PRIMARY KEY,
  config TEXT NOT NULL,
  created_at TEXT NOT NULL,
  ended INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE event (
  run_id TEXT NOT NULL REFERENCES run (run_id),
  seq INTEGER NOT NULL,
  at_ms INTEGER NOT NULL,
  event TEXT NOT NULL,
  PRIMARY KEY (run_id, seq)
);
CREATE TABLE document (
  run_id TEXT NOT NULL REFERENCES run (run_id),
  digest TEXT NOT NULL,
  seq INTEGER NOT NULL,
  position INTEGER NOT NULL,
  kind TEXT NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (run_id, digest)
);
INSERT INTO lease (id, holder, token, expires_ms) VALUES (1, 'old-leader', 41, 1000);
INSERT INTO run (run_id, config, created_at, ended) VALUES
  ('run-c', '{"c":1}', '2026-01-02T00:00:00.000Z', 0),
  ('run-b', '{"b":1}', '2026-01-02T00:00:00.000Z', 0),
  ('run-z', '{"z":1}', '2026-01-01T00:00:00.000Z', 1);
INSERT INTO event (run_id, seq, at_ms, event) VALUES
  ('run-z', 0, 1767225600000, '{"i":0}'),
  ('run-z', 1, 1767225600001, '{"i":1}'),
  ('run-z', 2, 1767225600002, '{"i":2}'),
  ('run-b', 0, 1767312000000, '{"i":0}');
INSERT INTO document (run_id, digest, seq, position, kind, body) VALUES
  ('run-z', 'd1', 1, 0, 'plan', 'first'),
  ('run-z', 'd0', 1, 1, 'plan', 'second');
