import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openClient } from '../../adapters/telegram/client.ts'
import telegram from '../../adapters/telegram/index.ts'
import { registerMenu } from '../../adapters/telegram/menu.ts'
import type { AdapterDeps } from '../../src/contract/index.ts'
import { never } from '../kit/adapter.ts'
import { keepingLog, settingsFrom, testDeps } from '../kit/deps.ts'
import { type FakeTelegram, startTelegram } from '../platforms/telegram.ts'
import { connected, running } from './telegram-kit.ts'

let fake: FakeTelegram

beforeEach(async () => {
  fake = await startTelegram()
})
afterEach(() => fake.close())

describe('the token', () => {
  const create = (TOKEN: string) => telegram.create(settingsFrom(telegram, { TOKEN }), testDeps())

  it('gives the account its name', () => {
    expect(create('7000000001:abc-DEF_1').account).toBe('7000000001')
  })

  it.each(['', 'secretword', '12:with/slash', `12:${'x'.repeat(90)}`, '12:sec ret'])(
    'that can not be one is refused with the cure and without being shown: %j',
    (token) => {
      expect(() => create(token)).toThrow(/OPENCLAW_CONNECTOR_TELEGRAM_TOKEN.*@BotFather/)
      if (token !== '') expect(() => create(token)).not.toThrow(token)
    },
  )

  it('is not asked about before something is to be done', () => {
    create('7000000001:abc')
    expect(fake.calls()).toEqual([])
  })
})

describe('the command menu', () => {
  const memo = (): AdapterDeps['memo'] => testDeps().memo
  const entry = (command: string) => ({ command, about: `does ${command}` })
  const menu = {
    everyone: [entry('run'), entry('help')],
    admin: [entry('run'), entry('approve')],
    admins: ['501000111'],
  }

  const start = async (deps: Pick<AdapterDeps, 'memo' | 'menu'>) => {
    const log = keepingLog()
    const before = fake.calls().length
    const { API_BASE = '' } = fake.settings
    const client = openClient({ token: fake.token, apiBase: API_BASE, fetch, now: Date.now })
    await registerMenu(client, '7000000001', { log, ...deps }, never)
    return {
      lines: log.lines,
      calls: fake
        .calls()
        .slice(before)
        .map(({ method }) => method),
    }
  }

  it('is registered when polling starts', async () => {
    const noted = Promise.withResolvers<string>()
    const kept = { ...memo(), set: async (key: string) => noted.resolve(key) }
    const stream = running(connected(fake, { memo: kept, menu }).adapter)
    expect(await noted.promise).toBe('menu')
    expect(fake.world.commands.size).toBe(3)
    await stream.stop()
  })

  it('is registered for everyone, for groups, and in the chat of each admin', async () => {
    await start({ memo: memo(), menu })
    expect(
      Object.fromEntries([...fake.world.commands].map(([scope, list]) => [scope, list.map((one) => one.command)])),
    ).toEqual({
      '{"type":"all_private_chats"}': ['run', 'help'],
      '{"type":"all_group_chats"}': ['run', 'help'],
      '{"type":"chat","chat_id":501000111}': ['run', 'approve'],
    })
  })

  it('is not registered again while it stays the same', async () => {
    const kept = memo()
    await start({ memo: kept, menu })
    expect((await start({ memo: kept, menu })).calls).toEqual([])
  })

  it('is registered again where it changed, and only there', async () => {
    const kept = memo()
    await start({ memo: kept, menu })
    const changed = { ...menu, admin: [...menu.admin, entry('reject')] }
    expect((await start({ memo: kept, menu: changed })).calls).toEqual(['setMyCommands'])
  })

  it('is taken back from who is no admin any more', async () => {
    const kept = memo()
    await start({ memo: kept, menu })
    expect((await start({ memo: kept, menu: { ...menu, admins: [] } })).calls).toEqual(['deleteMyCommands'])
    expect([...fake.world.commands.keys()]).not.toContain('{"type":"chat","chat_id":501000111}')
  })

  it('that can not be registered is only warned about, and tried again next time', async () => {
    const kept = memo()
    const unknown = { ...menu, admins: ['501000999'] }
    const first = await start({ memo: kept, menu: unknown })
    expect(first.lines.filter((line) => line.includes('chat not found'))).toHaveLength(1)
    expect((await start({ memo: kept, menu: unknown })).calls).toEqual(['setMyCommands'])
  })
})

describe('the probe', () => {
  const probe = () => connected(fake).adapter.probe(never)

  it('tells who we are and that polling is possible', async () => {
    expect(await probe()).toMatchObject([
      { name: 'token', ok: true, about: '@render_desk_bot (7000000001)' },
      { name: 'groups', ok: true },
      { name: 'polling', ok: true },
    ])
  })

  it('names a wrong token and its cure', async () => {
    fake.revokeToken()
    const [only] = await probe()
    expect(only).toMatchObject({ name: 'token', ok: false })
    expect(only?.about).toContain('@BotFather')
  })

  it('names a webhook that is in the way, without its secret path', async () => {
    fake.world.webhook = 'https://old.example/hook/secret-path'
    const polling = (await probe()).find(({ name }) => name === 'polling')
    expect(polling).toMatchObject({ ok: false })
    expect(polling?.about).toContain('old.example')
    expect(polling?.about).not.toContain('secret-path')
  })
})

describe('a file a person sent', () => {
  const fetchFile = (ref: string) => connected(fake).adapter.download?.({ kind: 'image', ref }, never)
  const message = (ref: string): Promise<string> =>
    (fetchFile(ref) ?? Promise.reject(new Error('none'))).then(
      () => 'fetched',
      (error: Error) => error.message,
    )

  it('is fetched, and the answer does not carry the token in its address', async () => {
    const ref = fake.keepFile('photos/file 1.jpg', Buffer.from('picture'))
    const response = await fetchFile(ref)
    expect(await response?.text()).toBe('picture')
    expect(response?.url).toBe('')
  })

  it.each(['../../etc/passwd', 'a/../b', 'https://evil.example/x', 'a?b', 'a#b', 'a%2e%2e', 'a\\b', 'x//y'])(
    'is not fetched from a path that leads elsewhere: %s',
    async (path) => {
      expect(await message(fake.keepFile(path, Buffer.from('x')))).toContain('leads elsewhere')
    },
  )

  it('of a server in local mode is told about', async () => {
    expect(await message(fake.keepFile('/var/lib/bot/x.jpg', Buffer.from('x')))).toContain('--local')
  })

  it('that is too large or unknown says so', async () => {
    expect(await message(fake.keepFile('big.bin', Buffer.alloc(20 * 1024 * 1024 + 1)))).toContain('file is too big')
    expect(await message('unknown')).toContain('wrong file_id')
  })
})
