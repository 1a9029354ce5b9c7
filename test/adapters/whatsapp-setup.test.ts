import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { InboundEvent, MediaRef } from '../../src/contract/index.ts'
import { never } from '../kit/adapter.ts'
import { type FakeWhatsapp, startWhatsapp } from '../platforms/whatsapp.ts'
import { connected, makeWhatsapp } from './whatsapp-kit.ts'

let fake: FakeWhatsapp
beforeEach(async () => {
  fake = await startWhatsapp()
})
afterEach(() => fake.close())

describe('what people send', () => {
  const stored = { mime: 'image/jpeg', name: 'photo', bytes: Buffer.from('a photo') }
  const sent = async (more: object, events: readonly InboundEvent[]): Promise<MediaRef> => {
    await fake.bring(fake.people.ann, fake.places.dm, more)
    return events.at(-1)!.media[0]!
  }
  const photo = (id: string) => ({ type: 'image', image: { id, mime_type: 'image/jpeg', caption: '/run upscale' } })

  it('is fetched with our token, by an address asked for at that moment', async () => {
    const { adapter, events } = connected(fake)
    const media = await sent(photo(fake.graph.keep(stored)), events)
    const response = await adapter.download!(media, never)
    expect(await response.text()).toBe('a photo')
    expect(response.url).toBe('')
  })

  it('is not fetched from anywhere else, and our token goes nowhere else', async () => {
    const asked: string[] = []
    const fetch: typeof globalThis.fetch = (url, init) => {
      asked.push(String(url))
      return globalThis.fetch(url, init)
    }
    const { adapter } = connected(fake, { fetch })
    const media: MediaRef = { kind: 'image', ref: fake.graph.keep(stored) }
    const elsewhere = [
      'https://example.org',
      'http://lookaside.fbsbx.com',
      'https://lookaside.fbsbx.com:8443',
      'https://lookaside.fbsbx.com.example.org',
      'https://ann@lookaside.fbsbx.com',
      'http://127.0.0.1:1',
      'nonsense',
    ]
    for (const origin of elsewhere) {
      fake.graph.lieAboutFiles(origin)
      await expect(adapter.download!(media, never)).rejects.toMatchObject({ code: 'rejected' })
    }
    expect(asked.filter((url) => !url.startsWith(`${fake.graph.origin}/v25.0/`))).toEqual([])
  })

  it('is told as gone when it is, follows no redirect, and a way out of ids is none', async () => {
    const { adapter } = connected(fake)
    const moved = fake.graph.keep({ ...stored, name: 'moved' })
    for (const ref of ['999', moved, `../${moved}`, 'a/b?c'])
      await expect(adapter.download!({ kind: 'image', ref }, never), ref).rejects.toMatchObject({ name: 'SendError' })
  })

  it('that Meta keeps no longer is no fault of the settings', async () => {
    const { adapter } = connected(fake)
    const error = await adapter.download!({ kind: 'image', ref: '999' }, never).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'rejected', message: expect.stringContaining("Object with ID '999'") })
    expect(String(error)).not.toContain('PHONE_NUMBER_ID')
    fake.graph.revokeToken()
    await expect(adapter.download!({ kind: 'image', ref: '999' }, never)).rejects.toMatchObject({ code: 'auth' })
  })

  it('is asked for again when the API is in trouble', async () => {
    const { adapter } = connected(fake)
    await fake.close()
    await expect(adapter.download!({ kind: 'image', ref: '1' }, never)).rejects.toMatchObject({ code: 'unavailable' })
    fake = await startWhatsapp()
  })
})

describe('a look at the setup', () => {
  const look = async (given: Readonly<Record<string, string>>, now: () => number = Date.now) => {
    const probes = await makeWhatsapp(given, { now }).adapter.probe(never)
    for (const secret of fake.secrets) expect(JSON.stringify(probes)).not.toContain(secret)
    return Object.fromEntries(probes.map(({ name, ok, about }) => [name, `${ok ? 'ok' : 'not ok'}: ${about}`]))
  }

  it('finds everything well', async () => {
    expect(await look(fake.settings)).toEqual({
      'token and number': 'ok: +15550100001, Render Desk, quality GREEN',
      clock: expect.stringMatching(/^ok: \d s apart/),
      'app secret': expect.stringMatching(/^ok/),
      'verify token': expect.stringMatching(/^ok/),
      webhook: 'ok: bot.example.org/whatsapp/webhook, subscribed to messages',
    })
  })

  it('tells a dead token, a wrong number and a wrong app secret apart, each with its cure', async () => {
    const wrongNumber = await look({ ...fake.settings, PHONE_NUMBER_ID: '15550100001' })
    expect(wrongNumber['token and number']).toMatch(/^not ok.*PHONE_NUMBER_ID: the id of the number/)
    const wrongSecret = await look({ ...fake.settings, APP_SECRET: 'fake-other-secret' })
    expect(wrongSecret.webhook).toMatch(/^not ok.*check the app secret/)
    fake.graph.revokeToken()
    expect((await look(fake.settings))['token and number']).toMatch(/^not ok.*190\/463.*ACCESS_TOKEN/)
  })

  it('gives the proof of the app secret where the app demands one, and says when it is wrong', async () => {
    fake.graph.demandProof()
    expect((await look(fake.settings))['token and number']).toMatch(/^ok/)
    const { APP_SECRET: _, ...open } = fake.settings
    for (const given of [
      { ...open, ALLOW_UNSIGNED: 'true' },
      { ...fake.settings, APP_SECRET: 'fake-other-secret' },
    ])
      expect((await look(given))['token and number']).toMatch(/^not ok.*appsecret_proof.*check OPENCLAW.*APP_SECRET/)
  })

  it('finds a clock that is wrong, as fresh messages would count as old', async () => {
    expect((await look(fake.settings, () => Date.now() + 300_000)).clock).toMatch(/^not ok: (299|300|301) s/)
  })

  it('finds a webhook that is missing, leads elsewhere or brings no messages', async () => {
    fake.graph.setWebhook(null)
    expect((await look(fake.settings)).webhook).toMatch(
      /no webhook for WhatsApp: enter https:\/\/<public host>\/whatsapp/,
    )
    fake.graph.setWebhook('https://bot.example.org/other')
    expect((await look(fake.settings)).webhook).toMatch(/^not ok: leads to bot.example.org\/other/)
    fake.graph.setWebhook('https://bot.example.org/whatsapp/webhook', ['account_update'])
    expect((await look(fake.settings)).webhook).toMatch(/^not ok.*messages is not subscribed/)
  })

  it('finds secrets that are missing', async () => {
    const { APP_SECRET: _, VERIFY_TOKEN: __, ...open } = fake.settings
    const found = await look({ ...open, ALLOW_UNSIGNED: 'true' })
    expect(found['app secret']).toMatch(/^not ok.*nobody is admin/)
    expect(found['verify token']).toMatch(/^not ok/)
    expect(found.webhook).toMatch(/^ok: not asked/)
  })
})
