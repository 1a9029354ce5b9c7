import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startTelegram } from '../platforms/telegram.ts'
import { residentBytes } from './child.ts'
import { startDaemon, webhook } from './daemon.ts'
import { line, whatsapp } from './hooks.ts'
import { wechat } from './passive.ts'
import { MB, type Measure, ms, type Row } from './row.ts'
import { median } from './stats.ts'

const targetMs = 700
const targetBytes = 120e6
const settleMs = 1500
/** No program may be asked at this port: every call fails at once. */
const nobody = 'http://127.0.0.1:1'

const root = fileURLToPath(new URL('../../', import.meta.url))

/** (d) From `spawn` to the line "ready", and the memory then and a moment later, with every adapter configured. */
export const measureStart: Measure = async ({ quick, dir, backend, say }) => {
  const telegram = await startTelegram()
  const settings = {
    ...webhook,
    CONSOLE_ENABLED: 'true',
    TELEGRAM_TOKEN: telegram.token,
    TELEGRAM_API_BASE: telegram.settings.API_BASE ?? '',
    ...line.settings(nobody),
    ...whatsapp.settings(nobody),
    ...wechat,
    PUBLIC_BASE_URL: 'https://bot.example.com',
  }
  const times = quick ? 3 : 7
  const rows: Row[] = []
  const forms = [
    { name: 'sources', script: 'src/main.ts' },
    { name: 'compiled', script: compiled(join(dir, 'compiled')) },
  ]
  for (const { name, script } of forms) {
    const readyMs: number[] = []
    const bytes: number[] = []
    for (let i = 0; i < times; i++) {
      const daemon = await startDaemon({ dir: join(dir, `${name}-${i}`), backend, settings, script })
      const atOnce = residentBytes(daemon.pid) ?? Number.NaN
      await new Promise((resolve) => setTimeout(resolve, settleMs))
      readyMs.push(daemon.readyAfterMs)
      bytes.push(Math.max(atOnce, residentBytes(daemon.pid) ?? Number.NaN))
      await daemon.stop()
      say(`  ${name}: ready after ${ms(daemon.readyAfterMs)}, ${MB(bytes.at(-1) ?? 0)}`)
    }
    rows.push({
      name: `d  start to listening, ${name}`,
      figure: ms(median(readyMs)),
      target: `≤ ${ms(targetMs)}`,
      pass: median(readyMs) <= targetMs,
    })
    rows.push({
      name: `d  memory with every adapter, ${name}`,
      figure: `RSS ${MB(median(bytes))}`,
      target: `≤ ${MB(targetBytes)}`,
      pass: median(bytes) <= targetBytes,
    })
  }
  await telegram.close()
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
