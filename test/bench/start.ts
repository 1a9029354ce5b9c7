import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { listing, modulesIn } from '../kit/modules.ts'
import { residentBytes } from './child.ts'
import { startDaemon } from './daemon.ts'
import { openAll, openFew, type Platforms } from './everyone.ts'
import { type Bench, MB, type Measure, ms, type Row } from './row.ts'
import { median } from './stats.ts'

const settleMs = 1500
const root = fileURLToPath(new URL('../../', import.meta.url))

interface Promised {
  readonly letter: string
  readonly who: string
  readonly open: () => Promise<Platforms>
  readonly startMs: number
  readonly bytes: number
}

const few: Promised = { letter: 'd', who: 'three platforms', open: openFew, startMs: 700, bytes: 120e6 }
const all: Promised = { letter: 'k', who: 'all eight platforms', open: openAll, startMs: 900, bytes: 150e6 }

/** (d) and (k): from `spawn` to the line "ready", and the memory then and a moment later. */
export const measureStart: Measure = (bench) => measure(few, bench)
export const measureStartOfAll: Measure = (bench) => measure(all, bench)

const measure = async (promised: Promised, { quick, dir, backend, say }: Bench): Promise<Row[]> => {
  const { letter, who } = promised
  const platforms = await promised.open()
  const rows: Row[] = []
  const forms = [
    { name: 'sources', script: 'src/main.ts' },
    { name: 'compiled', script: compiled(join(dir, 'compiled')) },
  ]
  for (const { name, script } of forms) {
    const readyMs: number[] = []
    const bytes: number[] = []
    for (let i = 0; i < (quick ? 3 : 7); i++) {
      const daemon = await startDaemon({
        dir: join(dir, `${name}-${i}`),
        backend,
        settings: platforms.settings,
        script,
      })
      const atOnce = residentBytes(daemon.pid) ?? Number.NaN
      await new Promise((resolve) => setTimeout(resolve, settleMs))
      readyMs.push(daemon.readyAfterMs)
      bytes.push(Math.max(atOnce, residentBytes(daemon.pid) ?? Number.NaN))
      await daemon.stop()
      say(`  ${name}: ready after ${ms(daemon.readyAfterMs)}, ${MB(bytes.at(-1) ?? 0)}`)
    }
    rows.push({
      name: `${letter}  start to listening, ${who}, ${name}`,
      figure: ms(median(readyMs)),
      target: `≤ ${ms(promised.startMs)}`,
      pass: median(readyMs) <= promised.startMs,
    })
    rows.push({
      name: `${letter}  memory at rest, ${who}, ${name}`,
      figure: `RSS ${MB(median(bytes))}`,
      target: `≤ ${MB(promised.bytes)}`,
      pass: median(bytes) <= promised.bytes,
    })
  }
  await platforms.close()
  return rows
}

/** What only some platforms need. */
const special = ['grammy', '@discordjs/rest', '@slack/web-api', 'ws', 'fast-xml-parser']

/** (l) What a daemon for one platform loads, and one for all. */
export const measureModules: Measure = async ({ dir, backend }) => {
  const rows: Row[] = []
  for (const one of [true, false]) {
    const platforms = await (one ? openFew() : openAll())
    const file = join(dir, `loaded-${one}`)
    const isTelegram = ([name]: readonly [string, string]): boolean => name.startsWith('TELEGRAM_')
    const settings = one
      ? Object.fromEntries(Object.entries(platforms.settings).filter(isTelegram))
      : platforms.settings
    const daemon = await startDaemon({ dir: join(dir, `modules-${one}`), backend, settings, env: listing(file) })
    // SDKs are loaded at the first call.
    await new Promise((resolve) => setTimeout(resolve, settleMs))
    await daemon.stop()
    await platforms.close()
    const { count, packages } = modulesIn(file)
    const loaded = special.filter((name) => packages.has(name))
    rows.push({
      name: `l  modules loaded for ${one ? 'Telegram alone' : 'all eight platforms'}`,
      figure: `${count} of ${packages.size} packages, with ${loaded.join(', ')}`,
      target: one ? 'grammy alone' : '–',
      pass: one ? loaded.join() === 'grammy' : null,
    })
  }
  return rows
}

/** Compiles the project beside its packages, as they lie in the published form; the project's own `dist` stays. */
const compiled = (dir: string): string => {
  mkdirSync(dir, { recursive: true })
  cpSync(join(root, 'package.json'), join(dir, 'package.json'))
  symlinkSync(join(root, 'node_modules'), join(dir, 'node_modules'))
  const build = spawnSync(
    join(root, 'node_modules', '.bin', 'tsc'),
    ['-p', 'tsconfig.build.json', '--outDir', join(dir, 'dist')],
    { cwd: root, encoding: 'utf8' },
  )
  if (build.status !== 0) throw new Error(`the project does not compile:\n${build.stdout}`)
  return join(dir, 'dist', 'src', 'main.js')
}
