import { readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { ConfigDeps } from './config/read.ts'
import type { RootLog } from './log.ts'
import type { Memory } from './ops/slim.ts'

/** What comes from outside the program. */
export interface Edge {
  readonly fetch: typeof fetch
  readonly WebSocket: typeof WebSocket
  readonly now: () => number
  readonly random: () => number
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>
  readonly memory: Memory
  readonly pid: number
  readonly version: string
  readonly log: RootLog
  /** Called at the named steps of the pipeline; the crash tests end the process there. */
  readonly step: (name: string) => void
}

/** Resolves after the time, or as soon as the signal aborts. Never rejects. */
export const sleep = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) return resolve()
    const done = (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, Math.min(ms, 2 ** 31 - 1))
    signal.addEventListener('abort', done, { once: true })
  })

/** Only `last-resort` shrinks the young generation again. The collector is not there unless it is asked for. */
export const processMemory: Memory = {
  residentBytes: () => process.memoryUsage.rss(),
  release: () => {
    setFlagsFromString('--expose-gc')
    const collect: unknown = runInNewContext('gc')
    if (typeof collect === 'function') collect({ type: 'major', execution: 'sync', flavor: 'last-resort' })
  },
}

/** The real world. */
export const realEdge = (version: string, log: RootLog): Edge => ({
  fetch: globalThis.fetch,
  WebSocket: globalThis.WebSocket,
  now: Date.now,
  random: Math.random,
  sleep,
  memory: processMemory,
  pid: process.pid,
  version,
  log,
  step: () => {},
})

export const realConfigDeps = (): ConfigDeps => ({
  readFile: (path) => readFileSync(path, 'utf8'),
  isTty: process.stdout.isTTY === true,
  homeDir: homedir(),
  platform: process.platform,
})
