import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type FakeGateway, intentBits, makeGateway } from './discord-gateway.ts'
import { interactionJson, interactionRoutes, openInteraction } from './discord-interactions.ts'
import { rendered } from './discord-markdown.ts'
import { keepFile } from './discord-messages.ts'
import { makeRoutes } from './discord-routes.ts'
import { makeApi } from './discord-server.ts'
import {
  type Attachment,
  addPost,
  botJson,
  type Channel,
  channelJson,
  directChannel,
  type EmbedJson,
  type Interaction,
  makeWorld,
  memberJson,
  openChannel,
  type Post,
  postJson,
  type World,
} from './discord-world.ts'
import type { Bringing } from './lines.ts'
import type { Failure, FakePlatform, Person, PersonsFile, Place, SayMore, Shown } from './platform.ts'

/** What the tests of this adapter need beyond the common fake. */
export interface FakeDiscord extends FakePlatform {
  readonly token: string
  readonly world: World
  readonly gateway: FakeGateway
  readonly server: Server
  readonly base: string
  /** A slash command, with the options as the client sends them. */
  readonly command: (by: Person, place: Place, name: string, options?: readonly object[], more?: object) => Interaction
  /** Typing in an option; resolves with what is offered. */
  readonly complete: (by: Person, place: Place, name: string, options: readonly object[]) => Interaction
  /** Who presses which button; a button that is gone can still be pressed by an old client. */
  readonly press: (by: Person, post: Post, label: string) => Interaction
  readonly setToken: (token: string) => void
  /** How privileged intents stand in the portal. */
  readonly allow: (intents: number) => void
}

const botId = '1200000000000000001'
const token = `${Buffer.from(botId).toString('base64url')}.Gfake1.fake-discord-token_for-tests-AAAAAAAAAAA`
const group = '1200000000000000200'
const thread = '1200000000000000301'
export const forum = { channel: '1200000000000000400', post: '1200000000000000401' }

const people = {
  ann: { id: '300000000000000001', name: 'Ann' },
  bob: { id: '300000000000000002', name: 'Bob' },
  robot: { id: '300000000000000003', name: 'Robot' },
}

/** Discord on 127.0.0.1, REST and gateway, written from the protocol facts. A place in a direct chat is named by its
 *  person, as people do; the channel behind it is found as the API has it. */
export async function startDiscord(bringing: Bringing = {}): Promise<FakeDiscord> {
  const world = makeWorld({ id: botId, username: 'render-desk' })
  openChannel(world, { id: group, type: 0 })
  openChannel(world, { id: thread, type: 11, parent: group, name: 'fox renders' })
  openChannel(world, { id: forum.channel, type: 15, name: 'showcase' })
  openChannel(world, { id: forum.post, type: 11, parent: forum.channel, name: 'my fox' })
  const calls: { method: string; at: number }[] = []
  let failure: Failure | null = null
  let valid = token
  let allowed: number = intentBits.content
  let lastSaid = 'MESSAGE_CREATE'

  const gateway = makeGateway({
    ...bringing,
    token: () => valid,
    allowedIntents: () => allowed,
    ready: () => ({
      v: 10,
      user: botJson(world),
      guilds: [{ id: world.guild.id, unavailable: true }],
      session_type: 'normal',
      shard: [0, 1],
      application: { id: botId, flags: world.applicationFlags },
    }),
    afterReady: () => [{ t: 'GUILD_CREATE', d: guildJson(world) }],
  })
  const server = makeApi({
    world,
    routes: [
      ...makeRoutes(() => ({ url: gateway.url, remaining: gateway.limits.remaining }), people),
      ...interactionRoutes,
    ],
    token: () => valid,
    onCall: (method) => calls.push({ method, at: Date.now() }),
    planned: () => {
      const how = failure
      failure = null
      return how
    },
  })
  server.on('upgrade', gateway.upgrade)

  const channelAt = (from: Person, place: Place): Channel => {
    if (place.kind === 'dm') return directChannel(world, from)
    const found = world.channels.get(place.thread ?? place.chat)
    if (!found) throw new Error(`no channel ${place.chat} on this platform`)
    return found
  }

  const say = async (from: Person, place: Place, text: string, more: SayMore = {}): Promise<null> => {
    const channel = channelAt(from, place)
    const named = channel.guild !== null && (more.mention ?? true)
    const file = more.file ? await fileOf(world, channel.id, more.file) : null
    const answered = world.posts.find((post) => post.channel === channel && post.id === more.replyTo)
    const post = addPost(world, channel, {
      by: more.fromUs ? null : from,
      content: named ? `<@${botId}> ${text}` : text,
      attachments: file ? [file] : [],
      replyTo: answered?.id ?? null,
    })
    const isBot = from.id === people.robot.id
    const message = {
      ...postJson(world, post, isBot),
      ...(more.at === undefined ? {} : { timestamp: new Date(more.at).toISOString() }),
      mentions: named ? [botJson(world)] : [],
      ...(channel.guild === null ? {} : { guild_id: channel.guild, member: memberJson() }),
      ...(answered ? { referenced_message: postJson(world, answered) } : {}),
    }
    lastSaid = 'MESSAGE_CREATE'
    gateway.dispatch('MESSAGE_CREATE', (intents) => {
      const wanted = channel.guild === null ? intentBits.directMessages : intentBits.guildMessages
      if ((intents & wanted) === 0) return null
      const seen = (intents & intentBits.content) !== 0 || channel.guild === null || named || more.fromUs
      return seen ? message : { ...message, content: '', embeds: [], attachments: [], components: [] }
    })
    return null
  }

  const interact = (interaction: Interaction, data: object): Interaction => {
    lastSaid = 'INTERACTION_CREATE'
    gateway.dispatch('INTERACTION_CREATE', () => interactionJson(world, interaction, data))
    return interaction
  }
  const command: FakeDiscord['command'] = (by, place, name, options = [], more = {}) => {
    const interaction = openInteraction(world, { type: 2, by, channel: channelAt(by, place) })
    return interact(interaction, { id: '1250000000000000001', name, type: 1, options, ...more })
  }
  const complete: FakeDiscord['complete'] = (by, place, name, options) => {
    const interaction = openInteraction(world, { type: 4, by, channel: channelAt(by, place) })
    return interact(interaction, { id: '1250000000000000001', name, type: 1, options })
  }
  const pressed = (by: Person, on: Post, customId: string): Interaction => {
    const interaction = openInteraction(world, { type: 3, by, channel: on.channel, on })
    return interact(interaction, { component_type: 2, custom_id: customId, id: 2 })
  }

  const base = await listen(server)
  gateway.url = base.replace('http', 'ws')
  world.cdn = base
  return {
    id: 'discord',
    settings: { TOKEN: token, API_BASE: `${base}/api` },
    secrets: [token, token.slice(token.indexOf('.') + 1)],
    people,
    places: {
      dm: { chat: people.ann.id, kind: 'dm' },
      group: { chat: group, kind: 'group' },
      thread: { chat: group, kind: 'group', thread },
    },
    connect: () => {},
    say,
    redeliver: async () => {
      gateway.again(lastSaid)
      return null
    },
    shown: () => shownOf(world, (by, post, id) => pressed(by, post, id), people.ann),
    calls: () => calls,
    failNext: (how) => {
      failure = how
    },
    forgeries: () => [],
    close: () =>
      new Promise((resolve) => {
        gateway.shutdown()
        server.close(() => resolve())
        server.closeAllConnections()
      }),
    token,
    world,
    gateway,
    server,
    base,
    command,
    complete,
    press: (by, post, label) => {
      const button = post.rows.flatMap(({ components }) => components).find((one) => one.label === label)
      if (!button) throw new Error(`message ${post.id} has no button ${label}`)
      return pressed(by, post, button.custom_id)
    },
    setToken: (other) => {
      valid = other
    },
    allow: (intents) => {
      allowed = intents
    },
  }
}

const fileOf = (world: World, channel: string, { bytes, mime, name }: PersonsFile): Promise<Attachment> =>
  keepFile(world, channel, { filename: name, mime, bytes })

const placeOf = ({ id, parent, recipient, type }: Channel): Place => {
  if (recipient) return { chat: recipient.id, kind: 'dm' }
  return type === 11 ? { chat: parent ?? id, kind: 'group', thread: id } : { chat: id, kind: 'group' }
}

const shownOf = (
  world: World,
  press: (by: Person, post: Post, customId: string) => unknown,
  passerBy: Person,
): readonly Shown[] =>
  world.posts
    .filter((post) => post.by === null && !post.loading)
    .map((post) => {
      // Embeds of one address are drawn as one: the first one's words, and the pictures of four. With a title they
      // lead to a file that lies elsewhere.
      const nthOf = (embed: EmbedJson): number =>
        embed.url === undefined ? 0 : post.embeds.filter(({ url }) => url === embed.url).indexOf(embed)
      const words = post.embeds.flatMap((embed) => (nthOf(embed) === 0 && embed.description ? [embed.description] : []))
      const linked = post.embeds.flatMap(({ url, title, image }) =>
        url === undefined || title === undefined
          ? []
          : [{ kind: image ? 'image' : 'file', as: 'link', bytes: 0, mime: '', name: title } as const],
      )
      const seen = post.attachments.flatMap(({ id, kind, size, content_type, filename, url }) => {
        const card = post.embeds.find(({ image }) => image?.url === url)
        if (post.inside.includes(id) && (!card || nthOf(card) >= 4)) return []
        return [{ kind, as: card ? 'card' : 'attachment', bytes: size, mime: content_type, name: filename }]
      })
      return {
        id: post.id,
        place: placeOf(post.channel),
        text: rendered([post.content, ...words].filter((text) => text !== '').join('\n')),
        media: [...seen, ...linked],
        buttons: post.rows
          .flatMap(({ components }) => components)
          .map(({ label, custom_id }) => ({
            label,
            press: async () => void press(post.channel.recipient ?? passerBy, post, custom_id),
          })),
        ...(post.replyTo === null ? {} : { replyTo: post.replyTo }),
        ...(post.onlyFor === null ? {} : { onlyFor: post.onlyFor }),
        edits: post.edits,
      }
    })

/** As in GUILD_CREATE, with all the lists clients look at. */
const guildJson = (world: World): object => {
  const own = [...world.channels.values()].filter(({ guild }) => guild === world.guild.id)
  const role = (id: string, name: string, more: object = {}): object => ({
    id,
    name,
    color: 0,
    colors: { primary_color: 0, secondary_color: null, tertiary_color: null },
    hoist: false,
    position: 0,
    permissions: '2222085186636353',
    managed: false,
    mentionable: false,
    flags: 0,
    ...more,
  })
  return {
    id: world.guild.id,
    name: world.guild.name,
    joined_at: '2026-01-01T00:00:00.000000+00:00',
    large: false,
    unavailable: false,
    member_count: 12,
    owner_id: '300000000000000001',
    preferred_locale: 'en-US',
    premium_tier: world.guild.tier,
    features: [],
    channels: own.filter(({ type }) => type !== 11).map((channel) => channelJson(world, channel)),
    threads: own.filter(({ type }) => type === 11).map((channel) => channelJson(world, channel)),
    members: [{ ...memberJson(), user: botJson(world), roles: [world.guild.botRole] }],
    voice_states: [],
    presences: [],
    stage_instances: [],
    guild_scheduled_events: [],
    soundboard_sounds: [],
    roles: [
      role(world.guild.id, '@everyone'),
      role(world.guild.botRole, world.bot.username, { managed: true, tags: { bot_id: world.bot.id } }),
    ],
    emojis: [],
    stickers: [],
  }
}

const listen = (server: Server): Promise<string> =>
  new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve(`http://127.0.0.1:${(server.address() as AddressInfo).port}`))
  })
