/**
 * The schema, as numbered forward migrations. A released migration is never edited; a change is a new one.
 * Times are milliseconds since the Unix epoch. Columns that hold JSON say so.
 */
export const MIGRATIONS: readonly string[] = [
  `
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);

-- The ledger: append-only, each event linked to the one before by SHA-256.
CREATE TABLE events (
  seq INTEGER PRIMARY KEY,
  ts INTEGER NOT NULL,
  kind TEXT NOT NULL,
  subject TEXT NOT NULL,
  experiment TEXT,
  data TEXT NOT NULL,            -- JSON
  previous_hash TEXT NOT NULL,
  hash TEXT NOT NULL
);
CREATE INDEX events_kind ON events (kind, seq);
CREATE INDEX events_subject ON events (subject, seq);

-- Counters and gauges that survive the process.
CREATE TABLE metrics (
  name TEXT NOT NULL,
  labels TEXT NOT NULL,          -- JSON object with sorted keys
  value REAL NOT NULL,
  PRIMARY KEY (name, labels)
);

-- Fencing tokens: one row a lock name; the token only grows.
CREATE TABLE fences (name TEXT PRIMARY KEY, token INTEGER NOT NULL);

-- Actions under way, for recovery after a crash.
CREATE TABLE actions (
  id TEXT PRIMARY KEY,
  kind TEXT NOT NULL,
  state TEXT NOT NULL,           -- running | done | failed | recovered
  token INTEGER NOT NULL,
  started_at INTEGER NOT NULL,
  ended_at INTEGER,
  data TEXT NOT NULL             -- JSON
);
CREATE INDEX actions_state ON actions (state);

-- Files that a decision owes: written in the home after the transaction that decided, again if a crash fell between.
CREATE TABLE outbox (
  path TEXT PRIMARY KEY,         -- relative to the home
  seq INTEGER NOT NULL,          -- the order of owing, which is the order of writing
  content TEXT NOT NULL,
  created_at INTEGER NOT NULL
);
CREATE INDEX outbox_seq ON outbox (seq);

CREATE TABLE promotions (
  id TEXT PRIMARY KEY,
  file TEXT NOT NULL,            -- name in promotions/
  sha256 TEXT NOT NULL,          -- of the file's bytes
  schema TEXT NOT NULL,          -- v0 | v1 | v2
  source TEXT NOT NULL,          -- dream | external
  experiment TEXT,
  state TEXT NOT NULL,           -- PromotionState
  changes TEXT NOT NULL,         -- JSON object name -> value, after validation
  document TEXT NOT NULL,        -- JSON, the promotion as read
  baseline_version INTEGER,      -- the version it was made against
  search_score REAL,             -- gain the search claimed, relative
  validated_gain REAL,           -- gain PHASE measured, relative
  attempts INTEGER NOT NULL DEFAULT 0,   -- PHASE epochs that left it inconclusive
  detail TEXT NOT NULL,          -- JSON: screening, reasons
  received_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  terminal_at INTEGER            -- set once, with the terminal state
);
CREATE INDEX promotions_state ON promotions (state, received_at);
CREATE UNIQUE INDEX promotions_file ON promotions (file);

-- Files in promotions_ack/, those of earlier systems too: each is read once, and matched by the id inside or by its name.
CREATE TABLE acks (
  file TEXT PRIMARY KEY,         -- name in promotions_ack/
  promotion_id TEXT,             -- the id inside; null when it was no ACK
  accepted INTEGER NOT NULL,     -- 0 | 1
  reason TEXT NOT NULL,
  ts INTEGER NOT NULL
);
CREATE INDEX acks_promotion ON acks (promotion_id);

CREATE TABLE cycles (
  id TEXT PRIMARY KEY,
  experiment TEXT NOT NULL,
  state TEXT NOT NULL,           -- running | paused | done | failed | cancelled
  origin TEXT NOT NULL,          -- JSON: why it runs (promotion ids, intent id, command)
  sampler TEXT NOT NULL,
  seed INTEGER NOT NULL,
  budget TEXT NOT NULL,          -- JSON: {trials, durationMs}
  request TEXT NOT NULL,         -- JSON: all it was started with, so that it can be resumed
  screening TEXT,                -- JSON: what the search came to and who is measured again, once that is settled
  config_hash TEXT NOT NULL,
  baseline_version INTEGER NOT NULL,
  elapsed_ms INTEGER NOT NULL DEFAULT 0, -- over all runs of the cycle
  started_at INTEGER NOT NULL,
  ended_at INTEGER,
  result TEXT                    -- JSON, when it ended
);
CREATE INDEX cycles_state ON cycles (state);
CREATE INDEX cycles_experiment ON cycles (experiment, started_at);

CREATE TABLE trials (
  owner TEXT NOT NULL,           -- a cycle or an epoch
  number INTEGER NOT NULL,       -- counts from 0 within the owner
  experiment TEXT NOT NULL,
  role TEXT NOT NULL,            -- search | screen | baseline | candidate | calibration | health
  subject TEXT NOT NULL,         -- which configuration: suggestion number, promotion id, 'baseline'
  domain TEXT NOT NULL,
  params TEXT NOT NULL,          -- JSON
  seed INTEGER NOT NULL,
  state TEXT NOT NULL,           -- completed | failed | stopped
  reason TEXT,
  metrics TEXT NOT NULL,         -- JSON
  detail TEXT NOT NULL,          -- JSON: {slice, replica, order, warmup, outputTail, peakMemory, fingerprint, steps}
  started_at INTEGER NOT NULL,
  duration_ms INTEGER NOT NULL,
  PRIMARY KEY (owner, number)
);
CREATE INDEX trials_started ON trials (started_at);

CREATE TABLE epochs (
  id TEXT PRIMARY KEY,
  date TEXT NOT NULL,            -- local date of the window's start, ISO
  zone TEXT NOT NULL,
  forced INTEGER NOT NULL,       -- 1: asked for by a person, outside the date key
  state TEXT NOT NULL,           -- running | paused | done | failed | voided
  plan TEXT NOT NULL,            -- JSON
  seed INTEGER NOT NULL,
  baseline_version INTEGER NOT NULL,
  started_at INTEGER NOT NULL,
  ended_at INTEGER,
  elapsed_ms INTEGER NOT NULL DEFAULT 0,
  attempts INTEGER NOT NULL DEFAULT 1,
  report TEXT,                   -- path relative to the home
  report_sha256 TEXT
);
CREATE UNIQUE INDEX epochs_date ON epochs (date) WHERE forced = 0;
CREATE INDEX epochs_state ON epochs (state);

CREATE TABLE verdicts (
  epoch_id TEXT NOT NULL,
  promotion_id TEXT NOT NULL,
  verdict TEXT NOT NULL,         -- accept | reject | inconclusive | error
  reason TEXT NOT NULL,
  statistics TEXT NOT NULL,      -- JSON
  ts INTEGER NOT NULL,
  carried_out_at INTEGER,
  PRIMARY KEY (epoch_id, promotion_id)
);
CREATE INDEX verdicts_waiting ON verdicts (carried_out_at) WHERE carried_out_at IS NULL;
CREATE INDEX verdicts_promotion ON verdicts (promotion_id, ts);

CREATE TABLE escrow (
  id TEXT PRIMARY KEY,
  promotion_id TEXT NOT NULL,
  content_sha256 TEXT NOT NULL,  -- of the change: what a person approves
  base_version INTEGER NOT NULL,
  state TEXT NOT NULL,           -- waiting | approved | rejected | expired | used | void
  reasons TEXT NOT NULL,         -- JSON: which rules ask for a person
  document TEXT NOT NULL,        -- JSON: the change, evidence
  requester TEXT NOT NULL DEFAULT 'kloros',
  requested_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  approvals TEXT NOT NULL DEFAULT '[]', -- JSON: who approved, two with four eyes
  told_at INTEGER,               -- when the notification command took it
  reviewer TEXT,
  reason TEXT,
  decided_at INTEGER
);
CREATE INDEX escrow_state ON escrow (state);
CREATE UNIQUE INDEX escrow_open ON escrow (promotion_id) WHERE state IN ('waiting', 'approved');

-- Where a parameter's autonomy is not what the configuration grants: taken away after a surprise, or raised by a person since.
CREATE TABLE autonomy (
  experiment TEXT NOT NULL,
  parameter TEXT NOT NULL,
  level TEXT NOT NULL,           -- off | observe | frozen | propose | guarded | auto
  reason TEXT NOT NULL,
  version INTEGER,               -- the baseline that gave cause; null when a person raised it
  actor TEXT NOT NULL,
  ts INTEGER NOT NULL,
  PRIMARY KEY (experiment, parameter)
);

CREATE TABLE baselines (
  version INTEGER PRIMARY KEY,
  sha256 TEXT NOT NULL,          -- of content
  previous_sha256 TEXT NOT NULL, -- manifest hash of the version before, '' for the first
  manifest_sha256 TEXT NOT NULL,
  content TEXT NOT NULL,         -- baseline.yaml, byte for byte
  params TEXT NOT NULL,          -- JSON: experiment -> name -> value
  kind TEXT NOT NULL,            -- initial | promotion | rollback
  restores INTEGER,              -- the version whose content a roll-back restores
  actor TEXT NOT NULL,
  promotion_id TEXT,
  epoch_id TEXT,
  escrow_id TEXT,
  token INTEGER NOT NULL UNIQUE, -- the fencing token: at most one commit each
  ts INTEGER NOT NULL,
  apply_state TEXT NOT NULL,     -- owed | applied | failed | none
  applied_at INTEGER
);
CREATE UNIQUE INDEX baselines_promotion ON baselines (promotion_id) WHERE promotion_id IS NOT NULL;

CREATE TABLE pins (version INTEGER PRIMARY KEY, note TEXT NOT NULL, actor TEXT NOT NULL, ts INTEGER NOT NULL);

CREATE TABLE watches (
  version INTEGER PRIMARY KEY,
  state TEXT NOT NULL,           -- watching | ok | failed | superseded
  started_at INTEGER NOT NULL,
  deadline INTEGER NOT NULL,
  next_check_at INTEGER NOT NULL,
  checks INTEGER NOT NULL DEFAULT 0,
  failures INTEGER NOT NULL DEFAULT 0,
  data TEXT NOT NULL             -- JSON: the checks and their reasons
);
CREATE INDEX watches_state ON watches (state, next_check_at);

CREATE TABLE intents (
  id TEXT PRIMARY KEY,
  file TEXT NOT NULL,
  type TEXT NOT NULL,
  priority INTEGER NOT NULL,
  state TEXT NOT NULL,           -- waiting | done | failed | duplicate | stale | overflow | invalid | quarantined
  attempts INTEGER NOT NULL DEFAULT 0,
  next_try_at INTEGER NOT NULL DEFAULT 0,
  dedup_key TEXT NOT NULL,
  document TEXT NOT NULL,        -- JSON
  reason TEXT,
  generated_at INTEGER NOT NULL,
  renewed_at INTEGER NOT NULL,   -- when it was last asked for: an equal request keeps it from going stale
  received_at INTEGER NOT NULL,
  ended_at INTEGER
);
CREATE INDEX intents_state ON intents (state, priority);
CREATE INDEX intents_dedup ON intents (dedup_key, state, ended_at);

CREATE TABLE heuristics (experiment TEXT PRIMARY KEY, state TEXT NOT NULL, updated_at INTEGER NOT NULL);
`,
];
