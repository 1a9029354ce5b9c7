import { AppType, Client, EventDispatcher, LoggerLevel, WSClient, withTenantKey } from '@larksuiteoapi/node-sdk'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type FakeFeishu, otherGroup, startFeishu } from '../platforms/feishu.ts'
import { otherTenant, tenant } from '../platforms/feishu-events.ts'

/** The vendor's SDK, as it is, against our fake: what it can talk to is not only what our own encoder makes. */
let fake: FakeFeishu
let client: Client
const values = new Map<string, unknown>()
const cache = {
  get: async (key: unknown) => values.get(String(key)),
  set: async (key: unknown, value: unknown) => {
    values.set(String(key), value)
    return true
  },
}
const lines: string[] = []
const put = (...words: unknown[]): void => void lines.push(words.map(String).join(' '))
const logger = { fatal: put, error: put, warn: put, info: put, debug: put, trace: put }

beforeEach(async () => {
  fake = await startFeishu()
  values.clear()
  lines.length = 0
  client = new Client({
    appId: fake.app.appId,
    appSecret: fake.app.secret,
    domain: fake.api.origin,
    appType: AppType.SelfBuild,
    loggerLevel: LoggerLevel.error,
    logger,
    cache,
  })
})
afterEach(() => fake.close())

const send = (msg_type: string, content: object, uuid?: string) =>
  client.im.v1.message.create({
    params: { receive_id_type: 'chat_id' },
    data: {
      receive_id: fake.places.group.chat,
      msg_type,
      content: JSON.stringify(content),
      ...(uuid ? { uuid } : {}),
    },
  })
const card = (text: string, buttons: object[] = []) => ({
  config: { update_multi: true },
  elements: [
    { tag: 'div', text: { tag: 'plain_text', content: text } },
    ...(buttons.length > 0 ? [{ tag: 'action', actions: buttons }] : []),
  ],
})

describe("the SDK's client", () => {
  it('sends, replies, uploads and shows a file, updates a card', async () => {
    const sent = await send('text', { text: 'hello' })
    expect(sent).toMatchObject({ code: 0, data: { message_id: expect.stringMatching(/^om_/) } })
    const id = sent.data?.message_id ?? ''
    await client.im.v1.message.reply({
      path: { message_id: id },
      data: { msg_type: 'text', content: '{"text":"in a topic"}', reply_in_thread: true },
    })
    const image = await client.im.v1.image.create({ data: { image_type: 'message', image: Buffer.from('png') } })
    await send('image', { image_key: image?.image_key })
    const made = await send('interactive', card('Queued'))
    await client.im.v1.message.patch({
      path: { message_id: made.data?.message_id ?? '' },
      data: { content: JSON.stringify(card('Done')) },
    })
    expect(fake.shown()).toMatchObject([
      { text: 'hello', place: fake.places.group },
      { text: 'in a topic', place: { ...fake.places.group, thread: id }, replyTo: id },
      { text: '', media: [{ as: 'image', bytes: 3 }] },
      { text: 'Done', edits: 1 },
    ])
    expect(fake.api.tokenRequests()).toBe(1)
  })

  it('fetches what a person sent', async () => {
    const key = fake.keep({ mime: 'image/png', bytes: Buffer.from('a photo') })
    await fake.bring(fake.people.ann, fake.places.dm, 'image', { image_key: key })
    const got = await client.im.v1.messageResource.get({
      path: { message_id: 'om_fa4e000000000000000000000002', file_key: key },
      params: { type: 'image' },
    })
    const chunks: Buffer[] = []
    for await (const chunk of got.getReadableStream()) chunks.push(chunk as Buffer)
    expect(Buffer.concat(chunks).toString()).toBe('a photo')
  })

  it('is refused with the codes of the documents', async () => {
    const codeOf = (work: Promise<unknown>) =>
      work.then(
        (body) => (body as { code: number }).code,
        (error: { response: { data: { code: number } } }) => error.response.data.code,
      )
    expect(await codeOf(send('text', { text: 'x'.repeat(151 * 1024) }))).toBe(230025)
    expect(await codeOf(send('interactive', card('x'.repeat(31 * 1024))))).toBe(230025)
    expect(await codeOf(send('interactive', { elements: [{ tag: 'hologram' }] }))).toBe(230099)
    expect(await codeOf(send('image', { image_key: 'img_nobody_uploaded' }))).toBe(230001)
    fake.api.expireTokens()
    expect(await codeOf(send('text', { text: 'hello' }))).toBe(99991663)
    expect(fake.shown()).toEqual([])
  })

  it('is given the first message again for the same uuid, and shows markup as what it is', async () => {
    const first = await send('text', { text: '<b>bold</b> [a](https://x.example)' }, 'u1')
    const second = await send('text', { text: '<b>bold</b> [a](https://x.example)' }, 'u1')
    expect(second.data?.message_id).toBe(first.data?.message_id)
    expect(fake.shown().map(({ text }) => text)).toEqual(['bold a'])
  })

  it('goes too fast for one chat', async () => {
    fake.limitChats()
    const codes = []
    for (let i = 0; i < 6; i++) {
      codes.push(
        await send('text', { text: `${i}` }).then(
          ({ code }) => code,
          (error: { response: { data: { code: number } } }) => error.response.data.code,
        ),
      )
    }
    expect(codes).toEqual([0, 0, 0, 0, 0, 230020])
  })
})

describe("the SDK's long connection", () => {
  const open = async (handlers: Record<string, (data: Record<string, unknown>) => unknown>) => {
    const socket = new WSClient({
      appId: fake.app.appId,
      appSecret: fake.app.secret,
      domain: fake.api.origin,
      loggerLevel: LoggerLevel.error,
      logger,
    })
    const eventDispatcher = new EventDispatcher({ loggerLevel: LoggerLevel.error, logger }).register(handlers)
    await socket.start({ eventDispatcher })
    await expect.poll(() => socket.getConnectionStatus().state, { interval: 5 }).toBe('connected')
    return { close: () => socket.close({ force: true }) }
  }

  it('gets events whole and in parts, and its acknowledgements are understood', async () => {
    const got: unknown[] = []
    const socket = await open({ 'im.message.receive_v1': (data) => void got.push(data.message) })
    await fake.say(fake.people.ann, fake.places.dm, 'hello')
    await expect.poll(() => got.length, { interval: 5 }).toBe(1)
    expect(got[0]).toMatchObject({ content: '{"text":"hello"}', chat_type: 'p2p' })
    const event = { schema: '2.0', header: { event_type: 'im.message.receive_v1' }, event: { message: '狐狸 fox' } }
    fake.sockets.push(fake.app.appId, JSON.stringify(event), { parts: 5 })
    await expect.poll(() => fake.sockets.acks().length, { interval: 5 }).toBe(2)
    expect(got[1]).toBe('狐狸 fox')
    expect(fake.sockets.acks().map(({ code }) => code)).toEqual([200, 200])
    expect(fake.sockets.pings()[0]).toMatchObject({ service: 33554678, headers: { type: 'ping' } })
    socket.close()
  })

  it('gets presses and answers them; what it could not handle comes again', async () => {
    let failures = 1
    const socket = await open({
      'card.action.trigger': (data) => {
        if (failures-- > 0) throw new Error('not now')
        return { toast: { type: 'success', content: JSON.stringify((data.action as { value: unknown }).value) } }
      },
    })
    const value = { k: 'opaque' }
    await send(
      'interactive',
      card('Sure?', [{ tag: 'button', type: 'primary', text: { tag: 'plain_text', content: 'Yes' }, value }]),
    )
    await fake.shown()[0]?.buttons[0]?.press()
    await expect.poll(() => fake.sockets.acks().length, { interval: 5 }).toBe(2)
    expect(fake.sockets.acks().map(({ code }) => code)).toEqual([500, 200])
    expect(fake.sockets.acks()[1]?.data).toEqual({ toast: { type: 'success', content: '{"k":"opaque"}' } })
    socket.close()
  })

  it('connects again when the server closes', async () => {
    fake.sockets.setConfig({ ReconnectInterval: 0 })
    const socket = await open({})
    fake.sockets.drop()
    await expect.poll(() => fake.sockets.opened(), { interval: 5 }).toBe(2)
    socket.close()
  })
})

describe("the SDK's client of an app of the store", () => {
  it('asks for a ticket, gets it as an event, and with it a token for each organisation', async () => {
    const store = await startFeishu({ mode: 'webhook', store: 'waiting' })
    const { appId, secret: appSecret, token: verificationToken } = store.app
    const common = { loggerLevel: LoggerLevel.error, logger, cache }
    const events = new EventDispatcher({ ...common, verificationToken })
    store.connect(async ({ headers, body }) => {
      await events.invoke({ ...(JSON.parse(String(body)) as object), headers })
      return { status: 200, headers: {}, body: '{}' }
    })
    const many = new Client({ ...common, appId, appSecret, domain: store.api.origin, appType: AppType.ISV })
    await expect.poll(() => [...values.values()].join(), { interval: 5 }).toContain('FAKEappticket')
    const sendAs = (of: string, chat: string) =>
      many.im.v1.message.create(
        {
          params: { receive_id_type: 'chat_id' },
          data: { receive_id: chat, msg_type: 'text', content: '{"text":"hello"}' },
        },
        withTenantKey(of),
      )
    const { chat } = store.places.group
    expect(await sendAs(tenant, chat)).toMatchObject({ code: 0 })
    expect(await sendAs(otherTenant, otherGroup.chat)).toMatchObject({ code: 0 })
    await expect(sendAs(tenant, otherGroup.chat)).rejects.toMatchObject({ response: { data: { code: 230002 } } })
    expect(store.shown().map(({ place }) => place.chat)).toEqual([chat, otherGroup.chat])
    await store.close()
  })
})
