import { EventEmitter } from 'node:events'
import { appendFileSync } from 'node:fs'
import { Socket } from 'node:net'
import { queryObjects } from 'node:v8'

// Loaded into the daemon before its own code: at SIGUSR2 it counts what is alive in there after a collection, and writes
// that as a line of JSON. The product itself knows nothing of it.
const { SOAK_FIGURES: file = '' } = process.env
const warnings: string[] = []

/** The class of what hangs on a signal; it has no name outside of Node, whose own maps and records know no prototypes. */
const listenerClass = (): (new () => object) | null => {
  const target = new EventTarget()
  target.addEventListener('probe', () => {})
  const field = (of: unknown, name: string | symbol): unknown =>
    typeof of === 'object' && of !== null ? Reflect.get(of, name) : undefined
  for (const symbol of Object.getOwnPropertySymbols(target)) {
    const held = field(target, symbol)
    const get = field(held, 'get')
    const next = typeof get === 'function' ? field(get.call(held, 'probe'), 'next') : undefined
    if (typeof next === 'object' && next !== null) return next.constructor as new () => object
  }
  return null
}

type AnyClass = Parameters<typeof queryObjects>[0]
const alive = (of: AnyClass | null): number => (of === null ? -1 : Number(queryObjects(of, { format: 'count' })))

process.on('warning', ({ name, message }) => warnings.push(`${name}: ${message}`.slice(0, 300)))
const settleMs = 300
process.on('SIGUSR2', () => {
  // What hangs together by weak references goes in two rounds, with a turn of the loop between them.
  alive(AbortSignal)
  setTimeout(count, settleMs)
})

const count = (): void => {
  const listeners = alive(listenerClass())
  const figures = {
    listeners,
    signals: alive(AbortSignal),
    emitters: alive(EventEmitter),
    netSockets: alive(Socket),
    timers: process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length,
    heapBytes: process.memoryUsage().heapUsed,
    warnings,
  }
  appendFileSync(file, `${JSON.stringify(figures)}\n`)
}
