// A file of its own: which token writes into which workspace, and what its refusal says about the installation.
import * as v from 'valibot'
import type { AdapterDeps, Installation, Resolution, ResolveRefusal } from '../../src/contract/index.ts'
import { SendError } from '../../src/contract/index.ts'
import type { SlackClient } from './client.ts'
import { isScopeTrouble, SlackError, sendError, tokenTroubleOf } from './errors.ts'
import { grantOf, type OauthKeys, secretsOf } from './grant.ts'
import { granted, whoami } from './wire.ts'

export interface Access {
  readonly token: string
  /** Whose limits its calls count against; of an installation its key. */
  readonly workspace: string
  /** The token of the settings, not that of an installation. */
  readonly own: boolean
}

export interface Workspaces {
  /** The token for a workspace. Fail-closed: throws SendError where there is no usable one. */
  readonly access: (workspace: string | undefined, signal: AbortSignal) => Promise<Access>
  /** Does it with the token; once more with a renewed one when it had expired. Slack's refusals become SendErrors, and
   *  what they say about an installation is noted. */
  readonly using: <T>(
    workspace: string | undefined,
    what: 'post' | 'edit' | 'file',
    signal: AbortSignal,
    work: (access: Access) => Promise<T>,
  ) => Promise<T>
  /** Why nothing of a workspace is served: who can't be answered is not worked for. Null: it is served. */
  readonly refusal: (workspace: string) => ResolveRefusal | null
  /** Our bot's user in a workspace, as far as it is known without asking. */
  readonly botUser: (workspace: string, enterprise: string | null) => string | null
  /** The organisation a workspace belongs to, as far as it was remembered. */
  readonly organisation: (workspace: string) => string | null
  /** Remembers to which organisation a workspace belongs, whose installation answers for it. */
  readonly belongs: (workspace: string, enterprise: string) => Promise<void>
}

export interface WorkspaceDeps extends Pick<AdapterDeps, 'installs' | 'memo' | 'now' | 'sleep' | 'log'> {
  readonly client: SlackClient
  readonly botToken: string | undefined
  readonly oauth: OauthKeys | null
}

type Found = Extract<Resolution, { ok: true }>

/** Refusals of one workspace of an organisation, which leave its others as they were. */
const ofOneWorkspace: ReadonlySet<string> = new Set(['team_access_not_granted', 'user_removed_from_team'])

/** Tokens live twelve hours; so long before the end they are renewed. */
const renewAheadMs = 2 * 60 * 60 * 1000
const neverAborts = new AbortController().signal
const organisationKey = (workspace: string): string => `organisation of ${workspace}`

export const openWorkspaces = (deps: WorkspaceDeps): Workspaces => {
  const { installs, memo, now, log, client, botToken, oauth } = deps
  /** One renewal at a time for each installation: a refresh token is dead after its first use. */
  const renewals = new Map<string, Promise<void>>()
  let home: string | null = null

  const gone = (workspace: string | undefined, why: string): SendError =>
    new SendError('target_gone', `no usable installation for the workspace ${workspace ?? '(not named)'}: ${why}`)

  const resolve = (workspace: string): Resolution => {
    const direct = installs.resolve(workspace)
    const enterprise = memo.get(organisationKey(workspace))
    if (direct.ok || direct.reason !== 'missing_binding' || enterprise === null) return direct
    return installs.resolve(enterprise)
  }

  /** People are written to by their id alone: that takes one installation, so that there is no doubt whose they are. */
  const only = (): Resolution | null => {
    const usable = installs.list().flatMap((one) => {
      const found = installs.resolve(one.workspace)
      return found.ok ? [found] : []
    })
    return usable.length === 1 ? (usable[0] ?? null) : null
  }

  const own = (workspace = ''): Access => ({ token: botToken ?? '', workspace, own: true })

  /** The workspace of the token in the settings; asked once. */
  const homeOf = async (signal: AbortSignal): Promise<string> => {
    if (home !== null) return home
    const read = v.safeParse(whoami, await client.call({ method: 'auth.test', token: botToken ?? '' }, signal))
    if (!read.success) throw new SlackError('auth.test', { words: 'answered in an unknown form' })
    home = read.output.team_id
    return home
  }

  const access: Workspaces['access'] = async (workspace, signal) => {
    if (oauth === null && botToken !== undefined) return own(workspace)
    if (workspace === undefined) {
      if (botToken !== undefined) return own()
      const found = only()
      if (!found?.ok) throw gone(workspace, 'there is none, or more than one')
      return fresh(found, signal)
    }
    const found = resolve(workspace)
    if (found.ok) return fresh(found, signal)
    // The token of the settings is for its own workspace, and never stands in for what was revoked.
    if (found.reason === 'missing_binding' && botToken !== undefined && (await homeOf(signal)) === workspace)
      return own(workspace)
    throw gone(workspace, `${found.reason} (${found.health}): install the app there again`)
  }

  const fresh = async (found: Found, signal: AbortSignal): Promise<Access> => {
    const { workspace, facts } = found.installation
    const expiresAt = facts.expiresAtMs === undefined ? Number.POSITIVE_INFINITY : Number(facts.expiresAtMs)
    if (expiresAt - now() > renewAheadMs || found.secrets.refreshToken === undefined) return accessOf(found)
    try {
      await renew(workspace, signal)
    } catch (error) {
      // What is still valid is still used.
      if (expiresAt <= now()) throw error
      log.warn({ workspace, error: String(error) }, 'a token could not be renewed yet, the old one is still good')
    }
    const again = installs.resolve(workspace)
    if (!again.ok) throw gone(workspace, again.reason)
    return accessOf(again)
  }

  const accessOf = ({ installation, secrets }: Found): Access => {
    const token = secrets.botToken
    if (token === undefined) throw gone(installation.workspace, 'it holds no token')
    return { token, workspace: installation.workspace, own: false }
  }

  const renew = (workspace: string, signal: AbortSignal): Promise<void> => {
    const running = renewals.get(workspace) ?? exchange(workspace).finally(() => void renewals.delete(workspace))
    renewals.set(workspace, running)
    // Who asked may go; what was begun ends, or the refresh token would be lost.
    return Promise.race([running, aborted(signal)])
  }

  const exchange = async (workspace: string): Promise<void> => {
    const found = installs.resolve(workspace)
    const refreshToken = found.ok ? found.secrets.refreshToken : undefined
    if (!found.ok || refreshToken === undefined || oauth === null) throw gone(workspace, 'its token can not be renewed')
    const args = { ...oauth.args, grant_type: 'refresh_token', refresh_token: refreshToken }
    const answer = await client.call({ method: 'oauth.v2.access', args }, neverAborts)
    const read = v.safeParse(granted, answer)
    if (!read.success) throw new SlackError('oauth.v2.access', { words: 'answered in an unknown form' })
    const facts = { ...found.installation.facts, ...grantOf(read.output, now()).facts }
    await kept(() => installs.save({ workspace, facts, secrets: secretsOf(read.output) }))
    log.info({ workspace }, 'a rotating token was renewed')
  }

  /** The old refresh token is dead, so the new one must not be lost to a moment's trouble with the disk. */
  const kept = async (save: () => Promise<Installation>, left = 4): Promise<void> => {
    try {
      await save()
    } catch (error) {
      if (left === 0) throw error
      await deps.sleep(250, neverAborts)
      await kept(save, left - 1)
    }
  }

  const note = async ({ workspace }: Access, code: string): Promise<void> => {
    const known = installs.list().find((one) => one.workspace === workspace)
    const state = tokenTroubleOf(code) ?? 'degraded'
    if (!known || (known.health.state === state && known.health.reason === code)) return
    await installs.note(workspace, { health: { state, reason: code } })
    log.warn({ workspace, reason: code }, 'Slack refuses the token of an installation: install the app there again')
  }

  /** One workspace's token says nothing about the others, so a platform-wide pause would be wrong. */
  const refused = async (
    used: Access,
    error: SlackError,
    what: 'post' | 'edit' | 'file',
    where: string | undefined,
  ): Promise<SendError> => {
    const { code } = error
    const failure = sendError(error, what)
    if (used.own || code === null || (tokenTroubleOf(code) === null && !isScopeTrouble(code))) return failure
    if (where !== used.workspace && ofOneWorkspace.has(code)) return new SendError('target_gone', failure.message)
    await note(used, code)
    if (failure.code !== 'auth') return failure
    return new SendError(isScopeTrouble(code) ? 'rejected' : 'target_gone', failure.message)
  }

  const using: Workspaces['using'] = async (workspace, what, signal, work) => {
    const used = await access(workspace, signal).catch((error: unknown) => {
      throw error instanceof SlackError ? sendError(error, 'post') : error
    })
    try {
      return await work(used)
    } catch (error) {
      if (!(error instanceof SlackError)) throw error
      if (error.code !== 'token_expired' || used.own) throw await refused(used, error, what, workspace)
    }
    const again = await renew(used.workspace, signal)
      .then(() => access(workspace, signal))
      .catch(async (error: unknown) => {
        const isDead = error instanceof SlackError ? error.code === 'invalid_refresh_token' : isGone(error)
        if (isDead) await note(used, 'token_expired')
        throw error instanceof SlackError ? await refused(used, error, 'post', workspace) : error
      })
    return work(again).catch(async (error: unknown) => {
      throw error instanceof SlackError ? await refused(again, error, what, workspace) : error
    })
  }

  const refusal: Workspaces['refusal'] = (workspace) => {
    if (oauth === null && botToken !== undefined) return null
    const found = resolve(workspace)
    if (found.ok) return null
    // Until Slack was asked whose the token of the settings is, it may be this one's.
    const mayBeOwn = botToken !== undefined && (home === null || home === workspace)
    return found.reason === 'missing_binding' && mayBeOwn ? null : found.reason
  }

  return {
    access,
    using,
    refusal,
    botUser: (workspace, enterprise) => {
      const found = resolve(workspace)
      const by = found.ok || enterprise === null ? found : installs.resolve(enterprise)
      return by.ok ? (by.installation.facts.botUser ?? null) : null
    },
    organisation: (workspace) => memo.get(organisationKey(workspace)),
    belongs: async (workspace, enterprise) => {
      if (memo.get(organisationKey(workspace)) !== enterprise) await memo.set(organisationKey(workspace), enterprise)
    },
  }
}

const isGone = (error: unknown): boolean => error instanceof SendError && error.code === 'target_gone'

const aborted = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => {
    const stop = (): void => reject(new SendError('unavailable', 'stopped before it was sent'))
    if (signal.aborted) stop()
    else signal.addEventListener('abort', stop, { once: true })
  })
