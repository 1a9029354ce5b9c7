import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { until } from '../flow/process.ts'
import type { Stage } from './stage.ts'

/** What the daemon holds at one moment. Numbers the system does not tell are null. */
export interface Holding {
  readonly files: number | null
  readonly sockets: number | null
  readonly rssMiB: number | null
  readonly heapMiB: number
  /** On event targets, most of all on signals. Of emitters Node itself warns. */
  readonly listeners: number
  readonly signals: number
  readonly emitters: number
  readonly netSockets: number
  readonly timers: number
  /** Everything Node has warned of so far. */
  readonly warnings: readonly string[]
}

const MiB = 1024 * 1024

const links = (pid: number): readonly string[] | null => {
  const folder = `/proc/${pid}/fd`
  if (!existsSync(folder)) return null
  return readdirSync(folder).flatMap((name) => {
    try {
      return [readlinkSync(`${folder}/${name}`)]
    } catch {
      // Closed between the two looks.
      return []
    }
  })
}

/** What the system counts, without asking the daemon. */
export const outside = (pid: number): Pick<Holding, 'files' | 'sockets' | 'rssMiB'> => {
  const open = links(pid)
  if (open === null) return { files: null, sockets: null, rssMiB: null }
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const [, kib = '0'] = /^VmRSS:\s+(\d+)/m.exec(status) ?? []
  return {
    files: open.length,
    sockets: open.filter((link) => link.startsWith('socket:')).length,
    rssMiB: Math.round(Number(kib) / 1024),
  }
}

const written = (file: string): readonly string[] =>
  existsSync(file) ? readFileSync(file, 'utf8').split('\n').slice(0, -1) : []

/** Has the daemon collect its garbage and count what is left. */
export const held = async ({ daemon, figuresFile }: Stage): Promise<Holding> => {
  const before = written(figuresFile).length
  const system = outside(daemon.pid)
  process.kill(daemon.pid, 'SIGUSR2')
  const line = await until('the daemon counts', () => written(figuresFile)[before], daemon.tail, 30_000)
  const { heapBytes, ...counts } = JSON.parse(line) as Omit<Holding, 'heapMiB'> & { readonly heapBytes: number }
  return { ...counts, ...system, heapMiB: Math.round((heapBytes / MiB) * 10) / 10 }
}
