import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { openSimulator } from '../../src/simulator/index.ts'
import { startDaemon } from '../bench/daemon.ts'
import { startBotApi, token } from './bot-api.ts'
import { mutateJson } from './json.ts'
import { type Random, seeded } from './random.ts'
import type { Report } from './target.ts'
import { seriousIn } from './trouble.ts'
import type { FuzzOptions } from './webhook.ts'

const golden = new URL('../golden/telegram/', import.meta.url)

type Update = Record<string, unknown>

const seeds = readdirSync(golden)
  .filter((name) => name.startsWith('update.'))
  .map((name) => (JSON.parse(readFileSync(new URL(name, golden), 'utf8')) as { readonly payload: Update }).payload)

const batchSize = 100
const firstId = 880_000_001
const helper = 501_999_999

const badIds = ['null', '"7"', '-5.5', '{}', '[]', 'true', '1e400']

/** Answers that are no list of updates at all. Each costs the poller a pause, so there are few. */
const brokenAnswers = ['{"ok":true,"result":{}}', '{"ok":true,"result":[1,null,"x",[],{}]}', '<html>502</html>']

const command = (id: number, chat: number, text: string): Update => ({
  update_id: id,
  message: {
    message_id: id,
    from: { id: chat, is_bot: false, first_name: 'Ann' },
    chat: { id: chat, first_name: 'Ann', type: 'private' },
    date: Math.floor(Date.now() / 1000),
    text,
  },
})

/** A recorded update, as if it were written now, with damage; its id is the next one, or none at all. */
const damaged = (id: number, random: Random): { readonly text: string; readonly counts: boolean } => {
  const { update_id: _, ...seed } = random.pick(seeds)
  const fresh = JSON.stringify(seed).replaceAll(/"date":\d+/g, `"date":${Math.floor(Date.now() / 1000)}`)
  const rest = mutateJson(JSON.parse(fresh) as object, random).replace(/^\{/, '')
  const counts = !random.chance(0.03)
  const own = counts ? String(id) : random.pick(badIds)
  return { text: `{"update_id":${own}${rest === '}' ? '' : ','}${rest}`, counts }
}

/** Hands damaged updates to a real daemon that polls, and looks whether its offset goes on to the end. */
export const fuzzTelegram = async ({ count, seed, dir, say }: FuzzOptions): Promise<Report> => {
  const random = seeded(seed)
  const broken = brokenAnswers.slice(0, count >= 5000 ? brokenAnswers.length : 1)
  let made = 0
  let withId = 0
  const next = () => {
    if (made >= count) {
      const nextBroken = broken.shift()
      return nextBroken === undefined ? last() : { body: nextBroken, lastId: null }
    }
    const updates = Array.from({ length: Math.min(batchSize, count - made) }, () => {
      const id = firstId + made++
      return { id, ...damaged(id, random) }
    })
    withId += updates.filter(({ counts }) => counts).length
    const lastId = updates.findLast(({ counts }) => counts)?.id ?? null
    if (made % 5000 === 0) say(`  ${made} updates`)
    return { body: `{"ok":true,"result":[${updates.map(({ text }) => text).join(',')}]}`, lastId }
  }
  let asked = false
  const last = () => {
    if (asked) return null
    asked = true
    const id = firstId + count
    return { body: JSON.stringify({ ok: true, result: [command(id, helper, '/help')] }), lastId: id }
  }

  const api = await startBotApi(next)
  const backend = await openSimulator({ templates: [] })
  const daemon = await startDaemon({
    dir: join(dir, 'telegram'),
    backend: backend.url,
    settings: {
      TELEGRAM_TOKEN: token,
      TELEGRAM_API_BASE: api.base,
      RATE_LIMIT_USER_RPM: '10',
      RATE_LIMIT_CHANNEL_RPM: '30',
    },
  })
  const problems: string[] = []
  await api.passed(firstId + count).catch((error: unknown) => problems.push(`${String(error)}, offset ${api.offset()}`))
  const deadlineMs = Date.now() + 10_000
  while (api.sentTo(String(helper)).length === 0 && Date.now() < deadlineMs) {
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  if (!api.sentTo(String(helper)).some((text) => text.includes('/help'))) problems.push('/help was not answered')
  const code = await daemon.stop()
  if (code !== 0) problems.push(`the daemon ended with code ${code}`)
  const log = daemon.log()
  problems.push(...seriousIn(log))
  if (problems.length > 0)
    problems.push(
      ...log
        .split('\n')
        .filter((line) => line.includes('interrupted'))
        .slice(-2),
    )
  await api.close()
  await backend.close()
  const skipped = log.split('an update could not be read and is skipped').length - 1
  return {
    name: `telegram: ${count} updates, seed ${seed}`,
    counts: new Map([
      ['with an id', withId],
      ['unreadable, skipped', skipped],
    ]),
    notes: [`offset ended at ${api.offset()}`],
    problems: problems.slice(0, 30),
  }
}
