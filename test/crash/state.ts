import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

/** What is not finished in a state directory. */
export interface OpenRows {
  /** Kept, not settled. */
  readonly events: number
  /** Written, not sent. */
  readonly parts: number
  readonly jobs: number
  readonly approvals: number
  /** Answers that wait for their person. */
  readonly mailbox: number
}

export interface JobRow {
  readonly id: string
  readonly key: string
  readonly state: string
  readonly told: string | null
  readonly prompt: string
  readonly promptId: string | null
  readonly traceId: string
  readonly approvalId: string | null
}

/** Reads beside the running daemon. Null while the file can't be read (no daemon has opened it since a crash). */
export const readState = <T>(dir: string, query: (db: DatabaseSync) => T): T | null => {
  let db: DatabaseSync | null = null
  try {
    db = new DatabaseSync(join(dir, 'connector.db'), { readOnly: true, timeout: 1000 })
    return query(db)
  } catch (error) {
    if ((error as { code?: string }).code === 'ERR_SQLITE_ERROR') return null
    throw error
  } finally {
    db?.close()
  }
}

const count = (db: DatabaseSync, from: string): number =>
  Number(db.prepare(`SELECT count(*) AS n FROM ${from}`).get()?.n ?? 0)

export const openRows = (dir: string): OpenRows | null =>
  readState(dir, (db) => ({
    events: count(db, `inbox WHERE state = 'kept'`),
    parts: count(db, `outbox WHERE state IN ('queued', 'offered', 'sending', 'unknown')`),
    jobs: count(
      db,
      `jobs WHERE state IN ('waiting', 'firing', 'approval', 'queued', 'running', 'collecting') OR (told IS NOT NULL AND told <> state)`,
    ),
    approvals: count(db, `approvals WHERE state IN ('pending', 'approving', 'rejecting')`),
    mailbox: count(db, `outbox WHERE state = 'mailbox'`),
  }))

/** What is open, in words, for a failure's message. */
export const openThings = (dir: string): readonly string[] =>
  readState(dir, (db) =>
    [
      `SELECT 'event ' || id || ' ' || state AS it FROM inbox WHERE state = 'kept'`,
      `SELECT 'part ' || key || ' ' || state || ' attempts ' || attempts || ' ' || coalesce(error, '') AS it FROM outbox
         WHERE state IN ('queued', 'offered', 'sending', 'unknown', 'mailbox', 'dead')`,
      `SELECT 'job ' || id || ' ' || state || ' told ' || coalesce(told, '-') AS it FROM jobs
         WHERE state IN ('waiting', 'firing', 'approval', 'queued', 'running', 'collecting') OR told <> state`,
      `SELECT 'approval ' || id || ' ' || state AS it FROM approvals WHERE state IN ('pending', 'approving', 'rejecting')`,
    ].flatMap((query) =>
      db
        .prepare(`${query} LIMIT 20`)
        .all()
        .map((row) => String(row.it)),
    ),
  ) ?? ['the state file can not be read']

/** Every job row there is. */
export const jobRows = (dir: string): readonly JobRow[] =>
  readState(dir, (db) =>
    db
      .prepare('SELECT id, key, state, told, inputs, prompt_id, trace_id, approval_id FROM jobs')
      .all()
      .map((row) => ({
        id: String(row.id),
        key: String(row.key),
        state: String(row.state),
        told: row.told === null ? null : String(row.told),
        prompt: String((JSON.parse(String(row.inputs)) as { prompt?: string }).prompt ?? ''),
        promptId: row.prompt_id === null ? null : String(row.prompt_id),
        traceId: String(row.trace_id),
        approvalId: row.approval_id === null ? null : String(row.approval_id),
      })),
  ) ?? []

/** `<job>:<state>` of every end that was announced and delivered. */
export const sentNews = (dir: string): ReadonlySet<string> =>
  new Set(
    readState(dir, (db) =>
      db
        // What went along with another answer was told when that one was.
        .prepare(
          `SELECT key FROM outbox o WHERE key LIKE 'job:%' AND (state = 'sent' OR state = 'skipped' AND EXISTS
             (SELECT 1 FROM outbox w WHERE o.error = 'given with ' || w.key AND w.state = 'sent'))`,
        )
        .all()
        .map((row) => String(row.key).replace(/^job:/, '').replace(/#\d+$/, '')),
    ) ?? [],
  )

/** While no daemon lives: the hours pass after which what may have arrived more than once is sent again. */
export const passTime = (dir: string): void => {
  const db = new DatabaseSync(join(dir, 'connector.db'))
  db.exec(`UPDATE outbox SET next_at = 0 WHERE attempts > 0 AND state IN ('queued', 'unknown')`)
  db.close()
}
