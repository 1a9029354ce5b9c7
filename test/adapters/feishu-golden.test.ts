import { describe, expect, it } from 'vitest'
import { openClient } from '../../adapters/feishu/client.ts'
import type { AdapterDeps, InboundEvent, SendCode } from '../../src/contract/index.ts'
import { buttons, file, never, requestOf, text } from '../kit/adapter.ts'
import { callbackPath, callOf, mainApp, oldCardHeaders } from '../platforms/feishu-events.ts'
import {
  account,
  type Golden,
  golden,
  goldenNames,
  keyed,
  makeFeishu,
  makePart,
  recordedMs,
  settings,
} from './feishu-kit.ts'

const om = (nth: string): string => `om_fa4e${nth.padStart(28, '0')}`
const oc = (nth: string): string => `oc_fa4e${nth.padStart(28, '0')}`
const alice = { id: `ou_fa4e${'1'.padStart(28, '0')}`, aliases: [`on_fa4e${'1'.padStart(28, '0')}`, 'fakealice'] }
const said = (words: string, addressed = true) => ({ kind: 'text', text: words, addressed })
const group = { platform: 'feishu', account, workspace: 'fa4etenant000001', chat: oc('2'), kind: 'group' }
const ref = (nth: string, key: string, as: string): string => `${account}/${om(nth)}/${key}/${as}`
const action = { kind: 'press', action: 'apr_12345:9f2c', message: om('60') }

/** What each event means to us. */
const events: Readonly<Record<string, readonly object[]>> = {
  'event.text-p2p': [
    {
      body: said('/status'),
      from: { id: alice.id, aliases: [alice.aliases[0]], self: false, bot: false },
      where: { ...group, chat: oc('1'), kind: 'dm' },
      message: om('1'),
      media: [],
    },
  ],
  'event.text-group-mention': [{ body: said('/run portrait steps=20'), from: alice, where: group }],
  'event.text-group-no-mention': [],
  'event.text-group-mention-other': [],
  'event.text-two-mentions': [{ body: said('/whois Bob') }],
  'event.text-at-all': [],
  'event.thread-reply': [{ where: { ...group, thread: om('2') }, message: om('7') }],
  'event.quote-reply': [{ where: group, replyTo: om('7'), message: om('8') }],
  'event.post-mention': [
    {
      body: said('/run portrait prompt="a red fox"'),
      media: [{ kind: 'image', ref: ref('9', 'img_v3_fake_0009', 'image') }],
    },
  ],
  'event.image': [{ body: said(''), media: [{ kind: 'image', ref: ref('10', 'img_v3_fake_0010', 'image') }] }],
  'event.file': [{ media: [{ kind: 'file', ref: ref('11', 'file_v3_fake_0011', 'file'), name: '../workflow.json' }] }],
  'event.media': [{ media: [{ kind: 'video' }] }],
  'event.interactive': [],
  'event.own-bot': [{ from: { id: mainApp.bot, self: true, bot: true } }],
  'event.other-bot': [{ from: { self: false, bot: true } }],
  'event.external-tenant': [{ where: { workspace: 'fa4etenant000001' }, from: { bot: false } }],
  'event.same-message-new-event': [{ message: om('2') }],
  'event.missing-event-id': [{ body: { kind: 'text' } }],
  'event.unknown-type': [],
  'event.bot-added': [{ body: said('/start'), where: group }],
  'event.bot-deleted': [],
  'event.message-recalled': [],
  'event.v1-message': [
    {
      body: said('/status'),
      from: { id: alice.id },
      where: { ...group, chat: oc('1'), kind: 'dm' },
      message: om('29'),
    },
  ],
  'encrypted.redelivery-1': [{ body: said('/status'), proof: 'signature' }],
  'encrypted.redelivery-2': [{ body: said('/status'), proof: 'signature' }],
  'encrypted.whitespace-body': [{ body: { kind: 'text' }, proof: 'signature' }],
  'card.action-v2': [
    { body: action, where: group, from: { id: `ou_fa4e${'7'.padStart(28, '0')}` }, at: recordedMs, proof: 'secret' },
  ],
  'card.action-v2-encrypted': [{ body: action, proof: 'signature' }],
  'card.action-v2-string-value': [{ body: { kind: 'press', action: 'approve:apr_12345' } }],
  'card.action-v1': [{ body: action, where: group, proof: 'signature' }],
}

const refused: Readonly<Record<string, number>> = {
  'challenge.wrong-token': 401,
  'event.missing-token': 401,
  'event.empty-token': 401,
  'event.wrong-token': 401,
  'event.wrong-app-id': 401,
  'encrypted.wrong-signature': 401,
  'encrypted.missing-signature': 401,
  'encrypted.tampered': 401,
  'encrypted.stale-timestamp': 401,
  'encrypted.other-key': 401,
  'encrypted.wrong-inner-token': 401,
  'encrypted.bad-ciphertext': 400,
  'encrypted.plain-downgrade': 401,
  'card.action-v1-wrong-signature': 401,
  'card.action-v1-schema-bypass': 401,
  'card.action-v2-missing-token': 401,
}

const challenges: Readonly<Record<string, string>> = {
  'challenge.plain': 'fake-challenge-0001',
  'challenge.encrypted': 'fake-challenge-0001',
  'challenge.card-path': 'fake-challenge-0002',
  'challenge.card-path-encrypted': 'fake-challenge-0002',
}

/** About apps of the store. Whoever configured one as a custom app is told. */
const store = ['event.app-ticket', 'event.app-open', 'event.app-uninstalled']

type Expected = { readonly code: SendCode; readonly delivered?: 'maybe'; readonly retryAfterMs?: number }
const errors: Readonly<Record<string, Expected>> = {
  'error.99991663': { code: 'auth' },
  'error.99991672': { code: 'auth' },
  'error.429-99991400': { code: 'rate_limited', retryAfterMs: 52_000 },
  'error.400-99991400': { code: 'rate_limited', retryAfterMs: 3000 },
  'error.230020': { code: 'rate_limited', retryAfterMs: 1000 },
  'error.230049': { code: 'unavailable', delivered: 'maybe' },
  'error.230002': { code: 'target_gone' },
  'error.230011': { code: 'thread_gone' },
  'error.230025': { code: 'rejected' },
  'error.230099': { code: 'rejected' },
  'error.502-html': { code: 'unavailable', delivered: 'maybe' },
}

const raise = (name: string): never => {
  throw new Error(`${name} holds no request`)
}
const clock = ({ meta }: Golden) => ({ now: () => (meta.expect?.clock ? meta.expect.clock * 1000 : recordedMs) })

const receive = async (name: string, given?: Readonly<Record<string, string>>) => {
  const one = golden(name)
  const { method, path, headers, rawBody } = one.request ?? raise(name)
  const feishu = makeFeishu(given ?? (one.meta.binding === 'encrypted' ? keyed : settings), clock(one))
  return { verdict: await feishu.receive(requestOf({ method, path, headers, body: rawBody })), lines: feishu.lines }
}
const idOf = async (name: string) => {
  const { verdict } = await receive(name)
  return verdict.kind === 'events' ? verdict.events[0]?.id : null
}

/** Every call is answered with a recorded answer; tokens are always to be had. */
const answering = (...names: readonly string[]): AdapterDeps['fetch'] => {
  const left = [...names]
  return async (input) => {
    const isToken = String(input).includes('tenant_access_token')
    const name = isToken ? 'api.tenant-token-ok' : left.length > 1 ? left.shift() : left[0]
    const { response } = golden(name ?? raise('answering'))
    const { status = 0, headers, body, bodyText } = response ?? raise(name ?? '')
    return new Response(bodyText ?? JSON.stringify(body), { status, headers: headers as Record<string, string> })
  }
}
const adapterWith = (...names: readonly string[]) => makeFeishu(settings, { fetch: answering(...names) }).adapter

describe('recorded webhooks', () => {
  it.each(Object.entries(events))('%s means what it should', async (name, wanted) => {
    const { verdict } = await receive(name)
    const got: readonly InboundEvent[] = verdict.kind === 'events' ? verdict.events : []
    expect(verdict.kind).toBe(wanted.length > 0 ? 'events' : 'answer')
    expect(got).toMatchObject(wanted)
    for (const event of got) {
      expect(Math.abs(event.at - recordedMs)).toBeLessThan(60_000)
      expect(JSON.parse(JSON.stringify(event))).toStrictEqual(event)
    }
  })

  it.each(Object.entries(refused))('%s is refused with %i', async (name, status) => {
    expect((await receive(name)).verdict).toMatchObject({ kind: 'reject', status })
  })

  it.each(Object.entries(challenges))('%s is answered with the challenge', async (name, challenge) => {
    const { verdict } = await receive(name)
    expect(verdict).toMatchObject({ kind: 'answer', answer: { status: 200, body: JSON.stringify({ challenge }) } })
  })

  it.each(store)('%s is told to the operator', async (name) => {
    const { verdict, lines } = await receive(name, { ...settings, APP_ID: 'cli_00000000fa4e0003' })
    expect(verdict).toMatchObject({ kind: 'answer', answer: { status: 200 } })
    expect(lines.join()).toMatch(/store|removed the app/)
    // Of another app they are forgeries.
    expect((await receive(name)).verdict).toMatchObject({ kind: 'reject', status: 401 })
  })

  it('event.app-ticket and the two answers behind it give an app of the store its tokens', async () => {
    const asked: [string, unknown][] = []
    const fetch: AdapterDeps['fetch'] = async (input, init) => {
      const { pathname } = new URL(String(input))
      asked.push([pathname, JSON.parse(String(init?.body))])
      if (pathname.endsWith('app_access_token')) return Response.json(golden('api.store-app-token-ok').response?.body)
      if (pathname.endsWith('tenant_access_token'))
        return Response.json(golden('api.store-tenant-token-ok').response?.body)
      return Response.json(golden('api.send-text-ok').response?.body)
    }
    const given = { ...settings, APP_ID: 'cli_00000000fa4e0003', APP_TYPE: 'store' }
    const feishu = makeFeishu(given, { fetch, now: () => recordedMs })
    for (const name of ['event.app-open', 'event.app-ticket']) {
      const { method, path, headers, rawBody } = golden(name).request ?? raise(name)
      const verdict = await feishu.receive(requestOf({ method, path, headers, body: rawBody }))
      expect(verdict).toMatchObject({ kind: 'answer', answer: { status: 200 } })
    }
    const to = { platform: 'feishu', account: 'cli_00000000fa4e0003', chat: oc('2'), kind: 'group' } as const
    await feishu.adapter.send(makePart([text('hello')], { to: { ...to, workspace: 'fa4etenant000002' } }), never)
    const sentBodies = ['api.store-app-token-ok', 'api.store-tenant-token-ok'].map((name) => {
      const { path, rawBody } = golden(name).request ?? raise(name)
      return [path, JSON.parse(rawBody)]
    })
    expect(asked.slice(0, 2)).toEqual(sentBodies)
    expect(asked).toHaveLength(3)
  })

  it('with REQUIRE_MENTION=false what names nobody is taken too, as not addressed', async () => {
    const { verdict } = await receive('event.text-group-no-mention', { ...settings, REQUIRE_MENTION: 'false' })
    expect(verdict).toMatchObject({ kind: 'events', events: [{ body: { addressed: false } }] })
  })

  it('a redelivery, and the same message as another event, have the id of the first', async () => {
    expect(await idOf('encrypted.redelivery-2')).toBe(await idOf('encrypted.redelivery-1'))
    expect(await idOf('event.same-message-new-event')).toBe(await idOf('event.text-group-mention'))
    const ids = await Promise.all(Object.keys(events).map(idOf))
    const known = ids.filter((id) => id !== null)
    expect(new Set(known).size).toBe(known.length - 2)
  })

  it('a press that names no chat, as old ones may, is answered to who pressed', async () => {
    const { open_chat_id: _, ...old } = golden('card.action-v1').payload ?? expect.fail('no payload')
    const body = JSON.stringify(old)
    const call = callOf(callbackPath, body, oldCardHeaders(body, mainApp.token, String(recordedMs / 1000)))
    const verdict = await makeFeishu(settings, { now: () => recordedMs }).receive(requestOf(call))
    const dm = { chat: `ou_fa4e${'7'.padStart(28, '0')}`, kind: 'dm' }
    expect(verdict).toMatchObject({ kind: 'events', events: [{ where: dm, body: { message: om('60') } }] })
  })

  it('a press is answered with a body that leaves the card as it is', async () => {
    const { verdict } = await receive('card.action-v2')
    expect(verdict).toMatchObject({ kind: 'events', ack: { status: 200, body: '{}' } })
    // What might be answered instead has the same form on both ways.
    const { payload } = golden('ws.card-answer-sent')
    const data = JSON.parse(Buffer.from(String(payload?.data), 'base64').toString('utf8')) as object
    expect(golden('card.answer-sent').response?.body).toMatchObject({ toast: { type: 'success', content: 'Approved' } })
    expect(data).toMatchObject({ toast: { type: 'success', content: 'Approved' } })
  })
})

describe('recorded answers of the API', () => {
  const replying = makePart([text('hello')], { to: { ...makePart([]).to, thread: 'om_root' } })

  it.each(Object.entries(errors))('%s is told in the words of the contract', async (name, { code, ...more }) => {
    const sending = adapterWith(name).send(code === 'thread_gone' ? replying : makePart([text('hello')]), never)
    await expect(sending).rejects.toMatchObject({ name: 'SendError', code, delivered: 'no', ...more })
  })

  it('names the cure where the operator has one', async () => {
    const sendWith = (name: string) => adapterWith(name).send(makePart([text('hello')]), never)
    await expect(sendWith('error.99991672')).rejects.toThrow(
      /im:message:send_as_bot.*Permissions & Scopes.*new version/,
    )
    await expect(sendWith('error.99991663')).rejects.toThrow(/FAKE-log-id.*OPENCLAW_CONNECTOR_FEISHU_APP_SECRET/)
  })

  it('api.tenant-token-bad-secret is told with the variable to set', async () => {
    const fetch = async () => Response.json(golden('api.tenant-token-bad-secret').response?.body)
    const sending = makeFeishu(settings, { fetch }).adapter.send(makePart([text('hello')]), never)
    await expect(sending).rejects.toMatchObject({ code: 'auth', message: expect.stringContaining('FEISHU_APP_SECRET') })
  })

  it.each([
    ['api.send-text-ok', makePart([text('done')]), om('70')],
    ['api.reply-in-thread-ok', replying, om('71')],
    ['api.send-card-v1-ok', makePart([text('Sure?')], { buttons: buttons('Yes') }), om('60')],
    ['api.send-card-v2-ok', makePart([text('Sure?')], { buttons: buttons('Yes') }), om('61')],
  ] as const)('%s gives the id of the message', async (name, part, message) => {
    expect(await adapterWith(name).send(part, never)).toEqual({ message, via: 'push' })
  })

  it.each([
    ['api.upload-image-ok', 'image', 'image_key', 'img_v3_fake_0080'],
    ['api.upload-file-ok', 'video', 'file_key', 'file_v3_fake_0081'],
  ])('%s gives the key that is sent', async (name, as, key, value) => {
    const sent: unknown[] = []
    const fetch = answering(name, 'api.send-text-ok')
    const keeping: AdapterDeps['fetch'] = (input, init) => {
      if (typeof init?.body === 'string') sent.push(JSON.parse(init.body))
      return fetch(input, init)
    }
    await makeFeishu(settings, { fetch: keeping }).adapter.send(makePart([file(as)]), never)
    expect(sent.at(-1)).toMatchObject({ content: JSON.stringify({ [key]: value }) })
  })

  it('api.patch-card-ok ends an edit, and api.delayed-card-update-ok is an answer without data too', async () => {
    for (const name of ['api.patch-card-ok', 'api.delayed-card-update-ok']) {
      const edited = adapterWith(name).edit?.(om('60'), makePart([text('done')]), never)
      expect(await edited).toEqual({ message: om('60'), via: 'edit' })
    }
  })

  it('api.resource-image-ok is handed on as it is', async () => {
    const { status, headers, bodyBase64 = '' } = golden('api.resource-image-ok').response ?? raise('resource')
    const bytes = Buffer.from(bodyBase64, 'base64')
    const fetch: AdapterDeps['fetch'] = async (input) =>
      String(input).includes('/auth/')
        ? Response.json(golden('api.tenant-token-ok').response?.body)
        : new Response(bytes, { status, headers })
    const { adapter } = makeFeishu(settings, { fetch })
    const got = await adapter.download?.({ kind: 'image', ref: ref('10', 'img_v3_fake_0010', 'image') }, never)
    expect(Buffer.from((await got?.bytes()) ?? [])).toEqual(bytes)
    expect(got?.headers.get('content-type')).toBe('image/png')
  })

  it("api.bot-info-ok names the bot; tokens of a store app's steps are told apart", async () => {
    const probes = await adapterWith('api.bot-info-ok').probe(never)
    expect(probes[1]).toMatchObject({ ok: true, about: `FakeBot, ${mainApp.bot}` })
    const tokenFrom = (name: string) => {
      const binding = {
        ...mainApp,
        appSecret: mainApp.secret,
        origin: 'http://x',
        verificationToken: '',
        encryptKey: '',
      }
      const fetch = async () => Response.json(golden(name).response?.body)
      return openClient(binding, { fetch, now: Date.now }).check(never)
    }
    await expect(tokenFrom('api.store-tenant-token-ok')).resolves.toBeUndefined()
    await expect(tokenFrom('api.store-app-token-ok')).rejects.toThrow('no tenant token')
  })
})

it('every recorded payload is used', () => {
  const used = [events, refused, challenges, errors].flatMap((table) => Object.keys(table))
  // Frames have a test of their own (feishu-connection).
  const others = goldenNames().filter((name) => /^(ws|api)\./.test(name))
  expect([...used, ...store, ...others, 'card.answer-sent'].toSorted()).toEqual(goldenNames().toSorted())
})
