import { expect } from 'vitest'
import type { RawReply } from '../platforms/platform.ts'
import { type FakeSlack, startSlack } from '../platforms/slack.ts'
import { type Team, teams } from '../platforms/slack-hooks.ts'
import { clientId, clientSecret } from '../platforms/slack-oauth.ts'
import { adminToken, type OnEnd } from './harness.ts'
import { until } from './process.ts'
import { openWebhooks, type Webhooks } from './webhooks.ts'

export const publicUrl = 'https://bot.example.org'
const redirectUri = `${publicUrl}/slack/oauth/callback`

/** An installation as the admin API shows it. */
export interface ShownInstall {
  readonly installation_id: string
  readonly workspace_id: string
  readonly status: string
  readonly status_reason: string
  readonly token_refs: Readonly<Record<string, string>>
  readonly metadata: { readonly health: { readonly state: string; readonly reason: string } }
}

/** What a browser keeps between its two visits. */
export interface Visit {
  readonly location: URL
  readonly state: string
  readonly cookie: string
}

export interface SlackApp extends Webhooks {
  readonly fake: FakeSlack
  readonly visit: () => Promise<Visit>
  readonly comeBack: (query: Readonly<Record<string, string>>, cookie: string) => Promise<RawReply>
  /** Somebody installs the app into a workspace, with their browser. */
  readonly install: (options?: Parameters<FakeSlack['oauth']['agree']>[0]) => Promise<RawReply>
  /** Ann mentions the bot in a channel of this workspace. */
  readonly mention: (team: Team, text: string) => Promise<RawReply | null>
  /** Texts shown in a workspace's channel. */
  readonly texts: (team: Team) => readonly string[]
  /** Ann asks something there, and is answered once more than before. */
  readonly answers: (team: Team) => Promise<void>
  /** Ann asks something there; nothing of it is served. */
  readonly ignores: (team: Team, reason: string) => Promise<void>
  readonly admin: (path: string, method?: string) => Promise<{ readonly status: number; readonly body: unknown }>
  readonly shown: (workspace: string) => Promise<ShownInstall>
  /** Status and health of all, by workspace. */
  readonly states: () => Promise<readonly (readonly string[])[]>
}

const channels: Readonly<Record<string, string>> = {
  T0FAKETEAM1: 'C0FAKECHAN1',
  T0FAKETEAM2: 'C0FAKECHAN2',
  T0FAKETEAM3: 'D0FAKEDM003',
}
const refused = 'the installation is not to be used, so nothing of its workspace is served'

/** A daemon with the app's own secrets, and no token of any workspace. */
export const openApp = async (onEnd: OnEnd, more: Readonly<Record<string, string>> = {}): Promise<SlackApp> => {
  const fake = await startSlack()
  const env = {
    OPENCLAW_CONNECTOR_PUBLIC_BASE_URL: publicUrl,
    OPENCLAW_CONNECTOR_SLACK_BOT_TOKEN: '',
    OPENCLAW_CONNECTOR_SLACK_CLIENT_ID: clientId,
    OPENCLAW_CONNECTOR_SLACK_CLIENT_SECRET: clientSecret,
    ...more,
  }
  let said = (): string => ''
  onEnd(async () => {
    for (const secret of [clientSecret, ...fake.oauth.secrets()])
      expect(said().includes(secret), 'a secret in the log').toBe(false)
  })
  const house = await openWebhooks(onEnd, [fake], { env })
  said = () => house.daemon().output()

  const get = async (path: string, headers: Readonly<Record<string, string>> = {}): Promise<RawReply> => {
    const init = { redirect: 'manual', headers: { ...headers, connection: 'close' } } as const
    const response = await fetch(house.url('slack') + path, init)
    return { status: response.status, headers: Object.fromEntries(response.headers), body: await response.text() }
  }
  const visit: SlackApp['visit'] = async () => {
    const { status, headers } = await get('/slack/install')
    expect(status).toBe(302)
    const location = new URL(headers.location ?? '')
    const state = location.searchParams.get('state') ?? ''
    return { location, state, cookie: (headers['set-cookie'] ?? '').split(';')[0] ?? '' }
  }
  const comeBack: SlackApp['comeBack'] = (query, cookie) =>
    get(`/slack/oauth/callback?${new URLSearchParams(query)}`, cookie === '' ? {} : { cookie })
  const admin: SlackApp['admin'] = async (path, method = 'GET') => {
    const headers = { 'X-OpenClaw-Admin-Token': adminToken }
    const response = await fetch(`${house.adminUrl}/openclaw/connector/installations${path}`, { method, headers })
    const text = await response.text()
    for (const secret of fake.oauth.secrets()) expect(text).not.toContain(secret)
    return { status: response.status, body: JSON.parse(text) }
  }
  const all = async (): Promise<readonly ShownInstall[]> =>
    ((await admin('?platform=slack')).body as { installations: ShownInstall[] }).installations

  const mention: SlackApp['mention'] = (team, text) => {
    const channel = channels[team.id] ?? ''
    const ts = fake.world.nextTs()
    const event = { user: fake.people.ann.id, ts, event_ts: ts, team: team.id, channel }
    return channel.startsWith('D')
      ? fake.bring({ ...event, type: 'message', channel_type: 'im', text }, team)
      : fake.bring({ ...event, type: 'app_mention', text: `<@${team.botUser}> ${text}` }, team)
  }
  const texts: SlackApp['texts'] = (team) =>
    fake.world.messages.filter((one) => one.ours && one.team === team).map(({ text }) => text)
  const refusals = () =>
    house
      .daemon()
      .lines()
      .filter(({ msg }) => msg === refused)

  return {
    ...house,
    fake,
    visit,
    comeBack,
    install: async (options) => {
      const { state, cookie } = await visit()
      return comeBack({ code: fake.oauth.agree({ ...options, redirectUri }), state }, cookie)
    },
    mention,
    texts,
    answers: async (team) => {
      const before = texts(team).length
      expect((await mention(team, '/status'))?.status).toBe(200)
      await until(
        `an answer in ${team.id}`,
        () => texts(team).length > before,
        () => house.daemon().tail(),
      )
      expect(texts(team).at(-1)).toMatch(/^\[Online\]/)
    },
    ignores: async (team, reason) => {
      const before = refusals().length
      expect((await mention(team, '/run portrait a stowaway'))?.status).toBe(200)
      const line = await until('a refusal in the log', () => refusals()[before])
      expect(line).toMatchObject({ level: 'warn', workspace: team.id, reason })
    },
    admin,
    shown: async (workspace) => {
      const found = (await all()).find((one) => one.workspace_id === workspace)
      if (!found) throw new Error(`nothing is installed in ${workspace}`)
      return found
    },
    states: async () =>
      (await all()).map(({ workspace_id, status, metadata }) => [workspace_id, status, metadata.health.state]),
  }
}

export const [one, two, grid] = teams as readonly [Team, Team, Team]
