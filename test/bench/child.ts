import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Memory } from './probe.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const probe = fileURLToPath(new URL('./probe.ts', import.meta.url))

export interface ChildOptions {
  /** From the project's root, or absolute. */
  readonly script: string
  readonly env: Readonly<Record<string, string>>
  readonly cwd: string
  /** Gets everything it prints. A file, because a full pipe would hold the child up. */
  readonly logFile: string
  /** It is ready once it has printed this. */
  readonly ready: string
  /** Can be asked for its memory; costs it some start-up time. */
  readonly probed?: boolean
}

export interface Child {
  readonly pid: number
  /** From the call of `spawn` to the ready line. */
  readonly readyAfterMs: number
  readonly log: () => string
  /** After a garbage collection. Only where `probed`. */
  readonly memory: () => Promise<Memory>
  /** SIGTERM; resolves with the exit code. */
  readonly stop: () => Promise<number | null>
}

const pause = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms))

/** Starts a program of this project under our own node, in a process of its own. */
export const startChild = async (options: ChildOptions): Promise<Child> => {
  const { logFile, ready, probed = false } = options
  const output = openSync(logFile, 'a')
  const startMs = performance.now()
  const child = spawn(
    process.execPath,
    [...(probed ? ['--expose-gc', '--import', probe] : []), resolve(root, options.script)],
    { cwd: options.cwd, env: options.env, stdio: ['ignore', output, output, ...(probed ? (['ipc'] as const) : [])] },
  )
  closeSync(output)
  // Whatever becomes of us, it does not outlive us.
  const orphaned = (): void => void child.kill('SIGKILL')
  process.once('exit', orphaned)
  child.once('exit', () => process.off('exit', orphaned))
  const ended = once(child, 'exit')
  const log = (): string => readFileSync(logFile, 'utf8')
  const deadlineMs = startMs + 30_000
  while (!log().includes(ready)) {
    if (child.exitCode !== null || performance.now() > deadlineMs) {
      child.kill('SIGKILL')
      throw new Error(`${options.script} did not become ready:\n${log().slice(-4000)}`)
    }
    await pause(2)
  }
  const readyAfterMs = performance.now() - startMs
  return {
    pid: child.pid ?? 0,
    readyAfterMs,
    log,
    memory: () => askMemory(child),
    stop: async () => {
      if (child.exitCode === null && child.signalCode === null) {
        child.kill('SIGTERM')
        const late = setTimeout(() => child.kill('SIGKILL'), 15_000)
        await ended
        clearTimeout(late)
      }
      return child.exitCode
    },
  }
}

const askMemory = async (child: ChildProcess): Promise<Memory> => {
  const answer = once(child, 'message')
  child.send('memory')
  const [memory] = await answer
  return memory as Memory
}

/** Resident memory of a process in bytes, as the system counts it (proc(5)); null where there is no /proc. */
export const residentBytes = (pid: number): number | null => {
  try {
    const kB = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
    return kB === undefined ? null : Number(kB) * 1024
  } catch {
    return null
  }
}
