/** Bad input, much of it, for real daemons: damaged requests to every webhook, damaged updates to what polls, damaged
 *  frames over every connection that is kept open.
 *
 *    npm run fuzz                              20,000 for each
 *    npm run fuzz -- --count 500 --seed 7      fewer; the seed of a run that failed repeats its input
 *    npm run fuzz -- --only line,wechat-safe
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { openDiscord } from './discord.ts'
import { openFeishu } from './feishu.ts'
import { openFeishuConnection } from './feishu-connection.ts'
import { openKakao } from './kakao.ts'
import { openLine } from './line.ts'
import { openSlack } from './slack.ts'
import { openSlackSocket } from './slack-socket.ts'
import { fuzzStream } from './stream.ts'
import type { Report } from './target.ts'
import { fuzzTelegram } from './telegram.ts'
import { type FuzzOptions, fuzzWebhook } from './webhook.ts'
import { openSafeWechat, openWechat } from './wechat.ts'
import { openWhatsapp } from './whatsapp.ts'

const fuzzers: Readonly<Record<string, (options: FuzzOptions) => Promise<Report>>> = {
  kakao: (options) => fuzzWebhook(openKakao, options),
  line: (options) => fuzzWebhook(openLine, options),
  whatsapp: (options) => fuzzWebhook(openWhatsapp, options),
  wechat: (options) => fuzzWebhook(openWechat, options),
  'wechat-safe': (options) => fuzzWebhook(openSafeWechat, options),
  slack: (options) => fuzzWebhook(openSlack, options),
  feishu: (options) => fuzzWebhook(openFeishu, options),
  telegram: fuzzTelegram,
  'slack-socket': (options) => fuzzStream(openSlackSocket, options),
  'feishu-connection': (options) => fuzzStream(openFeishuConnection, options),
  discord: (options) => fuzzStream(openDiscord, options),
}

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '20000' },
    seed: { type: 'string', default: '1' },
    only: { type: 'string', default: '' },
  },
})
const only = values.only.split(',').filter((name) => name !== '')
const dir = mkdtempSync(join(tmpdir(), 'connector-fuzz-'))
process.once('exit', () => rmSync(dir, { recursive: true, force: true }))
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130))

let failed = false
for (const [name, fuzz] of Object.entries(fuzzers)) {
  if (only.length > 0 && !only.includes(name)) continue
  const say = (line: string): boolean => process.stderr.write(`${line}\n`)
  const report = await fuzz({ count: Number(values.count), seed: Number(values.seed), dir, say })
  const counts = [...report.counts].sort(([a], [b]) => a.localeCompare(b)).map(([what, n]) => `  ${what}: ${n}`)
  const verdict =
    report.problems.length === 0 ? ['  passed'] : ['  FAILED', ...report.problems.map((one) => `  ${one}`)]
  process.stdout.write(
    `${[report.name, ...counts, ...report.notes.map((note) => `  ${note}`), ...verdict].join('\n')}\n`,
  )
  failed ||= report.problems.length > 0
}
process.exitCode = failed ? 1 : 0
