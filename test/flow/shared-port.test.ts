import { describe, expect, test } from 'vitest'
import { startFakeKakao } from '../platforms/kakao.ts'
import { startLine } from '../platforms/line.ts'
import { startFakeWechat } from '../platforms/wechat.ts'
import { startWhatsapp } from '../platforms/whatsapp.ts'
import { prompts } from './backend.ts'
import { until } from './process.ts'
import { hasMedia, openWebhooks, readyz, shows } from './webhooks.ts'

const base = 'https://connector.example'

describe.concurrent('one port', () => {
  test('where two platforms are given one path the second is off and says so, and the first works', async ({
    onTestFinished,
  }) => {
    const [line, whatsapp] = await Promise.all([startLine(), startWhatsapp()])
    const house = await openWebhooks(onTestFinished, [line, whatsapp], {
      port: 'common',
      env: { OPENCLAW_CONNECTOR_WHATSAPP_PATH: '/line/webhook' },
      errors: [/^webhook not opened$/],
    })
    expect((await readyz(house)).platforms).toMatchObject({
      line: { state: 'up' },
      whatsapp: {
        state: 'failed',
        about: expect.stringMatching(/^\/line\/webhook on .* the path of line: set another/),
      },
    })
    await line.say(line.people.ann, line.places.dm, '/whoami')
    await shows(line, line.places.dm, /You are line:/)
  })

  test('serves all webhooks and the media links; a job on each at once ends in the right chat', async ({
    onTestFinished,
  }) => {
    const [line, whatsapp, wechat, kakao] = await Promise.all([
      startLine(),
      startWhatsapp(),
      startFakeWechat(),
      startFakeKakao(),
    ])
    const fakes = [line, whatsapp, wechat, kakao]
    const house = await openWebhooks(onTestFinished, fakes, {
      port: 'common',
      env: { OPENCLAW_CONNECTOR_PUBLIC_BASE_URL: base },
    })
    const url = house.url('line')
    await Promise.all(
      fakes.map((fake) => fake.say(fake.people.ann, fake.places.dm, `/run portrait a ${fake.id} whale`)),
    )
    const pushed = await Promise.all([line, whatsapp, wechat].map((fake) => shows(fake, fake.places.dm, hasMedia)))
    for (const picture of pushed) expect(picture.media).toMatchObject([{ kind: 'image', as: 'image' }])
    await until('the picture for KakaoTalk', async () => {
      await kakao.say(kakao.people.ann, kakao.places.dm, '/inbox')
      return kakao.imageUrls().length === 1
    })
    for (const fake of fakes) {
      const said = fake.shown().map(({ text }) => text)
      expect(said.join('\n'), fake.id).toContain(`prompt: a ${fake.id} whale`)
      expect(
        said.filter((text) => /prompt: a \w+ whale/.test(text)),
        fake.id,
      ).toHaveLength(1)
      for (const other of fakes.filter(({ id }) => id !== fake.id)) expect(said.join()).not.toContain(`a ${other.id} `)
      expect(new Set(fake.shown().map(({ place }) => place.chat))).toEqual(new Set([fake.places.dm.chat]))
    }
    expect(prompts(house.simulator).toSorted()).toEqual(fakes.map(({ id }) => `a ${id} whale`).toSorted())

    for (const link of [pushed[0]?.media[0]?.name ?? '', ...kakao.imageUrls()]) {
      expect(link.startsWith(`${base}/media/`)).toBe(true)
      const served = await fetch(link.replace(base, url))
      expect([served.status, served.headers.get('content-type')]).toEqual([200, 'image/png'])
      await served.arrayBuffer()
      const forged = await fetch(link.replace(base, url).replace(/.$/, (end) => (end === 'A' ? 'B' : 'A')))
      expect([forged.status, await forged.text()]).toEqual([404, 'Not found'])
    }
    for (const path of ['/', '/line', '/line/webhook/', '/line/webhook/x', '/Line/webhook', '/telegram', '/healthz']) {
      for (const method of ['GET', 'POST']) {
        const answer = await fetch(url + path, { method })
        expect([path, answer.status, await answer.text()]).toEqual([path, 404, ''])
        expect(answer.headers.get('server')).toBeNull()
      }
    }
    const about = expect.stringMatching(new RegExp(`^listening on 127.0.0.1:${url.split(':').at(-1)}/`))
    expect((await readyz(house)).platforms).toEqual(
      Object.fromEntries(fakes.map(({ id }) => [id, { state: 'up', about }])),
    )
    expect([...wechat.errors(), ...kakao.errors()]).toEqual([])
  })

  test('given to two platforms by their own variables is one listener; a third keeps its own', async ({
    onTestFinished,
  }) => {
    const [line, whatsapp] = await Promise.all([startLine(), startWhatsapp()])
    const house = await openWebhooks(onTestFinished, [line, whatsapp], {
      port: 'same',
      kakao: true,
    })
    const hostAndPort = house.url('line').replace('http://', '')
    expect((await readyz(house)).platforms).toMatchObject({
      line: { state: 'up', about: `listening on ${hostAndPort}/line/webhook` },
      whatsapp: { state: 'up', about: `listening on ${hostAndPort}/whatsapp/webhook` },
      kakao: { state: 'up', about: expect.not.stringContaining(hostAndPort) },
    })
    await Promise.all([line, whatsapp].map((fake) => fake.say(fake.people.ann, fake.places.dm, '/whoami')))
    for (const fake of [line, whatsapp]) await shows(fake, fake.places.dm, new RegExp(`You are ${fake.id}:`))
    expect((await fetch(`${house.url('line')}/kakao/webhook`, { method: 'POST' })).status).toBe(404)
  })
})

test('with a port for each platform a link to a file works behind every one of them', async ({ onTestFinished }) => {
  const [line, whatsapp] = await Promise.all([startLine(), startWhatsapp()])
  const house = await openWebhooks(onTestFinished, [line, whatsapp], {
    env: { OPENCLAW_CONNECTOR_PUBLIC_BASE_URL: base },
  })
  await line.say(line.people.ann, line.places.dm, '/run portrait a whale')
  const link = (await shows(line, line.places.dm, hasMedia)).media[0]?.name ?? ''
  expect(house.url('line')).not.toBe(house.url('whatsapp'))
  for (const fake of [line, whatsapp]) {
    const served = await fetch(link.replace(base, house.url(fake.id)))
    expect([served.status, served.headers.get('content-type')]).toEqual([200, 'image/png'])
    await served.arrayBuffer()
  }
})
