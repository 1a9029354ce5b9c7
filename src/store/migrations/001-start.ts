/** Ids are TEXT (they pass 2^53), times INTEGER ms since the epoch, payloads JSON text. */
export const start = `
CREATE TABLE inbox (
  seq        INTEGER PRIMARY KEY,
  id         TEXT NOT NULL UNIQUE,
  lane       TEXT NOT NULL,
  state      TEXT NOT NULL CHECK (state IN ('kept', 'settled')),
  verdict    TEXT NOT NULL CHECK (verdict IN ('run', 'busy', 'stale')),
  kept_at    INTEGER NOT NULL,
  settled_at INTEGER,
  outcome    TEXT,
  answer     TEXT,
  event      TEXT
) STRICT;
CREATE INDEX inbox_waiting ON inbox (seq) WHERE state = 'kept';

CREATE TABLE outbox (
  seq        INTEGER PRIMARY KEY,
  key        TEXT NOT NULL UNIQUE,
  lane       TEXT NOT NULL,
  state      TEXT NOT NULL CHECK (state IN ('queued', 'offered', 'sending', 'unknown', 'mailbox', 'sent', 'skipped', 'dead')),
  attempts   INTEGER NOT NULL DEFAULT 0,
  maybes     INTEGER NOT NULL DEFAULT 0,
  next_at    INTEGER NOT NULL,
  part       TEXT NOT NULL,
  edits      TEXT,
  otherwise  TEXT CHECK (otherwise IN ('send', 'skip')),
  message    TEXT,
  via        TEXT,
  error      TEXT,
  created_at INTEGER NOT NULL,
  done_at    INTEGER
) STRICT;
CREATE INDEX outbox_open ON outbox (lane, seq) WHERE state IN ('queued', 'sending', 'unknown');
CREATE INDEX outbox_offered ON outbox (seq) WHERE state = 'offered';
CREATE INDEX outbox_message ON outbox (message) WHERE message IS NOT NULL;
CREATE INDEX outbox_mail ON outbox (lane, seq) WHERE state = 'mailbox';

CREATE TABLE part_media (
  blob TEXT NOT NULL,
  key  TEXT NOT NULL,
  PRIMARY KEY (blob, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX part_media_key ON part_media (key);

CREATE TABLE jobs (
  seq          INTEGER PRIMARY KEY,
  id           TEXT NOT NULL UNIQUE,
  key          TEXT NOT NULL UNIQUE,
  state        TEXT NOT NULL CHECK (state IN ('waiting', 'firing', 'approval', 'queued', 'running', 'collecting',
                 'done', 'failed', 'cancelled', 'vanished', 'expired', 'rejected', 'refused', 'unknown')),
  requester    TEXT NOT NULL,
  asker        TEXT NOT NULL,
  target       TEXT NOT NULL,
  lane         TEXT NOT NULL,
  reply_to     TEXT,
  handle       TEXT,
  template     TEXT NOT NULL,
  inputs       TEXT NOT NULL,
  approval     INTEGER NOT NULL,
  tenant       TEXT,
  trace_id     TEXT NOT NULL,
  prompt_id    TEXT,
  approval_id  TEXT,
  detail       TEXT,
  ack_key      TEXT,
  told         TEXT,
  outcome      TEXT,
  cancel_by    TEXT,
  cancel_passed INTEGER NOT NULL DEFAULT 0,
  created_at   INTEGER NOT NULL,
  submitted_at INTEGER,
  finished_at  INTEGER
) STRICT;
CREATE INDEX jobs_open ON jobs (seq) WHERE state IN ('waiting', 'firing', 'approval', 'queued', 'running', 'collecting');
CREATE INDEX jobs_untold ON jobs (seq) WHERE told IS NOT NULL AND told <> state;
CREATE INDEX jobs_of ON jobs (requester, seq);
CREATE INDEX jobs_prompt ON jobs (prompt_id) WHERE prompt_id IS NOT NULL;
CREATE INDEX jobs_trace ON jobs (trace_id);
CREATE INDEX jobs_approval ON jobs (approval_id) WHERE approval_id IS NOT NULL;

CREATE TABLE approvals (
  id         TEXT PRIMARY KEY,
  state      TEXT NOT NULL CHECK (state IN ('pending', 'approving', 'rejecting', 'approved', 'rejected', 'expired', 'failed')),
  job        TEXT,
  requester  TEXT,
  template   TEXT NOT NULL,
  inputs     TEXT NOT NULL,
  trace_id   TEXT,
  decider    TEXT,
  decider_name TEXT,
  reason     TEXT,
  expires_at INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  decided_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX approvals_open ON approvals (created_at) WHERE state IN ('pending', 'approving', 'rejecting');
CREATE INDEX approvals_ended ON approvals (decided_at) WHERE decided_at IS NOT NULL;

CREATE TABLE cards (
  approval TEXT NOT NULL,
  key      TEXT NOT NULL,
  target   TEXT NOT NULL,
  PRIMARY KEY (approval, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE actions (
  id         TEXT PRIMARY KEY,
  say        TEXT NOT NULL,
  only_for   TEXT,
  once       TEXT,
  tenant     TEXT NOT NULL,
  platform   TEXT NOT NULL,
  workspace  TEXT,
  chat       TEXT NOT NULL,
  expires_at INTEGER NOT NULL,
  used_at    INTEGER,
  used_by    TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX actions_once ON actions (once) WHERE once IS NOT NULL;
CREATE INDEX actions_age ON actions (expires_at);

CREATE TABLE memo (
  scope TEXT NOT NULL,
  key   TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (scope, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE sent_media (
  seq     INTEGER PRIMARY KEY,
  event   TEXT NOT NULL,
  nth     INTEGER NOT NULL,
  lane    TEXT NOT NULL,
  person  TEXT NOT NULL,
  message TEXT,
  sent_at INTEGER NOT NULL,
  media   TEXT NOT NULL,
  UNIQUE (event, nth)
) STRICT;
CREATE INDEX sent_media_of ON sent_media (lane, person, seq);
CREATE INDEX sent_media_in ON sent_media (lane, message) WHERE message IS NOT NULL;
CREATE INDEX sent_media_age ON sent_media (sent_at);

CREATE TABLE installs (
  id         TEXT PRIMARY KEY,
  platform   TEXT NOT NULL,
  tenant     TEXT NOT NULL,
  workspace  TEXT NOT NULL,
  status     TEXT NOT NULL CHECK (status IN ('created', 'active', 'rotating', 'revoked', 'deactivated', 'uninstalled')),
  reason     TEXT NOT NULL,
  health     TEXT NOT NULL CHECK (health IN ('ok', 'degraded', 'rate_limited', 'invalid_token', 'revoked', 'workspace_unbound')),
  health_reason TEXT NOT NULL,
  health_at  INTEGER NOT NULL,
  facts      TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX installs_place ON installs (platform, workspace);
CREATE INDEX installs_tenant ON installs (tenant, platform, workspace, id);

CREATE TABLE install_secrets (
  install TEXT NOT NULL,
  name    TEXT NOT NULL,
  key_id  TEXT,
  sealed  BLOB,
  PRIMARY KEY (install, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE install_audit (
  seq       INTEGER PRIMARY KEY,
  at        INTEGER NOT NULL,
  kind      TEXT NOT NULL CHECK (kind IN ('life', 'health')),
  action    TEXT NOT NULL,
  install   TEXT NOT NULL,
  platform  TEXT NOT NULL,
  tenant    TEXT NOT NULL,
  workspace TEXT NOT NULL,
  status    TEXT NOT NULL,
  details   TEXT NOT NULL
) STRICT;
CREATE INDEX install_audit_kind ON install_audit (kind, seq);
CREATE INDEX install_audit_tenant ON install_audit (tenant, seq);
CREATE INDEX install_audit_of ON install_audit (install, seq);

CREATE TABLE contacts (
  person  TEXT PRIMARY KEY,
  target  TEXT NOT NULL,
  seen_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX contacts_age ON contacts (seen_at);
`
