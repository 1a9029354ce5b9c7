import type { Address, ReplyHandle } from '../contract/index.ts'
import { defaultTenant, laneOf } from '../contract/index.ts'
import type { Db } from './open.ts'

/** Where a submission stands. Open: `waiting` to be fired, `firing` (a call may be under way), `approval`, `queued`,
 *  `running`, `collecting` its files. The rest are ends; `unknown`: whether it ran can't be known. */
export type JobState =
  | 'waiting'
  | 'firing'
  | 'approval'
  | 'queued'
  | 'running'
  | 'collecting'
  | 'done'
  | 'failed'
  | 'cancelled'
  | 'vanished'
  | 'expired'
  | 'rejected'
  | 'refused'
  | 'unknown'

export const openStates: ReadonlySet<JobState> = new Set([
  'waiting',
  'firing',
  'approval',
  'queued',
  'running',
  'collecting',
])

/** One row per command that submits: its whole life, also across approvals and restarts. */
export interface Job {
  readonly id: string
  /** The event that asked for it: a command can't submit twice. */
  readonly key: string
  readonly state: JobState
  /** Qualified id and shown name of who asked. */
  readonly requester: string
  readonly asker: string
  readonly target: Address
  readonly replyTo?: string
  readonly handle?: ReplyHandle
  readonly template: string
  /** Words of people are texts; what a schedule or a request of the web page holds keeps its type. */
  readonly inputs: Readonly<Record<string, unknown>>
  /** Asked for (or obliged to go through) an approval. */
  readonly approval: boolean
  readonly tenant?: string
  readonly traceId: string
  readonly promptId?: string
  readonly approvalId?: string
  /** Why it ended so, in words a person may read. */
  readonly detail?: string
  /** Part key of the message that shows its progress. */
  readonly ackKey?: string
  /** What the requester has been told beyond the first answer: `slow`, `held` … */
  readonly told?: string
  /** What the backend said it produced, as JSON: kept, because a restart of the backend forgets it. */
  readonly outcome?: string
  /** Qualified id of who wants it stopped; honoured as soon as it can be. */
  readonly cancelBy?: string
  /** The backend has taken that wish. */
  readonly cancelPassed?: boolean
  readonly createdAtMs: number
  readonly submittedAtMs?: number
  readonly finishedAtMs?: number
}

const text = (value: unknown): string | undefined => (value === null || value === undefined ? undefined : String(value))
const number = (value: unknown): number | undefined =>
  value === null || value === undefined ? undefined : Number(value)

const toJob = (row: Record<string, unknown>): Job => ({
  id: String(row.id),
  key: String(row.key),
  state: row.state as JobState,
  requester: String(row.requester),
  asker: String(row.asker),
  target: JSON.parse(String(row.target)) as Address,
  replyTo: text(row.reply_to),
  handle: row.handle === null ? undefined : (JSON.parse(String(row.handle)) as ReplyHandle),
  template: String(row.template),
  inputs: JSON.parse(String(row.inputs)) as Record<string, unknown>,
  approval: Number(row.approval) === 1,
  tenant: text(row.tenant),
  traceId: String(row.trace_id),
  promptId: text(row.prompt_id),
  approvalId: text(row.approval_id),
  detail: text(row.detail),
  ackKey: text(row.ack_key),
  told: text(row.told),
  outcome: text(row.outcome),
  cancelBy: text(row.cancel_by),
  cancelPassed: Number(row.cancel_passed) === 1 || undefined,
  createdAtMs: Number(row.created_at),
  submittedAtMs: number(row.submitted_at),
  finishedAtMs: number(row.finished_at),
})

/** Writes the row, or finds the one its key already has (the command is being repeated after a crash). */
export const addJob = (db: Db, job: Job): Job => {
  const added = db
    .sql(
      `INSERT INTO jobs (id, key, state, requester, asker, target, lane, reply_to, handle, template, inputs, approval, tenant, trace_id,
         prompt_id, approval_id, ack_key, created_at, submitted_at)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
    )
    .run(
      job.id,
      job.key,
      job.state,
      job.requester,
      job.asker,
      JSON.stringify(job.target),
      laneOf(job.target),
      job.replyTo ?? null,
      job.handle ? JSON.stringify(job.handle) : null,
      job.template,
      JSON.stringify(job.inputs),
      job.approval ? 1 : 0,
      job.tenant ?? null,
      job.traceId,
      job.promptId ?? null,
      job.approvalId ?? null,
      job.ackKey ?? null,
      job.createdAtMs,
      job.submittedAtMs ?? null,
    )
  if (added.changes > 0) return job
  const before = jobByKey(db, job.key)
  if (before) return before
  // Short ids meet after some ten thousand jobs; the trace id is as long as it has to be.
  if (job.id === job.traceId) throw new Error('the id of a job is taken')
  return addJob(db, { ...job, id: job.traceId })
}

/** In the order of the statement below. */
const changeable = [
  ...(['state', 'traceId', 'promptId', 'approvalId', 'detail', 'ackKey', 'told'] as const),
  ...(['submittedAtMs', 'finishedAtMs'] as const),
] as const
type Change = Partial<Pick<Job, (typeof changeable)[number]>>

/** Changes the named fields; `expect` makes it a compare-and-set. Returns whether a row changed. */
export const changeJob = (db: Db, id: string, change: Change, expect?: readonly JobState[]): boolean => {
  const guard = expect ? ` AND state IN (${expect.map((state) => `'${state}'`).join(', ')})` : ''
  return (
    Number(
      db
        .sql(
          `UPDATE jobs SET state = coalesce(?, state), trace_id = coalesce(?, trace_id), prompt_id = coalesce(?, prompt_id),
             approval_id = coalesce(?, approval_id), detail = coalesce(?, detail), ack_key = coalesce(?, ack_key),
             told = coalesce(?, told), submitted_at = coalesce(?, submitted_at), finished_at = coalesce(?, finished_at)
           WHERE id = ?${guard}`,
        )
        .run(...changeable.map((field) => change[field] ?? null), id).changes,
    ) > 0
  )
}

/** What the first answer told. Whatever was told meanwhile is newer and stays. */
export const noteTold = (db: Db, id: string, told: JobState, ackKey: string | null): void => {
  db.sql('UPDATE jobs SET told = coalesce(told, ?), ack_key = coalesce(ack_key, ?) WHERE id = ?').run(told, ackKey, id)
}

const one = (db: Db, where: string, value: string): Job | null => {
  const row = db.sql(`SELECT * FROM jobs WHERE ${where} LIMIT 1`).get(value)
  return row ? toJob(row) : null
}

export const jobById = (db: Db, id: string): Job | null => one(db, 'id = ?', id)
export const jobByKey = (db: Db, key: string): Job | null => one(db, 'key = ?', key)
export const jobByPrompt = (db: Db, promptId: string): Job | null => one(db, 'prompt_id = ?', promptId)
export const jobByApproval = (db: Db, approvalId: string): Job | null => one(db, 'approval_id = ?', approvalId)
export const jobByTrace = (db: Db, traceId: string): Job | null => one(db, 'trace_id = ?', traceId)

export const keepOutcome = (db: Db, id: string, outcome: string): void => {
  db.sql('UPDATE jobs SET outcome = coalesce(outcome, ?) WHERE id = ?').run(outcome, id)
}

/** Spelt as in the partial index, which is used only where it appears like this. */
const open = `state IN ('waiting', 'firing', 'approval', 'queued', 'running', 'collecting')`

export const openJobs = (db: Db): Job[] => db.sql(`SELECT * FROM jobs WHERE ${open} ORDER BY seq`).all().map(toJob)

/** Submissions to make, in order. */
export const jobsToSubmit = (db: Db, limit: number): Job[] =>
  db
    .sql(`SELECT * FROM jobs WHERE ${open} AND state IN ('waiting', 'firing') ORDER BY seq LIMIT ?`)
    .all(limit)
    .map(toJob)

export const openCountOf = (db: Db, requester: string): number =>
  Number(db.sql(`SELECT count(*) AS n FROM jobs WHERE ${open} AND requester = ?`).get(requester)?.n ?? 0)

/** Jobs that wait since before then to be submitted. */
export const overdueJobs = (db: Db, createdBeforeMs: number, limit: number): string[] =>
  db
    .sql(`SELECT id FROM jobs WHERE ${open} AND state = 'waiting' AND created_at < ? LIMIT ?`)
    .all(createdBeforeMs, limit)
    .map((row) => String(row.id))

/** Jobs whose requester was told something that is no longer true, and not yet what is. */
export const untoldJobs = (db: Db, limit: number): string[] =>
  db
    .sql('SELECT id FROM jobs WHERE told IS NOT NULL AND told <> state ORDER BY seq LIMIT ?')
    .all(limit)
    .map((row) => String(row.id))

/** Rows from before there were tenants belong to the default one. */
const ofTenant = `coalesce(tenant, '${defaultTenant}') = ?`

/** A person's jobs in one tenant, newest first. */
export const jobsOf = (db: Db, requester: string, limit: number, tenant = defaultTenant): Job[] =>
  db
    .sql(`SELECT * FROM jobs WHERE requester = ? AND ${ofTenant} ORDER BY seq DESC LIMIT ?`)
    .all(requester, tenant, limit)
    .map(toJob)

const named = ['id', 'prompt_id', 'approval_id', 'trace_id'] as const

/** Finds in one tenant by any id that people were shown (ours, the backend's, its request's, its trace) or by a
 *  beginning (at least 4 characters) of one, newest first. */
export const findJobs = (db: Db, prefix: string, requester: string | null, tenant = defaultTenant): Job[] => {
  const owner = requester === null ? '' : 'AND requester = ?'
  const query = db.sql(
    `SELECT * FROM jobs WHERE (${named.map((column) => `(${column} >= ? AND ${column} < ?)`).join(' OR ')}) AND ${ofTenant} ${owner} ORDER BY seq DESC LIMIT 3`,
  )
  // A range instead of LIKE, as only that uses the indexes; nothing sorts behind the last code point.
  const beginningWith = (text: string): Job[] => {
    const range = [text, `${text}\u{10ffff}`]
    return query.all(...named.flatMap(() => range), tenant, ...(requester === null ? [] : [requester])).map(toJob)
  }
  const found = beginningWith(prefix)
  // Phones begin a line with a capital; our ids and the backend's have none.
  return found.length > 0 ? found : beginningWith(prefix.toLowerCase())
}

export const pruneJobs = (db: Db, finishedBeforeMs: number, limit: number): number =>
  Number(
    db
      .sql(
        `DELETE FROM jobs WHERE seq IN (SELECT seq FROM jobs WHERE seq <= (SELECT seq + ? FROM jobs WHERE finished_at IS NOT NULL ORDER BY seq LIMIT 1)
           AND finished_at < ?)`,
      )
      .run(limit, finishedBeforeMs).changes,
  )
