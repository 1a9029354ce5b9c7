// A file of its own: questions `doctor` asks; nothing else uses them.
import * as v from 'valibot'
import type { AdapterDeps, Probe } from '../../src/contract/index.ts'
import type { SlackClient } from './client.ts'
import { SlackError, sendError } from './errors.ts'
import { socketUrl, whoami } from './wire.ts'

export interface ProbeDeps extends Pick<AdapterDeps, 'installs'> {
  readonly client: SlackClient
  readonly botToken: string | undefined
  /** Null: events come by HTTP. */
  readonly appToken: string | null
  readonly paths: { readonly events: string; readonly interactions: string; readonly install: string | null }
  readonly redirectUri: string | null
  /** Bot scopes the app should have. */
  readonly scopes: readonly string[]
}

const askMs = 15_000
const scopeCure = 'add what is missing under OAuth & Permissions, and install the app again'

export const makeProbe =
  (deps: ProbeDeps) =>
  async (signal: AbortSignal): Promise<readonly Probe[]> => [
    ...(deps.botToken === undefined ? [] : await tokenProbes(deps, deps.botToken, signal)),
    deps.appToken === null ? requestUrlProbe(deps) : await socketProbe(deps, deps.appToken, signal),
    ...(deps.paths.install === null ? [] : installProbes(deps, deps.paths.install)),
  ]

const failure = (name: string, error: unknown): Probe => {
  if (!(error instanceof SlackError)) throw error
  return { name, ok: false, about: sendError(error, 'post').message }
}

const tokenProbes = async (
  { client, scopes }: ProbeDeps,
  token: string,
  signal: AbortSignal,
): Promise<readonly Probe[]> => {
  const name = 'bot token'
  try {
    const read = v.safeParse(whoami, await client.call({ method: 'auth.test', token, timeoutMs: askMs }, signal))
    if (!read.success) return [{ name, ok: false, about: 'auth.test answered in an unknown form' }]
    const { team, team_id, user_id, bot_id, response_metadata } = read.output
    if (bot_id === undefined) {
      const about = `the token is that of a person in ${team_id}: set the Bot User OAuth Token (xoxb-…) instead`
      return [{ name, ok: false, about }]
    }
    const about = `workspace ${team ?? ''} (${team_id}), our bot is ${user_id}`
    return [{ name, ok: true, about }, scopeProbe(scopes, response_metadata?.scopes ?? null)]
  } catch (error) {
    return [failure(name, error)]
  }
}

const lacking = (wanted: readonly string[], given: readonly string[]): readonly string[] =>
  wanted.filter((one) => !given.includes(one))

const scopeProbe = (wanted: readonly string[], given: readonly string[] | null): Probe => {
  const name = 'scopes'
  if (given === null) return { name, ok: true, about: `Slack does not tell; needed are ${wanted.join(', ')}` }
  const missing = lacking(wanted, given)
  if (missing.length === 0) return { name, ok: true, about: 'all that are needed' }
  return { name, ok: false, about: `the app lacks ${missing.join(', ')}: ${scopeCure}` }
}

const socketProbe = async ({ client }: ProbeDeps, token: string, signal: AbortSignal): Promise<Probe> => {
  const name = 'Socket Mode'
  try {
    const answer = await client.call({ method: 'apps.connections.open', token, timeoutMs: askMs }, signal)
    if (v.safeParse(socketUrl, answer).success)
      return { name, ok: true, about: 'the app-level token may open connections' }
    return { name, ok: false, about: 'apps.connections.open named no address: switch Socket Mode on in the app' }
  } catch (error) {
    if (!(error instanceof SlackError)) throw error
    const cure = 'set an app-level token (xapp-…) with connections:write as OPENCLAW_CONNECTOR_SLACK_APP_TOKEN'
    return { name, ok: false, about: `${error.message}; ${cure}` }
  }
}

/** Slack lets an app not read its own Request URLs. */
const requestUrlProbe = ({ paths }: ProbeDeps): Probe => ({
  name: 'Request URL',
  ok: true,
  about:
    `Slack can not be asked: enter https://<public host>${paths.events} under Event Subscriptions, and ` +
    `https://<public host>${paths.interactions} under Interactivity and for slash commands`,
})

const installProbes = ({ installs, redirectUri, scopes }: ProbeDeps, path: string): readonly Probe[] => {
  const all = installs.list()
  const narrow = all.flatMap(({ workspace, facts }) => {
    const missing = facts.scopes === undefined ? [] : lacking(scopes, facts.scopes.split(','))
    return missing.length === 0 ? [] : [`${workspace} lacks ${missing.join(', ')}`]
  })
  const sick = all.filter(({ workspace }) => !installs.resolve(workspace).ok)
  const where =
    redirectUri === null
      ? 'no OPENCLAW_CONNECTOR_PUBLIC_BASE_URL: Slack takes the first Redirect URL of the app'
      : `Redirect URL ${redirectUri}, which has to stand under OAuth & Permissions`
  return [
    { name: 'installing', ok: true, about: `${path}; ${where}` },
    {
      name: 'installations',
      ok: sick.length === 0,
      about:
        sick.length === 0
          ? `${all.length} usable`
          : `${all.length - sick.length} usable; install the app again into ${sick.map((one) => one.workspace).join(', ')}`,
    },
    ...(narrow.length === 0
      ? []
      : [{ name: 'scopes of installations', ok: false, about: `${narrow.join('; ')}: ${scopeCure}` }]),
  ]
}
