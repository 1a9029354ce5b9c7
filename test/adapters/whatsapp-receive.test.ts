import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import whatsapp from '../../adapters/whatsapp/index.ts'
import type { Verdict } from '../../src/contract/index.ts'
import { requestOf } from '../kit/adapter.ts'
import { settingsFrom, testDeps } from '../kit/deps.ts'
import {
  appSecret,
  callOf,
  contactOf,
  hook,
  messageOf,
  metaJson,
  numberValue,
  ownNumber,
  signatureOf,
  signed,
  verification,
  verifyToken,
} from '../platforms/whatsapp-hooks.ts'
import { ann, makeWhatsapp, settings } from './whatsapp-kit.ts'

const writer = { userId: ann, number: '15550100111', name: 'Ann' }
const at = 1_767_225_600_000

const message = (more: object, id = 'wamid.A1'): object => messageOf(writer, id, at, more)
const textOf = (body: string, id?: string): object => message({ type: 'text', text: { body } }, id)
const hookWith = (...messages: readonly unknown[]): object =>
  hook('messages', numberValue({ contacts: [contactOf(writer)], messages }))

const receive = (payload: object, given = settings): Promise<Verdict> =>
  makeWhatsapp(given).receive(requestOf(signed(payload)))
const eventsOf = async (payload: object) => {
  const verdict = await receive(payload)
  return verdict.kind === 'events' ? verdict.events : []
}
const bodyOf = async (more: object) => (await eventsOf(hookWith(message(more))))[0]?.body

describe('the verification of the webhook', () => {
  it('gives the challenge back to who knows the token, in a form no browser takes for a page', async () => {
    const verdict = await makeWhatsapp().receive(requestOf(verification(verifyToken)))
    expect(verdict).toMatchObject({ kind: 'answer', answer: { status: 200, body: '1158201444' } })
    expect(verdict.kind === 'answer' && verdict.answer.headers).toMatchObject({ 'x-content-type-options': 'nosniff' })
  })

  it('refuses everybody while no token is set', async () => {
    const { VERIFY_TOKEN: _, ...open } = settings
    for (const token of ['', 'undefined', verifyToken])
      expect(await makeWhatsapp(open).receive(requestOf(verification(token)))).toMatchObject({ status: 403 })
  })
})

describe('who may call', () => {
  const { APP_SECRET: _, ...open } = settings
  const unsigned = callOf(metaJson(hookWith(textOf('/run fox'))), {})

  it('without the app secret the platform is not started, and says what to do', () => {
    const start = () => whatsapp.create(settingsFrom(whatsapp, open), testDeps())
    expect(start).toThrow(/APP_SECRET is not set.*App settings, Basic.*ALLOW_UNSIGNED=1/)
  })

  it('with the switch for it senders are taken, and nobody is proven', async () => {
    const verdict = await makeWhatsapp({ ...open, ALLOW_UNSIGNED: 'true' }).receive(requestOf(unsigned))
    expect(verdict).toMatchObject({ kind: 'events', events: [{ proof: 'none', body: { text: '/run fox' } }] })
  })

  it('the switch opens nothing while there is an app secret', async () => {
    const verdict = await makeWhatsapp({ ...settings, ALLOW_UNSIGNED: 'true' }).receive(requestOf(unsigned))
    expect(verdict).toMatchObject({ kind: 'reject', status: 401 })
  })

  it('checks the bytes, not what they mean', async () => {
    const body = metaJson(hookWith(textOf('/run a/b')))
    const respelt = body.replaceAll('\\/', '/')
    const header = { 'x-hub-signature-256': signatureOf(body, appSecret) }
    expect(await makeWhatsapp().receive(requestOf(callOf(body, header)))).toMatchObject({ kind: 'events' })
    expect(await makeWhatsapp().receive(requestOf(callOf(respelt, header)))).toMatchObject({ status: 401 })
  })

  it('answers 200 to what Meta signed and nobody understands, because anything else comes again for a week', async () => {
    for (const body of ['', '[]', 'null', '{"object":7}', '{"object":"page","entry":[]}', '{"a":'.repeat(5000)]) {
      const call = callOf(body, { 'x-hub-signature-256': signatureOf(body) })
      const { receive, lines } = makeWhatsapp()
      expect(await receive(requestOf(call))).toMatchObject({ kind: 'answer', answer: { status: 200 } })
      expect(lines.join()).toContain('ignored')
    }
  })

  it('refuses what is broken and not even signed, and what is larger than Meta makes it', async () => {
    const open = { ...settings, APP_SECRET: appSecret }
    const { APP_SECRET: _, ...unsigned } = { ...open, ALLOW_UNSIGNED: 'true' }
    expect(await makeWhatsapp(unsigned).receive(requestOf(callOf('{', {})))).toMatchObject({ status: 400 })
    const huge = 'x'.repeat(3 * 1024 * 1024 + 1)
    const call = callOf(huge, { 'x-hub-signature-256': signatureOf(huge) })
    expect(await makeWhatsapp().receive(requestOf(call))).toMatchObject({ status: 413 })
  })
})

describe('a batch', () => {
  it('is judged message by message: one that is broken takes no neighbour with it', async () => {
    const broken = [
      null,
      7,
      'text',
      {},
      message({ type: 'text' }),
      { ...textOf('x'), timestamp: 'soon' },
      { id: 'wamid.X' },
    ]
    const payload = hookWith(textOf('first', 'wamid.A1'), ...broken, textOf('last', 'wamid.A9'))
    const words = (await eventsOf(payload)).flatMap(({ body }) => (body.kind === 'text' ? [body.text] : []))
    expect(words).toEqual(['first', 'last'])
  })

  it('is read whether its numbers come as text or not', async () => {
    const [event] = await eventsOf(hookWith({ ...textOf('/run fox'), timestamp: at / 1000 }))
    expect(event).toMatchObject({ at, body: { text: '/run fox' } })
    for (const timestamp of [-1, 0.5, 1e30, '', '1e9', true])
      expect(await eventsOf(hookWith({ ...textOf('x'), timestamp })), String(timestamp)).toEqual([])
    const failed = {
      id: 'wamid.B',
      status: 'failed',
      timestamp: 1,
      errors: [{ code: '131047', title: 'Re-engagement' }],
    }
    expect(await receive(hook('messages', numberValue({ statuses: [failed] })))).toMatchObject({
      reports: [{ error: { code: 'window_closed' } }],
    })
  })

  it('may say null of what is not there', async () => {
    const absent = { group_id: null, context: null, errors: null, referral: null, image: null, from_user_id: null }
    const value = numberValue({
      contacts: null,
      messages: [{ ...textOf('hi'), ...absent }],
      statuses: null,
      errors: null,
    })
    expect(await eventsOf(hook('messages', value))).toMatchObject([{ where: { kind: 'dm' }, body: { text: 'hi' } }])
    const statuses = [{ id: 'wamid.B', status: 'sent', biz_opaque_callback_data: null, errors: null }]
    expect(await receive(hook('messages', numberValue({ messages: null, statuses })))).toMatchObject({
      reports: [{ message: 'wamid.B', outcome: 'sent' }],
    })
  })

  it('spans entries and changes, and leaves out what is for another number', async () => {
    const value = (body: string, id: string, number?: string) => numberValue({ messages: [textOf(body, id)] }, number)
    const change = (value: object, field = 'messages') => ({ value, field })
    const payload = {
      object: 'whatsapp_business_account',
      entry: [
        { id: '1', changes: [change(value('one', 'wamid.1')), change(value('two', 'wamid.2', '200000000000099'))] },
        { id: 7, changes: 'none' },
        { id: '2', changes: [change({ anything: true }, 'flows'), change(value('three', 'wamid.3'))] },
      ],
    }
    expect((await eventsOf(payload)).map(({ message }) => message)).toEqual(['wamid.1', 'wamid.3'])
  })

  it('may hold messages and statuses at once', async () => {
    const statuses = [
      { id: 'wamid.B', status: 'failed', timestamp: '1', errors: [] },
      { id: 'wamid.C', status: 'deleted' },
    ]
    const verdict = await receive(hook('messages', numberValue({ messages: [textOf('hi')], statuses })))
    expect(verdict).toMatchObject({
      events: [{ body: { text: 'hi' } }],
      reports: [{ message: 'wamid.B', outcome: 'failed', error: { code: 'rejected' } }],
    })
  })
})

it('nothing that Meta signs makes it throw, and every event has a sender, a place and a time', async () => {
  const field = fc.constantFrom('type', 'text', 'image', 'interactive', 'context', 'from', 'timestamp', 'id', 'button')
  const odd = fc.dictionary(field, fc.oneof(fc.jsonValue({ maxDepth: 3 }), fc.constant({ body: 'x', id: '1' })))
  const messages = fc.array(
    fc.oneof(
      fc.jsonValue(),
      odd.map((more) => ({ ...textOf('hi'), ...more })),
    ),
    { maxLength: 5 },
  )
  const values = fc.record({ messages, statuses: fc.oneof(fc.jsonValue(), messages), contacts: fc.jsonValue() })
  const { receive } = makeWhatsapp()
  await fc.assert(
    fc.asyncProperty(values, async (more) => {
      const verdict = await receive(requestOf(signed(hook('messages', numberValue(more)))))
      expect(verdict.kind).not.toBe('reject')
      for (const event of verdict.kind === 'events' ? verdict.events : []) {
        expect(event.from.id && event.where.chat).toBeTruthy()
        expect(Number.isSafeInteger(event.at)).toBe(true)
      }
    }),
    { numRuns: 300 },
  )
})

describe('who wrote', () => {
  const from = async (more: object) =>
    (await eventsOf(hook('messages', numberValue({ contacts: [contactOf(writer)], messages: [more] }))))[0]?.from
  const bare = { id: 'wamid.A1', timestamp: '1767225600', type: 'text', text: { body: 'hi' } }

  it('is known by the business-scoped id, and found in lists by the number too', async () => {
    expect(await from({ ...bare, from: '15550100111', from_user_id: ann })).toMatchObject({
      id: ann,
      aliases: ['15550100111'],
    })
    expect(await from({ ...bare, from: '15550100111' })).toMatchObject({
      id: ann,
      aliases: ['15550100111'],
      name: 'Ann',
    })
    expect(await from({ ...bare, from: '15550100999' })).toEqual({ id: '15550100999', self: false, bot: false })
    const parent = { from_user_id: ann, from_parent_user_id: 'US.ENT.7' }
    expect(await from({ ...bare, ...parent })).toMatchObject({ id: ann, aliases: ['15550100111', 'US.ENT.7'] })
  })

  it('is nobody without a readable id, and ourselves with our own number', async () => {
    expect(await from({ ...bare, from: '+1 555', from_user_id: '../ann' })).toBeUndefined()
    expect(await from({ ...bare, from: ownNumber })).toMatchObject({ self: true })
  })
})

describe('what was said', () => {
  it('in a group is meant for us when it is a command or answers us, and never counts as a direct chat', async () => {
    const inGroup = async (body: string, more: object = {}) =>
      (await eventsOf(hookWith(message({ type: 'text', text: { body }, group_id: 'G1', ...more }))))[0]
    expect(await inGroup('lunch?')).toMatchObject({ where: { kind: 'group', chat: 'G1' }, body: { addressed: false } })
    expect(await inGroup('/run fox')).toMatchObject({ body: { addressed: true } })
    const answer = { context: { from: ownNumber, id: 'wamid.OURS' } }
    expect(await inGroup('yes', answer)).toMatchObject({ body: { addressed: true }, replyTo: 'wamid.OURS' })
    expect(await inGroup('/run fox', { group_id: 7 })).toBeUndefined()
  })

  it('of a kind we can not use is named, and what is no message is left out', async () => {
    expect(await bodyOf({ type: 'sticker', sticker: { id: '1' } })).toEqual({ kind: 'other', what: 'a sticker' })
    expect(await bodyOf({ type: 'location', location: {} })).toEqual({ kind: 'other', what: 'a place' })
    expect(await bodyOf({ type: 'interactive', interactive: { type: 'nfm_reply' } })).toMatchObject({ kind: 'other' })
    expect(await bodyOf({ type: 'dance' })).toEqual({ kind: 'other', what: 'a message of kind dance' })
    expect(await bodyOf({ type: 'reaction', reaction: {} })).toBeUndefined()
  })

  it('greets who opens the chat for the first time', async () => {
    expect(await bodyOf({ type: 'request_welcome' })).toEqual({ kind: 'text', text: '/start', addressed: true })
  })

  it('is well formed text, and leaves no trace of keys that pollute prototypes', async () => {
    const body = '{"object":"whatsapp_business_account","__proto__":{"isAdmin":1},"entry":[{"id":"1","changes":[]}]}'
    const call = callOf(body, { 'x-hub-signature-256': signatureOf(body) })
    expect(await makeWhatsapp().receive(requestOf(call))).toMatchObject({ kind: 'answer' })
    expect(({} as Record<string, unknown>).isAdmin).toBeUndefined()
    expect(await bodyOf({ type: 'text', text: { body: 'a\ud800b' } })).toMatchObject({ text: 'a\ufffdb' })
  })

  it('with an account event that is no text at all is taken and left', async () => {
    const value = '{"event":{"toString":null,"valueOf":1}}'
    const body = `{"object":"whatsapp_business_account","entry":[{"changes":[{"field":"account_update","value":${value}}]}]}`
    const call = callOf(body, { 'x-hub-signature-256': signatureOf(body) })
    expect(await makeWhatsapp().receive(requestOf(call))).toMatchObject({ kind: 'answer', answer: { status: 200 } })
  })

  it('with a picture sent as a document is a picture', async () => {
    const [event] = await eventsOf(
      hookWith(message({ type: 'document', document: { id: '9', mime_type: 'image/png', caption: '/run x' } })),
    )
    expect(event).toMatchObject({ media: [{ kind: 'image', ref: '9' }], body: { text: '/run x' } })
  })
})
