// A file of its own: questions `doctor` asks; nothing else uses them.
import * as v from 'valibot'
import type { Probe } from '../../src/contract/index.ts'
import type { Graph } from './client.ts'
import { GraphError, sendError } from './errors.ts'
import { app, phone, subscriptions } from './wire.ts'

const askMs = 15_000
/** Half of the age at which messages are not run any more would already be too much. */
const mostSkewMs = 2 * 60_000

export interface ProbeDeps {
  readonly graph: Graph
  readonly account: string
  readonly appSecret: string | undefined
  readonly verifyToken: string | undefined
  readonly path: string
  readonly now: () => number
}

export const makeProbe =
  (deps: ProbeDeps) =>
  async (signal: AbortSignal): Promise<readonly Probe[]> => [
    ...(await numberProbes(deps, signal)),
    secretProbe(deps),
    verifyTokenProbe(deps),
    await webhookProbe(deps, signal),
  ]

const numberProbes = async ({ graph, account, now }: ProbeDeps, signal: AbortSignal): Promise<readonly Probe[]> => {
  try {
    const query = { fields: 'display_phone_number,verified_name,quality_rating' }
    const { body, dateMs } = await graph.call({ path: account, query }, signal, askMs)
    const read = v.safeParse(phone, body)
    if (!read.success) return [{ name: 'token and number', ok: false, about: 'the number was told in an unknown form' }]
    const {
      display_phone_number: number = 'number unknown',
      verified_name: name,
      quality_rating: quality,
    } = read.output
    const about = [number, name, quality === undefined ? undefined : `quality ${quality}`].filter(Boolean).join(', ')
    return [{ name: 'token and number', ok: true, about }, ...clockProbe(dateMs, now())]
  } catch (error) {
    if (!(error instanceof GraphError)) throw error
    return [{ name: 'token and number', ok: false, about: sendError(error, false).message }]
  }
}

const clockProbe = (dateMs: number | null, nowMs: number): readonly Probe[] => {
  if (dateMs === null) return []
  const skewMs = Math.abs(nowMs - dateMs)
  const seconds = Math.round(skewMs / 1000)
  return skewMs <= mostSkewMs
    ? [{ name: 'clock', ok: true, about: `${seconds} s apart from Meta's` }]
    : [{ name: 'clock', ok: false, about: `${seconds} s apart from Meta's: fresh messages count as old. Set it right` }]
}

const secretProbe = ({ appSecret }: ProbeDeps): Probe =>
  appSecret === undefined
    ? {
        name: 'app secret',
        ok: false,
        about:
          'OPENCLAW_CONNECTOR_WHATSAPP_APP_SECRET is not set: whoever finds the URL can pose as anybody, so nobody is ' +
          'admin and every run waits for an approval. Copy it from the app dashboard, App settings, Basic',
      }
    : { name: 'app secret', ok: true, about: 'set: calls without its signature are refused' }

const verifyTokenProbe = ({ verifyToken, path }: ProbeDeps): Probe =>
  verifyToken === undefined
    ? {
        name: 'verify token',
        ok: false,
        about:
          'OPENCLAW_CONNECTOR_WHATSAPP_VERIFY_TOKEN is not set: Meta can not verify the webhook. Think one up, set it, ' +
          'and type the same into WhatsApp, Configuration, Webhook',
      }
    : { name: 'verify token', ok: true, about: `set: Meta's verification of ${path} is answered` }

/** An app may read its own subscriptions, so this proves the app secret too. */
const webhookProbe = async (deps: ProbeDeps, signal: AbortSignal): Promise<Probe> => {
  const { graph, appSecret, path } = deps
  const name = 'webhook'
  const byHand = `enter https://<public host>${path} in WhatsApp, Configuration, and subscribe to the field messages`
  if (appSecret === undefined) return { name, ok: true, about: `not asked, that takes the app secret: ${byHand}` }
  try {
    const own = v.safeParse(app, (await graph.call({ path: 'app' }, signal, askMs)).body)
    if (!own.success) return { name, ok: true, about: `Meta does not tell which app it is: ${byHand}` }
    const { id } = own.output
    const token = `${id}|${appSecret}`
    const read = v.safeParse(
      subscriptions,
      (await graph.call({ path: `${id}/subscriptions`, token }, signal, askMs)).body,
    )
    const found = read.success
      ? read.output.data.find(({ object }) => object === 'whatsapp_business_account')
      : undefined
    if (found === undefined) return { name, ok: false, about: `app ${id} has no webhook for WhatsApp: ${byHand}` }
    const { host = 'an unreadable address', pathname = '' } = URL.parse(found.callback_url) ?? {}
    if (pathname !== path) return { name, ok: false, about: `leads to ${host}${pathname}, not to ${path}: ${byHand}` }
    const fields = found.fields.map((field) => field.name)
    if (found.active === false || !fields.includes('messages'))
      return { name, ok: false, about: `leads to ${host}, but the field messages is not subscribed: ${byHand}` }
    return { name, ok: true, about: `${host}${path}, subscribed to ${fields.join(', ')}` }
  } catch (error) {
    if (!(error instanceof GraphError)) throw error
    return { name, ok: false, about: `could not be looked up (${error.message}): check the app secret. Else ${byHand}` }
  }
}
