import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import { MB } from '../bench/row.ts'
import { type Random, seeded } from './random.ts'
import { openDaemon, type Report } from './target.ts'
import { seriousIn, toldIn } from './trouble.ts'
import type { FuzzOptions } from './webhook.ts'
import { broken, framesOf, type Message } from './ws.ts'

/** How a connection ends, or is asked to. */
export interface Ending {
  readonly name: string
  /** Does it; `write` goes to the connection that stands at that moment. */
  readonly act: (write: (bytes: Buffer) => void) => void | Promise<void>
  /** How many new ones it may take until one stands: 1. */
  readonly connections?: number
}

/** A platform to which the daemon keeps a connection. */
export interface StreamTarget {
  readonly name: string
  readonly settings: Readonly<Record<string, string>>
  readonly secrets: readonly string[]
  /** Where the daemon connects to. */
  readonly server: Server
  /** The damage of number `n`, one message or a few, and nothing that ends a connection by itself. */
  readonly damage: (n: number, random: Random) => { readonly kind: string; readonly messages: readonly Message[] }
  /** Bytes the daemon answers to once it has read everything before them. */
  readonly mark: (n: number) => Buffer
  readonly marked: (n: number) => boolean
  readonly endings: readonly Ending[]
  /** New connections that the messages so far have asked for. */
  readonly renewals: () => number
  /** A person asks for help. */
  readonly ask: (n: number) => void
  /** How often they got it. */
  readonly answers: () => number
  readonly calls: () => number
  readonly close: () => Promise<void>
}

/** Some of it is room for the longest messages, which the allocator keeps. */
const maxGrowthBytes = 36e6
const maxHeapGrowthBytes = 5e6
const settledAfter = 5000
/** Each costs the pause that the daemon makes after a failure, and the pauses double. */
const endingsOf = (count: number): number => (count >= settledAfter ? 5 : 1)
const batchOf = (count: number): number => Math.min(500, Math.ceil(count / 5))
/** The sixth pause in a row is half a minute, and some endings take two. */
const patienceMs = 150_000
const answerMs = 30_000

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
const until = async (done: () => boolean, ms: number): Promise<boolean> => {
  for (const endMs = Date.now() + ms; !done(); await pause(5)) if (Date.now() > endMs) return false
  return true
}

const protocol = broken.map(([name, bytes]): Ending => ({ name, act: (write) => write(bytes) }))

/** The connections as bytes. Whatever a fake writes to them itself goes between our frames. */
const tap = (server: Server) => {
  const all: Socket[] = []
  server.on('upgrade', (_request, socket) => all.push(socket as Socket))
  return { opened: () => all.length, standing: () => all.findLast((one) => one.writable && !one.destroyed) ?? null }
}

/** Brings damaged messages to a real daemon until `count`, breaks the connection now and then, and looks whether there
 *  is soon another one, and whether the daemon is as well as before. */
export const fuzzStream = async (open: () => Promise<StreamTarget>, options: FuzzOptions): Promise<Report> => {
  const { count, seed, dir, say } = options
  const target = await open()
  const taps = tap(target.server)
  const { backend, daemon } = await openDaemon(target, dir)
  const counts = new Map<string, number>()
  const problems: string[] = []
  const notes: string[] = []
  let marks = 0
  let allowed = 1

  /** To the newest connection; resolves to it. */
  const write = async (bytes: Buffer): Promise<Socket> => {
    if (!(await until(() => taps.standing() !== null, patienceMs))) throw new Error('there is no connection any more')
    const line = taps.standing()
    if (line === null) return write(bytes)
    if (line.write(bytes)) return line
    return new Promise((resolve) => {
      line.once('drain', () => resolve(line))
      line.once('close', () => resolve(line))
    })
  }

  /** Resolves once everything so far has been read. */
  const settle = async (): Promise<void> => {
    for (const endMs = Date.now() + patienceMs; Date.now() < endMs; ) {
      marks += 1
      const own = marks
      const line = await write(target.mark(own))
      await until(() => target.marked(own) || line.destroyed, answerMs)
      if (target.marked(own)) return
    }
    throw new Error('what is sent is not read any more')
  }

  const end = async (nth: number): Promise<void> => {
    // Those of the platform in turn with those of the protocol, others for another seed.
    const list = nth % 2 === 0 ? target.endings : protocol
    const ending = list[(seed * 3 + (nth >> 1)) % list.length]!
    const before = taps.opened()
    const startMs = Date.now()
    await ending.act((bytes) => void taps.standing()?.write(bytes))
    allowed += ending.connections ?? 1
    if (!(await until(() => taps.opened() > before, patienceMs))) throw new Error(`no new connection: ${ending.name}`)
    await settle()
    notes.push(`${ending.name}: on again after ${((Date.now() - startMs) / 1000).toFixed(1)} s`)
  }

  const bring = async (from: number, to: number): Promise<void> => {
    for (let n = from; n < to; n++) {
      const random = seeded(Math.imul(seed, 0x9e3779b1) + n)
      const { kind, messages } = target.damage(n, random)
      counts.set(kind, (counts.get(kind) ?? 0) + 1)
      for (const message of messages) await write(framesOf(message, random))
      if ((n + 1) % batchOf(count) === 0) await settle()
      if (n % 5000 === 4999) say(`  ${n + 1} messages`)
    }
    await settle()
  }

  const helped = async (nth: number): Promise<void> => {
    target.ask(nth)
    if (await until(() => target.answers() >= nth, answerMs)) return
    problems.push(`/help was not answered ${nth === 1 ? 'before all damage' : 'behind the damage'}`)
  }

  /** Only a long run says something about memory. */
  const quiet = async (): Promise<void> => {
    if (count < settledAfter) return
    for (let before = -1; before !== target.calls(); await pause(300)) before = target.calls()
  }

  const attack = async (): Promise<void> => {
    const early = Math.min(settledAfter, count >> 1)
    await settle()
    await helped(1)
    await bring(0, early)
    await quiet()
    const before = await daemon.memory()
    const endings = endingsOf(count)
    for (let nth = 0; nth < endings; nth++) {
      await end(nth)
      const step = Math.ceil((count - early) / endings)
      await bring(early + nth * step, Math.min(count, early + (nth + 1) * step))
    }
    await helped(2)
    await quiet()
    const after = await daemon.memory()
    const [rss, heap] = [after.rss - before.rss, after.heapUsed - before.heapUsed]
    if (early === settledAfter && rss > maxGrowthBytes) problems.push(`memory grew by ${MB(rss)}`)
    if (early === settledAfter && heap > maxHeapGrowthBytes) problems.push(`the heap grew by ${MB(heap)}`)
    notes.push(`RSS ${MB(before.rss)} → ${MB(after.rss)}, heap ${MB(before.heapUsed)} → ${MB(after.heapUsed)}`)
  }

  await attack().catch((error: unknown) => problems.push(String(error)))
  const most = allowed + target.renewals()
  if (taps.opened() > most) problems.push(`${taps.opened()} connections, where ${most} were called for`)
  const code = await daemon.stop()
  if (code !== 0) problems.push(`the daemon ended with code ${code}`)
  problems.push(...seriousIn(daemon.log()), ...toldIn(daemon.log(), target.secrets))
  // People nobody knows may ask for a job; all of them would have waited for an approval.
  const jobs = backend.control.jobs().length
  if (jobs > 0) problems.push(`${jobs} jobs were run for people who may not run any`)
  await Promise.all([backend.close(), target.close()])
  return {
    name: `${target.name}: ${count} messages, seed ${seed}`,
    counts,
    notes: [`${target.calls()} calls of the platform, ${taps.opened()} connections`, ...notes],
    problems: problems.slice(0, 30),
  }
}
