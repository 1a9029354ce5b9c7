import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, test } from 'vitest'
import { clientSecret } from '../platforms/slack-oauth.ts'
import { until } from './process.ts'
import { grid, one, openApp, two } from './slack-install.ts'

/** How many rows there are in each table of the daemon's database. */
const rowsIn = (stateDir: string): Readonly<Record<string, number>> => {
  const db = new DatabaseSync(join(stateDir, 'connector.db'), { readOnly: true })
  const names = db.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'").all()
  const count = (name: string): number => Number(db.prepare(`SELECT count(*) AS n FROM "${name}"`).get()?.n)
  const rows = Object.fromEntries(names.map(({ name }) => [String(name), count(String(name))]))
  db.close()
  return rows
}

/** Files of the state folder in which one of these stands as it is. */
const inClear = (stateDir: string, secrets: readonly string[]): readonly string[] =>
  readdirSync(stateDir, { recursive: true, encoding: 'utf8' })
    .filter((name) => statSync(join(stateDir, name)).isFile())
    .filter((name) => secrets.some((secret) => readFileSync(join(stateDir, name)).includes(secret)))

const revoked = (bot: readonly string[]) => ({ type: 'tokens_revoked', tokens: { oauth: ['U0FAKEALICE'], bot } })
const movable = { NODE_OPTIONS: `--import=${join(import.meta.dirname, 'clock.ts')}` }

describe.concurrent('Slack’s app without a bot token', () => {
  test('is installed by a browser: visits leave no row, and each workspace is answered by its own token', async ({
    onTestFinished,
  }) => {
    const app = await openApp(onTestFinished)
    const { fake, stateDir, simulator } = app
    await app.ignores(one, 'missing_binding')
    const before = rowsIn(stateDir)
    const visits = await Promise.all(Array.from({ length: 40 }, app.visit))
    expect(new Set(visits.map(({ state }) => state)).size).toBe(40)
    expect(visits[0]?.location.searchParams.get('redirect_uri')).toBe('https://bot.example.org/slack/oauth/callback')
    expect(rowsIn(stateDir)).toEqual(before)

    expect(await app.install()).toMatchObject({ status: 200, body: expect.stringMatching(/^Installed\./) })
    expect(await app.install({ team: two })).toMatchObject({ status: 200 })
    expect(await app.states()).toEqual([
      [one.id, 'active', 'ok'],
      [two.id, 'active', 'ok'],
    ])
    // The fake knows no channel of another workspace, so that only its own token can have written there.
    await app.answers(one)
    await app.answers(two)
    await app.mention(two, '/run portrait a red fox')
    await until('a picture', () => fake.world.messages.find(({ team, files }) => team === two && files.length > 0))
    expect(simulator.control.jobs()).toHaveLength(1)

    const secrets = [clientSecret, ...fake.oauth.secrets()]
    expect(secrets).toHaveLength(3)
    expect(inClear(stateDir, secrets)).toEqual([])
    expect(inClear(stateDir, [one.id])).not.toEqual([])
    expect(statSync(join(stateDir, 'secret.key')).mode & 0o777).toBe(0o600)

    await app.daemon().stop()
    await app.start()
    await app.answers(one)
    await app.answers(two)
    expect(fake.oauth.exchanges()).toBe(2)
  })

  test('takes a state of its own, in time, from its browser, and once, also over a restart', async ({
    onTestFinished,
  }) => {
    const app = await openApp(onTestFinished, movable)
    const { fake } = app
    const code = 'anything'
    const { state, cookie } = await app.visit()
    const other = await app.visit()
    const forged = state.replace(/^./, (first) => (first === 'A' ? 'B' : 'A'))
    for (const [given, by] of [
      [forged, cookie],
      [state, ''],
      [state, other.cookie],
      ['', cookie],
    ] as const)
      expect(await app.comeBack({ code, state: given }, by)).toMatchObject({ status: 400 })
    expect(fake.oauth.exchanges()).toBe(0)
    expect(await app.comeBack({ error: 'access_denied', state }, cookie)).toMatchObject({ status: 200 })
    expect(await app.comeBack({ code, state }, cookie)).toMatchObject({ status: 400 })

    const late = await app.visit()
    await app.daemon().turn()
    expect(await app.comeBack({ code, state: late.state }, late.cookie)).toMatchObject({ status: 400 })

    await app.daemon().stop()
    await app.start()
    expect(await app.comeBack({ code, state }, cookie)).toMatchObject({ status: 400 })
    expect(fake.oauth.exchanges()).toBe(0)
    // Of its own secret, the same app takes up after a restart what began before.
    const redirectUri = 'https://bot.example.org/slack/oauth/callback'
    const query = { code: fake.oauth.agree({ redirectUri }), state: other.state }
    expect(await app.comeBack(query, other.cookie)).toMatchObject({ status: 200 })
  })

  test('renews rotating tokens before they end and when they have ended, also after a restart', async ({
    onTestFinished,
  }) => {
    const app = await openApp(onTestFinished)
    const { fake, stateDir } = app
    await app.install({ rotating: true, lifeS: 1 })
    await app.answers(one)
    expect(fake.oauth.exchanges()).toBe(2)
    await app.answers(one)
    expect(fake.oauth.exchanges()).toBe(2)
    fake.oauth.expire(one)
    await app.answers(one)
    expect(fake.oauth.exchanges()).toBe(3)
    await app.daemon().stop()
    await app.start()
    fake.oauth.expire(one)
    await Promise.all([app.answers(one), app.mention(one, '/help')])
    expect(fake.oauth.exchanges()).toBe(4)
    expect(await app.states()).toEqual([[one.id, 'active', 'ok']])
    expect(inClear(stateDir, fake.oauth.secrets())).toEqual([])
    const { events } = (await app.admin('/audit')).body as { events: { action: string }[] }
    expect(events.map(({ action }) => action)).toEqual(['upsert', 'rotate', 'rotate', 'rotate'])
  })

  test('shows the operator what Slack says about an installation', async ({ onTestFinished }) => {
    const app = await openApp(onTestFinished)
    const { fake } = app
    await app.install()
    await app.install({ team: two })
    const ofTwo = [two.id, 'active', 'ok']
    // Of a person's token, and of another bot: what is still valid stays.
    await fake.bring(revoked([]))
    await fake.bring(revoked(['U0FAKEBOT99']))
    expect(await app.states()).toEqual([[one.id, 'active', 'ok'], ofTwo])

    const minute = Math.floor(Date.now() / 1000) - 200
    const limited = { type: 'app_rate_limited', team_id: one.id, minute_rate_limited: minute, api_app_id: 'A0' }
    await fake.deliver({ kind: 'events_api', payload: limited })
    expect(await app.states()).toEqual([[one.id, 'active', 'degraded'], ofTwo])
    await app.answers(one)
    expect(await app.states()).toEqual([[one.id, 'active', 'ok'], ofTwo])

    await fake.bring(revoked([one.botUser]), one, { authorizations: [] })
    expect(await app.shown(one.id)).toMatchObject({ status: 'revoked', status_reason: 'tokens_revoked' })
    const resolution = await app.admin(`/resolve?platform=slack&workspace_id=${one.id}`)
    expect(resolution).toMatchObject({ status: 409, body: { resolution: { reject_reason: 'inactive_binding' } } })
    await app.ignores(one, 'inactive_binding')
    await app.answers(two)
    expect((await app.admin(`/${(await app.shown(one.id)).installation_id}/activate`, 'POST')).status).toBe(409)

    await app.install()
    await app.answers(one)
    await fake.bring({ type: 'app_uninstalled' }, one, { authorizations: [] })
    expect(await app.states()).toEqual([[one.id, 'uninstalled', 'revoked'], ofTwo])
    await app.daemon().stop()
    await app.start()
    await app.ignores(one, 'inactive_binding')
    await app.answers(two)
    expect(app.simulator.control.jobs()).toEqual([])
  })

  test('in a whole organisation serves each of its workspaces, over a restart and until it is switched off', async ({
    onTestFinished,
  }) => {
    const app = await openApp(onTestFinished)
    await app.install({ team: grid })
    expect(await app.states()).toEqual([['E0FAKEORG01', 'active', 'ok']])
    await app.answers(grid)
    await app.daemon().stop()
    await app.start()
    await app.answers(grid)
    const now = Math.floor(Date.now() / 1000)
    const limited = { type: 'app_rate_limited', team_id: grid.id, minute_rate_limited: now - 200, api_app_id: 'A0' }
    await app.fake.deliver({ kind: 'events_api', payload: limited })
    expect(await app.states()).toEqual([['E0FAKEORG01', 'active', 'degraded']])
    await app.admin(`/${(await app.shown('E0FAKEORG01')).installation_id}/deactivate`, 'POST')
    await app.ignores(grid, 'inactive_binding')
    expect(app.simulator.control.jobs()).toEqual([])
  })

  test('that the operator switched off in a workspace stays off there until the operator says otherwise', async ({
    onTestFinished,
  }) => {
    const app = await openApp(onTestFinished)
    await app.install()
    await app.install({ team: two })
    await app.answers(one)
    const { installation_id: id } = await app.shown(one.id)
    expect(await app.admin(`/${id}/deactivate`, 'POST')).toMatchObject({ status: 200 })
    await app.ignores(one, 'inactive_binding')
    await app.answers(two)
    expect(await app.install()).toMatchObject({ status: 200, body: expect.stringContaining('switched off') })
    await app.fake.bring({ type: 'app_uninstalled' }, one, { authorizations: [] })
    await app.install()
    await app.daemon().stop()
    await app.start()
    await app.ignores(one, 'inactive_binding')
    expect(await app.shown(one.id)).toMatchObject({ status: 'deactivated', status_reason: 'operator' })

    expect(await app.admin(`/${id}/activate`, 'POST')).toMatchObject({ status: 200 })
    await app.answers(one)
    expect(await app.admin(`/${id}`, 'DELETE')).toMatchObject({ status: 200 })
    await app.ignores(one, 'missing_binding')
    await app.answers(two)
    expect(app.simulator.control.jobs()).toEqual([])
  })
})
