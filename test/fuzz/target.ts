import type { Random } from './random.ts'

/** A platform whose webhook is fuzzed. */
export interface Target {
  readonly platform: string
  /** Of a daemon with this platform, names without prefix. */
  readonly settings: Readonly<Record<string, string>>
  readonly path: string
  readonly maxBytes: number
  /** Name of the header that proves who sends. */
  readonly proof: string
  readonly headers: (n: number) => Readonly<Record<string, string>>
  /** Bodies as the platform sends them. */
  readonly seeds: readonly Buffer[]
  /** Another person, another place. */
  readonly vary: (body: Buffer, random: Random) => Buffer
  /** A person asks for help. */
  readonly help: Buffer
  /** What is wrong with the body of a 200; null: the platform can show it. */
  readonly wrong: (body: string) => string | null
}

/** What came of it. */
export interface Report {
  readonly name: string
  readonly counts: ReadonlyMap<string, number>
  readonly notes: readonly string[]
  /** Empty: it held. */
  readonly problems: readonly string[]
}
