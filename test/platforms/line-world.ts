import type { Person, Place } from './platform.ts'

/** A message in a chat, ours or a person's. */
export interface Posted {
  readonly id: string
  readonly quoteToken: string
  readonly chat: string
  /** Null: the bot. */
  readonly by: Person | null
  readonly object: Readonly<Record<string, unknown>>
  /** The id of the quoted message. */
  readonly quotes: string | null
}

export interface Token {
  readonly chat: string
  /** When the webhook that brought it (last) was sent. */
  givenAt: number
  readonly eventAt: number
  used: boolean
}

/** What a person sent and how far LINE is with it. */
export interface Content {
  readonly bytes: Uint8Array
  readonly mime: string
  /** So many requests are still answered with 202. */
  preparing: number
  state: 'kept' | 'unsent'
}

/** The platform's memory: one channel, one provider. */
export interface World {
  readonly now: () => number
  readonly posts: Posted[]
  readonly tokens: Map<string, Token>
  /** Accepted retry keys: the request id and the answer of the first. */
  readonly keys: Map<string, { readonly request: string; readonly sent: readonly object[] }>
  readonly contents: Map<string, Content>
  readonly loading: { readonly chat: string; readonly seconds: number }[]
  /** Who blocked the bot: pushes are accepted and shown to nobody. */
  readonly blocked: Set<string>
  /** Members of groups and rooms without the bot; a chat that is missing here was left. */
  readonly groups: Map<string, number>
  readonly quota: { type: 'none' | 'limited'; value: number; used: number }
  readonly endpoint: { url: string | null; active: boolean }
  revoked: boolean
  next: number
}

const minuteMs = 60_000

export const makeWorld = (now: () => number): World => ({
  now,
  posts: [],
  tokens: new Map(),
  keys: new Map(),
  contents: new Map(),
  loading: [],
  blocked: new Set(),
  groups: new Map(),
  quota: { type: 'limited', value: 1000, used: 500 },
  endpoint: { url: 'https://bot.example.com/line/webhook', active: true },
  revoked: false,
  next: 1,
})

export const number = (world: World): number => world.next++

export const messageId = (nth: number): string => `5180${String(nth).padStart(14, '0')}`
export const quoteTokenOf = (nth: number): string => `q3Plxr4AgKd-${nth}`

export const addPost = (
  world: World,
  posted: Pick<Posted, 'chat' | 'by' | 'object'> & { readonly quotes?: string | null },
): Posted => {
  const nth = number(world)
  const made: Posted = { id: messageId(nth), quoteToken: quoteTokenOf(nth), quotes: null, ...posted }
  world.posts.push(made)
  return made
}

/** Whether a reply may be made with it; using it up is the caller's. */
export const isOpen = (world: World, token: Token): boolean =>
  !token.used && world.now() - token.givenAt <= minuteMs && world.now() - token.eventAt <= 20 * minuteMs

export const placeOf = (chat: string): Place => ({ chat, kind: chat.startsWith('U') ? 'dm' : 'group' })
