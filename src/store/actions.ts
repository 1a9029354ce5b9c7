import type { Db } from './open.ts'

/** What a button stands for. Only its opaque id ever leaves the house. */
export interface StoredAction {
  readonly id: string
  /** The command line that pressing it means. */
  readonly say: string
  /** Qualified id of the only person who may press it; null: whoever the command's policy lets through. */
  readonly only: string | null
  /** Buttons of one group are used up together; null: can be pressed again and again. */
  readonly once: string | null
  readonly tenant: string
  readonly platform: string
  /** Null where the platform has none. */
  readonly workspace: string | null
  readonly chat: string
  readonly expiresAtMs: number
  readonly used?: Use
}

/** Who used it up, and by which event. */
export interface Use {
  readonly by: string
  readonly event: string
}

export const addAction = (db: Db, action: StoredAction): void => {
  db.sql(
    'INSERT INTO actions (id, say, only_for, once, tenant, platform, workspace, chat, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING',
  ).run(
    action.id,
    action.say,
    action.only,
    action.once,
    action.tenant,
    action.platform,
    action.workspace,
    action.chat,
    action.expiresAtMs,
  )
}

export const actionById = (db: Db, id: string): StoredAction | null => {
  const row = db.sql('SELECT * FROM actions WHERE id = ?').get(id)
  if (!row) return null
  return {
    id: String(row.id),
    say: String(row.say),
    only: row.only_for === null ? null : String(row.only_for),
    once: row.once === null ? null : String(row.once),
    tenant: String(row.tenant),
    platform: String(row.platform),
    workspace: row.workspace === null ? null : String(row.workspace),
    chat: String(row.chat),
    expiresAtMs: Number(row.expires_at),
    ...(row.used_by === null ? {} : { used: { by: String(row.used_by), event: String(row.used_in ?? '') } }),
  }
}

/** Uses up the whole group. Called in the settling transaction, after policy let the press through. */
export const useActions = (db: Db, once: string, { by, event }: Use, nowMs: number): void => {
  db.sql('UPDATE actions SET used_at = ?, used_by = ?, used_in = ? WHERE once = ? AND used_at IS NULL').run(
    nowMs,
    by,
    event,
    once,
  )
}

export const pruneActions = (db: Db, expiredBeforeMs: number, limit: number): number =>
  Number(
    db
      .sql('DELETE FROM actions WHERE id IN (SELECT id FROM actions WHERE expires_at < ? LIMIT ?)')
      .run(expiredBeforeMs, limit).changes,
  )
