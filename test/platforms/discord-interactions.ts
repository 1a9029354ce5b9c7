import { attachmentsOf, embedded, isEmpty, isObject, saidOf } from './discord-messages.ts'
import { change, done, fill, ok, type Route, type RouteCall } from './discord-routes.ts'
import {
  ApiError,
  addPost,
  channelJson,
  type Interaction,
  invalid,
  memberJson,
  type Post,
  postJson,
  snowflake,
  userJson,
  type World,
} from './discord-world.ts'

const ephemeral = 64
const suppressEmbeds = 4

/** What an interaction looks like in INTERACTION_CREATE. */
export const interactionJson = (world: World, interaction: Interaction, data: object): object => {
  const { channel, by, on } = interaction
  const user = userJson(by, false)
  return {
    id: interaction.id,
    application_id: world.bot.id,
    type: interaction.type,
    token: interaction.token,
    version: 1,
    data,
    channel_id: channel.id,
    channel: channelJson(world, channel),
    app_permissions: '2222085186636353',
    locale: 'en-US',
    entitlements: [],
    authorizing_integration_owners: { 0: channel.guild ?? '0' },
    context: channel.guild === null ? 1 : 0,
    attachment_size_limit: world.limits.fileBytes,
    ...(channel.guild === null
      ? { user }
      : { guild_id: channel.guild, guild_locale: 'en-US', member: { ...memberJson(), user } }),
    ...(on ? { message: postJson(world, on) } : {}),
  }
}

export const openInteraction = (
  world: World,
  more: Pick<Interaction, 'type' | 'by' | 'channel'> & { readonly on?: Post },
): Interaction => {
  const interaction: Interaction = {
    ...more,
    id: snowflake(),
    token: `fake-interaction-token-${world.interactions.size + 1}-${'x'.repeat(40)}`,
    on: more.on ?? null,
    askedMs: Date.now(),
    state: 'pending',
    original: null,
    choices: Promise.withResolvers(),
    callbacks: [],
  }
  world.interactions.set(interaction.token, interaction)
  return interaction
}

const unknown = (): ApiError => new ApiError(404, 10062, 'Unknown interaction')

const callback: Route['run'] = async ({ world, path: [, id, token = ''], query, form }) => {
  const interaction = world.interactions.get(token)
  if (!interaction || interaction.id !== id) throw unknown()
  if (interaction.state !== 'pending') throw new ApiError(400, 40060, 'Interaction has already been acknowledged.')
  if (Date.now() - interaction.askedMs > world.limits.ackMs) throw unknown()
  const type = Number(form.json.type)
  const data = isObject(form.json.data) ? form.json.data : {}
  const message = await takeCallback(type, interaction, { world, form: { ...form, json: data } })
  interaction.callbacks.push(type)
  if (query.get('with_response') !== 'true' || world.terse) return done
  return ok({
    interaction: { id, type: interaction.type, ...(message ? { response_message_id: message.id } : {}) },
    ...(message ? { resource: { type, message: postJson(world, message) } } : {}),
  })
}

const takeCallback = async (
  type: number,
  interaction: Interaction,
  call: Pick<RouteCall, 'world' | 'form'>,
): Promise<Post | null> => {
  const { json } = call.form
  if (type === 8 && interaction.type === 4) {
    interaction.choices.resolve(choicesOf(json.choices))
    interaction.state = 'answered'
    return null
  }
  if (interaction.type === 4) throw invalid('type', 'BASE_TYPE_CHOICES', 'An autocompletion takes type 8 only.')
  if (type === 4) {
    interaction.original = await say(interaction, call)
    interaction.state = 'answered'
    return interaction.original
  }
  if (type === 5) {
    const onlyFor = (Number(json.flags ?? 0) & ephemeral) !== 0 ? interaction.by.id : null
    interaction.original = addPost(call.world, interaction.channel, { by: null, onlyFor, loading: true })
    interaction.state = 'deferred'
    return interaction.original
  }
  if (interaction.type !== 3 || (type !== 6 && type !== 7))
    throw invalid('type', 'BASE_TYPE_CHOICES', `Type ${type} does not answer this interaction.`)
  interaction.original = interaction.on
  interaction.state = 'answered'
  if (type === 7 && interaction.on) await change(call.world, interaction.on, call.form)
  return interaction.on
}

const choicesOf = (value: unknown): readonly { name: string; value: string }[] => {
  if (!Array.isArray(value) || value.length > 25)
    throw invalid('choices', 'BASE_TYPE_MAX_LENGTH', 'Must be 25 or fewer in length.')
  return value.map((choice) => {
    const { name, value: says } = isObject(choice) ? choice : {}
    for (const text of [name, says])
      if (typeof text !== 'string' || text.length < 1 || text.length > 100)
        throw invalid('choices', 'BASE_TYPE_BAD_LENGTH', 'Must be between 1 and 100 in length.')
    return { name: String(name), value: String(says) }
  })
}

/** A message of its own, made by the token. */
const say = async (interaction: Interaction, { world, form }: Pick<RouteCall, 'world' | 'form'>): Promise<Post> => {
  const said = saidOf(form.json, ephemeral | suppressEmbeds)
  const attachments = await attachmentsOf(world, interaction.channel.id, form)
  if (isEmpty(said, attachments)) throw new ApiError(400, 50006, 'Cannot send an empty message')
  embedded(said.embeds, attachments)
  const onlyFor = (said.flags & ephemeral) !== 0 ? interaction.by.id : null
  return fill(addPost(world, interaction.channel, { by: null, attachments, onlyFor, pings: said.pings }), said)
}

/** The interaction a token still speaks for. */
const opened = (world: World, token: string): Interaction => {
  const interaction = world.interactions.get(token)
  if (!interaction || interaction.state === 'pending') throw new ApiError(404, 10015, 'Unknown Webhook')
  if (Date.now() - interaction.askedMs > world.limits.tokenMs) throw new ApiError(401, 50027, 'Invalid Webhook Token')
  return interaction
}

const messageOf = (world: World, interaction: Interaction, id: string): Post => {
  const found = id === '@original' ? interaction.original : world.posts.find((post) => post.id === id)
  if (!found || !world.posts.includes(found)) throw new ApiError(404, 10008, 'Unknown Message')
  return found
}

/** The first word after "thinking…" takes its place, and stays as private as that was. */
const finish = async (interaction: Interaction, post: Post, call: RouteCall): Promise<void> => {
  await change(call.world, post, call.form)
  post.edits = post.loading ? 0 : post.edits
  post.loading = false
  interaction.state = 'answered'
}

const followUp: Route['run'] = async (call) => {
  const { world, path } = call
  const interaction = opened(world, path[2] ?? '')
  const { original } = interaction
  if (original?.loading && world.posts.includes(original)) {
    await finish(interaction, original, call)
    return ok(postJson(world, original))
  }
  return ok(postJson(world, await say(interaction, call)))
}

export const interactionRoutes: readonly Route[] = [
  { method: 'POST', path: ['interactions', '*', '*', 'callback'], bare: true, run: callback },
  { method: 'POST', path: ['webhooks', '*', '*'], bare: true, run: followUp },
  {
    method: 'GET',
    path: ['webhooks', '*', '*', 'messages', '*'],
    bare: true,
    run: ({ world, path: [, , token = '', , id = ''] }) =>
      ok(postJson(world, messageOf(world, opened(world, token), id))),
  },
  {
    method: 'PATCH',
    path: ['webhooks', '*', '*', 'messages', '*'],
    bare: true,
    run: async (call) => {
      const interaction = opened(call.world, call.path[2] ?? '')
      const post = messageOf(call.world, interaction, call.path[4] ?? '')
      await finish(interaction, post, call)
      return ok(postJson(call.world, post))
    },
  },
  {
    method: 'DELETE',
    path: ['webhooks', '*', '*', 'messages', '*'],
    bare: true,
    run: ({ world, path: [, , token = '', , id = ''] }) => {
      const post = messageOf(world, opened(world, token), id)
      world.posts.splice(world.posts.indexOf(post), 1)
      return done
    },
  },
]
