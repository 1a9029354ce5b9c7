import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, rm, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { turned } from './turned.ts'

export interface LogLine {
  readonly level: string
  readonly msg: string
  readonly [field: string]: unknown
}

/** The exit code, or the signal that ended it. */
export type Status = number | string

export interface Daemon {
  readonly pid: number
  /** Resolves with the `ready` line; rejects when the process ends before. */
  readonly ready: () => Promise<void>
  /** Everything logged so far. Throws when a line is no JSON. */
  readonly lines: () => readonly LogLine[]
  /** All that came out of the process, as it came. */
  readonly output: () => string
  readonly tail: () => string
  readonly ended: Promise<Status>
  /** Sends SIGUSR2 to a daemon with `clock.ts` or `read-only.ts` in it; resolves once that has happened. */
  readonly turn: () => Promise<void>
  readonly stop: () => Promise<Status>
  readonly kill: () => Promise<Status>
  readonly wasKilled: () => boolean
}

const program = join(import.meta.dirname, '../../src/main.ts')
/** The same files are compiled for every daemon. */
const compiled = { NODE_COMPILE_CACHE: join(tmpdir(), 'openclaw-connector-flow-cache') }

const launch = (args: readonly string[], env: Readonly<Record<string, string>>, cwd: string): ChildProcess =>
  spawn(process.execPath, [program, ...args], {
    env: { PATH: process.env.PATH ?? '', HOME: cwd, ...compiled, ...env },
    cwd,
    stdio: 'pipe',
  })

export const spawnDaemon = (env: Readonly<Record<string, string>>, cwd: string): Daemon => {
  const child = launch([], env, cwd)
  let out = ''
  let err = ''
  let killed = false
  const waiting = new Set<() => void>()
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    out += text
    for (const look of waiting) look()
  })
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    err += text
  })
  const ended = once(child, 'close').then(([code, signal]): Status => (code ?? signal) as Status)
  const tail = (): string => `--- log ---\n${out.slice(-6000)}\n--- stderr ---\n${err.slice(-2000)}`

  return {
    pid: child.pid ?? 0,
    ready: async () => {
      const line = new Promise<'ready'>((resolve) => {
        const look = (): void => {
          if (out.includes('"msg":"ready"')) resolve('ready')
        }
        waiting.add(look)
        look()
      })
      const what = await Promise.race([line, ended])
      if (what !== 'ready') throw new Error(`the daemon ended with ${what} before it was ready\n${tail()}`)
    },
    lines: () =>
      out
        .split('\n')
        .slice(0, -1)
        .map((line) => JSON.parse(line) as LogLine),
    output: () => out + err,
    tail,
    ended,
    turn: async () => {
      const before = err.split(turned).length
      child.kill('SIGUSR2')
      await until('SIGUSR2 handled', () => err.split(turned).length > before, tail)
    },
    stop: () => {
      child.kill('SIGTERM')
      return ended
    },
    kill: () => {
      killed = true
      child.kill('SIGKILL')
      return ended
    },
    wasKilled: () => killed,
  }
}

export interface Finished {
  readonly status: Status
  readonly out: string
  readonly err: string
}

/** Runs the program to its end with this on its standard input. */
export const runProgram = async (
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  cwd: string,
  input = '',
): Promise<Finished> => {
  const child = launch(args, env, cwd)
  let out = ''
  let err = ''
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    out += text
  })
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    err += text
  })
  child.stdin?.end(input)
  const timer = setTimeout(() => child.kill('SIGKILL'), 15_000)
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null]
  clearTimeout(timer)
  return { status: code ?? signal ?? 'unknown', out, err }
}

const tries = 100
const reservedMs = 5 * 60_000

/** A port nobody listens on, below those the system gives away by itself. It is reserved by a file, as the daemons of
 *  other tests look for ports at the same time; `release` when the daemon has ended. */
export const freePort = async (): Promise<{ readonly port: number; readonly release: () => Promise<void> }> => {
  const folder = join(tmpdir(), 'openclaw-connector-flow-ports')
  await mkdir(folder, { recursive: true })
  for (let i = 0; i < tries; i++) {
    const port = 20_000 + Math.floor(Math.random() * 10_000)
    const mark = join(folder, String(port))
    if (!(await reserve(mark))) continue
    if (await isFree(port)) return { port, release: () => rm(mark, { force: true }) }
  }
  throw new Error('no free port found')
}

/** A reservation that outlived its test by far is nobody's any more. */
const reserve = async (mark: string): Promise<boolean> => {
  const known = await stat(mark).catch(() => null)
  if (known && Date.now() - known.mtimeMs > reservedMs) await rm(mark, { force: true })
  return writeFile(mark, '', { flag: 'wx' }).then(
    () => true,
    () => false,
  )
}

const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })

const everyMs = 10

/** Looks until there is something: what another process does tells nobody. The error says what was last seen. */
export const until = async <T>(
  what: string,
  look: () => T | null | undefined | false | Promise<T | null | undefined | false>,
  seen: () => unknown = () => '',
  timeoutMs = 12_000,
): Promise<T> => {
  const endMs = Date.now() + timeoutMs
  for (;;) {
    const value = await look()
    if (value !== null && value !== undefined && value !== false) return value
    if (Date.now() > endMs) {
      throw new Error(`not within ${timeoutMs} ms: ${what}\n${JSON.stringify(seen(), null, 1).slice(0, 4000)}`)
    }
    await new Promise((resolve) => setTimeout(resolve, everyMs))
  }
}
