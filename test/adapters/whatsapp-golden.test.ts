import { describe, expect, it } from 'vitest'
import { reportError } from '../../adapters/whatsapp/errors.ts'
import type { InboundEvent, SendCode, SendReport } from '../../src/contract/index.ts'
import { never, requestOf, text } from '../kit/adapter.ts'
import { appSecret, metaJson, signatureOf } from '../platforms/whatsapp-hooks.ts'
import { ann, type Golden, golden, goldenNames, makePart, makeWhatsapp, settings } from './whatsapp-kit.ts'

const account = '200000000000002'
const number = '15550100111'
const alice = { id: ann, aliases: [number], name: 'Alice Example', self: false, bot: false }
const dm = { platform: 'whatsapp', account, chat: number, kind: 'dm' }
const said = (words: string, addressed = true) => ({ kind: 'text', text: words, addressed })

/** What each message means to us. */
const events: Readonly<Record<string, readonly object[]>> = {
  'message.text': [{ body: said('/status'), from: alice, where: dm, media: [], message: 'wamid.FAKE0001' }],
  'message.text-unicode': [
    { body: said('/run café 🦊 https://example.com/a'), from: { ...alice, name: 'Ålice / Example' }, where: dm },
  ],
  'message.text-username-user': [
    {
      body: said('/help'),
      from: { id: 'US.90000000000000000002', name: 'Bob Example', self: false, bot: false },
      where: { ...dm, chat: 'US.90000000000000000002' },
    },
  ],
  'message.reply': [{ replyTo: 'wamid.FAKE0900' }],
  'message.forwarded': [{ from: alice, body: { kind: 'text' } }],
  'message.image-caption': [
    { body: said('/run upscale'), media: [{ kind: 'image', ref: '300000000000003', mime: 'image/jpeg' }] },
  ],
  'message.document': [
    {
      body: said(''),
      media: [{ kind: 'file', ref: '300000000000004', mime: 'application/json', name: 'workflow.json' }],
    },
  ],
  'message.voice': [
    { body: said(''), media: [{ kind: 'audio', ref: '300000000000005', mime: 'audio/ogg; codecs=opus' }] },
  ],
  'message.button-reply': [{ body: { kind: 'press', action: 'a:apr_12345:9f2c', message: 'wamid.FAKE0901' } }],
  'message.list-reply': [{ body: { kind: 'press', action: 'tpl:portrait', message: 'wamid.FAKE0902' } }],
  'message.template-button': [{ body: { kind: 'press', action: 'resume:p_98765', message: 'wamid.FAKE0903' } }],
  'message.unsupported': [{ body: { kind: 'other', what: 'a message of kind poll' } }],
  'message.group': [{ body: said('/jobs'), where: { ...dm, chat: 'GROUPFAKE0001', kind: 'group' }, from: alice }],
  'message.reaction': [],
  'message.edit': [],
  'message.revoke': [],
  'message.number-changed': [],
  // By the platform's time; the third is for another number.
  'batch.multi-entry': [
    { body: said('two'), message: 'wamid.FAKE0021' },
    { body: said('one'), message: 'wamid.FAKE0020' },
  ],
  'event.account-update-disabled': [],
  'event.partner-app-uninstalled': [],
}

const reports: Readonly<Record<string, readonly SendReport[]>> = {
  'status.sent': [{ key: 'delivery:7f3c9a10', message: 'wamid.FAKE0900', outcome: 'sent' }],
  'status.delivered-and-read-batched': [
    { message: 'wamid.FAKE0900', outcome: 'delivered' },
    { message: 'wamid.FAKE0900', outcome: 'read' },
  ],
  'status.failed-131047': [
    {
      message: 'wamid.FAKE0904',
      outcome: 'failed',
      error: { code: 'window_closed', about: expect.stringContaining('more than 24 hours') as unknown as string },
    },
  ],
}

const refused: Readonly<Record<string, number>> = { 'webhook.bad-signature': 401, 'verify.get-bad-token': 403 }

const errors: Readonly<Record<string, { readonly code: SendCode; delivered?: 'maybe'; retryAfterMs?: number }>> = {
  'error.100': { code: 'rejected' },
  'error.130429': { code: 'rate_limited' },
  'error.131000': { code: 'unavailable', delivered: 'maybe' },
  'error.131009': { code: 'rejected' },
  'error.131026': { code: 'target_gone' },
  'error.131031': { code: 'auth' },
  'error.131047': { code: 'window_closed' },
  'error.131056': { code: 'rate_limited', retryAfterMs: 6000 },
  'error.131062': { code: 'rejected' },
  'error.190': { code: 'auth' },
  'error.80007': { code: 'rate_limited' },
}

const receive = async (name: string) => {
  const { method, path, headers, rawBody } = golden(name).request ?? raise(name)
  const whatsapp = makeWhatsapp()
  const verdict = await whatsapp.receive(requestOf({ method, path, headers, body: rawBody }))
  return { verdict, lines: whatsapp.lines }
}
const raise = (name: string): never => {
  throw new Error(`${name} holds no request`)
}

/** An adapter whose every call is answered with a recorded answer. */
const answering = ({ response }: Golden) =>
  makeWhatsapp(settings, {
    fetch: async () =>
      new Response(JSON.stringify(response?.body), { status: response!.status, headers: response!.headers }),
  }).adapter

describe('recorded webhooks', () => {
  it.each(Object.entries(events))('%s means what it should', async (name, wanted) => {
    const { verdict } = await receive(name)
    const got: readonly InboundEvent[] = verdict.kind === 'events' ? verdict.events : []
    expect(verdict.kind).toBe(wanted.length > 0 ? 'events' : 'answer')
    expect(got).toMatchObject(wanted)
    expect(got).toHaveLength(wanted.length)
    for (const event of got) {
      expect(event.proof).toBe('signature')
      expect(event.at).toBeGreaterThanOrEqual(1_767_225_599_000)
      expect(JSON.parse(JSON.stringify(event))).toStrictEqual(event)
    }
    const key = golden(name).meta.idempotencyKey
    if (got[0] && key) expect(got[0].id).toBe(key.replace('whatsapp-cloud', 'whatsapp'))
  })

  it.each(Object.entries(reports))('%s reports on what was sent', async (name, wanted) => {
    const { verdict } = await receive(name)
    expect(verdict).toMatchObject({ kind: 'events', events: [], ack: { status: 200 } })
    expect(verdict.kind === 'events' && verdict.reports).toEqual(wanted)
  })

  it.each(Object.entries(refused))('%s is refused with %i', async (name, status) => {
    expect((await receive(name)).verdict).toMatchObject({ kind: 'reject', status })
  })

  it('verify.get-ok is answered with the challenge alone', async () => {
    const { verdict } = await receive('verify.get-ok')
    expect(verdict).toMatchObject({ kind: 'answer', answer: { status: 200, body: '1158201444' } })
    expect(verdict.kind === 'answer' && verdict.answer.headers['content-type']).toContain('text/plain')
  })

  it('tells the operator of a number that changed and of an account in trouble', async () => {
    expect((await receive('message.number-changed')).lines.join()).toContain('lists do not follow')
    expect((await receive('event.account-update-disabled')).lines.join()).toContain('DISABLED_UPDATE')
    expect((await receive('event.partner-app-uninstalled')).lines.join()).toContain('PARTNER_APP_UNINSTALLED')
  })

  it('are written and signed as our fake writes and signs', () => {
    const signed = goldenNames().filter((name) => /^(message|status|batch|event)\./.test(name))
    expect(signed.length).toBeGreaterThan(15)
    for (const name of signed) {
      const { rawBody, headers } = golden(name).request!
      expect(metaJson(JSON.parse(rawBody)), name).toBe(rawBody)
      expect(signatureOf(rawBody, appSecret), name).toBe(headers['x-hub-signature-256'])
    }
  })
})

describe('recorded answers of the Graph API', () => {
  it.each(Object.entries(errors))('%s is told in the words of the contract', async (name, { code, ...more }) => {
    const { body } = golden(name).response as { body: { error: { code: number; message: string } } }
    const sending = answering(golden(name)).send(makePart([text('hello')]), never)
    await expect(sending).rejects.toMatchObject({ name: 'SendError', code, delivered: 'no', ...more })
    // Told later as the status of a message, it means the same.
    expect(reportError(body.error.code, body.error.message).code).toBe(code)
  })

  it('names the cure where the operator has one', async () => {
    const sending = answering(golden('error.190')).send(makePart([text('hello')]), never)
    await expect(sending).rejects.toThrow(/Session has expired.*OPENCLAW_CONNECTOR_WHATSAPP_ACCESS_TOKEN/)
  })

  it.each([
    ['api.send-ok', 'wamid.FAKE0900'],
    ['api.send-ok-bsuid', 'wamid.FAKE0905'],
  ])('%s gives the id of the message', async (name, message) => {
    expect(await answering(golden(name)).send(makePart([text('hello')]), never)).toEqual({ message, via: 'push' })
  })

  it('api.mark-read-ok ends a typing sign', async () => {
    const { adapter, lines } = makeWhatsapp(settings, {
      fetch: async () => Response.json(golden('api.mark-read-ok').response?.body),
    })
    await adapter.typing?.(makePart([]).to, 'wamid.FAKE0001', never)
    expect(lines).toEqual([])
  })

  it('api.media-upload-ok and api.media-info-ok are a way out and a way in for files', async () => {
    const asked: { url: string; body: unknown }[] = []
    const { adapter } = makeWhatsapp(settings, {
      fetch: async (url, init) => {
        asked.push({ url: String(url), body: typeof init?.body === 'string' ? JSON.parse(init.body) : null })
        const path = new URL(String(url)).pathname
        if (path.endsWith('/media')) return Response.json(golden('api.media-upload-ok').response?.body)
        if (path.endsWith('/messages')) return Response.json(golden('api.send-ok').response?.body)
        if (path.endsWith('/300000000000003')) return Response.json(golden('api.media-info-ok').response?.body)
        return new Response('the picture')
      },
    })
    const media = { kind: 'image', blob: 'b', name: 'fox.png', mime: 'image/png', bytes: 10 } as const
    await adapter.send(makePart([{ kind: 'media', as: 'image', media }]), never)
    expect(asked[1]?.body).toMatchObject({ type: 'image', image: { id: '300000000000099' } })
    const response = await adapter.download?.({ kind: 'image', ref: '300000000000003' }, never)
    expect(await response?.text()).toBe('the picture')
    expect(new URL(asked[3]?.url ?? '').host).toBe('lookaside.fbsbx.com')
  })
})

it('every recorded payload is used', () => {
  const used = [events, reports, refused, errors].flatMap((table) => Object.keys(table))
  const others = ['verify.get-ok', 'api.send-ok', 'api.send-ok-bsuid', 'api.mark-read-ok']
  const all = [...used, ...others, 'api.media-upload-ok', 'api.media-info-ok']
  expect(all.toSorted()).toEqual(goldenNames().toSorted())
})
