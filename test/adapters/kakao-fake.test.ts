import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import kakao from '../../adapters/kakao/index.ts'
import type { InboundEvent, InlineAnswer } from '../../src/contract/index.ts'
import { never, text as textItem } from '../kit/adapter.ts'
import { type FakeKakao, startFakeKakao } from '../platforms/kakao.ts'
import { connected, makeKakao, makePart } from './kakao-kit.ts'

let fake: FakeKakao

const wordsOf = ({ body }: InboundEvent): string => (body.kind === 'text' ? body.text : body.kind)

const echo = (event: InboundEvent): InlineAnswer => ({
  kind: 'part',
  part: makePart([textItem(wordsOf(event))], { buttons: [{ label: 'Again', say: '/again', action: 'a1' }] }),
})

beforeEach(async () => {
  fake = await startFakeKakao({ timeoutMs: 200 })
})
afterEach(() => fake.close())

describe('a chat on KakaoTalk', () => {
  it('shows the answer of the open request to the person who wrote', async () => {
    connected(fake, echo)
    const reply = await fake.say(fake.people.bob, fake.places.dm, '／status')
    expect(reply?.status).toBe(200)
    expect(fake.shown()).toMatchObject([{ text: '/status', place: { chat: fake.people.bob.id, kind: 'dm' } }])
    expect(fake.errors()).toEqual([])
  })

  it('types the command of a pressed quick reply', async () => {
    connected(fake, echo)
    await fake.say(fake.people.ann, fake.places.dm, 'hello')
    await fake.shown()[0]?.buttons[0]?.press()
    expect(fake.shown().map(({ text }) => text)).toEqual(['hello', '/again'])
  })

  it('brings a request again with the same id', async () => {
    const ids: string[] = []
    connected(fake, (event) => {
      ids.push(event.id)
      return echo(event)
    })
    await fake.say(fake.people.ann, fake.places.dm, '/run fox')
    await fake.redeliver()
    await fake.say(fake.people.ann, fake.places.dm, '/run fox')
    expect(ids[1]).toBe(ids[0])
    expect(ids[2]).not.toBe(ids[0])
    expect(fake.shown()).toHaveLength(2)
  })

  it('politely refuses groups', async () => {
    connected(fake, echo)
    await fake.say(fake.people.ann, fake.places.group, '/run fox')
    expect(fake.shown()).toMatchObject([{ text: '<groups_unsupported>', place: fake.places.group }])
    expect(fake.errors()).toEqual([])
  })

  it('hands a photo over as a picture', async () => {
    const events: InboundEvent[] = []
    connected(fake, (event) => {
      events.push(event)
      return { kind: 'none', event }
    })
    const url = `${fake.origin}/dn/photo.png`
    await fake.sendPhoto(fake.people.ann, url)
    expect(events[0]).toMatchObject({ media: [{ kind: 'image', ref: url }], body: { kind: 'text', text: '' } })
  })

  it('gives up on a skill that answers too late', async () => {
    connected(fake, () => new Promise(() => {}))
    expect(await fake.say(fake.people.ann, fake.places.dm, '/run fox')).toBeNull()
    expect(fake.errors()).toEqual(['no answer within 200 ms'])
  })

  it('shows an error bubble for anything that is no valid answer', async () => {
    for (const body of ['OK', '{}', '{"version":"2.0","useCallback":true}']) {
      fake.connect(async () => ({ status: 200, headers: {}, body }))
      await fake.say(fake.people.ann, fake.places.dm, '/status')
    }
    fake.connect(async () => ({ status: 500, headers: {}, body: '' }))
    await fake.say(fake.people.ann, fake.places.dm, '/status')
    expect(fake.errors()).toHaveLength(4)
    expect(fake.shown()).toEqual([])
  })
})

describe('the module', () => {
  it('has one webhook where its settings say, and no way to edit or to show typing', () => {
    const { adapter } = makeKakao({ PORT: '9000', BIND: '127.0.0.2', PATH: '/k' })
    expect(adapter.intakes).toMatchObject([
      { kind: 'webhook', host: '127.0.0.2', port: 9000, path: '/k', methods: ['POST'] },
    ])
    expect([adapter.edit, adapter.typing]).toEqual([kakao.capabilities.edit, kakao.capabilities.typing])
    expect(adapter.account).toBe('default')
  })

  it('tells how to test the setup, and that a missing secret is a fault', async () => {
    const open = await makeKakao({}).adapter.probe(never)
    expect(open.filter(({ ok }) => !ok).map(({ name }) => name)).toEqual(['skill secret'])
    const safe = await makeKakao(fake.settings).adapter.probe(never)
    expect(safe.every(({ ok }) => ok)).toBe(true)
    expect(JSON.stringify(safe)).toContain('/kakao/webhook')
    for (const secret of fake.secrets) expect(JSON.stringify(safe)).not.toContain(secret)
  })
})
