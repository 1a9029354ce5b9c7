import { describe, expect, test } from 'vitest'
import type { RawReply, Shown, Wire } from '../platforms/platform.ts'
import { type FakeWechat, startFakeWechat, type WechatOptions } from '../platforms/wechat.ts'
import { asked, prompts } from './backend.ts'
import type { OnEnd } from './harness.ts'
import { until } from './process.ts'
import { hasMedia, logged, openWebhooks, shows, slowStatus, type Webhooks, type WebhooksWanted } from './webhooks.ts'

const base = 'https://connector.example'
const links = { OPENCLAW_CONNECTOR_PUBLIC_BASE_URL: base }

interface WechatHouse extends Webhooks {
  readonly wechat: FakeWechat
  /** Ann writes; what she is shown by then. */
  readonly say: (text: string) => Promise<readonly Shown[]>
  /** While it is closed, deliveries wait on their way to us. */
  readonly door: { close: () => void; open: () => void }
}

/** The connection of one delivery is cut before the next one comes, as WeChat does. */
const openWechat = async (
  onEnd: OnEnd,
  options: WechatOptions = {},
  wanted: WebhooksWanted = {},
): Promise<WechatHouse> => {
  const wechat = await startFakeWechat(options)
  let before = new AbortController()
  let passed = Promise.resolve()
  let open = (): void => {}
  const wire: WebhooksWanted['wire'] =
    (to): Wire =>
    async (call): Promise<RawReply> => {
      before.abort()
      const mine = new AbortController()
      before = mine
      await passed
      return to(call, mine.signal)
    }
  const house = await openWebhooks(onEnd, [wechat], { ...wanted, wire })
  return {
    ...house,
    wechat,
    say: async (text) => {
      const seen = wechat.shown().length
      await wechat.say(wechat.people.ann, wechat.places.dm, text)
      return wechat.shown().slice(seen)
    },
    door: {
      close: () => {
        passed = new Promise((resolve) => {
          open = resolve
        })
      },
      open: () => open(),
    },
  }
}

const textOf = (shown: readonly Shown[]): string => shown.map(({ text }) => text).join('\n')
const fire = 'POST /openclaw/triggers/fire'
const begun = ({ simulator }: WechatHouse): Promise<true> =>
  until('the submission', () => asked(simulator, fire).length === 1)
const custom = ({ wechat }: WechatHouse): readonly string[] =>
  wechat.api
    .calls()
    .map(({ method }) => method)
    .filter((method) => method !== 'stable_token')

describe.concurrent('on WeChat, an account that can only answer', () => {
  const passive: WechatOptions = { keys: false, deliveryMs: null }

  test('the deliveries of a slow command meet one command, and the open one gets its answer', async ({
    onTestFinished,
  }) => {
    const house = await openWechat(onTestFinished, passive)
    const { wechat, simulator, say } = house
    simulator.control.hangNext(fire, 900)
    const asking = say('/run portrait a blue whale')
    await begun(house)
    wechat.cut()
    await until('the second delivery', () => wechat.deliveries() === 2)
    expect(textOf(await asking)).toContain('[Job Submitted] portrait')
    expect(wechat.deliveries()).toBe(2)
    await simulator.control.idle()
    expect(prompts(simulator)).toEqual(['a blue whale'])
    expect(textOf(wechat.shown()).match(/\[Job Submitted\]/g)).toHaveLength(1)
    expect(wechat.errors()).toEqual([])
    expect(custom(house)).toEqual([])
  })

  test('an answer that is ready between two deliveries is on the next one, once', async ({ onTestFinished }) => {
    const house = await openWechat(onTestFinished, passive)
    const { wechat, simulator, say, door } = house
    simulator.control.hangNext(fire, 500)
    const asking = say('/run portrait a blue whale')
    await begun(house)
    door.close()
    wechat.cut()
    await logged(house, 'event settled')
    door.open()
    expect(textOf(await asking)).toContain('[Job Submitted] portrait')
    expect([wechat.deliveries(), prompts(simulator)]).toEqual([2, ['a blue whale']])
    await simulator.control.idle()
    const result = await until('the result', async () => {
      const shown = await say('/inbox')
      return textOf(shown).includes('prompt: a blue whale') && shown
    })
    expect(textOf(result)).not.toContain('[Job Submitted]')
    expect(textOf(wechat.shown()).match(/\[Job Submitted\]/g)).toHaveLength(1)
    expect(wechat.errors()).toEqual([])
  })

  test('a command slower than three deliveries says so in time; its answer is told and given with the next', async ({
    onTestFinished,
  }) => {
    const house = await openWechat(onTestFinished, passive)
    const { wechat, say } = house
    slowStatus(house, 8000)
    const asking = say('/status')
    for (const nth of [1, 2]) {
      await until(
        `delivery ${nth}`,
        () => asked(house.simulator, 'GET /queue').length > 0 && wechat.deliveries() === nth,
      )
      wechat.cut()
    }
    expect(textOf(await asking)).toContain('Still working')
    expect([wechat.deliveries(), wechat.errors()]).toEqual([3, []])
    const next = await until('it is told', async () => {
      const shown = await say('/whoami')
      return textOf(shown).includes('waiting for you') && shown
    })
    expect(textOf(next)).toMatch(/You are wechat:[\s\S]*1 answer waiting for you: \/inbox/)
    expect(textOf(await say('/inbox'))).toContain('[Online] System Status')
    expect(textOf(await say('/inbox'))).toBe('Nothing is waiting for you.')
    expect(textOf(wechat.shown()).match(/\[Online\]/g)).toHaveLength(1)
  })

  test('a result is fetched as an article with its picture, in the open just as encrypted', async ({
    onTestFinished,
  }) => {
    const house = await openWechat(onTestFinished, { ...passive, mode: 'plain' }, { env: links })
    const { say, wechat } = house
    expect(textOf(await say('/run portrait a blue whale'))).toContain('[Job Submitted]')
    await house.simulator.control.idle()
    const first = await until('the result', async () => {
      const shown = await say('/inbox')
      return !textOf(shown).includes('Nothing is waiting') && shown
    })
    const rest = await say('/inbox')
    expect(textOf([...first, ...rest])).toContain('prompt: a blue whale')
    expect([...first, ...rest].filter(hasMedia)).toMatchObject([{ media: [{ kind: 'image', as: 'news' }] }])
    expect(wechat.errors()).toEqual([])
  })
})

describe.concurrent('on WeChat, an account that may write first', () => {
  test('a film is pushed as a film, with a small JPEG beside it', async ({ onTestFinished }) => {
    const { wechat, say } = await openWechat(onTestFinished)
    expect(textOf(await say('/run video a whale'))).toContain('[Job Submitted] video')
    const film = await shows(wechat, wechat.places.dm, hasMedia)
    expect(film.media).toMatchObject([{ kind: 'video', as: 'video', mime: 'video/mp4' }])
    expect(wechat.errors()).toEqual([])
  })

  test('a run is acknowledged in the open request, and its result is pushed as a picture', async ({
    onTestFinished,
  }) => {
    const house = await openWechat(onTestFinished)
    const { wechat, say } = house
    const { dm } = wechat.places
    expect(textOf(await say('/run portrait a blue whale'))).toContain('[Job Submitted] portrait')
    const picture = await shows(wechat, dm, hasMedia)
    expect(picture.media).toMatchObject([{ kind: 'image', as: 'image', mime: 'image/png' }])
    await shows(wechat, dm, /prompt: a blue whale/)
    await wechat.redeliver()
    expect(wechat.shown().filter(hasMedia)).toHaveLength(1)
    expect([prompts(house.simulator), wechat.errors()]).toEqual([['a blue whale'], []])
  })

  test('that it may not is recognised once; what it can not say is told and given with the next message', async ({
    onTestFinished,
  }) => {
    const house = await openWechat(onTestFinished, {}, { env: links })
    const { wechat, say, simulator } = house
    wechat.api.grant(false)
    expect(textOf(await say('/run portrait a blue whale'))).toContain('[Job Submitted]')
    await simulator.control.idle()
    const told = await until('it is told', async () => {
      const shown = await say('/whoami')
      return textOf(shown).includes('waiting for you') && shown
    })
    expect(textOf(told)).toContain('/inbox')
    const got = [...(await say('/inbox')), ...(await say('/inbox'))]
    expect(textOf(got)).toContain('prompt: a blue whale')
    expect(got.filter(hasMedia)).toHaveLength(1)
    expect(custom(house)).toHaveLength(1)

    expect(await house.daemon().stop()).toBe(0)
    await house.start()
    expect(textOf(await say('/run portrait a second whale'))).toContain('[Job Submitted]')
    await simulator.control.idle()
    await until('the second result', async () => textOf(await say('/inbox')).includes('prompt: a second whale'))
    expect(custom(house)).toHaveLength(1)
    expect(wechat.errors()).toEqual([])
  })

  test('a result that may no longer be sent waits, and comes beside the next answer', async ({ onTestFinished }) => {
    const house = await openWechat(onTestFinished)
    const { wechat, say, simulator } = house
    simulator.control.pause()
    await say('/run portrait a blue whale')
    wechat.api.allow(wechat.people.ann.id, 0, -1)
    simulator.control.resume()
    await simulator.control.idle()
    await logged(house, 'send failed')
    expect(wechat.shown().filter(hasMedia)).toEqual([])
    expect(textOf(await say('/whoami'))).toContain('You are wechat:')
    await shows(wechat, wechat.places.dm, hasMedia)
    await shows(wechat, wechat.places.dm, /prompt: a blue whale/)
    expect(textOf(await say('/inbox'))).toBe('Nothing is waiting for you.')
    expect([prompts(simulator), wechat.errors()]).toEqual([['a blue whale'], []])
  })

  test('nobody but WeChat is let in, and the console’s check of the address is answered', async ({
    onTestFinished,
  }) => {
    const house = await openWechat(onTestFinished)
    for (const { name, call, status } of house.wechat.forgeries()) {
      const reply = await house.ask('wechat', call)
      expect([name, reply.status]).toEqual([name, status])
      expect(reply.body).toMatch(/^[a-z ]{0,40}$/)
    }
    expect(await house.wechat.check('1234567890')).toMatchObject({ status: 200, body: '1234567890' })
    expect(house.simulator.control.jobs()).toEqual([])
  })
})
