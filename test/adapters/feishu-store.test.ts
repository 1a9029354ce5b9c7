import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { AdapterDeps, Installs } from '../../src/contract/index.ts'
import { never, text } from '../kit/adapter.ts'
import { testInstalls } from '../kit/installs.ts'
import { type FakeFeishu, otherGroup, startFeishu } from '../platforms/feishu.ts'
import { mainApp, otherApp, otherTenant, tenant, v1 } from '../platforms/feishu-events.ts'
import { type Connected, connected, makeFeishu, makePart, settings } from './feishu-kit.ts'

const hourMs = 60 * 60 * 1000
const { appId } = mainApp

let fake: FakeFeishu
let nowMs: number
const now = () => nowMs
beforeEach(() => {
  nowMs = Date.now()
})
afterEach(() => fake.close())

const open = async (
  store: true | 'waiting' = true,
  more: Partial<AdapterDeps> = {},
  set: Readonly<Record<string, string>> = {},
): Promise<Connected & { readonly installs: Installs; readonly notes: Map<string, string> }> => {
  fake = await startFeishu({ now, mode: 'webhook', store })
  const installs = more.installs ?? testInstalls('feishu', now)
  const notes = new Map<string, string>()
  const memo = {
    get: (key: string) => notes.get(key) ?? null,
    set: async (k: string, v: string) => void notes.set(k, v),
  }
  return { ...connected(fake, { now, installs, memo, fetch, ...more }, set), installs, notes }
}
const group = 'oc_fa4e0000000000000000000000000002'
const send = ({ adapter }: Connected, workspace: string | undefined = tenant, chat = group) => {
  const to = { platform: 'feishu', account: appId, chat, kind: 'group', ...(workspace ? { workspace } : {}) } as const
  return adapter.send(makePart([text('hello')], { to, key: `k${Math.random()}` }), never)
}
const bring = (of: string, words = '/status') =>
  fake.bring(fake.people.ann, of === tenant ? fake.places.dm : otherGroup, 'text', { text: words }, { tenant: of })
const told = (type: string, of: string, atMs = nowMs) =>
  fake.deliver(v1(fake.app, `fa4e${type}${atMs}`, type, atMs, { tenant_key: of }))
const count = (method: string): number => fake.calls().filter((call) => call.method === method).length
const states = ({ list }: Installs) => list().map(({ workspace, status }) => [workspace, status])

describe('the ticket of an app of the store', () => {
  it('is kept among the secrets and nowhere else, and the newest counts', async () => {
    const feishu = await open()
    await fake.ticket(nowMs)
    const first = feishu.installs.resolve(appId)
    await fake.ticket(nowMs - hourMs)
    expect(feishu.installs.resolve(appId)).toEqual(first)
    await fake.ticket(nowMs + 1)
    expect(feishu.installs.resolve(appId)).toMatchObject({ ok: true, secrets: { appTicket: 'FAKEappticket0003' } })
    expect(feishu.installs.list()).toMatchObject([{ workspace: appId, secretNames: ['appTicket'] }])
    expect([...feishu.notes].join()).not.toContain('FAKEappticket')
    expect(feishu.lines.join()).not.toContain('FAKEappticket')
  })

  it('is asked for where there is none, once a minute at the most, and what waited goes out when it came', async () => {
    const feishu = await open('waiting')
    await told('app_open', tenant)
    const early = await Promise.allSettled([send(feishu), send(feishu), send(feishu)])
    for (const one of early) expect(one).toMatchObject({ reason: { code: 'unavailable', delivered: 'no' } })
    expect(count('resend')).toBe(1)
    await expect.poll(() => feishu.installs.resolve(appId).ok).toBe(true)
    await send(feishu)
    expect(fake.shown()).toHaveLength(1)
  })

  it('that is no longer good is asked for anew', async () => {
    const feishu = await open()
    await bring(tenant)
    fake.api.newTicket(fake.app)
    await expect(send(feishu)).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('ticket'),
    })
    await expect.poll(() => count('resend')).toBe(1)
    await expect
      .poll(() =>
        send(feishu).then(
          () => true,
          () => false,
        ),
      )
      .toBe(true)
  })

  it('of somebody who does not know the verification token is refused', async () => {
    const feishu = await open()
    const forged = v1({ ...fake.app, token: 'wrong' }, 'fa4e1', 'app_ticket', nowMs, { app_ticket: 'stolen' })
    expect(await fake.deliver(forged)).toMatchObject({ status: 401 })
    expect(feishu.installs.resolve(appId)).not.toMatchObject({ secrets: { appTicket: 'stolen' } })
  })
})

describe('the organisations of an app of the store', () => {
  it('are each answered by their own token, fetched once for all who wait', async () => {
    const feishu = await open()
    await bring(tenant)
    await bring(otherTenant)
    expect(feishu.events.map(({ where }) => where.workspace)).toEqual([tenant])
    await Promise.all([
      send(feishu),
      send(feishu),
      send(feishu, otherTenant, otherGroup.chat),
      send(feishu, otherTenant, otherGroup.chat),
    ])
    expect(
      fake
        .shown()
        .map(({ place }) => place.chat)
        .toSorted(),
    ).toEqual([group, group, otherGroup.chat, otherGroup.chat].toSorted())
    expect([count('app token'), count('token')]).toEqual([1, 2])
    // The platform lets the token of one not into the groups of the other.
    await expect(send(feishu, tenant, otherGroup.chat)).rejects.toMatchObject({ code: 'target_gone' })
  })

  it('get new tokens when theirs, or that of the app, are refused', async () => {
    const feishu = await open()
    await bring(tenant)
    await send(feishu)
    fake.api.expireTokens()
    await send(feishu)
    nowMs += 1.9 * hourMs
    await send(feishu)
    expect(fake.shown()).toHaveLength(3)
    expect(count('app token')).toBe(3)
  })

  it('come and go by the platform’s word, in whatever order it is told', async () => {
    const feishu = await open()
    await told('app_open', tenant)
    expect(states(feishu.installs)).toEqual([
      [appId, 'active'],
      [tenant, 'active'],
    ])
    await told('app_uninstalled', tenant, nowMs - hourMs)
    expect(states(feishu.installs)[1]).toEqual([tenant, 'active'])
    nowMs += 1000
    await told('app_uninstalled', tenant)
    expect(states(feishu.installs)[1]).toEqual([tenant, 'uninstalled'])
    await expect(send(feishu)).rejects.toMatchObject({ code: 'target_gone' })
    await told('app_open', tenant, nowMs - 1000)
    expect(await bring(tenant)).toMatchObject({ status: 401 })
    nowMs += 1000
    expect(await bring(tenant)).toMatchObject({ status: 200 })
    await send(feishu)
    expect(fake.shown()).toHaveLength(1)
  })

  it('that the operator switched off are not served, and an app that is switched off serves nobody', async () => {
    const feishu = await open()
    await bring(tenant)
    const off = { status: { to: 'deactivated', reason: 'operator' } } as const
    await feishu.installs.note(tenant, off)
    await told('app_open', tenant, nowMs + 1000)
    expect(await bring(tenant)).toMatchObject({ status: 401 })
    await expect(send(feishu)).rejects.toMatchObject({ code: 'target_gone' })
    await told('app_open', otherTenant)
    await send(feishu, otherTenant, otherGroup.chat)
    await feishu.installs.note(appId, off)
    await expect(send(feishu, otherTenant, otherGroup.chat)).rejects.toMatchObject({ code: 'target_gone' })
    expect(feishu.events).toHaveLength(1)
  })

  it('of which one removed the app silently leave the others in peace', async () => {
    const feishu = await open()
    await bring(tenant)
    await told('app_open', otherTenant)
    fake.api.uninstall(tenant)
    // Not `auth`, which would silence every other organisation as well.
    await expect(send(feishu)).rejects.toMatchObject({ code: 'target_gone' })
    await send(feishu, otherTenant, otherGroup.chat)
    expect(fake.shown()).toHaveLength(1)
  })

  it('are written to without being named while there is one only', async () => {
    const feishu = await open()
    await bring(tenant)
    const part = makePart([text('hello')], {
      to: { platform: 'feishu', account: appId, chat: fake.people.ann.id, kind: 'dm' },
    })
    await feishu.adapter.send(part, never)
    await told('app_open', otherTenant)
    await expect(feishu.adapter.send(part, never)).rejects.toMatchObject({ code: 'target_gone' })
  })

  it('more than tokens are kept of in memory cost another token each, and none is lost', async () => {
    const asked: string[] = []
    const fetch: typeof globalThis.fetch = async (input, init) => {
      const { pathname } = new URL(String(input))
      const body = JSON.parse(String(init?.body)) as { tenant_key?: string }
      if (pathname.endsWith('/tenant_access_token')) asked.push(body.tenant_key ?? '')
      const token = { tenant_access_token: 't-x', app_access_token: 'a-x', expire: 7200 }
      return Response.json({ code: 0, ...token, data: { message_id: 'om_1' } })
    }
    const feishu = await open(true, { fetch })
    await fake.ticket()
    for (let i = 0; i <= 500; i++) {
      await told('app_open', `t${i}`)
      await send(feishu, `t${i}`)
    }
    await send(feishu, 't500')
    await send(feishu, 't0')
    expect(asked).toHaveLength(502)
    expect(asked.at(-1)).toBe('t0')
  })

  it('have files of their own: what a person sent is fetched by the token of theirs', async () => {
    const feishu = await open()
    const key = fake.keep({ mime: 'image/png', bytes: Buffer.from('fox') })
    await fake.bring(fake.people.ann, fake.places.dm, 'image', { image_key: key }, { tenant })
    const [media] = feishu.events[0]?.media ?? []
    expect(media?.ref.split('/')).toHaveLength(5)
    const got = media && (await feishu.adapter.download?.(media, never))
    expect(await got?.text()).toBe('fox')
  })
})

describe('an app of the store beside a custom app of the same organisation', () => {
  const both = [
    {
      app_id: appId,
      app_secret: mainApp.secret,
      verification_token: mainApp.token,
      app_type: 'store',
    },
    {
      app_id: otherApp.appId,
      app_type: 'custom',
      app_secret: otherApp.secret,
      verification_token: otherApp.token,
      encrypt_key: otherApp.encryptKey,
    },
  ]
  const openBoth = () => open(true, {}, { BINDINGS_JSON: JSON.stringify(both) })
  const bringOther = (of: string) =>
    fake.bring(fake.people.ann, fake.places.dm, 'text', { text: '/status' }, { app: otherApp, tenant: of })
  const sendOther = ({ adapter }: Connected) => {
    const to = { platform: 'feishu', account: otherApp.appId, workspace: tenant, chat: group, kind: 'group' } as const
    return adapter.send(makePart([text('hello')], { to, key: `k${Math.random()}` }), never)
  }

  it.each([
    ['first', () => [told('app_open', tenant), bringOther(tenant)]],
    ['last', () => [bringOther(tenant), told('app_open', tenant)]],
  ] as const)('is removed without it, though it was there %s', async (_, come) => {
    const feishu = await openBoth()
    for (const one of come()) await one
    nowMs += 1000
    await told('app_uninstalled', tenant)
    expect(await bringOther(tenant)).toMatchObject({ status: 200 })
    await sendOther(feishu)
    await expect(send(feishu)).rejects.toMatchObject({ code: 'target_gone' })
  })

  it('is switched off without it, and the other way round', async () => {
    const feishu = await openBoth()
    await bring(tenant)
    await bringOther(tenant)
    const off = { status: { to: 'deactivated', reason: 'operator' } } as const
    await feishu.installs.having({ app_id: otherApp.appId }).note(tenant, off)
    expect(await bringOther(tenant)).toMatchObject({ status: 401 })
    expect(await bring(tenant)).toMatchObject({ status: 200 })
    await send(feishu)
  })

  it('knows its own organisations by heart: who is named by id alone is written to all the same', async () => {
    const feishu = await openBoth()
    await bringOther(tenant)
    await told('app_open', otherTenant)
    const to = { platform: 'feishu', account: appId, chat: fake.people.ann.id, kind: 'dm' } as const
    await feishu.adapter.send(makePart([text('hello')], { to }), never)
    expect(fake.shown()).toHaveLength(1)
  })
})

describe('setting an app of the store up', () => {
  it('takes a webhook and no name of a workspace, and says both at once', () => {
    const wrong = { ...settings, APP_TYPE: 'store', MODE: 'websocket', WORKSPACE_ID: 'w1' }
    expect(() => makeFeishu(wrong)).toThrow(
      /webhook only: set OPENCLAW_CONNECTOR_FEISHU_MODE=webhook\n.*WORKSPACE_ID out/,
    )
  })

  it('is looked up by doctor: the ticket, and who is there', async () => {
    const feishu = await open()
    expect((await feishu.adapter.probe(never))[0]).toMatchObject({
      ok: false,
      about: expect.stringContaining('no app ticket'),
    })
    await bring(tenant)
    const probes = await feishu.adapter.probe(never)
    expect(probes.map(({ ok }) => ok)).toEqual([true, true, true, true])
    expect(probes[1]).toMatchObject({ about: '1 of 1 usable' })
    expect(probes[3]?.about).toContain('app_ticket')
  })
})
