import { home, type Team, teams } from './slack-hooks.ts'
import type { ShownButton } from './slack-rules.ts'

export const botToken = 'xoxb-fake-slack-bot-token'
export const appToken = 'xapp-fake-slack-app-token'
export const botScopes = [
  'app_mentions:read',
  'chat:write',
  'channels:history',
  'channels:read',
  'groups:history',
  'groups:read',
  'im:history',
  'im:write',
  'files:read',
  'files:write',
  'commands',
]

export interface Message {
  readonly ts: string
  readonly team: Team
  readonly channel: string
  readonly thread: string | undefined
  text: string
  buttons: readonly ShownButton[]
  readonly files: readonly StoredFile[]
  /** Ours; only those can be changed. */
  readonly ours: boolean
  readonly onlyFor: string | undefined
  readonly metadata: unknown
  edits: number
}

export interface StoredFile {
  readonly id: string
  readonly team: Team
  readonly name: string
  readonly length: number
  mime: string
  bytes: Uint8Array | null
  /** Where it was shared: a message of the channel. */
  shared: { readonly channel: string; readonly ts: string } | null
  title: string
}

export interface Channel {
  readonly id: string
  readonly team: Team
  /** The person at the other end of a direct chat with our bot. */
  readonly user: string | null
  /** Whether our bot is in it. */
  joined: boolean
  archived: boolean
}

export interface Grant {
  readonly team: Team
  readonly kind: 'bot' | 'app'
  readonly scopes: readonly string[]
  /** Milliseconds since the epoch; null: never. */
  readonly expiresAt: number | null
  /** Slack's word for why it does not work any more. */
  revoked: string | null
}

export interface World {
  readonly now: () => number
  readonly messages: Message[]
  readonly files: Map<string, StoredFile>
  readonly channels: Map<string, Channel>
  readonly tokens: Map<string, Grant>
  /** One-time addresses for answers to commands and presses. */
  readonly responses: Map<string, Response>
  /** Unique in this world, and in the order in which they were given. */
  readonly nextTs: (atMs?: number) => string
  readonly nextId: (prefix: string) => string
  /** The direct chat of our bot with a person; null for nobody we know. */
  readonly directChat: (team: Team, user: string) => Channel | null
}

export interface Response {
  readonly team: Team
  readonly channel: string
  readonly user: string
  readonly until: number
  uses: number
}

export const people = { ann: 'U0FAKEALICE', bob: 'U0FAKEBOB01', robot: 'U0FAKECIBOT' } as const
export const dmOf: Readonly<Record<string, string>> = { [people.ann]: 'D0FAKEDM001', [people.bob]: 'D0FAKEDM002' }
export const groupChannel = 'C0FAKECHAN1'
export const responseLifeMs = 30 * 60_000

export const makeWorld = (now: () => number): World => {
  const channels = new Map<string, Channel>()
  const add = (id: string, team: Team, user: string | null, joined = true): Channel => {
    const channel = { id, team, user, joined, archived: false }
    channels.set(id, channel)
    return channel
  }
  add(groupChannel, home, null)
  add('G0FAKEPRIV1', home, null)
  add('C0FAKEFOREIGN', home, null, false)
  for (const [user, id] of Object.entries(dmOf)) add(id, home, user)
  add('C0FAKECHAN2', teams[1] as Team, null)
  add('D0FAKEDM003', teams[2] as Team, people.ann)
  let count = 0
  const grant: Grant = { team: home, kind: 'bot', scopes: botScopes, expiresAt: null, revoked: null }
  return {
    now,
    messages: [],
    files: new Map(),
    channels,
    tokens: new Map([
      [botToken, grant],
      [appToken, { ...grant, kind: 'app', scopes: ['connections:write'] }],
    ]),
    responses: new Map(),
    nextTs: (atMs = now()) => {
      count += 1
      return `${Math.floor(atMs / 1000)}.${String(count).padStart(6, '0')}`
    },
    nextId: (prefix) => {
      count += 1
      return `${prefix}0FAKE${String(count).padStart(5, '0')}`
    },
    directChat: (team, user) =>
      [...channels.values()].find((one) => one.team.id === team.id && one.user === user) ?? null,
  }
}
