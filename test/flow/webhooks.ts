import { expect } from 'vitest'
import type { FakePlatform, Place, RawCall, RawReply, Shown, Wire } from '../platforms/platform.ts'
import { forward } from './forward.ts'
import { type House, type OnEnd, openHouse, type Wanted } from './harness.ts'
import { freePort, until } from './process.ts'

/** A daemon that speaks these webhook platforms and no other. */
export interface Webhooks extends House {
  /** Where the daemon listens for a platform, without a path. */
  readonly url: (platform: string) => string
  /** Asks the daemon as the platform does, past its fake. */
  readonly ask: (platform: string, call: RawCall, signal?: AbortSignal) => Promise<RawReply>
}

export interface WebhooksWanted extends Wanted {
  /** All behind one port of their own variables (`same`) or of the common one (`common`); else each has its own. */
  readonly port?: 'same' | 'common'
  /** Stands between a platform and the daemon. */
  readonly wire?: (to: (call: RawCall, signal?: AbortSignal) => Promise<RawReply>, platform: string) => Wire
}

export const variablesOf = (id: string, settings: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(settings).map(([name, value]) => [`OPENCLAW_CONNECTOR_${id.toUpperCase()}_${name}`, value]),
  )

/** Starts the daemon with these platforms on, in front of it. Ann may run, unless `env` says otherwise. */
export const openWebhooks = async (
  onEnd: OnEnd,
  fakes: readonly FakePlatform[],
  { port, wire, ...wanted }: WebhooksWanted = {},
): Promise<Webhooks> => {
  const ports = await Promise.all(fakes.map(() => freePort()))
  const portOf = (id: string): number => ports[port ? 0 : fakes.findIndex((fake) => fake.id === id)]?.port ?? 0
  const settings = fakes.map(({ id, settings: own, people }) => {
    const listening: Record<string, string> = port === 'common' ? {} : { PORT: String(portOf(id)) }
    return variablesOf(id, { ...own, ALLOWED_USERS: people.ann.id, ...listening })
  })
  const common = port === 'common' ? { OPENCLAW_CONNECTOR_HTTP_PORT: String(ports[0]?.port) } : {}
  const env = Object.assign({}, ...settings, common, wanted.env) as Record<string, string>
  const ends: (() => Promise<void>)[] = []
  let house: House | null = null
  onEnd(async () => {
    // The daemon first: what it says while it ends is looked at too.
    for (const end of ends) await end()
    for (const fake of fakes) await fake.close()
    for (const { release } of ports) await release()
    const said = house?.daemon().output() ?? ''
    for (const secret of fakes.flatMap(({ secrets }) => secrets)) expect(said.includes(secret), 'a secret').toBe(false)
  })
  house = await openHouse((end) => ends.push(end), { telegram: false, ...wanted, env })
  const url = (platform: string): string => `http://127.0.0.1:${portOf(platform)}`
  const ask: Webhooks['ask'] = (platform, call, signal) => forward(url(platform), call, signal)
  for (const fake of fakes) {
    const to = (call: RawCall, signal?: AbortSignal): Promise<RawReply> => ask(fake.id, call, signal)
    fake.connect(wire ? wire(to, fake.id) : (call) => to(call))
  }
  return { ...house, url, ask }
}

/** Waits until the bot shows something like this in a chat. */
export const shows = (
  fake: Pick<FakePlatform, 'shown'>,
  place: Place,
  what: RegExp | ((shown: Shown) => boolean),
): Promise<Shown> => {
  const here = (): readonly Shown[] => fake.shown().filter((shown) => shown.place.chat === place.chat)
  return until(
    `${place.chat} shows ${what}`,
    () => here().find((shown) => (typeof what === 'function' ? what(shown) : what.test(shown.text))),
    () => here().map(({ text, media, buttons }) => ({ text, media, buttons: buttons.map(({ label }) => label) })),
  )
}

export const hasMedia = ({ media }: Shown): boolean => media.length > 0

/** Resolves once the daemon has logged so many lines like this since it started. */
export const logged = ({ daemon }: House, what: string, times = 1): Promise<true> =>
  until(
    `${times} x ${what}`,
    () =>
      daemon()
        .lines()
        .filter(({ msg }) => msg === what).length >= times,
    () => daemon().tail(),
  )

export interface Readyz {
  readonly ready: boolean
  readonly platforms: Readonly<Record<string, { readonly state: string; readonly about: string }>>
}

export const readyz = async ({ adminUrl }: House): Promise<Readyz> =>
  (await (await fetch(`${adminUrl}/readyz`)).json()) as Readyz

/** What the backend answers slowly to `/status`. */
export const slowStatus = ({ simulator }: House, ms: number): void => {
  for (const call of ['GET /openclaw/health', 'GET /queue', 'GET /system_stats']) simulator.control.hangNext(call, ms)
}
