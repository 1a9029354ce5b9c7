import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { capabilities } from '../../adapters/discord/limits.ts'
import type { Part } from '../../src/contract/index.ts'
import { downgrade } from '../../src/delivery/downgrade.ts'
import { never, text } from '../kit/adapter.ts'
import { type FakeDiscord, startDiscord } from '../platforms/discord.ts'
import { ApiError, channelOf, type Post } from '../platforms/discord-world.ts'
import { type Connected, connected, media, partTo, type Running, running } from './discord-kit.ts'

let fake: FakeDiscord
let discord: Connected
let streams: Running[]

beforeEach(async () => {
  fake = await startDiscord()
  discord = connected(fake)
  streams = []
})
afterEach(async () => {
  await Promise.all(streams.map((stream) => stream.stop()))
  await fake.close()
})

const send = (part: Part) => discord.adapter.send(part, never)
const group = () => fake.places.group
const lastPost = (): Post => fake.world.posts.at(-1) ?? expect.fail('nothing was sent')
const again = { label: 'Run again', action: 'act-1', say: '/run' }
const fox = (name = 'fox.png', caption?: string) => media('card', { name }, caption)
const pictures = (count: number) =>
  Array.from({ length: count }, (_, i) => fox(`fox-${i + 1}.png`, i === 0 ? 'foxes' : undefined))

describe('a picture', () => {
  it('stands in a card below its words, with its buttons', async () => {
    await send(partTo(group(), [fox('fox.png', 'a *red* fox @everyone')], { buttons: [again] }))
    expect(lastPost()).toMatchObject({
      content: 'a \\*red\\* fox \\@everyone',
      flags: 0,
      pings: [],
      embeds: [{ image: { url: expect.stringContaining('/fox.png') } }],
      attachments: [{ filename: 'fox.png', description: 'a *red* fox @everyone' }],
    })
    expect(fake.shown()).toMatchObject([
      { text: 'a *red* fox @everyone', media: [{ as: 'card', name: 'fox.png' }], buttons: [{ label: 'Run again' }] },
    ])
  })

  it('has words with a link inside its card, where the link gets no preview', async () => {
    const text = 'a fox, like https://example.org/fox'
    await send(partTo(group(), [...pictures(9), fox('last.png', text)], { buttons: [again] }))
    expect(lastPost()).toMatchObject({ content: '', flags: 0 })
    expect(lastPost().embeds).toHaveLength(10)
    expect(lastPost().embeds[0]?.description).toContain('https://example.org/fox')
  })

  it.each([1, 2, 4, 5, 10])('is seen with all of %i, in galleries of four', async (count) => {
    await send(partTo(group(), pictures(count), { buttons: [again] }))
    const [shown, ...others] = fake.shown()
    expect(others).toEqual([])
    expect(shown).toMatchObject({ text: 'foxes', buttons: [{ label: 'Run again' }] })
    expect(shown?.media.map(({ as, name }) => `${as} ${name}`)).toEqual(
      Array.from({ length: count }, (_, i) => `card fox-${i + 1}.png`),
    )
    expect(new Set(lastPost().embeds.map(({ url }) => url)).size).toBe(Math.ceil(count / 4))
  })

  it.each([
    ['fox (1) #2%.png', 'fox_1_2.png'],
    ['狐.PNG', 'picture.PNG'],
    ['../../etc/passwd', 'etcpasswd.png'],
    ['render', 'render.png'],
  ])('called %s is found by its card', async (name, sent) => {
    await send(partTo(group(), [fox(name, 'a fox')]))
    expect(fake.shown()).toMatchObject([{ media: [{ as: 'card', name: sent }] }])
  })

  it('is not taken for another of the same name', async () => {
    await send(partTo(group(), [fox(), fox(), fox('2-fox.png')]))
    const { embeds, attachments } = lastPost()
    expect(attachments.map(({ filename }) => filename)).toEqual(['fox.png', '2-fox.png', '3-2-fox.png'])
    expect(embeds.map(({ image }) => image?.url)).toEqual(attachments.map(({ url }) => url))
  })

  it('has room for the longest words, their escapes and the mark of a repeat', async () => {
    const words = '*'.repeat(2000)
    await send(partTo(group(), [fox('fox.png', words)], { repeated: true }))
    expect(fake.shown()[0]?.text).toBe(`<maybe_repeated>\n${words}`)
    expect(lastPost().attachments[0]?.description).toBe(words.slice(0, 1024))
  })

  it('is a plain attachment when it moves, and so are films, sounds and files', () => {
    const { image, ...others } = capabilities.media
    expect(image.map(({ as, animated }) => [as, animated])).toEqual([
      ['card', false],
      ['attachment', undefined],
      ['link', undefined],
    ])
    for (const rungs of Object.values(others)) expect(rungs[0]?.as).toBe('attachment')
  })

  it('goes as a plain attachment where cards are not allowed', async () => {
    channelOf(fake.world, group().chat).refuse = new ApiError(403, 50013, 'Missing Permissions')
    const part = partTo(group(), pictures(2), { buttons: [again] })
    await expect(send(part)).rejects.toMatchObject({ code: 'media_rejected', delivered: 'no' })
    channelOf(fake.world, group().chat).refuse = null
    const words = { tooLarge: () => 'too large', notAllowed: () => '', typeInstead: () => '', moreLabel: () => '' }
    for (const lower of downgrade(part, capabilities, { canLink: false, texts: words }) ?? []) await send(lower)
    expect(fake.shown()).toMatchObject([
      { text: 'foxes', media: [{ as: 'attachment' }, { as: 'attachment' }], buttons: [{}] },
    ])
  })

  it('of which an upload is too much is not uploaded', async () => {
    const large = media('card', { bytes: 15 * 1024 * 1024 })
    await expect(send(partTo(fake.places.dm, [large]))).rejects.toMatchObject({ code: 'media_rejected' })
    expect(fake.calls()).toEqual([])
  })
})

describe('an edit of a message with a picture', () => {
  it('puts in new words, and the picture stays', async () => {
    const { message = '' } = await send(partTo(group(), pictures(2), { buttons: [again] }))
    await discord.adapter.edit?.(message, partTo(group(), [text('over')]), never)
    expect(fake.shown()).toMatchObject([
      { text: 'over', buttons: [], media: [{ name: 'fox-1.png' }, { name: 'fox-2.png' }], edits: 1 },
    ])
  })
})

describe('a command in answer to a card', () => {
  const heardIn = async (file: string): Promise<Running> => {
    const stream = running(discord.adapter)
    streams.push(stream)
    await stream.until(() => stream.reports.length > 0)
    await fake.say(fake.people.ann, group(), '/run upscale', { replyTo: lastPost().id })
    expect((await stream.heard(1))[0]?.media).toMatchObject([{ kind: 'image', name: file }])
    return stream
  }

  it('has its picture, also when the address has died', async () => {
    await send(partTo(group(), [fox('fox.png', 'a fox')]))
    const [ref = ''] = (await heardIn('fox.png')).events[0]?.media.map((one) => one.ref) ?? []
    const size = lastPost().attachments.length
    expect(size).toBe(0)
    const bytes = async (from: string) =>
      (await (await discord.adapter.download?.({ kind: 'image', ref: from }, never))?.bytes())?.length
    const [address = '', ...where] = ref.split(' ')
    const wanted = fake.world.posts[0]?.attachments[0]?.size
    expect(await bytes(ref)).toBe(wanted)
    expect(await bytes([address.replace('fox.png', 'gone.png'), ...where].join(' '))).toBe(wanted)
  })
})

describe('the fake', () => {
  const post = (json: object) => {
    const body = new FormData()
    body.set('payload_json', JSON.stringify(json))
    body.set('files[0]', new Blob(['x'], { type: 'image/png' }), 'fox.png')
    const headers = { authorization: `Bot ${fake.token}`, 'user-agent': 'DiscordBot (https://example.org, 1)' }
    return fetch(`${fake.base}/api/v10/channels/${group().chat}/messages`, { method: 'POST', headers, body })
  }

  it.each([
    ['a file that is not there', { embeds: [{ image: { url: 'attachment://wolf.png' } }] }],
    ['more than ten cards', { embeds: Array.from({ length: 11 }, () => ({ description: 'x' })) }],
    ['more words than six thousand', { embeds: [1, 2].map(() => ({ description: 'x'.repeat(3001) })) }],
    ['too long an alternative text', { attachments: [{ id: 0, filename: 'fox.png', description: 'x'.repeat(1025) }] }],
    ['a card that leads to a file', { embeds: [{ title: 'x', url: 'attachment://fox.png' }] }],
  ])('refuses %s', async (_what, json) => {
    const answer = await post(json)
    expect([answer.status, ((await answer.json()) as { code: number }).code]).toEqual([400, 50035])
    expect(fake.shown()).toEqual([])
  })
})
