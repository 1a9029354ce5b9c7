import { readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import type { ConfigDeps } from './config/read.ts'
import type { Edge } from './daemon.ts'
import type { RootLog } from './log.ts'

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

/** The real world. */
export const realEdge = (version: string, log: RootLog): Edge => ({
  fetch: globalThis.fetch,
  WebSocket: globalThis.WebSocket,
  now: Date.now,
  random: Math.random,
  sleep,
  pid: process.pid,
  version,
  log,
})

export const realConfigDeps = (): ConfigDeps => ({
  readFile: (path) => readFileSync(path, 'utf8'),
  isTty: process.stdout.isTTY === true,
  homeDir: homedir(),
  platform: process.platform,
})
