import { randomFrom } from '../crash/chaos-people.ts'
import { tick } from '../crash/harness.ts'
import { openRows, openThings } from '../crash/state.ts'
import { type Holding, held, outside } from './figures.ts'
import { type Crowd, gather } from './people.ts'
import { type Clockwork, openStage, type Stage } from './stage.ts'
import { type Measure, troubles } from './trouble.ts'
import { leaks, type Verdict, verdict } from './verdict.ts'

export interface SoakOptions extends Clockwork, Measure {
  readonly seed: number
  readonly forMs: number
  /** Between two things people do. */
  readonly actEveryMs: number
  /** Between two troubles of one platform: from 0.3 to 1.7 times as long. */
  readonly troubleEveryMs: number
  /** How long everything may take to come to its end. */
  readonly patienceMs: number
  /** How long nothing happens before the daemon's holdings are counted: connections kept for the next call end. */
  readonly restMs: number
  readonly onProgress?: (line: string) => void
}

export interface LineFigures {
  readonly platform: string
  /** Connections there have been. */
  readonly opened: number
  /** Connections there are. */
  readonly open: number
  readonly troubles: Readonly<Record<string, number>>
}

export interface Figures extends Verdict {
  readonly said: number
  readonly tookMs: number
  readonly lines: readonly LineFigures[]
  readonly start: Holding
  readonly end: Holding
  /** The largest seen from outside while the world misbehaved. */
  readonly most: Pick<Holding, 'files' | 'sockets' | 'rssMiB'>
  readonly leaks: readonly string[]
  /** What was still open when patience ended; empty when all is well. */
  readonly open: readonly string[]
  /** What the daemon called an error. */
  readonly errors: readonly string[]
  readonly warnings: readonly string[]
}

const lineCounts = ({ slack, discord, feishu }: Stage) => ({
  slack: { opened: slack.socket.opened(), open: slack.socket.connections() },
  discord: { opened: discord.gateway.stats.connections, open: discord.gateway.open() },
  feishu: { opened: feishu.sockets.opened(), open: feishu.sockets.open() },
})

/** Waits until nothing is open and each platform has its one connection. Returns what is open in spite of that. */
const calm = async (stage: Stage, crowd: Crowd, patienceMs: number): Promise<readonly string[]> => {
  const endMs = Date.now() + patienceMs
  let quiet = 0
  let clearedMs = 0
  const connected = (): boolean => Object.values(lineCounts(stage)).every(({ open }) => open === 1)
  const delivered = (): boolean => stage.slack.socket.idle() && stage.feishu.sockets.idle()
  while (Date.now() < endMs) {
    const rows = openRows(stage.dir)
    const open = rows ? rows.events + rows.parts + rows.jobs + rows.approvals + rows.mailbox : 1
    quiet = open === 0 && connected() && delivered() ? quiet + 1 : 0
    if (quiet >= 5) return []
    if (rows && rows.approvals > 0 && connected() && Date.now() - clearedMs > 5000) {
      clearedMs = Date.now()
      await crowd.clear()
    }
    await tick(150)
  }
  const lines = Object.entries(lineCounts(stage)).map(([name, { open }]) => `${name}: ${open} connections`)
  const idle = `undelivered: Slack ${!stage.slack.socket.idle()}, Feishu ${!stage.feishu.sockets.idle()}`
  return [...openThings(stage.dir), ...lines, idle]
}

/** A daemon on three long connections, people who use it, and a world that misbehaves; then rest, and the count. */
export const soak = async (options: SoakOptions): Promise<Figures> => {
  const { seed, forMs, actEveryMs, troubleEveryMs, patienceMs, restMs, onProgress = () => {} } = options
  const startedMs = Date.now()
  // Rows of their own, so that what one does at random does not change what the other does.
  const [worldly, human, wicked] = [randomFrom(seed), randomFrom(seed + 1), randomFrom(seed + 2)]
  const stage = await openStage(worldly, options)
  try {
    const crowd = gather(stage, human)
    const bad = troubles(stage, wicked, options)
    const struck = new Map(bad.map(({ platform }) => [platform as string, new Map<string, number>()]))

    // Everything was used once before it is counted for the first time.
    for (let i = 0; i < 24; i++) {
      crowd.act()
      await tick(Math.min(150, actEveryMs))
    }
    stage.slack.socket.cut()
    stage.discord.gateway.cut()
    stage.feishu.sockets.drop('hard')
    const before = await calm(stage, crowd, patienceMs)
    if (before.length > 0) throw new Error(`not quiet after the warm-up:\n${before.join('\n')}\n${stage.daemon.tail()}`)
    await tick(restMs)
    const start = await held(stage)
    onProgress(`warmed up: ${start.files} files, ${start.rssMiB} MiB`)

    const endMs = Date.now() + forMs
    const going = (): boolean => Date.now() < endMs && stage.daemon.pid > 0
    const most = { files: 0, sockets: 0, rssMiB: 0 }
    const repeat = async (everyMs: () => number, deed: () => void): Promise<void> => {
      while (going()) {
        await tick(Math.min(everyMs(), Math.max(0, endMs - Date.now())))
        if (going()) deed()
      }
    }
    const look = (): void => {
      const now = outside(stage.daemon.pid)
      for (const name of ['files', 'sockets', 'rssMiB'] as const) most[name] = Math.max(most[name], now[name] ?? 0)
    }
    const tell = (): void => {
      const left = Math.round((endMs - Date.now()) / 1000)
      const opened = Object.entries(lineCounts(stage)).map(([name, one]) => `${name} ${one.opened}`)
      const { files, rssMiB } = outside(stage.daemon.pid)
      onProgress(`${left} s left: ${crowd.spoken().length} said, ${opened.join(', ')}; ${files} files, ${rssMiB} MiB`)
    }
    await Promise.all([
      repeat(() => actEveryMs * 2 * human(), crowd.act),
      ...bad.map(({ platform, strike }) =>
        repeat(
          () => troubleEveryMs * (0.3 + 1.4 * wicked()),
          () => {
            const counts = struck.get(platform)
            const name = strike()
            counts?.set(name, (counts.get(name) ?? 0) + 1)
          },
        ),
      ),
      repeat(() => 1000, look),
      repeat(() => 60_000, tell),
    ])
    for (const { heal } of bad) heal()
    onProgress('the world is well again')
    const open = await calm(stage, crowd, patienceMs)
    await tick(restMs)
    const end = await held(stage)
    const lines = Object.entries(lineCounts(stage)).map(([platform, counts]) => ({
      platform,
      ...counts,
      troubles: Object.fromEntries(struck.get(platform) ?? []),
    }))
    const logged = stage.daemon.lines()
    return {
      ...verdict(stage, crowd.spoken()),
      said: crowd.spoken().length,
      tookMs: Date.now() - startedMs,
      lines,
      start,
      end,
      most,
      leaks: leaks(start, end),
      open,
      errors: logged.filter(({ level }) => level === 'error').map((line) => JSON.stringify(line).slice(0, 400)),
      warnings: logged.filter(({ level }) => level === 'warn').map((line) => JSON.stringify(line).slice(0, 300)),
    }
  } finally {
    await stage.close()
  }
}

/** What makes a run a failure, one line each. */
export const faults = ({ lost, double, untrue, ignored, open, leaks: grown }: Figures): readonly string[] => [
  ...lost.map((line) => `lost: ${line}`),
  ...double.map((line) => `double: ${line}`),
  ...untrue.map((line) => `untrue: ${line}`),
  ...ignored.map((line) => `ignored: ${line}`),
  ...open.map((line) => `open: ${line}`),
  ...grown.map((line) => `grown: ${line}`),
]
