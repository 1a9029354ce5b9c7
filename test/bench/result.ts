import { join } from 'node:path'
import { openSimulator } from '../../src/simulator/index.ts'
import { startTelegram } from '../platforms/telegram.ts'
import { openRoom } from '../platforms/telegram-world.ts'
import { startDaemon } from './daemon.ts'
import { type Measure, ms } from './row.ts'
import { median, percentile } from './stats.ts'

const targetMs = 50
const people = 20
const firstPerson = 501_100_000
/** Longer than a chat has to rest between two messages: what is measured is us, not the platform's pace. */
const stepMs = 130
const resultCall = /^send(?!ChatAction)/
/** A picture of usual weight. The simulator paints when a file is first asked for, which would be counted as ours; a
 *  tiny picture padded to this size costs it nothing. */
const run = '/run big prompt="a red fox" width=64 height=64 bytes=600000'

/** (c) From the broadcast that says a job left the queue to the arrival of our call with its picture. Backend and
 *  platform are in this process, so both moments are read from one clock; the daemon is a process of its own. */
export const measureResult: Measure = async ({ quick, dir, say }) => {
  const simulator = await openSimulator({ stepMs })
  const telegram = await startTelegram()
  for (let i = 0; i < people; i++) openRoom(telegram.world, firstPerson + i, 'private', `Person ${i}`)
  const daemon = await startDaemon({
    dir: join(dir, 'daemon'),
    backend: simulator.url,
    settings: {
      TELEGRAM_TOKEN: telegram.token,
      TELEGRAM_API_BASE: telegram.settings.API_BASE ?? '',
      TELEGRAM_ALLOWED_USERS: Array.from({ length: people }, (_, i) => firstPerson + i).join(','),
    },
  })
  await telegram.updates.polled()

  const jobs = quick ? 4 : 40
  const hops: number[] = []
  for (let n = 0; n < jobs + 2; n++) {
    const person = { id: String(firstPerson + (n % people)), name: 'Ann' }
    const before = telegram.calls().length
    await telegram.say(person, { chat: person.id, kind: 'dm' }, `${run} seed=${n}`)
    await simulator.control.busy()
    // Resolves in the very turn in which the queue became empty and everybody was told.
    await simulator.control.idle()
    const toldMs = Date.now()
    const arrivedMs = await arrival(() =>
      telegram
        .calls()
        .slice(before)
        .find(({ method, at }) => at >= toldMs && resultCall.test(method)),
    )
    // The first two find code that was never run before.
    if (n >= 2) hops.push(arrivedMs - toldMs)
    say(`  job ${n + 1} of ${jobs + 2}: ${arrivedMs - toldMs} ms`)
  }
  await daemon.stop()
  await telegram.close()
  await simulator.close()
  return [
    {
      name: `c  backend's status to our send call, ${jobs} jobs`,
      figure: `median ${ms(median(hops))}, p95 ${ms(percentile(hops, 0.95))}, worst ${ms(Math.max(...hops))}`,
      target: `median ≤ ${ms(targetMs)}`,
      pass: median(hops) <= targetMs,
    },
  ]
}

/** The fake notes when a call came; looking for the note late does not change it. */
const arrival = async (find: () => { readonly at: number } | undefined): Promise<number> => {
  const deadlineMs = Date.now() + 20_000
  for (;;) {
    const call = find()
    if (call) return call.at
    if (Date.now() > deadlineMs) throw new Error('the result was never sent')
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
