import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Person } from '../platforms/platform.ts'
import { type House, openHouse } from './harness.ts'
import { type Chat, chatOf, openRooms } from './telegram.ts'

let house: House
const after: (() => Promise<void>)[] = []

beforeAll(async () => {
  house = await openHouse((close) => after.push(close), {
    env: {
      OPENCLAW_CONNECTOR_DELIVERY_MAX_IMAGES: '5',
      OPENCLAW_CONNECTOR_DELIVERY_MAX_BYTES: '20000000',
      OPENCLAW_CONNECTOR_TELEGRAM_ALLOWED_USERS: Array.from({ length: 20 }, (_, i) => String(600 + i)).join(),
    },
  })
})
afterAll(async () => {
  for (const close of after) await close()
})

/** Somebody new who may run, in a chat of their own. */
const somebody = (n: number): Chat => {
  const person: Person = { id: String(600 + n), name: `Guest ${n}` }
  openRooms(house.telegram, [person])
  return chatOf(house.telegram, person)
}

/** All files the chat shows once the job is done. */
const filesAfter = async (chat: Chat, command: string) => {
  await chat.say(command)
  await chat.shows(/^(Done|Failed)/)
  return chat.seen().flatMap(({ media }) => media)
}

describe.concurrent('results on Telegram', () => {
  test('several pictures come as one album with one caption, and the rest is counted', async () => {
    const chat = somebody(0)
    expect(await filesAfter(chat, '/run many')).toMatchObject(Array(5).fill({ as: 'photo', kind: 'image' }))
    expect(
      new Set(house.telegram.world.posts.filter(({ room }) => room.id === 600).map(({ album }) => album)).size,
    ).toBe(2)
    const captions = chat.texts().filter((text) => text.startsWith('many'))
    expect(captions).toHaveLength(1)
    expect(captions[0]).toContain('1 more not sent (at most 5 a job)')
  })

  test.each([
    ['animation', 1, { as: 'document', mime: 'image/webp' }],
    ['loop', 2, { as: 'animation' }],
    ['video', 3, { as: 'video', mime: 'video/mp4' }],
    // Telegram's player takes MP3 and M4A only.
    ['clip', 4, { as: 'document', mime: 'audio/wav' }],
    ['preview_only', 5, { as: 'photo' }],
  ])('%s comes as it is best seen', async (template, n, file) => {
    expect(await filesAfter(somebody(n), `/run ${template} a red fox`)).toMatchObject([file])
  })

  test('words come as a text', async () => {
    const chat = somebody(6)
    expect(await filesAfter(chat, '/run story a red fox')).toEqual([])
    expect((await chat.shows(/^story/)).text).toContain('a red fox')
  })

  test('a failed job names node and reason in one line, and no path', async () => {
    const chat = somebody(7)
    expect(await filesAfter(chat, '/run broken a red fox')).toEqual([])
    const told = await chat.shows('out of paint')
    expect(told.text).toMatch(/^Failed: broken at \w+ \(node \w+\)\n\w+: out of paint\nID: \S+$/)
    expect(chat.texts().join()).not.toMatch(/\/\w+\/|\.py/)
    expect(await chat.shows(/^Failed: broken\nID/)).toMatchObject({ edits: expect.any(Number), buttons: [] })
  })

  test('a picture too large for a photo comes as a document', async () => {
    const files = await filesAfter(somebody(8), '/run big a red fox bytes=12000000')
    expect(files).toMatchObject([{ as: 'document', bytes: 12_000_000 }])
  })

  test('a file past the limit is told with its limit', async () => {
    const chat = somebody(9)
    expect(await filesAfter(chat, '/run big a red fox bytes=21000000')).toEqual([])
    expect((await chat.shows(/^big/)).text).toMatch(/big\S* is larger than 19.1 MB and was not sent/)
  })

  test('an unknown template is answered with the nearest one, and nothing is run', async () => {
    const chat = somebody(10)
    await chat.say('/run portait a red fox')
    const told = await chat.shows('no template called portait')
    expect(told.text).toContain('Did you mean portrait?')
    await chat.say('/run')
    const usage = await chat.shows('Usage: /run')
    expect(usage.text).toMatch(/Example: \/run portrait .+\nTemplates: .*landscape.*portrait/)
    expect(chat.seen()).toHaveLength(2)
  })

  test('a mistyped command proposes the nearest, words get a hint, an open quote is named', async () => {
    const chat = somebody(11)
    await chat.say('/staus')
    await chat.shows('Did you mean /status?')
    await chat.say('hello there')
    await chat.shows('Send me a command')
    await chat.say('/run portrait "a red fox')
    await chat.shows('a quotation mark is not closed')
  })

  test('a workflow that ComfyUI refuses is told as that', async () => {
    const chat = somebody(12)
    await chat.say('/run invalid a red fox')
    await chat.shows('ComfyUI refused this workflow')
  })
})
