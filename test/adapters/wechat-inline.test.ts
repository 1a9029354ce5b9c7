import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { makeDeliveries } from '../../adapters/wechat/deliveries.ts'
import { plain } from '../../adapters/wechat/encode.ts'
import type { AdapterDeps, InboundEvent, InlineAnswer, Part } from '../../src/contract/index.ts'
import { never, requestOf, text as textItem } from '../kit/adapter.ts'
import { type FakeWechat, type Mode, startFakeWechat, type WechatOptions } from '../platforms/wechat.ts'
import { connected, makePart, makeWechat, mediaItem, type Wechat } from './wechat-kit.ts'

let fake: FakeWechat

const open = async (options: WechatOptions = {}): Promise<void> => {
  fake = await startFakeWechat({ deliveryMs: null, ...options })
}
const answering =
  (part: Part) =>
  (event: InboundEvent): InlineAnswer => ({ kind: 'part', part: { ...part, to: event.where } })
/** What ann sees of the answer in the open request. */
const seen = async (part: Part, deps: Partial<AdapterDeps> = {}) => {
  connected(fake, answering(part), deps)
  const before = fake.shown().length
  await fake.say(fake.people.ann, fake.places.dm, 'hello')
  expect(fake.errors()).toEqual([])
  return fake.shown().slice(before)
}
const button = (label: string, say: string) => ({ label, say, action: say })
const link = (blob: string): string => `https://media.example.org/${blob}`

beforeEach(() => open())
afterEach(() => fake.close())

describe.each<Mode>(['plain', 'compatible', 'safe'])('an answer in the open request, in %s mode', (mode) => {
  beforeEach(async () => {
    await fake.close()
    await open({ mode })
  })

  it('is one message to who wrote', async () => {
    expect(await seen(makePart([textItem('a red fox')]))).toMatchObject([{ text: 'a red fox', place: fake.places.dm }])
  })

  it('may hold anything, and nothing is escaped', async () => {
    const text = ']]> <template> &amp; "fox" \n\n  ]]]]><![CDATA[> 狐狸 🦊'
    expect((await seen(makePart([textItem(text)])))[0]?.text).toBe(text)
  })

  it('is success where there is nothing to say', async () => {
    connected(fake)
    const reply = await fake.say(fake.people.ann, fake.places.dm, 'hello')
    expect(reply).toMatchObject({ status: 200, body: 'success' })
    expect(fake.shown()).toEqual([])
  })
})

describe('the words of an answer', () => {
  it('are cut to 2048 bytes between characters, visibly', async () => {
    const [message] = await seen(makePart([textItem('狐'.repeat(700))]))
    expect(message?.text).toBe(`${'狐'.repeat(681)}…`)
  })

  it('fit as they are with 2048 bytes', async () => {
    expect((await seen(makePart([textItem('x'.repeat(2048))])))[0]?.text).toHaveLength(2048)
  })

  it('lose what XML can not hold', async () => {
    expect((await seen(makePart([textItem('a\u0000b\u001bc\ufffed\ud800e\tf')])))[0]?.text).toBe('abcd\ufffde\tf')
  })

  it('are never empty', async () => {
    expect((await seen(makePart([textItem(' \n')])))[0]?.text).toBe('<empty>')
  })

  it('say that they may be a repeat', async () => {
    expect((await seen(makePart([textItem('done')], { repeated: true })))[0]?.text).toBe('<maybe_repeated>\ndone')
  })

  it('name the buttons, as nothing can be tapped', async () => {
    const buttons = [button('Approve', '/approve apr_1'), button('Reject', '/reject apr_1')]
    expect((await seen(makePart([textItem('Well?')], { buttons })))[0]?.text).toBe(
      'Well?\nApprove: /approve apr_1\nReject: /reject apr_1',
    )
  })

  it('leave a button out whole where it has no room', async () => {
    const buttons = [button('Stop', '/stop'), button('Approve', '/approve apr_1')]
    const text = 'x'.repeat(2035)
    expect((await seen(makePart([textItem(text)], { buttons })))[0]?.text).toBe(`${text}\nStop: /stop`)
  })

  it('leave links to click, and make none of markup somebody else wrote', () => {
    expect(plain('see https://example.org/a?b=1&c=2')).toBe('see https://example.org/a?b=1&c=2')
    expect(plain('<a href="https://evil.example">bank</a>')).toBe('<\u2060a href="https://evil.example">bank</a>')
    expect(plain('<A\nhref=x>')).toBe('<\u2060A\nhref=x>')
    expect(plain('a <abc> <b>')).toBe('a <abc> <b>')
  })
})

describe('a file in the open request', () => {
  const media = { open: async () => new Blob(['fox']), link }
  const image = mediaItem('image', 'image')

  it('is an article with its picture and its link', async () => {
    const [message] = await seen(makePart([image], { buttons: [button('More', '/inbox')] }), { media })
    expect(message).toMatchObject({ text: 'More: /inbox', media: [{ kind: 'image', as: 'news', name: 'fox.png' }] })
  })

  it('shows a small picture of a video where there is one', async () => {
    const preview = { blob: 'small', mime: 'image/jpeg', bytes: 10 }
    const { inline } = makeWechat(fake.settings, { media })
    const plainFake = makeWechat({ TOKEN: fake.settings.TOKEN ?? '' }, { media })
    const part = makePart([mediaItem('video', 'video', { preview })])
    expect(plainFake.inline({ kind: 'part', part }).answer.body).toContain(`<PicUrl><![CDATA[${link('small')}]]>`)
    expect(inline({ kind: 'part', part }).answer.body).toContain('<Encrypt>')
  })

  it('is told by its name, and why it is not shown, where no link can be made', async () => {
    expect(await seen(makePart([image]), { media: { ...media, link: () => null } })).toMatchObject([
      { text: 'fox.png\n<no_link>', media: [] },
    ])
  })

  it.each([
    ['image', 'image', image],
    ['audio', 'voice', mediaItem('audio', 'voice')],
    ['video', 'video', mediaItem('video', 'video', { preview: { blob: 'small', mime: 'image/jpeg', bytes: 3 } })],
  ] as const)('that was uploaded by an earlier try is shown by itself: %s', async (_, as, item) => {
    const part = makePart([item])
    const made = connected(fake, answering(part), { media: { ...media, link: () => null } })
    await fake.say(fake.people.ann, fake.places.dm, 'hello')
    fake.api.answerNext('message/custom/send', 45047)
    await expect(made.adapter.send(part, never)).rejects.toMatchObject({ code: 'window_closed', delivered: 'no' })
    await fake.say(fake.people.ann, fake.places.dm, 'and now?')
    expect(fake.shown().at(-1)).toMatchObject({ media: [{ as, bytes: 3 }] })
    expect(fake.errors()).toEqual([])
  })
})

describe('the three deliveries of a message', () => {
  /** Keeps the answer back until told. */
  const held = () => {
    let give = (_: InlineAnswer): void => {}
    const answer = new Promise<InlineAnswer>((resolve) => {
      give = resolve
    })
    return { answer, give: (to: InlineAnswer) => give(to) }
  }
  const done: InlineAnswer = { kind: 'part', part: makePart([textItem('done')]) }

  it.each([0, 1, 2])(
    'meet one piece of work, and its answer is given on the one that is open: after %i cuts',
    async (cuts) => {
      await fake.close()
      await open({ keys: false })
      const { answer, give } = held()
      const { core } = connected(fake, () => answer)
      const said = fake.say(fake.people.ann, fake.places.dm, '/run fox')
      for (let nth = 1; nth <= cuts; nth++) {
        await expect.poll(() => core.waits.length, { interval: 2 }).toBe(nth)
        fake.cut()
      }
      await expect.poll(() => core.waits.length, { interval: 2 }).toBe(cuts + 1)
      give(done)
      await said
      expect(core.events).toHaveLength(1)
      expect(core.waits).toEqual([5500, 5500, 4200].slice(0, cuts + 1))
      expect(fake.shown()).toMatchObject([{ text: 'done' }])
      expect(fake.deliveries()).toBe(cuts + 1)
    },
  )

  it('end with a word where nothing can be pushed, and the person sees no error', async () => {
    await fake.close()
    await open({ keys: false })
    connected(fake, (event) => ({ kind: 'late', event }))
    await fake.say(fake.people.ann, fake.places.dm, '/run fox')
    expect(fake.shown()).toMatchObject([{ text: '<still_working>' }])
    expect(fake.errors()).toEqual([])
  })

  it('are one where the answer can be pushed later', async () => {
    const { core } = connected(fake, (event) => ({ kind: 'late', event }))
    const reply = await fake.say(fake.people.ann, fake.places.dm, '/run fox')
    expect(reply?.body).toBe('success')
    expect(core.waits).toEqual([4200])
    expect(fake.deliveries()).toBe(1)
  })

  it('that all stay without an answer show the person an error: so the fake is a strict judge', async () => {
    await fake.close()
    await open({ deliveryMs: 5 })
    fake.connect(() => new Promise(() => {}))
    expect(await fake.say(fake.people.ann, fake.places.dm, 'hello')).toBeNull()
    expect([fake.deliveries(), fake.errors()]).toEqual([3, ['no answer to three deliveries']])
  })

  it('are told apart by WeChat’s own clock after a restart', async () => {
    await fake.close()
    let nowMs = 1_773_619_200_000
    await open({ mode: 'plain', keys: false, now: () => nowMs })
    const body = fake.xml(fake.people.ann, 'text', '<Content>hi</Content><MsgId>1</MsgId>')
    const waitOf = async (made: Wechat): Promise<unknown> => made.receive(requestOf(fake.signed(body)))
    const fresh = (): Wechat => makeWechat(fake.settings, { now: () => nowMs })
    nowMs += 5_000
    expect(await waitOf(fresh())).toMatchObject({ waitMs: 5500 })
    nowMs += 5_000
    expect(await waitOf(fresh())).toMatchObject({ waitMs: 4200 })
    // No delivery comes that late: such a time tells nothing, and the count does.
    nowMs += 60_000
    expect(await waitOf(fresh())).toMatchObject({ waitMs: 5500 })
  })

  it('are counted in a bounded way, and forgotten after a minute', () => {
    let nowMs = 0
    const { waitMs } = makeDeliveries(() => nowMs)
    const waits = (id: string, count: number): readonly number[] =>
      Array.from({ length: count }, () => waitMs(id, 0, false))
    expect(waits('a', 4)).toEqual([5500, 5500, 4200, 4200])
    nowMs = 60_000
    expect(waits('a', 3)).toEqual([5500, 5500, 4200])
    for (let nth = 0; nth < 2_000; nth++) waitMs(`n${nth}`, 0, false)
    expect(waits('a', 1)).toEqual([5500])
  })
})
