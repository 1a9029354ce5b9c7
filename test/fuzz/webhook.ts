import type { DaemonChild } from '../bench/daemon.ts'
import type { Memory } from '../bench/probe.ts'
import { MB } from '../bench/row.ts'
import { type Frame, frame } from './frames.ts'
import { type Random, seeded } from './random.ts'
import { openDaemon, type Report, type Target } from './target.ts'
import { seriousIn, toldIn } from './trouble.ts'
import { openWire, type Reply } from './wire.ts'

export interface FuzzOptions {
  readonly count: number
  readonly seed: number
  readonly dir: string
  readonly say: (line: string) => void
}

const atOnce = 16
const maxGrowthBytes = 20e6
/** Nothing of that is the allocator's. */
const maxHeapGrowthBytes = 5e6
/** Of fewer the memory still settles, and its growth says nothing. Of as many, it is looked at behind as many again: the
 *  allocator takes room for the worst moment it meets, and keeps it; a leak goes on growing. */
const settledAfter = 5000
const quietMs = 300

/** Sends damaged requests to a real daemon, `count` and where that is many as many before, then looks whether it is as well as before. */
export const fuzzWebhook = async (
  open: () => Promise<Target>,
  { count, seed, dir, say }: FuzzOptions,
): Promise<Report> => {
  const target = await open()
  const { backend, daemon } = await openDaemon(target, dir)
  const counts = new Map<string, number>()
  const problems: string[] = []
  const early = count >= settledAfter ? count : 0

  const attack = async (from: number, to: number): Promise<void> => {
    let next = from
    const sender = async (): Promise<void> => {
      const wire = openWire(daemon.port)
      while (next < to) {
        const n = next++
        // Of its own, so that request n of a seed is the same whatever the others' timing was.
        const random = seeded(Math.imul(seed, 0x9e3779b1) + n)
        const body = target.damage(target.vary(random.pick(target.seeds), random, n), random)
        const sent = frame(target.post(body, n, random), target.maxBytes, random)
        const reply = await wire.send(sent).catch((error: unknown) => String(error))
        const wrong = typeof reply === 'string' ? reply : judge(target, sent, reply, counts)
        if (wrong !== null) problems.push(`request ${n} (${sent.kind}): ${wrong}`)
        if (n % 5000 === 4999) say(`  ${n + 1} requests`)
      }
      wire.close()
    }
    await Promise.all(Array.from({ length: atOnce }, sender))
  }

  for (const post of target.first ?? []) {
    const wire = openWire(daemon.port)
    const { status } = await wire.send(frame(post, target.maxBytes, tame))
    wire.close()
    if (status !== 200) problems.push(`a good request before all others was answered with ${status}`)
  }
  await attack(0, early)
  if (early > 0) await quiet(target)
  const before = await daemon.memory()
  await attack(early, early + count)
  await quiet(target)
  const after = await daemon.memory()
  if (early > 0) problems.push(...grown(before, after, target))
  problems.push(...(await stillWell(target, daemon)))
  // People nobody knows may ask for a job; all of them would have waited for an approval.
  const jobs = backend.control.jobs().length
  if (jobs > 0) problems.push(`${jobs} jobs were run for people who may not run any`)
  await Promise.all([backend.close(), target.close()])
  return {
    name: `${target.name}: ${early + count} requests, seed ${seed}`,
    counts,
    notes: [
      ...(target.calls() > 0 ? [`${target.calls()} calls of the platform`] : []),
      `RSS ${MB(before.rss)} → ${MB(after.rss)}, heap ${MB(before.heapUsed)} → ${MB(after.heapUsed)}`,
    ],
    problems: problems.slice(0, 30),
  }
}

/** As many bodies of the largest size as can be under way are held at once, and the allocator keeps their room. */
const grown = (before: Memory, after: Memory, { maxBytes }: Target): readonly string[] => {
  const [rss, heap] = [after.rss - before.rss, after.heapUsed - before.heapUsed]
  return [
    ...(rss > maxGrowthBytes + atOnce * maxBytes ? [`memory grew by ${MB(rss)}`] : []),
    ...(heap > maxHeapGrowthBytes ? [`the heap grew by ${MB(heap)}`] : []),
  ]
}

const judge = (target: Target, sent: Frame, { status, body }: Reply, counts: Map<string, number>): string | null => {
  const word = status === null ? (sent.leave ? 'hung up on purpose' : `no answer (${sent.kind})`) : String(status)
  counts.set(word, (counts.get(word) ?? 0) + 1)
  if (status === null) return sent.sound ? 'no answer to a well-formed request' : null
  // Nothing that is sent here is a reason for the deliberate 503 (full disk, too much waiting).
  if (status >= 500) return `answered ${status}`
  return status === 200 ? target.wrong(body) : null
}

/** What was answered by a call of our own goes out at its pace. */
const quiet = async (target: Target): Promise<void> => {
  for (let before = -1; before !== target.calls(); await pause(quietMs)) before = target.calls()
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** Chooses the first, and takes no chances. */
const tame: Random = { below: () => 0, pick: ([one]) => one!, chance: () => false }

const stillWell = async (target: Target, daemon: DaemonChild): Promise<readonly string[]> => {
  const wire = openWire(daemon.port)
  const { status, body } = await wire.send(frame(target.post(target.help, -1, tame), target.maxBytes, tame))
  wire.close()
  const deadlineMs = Date.now() + 10_000
  while (!target.helped(body) && Date.now() < deadlineMs) await pause(20)
  const helped = status === 200 && target.helped(body)
  const code = await daemon.stop()
  return [
    ...(helped ? [] : [`/help was answered with ${status}: ${body.slice(0, 200)}`]),
    ...(code === 0 ? [] : [`the daemon ended with code ${code}`]),
    ...seriousIn(daemon.log()),
    ...toldIn(daemon.log(), target.secrets),
  ]
}
