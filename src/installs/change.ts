import { isUsable } from '../../policy/binding.ts'
import type { Installation, InstallStatus, Installs, NewInstallation } from '../contract/index.ts'
import {
  type AuditEvent,
  addAudit,
  installById,
  installCount,
  installsAt,
  putInstall,
  putSecrets,
  secretsOf,
  wipeSecrets,
} from '../store/installs.ts'
import type { Db } from '../store/open.ts'
import type { Keys } from './keys.ts'
import { openSecrets, sealSecrets } from './vault.ts'

export interface SaveDeps {
  readonly keys: Keys
  readonly now: () => number
  readonly newId: () => string
}

type Place = Pick<Installation, 'platform' | 'tenant'>
export type Facts = Installation['facts']
export type Change = Parameters<Installs['note']>[1]

/** Somebody could install us into ever new workspaces. */
const mostInstalls = 10_000
const most = { facts: 64, secrets: 16, nameLength: 100, factLength: 4000, secretLength: 16_384, idLength: 256 }
/** Reasons come from platforms. */
const reasonLength = 300

/** The reason of what the operator has switched. */
export const byOperator = 'operator'

const actions: Readonly<Record<InstallStatus, string>> = {
  created: 'upsert',
  active: 'activate',
  rotating: 'rotate',
  revoked: 'revoke',
  deactivated: 'deactivate',
  uninstalled: 'uninstall',
}

export const audit = (
  db: Db,
  one: Installation,
  action: string,
  details: AuditEvent['details'],
  atMs: number,
): void => {
  const { id, platform, tenant, workspace, status } = one
  addAudit(db, { atMs, action, install: id, platform, tenant, workspace, status, details })
}

export const isHaving = ({ facts }: Installation, has: Facts): boolean =>
  Object.entries(has).every(([name, value]) => facts[name] === value)

/** Of everybody's in this workspace those with these facts. */
export const installsHaving = (db: Db, platform: string, workspace: string, has: Facts): readonly Installation[] =>
  installsAt(db, platform, workspace).filter((one) => isHaving(one, has))

/** Only the operator's own word ends what the operator has ended, or who was shut out would install us anew. */
const isSwitchedOff = ({ status, statusReason }: Installation): boolean =>
  status === 'deactivated' && statusReason === byOperator

/** Adds or renews the one installation of this tenant in a workspace (with the facts of `has`, which it gets). What is
 *  there unchanged is not written again. */
export const saveInstall = (db: Db, given: Place & NewInstallation, deps: SaveDeps, has: Facts = {}): Installation => {
  const facts = { ...given.facts, ...has }
  const install = { ...given, facts }
  const { platform, tenant, workspace, secrets } = install
  refuseHuge(install)
  const nowMs = deps.now()
  const all = installsHaving(db, platform, workspace, has).filter((one) => one.tenant === tenant)
  const before = all.find(isUsable) ?? all.findLast(isSwitchedOff) ?? all.at(-1)
  if (before && all.length === 1 && isSame(db, before, install, deps.keys)) return before
  if (!before && installCount(db) >= mostInstalls) throw new Error(`there are ${mostInstalls} installations already`)

  // Two of them were ambiguous, so none was used: whoever installs anew means this one.
  for (const other of all)
    if (other.id !== before?.id && isUsable(other))
      changeInstall(db, other, { status: { to: 'deactivated', reason: 'replaced' } }, nowMs)
  const id = before?.id ?? `inst_${deps.newId()}`
  const now = { platform, tenant, workspace, id, facts, createdAtMs: before?.createdAtMs ?? nowMs, updatedAtMs: nowMs }
  const isOff = before !== undefined && isSwitchedOff(before)
  putInstall(db, {
    ...now,
    ...(isOff ? { status: 'deactivated', statusReason: byOperator } : { status: 'active', statusReason: '' }),
    health: { state: 'ok', reason: 'installed', atMs: nowMs },
  })
  putSecrets(db, id, sealSecrets(now, secrets, deps.keys))
  const saved = known(db, id)
  const action = !before || isOff ? 'upsert' : isUsable(before) ? 'rotate' : 'activate'
  audit(db, saved, action, { token_ref_count: saved.secretNames.length }, nowMs)
  return saved
}

const known = (db: Db, id: string): Installation => {
  const found = installById(db, id)
  if (!found) throw new Error('the installation is gone')
  return found
}

const equal = (a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): boolean =>
  Object.keys(a).length === Object.keys(b).length && Object.entries(a).every(([key, value]) => b[key] === value)

const isSame = (db: Db, before: Installation, { facts, secrets }: NewInstallation, keys: Keys): boolean => {
  const settled = before.status === 'active' || isSwitchedOff(before)
  if (!settled || before.health.state !== 'ok' || !equal(before.facts, facts)) return false
  const opened = openSecrets(db, before, keys)
  return opened.unreadable === null && equal(opened.secrets, secrets)
}

const refuseHuge = ({ workspace, facts, secrets }: NewInstallation): void => {
  const tooMany = Object.keys(facts).length > most.facts || Object.keys(secrets).length > most.secrets
  const tooLong =
    [...Object.keys(facts), ...Object.keys(secrets)].some((name) => name === '' || name.length > most.nameLength) ||
    Object.values(facts).some((value) => value.length > most.factLength) ||
    Object.values(secrets).some((value) => value === '' || value.length > most.secretLength)
  if (workspace === '' || workspace.length > most.idLength || tooMany || tooLong)
    throw new RangeError('an installation with empty or oversized parts is not kept')
}

/** Writes what differs, and nothing when nothing does: health is noted at every call to a platform. */
export const changeInstall = (db: Db, one: Installation, change: Change, nowMs: number): void => {
  const status = change.status && { to: change.status.to, reason: change.status.reason.slice(0, reasonLength) }
  const moves = status !== undefined && status.to !== one.status
  const wanted = change.health ?? (moves ? healthAfter(status.to, status.reason) : null)
  const health = wanted && { state: wanted.state, reason: wanted.reason.slice(0, reasonLength) }
  const ails = health !== null && health.state !== one.health.state
  if (!moves && !ails) return
  putInstall(db, {
    ...one,
    ...(moves ? { status: status.to, statusReason: status.reason } : {}),
    ...(ails ? { health: { ...health, atMs: nowMs } } : {}),
    updatedAtMs: nowMs,
  })
  if (moves && isEnd(status.to)) wipeSecrets(db, one.id)
  const now = known(db, one.id)
  if (moves) audit(db, now, actions[status.to], { reason: status.reason }, nowMs)
  if (ails) audit(db, now, 'health_update', { state: health.state, reason: health.reason }, nowMs)
}

/** What is revoked is worth nothing any more to us, and should be worth nothing to who finds the disk. */
const isEnd = (to: InstallStatus): boolean => to === 'revoked' || to === 'uninstalled'

/** The same on the platform's word. What the operator has switched off stays off, whatever becomes of it there. */
export const noteInstall = (db: Db, one: Installation, change: Change, nowMs: number): void => {
  const { status } = change
  if (!status || !isSwitchedOff(one)) {
    changeInstall(db, one, change, nowMs)
    return
  }
  const health = change.health ?? healthAfter(status.to, status.reason)
  if (health) changeInstall(db, one, { health }, nowMs)
  if (!isEnd(status.to) || secretsOf(db, one.id).every(({ value }) => value === null)) return
  wipeSecrets(db, one.id)
  audit(db, known(db, one.id), actions[status.to], { reason: status.reason.slice(0, reasonLength) }, nowMs)
}

/** What a new status says about the health, where nobody says it. */
const healthAfter = (to: InstallStatus, reason: string): NonNullable<Change['health']> | null => {
  if (to === 'active') return { state: 'ok', reason }
  return isEnd(to) ? { state: 'revoked', reason } : null
}
