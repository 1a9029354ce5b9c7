import { join } from 'node:path'
import { openSimulator, type Simulator } from '../../src/simulator/index.ts'
import { type DaemonChild, startDaemon } from '../bench/daemon.ts'
import type { Post } from './frames.ts'
import type { Random } from './random.ts'

/** A platform whose webhook is fuzzed. */
export interface Target {
  readonly name: string
  /** Of a daemon with this platform, names without prefix. */
  readonly settings: Readonly<Record<string, string>>
  /** What must never stand in the log. */
  readonly secrets: readonly string[]
  readonly maxBytes: number
  /** Request `n` with this body: mostly proven as the platform proves it, so that what is behind gets to see it. */
  readonly post: (body: Buffer, n: number, random: Random) => Post
  /** Bodies as the platform sends them. */
  readonly seeds: readonly Buffer[]
  /** Another person, another place, another message, now. */
  readonly vary: (body: Buffer, random: Random, n: number) => Buffer
  readonly damage: (body: Buffer, random: Random) => Buffer
  /** Sent before all damage, and taken: what the daemon learns once, it shall not learn from damage. */
  readonly first?: readonly Post[]
  /** A person asks for help. */
  readonly help: Buffer
  /** Whether they got it; `answer` is what the webhook said to it. */
  readonly helped: (answer: string) => boolean
  /** What is wrong with the body of a 200; null: the platform can show it. */
  readonly wrong: (body: string) => string | null
  /** How often the platform was called. */
  readonly calls: () => number
  readonly close: () => Promise<void>
}

/** What came of it. */
export interface Report {
  readonly name: string
  readonly counts: ReadonlyMap<string, number>
  readonly notes: readonly string[]
  /** Empty: it held. */
  readonly problems: readonly string[]
}

/** The settings of a fake, as the daemon's variables have them. */
export const inSettings = (
  platform: string,
  settings: Readonly<Record<string, string | undefined>>,
): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(settings).map(([name, value]) => [`${platform}_${name}`, String(value)]))

/** The real daemon with this platform, and a backend for it. */
export const openDaemon = async (
  { name, settings }: Pick<Target, 'name' | 'settings'>,
  dir: string,
): Promise<{ readonly backend: Simulator; readonly daemon: DaemonChild }> => {
  const backend = await openSimulator()
  return { backend, daemon: await startDaemon({ dir: join(dir, name), backend: backend.url, settings, probed: true }) }
}
