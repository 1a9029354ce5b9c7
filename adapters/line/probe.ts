// A file of its own: questions `doctor` asks; nothing else uses them.
import * as v from 'valibot'
import type { AdapterDeps, Probe } from '../../src/contract/index.ts'
import { SendError } from '../../src/contract/index.ts'
import type { ApiCall, Client, LineAnswer } from './connect.ts'
import { failureOf, tokenCure } from './errors.ts'
import type { PushQuota } from './quota.ts'
import { botInfo, endpoint, endpointTest } from './wire.ts'

const testMs = 20_000
/** Messages are old after ten minutes by our clock, and reply tokens are counted by it. */
const mostSkewMs = 2 * 60_000
const consoleTab = 'LINE Developers Console › your channel › Messaging API › Webhook settings'

export interface ProbedSettings {
  readonly BIND: string
  readonly PORT: number
  readonly PATH: string
}

export async function probe(
  client: Client,
  quota: PushQuota,
  settings: ProbedSettings,
  { media, now }: Pick<AdapterDeps, 'media' | 'now'>,
  signal: AbortSignal,
): Promise<readonly Probe[]> {
  const links = publicHost(media)
  const clock: Probe[] = []
  const token = await asked(client, { method: 'GET', path: '/v2/bot/info' }, signal, (answer) => {
    clock.push(...clockProbe(answer, now()))
    return tokenProbe(answer)
  })
  if (!token.ok) return [token, ...clock]
  const path = '/v2/bot/channel/webhook/endpoint'
  const hook = await asked(client, { method: 'GET', path }, signal, (answer) => hookProbe(answer, settings, links))
  // LINE allows 60 of these an hour.
  const test: ApiCall = { method: 'POST', path: '/v2/bot/channel/webhook/test', body: {}, timeoutMs: testMs }
  const tested = hook.ok ? [await asked(client, test, signal, testProbe)] : []
  return [token, ...clock, hook, ...tested, await quotaProbe(quota, signal)]
}

const asked = async (
  client: Client,
  call: ApiCall,
  signal: AbortSignal,
  look: (answer: LineAnswer) => Probe,
): Promise<Probe> => {
  try {
    return look(await client.call(call, signal))
  } catch (error) {
    if (!(error instanceof SendError)) throw error
    return { name: 'connection', ok: false, about: error.message }
  }
}

const unexpected = (name: string, answer: LineAnswer): Probe => ({
  name,
  ok: false,
  about: `LINE answered ${answer.status} ${failureOf(answer).message}`.trim(),
})

function tokenProbe(answer: LineAnswer): Probe {
  const read = v.safeParse(botInfo, answer.body)
  if (answer.status === 401) return { name: 'token', ok: false, about: tokenCure }
  if (answer.status !== 200 || !read.success) return unexpected('token', answer)
  const { displayName, basicId, chatMode } = read.output
  const chat =
    chatMode === 'chat'
      ? '; its response mode is Chat: with that on, people may wait for a human (Official Account Manager › Response settings)'
      : ''
  return { name: 'token', ok: true, about: `${displayName} (${basicId})${chat}` }
}

function clockProbe(answer: LineAnswer, nowMs: number): readonly Probe[] {
  const name = 'clock'
  const theirsMs = Date.parse(answer.header('date') ?? '')
  if (Number.isNaN(theirsMs)) return []
  const skewMs = Math.abs(nowMs - theirsMs)
  const apart = `${Math.round(skewMs / 1000)} s apart from LINE's`
  return skewMs <= mostSkewMs
    ? [{ name, ok: true, about: apart }]
    : [{ name, ok: false, about: `${apart}: fresh messages count as old. Set the clock of this machine right` }]
}

function hookProbe(answer: LineAnswer, { BIND, PORT, PATH }: ProbedSettings, links: string | null): Probe {
  const name = 'webhook'
  const cure = `enter https://${links ?? '<public host>'}${PATH} (it has to lead to ${BIND}:${PORT}) in ${consoleTab}`
  if (answer.status === 404) return { name, ok: false, about: `no webhook URL is set: ${cure}` }
  const read = v.safeParse(endpoint, answer.body)
  if (answer.status !== 200 || !read.success) return unexpected(name, answer)
  const url = URL.parse(read.output.endpoint)
  const where = url === null ? 'an unreadable URL' : `${url.origin}${url.pathname}`
  if (!read.output.active)
    return { name, ok: false, about: `${where} is set but off: switch on "Use webhook" in ${consoleTab}` }
  // A proxy may lead another path here; the test that follows tells.
  const isOurs = url?.pathname.endsWith(PATH) && (links === null || url.host === links)
  return {
    name,
    ok: true,
    about: isOurs ? where : `${where}, which is not where this connector listens; if that is wrong, ${cure}`,
  }
}

function testProbe(answer: LineAnswer): Probe {
  const name = 'webhook test'
  const read = v.safeParse(endpointTest, answer.body)
  if (answer.status === 429) return { name, ok: true, about: 'not made: LINE allows 60 tests an hour' }
  if (answer.status !== 200 || !read.success) return unexpected(name, answer)
  const { success, statusCode, reason, detail } = read.output
  if (success) return { name, ok: true, about: 'LINE reached this webhook and was answered 200' }
  const seen = [statusCode, reason, detail].filter((word) => word !== undefined && word !== '').join(', ')
  const cure =
    statusCode === 401
      ? 'the channel secret is not that of this channel: check OPENCLAW_CONNECTOR_LINE_CHANNEL_SECRET'
      : 'is the connector running, and does the public host lead to it?'
  return { name, ok: false, about: `LINE got no 200 (${seen}): ${cure}` }
}

async function quotaProbe(quota: PushQuota, signal: AbortSignal): Promise<Probe> {
  const name = 'push quota'
  const seen = await quota.read(signal)
  if (seen === null) return { name, ok: false, about: 'LINE did not tell it' }
  const { used, limit } = seen
  if (limit === null) return { name, ok: true, about: `${used} sent this month, no limit` }
  const about = `${used} of ${limit} sent this month`
  return used < limit
    ? { name, ok: true, about }
    : { name, ok: false, about: `${about}: results wait until their person writes; a larger plan or next month helps` }
}

/** The host of media links; null where none can be made (that is told for all platforms together). */
const publicHost = (media: AdapterDeps['media']): string | null =>
  URL.parse(media.link('0'.repeat(32)) ?? '')?.host ?? null
