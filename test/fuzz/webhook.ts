import { join } from 'node:path'
import { openSimulator } from '../../src/simulator/index.ts'
import { type DaemonChild, startDaemon } from '../bench/daemon.ts'
import { mutateBytes } from './bytes.ts'
import { type Frame, frame, type Post } from './frames.ts'
import { mutateJson } from './json.ts'
import { type Random, seeded } from './random.ts'
import type { Report, Target } from './target.ts'
import { seriousIn } from './trouble.ts'
import { openWire, type Reply } from './wire.ts'

export interface FuzzOptions {
  readonly count: number
  readonly seed: number
  readonly dir: string
  readonly say: (line: string) => void
}

const atOnce = 16
const maxGrowthBytes = 20e6
/** Below this the memory still settles, and its growth says nothing. */
const settledAfter = 5000

const damaged = (seed: Buffer, random: Random): Buffer => {
  const json = random.chance(0.7) ? parsed(seed) : null
  const body = json === null ? seed : Buffer.from(mutateJson(json, random))
  return json !== null && random.chance(0.85) ? body : mutateBytes(body, random)
}

const parsed = (bytes: Buffer): object | null => {
  // Deeper than our own recursion goes; such a body is damaged as bytes.
  if (bytes.includes('['.repeat(100))) return null
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8'))
    return typeof value === 'object' ? value : null
  } catch {
    return null
  }
}

const postOf = (target: Target, n: number, body: Buffer): Post => ({
  path: target.path,
  headers: target.headers(n),
  proof: target.proof,
  body,
})

/** Sends damaged requests to a real daemon until `count`, then looks whether it is as well as before. */
export const fuzzWebhook = async (target: Target, { count, seed, dir, say }: FuzzOptions): Promise<Report> => {
  const backend = await openSimulator({ templates: [] })
  const daemon = await startDaemon({
    dir: join(dir, target.platform),
    backend: backend.url,
    settings: target.settings,
    probed: true,
  })
  const counts = new Map<string, number>()
  const problems: string[] = []
  const early = Math.min(settledAfter, count >> 1)

  const attack = async (from: number, to: number): Promise<void> => {
    let next = from
    const sender = async (): Promise<void> => {
      const wire = openWire(daemon.port)
      while (next < to) {
        const n = next++
        // Of its own, so that request n of a seed is the same whatever the others' timing was.
        const random = seeded(Math.imul(seed, 0x9e3779b1) + n)
        const body = damaged(target.vary(random.pick(target.seeds), random), random)
        const sent = frame(postOf(target, n, body), target.maxBytes, random)
        const reply = await wire.send(sent).catch((error: unknown) => String(error))
        const wrong = typeof reply === 'string' ? reply : judge(target, sent, reply, counts)
        if (wrong !== null) problems.push(`request ${n} (${sent.kind}): ${wrong}`)
        if (n % 5000 === 4999) say(`  ${n + 1} requests`)
      }
      wire.close()
    }
    await Promise.all(Array.from({ length: atOnce }, sender))
  }

  await attack(0, early)
  const before = await daemon.memory()
  await attack(early, count)
  const after = await daemon.memory()
  const growth = after.rss - before.rss
  if (early === settledAfter && growth > maxGrowthBytes) problems.push(`memory grew by ${growth} bytes`)
  problems.push(...(await stillWell(target, daemon)))
  await backend.close()
  return {
    name: `${target.platform}: ${count} requests, seed ${seed}`,
    counts,
    notes: [`RSS ${(before.rss / 1e6).toFixed(0)} → ${(after.rss / 1e6).toFixed(0)} MB`],
    problems: problems.slice(0, 30),
  }
}

const judge = (target: Target, sent: Frame, { status, body }: Reply, counts: Map<string, number>): string | null => {
  const word = status === null ? (sent.leave ? 'hung up on purpose' : `no answer (${sent.kind})`) : String(status)
  counts.set(word, (counts.get(word) ?? 0) + 1)
  if (status === null) return sent.sound ? 'no answer to a well-formed request' : null
  // Nothing that is sent here is a reason for the deliberate 503 (full disk, too much waiting).
  if (status >= 500) return `answered ${status}`
  return status === 200 ? target.wrong(body) : null
}

const stillWell = async (target: Target, daemon: DaemonChild): Promise<readonly string[]> => {
  const wire = openWire(daemon.port)
  const help = frame(postOf(target, -1, target.help), target.maxBytes, {
    below: () => 0,
    pick: ([one]) => one!,
    chance: () => false,
  })
  const { status, body } = await wire.send(help)
  wire.close()
  const code = await daemon.stop()
  return [
    ...(status === 200 && body.includes('/help') ? [] : [`/help was answered with ${status}: ${body.slice(0, 200)}`]),
    ...(code === 0 ? [] : [`the daemon ended with code ${code}`]),
    ...seriousIn(daemon.log()),
  ]
}
