// A file of its own: questions `doctor` asks; nothing else uses them.
import type { AdapterDeps, Probe } from '../../src/contract/index.ts'
import type { App } from './app.ts'
import { cureOf, FeishuError } from './errors.ts'

export interface ProbeDeps extends Pick<AdapterDeps, 'installs'> {
  readonly apps: readonly App[]
  readonly path: string
  readonly callbackPath: string
}

const release = 'Changes there work after a new version of the app was released'

export const makeProbe =
  ({ apps, ...paths }: ProbeDeps) =>
  async (signal: AbortSignal): Promise<readonly Probe[]> => {
    const all = await Promise.all(apps.map((app) => appProbes(app, paths, signal)))
    return all.flat()
  }

const appProbes = async (app: App, paths: Omit<ProbeDeps, 'apps'>, signal: AbortSignal): Promise<readonly Probe[]> => {
  const { account, domain, mode } = app.binding
  const named = (name: string): string => `${name} (${account})`
  const token = await looked(named('token'), async () => {
    await app.check(signal)
    return `${domain} gives one for ${app.binding.appId}`
  })
  if (!token.ok) return [token]
  if (app.binding.type === 'store')
    return [token, organisations(app, paths, named), webhookProbe(app, paths, named), subscriptions(app, paths, named)]
  const { client, identity } = app.at(undefined)
  const bot = await looked(named('bot'), async () => {
    const { name, openId, active } = await identity.ask(signal)
    if (active === false) throw new FeishuError({ words: `${name} is not switched on: enable it in the admin console` })
    return `${name || 'without a name'}, ${openId}`
  })
  const connection =
    mode === 'websocket'
      ? [
          await looked(named('long connection'), async () => {
            await client.endpoint(signal)
            return 'the platform offers one'
          }),
        ]
      : []
  return [token, bot, ...connection, webhookProbe(app, paths, named), subscriptions(app, paths, named)]
}

const looked = async (name: string, look: () => Promise<string>): Promise<Probe> => {
  try {
    return { name, ok: true, about: await look() }
  } catch (error) {
    if (!(error instanceof FeishuError)) throw error
    return { name, ok: false, about: [error.message, cureOf(error)].filter((one) => one !== null).join('; ') }
  }
}

/** Each has its own bot and its own token; that they are there is told by what they are sent. */
const organisations = (
  { binding: { appId } }: App,
  { installs }: Omit<ProbeDeps, 'apps'>,
  named: (name: string) => string,
): Probe => {
  const own = installs.having({ app_id: appId })
  const all = own.list().filter(({ workspace }) => workspace !== appId)
  const usable = all.filter(({ workspace }) => own.resolve(workspace).ok)
  return { name: named('organisations'), ok: true, about: `${usable.length} of ${all.length} usable` }
}

const webhookProbe = (
  { binding }: App,
  { callbackPath }: Omit<ProbeDeps, 'apps'>,
  named: (name: string) => string,
): Probe => {
  const { verificationToken, encryptKey, mode } = binding
  const name = named('webhook')
  if (verificationToken === undefined)
    return {
      name,
      ok: true,
      about: 'no verification token, so nothing is taken by webhook: presses come by connection',
    }
  const proof = encryptKey === undefined ? 'the verification token' : 'signature, encryption and the verification token'
  return {
    name,
    ok: true,
    about: mode === 'webhook' ? `proven by ${proof}` : `${callbackPath} takes presses, proven by ${proof}`,
  }
}

/** What is subscribed can't be asked for: it is told, so that it can be compared. */
const subscriptions = (
  { binding: { mode, type } }: App,
  { path, callbackPath }: Omit<ProbeDeps, 'apps'>,
  named: (name: string) => string,
): Probe => {
  const where =
    mode === 'websocket'
      ? 'by long connection, both under Event Configuration and Callback Configuration'
      : `at https://<public host>${path}, callbacks at https://<public host>${callbackPath}`
  const events =
    type === 'store'
      ? 'events im.message.receive_v1, app_ticket, app_open, app_uninstalled'
      : 'event im.message.receive_v1'
  const about = `not to be asked for; needed: ${events} and callback card.action.trigger, ${where}. ${release}`
  return { name: named('subscriptions'), ok: true, about }
}
