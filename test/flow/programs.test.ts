import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { adminToken, type OnEnd, openHouse } from './harness.ts'
import { type Finished, freePort, runProgram } from './process.ts'

const inFolder = async (onEnd: OnEnd): Promise<string> => {
  const dir = await mkdtemp(join(tmpdir(), 'openclaw-connector-flow-'))
  onEnd(() => rm(dir, { recursive: true, force: true }))
  return dir
}

const run = async (
  onEnd: OnEnd,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Finished> => runProgram(args, env, await inFolder(onEnd))

const kakaoOn = { OPENCLAW_CONNECTOR_KAKAO_ENABLED: 'true', OPENCLAW_CONNECTOR_KAKAO_WEBHOOK_SECRET: 'flow-secret-77' }

describe.concurrent('the program', () => {
  test('tells its version and its usage', async ({ onTestFinished }) => {
    const version = await run(onTestFinished, ['--version'])
    expect([version.status, version.err]).toEqual([0, ''])
    expect(version.out).toMatch(/^\d+\.\d+\.\d+\S*\n$/)
    const help = await run(onTestFinished, ['--help'])
    expect(help.status).toBe(0)
    for (const verb of ['demo', 'check', 'doctor']) expect(help.out).toContain(`openclaw-connector ${verb}`)
    const wrong = await run(onTestFinished, ['strat'])
    expect(wrong.status).toBe(64)
    expect(wrong.err).toContain('There is no command "strat"')
  })

  test('without a platform it ends with 78 and says the quickest ways to one', async ({ onTestFinished }) => {
    for (const verb of [[], ['check']]) {
      const ended = await run(onTestFinished, verb)
      expect(ended.status).toBe(78)
      expect(ended.err).toContain('No chat platform is configured')
      expect(ended.err).toContain('OPENCLAW_CONNECTOR_TELEGRAM_TOKEN=')
      expect(ended.err).toContain('openclaw-connector demo')
    }
  })

  test('check names what a platform would not start with, each wrong entry of a list too', async ({
    onTestFinished,
  }) => {
    const entries = [{ app_id: 'cli_a1', app_secret: 'flow-secret-66', tenant: 'x' }, { app_id: 'foo' }]
    const ended = await run(onTestFinished, ['check'], {
      ...kakaoOn,
      OPENCLAW_CONNECTOR_FEISHU_BINDINGS_JSON: JSON.stringify(entries),
    })
    expect(ended.status).toBe(78)
    for (const says of ['entry 1: tenant is no field', 'entry 2: app_id must', 'entry 2: app_secret is missing'])
      expect(ended.err).toContain(says)
    expect(ended.out + ended.err).not.toMatch(/is fine|flow-secret-66/)
  })

  test.for([
    ['OPENCLAW_COMMAND_OVERRIDES', '{"run":"administrator"}', /administrator/],
    ['OPENCLAW_COMMAND_OVERRIDES', '{"/fly":"admin"}', /fly/],
    ['OPENCLAW_COMMAND_OVERRIDES', 'run=admin', /JSON/],
    ['OPENCLAW_CONNECTOR_ADMIN_USERS', '["telegram:1"]', /without quotes or brackets/],
    ['OPENCLAW_CONNECTOR_ADMIN_USERS', 'telegran:1', /No platform is called/],
    ['OPENCLAW_COMMAND_ALLOW_FROM_RUN', 'telegram:', /id is missing/],
    ['OPENCLAW_CONNECTOR_ADMIN_USER', 'telegram:1', /OPENCLAW_CONNECTOR_ADMIN_USERS/],
    ['OPENCLAW_CONNECTOR_TELEGRAM_TOKEN', 'not-a-token-flow-55', /TELEGRAM_TOKEN/],
    ['OPENCLAW_CONNECTOR_KAKAO_ENABLED', 'maybe', /KAKAO_ENABLED/],
  ] as const)(
    '%s=%s stops the start with 78 and names the mistake',
    async ([name, value, says], { onTestFinished }) => {
      for (const verb of [[], ['check']]) {
        const ended = await run(onTestFinished, verb, { ...kakaoOn, [name]: value })
        expect(ended.status).toBe(78)
        expect(ended.err).toContain(name)
        expect(ended.err).toMatch(says)
        expect(ended.err + ended.out).not.toMatch(/flow-secret-77|not-a-token-flow-55/)
      }
    },
  )

  test('service print writes references, never values, and refuses what must not be referred to', async ({
    onTestFinished,
  }) => {
    const env = { ...kakaoOn, OPENCLAW_CONNECTOR_ADMIN_TOKEN: adminToken }
    for (const kind of ['systemd', 'compose']) {
      const made = await run(onTestFinished, ['service', 'print', kind], env)
      expect([made.status, made.err]).toEqual([0, ''])
      expect(made.out).toContain('{"source":"env","name":"OPENCLAW_CONNECTOR_KAKAO_WEBHOOK_SECRET"}')
      expect(made.out).not.toMatch(new RegExp(`flow-secret-77|${adminToken}`))
    }
    const wanted = ['OPENCLAW_CONNECTOR_ADMIN_TOKEN', 'secretref-env:X', 'flow-secret-77']
    const refused = await run(onTestFinished, ['service', 'print', 'systemd', ...wanted], env)
    expect([refused.status, refused.out]).toEqual([78, ''])
    expect(refused.err).toContain('OPENCLAW_CONNECTOR_ADMIN_TOKEN: non_persistable_auth')
    expect(refused.err).toContain('(not shown): rejected_legacy_marker')
    expect(refused.err).not.toContain('flow-secret-77')
    for (const args of [
      ['service'],
      ['service', 'print'],
      ['service', 'print', 'launchd'],
      ['service', 'go', 'systemd'],
    ])
      expect((await run(onTestFinished, args, env)).status).toBe(64)
  })

  test('check looks at the configuration and touches nothing', async ({ onTestFinished }) => {
    const dir = await inFolder(onTestFinished)
    const ended = await runProgram(['check'], { ...kakaoOn, OPENCLAW_CONNECTOR_STATE_DIR: join(dir, 'state') }, dir)
    expect(ended.status).toBe(0)
    expect(ended.out).toContain('The configuration is fine. Platforms: KakaoTalk.')
    expect(ended.out).toContain('warning: OPENCLAW_CONNECTOR_ADMIN_USERS: empty')
    expect(await readdir(dir)).toEqual([])
  })

  test('doctor finds everything well, or says what is not and ends with 1', async ({ onTestFinished }) => {
    const house = await openHouse(onTestFinished, { idle: true })
    const well = await runProgram(['doctor'], house.env, house.dir)
    expect(well.out.split('\n').filter((line) => line !== '' && !line.startsWith('ok '))).toEqual([])
    expect([well.status, well.err]).toEqual([0, ''])
    expect(well.out).toMatch(/ok {4}backend: /)
    expect(well.out).toMatch(/ok {4}templates: 16 templates/)
    expect(well.out).toMatch(/ok {4}telegram: .*render_desk_bot/)

    const { port, release } = await freePort()
    onTestFinished(release)
    const ill = await runProgram(
      ['doctor'],
      {
        ...house.env,
        OPENCLAW_CONNECTOR_URL: `http://127.0.0.1:${port}`,
        OPENCLAW_CONNECTOR_TELEGRAM_TOKEN: '7000000001:flow-wrong-token-AAAAAAAAAAAAAAAAAAA',
      },
      house.dir,
    )
    expect(ill.status).toBe(1)
    expect(ill.out).toMatch(/FAIL {2}backend: /)
    expect(ill.out).toMatch(/FAIL {2}telegram: .*@BotFather/)
    const refused = await runProgram(
      ['doctor'],
      { ...house.env, OPENCLAW_CONNECTOR_ADMIN_TOKEN: 'flow-other-token-99' },
      house.dir,
    )
    expect(refused.status).toBe(1)
    expect(refused.out).toMatch(/FAIL {2}backend: .*403.*OPENCLAW_CONNECTOR_ADMIN_TOKEN/)
    for (const secret of [adminToken, 'flow-other-token-99', 'flow-wrong-token', ...house.telegram.secrets]) {
      for (const { out, err } of [well, ill, refused]) expect(out + err).not.toContain(secret)
    }
  })

  test('the demo reads commands from a pipe, saves a real picture and ends with 0', async ({ onTestFinished }) => {
    const dir = await inFolder(onTestFinished)
    const ended = await runProgram(['demo'], {}, dir, '/run portrait prompt="a blue whale" steps=3\n/status\n')
    expect([ended.status, ended.err]).toEqual([0, ''])
    expect(ended.out).toContain('[Job Submitted] portrait')
    expect(ended.out).toContain('[Online] System Status')
    expect(ended.out).toContain('prompt: a blue whale')
    const [, path = ''] = /saved: (\S+\.png) \(image\/png/.exec(ended.out) ?? []
    expect(path.startsWith(dir)).toBe(true)
    const bytes = await readFile(path)
    expect(bytes.subarray(0, 8)).toEqual(Buffer.from('89504e470d0a1a0a', 'hex'))
    expect(await readdir(dir)).toEqual(['openclaw-media'])
  })

  test('the examples of /help do in the demo what they promise', async ({ onTestFinished }) => {
    const dir = await inFolder(onTestFinished)
    const ended = await runProgram(['demo'], {}, dir, '/chat run a cosy cabin in the woods\n/chat status\n')
    expect(ended.out).toContain('/run portrait "a cosy cabin in the woods"')
    expect(ended.out).not.toMatch(/could not turn that|\{"/)
  })

  test('the demo with nothing to read ends with 0', async ({ onTestFinished }) => {
    const ended = await run(onTestFinished, ['demo'])
    expect([ended.status, ended.err]).toEqual([0, ''])
  })

  test('a daemon with only a console ends when its input does', async ({ onTestFinished }) => {
    const house = await openHouse(onTestFinished, { idle: true, telegram: false })
    const env = { ...house.env, OPENCLAW_CONNECTOR_CONSOLE_ENABLED: 'true', OPENCLAW_CONNECTOR_LOG_LEVEL: 'error' }
    const ended = await runProgram([], env, house.dir, '/run portrait a blue whale\n')
    expect([ended.status, ended.err]).toEqual([0, ''])
    expect(ended.out).toContain('prompt: a blue whale')
  })
})
