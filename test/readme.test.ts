import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, it } from 'vitest'
import { commands } from '../src/commands/index.ts'
import { openSimulator } from '../src/simulator/index.ts'
import { openDb } from '../src/store/open.ts'
import { freePort, runProgram, spawnDaemon } from './flow/process.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const pages = ['README.md', 'CONTRIBUTING.md', ...globSync('docs/*.md', { cwd: root })]
const textOf = (page: string): string => readFileSync(join(root, page), 'utf8')
const readme = textOf('README.md')

/** Fenced blocks of a language, with the indentation of their list item taken off. */
const blocks = (text: string, language: string): readonly string[] =>
  [...text.matchAll(new RegExp(`^( *)\`\`\`${language}\n([\\s\\S]*?)^ *\`\`\`$`, 'gm'))].map(
    ([, indent = '', body = '']) => body.replaceAll(new RegExp(`^${indent}`, 'gm'), ''),
  )
const section = (heading: string): string => readme.split(/^## /m).find((part) => part.startsWith(heading)) ?? ''

/** A command of a shell, as a reader would paste it. */
const shell = async (command: string, cwd: string): Promise<{ code: number; out: string; err: string }> => {
  const PATH = [join(root, 'node_modules/.bin'), process.env.PATH ?? ''].join(delimiter)
  const child = spawn('bash', ['-c', command], { cwd, env: { ...process.env, PATH, FORCE_COLOR: '0' } })
  let out = ''
  let err = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    err += text
  })
  const [code] = (await once(child, 'close')) as [number]
  return { code, out, err }
}

const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})
const folder = (): string => {
  const path = mkdtempSync(join(tmpdir(), 'connector-readme-'))
  closers.push(() => rmSync(path, { recursive: true, force: true }))
  return path
}

/** What GitHub makes of a heading. */
const slug = (heading: string): string =>
  heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-')

describe('every page', () => {
  it.each(pages)('links in %s lead somewhere', (page) => {
    const links = [...textOf(page).matchAll(/\]\((?!https?:)([^)\s]+)\)/g)].map(([, link = '']) => link)
    const broken = links.filter((link) => {
      const [path = '', anchor] = link.split('#')
      const target = path === '' ? join(root, page) : resolve(root, dirname(page), path)
      if (!existsSync(target)) return true
      const headings = [...readFileSync(target, 'utf8').matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
        slug(heading),
      )
      return anchor !== undefined && !headings.includes(anchor)
    })
    expect(broken).toEqual([])
  })

  it('names only scripts that exist, and whose files exist', () => {
    const { scripts } = JSON.parse(textOf('package.json')) as { scripts: Record<string, string> }
    const named = pages.flatMap((page) => [...textOf(page).matchAll(/\bnpm (?:run ([\w:]+)|(start|test)\b)/g)])
    const names = [...new Set(named.map(([, run, short]) => run ?? short ?? ''))]
    expect(names).toEqual(expect.arrayContaining(['demo', 'test', 'start', 'doctor', 'docs', 'chaos']))
    const missing = names.filter((name) => {
      const file = /^node (\S+\.ts)/.exec(scripts[name] ?? '')?.[1]
      return scripts[name] === undefined || (file !== undefined && !existsSync(join(root, file)))
    })
    expect(missing).toEqual([])
  })

  it('names only verbs of the program that exist', async () => {
    const { out } = await runProgram(['--help'], {}, folder())
    const named = pages.flatMap((page) => [...textOf(page).matchAll(/`openclaw-connector (\w+)|`npm start -- (\w+)/g)])
    const verbs = [...new Set(named.map(([, direct, viaNpm]) => direct ?? viaNpm ?? ''))]
    expect(verbs.length).toBeGreaterThan(0)
    for (const verb of verbs) expect(out).toContain(`openclaw-connector ${verb}`)
  })
})

describe('the README', () => {
  it('names only chat commands that exist', () => {
    const known = new Set(commands.flatMap(({ name, aliases }) => [name, ...aliases]))
    // Health pages, a folder of links, a command of Telegram's own bot.
    const others = ['/healthz', '/readyz', '/metrics', '/newbot']
    const named = [...readme.matchAll(/`(\/[a-z_]+)(?=[ `\n])/g)].map(([, word = '']) => word)
    expect(named.length).toBeGreaterThan(10)
    expect([...new Set(named)].filter((word) => !known.has(word) && !others.includes(word))).toEqual([])
  })

  it('can be read in one sitting', () => {
    expect(readme.split('\n').length).toBeLessThanOrEqual(250)
  })

  it('has settings for Telegram and KakaoTalk that are accepted as they stand', async () => {
    for (const platform of ['Telegram', 'KakaoTalk']) {
      const cwd = folder()
      const lines = blocks(section(`${platform} in five minutes`), 'dotenv')
      expect(lines.length).toBeGreaterThan(0)
      writeFileSync(join(cwd, '.env'), lines.join('\n'))
      const { status, out, err } = await runProgram(['check'], {}, cwd)
      expect({ status, err }).toEqual({ status: 0, err: '' })
      expect(out).toContain(`Platforms: ${platform}.`)
    }
  })

  it('ends as its table of exit codes says', async () => {
    expect((await runProgram([], {}, folder())).status).toBe(78)
    expect((await runProgram(['dance'], {}, folder())).status).toBe(64)
  })

  it('demonstrates itself through a pipe', async () => {
    const command = blocks(section('Try it'), 'sh').find((block) => block.includes('printf')) ?? ''
    const { code, out, err } = await shell(command, root)
    const saved = /^\s*saved: (\S+)/m.exec(out)?.[1] ?? ''
    closers.push(() => rmSync(saved, { force: true }))
    // npm has opinions of its own about the machine it runs on.
    const said = err.split('\n').filter((line) => line !== '' && !line.startsWith('npm '))
    expect({ code, said }).toEqual({ code: 0, said: [] })
    expect(out).toContain('[Job Submitted] portrait')
    expect(out).toContain('prompt: a red fox')
    expect(readFileSync(saved).subarray(1, 4).toString()).toBe('PNG')
  })

  it('proves the KakaoTalk webhook with curl, and nothing without the header', async () => {
    const kakao = section('KakaoTalk in five minutes')
    const command = blocks(kakao, 'sh').find((block) => block.startsWith('curl')) ?? ''
    const simulator = await openSimulator({ adminToken: 'readme' })
    closers.push(() => simulator.close())
    const cwd = folder()
    writeFileSync(join(cwd, '.env'), blocks(kakao, 'dotenv').join('\n'))
    const { port } = await freePort()
    const daemon = spawnDaemon(
      {
        OPENCLAW_CONNECTOR_URL: simulator.url,
        OPENCLAW_CONNECTOR_ADMIN_TOKEN: 'readme',
        OPENCLAW_CONNECTOR_STATE_DIR: join(cwd, 'state'),
        OPENCLAW_CONNECTOR_ADMIN_PORT: String((await freePort()).port),
        OPENCLAW_CONNECTOR_KAKAO_PORT: String(port),
      },
      cwd,
    )
    closers.push(() => daemon.stop())
    await daemon.ready()
    const here = command.replace(':8096/', `:${port}/`)
    const { code, out } = await shell(here, cwd)
    expect(code).toBe(0)
    expect(JSON.parse(out)).toMatchObject({ version: '2.0' })
    expect(out).toContain('You are kakao:test-user')
    const bare = await shell(here.replace(/ +-H 'X-Kakao[^']*' \\\n/, '').replace('-sS', "-sS -w '%{http_code}'"), cwd)
    expect(bare.out).toMatch(/401$/)
    expect(await daemon.stop()).toBe(0)
  })
})

describe('the operations page', () => {
  it('has a command that copies the database while it is in use', async () => {
    const cwd = folder()
    const db = openDb(join(cwd, 'connector.db'))
    closers.push(() => db.close())
    db.exec("INSERT INTO memo (scope, key, value) VALUES ('test', 'a', 'b')")
    const [command = ''] = blocks(textOf('docs/operations.md'), 'sh')
    const { code, err } = await shell(command, cwd)
    expect({ code, err }).toEqual({ code: 0, err: '' })
    const copy = openDb(join(cwd, 'connector-backup.db'))
    closers.push(() => copy.close())
    expect(copy.sql("SELECT value FROM memo WHERE key = 'a'").get()?.value).toBe('b')
  })
})
