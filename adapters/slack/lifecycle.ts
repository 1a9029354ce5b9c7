// A file of its own: events about the installation itself, which nobody said.
import type { AdapterDeps, Installation } from '../../src/contract/index.ts'
import { enterpriseOf, workspaceOf } from './decode.ts'
import type { Envelope } from './wire.ts'

export interface Lifecycle {
  /** Notes what an event says about an installation. True when it was such an event; then nothing else is in it. */
  readonly event: (envelope: Envelope) => Promise<boolean>
  /** Slack held back events of that minute (seconds since the epoch). */
  readonly rateLimited: (workspace: string, minute: number) => Promise<void>
}

/** The health of an installation whose events are held back; it stops nothing. */
const heldBack = { state: 'degraded', reason: 'app_rate_limited' } as const
const isHeldBack = ({ health }: Installation): boolean =>
  health.state === heldBack.state && health.reason === heldBack.reason

/** After the limited minute and one more, an event that comes shows that they come again. */
const limitedForS = 120

export interface LifecycleDeps extends Pick<AdapterDeps, 'installs' | 'log'> {
  /** The organisation a workspace belongs to, where its installation is. */
  readonly organisation: (workspace: string) => string | null
}

export const makeLifecycle = ({ installs, log, organisation }: LifecycleDeps): Lifecycle => {
  /** Until when (seconds) the events of an installation count as held back. */
  const limited = new Map<string, number>()
  for (const one of installs.list())
    if (isHeldBack(one)) limited.set(one.workspace, one.health.atMs / 1000 + limitedForS)

  const at = (workspace: string | null, enterprise: string | null): Installation | null => {
    const all = installs.list()
    return all.find((one) => one.workspace === workspace) ?? all.find((one) => one.workspace === enterprise) ?? null
  }
  const find = (envelope: Envelope): Installation | null => {
    const workspace = workspaceOf(envelope)
    // Behind its end an installation is named no more.
    return at(workspace, enterpriseOf(envelope) ?? (workspace === null ? null : organisation(workspace)))
  }

  const end = async (envelope: Envelope, to: 'revoked' | 'uninstalled', reason: string): Promise<void> => {
    const found = find(envelope)
    const workspace = workspaceOf(envelope)
    if (found === null) {
      log.warn({ workspace, reason }, 'Slack ended an installation that is not kept here: check the bot token')
      return
    }
    // These events come in any order, and late; what was installed anew since stays.
    const installedAtMs = Number(found.facts.installedAtMs ?? found.createdAtMs)
    if (envelope.event_time !== undefined && (envelope.event_time + 1) * 1000 <= installedAtMs) {
      log.info({ workspace, reason }, 'an old end of an installation is ignored, it was installed anew since')
      return
    }
    await installs.note(found.workspace, { status: { to, reason }, health: { state: 'revoked', reason } })
    log.warn({ workspace: found.workspace, reason }, 'an installation has ended')
  }

  const recovered = async (envelope: Envelope): Promise<void> => {
    if (limited.size === 0) return
    const found = find(envelope)
    const until = found === null ? undefined : limited.get(found.workspace)
    if (found === null || until === undefined || (envelope.event_time ?? 0) < until) return
    limited.delete(found.workspace)
    if (isHeldBack(found))
      await installs.note(found.workspace, { health: { state: 'ok', reason: 'events come again' } })
  }

  return {
    event: async (envelope) => {
      const { type, tokens } = envelope.event
      if (type === 'app_uninstalled') {
        await end(envelope, 'uninstalled', 'app_uninstalled')
        return true
      }
      if (type !== 'tokens_revoked') {
        await recovered(envelope)
        return false
      }
      // Ids of users, not tokens. Tokens of people alone leave ours as it is.
      const revoked = tokens?.bot ?? []
      const botUser = find(envelope)?.facts.botUser
      if (revoked.length === 0 || (botUser !== undefined && !revoked.includes(botUser)))
        log.info({ workspace: workspaceOf(envelope) }, 'tokens of people were revoked, ours was not')
      else await end(envelope, 'revoked', 'tokens_revoked')
      return true
    },
    rateLimited: async (workspace, minute) => {
      log.warn({ workspace }, 'Slack holds back events: more than 30,000 in an hour')
      const found = at(workspace, organisation(workspace))
      // Whatever was wrong before is worse, and stays what is shown.
      if (found === null || !installs.resolve(found.workspace).ok) return
      limited.set(found.workspace, minute + limitedForS)
      if (found.health.state === 'ok') await installs.note(found.workspace, { health: heldBack })
    },
  }
}
