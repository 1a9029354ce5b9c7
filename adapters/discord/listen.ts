// A file of its own: what is done with each event, at once and when it is kept.
import * as v from 'valibot'
import type { AdapterDeps, InboundEvent, TemplateHint } from '../../src/contract/index.ts'
import { vouch } from '../../src/contract/index.ts'
import type { Api } from './client.ts'
import { bodyOf, type Commands, own } from './commands.ts'
import { type Decoded, decodeInteraction, decodeMessage, mayBeThread, type Setting } from './decode.ts'
import type { Desk } from './desk.ts'
import { ephemeral } from './encode.ts'
import { limits } from './limits.ts'
import type { Places } from './places.ts'
import { type Frame, guild, interaction, message, type WireInteraction } from './wire.ts'

/** Discord gives three seconds; one is left to the way. */
const chooseMs = 2000
const callMs = 5000

export interface ListenDeps extends Pick<AdapterDeps, 'log' | 'now' | 'say' | 'templates'> {
  readonly api: Api
  readonly account: string
  /** Our own user id. */
  readonly self: () => string
  readonly channels: readonly string[]
  readonly desk: Desk
  readonly places: Places
  readonly commands: Commands
}

export interface Listening {
  readonly glance: (event: Frame) => void
  readonly eventsOf: (event: Frame, signal: AbortSignal) => Promise<readonly InboundEvent[]>
}

export const listening = (deps: ListenDeps): Listening => {
  const { account, channels, desk, places, log } = deps
  /** Servers we were in when the connection began: what comes on top was just joined. */
  const servers = new Set<string>()

  /** Never rejects: choices are a help, and the list of names is none of the command's preconditions. */
  const templatesWithin = async (signal: AbortSignal): Promise<readonly TemplateHint[]> => {
    try {
      return await deps.templates(AbortSignal.any([signal, AbortSignal.timeout(chooseMs)]))
    } catch (error) {
      log.debug({ about: String(error) }, 'no templates to choose from')
      return []
    }
  }

  const choose = async (asked: WireInteraction): Promise<void> => {
    const signal = AbortSignal.timeout(chooseMs + callMs)
    const templates = await templatesWithin(signal)
    const focused = asked.data?.options.find((option) => option.focused)
    const choices = focused?.name === own.template ? choicesFor(String(focused.value ?? ''), templates) : []
    const { id, token } = asked
    const path = `/interactions/${id}/${token}/callback` as const
    const json = { type: 8, data: { choices } }
    await deps.api.call({ method: 'POST', path, json, bare: true }, signal, callMs).catch((error: unknown) => {
      log.debug({ about: String(error) }, 'no choices were shown')
    })
    // Whoever chooses has the newest list at hand: the options follow when templates came or went.
    if (templates.length > 0) await deps.commands.sync(templates, signal)
  }

  const glance: Listening['glance'] = (event) => {
    places.learn(event)
    note(event)
    if (event.t !== 'INTERACTION_CREATE') return
    const read = v.safeParse(interaction, event.d)
    if (!read.success) return
    const { type, id, application_id: application, token, message: on } = read.output
    if (type === 4) void choose(read.output)
    else if (type === 2 || type === 3)
      desk.open({ kind: type === 2 ? 'command' : 'press', application, id, token, message: on?.id ?? null })
  }

  const note = ({ t, d }: Frame): void => {
    if (t === 'READY') {
      const read = v.safeParse(v.object({ guilds: v.array(v.object({ id: v.string() })) }), d)
      servers.clear()
      if (read.success) for (const { id } of read.output.guilds.slice(0, 5000)) servers.add(id)
    } else if (t === 'GUILD_CREATE' || t === 'GUILD_DELETE') {
      const read = v.safeParse(guild, d)
      // An outage says `unavailable`, and is no farewell.
      if (!read.success || read.output.unavailable) return
      const { id, name } = read.output
      if (t === 'GUILD_DELETE') log.info({ server: id }, 'the bot was removed from a server')
      else if (!servers.has(id)) log.info({ server: id, name }, 'the bot is in a server')
      if (t === 'GUILD_CREATE') servers.add(id)
      else servers.delete(id)
    }
  }

  const setting = async (
    where: {
      readonly thread: string | null
      readonly guild: string | null | undefined
      readonly parent?: string | null
    },
    signal: AbortSignal,
  ): Promise<Setting> => ({
    account,
    self: deps.self(),
    channels,
    nowMs: deps.now(),
    role: where.guild ? places.roleIn(where.guild) : null,
    parent: where.parent ?? (where.thread === null ? null : await places.parentOf(where.thread, signal)),
  })

  const said = async (data: unknown, signal: AbortSignal): Promise<Decoded> => {
    const read = v.safeParse(message, data)
    if (!read.success) return unreadable(read.issues)
    const { author, channel_id, channel_type, guild_id } = read.output
    if (!guild_id && author.id !== deps.self()) places.heardDirectly(author.id, channel_id)
    // Where Discord does not say of which kind the channel is, only asking tells a thread from a channel.
    const thread = guild_id && mayBeThread(channel_type) ? channel_id : null
    // It came over TLS from the gateway we signed in to: nobody else can have put it there.
    return decodeMessage(vouch(read.output, 'tls'), await setting({ thread, guild: guild_id }, signal))
  }

  const acted = async (data: unknown, signal: AbortSignal): Promise<Decoded> => {
    const read = v.safeParse(interaction, data)
    if (!read.success) return unreadable(read.issues)
    const { channel, channel_id: id, guild_id, member, user } = read.output
    const person = user ?? member?.user
    if (!guild_id && person && channel?.type === 1) places.heardDirectly(person.id, channel.id)
    const thread = guild_id && mayBeThread(channel?.type) ? (id ?? channel?.id ?? null) : null
    const where = await setting(
      { thread, guild: guild_id, parent: channel?.parent_id && thread ? channel.parent_id : null },
      signal,
    )
    // Which input free words fill is the template's word; without such words nothing has to be asked.
    const hasWords = read.output.data?.options.some(({ name }) => name === own.prompt) === true
    const templates = hasWords ? await templatesWithin(signal) : []
    const decoded = decodeInteraction(vouch(read.output, 'tls'), where, (name, options) =>
      bodyOf(name, options, templates),
    )
    if (decoded.kind === 'elsewhere') void turnAway(read.output)
    return decoded
  }

  const turnAway = async (asked: WireInteraction): Promise<void> => {
    const { id, application_id: application, token } = asked
    const pending = desk.open({ kind: 'command', application, id, token, message: null })
    pending.waiting.abort()
    const data = { content: deps.say('not_listening'), flags: ephemeral, allowed_mentions: { parse: [] } }
    await desk.callback(pending, 4, data, AbortSignal.timeout(callMs)).catch((error: unknown) => {
      log.debug({ about: String(error) }, 'a command from elsewhere was not answered')
    })
  }

  const unreadable = (issues: readonly v.BaseIssue<unknown>[]): Decoded => {
    const wrong = issues.map((issue) => v.getDotPath(issue) ?? issue.message).slice(0, 5)
    log.warn({ wrong }, 'an event could not be read and is skipped')
    return { kind: 'ignored', why: 'unreadable' }
  }

  const eventsOf: Listening['eventsOf'] = async ({ t, d }, signal) => {
    if (t !== 'MESSAGE_CREATE' && t !== 'INTERACTION_CREATE') return []
    const decoded = t === 'MESSAGE_CREATE' ? await said(d, signal) : await acted(d, signal)
    if (decoded.kind === 'event') return [decoded.event]
    log.debug(
      { event: t, why: decoded.kind === 'elsewhere' ? 'not a channel we listen in' : decoded.why },
      'not for us',
    )
    return []
  }

  return { glance, eventsOf }
}

/** Pure. Templates whose id or label holds what was typed, those that begin with it first. */
export const choicesFor = (
  typed: string,
  templates: readonly TemplateHint[],
): readonly { name: string; value: string }[] => {
  const wanted = typed.trim().toLowerCase()
  const rank = ({ id, label }: TemplateHint): number => {
    const at = [id, label].map((text) => text.toLowerCase().indexOf(wanted)).filter((found) => found >= 0)
    return at.length === 0 ? -1 : Math.min(...at, 1)
  }
  return templates
    .filter((template) => template.id.length <= limits.choice && template.id !== '' && rank(template) >= 0)
    .toSorted((a, b) => rank(a) - rank(b) || (a.id < b.id ? -1 : 1))
    .slice(0, limits.choices)
    .map(({ id, label }) => {
      const name = label === '' || label === id ? id : `${label} (${id})`
      return { name: name.slice(0, limits.choice).toWellFormed(), value: id }
    })
}
