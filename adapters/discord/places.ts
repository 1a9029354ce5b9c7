// A file of its own: what has to be known about channels and is not in a message. All of it bounded.
import * as v from 'valibot'
import type { Api } from './client.ts'
import { isThread } from './decode.ts'
import { DiscordError } from './errors.ts'
import { limits } from './limits.ts'
import type { Frame } from './wire.ts'
import { channel, guild, sent, threadEvent, threadList } from './wire.ts'

export interface Places {
  /** Takes from an event what it tells about threads and about our role in a server. */
  readonly learn: (event: Frame) => void
  /** The channel a thread belongs to; null when it is none, or Discord does not tell (then nothing may be concluded). */
  readonly parentOf: (thread: string, signal: AbortSignal) => Promise<string | null>
  /** Our own role in a server: mentioning it means us. */
  readonly roleIn: (guild: string) => string | null
  /** The channel of the direct chat with a person. Throws DiscordError. */
  readonly directOf: (person: string, signal: AbortSignal) => Promise<string>
  /** How large a file may be in a server, by how much it is boosted. Throws DiscordError. */
  readonly fileBytesIn: (guild: string, signal: AbortSignal) => Promise<number>
  readonly heardDirectly: (person: string, channel: string) => void
}

const most = { threads: 5000, people: 5000, guilds: 5000 } as const
const askMs = 10_000
/** Remembered in place of a channel. */
const noThread = ''

/** A map that forgets what was not used for longest. */
const remembering = (max: number) => {
  const all = new Map<string, string>()
  const set = (key: string, value: string): void => {
    all.delete(key)
    all.set(key, value)
    if (all.size > max) all.delete(all.keys().next().value ?? '')
  }
  const get = (key: string): string | null => {
    const value = all.get(key)
    if (value === undefined) return null
    set(key, value)
    return value
  }
  return { get, set, delete: (key: string) => all.delete(key) }
}

export const makePlaces = (api: Api, self: () => string): Places => {
  const threads = remembering(most.threads)
  const people = remembering(most.people)
  const roles = remembering(most.guilds)
  const tiers = remembering(most.guilds)

  const keep = ({ id, parent_id }: { readonly id: string; readonly parent_id?: string | null | undefined }): void => {
    if (parent_id) threads.set(id, parent_id)
  }

  const graded = ({ id, premium_tier: tier }: v.InferOutput<typeof guild>): void => {
    if (tier != null) tiers.set(id, String(tier))
  }

  const learn: Places['learn'] = ({ t, d }) => {
    if (t === 'GUILD_CREATE') {
      const read = v.safeParse(guild, d)
      if (!read.success) return
      read.output.threads.forEach(keep)
      const own = read.output.roles.find(({ tags }) => tags?.bot_id === self())
      if (own) roles.set(read.output.id, own.id)
      graded(read.output)
    } else if (t === 'GUILD_UPDATE') {
      const read = v.safeParse(guild, d)
      if (read.success) graded(read.output)
    } else if (t === 'THREAD_LIST_SYNC') {
      const read = v.safeParse(threadList, d)
      if (read.success) read.output.threads.forEach(keep)
    } else if (t === 'THREAD_CREATE' || t === 'THREAD_UPDATE') {
      const read = v.safeParse(threadEvent, d)
      if (read.success) keep(read.output)
    } else if (t === 'THREAD_DELETE') {
      const read = v.safeParse(threadEvent, d)
      if (read.success) threads.delete(read.output.id)
    }
  }

  const parentOf: Places['parentOf'] = async (thread, signal) => {
    const known = threads.get(thread)
    if (known !== null) return known === noThread ? null : known
    try {
      const read = v.safeParse(channel, await api.call({ method: 'GET', path: `/channels/${thread}` }, signal, askMs))
      if (!read.success) return null
      // Above an ordinary channel is at most its category.
      if (!isThread(read.output.type)) {
        threads.set(thread, noThread)
        return null
      }
      if (!read.output.parent_id) return null
      keep(read.output)
      return read.output.parent_id
    } catch (error) {
      // Gone, not ours to see, or no id at all: that stays so. Anything else passes, and the event can come again.
      if (error instanceof DiscordError && [400, 403, 404].includes(error.status ?? 0)) return null
      throw error
    }
  }

  const directOf: Places['directOf'] = async (person, signal) => {
    const known = people.get(person)
    if (known !== null) return known
    const call = { method: 'POST', path: '/users/@me/channels', json: { recipient_id: person } } as const
    const read = v.safeParse(sent, await api.call(call, signal, askMs))
    if (!read.success) throw new DiscordError('direct chat', { words: 'the answer names no channel' })
    people.set(person, read.output.id)
    return read.output.id
  }

  const fileBytesIn: Places['fileBytesIn'] = async (server, signal) => {
    if (tiers.get(server) === null) {
      const path = `/guilds/${server}` as const
      const found = await api.call({ method: 'GET', path }, signal, askMs).catch((error: unknown) => {
        // Not ours to see: then the least there is.
        if (error instanceof DiscordError && (error.status === 404 || error.status === 403)) return null
        throw error
      })
      const read = v.safeParse(guild, found)
      if (read.success) graded(read.output)
    }
    return limits.fileBytesByTier[Number(tiers.get(server) ?? 0)] ?? limits.fileBytes
  }

  return { learn, fileBytesIn, parentOf, roleIn: roles.get, directOf, heardDirectly: people.set }
}
