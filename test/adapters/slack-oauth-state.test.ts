import { afterEach, beforeEach, expect, it } from 'vitest'
import type { AdapterDeps } from '../../src/contract/index.ts'
import type { RawReply } from '../platforms/platform.ts'
import { type FakeSlack, startSlack } from '../platforms/slack.ts'
import { clientId, clientSecret } from '../platforms/slack-oauth.ts'
import { type Connected, connected } from './slack-kit.ts'

let fake: FakeSlack
let nowMs: number
const now = () => nowMs
beforeEach(async () => {
  nowMs = Date.now()
  fake = await startSlack({ now })
})
afterEach(() => fake.close())

const open = (over: Partial<AdapterDeps> = {}): Connected =>
  connected(fake, { now, ...over }, { BOT_TOKEN: '', CLIENT_ID: clientId, CLIENT_SECRET: clientSecret })

interface Begun {
  readonly state: string
  /** As the browser sends it back. */
  readonly cookie: string
}
const begin = async ({ wire }: Connected): Promise<Begun> => {
  const { headers } = await wire({ method: 'GET', path: '/slack/install', headers: {}, body: '' })
  const state = new URL(headers.location ?? '').searchParams.get('state') ?? ''
  return { state, cookie: (headers['set-cookie'] ?? '').split(';')[0] ?? '' }
}
const comeBack = ({ wire }: Connected, query: Readonly<Record<string, string>>, cookie: string): Promise<RawReply> =>
  wire({
    method: 'GET',
    path: `/slack/oauth/callback?${new URLSearchParams(query)}`,
    headers: cookie === '' ? {} : { cookie },
    body: '',
  })
const code = () => fake.oauth.agree()

it('a state is taken once, from the browser that began, in time, and from us', async () => {
  const slack = open()
  const { state, cookie } = await begin(slack)
  const other = (await begin(slack)).cookie
  const forged = `${state.slice(0, -2)}${state.endsWith('AA') ? 'BB' : 'AA'}`
  for (const [given, by] of [
    [state, ''],
    [state, other],
    [state, `${cookie}x`],
    [forged, cookie],
    ['', cookie],
    [`${state}=`, cookie],
  ] as const)
    expect(await comeBack(slack, { code: code(), state: given }, by)).toMatchObject({ status: 400 })
  expect(fake.oauth.exchanges()).toBe(0)
  const [first, second] = await Promise.all([
    comeBack(slack, { code: code(), state }, cookie),
    comeBack(slack, { code: code(), state }, cookie),
  ])
  expect([first.status, second.status]).toEqual([200, 400])
  expect(fake.oauth.exchanges()).toBe(1)
  const late = await begin(slack)
  nowMs += 600_001
  expect(await comeBack(slack, { code: code(), state: late.state }, late.cookie)).toMatchObject({ status: 400 })
})

it('used states are remembered over a restart', async () => {
  const values = new Map<string, string>()
  const memo = {
    get: (key: string) => values.get(key) ?? null,
    set: async (key: string, value: string) => void values.set(key, value),
  }
  const slack = open({ memo })
  const { state, cookie } = await begin(slack)
  await comeBack(slack, { error: 'access_denied', state }, cookie)
  expect(await comeBack(open({ memo }), { code: code(), state }, cookie)).toMatchObject({ status: 400 })
})

it('who lets states come back on purpose keeps nobody from installing, and fills nothing', async () => {
  const writes: string[] = []
  const memo = { get: () => null, set: async (_: string, value: string) => void writes.push(value) }
  const slack = open({ memo })
  const honest = await begin(slack)
  for (let i = 0; i < 600; i++) {
    const { state, cookie } = await begin(slack)
    await comeBack(slack, { error: 'access_denied', state }, cookie)
  }
  expect(Object.keys(JSON.parse(writes.at(-1) ?? '') as object)).toHaveLength(500)
  expect(await comeBack(slack, { code: code(), state: honest.state }, honest.cookie)).toMatchObject({ status: 200 })
})

it('the browser gives its cookie back with the state, whatever came of it', async () => {
  const slack = open()
  for (const [key, value] of [
    ['error', 'access_denied'],
    ['code', 'fakecode'],
    ['code', code()],
  ] as const) {
    const { state, cookie } = await begin(slack)
    const { headers } = await comeBack(slack, { [key]: value, state }, cookie)
    const [name] = cookie.split('=')
    expect(headers['set-cookie']).toMatch(new RegExp(`^${name}=; Max-Age=0; Path=/;`))
  }
})
