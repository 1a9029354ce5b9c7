import type { Bringing } from './lines.ts'
import type { FakePlatform, Person, Place, RawCall, RawReply, SayMore, Shown, Wire } from './platform.ts'
import {
  appId,
  callOf,
  type Delivery,
  envelope,
  escaped,
  forgeriesWith,
  home,
  signed,
  signingSecret,
  type Team,
} from './slack-hooks.ts'
import { type Mishap, mishapOf, type SlackHost, startHost } from './slack-host.ts'
import { makeOauth, type OauthHost } from './slack-oauth.ts'
import type { ShownButton } from './slack-rules.ts'
import { makeSocketHost, type SocketHost } from './slack-socket.ts'
import {
  appToken,
  botToken,
  dmOf,
  groupChannel,
  people as ids,
  type Message,
  makeWorld,
  responseLifeMs,
  type StoredFile,
  type World,
} from './slack-world.ts'

/** What the tests of this adapter need beyond the common fake. */
export interface FakeSlack extends FakePlatform {
  readonly world: World
  readonly host: SlackHost
  readonly socket: SocketHost
  readonly oauth: OauthHost
  /** Brings an event of any kind, in its envelope. */
  readonly bring: (event: object, team?: Team, more?: object) => Promise<RawReply | null>
  /** Any delivery, by HTTP or by Socket Mode. */
  readonly deliver: (delivery: Delivery) => Promise<RawReply | null>
  /** Somebody types a slash command. */
  readonly command: (from: Person, place: Place, command: string, text: string) => Promise<RawReply | null>
  /** Slack checks the Request URL. */
  readonly challenge: () => Promise<RawReply>
  readonly mishap: (mishap: Mishap) => void
  /** A file as a person has uploaded it. */
  readonly keep: (name: string, mime: string, bytes: Uint8Array, team?: Team) => StoredFile
}

export interface SlackOptions extends Bringing {
  readonly now?: () => number
  readonly mode?: 'events' | 'socket'
}

const person = (id: string, name: string): Person => ({ id, name })
const people = { ann: person(ids.ann, 'Alice'), bob: person(ids.bob, 'Bob'), robot: person(ids.robot, 'CI') }
/** There is one direct chat with each person, so they name it. */
const dm: Place = { chat: ids.ann, kind: 'dm' }
const group: Place = { chat: groupChannel, kind: 'group' }
const rootTs = '1767225607.000100'
const thread: Place = { ...group, thread: rootTs }

const mimes = { 'image/': 'image', 'video/': 'video', 'audio/': 'audio' } as const
const kindOf = (mime: string): 'image' | 'video' | 'audio' | 'file' =>
  Object.entries(mimes).find(([start]) => mime.startsWith(start))?.[1] ?? 'file'

export const startSlack = async (options: SlackOptions = {}): Promise<FakeSlack> => {
  const { now = Date.now, mode = 'events' } = options
  const world = makeWorld(now)
  const oauth = makeOauth(world)
  const socket = makeSocketHost(options)
  let wire: Wire = async () => {
    throw new Error('connect() the fake first')
  }
  let last: { readonly delivery: Delivery; readonly call: RawCall } | null = null
  const host: SlackHost = await startHost(world, {
    openSocket: () => socket.open(host.origin),
    oauth: (fields) => oauth.access(fields),
  })
  socket.attach(host.server)

  const heard = (ts: string, channel: string, inThread: string | undefined, text: string): void => {
    const root = { team: home, buttons: [], files: [], ours: false, onlyFor: undefined, metadata: undefined, edits: 0 }
    world.messages.push({ ...root, ts, channel, thread: inThread, text })
  }
  heard(rootTs, groupChannel, undefined, 'a thread begins')

  const deliver: FakeSlack['deliver'] = async (delivery) => {
    const call = callOf(delivery, now())
    last = { delivery, call }
    if (mode === 'events') return wire(call)
    socket.push(delivery)
    return null
  }
  const bring: FakeSlack['bring'] = (event, team = home, more = {}) =>
    deliver(envelope(team, event, world.nextId('Ev'), now(), more))

  const channelOf = (place: Place): string => (place.kind === 'dm' ? (dmOf[place.chat] ?? place.chat) : place.chat)

  const fileOf = (file: StoredFile): object => ({
    id: file.id,
    name: file.name,
    title: file.title,
    mimetype: file.mime,
    size: file.length,
    mode: 'hosted',
    url_private: `${host.origin}/files-pri/${file.team.id}-${file.id}/${file.name}`,
    file_access: 'visible',
  })

  const keep: FakeSlack['keep'] = (name, mime, bytes, team = home) => {
    const id = world.nextId('F')
    const file: StoredFile = { id, team, name, length: bytes.byteLength, mime, bytes, shared: null, title: name }
    world.files.set(id, file)
    return file
  }

  const say = async (from: Person, place: Place, text: string, more: SayMore = {}): Promise<RawReply | null> => {
    const { mention = place.kind === 'group', at = now(), file } = more
    const ts = world.nextTs(at)
    const channel = channelOf(place)
    const own = more.fromUs === true
    const isBot = own || from.id === ids.robot
    const named = mention && !own
    const words = named ? `<@${home.botUser}> ${escaped(text)}` : escaped(text)
    heard(ts, channel, place.thread, text)
    const files = file ? [fileOf(keep(file.name, file.mime, file.bytes))] : []
    const message = {
      type: 'message',
      user: own ? home.botUser : from.id,
      ts,
      text: words,
      team: home.id,
      channel,
      event_ts: ts,
      channel_type: place.kind === 'dm' ? 'im' : 'channel',
      ...(files.length > 0 ? { subtype: 'file_share', files } : {}),
      ...(isBot ? { bot_id: own ? home.botId : 'B0OTHERBOT1', app_id: own ? appId : 'A0OTHERAPP1' } : {}),
      ...(place.thread === undefined ? {} : { thread_ts: place.thread, parent_user_id: ids.ann }),
    }
    const { channel_type: _, subtype: __, ...twin } = message
    // A mention comes twice: as a message, and as a mention with an event id of its own, in any order.
    const mentions = named && place.kind === 'group' ? [{ ...twin, type: 'app_mention' }] : []
    const events = world.messages.length % 2 === 0 ? [message, ...mentions] : [...mentions, message]
    const replies: (RawReply | null)[] = []
    for (const event of events) replies.push(await bring(event))
    return replies[0] ?? null
  }

  const responseUrl = (top: 'commands' | 'actions', channel: string, user: string): string => {
    const key = world.nextId('r')
    world.responses.set(key, { team: home, channel, user, until: now() + responseLifeMs, uses: 0 })
    return `${host.origin}/${top}/${home.id}/1111111111/${key}`
  }

  const press = async (message: Message, button: ShownButton): Promise<void> => {
    const { channel } = message
    const user = message.onlyFor ?? world.channels.get(channel)?.user ?? ids.ann
    const payload = {
      type: 'block_actions',
      user: { id: user, username: 'alice', name: 'alice', team_id: home.id },
      api_app_id: appId,
      token: 'FAKE-legacy-verification-token',
      container: {
        type: 'message',
        message_ts: message.ts,
        channel_id: channel,
        is_ephemeral: message.onlyFor !== undefined,
        ...(message.thread === undefined ? {} : { thread_ts: message.thread }),
      },
      trigger_id: `3333.4444.${world.nextId('t')}`,
      team: { id: home.id, domain: 'example-ws' },
      enterprise: null,
      is_enterprise_install: false,
      channel: { id: channel, name: channel.startsWith('D') ? 'directmessage' : 'renders' },
      state: { values: {} },
      response_url: responseUrl('actions', channel, user),
      actions: [
        {
          type: 'button',
          action_id: button.actionId,
          block_id: button.blockId,
          value: button.value,
          action_ts: world.nextTs(),
        },
      ],
    }
    await deliver({ kind: 'interactive', payload })
  }

  const shownOf = (message: Message): Shown => {
    const { ts, channel, thread: inThread, text, files, onlyFor, edits } = message
    const user = world.channels.get(channel)?.user
    const place: Place = user
      ? { chat: user, kind: 'dm', ...(inThread === undefined ? {} : { thread: inThread }) }
      : { chat: channel, kind: 'group', ...(inThread === undefined ? {} : { thread: inThread }) }
    return {
      id: ts,
      place,
      text,
      media: files.map(({ title, length, mime }) => ({
        kind: kindOf(mime),
        as: 'file',
        bytes: length,
        mime,
        name: title,
      })),
      buttons: message.buttons.map((button) => ({ label: button.label, press: () => press(message, button) })),
      ...(onlyFor === undefined ? {} : { onlyFor }),
      edits,
    }
  }

  const forged = envelope(
    home,
    { type: 'message', text: '/status', user: ids.ann, channel: dm.chat },
    'Ev0FORGED',
    now(),
  )

  return {
    id: 'slack',
    settings: {
      BOT_TOKEN: botToken,
      API_BASE: `${host.origin}/api`,
      // Answers in a thread would not lie where the question was; tests of their own look at that.
      REPLY_IN_THREAD: 'false',
      ...(mode === 'socket' ? { MODE: 'socket', APP_TOKEN: appToken } : { SIGNING_SECRET: signingSecret }),
    },
    secrets: [botToken, ...(mode === 'socket' ? [appToken] : [signingSecret])],
    people,
    places: { dm, group, thread },
    connect: (to) => {
      wire = to
    },
    say,
    bring,
    deliver,
    command: async (from, place, command, text) => {
      const channel = channelOf(place)
      const payload = {
        token: 'FAKE-legacy-verification-token',
        team_id: home.id,
        team_domain: 'example-ws',
        channel_id: channel,
        channel_name: place.kind === 'dm' ? 'directmessage' : 'renders',
        user_id: from.id,
        user_name: from.name.toLowerCase(),
        command,
        text,
        api_app_id: appId,
        is_enterprise_install: 'false',
        response_url: responseUrl('commands', channel, from.id),
        trigger_id: `1111.2222.${world.nextId('t')}`,
      }
      return deliver({ kind: 'slash_commands', payload })
    },
    challenge: () =>
      wire(signed(JSON.stringify({ token: 'FAKE', challenge: 'fakechallenge', type: 'url_verification' }), now())),
    redeliver: async () => {
      if (!last) return null
      const headers = { 'x-slack-retry-num': '1', 'x-slack-retry-reason': 'http_timeout' }
      if (mode === 'events') return wire(callOf(last.delivery, now(), headers))
      socket.push(last.delivery)
      return null
    },
    shown: () => world.messages.filter((message) => message.ours).map(shownOf),
    calls: host.calls,
    failNext: (how) => host.mishap(mishapOf(how)),
    mishap: host.mishap,
    forgeries: () => (mode === 'events' ? forgeriesWith(forged, now()) : []),
    world,
    host,
    socket,
    oauth,
    keep,
    close: async () => {
      socket.close()
      await host.close()
    },
  }
}
