// A file of its own: events about the installation itself, which nobody said.
import type { AdapterDeps } from '../../src/contract/index.ts'
import { workspaceOf } from './decode.ts'
import type { Envelope } from './wire.ts'

export interface Lifecycle {
  /** Notes what an event says about an installation. True when it was such an event; then nothing else is in it. */
  readonly event: (envelope: Envelope) => Promise<boolean>
  /** Slack held back events of that minute (seconds since the epoch). */
  readonly rateLimited: (workspace: string, minute: number) => Promise<void>
}

/** After the limited minute and one more, an event that comes shows that they come again. */
const limitedForS = 120

export const makeLifecycle = ({ installs, log }: Pick<AdapterDeps, 'installs' | 'log'>): Lifecycle => {
  /** Until when (seconds) a workspace's events count as held back. */
  const limited = new Map<string, number>()

  const find = (envelope: Envelope) => {
    const workspace = workspaceOf(envelope)
    const enterprise = envelope.enterprise_id ?? null
    const all = installs.list()
    return all.find((one) => one.workspace === workspace) ?? all.find((one) => one.workspace === enterprise) ?? null
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
    const workspace = workspaceOf(envelope)
    const until = workspace === null ? undefined : limited.get(workspace)
    if (workspace === null || until === undefined || (envelope.event_time ?? 0) < until) return
    limited.delete(workspace)
    const found = find(envelope)
    if (found?.health.state === 'rate_limited')
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
      if (limited.size > 1000) limited.clear()
      limited.set(workspace, minute + limitedForS)
      const known = installs.list().find((one) => one.workspace === workspace)
      if (known && known.health.state !== 'rate_limited')
        await installs.note(workspace, { health: { state: 'rate_limited', reason: 'app_rate_limited' } })
    },
  }
}
