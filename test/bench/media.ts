import { join } from 'node:path'
import { openSimulator } from '../../src/simulator/index.ts'
import { startLine } from '../platforms/line.ts'
import { residentBytes } from './child.ts'
import { startDaemon } from './daemon.ts'
import { MB, type Measure, type Row } from './row.ts'
import { median } from './stats.ts'

const base = 'https://bot.example.com'
const jobs = 16
const readers = 4
const rounds = 5
const largeBytes = 50 * 1024 * 1024
const maxServedBytes = 16e6
/** The files together are six times that, and twice as many files don't change it: what has passed through is garbage
 *  until V8 collects it, which sees no hurry below some 64 MB. */
const maxFetchedBytes = 128e6
const everyMs = 5

/** (j) How far the daemon's memory grows while it fetches several results of 50 MB from the backend at once, and while
 *  several people fetch them by their links. */
export const measureMedia: Measure = async ({ dir, say }) => {
  const [simulator, line] = [await openSimulator({ stepMs: 1 }), await startLine()]
  line.world.quota.type = 'none'
  const { ann } = line.people
  const daemon = await startDaemon({
    dir: join(dir, 'daemon'),
    backend: simulator.url,
    settings: {
      ...Object.fromEntries(Object.entries(line.settings).map(([name, value]) => [`LINE_${name}`, value])),
      LINE_ALLOWED_USERS: ann.id,
      PUBLIC_BASE_URL: base,
      DELIVERY_MAX_BYTES: String(largeBytes),
      MEDIA_MAX_MB: '64',
    },
  })
  const here = `http://127.0.0.1:${daemon.port}`
  line.connect(async ({ method, path, headers, body }) => {
    const response = await fetch(here + path, { method, headers, body: body as string })
    return { status: response.status, headers: Object.fromEntries(response.headers), body: await response.text() }
  })

  const links = (): readonly string[] =>
    line.requests().flatMap(({ body }) => {
      // What LINE does not show itself: a name, and below it where it lies.
      const [link] = /https:[^"\s]+\/media\/[\w.-]+/.exec(JSON.stringify(body)) ?? []
      return link === undefined ? [] : [link]
    })
  /** Resolves to the links of so many results, wherever the jobs ran. */
  const make = async (count: number, bytes: number): Promise<readonly string[]> => {
    const before = links().length
    for (let i = 0; i < count; i++) {
      await line.say(ann, line.places.dm, `/run big prompt="number ${i}" width=64 height=64 bytes=${bytes} seed=${i}`)
    }
    const deadlineMs = Date.now() + 60_000
    while (links().length < before + count) {
      if (Date.now() > deadlineMs) throw new Error('the results did not come')
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    return links().slice(before)
  }
  const fetchAll = async (all: readonly string[]): Promise<readonly number[]> =>
    Promise.all(all.map(async (link) => sizeOf(await fetch(link.replace(base, here)))))

  const grown = async <T>(
    what: string,
    act: () => Promise<T>,
  ): Promise<{ readonly value: T; readonly bytes: number }> => {
    const before = residentBytes(daemon.pid) ?? Number.NaN
    let most = before
    const look = (): void => {
      most = Math.max(most, residentBytes(daemon.pid) ?? Number.NaN)
    }
    const watch = setInterval(look, everyMs)
    const value = await act()
    clearInterval(watch)
    look()
    say(`  ${what}: ${MB(before)}, at most ${MB(most)}`)
    return { value, bytes: most - before }
  }

  // Code and buffers that any file needs are not what is measured.
  await fetchAll(await make(2, 12 * 1024 * 1024))
  const fetched = await grown('from the backend', () => make(jobs, largeBytes))
  const served: number[] = []
  for (let round = 0; round < rounds; round++) {
    const { value, bytes } = await grown('by links', () => fetchAll(fetched.value.slice(0, readers)))
    if (value.some((one) => one !== largeBytes)) throw new Error(`links gave ${value.join(', ')} bytes`)
    served.push(bytes)
  }
  await Promise.all([daemon.stop(), line.close(), simulator.close()])
  const row = (what: string, grownBytes: readonly number[], mostBytes: number): Row => ({
    name: `j  memory growth, ${what}`,
    figure: `RSS ${MB(median(grownBytes))}, at most ${MB(Math.max(...grownBytes))}`,
    target: `≤ ${MB(mostBytes)}`,
    pass: median(grownBytes) <= mostBytes,
  })
  return [
    row(`${jobs} results of 50 MB fetched from the backend`, [fetched.bytes], maxFetchedBytes),
    row(`${readers} results of 50 MB served by links at once`, served, maxServedBytes),
  ]
}

const sizeOf = async (response: Response): Promise<number> => {
  let bytes = 0
  for await (const chunk of response.body ?? []) bytes += chunk.length
  return bytes
}
