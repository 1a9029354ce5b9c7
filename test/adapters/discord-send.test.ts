import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openApi } from '../../adapters/discord/client.ts'
import { DiscordError, editError, isTokenDead, sendError, tokenError } from '../../adapters/discord/errors.ts'
import type { Part, PartButton } from '../../src/contract/index.ts'
import { never, text } from '../kit/adapter.ts'
import { type FakeDiscord, startDiscord } from '../platforms/discord.ts'
import { ApiError, channelOf } from '../platforms/discord-world.ts'
import { addressOf, type Connected, connected, goldenNames, media, partTo, readGolden } from './discord-kit.ts'

let fake: FakeDiscord
let discord: Connected

beforeEach(async () => {
  fake = await startDiscord()
  discord = connected(fake)
})
afterEach(() => fake.close())

const send = (part: Part) => discord.adapter.send(part, never)
const edit = (message: string, part: Part) => discord.adapter.edit?.(message, part, never)
const button = (label: string, style?: PartButton['style']): PartButton => ({
  label,
  action: `act-${label}`,
  say: `/${label}`,
  ...(style ? { style } : {}),
})
const group = () => fake.places.group
const lastPost = () => fake.world.posts.at(-1)

describe('a message to a channel', () => {
  it('pings nobody, whatever is in it, and previews no link', async () => {
    await send(partTo(group(), [text('hello @everyone <@300000000000000002> https://example.com')]))
    expect(lastPost()).toMatchObject({ pings: [], flags: 4 })
    expect(fake.shown()[0]?.text).toBe('hello @everyone <@300000000000000002> https://example.com')
  })

  it('goes into a card when the escapes make it too long for a message', async () => {
    await send(partTo(group(), [text('*'.repeat(2000))]))
    expect(lastPost()?.content).toBe('')
    expect(fake.shown()[0]?.text).toBe('*'.repeat(2000))
  })

  it('is shown once for one key, also when its answer was lost', async () => {
    fake.failNext({ kind: 'answer_lost' })
    const part = partTo(group(), [text('once')])
    await expect(send(part)).rejects.toMatchObject({ code: 'unavailable', delivered: 'maybe' })
    const { message } = await send(part)
    expect(fake.shown().map(({ id }) => id)).toEqual([message])
    await send({ ...part, key: 'part-2' })
    expect(fake.shown()).toHaveLength(2)
  })

  it('says that it may be a repeat, before the words and beside files, also where there is no room', async () => {
    for (const items of [[text('once')], [media('attachment')], [text('x'.repeat(2000))]])
      await send(partTo(group(), items, { key: `part-${items[0]?.kind}${fake.shown().length}`, repeated: true }))
    expect(fake.shown().map(({ text: shown }) => shown.startsWith('<maybe_repeated>'))).toEqual([true, true, true])
    expect(fake.shown()[2]?.text).toContain('x'.repeat(2000))
  })

  it('carries five buttons a row, coloured by what they mean', async () => {
    const buttons = ['a', 'b', 'c', 'd', 'e', 'f'].map((label) => button(label, label === 'a' ? 'primary' : 'danger'))
    await send(partTo(group(), [text('choose')], { buttons: [...buttons, button('g')] }))
    expect(lastPost()?.rows.map(({ components }) => components.map(({ style }) => style))).toEqual([
      [1, 4, 4, 4, 4],
      [4, 2],
    ])
  })

  it('takes files together up to what one request may hold, and goes on in a second message', async () => {
    const bytes = 9 * 1024 * 1024
    discord = connected(fake, { media: { open: async () => new Blob([new Uint8Array(bytes)]), link: () => null } })
    const files = ['a.png', 'b.png', 'c.png'].map((name) => media('attachment', { name, bytes }))
    const part = partTo(group(), files, { buttons: [button('again')] })
    const { message } = await send(part)
    const shown = fake.shown()
    expect(shown.map((one) => one.media.map(({ name }) => name))).toEqual([['a.png', 'b.png'], ['c.png']])
    expect(shown.map(({ buttons }) => buttons.length)).toEqual([0, 1])
    expect(message).toBe(shown[0]?.id)
    await send(part)
    expect(fake.shown()).toHaveLength(2)
  })

  it('uploads as much as the server is boosted for, and no byte in vain', async () => {
    const bytes = 15 * 1024 * 1024
    const film = media('attachment', { kind: 'video', name: 'a.mp4', bytes })
    const boosted = connected(fake, {
      media: { open: async () => new Blob([new Uint8Array(bytes)]), link: () => null },
    })
    await expect(send(partTo(group(), [film]))).rejects.toMatchObject({ code: 'media_rejected', delivered: 'no' })
    await expect(send(partTo(fake.places.dm, [film]))).rejects.toMatchObject({ code: 'media_rejected' })
    expect(fake.calls().map(({ method }) => method)).toEqual(['GET /guilds/*'])
    fake.world.guild.tier = 2
    fake.world.limits.fileBytes = 50 * 1024 * 1024
    await boosted.adapter.send(partTo(group(), [film]), never)
    expect(fake.shown()).toMatchObject([{ media: [{ name: 'a.mp4', bytes }] }])
  })

  it('shows a picture that is too large in a card that leads to it', async () => {
    discord = connected(fake, {
      media: { open: async () => new Blob(['x']), link: () => 'https://media.example.org/m/1' },
    })
    await send(partTo(group(), [media('link', {}, 'a fox')]))
    expect(lastPost()).toMatchObject({
      content: 'a fox',
      flags: 0,
      embeds: [
        { title: 'fox.png', url: 'https://media.example.org/m/1', image: { url: 'https://media.example.org/m/1' } },
      ],
    })
  })

  it('says that a file can not be shown by link without a public address', async () => {
    await expect(send(partTo(group(), [media('link')]))).rejects.toMatchObject({ code: 'media_rejected' })
  })

  it('opens a direct chat once for many messages', async () => {
    const place = { chat: fake.people.bob.id, kind: 'dm' } as const
    for (const key of ['1', '2']) await send(partTo(place, [text('psst')], { key }))
    expect(fake.calls().filter(({ method }) => method === 'POST /users/@me/channels')).toHaveLength(1)
    fake.world.closed.add(fake.people.bob.id)
    await expect(send(partTo(place, [text('still there?')], { key: '3' }))).rejects.toMatchObject({
      code: 'target_gone',
    })
    await expect(send(partTo({ chat: '4711', kind: 'dm' }, [text('who?')]))).rejects.toMatchObject({
      code: 'target_gone',
    })
  })

  it('waits as long as Discord says, for this channel and by its own count', async () => {
    fake.world.limits.perChannel = { count: 2, windowMs: 3000 }
    for (const key of ['1', '2']) await send(partTo(group(), [text(key)], { key }))
    const calls = fake.calls().length
    const error = await send(partTo(group(), [text('too much')], { key: '3' })).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'rate_limited', delivered: 'no' })
    expect((error as { retryAfterMs: number }).retryAfterMs).toBeGreaterThan(2000)
    // The count was known, so Discord was not even asked.
    expect(fake.calls()).toHaveLength(calls)
    await send(partTo(fake.places.dm, [text('elsewhere')], { key: '4' }))
    expect(fake.shown().map((one) => one.text)).toEqual(['1', '2', 'elsewhere'])
  })

  it('works again when the token does', async () => {
    fake.setToken('another')
    await expect(send(partTo(group(), [text('hello')]))).rejects.toMatchObject({
      code: 'auth',
      message: expect.stringContaining('OPENCLAW_CONNECTOR_DISCORD_TOKEN'),
    })
    fake.setToken(fake.token)
    await send(partTo(group(), [text('hello')]))
    expect(fake.shown()).toHaveLength(1)
  })

  it('tells a locked thread from a closed channel', async () => {
    const place = fake.places.thread ?? group()
    channelOf(fake.world, place.thread ?? '').locked = true
    await expect(send(partTo(place, [text('hello')]))).rejects.toMatchObject({ code: 'thread_gone' })
    await expect(send(partTo({ ...place, thread: '1200000000000000399' }, [text('hello')]))).rejects.toMatchObject({
      code: 'thread_gone',
    })
    channelOf(fake.world, group().chat).refuse = new ApiError(403, 50013, 'Missing Permissions')
    await expect(send(partTo(group(), [text('hello')]))).rejects.toMatchObject({ code: 'target_gone' })
    await expect(send(partTo(group(), [media('attachment')]))).rejects.toMatchObject({ code: 'media_rejected' })
  })
})

describe('the sign of being at work', () => {
  it('is shown where the answer will be, and its refusal is nobody else’s trouble', async () => {
    for (const place of [group(), fake.places.thread ?? group(), fake.places.dm])
      await discord.adapter.typing?.(addressOf(place), undefined, never)
    expect(fake.world.signs).toHaveLength(3)
    expect(fake.world.signs.slice(0, 2)).toEqual([group().chat, fake.places.thread?.thread])
    expect(discord.lines).toEqual([])
    await discord.adapter.typing?.(addressOf({ chat: '1200000000000000999', kind: 'group' }), undefined, never)
    expect(discord.lines.join('')).toContain('Unknown Channel')
  })
})

describe('an edit', () => {
  it('replaces text and buttons, also from a card back to words', async () => {
    const { message = '' } = await send(partTo(group(), [text('*'.repeat(2000))], { buttons: [button('stop')] }))
    await edit(message, partTo(group(), [text('done')]))
    expect(fake.shown()).toMatchObject([{ text: 'done', buttons: [], edits: 1 }])
    expect(lastPost()?.embeds).toEqual([])
  })

  it('of what is gone, or is not ours, says so', async () => {
    await fake.say(fake.people.ann, group(), 'hello')
    for (const message of [lastPost()?.id ?? '', '1200000000000000999', 'no number'])
      await expect(edit(message, partTo(group(), [text('mine now')]))).rejects.toMatchObject({ code: 'edit_gone' })
  })
})

/** The API answering as recorded. */
const answering = (name: string) => {
  const { status = 0, headers = {}, body } = readGolden(name).response ?? {}
  const answer = async () => new Response(JSON.stringify(body), { status, headers })
  return openApi({ token: fake.token, base: 'https://discord.example', fetch: answer as typeof fetch })
}
const refused = async (name: string): Promise<DiscordError> => {
  const call = { method: 'POST', path: '/channels/1200000000000000200/messages', json: {}, bare: true } as const
  const error = await answering(name)
    .call(call, never, 1000)
    .catch((thrown: unknown) => thrown)
  if (error instanceof DiscordError) return error
  throw new Error('it went well')
}
const plain = { media: false, thread: false }

describe('recorded refusals', () => {
  it.each([
    ['rest.429-route', { code: 'rate_limited', retryAfterMs: 1482 }],
    ['rest.429-global', { code: 'rate_limited', retryAfterMs: 640 }],
    ['rest.401', { code: 'auth' }],
    ['rest.403-50013', { code: 'target_gone' }],
    ['rest.403-50001', { code: 'target_gone' }],
    ['rest.403-50007', { code: 'target_gone' }],
    ['rest.404-10003', { code: 'target_gone' }],
    ['rest.413-40005', { code: 'media_rejected' }],
    ['rest.400-50035', { code: 'rejected' }],
  ])('%s', async (name, want) => {
    expect(sendError(await refused(name), plain)).toMatchObject({ delivered: 'no', ...want })
  })

  it.each(['rest.404-10062', 'rest.400-40060', 'rest.401-50027'])('%s ends a token, not the account', async (name) => {
    const error = await refused(name)
    expect(isTokenDead(error)).toBe(true)
    expect(tokenError(error, false).code).toBe('handle_gone')
  })

  it('a created message is read by its id', async () => {
    const call = { method: 'POST', path: '/channels/1200000000000000200/messages', json: {} } as const
    expect(await answering('rest.message-created').call(call, never, 1000)).toMatchObject({ id: '1210000000000000901' })
    const asked = await answering('rest.gateway-bot').call({ method: 'GET', path: '/gateway/bot' }, never, 1000)
    expect(asked).toMatchObject({ url: 'wss://gateway.discord.gg' })
  })

  it('are all covered', () => {
    expect(goldenNames('rest.')).toHaveLength(14)
  })
})

describe('what is no answer of Discord', () => {
  const saying = (status: number, body: string | null, type: string | null = 'text/html') => {
    const headers = type === null ? {} : { 'content-type': type }
    const answer = async () => new Response(body === null ? null : Buffer.from(body), { status, headers })
    const api = openApi({ token: fake.token, base: 'https://discord.example', fetch: answer as typeof fetch })
    return api.call({ method: 'GET', path: '/gateway/bot' }, never, 1000).catch((thrown: unknown) => thrown)
  }

  it.each([403, 429])('%i in HTML keeps everybody away for ten minutes', async (status) => {
    expect(await saying(status, '<html>banned</html>')).toMatchObject({ status: 429, retryAfterMs: 600_000 })
  })

  it('is not what says in JSON that it is one, whatever type it is said to be', async () => {
    for (const type of [null, 'text/plain', 'Application/JSON; charset=utf-8'])
      expect(await saying(429, '{"message":"slow","retry_after":0.5,"global":false}', type)).toMatchObject({
        status: 429,
        retryAfterMs: 500,
      })
  })

  it.each([
    ['a ban by Cloudflare', () => new Response('<html>banned</html>', { status: 403 })],
    ['the global limit', () => Response.json({ retry_after: 600, global: true }, { status: 429 })],
  ])('%s stops every route, not only the one that was refused', async (_what, refusal) => {
    const asked: string[] = []
    const answer: typeof fetch = async (url) => {
      asked.push(String(url))
      return asked.length === 1 ? refusal() : Response.json({})
    }
    const api = openApi({ token: fake.token, base: 'https://discord.example', fetch: answer })
    for (const path of ['/gateway/bot', '/users/@me', '/channels/1200000000000000200'] as const)
      await expect(api.call({ method: 'GET', path }, never, 1000)).rejects.toMatchObject({ status: 429 })
    expect(asked).toHaveLength(1)
  })

  it.each([200, 302, 502])('%i in HTML is trouble, and perhaps it was taken', async (status) => {
    const error = (await saying(status, '<html></html>')) as DiscordError
    expect(sendError(error, plain)).toMatchObject({ code: 'unavailable', delivered: 'maybe' })
    expect(editError(error)).toMatchObject({ code: 'unavailable', delivered: 'no' })
  })

  it('nothing at all is told by what is known of it', async () => {
    const gone = await startDiscord()
    await gone.close()
    const api = openApi({ token: fake.token, base: `${gone.base}/api`, fetch })
    const error = await api
      .call({ method: 'GET', path: '/gateway/bot' }, never, 1000)
      .catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ status: null, delivered: 'no' })
  })

  it('names no token of an interaction', async () => {
    const path = '/webhooks/1200000000000000001/secret-token/messages/@original' as const
    const api = openApi({ token: fake.token, base: `${fake.base}/api`, fetch })
    const error = await api.call({ method: 'GET', path, bare: true }, never, 1000).catch((thrown: unknown) => thrown)
    expect(String(error)).toContain('10015')
    expect(String(error)).not.toContain('secret-token')
  })
})
