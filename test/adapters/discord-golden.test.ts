import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import { type Decoded, decodeInteraction, decodeMessage, type Setting } from '../../adapters/discord/decode.ts'
import discord from '../../adapters/discord/index.ts'
import { makePlaces } from '../../adapters/discord/places.ts'
import { gatewayUrl } from '../../adapters/discord/session.ts'
import { frame, gatewayInfo, hello, interaction, message, ready } from '../../adapters/discord/wire.ts'
import { vouch } from '../../src/contract/index.ts'
import { never } from '../kit/adapter.ts'
import { testDeps } from '../kit/deps.ts'
import { account, goldenNames, readGolden } from './discord-kit.ts'

const nowMs = 1_767_300_000_000
const guild = '1200000000000000100'
const setting: Setting = { account, self: account, parent: null, role: '1200000000000000901', channels: [], nowMs }
const payloadOf = (name: string) => readGolden(name).payload?.d
const said = (name: string, more: Partial<Setting> = {}): Decoded =>
  decodeMessage(vouch(v.parse(message, payloadOf(name)), 'tls'), { ...setting, ...more })
const plain = (name: string, options: Readonly<Record<string, string>>) => ({ kind: 'command', name, options }) as const
const acted = (data: unknown): Decoded => decodeInteraction(vouch(v.parse(interaction, data), 'tls'), setting, plain)

const alice = { id: '300000000000000001', name: 'Alice', self: false, bot: false }
const bob = { id: '300000000000000002', name: 'Bob', self: false, bot: false }
const channel = { platform: 'discord', account, workspace: guild, chat: '1200000000000000200', kind: 'group' }
const dm = { platform: 'discord', account, chat: alice.id, kind: 'dm' }
const words = (text: string, addressed: boolean) => ({ kind: 'text', text, addressed })
const file = {
  kind: 'image',
  ref: 'https://cdn.discordapp.com/attachments/1200000000000000200/1220000000000000001/fox.png?ex=00000000&is=00000000&hm=fakefakefake& 1200000000000000200 1210000000000000007 1220000000000000001',
  mime: 'image/png',
  bytes: 183_422,
  name: 'fox.png',
}

const messages: Readonly<Record<string, object>> = {
  'message-create.guild': {
    from: alice,
    where: channel,
    body: words('/status', false),
    message: '1210000000000000001',
  },
  'message-create.mention': {
    from: alice,
    where: channel,
    body: words('/run portrait steps=20', true),
    message: '1210000000000000003',
  },
  'message-create.dm': { from: alice, where: dm, body: words('/help', true), message: '1210000000000000004' },
  'message-create.reply': {
    from: bob,
    where: channel,
    body: words('approve', true),
    message: '1210000000000000005',
    replyTo: '1210000000000000900',
  },
  // Where the channel is not known, the thread stands for itself, and trusts nobody by it.
  'message-create.thread': {
    from: alice,
    where: { ...channel, chat: '1200000000000000301' },
    body: words('/jobs', false),
    message: '1210000000000000006',
  },
  'message-create.attachment': {
    from: alice,
    where: channel,
    body: words('/run upscale', false),
    message: '1210000000000000007',
    media: [file],
  },
  'message-create.webhook': {
    from: { id: '1230000000000000001', name: 'CI hook', self: false, bot: true },
    where: channel,
    body: words('/run x', false),
    message: '1210000000000000008',
  },
}
const ignoredMessages = ['message-create.guild-no-content-intent', 'message-create.own-echo']

const handle = (kind: string, nth: number) => ({
  kind: 'token',
  value: `${kind} ${account} 124000000000000000${nth} FAKE_INTERACTION_TOKEN_00${nth}`,
  expiresAt: nowMs + 14 * 60_000,
  several: true,
})
const interactions: Readonly<Record<string, object>> = {
  'interaction-create.command': {
    from: alice,
    where: channel,
    body: { kind: 'command', name: 'run', options: { template: 'portrait', steps: '20' } },
    media: [
      {
        kind: 'image',
        ref: 'https://cdn.discordapp.com/ephemeral-attachments/1/1220000000000000009/in.png?ex=0&is=0&hm=fake&',
        mime: 'image/png',
        bytes: 99_120,
        name: 'in.png',
      },
    ],
    handle: handle('command', 1),
  },
  'interaction-create.command-dm': {
    from: alice,
    where: dm,
    body: { kind: 'command', name: 'help', options: {} },
    handle: handle('command', 2),
  },
  'interaction-create.button': {
    from: alice,
    where: channel,
    body: { kind: 'press', action: 'a:apr_12345:9f2c', message: '1210000000000000902' },
    handle: handle('press', 4),
  },
}
/** Answered at once, or never made by us. */
const otherInteractions = ['autocomplete', 'select', 'modal-submit'].map((name) => `interaction-create.${name}`)

describe('recorded events', () => {
  it.each(Object.entries(messages))('%s becomes its event', (name, want) => {
    const { meta } = readGolden(name)
    const id = meta.idempotencyKey?.replace('discord:', `discord:${account}:`)
    expect(said(name)).toEqual({
      kind: 'event',
      event: { id, at: expect.any(Number), proof: 'tls', media: [], ...want },
    })
  })

  it('are read without what may be left out, and with null for it', () => {
    const bare = { id: '1210000000000000001', channel_id: channel.chat, guild_id: guild, content: '/status' }
    const author = { id: alice.id, username: 'alice' }
    const none = { type: null, channel_type: null, member: null, webhook_id: null, attachments: null, poll: null }
    const lists = { mention_roles: null, sticker_items: null, message_snapshots: null, message_reference: null }
    for (const raw of [
      { ...bare, author },
      { ...bare, author: { ...author, bot: null, system: null }, ...none, ...lists },
    ])
      expect(decodeMessage(vouch(v.parse(message, raw), 'tls'), setting)).toMatchObject({
        event: { from: { id: alice.id, bot: false }, where: channel, body: words('/status', false) },
      })
    const { d } = readGolden('interaction-create.command-dm').payload as { d: object }
    const nulls = { guild_id: null, member: null, message: null, channel: null }
    expect(acted({ ...d, ...nulls })).toMatchObject({ event: { where: dm, body: { kind: 'command', name: 'help' } } })
  })

  it.each(ignoredMessages)('%s is ignored', (name) => {
    expect(said(name).kind).toBe('ignored')
  })

  it.each(Object.entries(interactions))('%s becomes its event', (name, want) => {
    const id = readGolden(name).meta.idempotencyKey?.replace('discord:', `discord:${account}:`)
    expect(acted(payloadOf(name))).toEqual({
      kind: 'event',
      event: { id, at: expect.any(Number), proof: 'tls', media: [], ...want },
    })
  })

  it.each(otherInteractions)('%s is no event', (name) => {
    expect(acted(payloadOf(name)).kind).toBe('ignored')
  })

  it('a message of a thread goes to its channel, once that is known', () => {
    const decoded = said('message-create.thread', { parent: '1200000000000000200' })
    expect(decoded).toMatchObject({ event: { where: { ...channel, thread: '1200000000000000301' } } })
  })

  it('a command is the same act, whichever way Discord brings it', () => {
    for (const name of ['command', 'button']) {
      const raw: unknown = JSON.parse(readGolden(`http.${name}`).request?.rawBody ?? '{}')
      expect(acted(raw)).toEqual(acted(payloadOf(`interaction-create.${name}`)))
    }
  })

  it('survive being stored as JSON, and have ids of their own', () => {
    const all = [
      ...Object.keys(messages).map((name) => said(name)),
      ...Object.keys(interactions).map((n) => acted(payloadOf(n))),
    ]
    expect(JSON.parse(JSON.stringify(all))).toEqual(all)
    expect(new Set(all.map((one) => (one.kind === 'event' ? one.event.id : ''))).size).toBe(all.length)
  })
})

describe('recorded frames', () => {
  it.each(goldenNames('gateway.').filter((name) => !name.endsWith('-sent')))('%s is read', (name) => {
    expect(v.parse(frame, readGolden(name).payload).op).toBe(readGolden(name).payload?.op)
  })

  it('hello, ready and the start limits say what a connection needs', () => {
    expect(v.parse(hello, payloadOf('gateway.hello'))).toEqual({ heartbeat_interval: 41_250 })
    const { session_id, resume_gateway_url, user } = v.parse(ready, payloadOf('ready'))
    expect({ session_id, id: user.id }).toEqual({ session_id: 'fakesession0001', id: account })
    expect(gatewayUrl(resume_gateway_url, 'https://discord.com/api')).toBe(
      'wss://gateway-us-east1-x.discord.gg/?v=10&encoding=json',
    )
    const info = v.parse(gatewayInfo, readGolden('rest.gateway-bot').response?.body)
    expect(gatewayUrl(info.url, 'https://discord.com/api')).toBe('wss://gateway.discord.gg/?v=10&encoding=json')
    expect(info.session_start_limit.remaining).toBe(999)
  })

  it('threads and servers tell what messages leave out', async () => {
    const places = makePlaces({ call: () => expect.fail('nothing has to be asked') }, () => account)
    for (const name of ['thread-create', 'guild-create.join', 'guild-delete.kicked', 'resumed'])
      places.learn(v.parse(frame, readGolden(name).payload))
    expect(await places.parentOf('1200000000000000301', never)).toBe('1200000000000000200')
  })
})

/** Edits are not run again; deletions and reactions are nothing to a command. The calls of an HTTP endpoint are not taken:
 *  there is none, commands come over the gateway. */
const unused = ['message-update.edit', 'message-update.embed-only', 'message-delete', 'message-reaction-add']
const elsewhere = ['http.ping', 'http.ping-bad-signature', 'http.event-authorized', 'http.event-deauthorized']

describe('what is not ours', () => {
  it('has no webhook to come to', () => {
    const token = `${Buffer.from(account).toString('base64url')}.Gfake1.${'a'.repeat(27)}`
    const settings = { TOKEN: token, API_BASE: 'https://discord.com/api', ALLOWED_CHANNELS: [], MESSAGE_CONTENT: true }
    const adapter = discord.create(settings, testDeps())
    expect(adapter.intakes.map(({ kind }) => kind)).toEqual(['stream'])
  })

  it('leaves no recorded payload without a test', () => {
    const covered = [
      ...Object.keys(messages),
      ...ignoredMessages,
      ...Object.keys(interactions),
      ...otherInteractions,
      ...unused,
      ...elsewhere,
      ...['http.command', 'http.button', 'ready', 'resumed', 'thread-create'],
      ...goldenNames('gateway.'),
      ...goldenNames('guild-'),
      ...goldenNames('rest.'),
    ]
    expect(goldenNames().filter((name) => !covered.includes(name))).toEqual([])
  })
})
