import { describe, expect, test } from 'vitest'
import type { Shown } from '../platforms/platform.ts'
import { prompts } from './backend.ts'
import { type House, openHouse } from './harness.ts'
import { until } from './process.ts'
import { chatOf } from './telegram.ts'

const base = 'https://connector.example'

/** Ann's chat on KakaoTalk: nobody can be told anything there before they write. */
const annOn = ({ kakao }: House) => {
  const say = async (text: string): Promise<readonly Shown[]> => {
    const before = kakao.shown().length
    await kakao.say(kakao.people.ann, kakao.places.dm, text)
    return kakao.shown().slice(before)
  }
  /** Asks until it is no longer too early. */
  const fetch = (): Promise<readonly Shown[]> =>
    until('an answer in the mailbox', async () => {
      const shown = await say('/inbox')
      return shown.some(({ text }) => /^(Nothing is waiting|Still working)/.test(text)) ? null : shown
    })
  return { say, fetch }
}

const labels = (shown: readonly Shown[]): readonly string[] =>
  shown.flatMap(({ buttons }) => buttons.map((b) => b.label))
const textOf = (shown: readonly Shown[]): string => shown.map(({ text }) => text).join('\n')

const callOf = async (house: House, text: string): Promise<{ body: string; headers: Record<string, string> }> => {
  let seen = { body: '', headers: {} as Record<string, string> }
  house.kakao.connect(async (call) => {
    seen = { body: String(call.body), headers: { ...call.headers } }
    return { status: 200, headers: {}, body: '' }
  })
  await house.kakao.say(house.kakao.people.ann, house.kakao.places.dm, text)
  house.kakao.connect(house.wire)
  return seen
}

describe.concurrent('on KakaoTalk', () => {
  test('help is the answer of the request itself', async ({ onTestFinished }) => {
    const house = await openHouse(onTestFinished, { kakao: true, telegram: false })
    const shown = await annOn(house).say('/help')
    expect(textOf(shown)).toContain('I run ComfyUI for you')
    expect(house.kakao.errors()).toEqual([])
  })

  test('requests that are not proven or not from our bot are refused and learn nothing', async ({ onTestFinished }) => {
    const house = await openHouse(onTestFinished, { kakao: true, telegram: false })
    for (const { name, call, status } of house.kakao.forgeries()) {
      const reply = await house.wire(call)
      expect([name, reply.status]).toEqual([name, status])
      expect(reply.body).toMatch(/^[a-z ]{0,40}$/)
    }
    expect(house.simulator.control.jobs()).toEqual([])
  })

  test('a run is answered at once, counted on the next message, and fetched as a picture that is really served', async ({
    onTestFinished,
  }) => {
    const house = await openHouse(onTestFinished, {
      kakao: true,
      telegram: false,
      env: { OPENCLAW_CONNECTOR_PUBLIC_BASE_URL: base },
    })
    const { kakao, simulator } = house
    const ann = annOn(house)
    const startedMs = Date.now()
    const ack = await ann.say('/run portrait a blue whale')
    expect(Date.now() - startedMs).toBeLessThan(4500)
    expect(textOf(ack)).toContain('[Job Submitted] portrait')
    expect(labels(ack)).toEqual(['Get the answer', 'Cancel'])
    await simulator.control.idle()
    const next = await until('the count', async () => {
      const shown = await ann.say('/whoami')
      return textOf(shown).includes('answer waiting for you') && shown
    })
    expect(textOf(next)).toContain('You are kakao:')
    expect(textOf(next)).toContain('1 answer waiting for you: /inbox')
    expect(labels(next)).toEqual(['Get the answer'])
    expect(labels(await ann.say('/run portrait a second whale')).toSorted()).toEqual(['Cancel', 'Get the answer'])
    await next.at(-1)?.buttons[0]?.press()
    expect(textOf(kakao.shown().slice(-3))).toContain('prompt: a blue whale')
    const [url = ''] = kakao.imageUrls()
    expect(url.startsWith(`${base}/media/`)).toBe(true)
    const served = await fetch(url.replace(base, house.kakaoUrl))
    expect([served.status, served.headers.get('content-type')]).toEqual([200, 'image/png'])
    expect((await served.bytes()).subarray(1, 4)).toEqual(new TextEncoder().encode('PNG'))
    const forged = await fetch(url.replace(base, house.kakaoUrl).replace(/.$/, (end) => (end === 'A' ? 'B' : 'A')))
    expect(forged.status).toBeGreaterThanOrEqual(400)
    await forged.arrayBuffer()
    expect(textOf(await ann.fetch())).toContain('prompt: a second whale')
    expect(textOf(await ann.say('/inbox'))).toBe('Nothing is waiting for you.')
    expect(prompts(simulator)).toEqual(['a blue whale', 'a second whale'])
    expect(kakao.errors()).toEqual([])
  })

  test('without a public address the picture is told in words', async ({ onTestFinished }) => {
    const house = await openHouse(onTestFinished, { kakao: true, telegram: false })
    const ann = annOn(house)
    await ann.say('/run portrait a blue whale')
    const result = textOf(await ann.fetch())
    expect(result).toContain('prompt: a blue whale')
    expect(result).toMatch(/portrait_\d+_\.png can not be shown here until the operator sets a public address/)
    expect(house.kakao.imageUrls()).toEqual([])
  })

  test('a callback address is promised first, and gets the result once', async ({ onTestFinished }) => {
    const house = await openHouse(onTestFinished, {
      kakao: true,
      telegram: false,
      env: { OPENCLAW_CONNECTOR_PUBLIC_BASE_URL: base },
    })
    const { kakao } = house
    const ann = annOn(house)
    kakao.offerCallbacks(true)
    const reply = await kakao.say(kakao.people.ann, kakao.places.dm, '/run portrait a blue whale')
    expect(JSON.parse(reply?.body ?? '')).toMatchObject({ version: '2.0', useCallback: true })
    await until('the picture', () => kakao.imageUrls().length === 1, kakao.errors)
    expect(textOf(kakao.shown())).toContain('prompt: a blue whale')
    kakao.offerCallbacks(false)
    // What the promise said waits nowhere, and the result does not come a second time.
    expect(textOf(await ann.say('/inbox'))).toBe('Nothing is waiting for you.')
    expect(kakao.calls()).toHaveLength(1)
    expect(kakao.imageUrls()).toHaveLength(1)
    expect(kakao.errors()).toEqual([])
  })

  test('a command that takes longer than allowed says so in time, and its answer can be fetched', async ({
    onTestFinished,
  }) => {
    const env = { OPENCLAW_CONNECTOR_KAKAO_RESPONSE_TIMEOUT_MS: '600' }
    const house = await openHouse(onTestFinished, { kakao: true, telegram: false, env })
    const ann = annOn(house)
    house.simulator.control.hangNext('GET /openclaw/health', 4000)
    house.simulator.control.hangNext('GET /queue', 4000)
    const startedMs = Date.now()
    const late = await ann.say('/status')
    expect(Date.now() - startedMs).toBeLessThan(3000)
    expect(textOf(late)).toContain('Still working on it')
    expect(labels(late)).toEqual(['Get the answer'])
    expect(textOf(await ann.fetch())).toContain('[Online] System Status')
    expect(house.kakao.errors()).toEqual([])
  })

  test('a request that comes again gets the same answer and runs nothing; the same words in a new one do', async ({
    onTestFinished,
  }) => {
    const house = await openHouse(onTestFinished, { kakao: true, telegram: false })
    const { simulator } = house
    const { body, headers } = await callOf(house, '/run portrait a blue whale')
    const call = { method: 'POST', path: '/kakao/webhook', headers, body }
    const [first, twin] = await Promise.all([house.wire(call), house.wire(call)])
    const third = await house.wire(call)
    expect(first.body).toContain('[Job Submitted]')
    expect([twin.body, third.body]).toEqual([first.body, first.body])
    expect(prompts(simulator)).toEqual(['a blue whale'])
    await house.wire({ ...call, headers: { ...headers, 'x-request-id': 'another-request' } })
    expect(prompts(simulator)).toEqual(['a blue whale', 'a blue whale'])
  })

  test('without a secret nobody is proven: runs go through an approval, and admins are refused', async ({
    onTestFinished,
  }) => {
    const kakaoAnn = `kakao:${'fa4ef'.repeat(13)}01`
    const house = await openHouse(onTestFinished, {
      kakao: true,
      env: {
        OPENCLAW_CONNECTOR_KAKAO_WEBHOOK_SECRET: '',
        OPENCLAW_CONNECTOR_ADMIN_USERS: `telegram:501000222,${kakaoAnn}`,
      },
    })
    const { kakao, telegram, simulator } = house
    expect(`kakao:${kakao.people.ann.id}`).toBe(kakaoAnn)
    const ann = annOn(house)
    const bob = chatOf(telegram, telegram.people.bob)
    expect(textOf(await ann.say('/approvals'))).toMatch(/^\[Access Denied\] This chat can not prove who you are/)
    expect(textOf(await ann.say('/run portrait a blue whale'))).toContain('[Approval Requested]')
    await bob.shows('[Approval Requested]')
    expect(simulator.control.jobs()).toEqual([])
    bob.press('[Approval Requested]', 'Approve')
    await bob.shows('[Approved] by Bob')
    await simulator.control.idle()
    const results = await until('the result', async () => {
      await ann.fetch()
      return kakao.shown().find(({ text }) => text.includes('prompt: a blue whale') && text.includes('portrait ·'))
    })
    expect(results.text).toContain('a blue whale')
    expect(prompts(simulator)).toEqual(['a blue whale'])
  })

  test('nothing malformed is answered with a server error', async ({ onTestFinished }) => {
    const house = await openHouse(onTestFinished, { kakao: true, telegram: false })
    const { body, headers } = await callOf(house, '/help')
    const whole = JSON.parse(body) as { userRequest: object }
    const wrong = (userRequest: unknown): string => JSON.stringify({ ...whole, userRequest })
    const bodies = [
      '',
      '{',
      'null',
      '[]',
      '"text"',
      '{}',
      wrong(null),
      wrong([]),
      wrong({ ...whole.userRequest, user: null }),
      wrong({ ...whole.userRequest, user: { id: 7 } }),
      wrong({ ...whole.userRequest, utterance: { text: '/help' } }),
      wrong({ ...whole.userRequest, utterance: '\ud800\u0000/run' }),
      wrong({ ...whole.userRequest, utterance: `/run portrait ${'x'.repeat(9000)}` }),
      wrong({ ...whole.userRequest, callbackUrl: 'http://169.254.169.254/latest' }),
      wrong({ ...whole.userRequest, utterance: '[['.repeat(500) }),
      `${'['.repeat(20_000)}`,
      'x'.repeat(70_000),
    ]
    const path = '/kakao/webhook'
    for (const [i, one] of bodies.entries()) {
      const reply = await house.wire({
        method: 'POST',
        path,
        body: one,
        headers: { ...headers, 'x-request-id': `m${i}` },
      })
      expect(reply.status, one.slice(0, 100)).toBeLessThan(500)
      if (reply.status === 200) expect(JSON.parse(reply.body)).toMatchObject({ version: '2.0' })
    }
    for (const method of ['PUT', 'DELETE']) {
      expect((await house.wire({ method, path, body, headers })).status).toBe(405)
    }
    expect((await fetch(`${house.kakaoUrl}/elsewhere`)).status).toBe(404)
    expect(textOf(await annOn(house).say('/whoami'))).toContain('You are kakao:')
  })

  test('the answer for somebody who hung up waits for them', async ({ onTestFinished }) => {
    const house = await openHouse(onTestFinished, { kakao: true, telegram: false })
    const { body, headers } = await callOf(house, '/status')
    house.simulator.control.hangNext('GET /openclaw/health', 800)
    house.simulator.control.hangNext('GET /queue', 800)
    const gone = new AbortController()
    const request = fetch(`${house.kakaoUrl}/kakao/webhook`, { method: 'POST', headers, body, signal: gone.signal })
    await until('it is being worked on', () => house.simulator.control.requests().length > 2)
    gone.abort()
    await expect(request).rejects.toThrow('abort')
    expect(textOf(await annOn(house).fetch())).toContain('[Online] System Status')
  })

  test('more than one answer can hold is fetched bit by bit', async ({ onTestFinished }) => {
    const house = await openHouse(onTestFinished, {
      kakao: true,
      telegram: false,
      env: { OPENCLAW_CONNECTOR_PUBLIC_BASE_URL: base },
    })
    const { kakao } = house
    const ann = annOn(house)
    await ann.say('/run many a blue whale')
    const first = await ann.fetch()
    expect(first).toHaveLength(3)
    expect(labels(first)).toEqual(['More (1)'])
    await first.at(-1)?.buttons[0]?.press()
    expect(kakao.imageUrls()).toHaveLength(4)
    expect(new Set(kakao.imageUrls()).size).toBe(4)
    expect(textOf(kakao.shown())).toContain('2 more not sent (at most 4 a job)')
    expect(textOf(await ann.say('/inbox'))).toBe('Nothing is waiting for you.')
    expect(kakao.errors()).toEqual([])
  })

  test('groups are told what is possible; a photo becomes the input of the next run', async ({ onTestFinished }) => {
    const house = await openHouse(onTestFinished, { kakao: true, telegram: false })
    const { kakao } = house
    await kakao.say(kakao.people.ann, kakao.places.group, '/run portrait a blue whale')
    expect(textOf(kakao.shown())).toContain('one-to-one chats')
    await kakao.sendPhoto(kakao.people.ann, `${kakao.origin}/dn/photo.png`)
    expect(textOf(kakao.shown())).toContain('Got the picture')
    expect(house.simulator.control.jobs()).toEqual([])
    expect(textOf(await annOn(house).say('/run img2img a blue whale'))).toContain('I took the picture you sent last')
    const [job] = house.simulator.control.jobs()
    expect(job?.prompt['10']?.inputs.image).toMatch(/^openclaw-connector\/[0-9a-f]{24}\.png$/)
    expect(kakao.errors()).toEqual([])
  })

  test('what waits is still there after a restart, and its picture is served', async ({ onTestFinished }) => {
    const house = await openHouse(onTestFinished, {
      kakao: true,
      telegram: false,
      env: { OPENCLAW_CONNECTOR_PUBLIC_BASE_URL: base },
    })
    const { kakao, simulator } = house
    const ann = annOn(house)
    simulator.control.pause()
    await ann.say('/run portrait a blue whale')
    await house.daemon().stop()
    simulator.control.resume()
    await simulator.control.idle()
    await house.start()
    expect(textOf(await ann.fetch())).toContain('prompt: a blue whale')
    const served = await fetch(kakao.imageUrls()[0]?.replace(base, house.kakaoUrl) ?? '')
    expect(served.status).toBe(200)
    await served.arrayBuffer()
    expect(textOf(await ann.say('/inbox'))).toBe('Nothing is waiting for you.')
    expect(prompts(simulator)).toEqual(['a blue whale'])
  })

  test('a request that is open when the daemon is asked to end is still answered', async ({ onTestFinished }) => {
    const house = await openHouse(onTestFinished, { kakao: true, telegram: false })
    house.simulator.control.hangNext('GET /openclaw/health', 700)
    house.simulator.control.hangNext('GET /queue', 700)
    const asking = annOn(house).say('/status')
    await until('it is being worked on', () => house.simulator.control.requests().length > 2)
    expect(await house.daemon().stop()).toBe(0)
    expect(textOf(await asking)).toContain('[Online] System Status')
  })
})
