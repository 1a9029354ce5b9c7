import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import whatsapp from '../../adapters/whatsapp/index.ts'
import { buttons, file, never, requestOf, text } from '../kit/adapter.ts'
import { type FakeWhatsapp, startWhatsapp } from '../platforms/whatsapp.ts'
import { refusals } from '../platforms/whatsapp-graph.ts'
import { hook, numberValue, phoneNumberId, signed } from '../platforms/whatsapp-hooks.ts'
import { connected, makePart, makeWhatsapp } from './whatsapp-kit.ts'

let fake: FakeWhatsapp
beforeEach(async () => {
  fake = await startWhatsapp()
})
afterEach(() => fake.close())

const to = (more: object) => ({ ...makePart([]).to, ...more })
const hello = makePart([text('hello')])

describe('whom a message goes to', () => {
  it('is named by the number, by the business-scoped id where there is none, or is a group', async () => {
    const { adapter } = connected(fake)
    const { bob, ann } = fake.people
    await adapter.send(hello, never)
    expect(fake.graph.bodies().at(-1)).toMatchObject({ recipient_type: 'individual', to: '15550100111' })
    for (const { id } of [bob, ann]) {
      await adapter.send({ ...hello, to: to({ chat: id }) }, never)
      expect(fake.graph.bodies().at(-1)).toMatchObject({ recipient_type: 'individual', recipient: id })
    }
    await adapter.send({ ...hello, to: to({ chat: fake.places.group.chat, kind: 'group' }) }, never)
    expect(fake.graph.bodies().at(-1)).toMatchObject({ recipient_type: 'group', to: fake.places.group.chat })
    expect(fake.shown().map(({ place }) => place.chat)).toEqual(['15550100111', bob.id, '15550100111', 'GROUPFAKE0001'])
  })

  it('that is no name of WhatsApp is told before anything is sent', async () => {
    const { adapter } = connected(fake)
    await expect(adapter.send({ ...hello, to: to({ chat: 'U4af49' }) }, never)).rejects.toMatchObject({
      code: 'target_gone',
    })
    expect(fake.calls()).toEqual([])
  })
})

describe('what became of a message', () => {
  it('is reported with the key of its part', async () => {
    const { adapter, reports } = connected(fake)
    const { message = '' } = await adapter.send(hello, never)
    for (const status of ['sent', 'delivered', 'read', 'deleted']) await fake.tell(message, status)
    await fake.redeliver()
    expect(reports.map(({ key, outcome }) => [key, outcome])).toEqual([
      [hello.key, 'sent'],
      [hello.key, 'delivered'],
      [hello.key, 'read'],
    ])
  })

  it('is a failure in the words of the contract, also long after it was accepted', async () => {
    const { adapter, reports } = connected(fake)
    const { message = '' } = await adapter.send(hello, never)
    for (const code of [131047, 131053, 131026, 131049, 131000, 999_999]) await fake.tell(message, 'failed', code)
    expect(reports.map(({ error }) => error?.code)).toEqual([
      'window_closed',
      'media_rejected',
      'target_gone',
      'rejected',
      'unavailable',
      'rejected',
    ])
    expect(reports[0]?.error?.about).toBe('WhatsApp 131047: (#131047) Re-engagement message - as told later')
  })

  it('in a group is no failure because one of its people did not get it', async () => {
    const { receive } = connected(fake)
    const errors = [{ code: 131000, title: 'Something went wrong' }]
    const status = { id: 'wamid.G', recipient_id: 'GROUPFAKE0001', recipient_type: 'group', timestamp: '1' }
    const reportsOf = async (more: object): Promise<unknown> => {
      const verdict = await receive(
        requestOf(signed(hook('messages', numberValue({ statuses: [{ ...status, ...more }] })))),
      )
      return verdict.kind === 'events' ? verdict.reports : []
    }
    const one = { recipient_participant_id: '15550100111' }
    const hidden = { recipient_participant_user_id: 'US.90000000000000000002' }
    expect(await reportsOf({ status: 'failed', errors, ...one })).toEqual([])
    expect(await reportsOf({ status: 'failed', errors, ...hidden })).toEqual([])
    expect(await reportsOf({ status: 'delivered', ...one })).toMatchObject([{ outcome: 'delivered' }])
    expect(await reportsOf({ status: 'failed', errors })).toMatchObject([{ outcome: 'failed' }])
  })

  it('is found by its id alone where the key is too long for Meta', async () => {
    const { adapter, reports } = connected(fake)
    const { message = '' } = await adapter.send({ ...hello, key: 'k'.repeat(513) }, never)
    await fake.tell(message, 'delivered')
    expect(reports).toEqual([{ message, outcome: 'delivered' }])
  })
})

describe('outside the window', () => {
  it('the approved template goes where nothing else does, and says whose it is', async () => {
    const { adapter } = connected(fake, {}, { TEMPLATE: 'result_ready' })
    fake.lastWroteAgo(fake.people.ann, 25 * 60 * 60 * 1000)
    const receipt = await adapter.nudge?.({ ...hello, nudge: true }, never)
    expect(receipt).toEqual({ message: fake.shown().at(-1)?.id, via: 'push' })
    expect(fake.shown().at(-1)?.text).toBe('Your picture is ready. Reply to get it.')
    expect(fake.graph.bodies().at(-1)).toEqual({
      messaging_product: 'whatsapp',
      recipient_type: 'individual',
      to: fake.places.dm.chat,
      biz_opaque_callback_data: hello.key,
      type: 'template',
      template: { name: 'result_ready', language: { code: 'en' } },
    })
  })

  it('nothing goes where no template is set', () => {
    expect(connected(fake).adapter.nudge).toBeUndefined()
  })
})

describe('a refused message', () => {
  /** The next send is answered with this error object, which the fake would not make by itself. */
  const refusedWith = async (status: number, error: object): Promise<unknown> => {
    const fetch = async (): Promise<Response> => Response.json({ error }, { status })
    return makeWhatsapp(fake.settings, { fetch })
      .adapter.send(hello, never)
      .catch((thrown: unknown) => thrown)
  }

  it('is judged by its code, also where that comes as text', async () => {
    expect(await refusedWith(400, { message: 'x', code: '131047' })).toMatchObject({ code: 'window_closed' })
    expect(await refusedWith(400, { message: 'x', code: 'soon' })).toMatchObject({ code: 'rejected' })
  })

  it('of a kind nobody knows is tried again where Meta says that it passes, and else ends', async () => {
    const passing = { message: 'x', code: 987_654, is_transient: true }
    expect(await refusedWith(400, passing)).toMatchObject({ code: 'unavailable', delivered: 'no' })
    expect(await refusedWith(500, passing)).toMatchObject({ code: 'unavailable', delivered: 'maybe' })
    expect(await refusedWith(400, { ...passing, is_transient: false })).toMatchObject({ code: 'rejected' })
    expect(await refusedWith(400, { ...passing, code: 131026 })).toMatchObject({ code: 'target_gone' })
  })

  it('outside the window of 24 hours waits until the person writes', async () => {
    const { adapter } = connected(fake)
    fake.lastWroteAgo(fake.people.ann, 25 * 60 * 60 * 1000)
    await expect(adapter.send(hello, never)).rejects.toMatchObject({ code: 'window_closed', delivered: 'no' })
    await fake.say(fake.people.ann, fake.places.dm, 'still there?')
    expect((await adapter.send(hello, never)).via).toBe('push')
  })

  it('by a template that Meta does not take names the setting to look at', async () => {
    const { adapter } = connected(fake, {}, { TEMPLATE: 'result_of' })
    const waiting = { ...hello, nudge: true } as const
    for (const code of [132_000, 132_001]) {
      if (code === 132_001) fake.refuseNext(code)
      await expect(adapter.nudge?.(waiting, never)).rejects.toMatchObject({
        code: 'rejected',
        message: expect.stringMatching(new RegExp(`${code}.*OPENCLAW_CONNECTOR_WHATSAPP_TEMPLATE `)),
      })
    }
  })

  it('is told with a cure, and never with a secret', async () => {
    for (const code of [
      ...Object.keys(refusals).map(Number),
      0,
      3,
      10,
      33,
      200,
      131005,
      131042,
      133010,
      132001,
      424_242,
    ]) {
      const { adapter } = connected(fake)
      fake.refuseNext(code)
      const error = await adapter.send(hello, never).catch((thrown: Error) => thrown)
      expect(error).toMatchObject({ name: 'SendError' })
      if ('code' in error && error.code === 'auth')
        expect(error.message, String(code)).toMatch(/OPENCLAW_CONNECTOR_|Manager/)
      for (const secret of fake.secrets) expect(String(error)).not.toContain(secret)
    }
  })

  it('of a number that is not ours is a fault of the settings', async () => {
    const { adapter } = makeWhatsapp({ ...fake.settings, PHONE_NUMBER_ID: '200000000000099' })
    await expect(adapter.send(hello, never)).rejects.toMatchObject({
      code: 'auth',
      message: expect.stringContaining('PHONE_NUMBER_ID'),
    })
  })

  it('because of its quote is sent without it', async () => {
    const { adapter } = connected(fake)
    await adapter.send({ ...hello, replyTo: 'not-a-message' }, never)
    expect(fake.shown()).toMatchObject([{ text: 'hello' }])
    expect(fake.shown()[0]).not.toHaveProperty('replyTo')
  })

  it('behind another one of the same part may double, and says so', async () => {
    const { adapter } = connected(fake)
    const part = makePart([file('audio', { kind: 'audio', mime: 'audio/mpeg' })], { buttons: buttons('same') })
    const broken = { ...part, buttons: [{ label: 'x'.repeat(21), action: 'a', say: '/a' }] }
    await expect(adapter.send(broken, never)).rejects.toMatchObject({ delivered: 'maybe' })
    expect(fake.shown()).toHaveLength(1)
  })
})

describe('a file', () => {
  it('is uploaded with its type and name, and needs no public address', async () => {
    const { adapter } = connected(fake)
    await adapter.send(makePart([file('image', { mime: 'image/png; q=1' }, 'a fox')]), never)
    expect(fake.shown()).toMatchObject([
      { text: 'a fox', media: [{ as: 'image', mime: 'image/png', name: 'fox.png' }] },
    ])
  })

  it('that the upload refuses goes one rung down, and nothing was seen of it', async () => {
    const { adapter } = connected(fake)
    const webp = makePart([file('image', { mime: 'image/webp' })])
    await expect(adapter.send(webp, never)).rejects.toMatchObject({ code: 'media_rejected', delivered: 'no' })
    const zip = makePart([file('document', { mime: 'application/zip', kind: 'file' })])
    await expect(adapter.send(zip, never)).rejects.toMatchObject({ code: 'media_rejected', delivered: 'no' })
    expect(fake.shown()).toEqual([])
    expect(whatsapp.capabilities.media.image.map(({ as, by }) => [as, by])).toEqual([
      ['image', 'upload'],
      ['document', 'upload'],
      ['link', 'url'],
    ])
  })

  it('goes by link on the last rung, where there is a public address', async () => {
    const links = { open: async () => new Blob(['x']), link: (blob: string) => `https://bot.example.org/media/${blob}` }
    await connected(fake, { media: links }).adapter.send(makePart([file('link', {}, 'a fox')]), never)
    expect(fake.graph.bodies().at(-1)).toMatchObject({
      document: { link: 'https://bot.example.org/media/b1', caption: 'a fox' },
    })
    const failing = connected(fake).adapter.send(makePart([file('link')]), never)
    await expect(failing).rejects.toMatchObject({ code: 'media_rejected' })
  })

  it('that is gone from our disk ends the part', async () => {
    const media = { open: () => Promise.reject(new Error('gone')), link: () => null }
    const sending = connected(fake, { media }).adapter.send(makePart([file('image')]), never)
    await expect(sending).rejects.toMatchObject({ code: 'rejected', delivered: 'no' })
  })

  it('whose upload gets no answer leaves no doubt', async () => {
    fake.graph.revokeToken()
    await expect(connected(fake).adapter.send(makePart([file('image')]), never)).rejects.toMatchObject({ code: 'auth' })
    await fake.close()
    const error = await connected(fake)
      .adapter.send(makePart([file('image')]), never)
      .catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'unavailable', delivered: 'no' })
    fake = await startWhatsapp()
  })
})

describe('the sign that we are at work', () => {
  it('marks the message as read', async () => {
    const { adapter, events } = connected(fake)
    await fake.say(fake.people.ann, fake.places.dm, 'hello')
    await adapter.typing?.(events[0]!.where, events[0]!.message, never)
    expect(fake.marks()).toEqual([{ message: events[0]!.message, typing: true }])
  })

  it('comes too late for a quick answer, whose message is marked as read all the same, once', async () => {
    const { adapter, events } = connected(fake)
    await fake.say(fake.people.ann, fake.places.dm, 'hello')
    const replyTo = events[0]!.message!
    await adapter.send(makePart([text('one')], { replyTo }), never)
    await expect.poll(() => fake.marks()).toEqual([{ message: replyTo, typing: false }])
    await adapter.send(makePart([text('two')], { replyTo }), never)
    await adapter.send(makePart([text('three')]), never)
    expect(fake.marks()).toHaveLength(1)
  })

  it('is not to be had in groups and without a message, and troubles nobody when it fails', async () => {
    const { adapter } = connected(fake)
    await adapter.typing?.(hello.to, undefined, never)
    await adapter.typing?.({ ...hello.to, kind: 'group', chat: 'G' }, 'wamid.X', never)
    expect(fake.calls()).toEqual([])
    fake.graph.revokeToken()
    await adapter.typing?.(hello.to, 'wamid.X', never)
    expect(fake.marks()).toEqual([])
  })
})

it('a press of a row of a list comes back as the action, on the message it hung on', async () => {
  const { adapter, events } = connected(fake)
  const { message } = await adapter.send(makePart([text('Which?')], { buttons: buttons('a', 'b', 'c', 'd') }), never)
  await fake.shown()[0]?.buttons[3]?.press()
  expect(events).toMatchObject([
    { body: { kind: 'press', action: 'action-3', message }, where: { account: phoneNumberId } },
  ])
})
