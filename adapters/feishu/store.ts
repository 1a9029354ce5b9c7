// A file of its own: an app of the store has a ticket that comes as an event, and with it a token for each tenant.
import * as v from 'valibot'
import type { AdapterDeps } from '../../src/contract/index.ts'
import type { Binding } from './bindings.ts'
import { type Client, openAskToken, openClient, tokenIn } from './client.ts'
import { FeishuError, isAppToken, isTicket } from './errors.ts'
import { makeTokens, withToken } from './token.ts'
import { appToken } from './wire.ts'

export interface Store {
  /** The client for one tenant. Its token is fetched when it is needed, by one call at a time. */
  readonly clientOf: (tenant: string) => Client
  /** Keeps a ticket, encrypted, unless a newer one is kept. `atMs`: when the platform sent it. */
  readonly keepTicket: (ticket: string, atMs: number) => Promise<void>
  /** Whether the ticket gives a token. Throws FeishuError. */
  readonly check: (signal: AbortSignal) => Promise<void>
}

/** A new ticket comes each hour by itself, and within minutes when it is asked for. */
const resendEveryMs = 60_000
/** Tenants whose tokens are kept in memory; of others they are asked for again. */
const mostTenants = 500
const ticketName = 'appTicket'

export const openStore = (binding: Binding, deps: Pick<AdapterDeps, 'fetch' | 'now' | 'installs' | 'log'>): Store => {
  const { now, installs, log } = deps
  const { account, appId, domain } = binding
  const askToken = openAskToken(binding, deps)
  const keys = { app_id: appId, app_secret: binding.appSecret }
  const clients = new Map<string, Client>()
  let askedMs = Number.NEGATIVE_INFINITY

  /** Throws at any rate: what comes later comes as an event. */
  const askForTicket = async (why: string, signal: AbortSignal): Promise<never> => {
    if (now() - askedMs >= resendEveryMs) {
      askedMs = now()
      await askToken('/app_ticket/resend', keys, signal).catch((error: unknown) => {
        askedMs = Number.NEGATIVE_INFINITY
        throw error
      })
      log.info({ account, why }, 'a ticket was asked for')
    }
    throw new FeishuError({ words: `${why}: the platform was asked for one, which comes as an event within minutes` })
  }

  const appTokens = makeTokens({
    now,
    fetchToken: async (signal) => {
      // The app's own row among the installations: who switches it off switches off the app.
      const found = installs.resolve(appId)
      const ticket = found.ok ? found.secrets[ticketName] : undefined
      if (ticket === undefined) return askForTicket('there is no app ticket', signal)
      const answer = await askToken('/app_access_token', { ...keys, app_ticket: ticket }, signal).catch(
        async (error: unknown) => {
          if (error instanceof FeishuError && isTicket(error)) return askForTicket('the app ticket is too old', signal)
          throw error
        },
      )
      const read = v.safeParse(appToken, answer)
      if (!read.success) throw new FeishuError({ words: 'no app token in the answer' })
      return { token: read.output.app_access_token, lifeMs: read.output.expire * 1000 }
    },
  })

  const fetchTokenOf = (tenant: string, signal: AbortSignal): Promise<ReturnType<typeof tokenIn>> =>
    withToken(appTokens, isAppToken, signal, async (token) =>
      tokenIn(await askToken('/tenant_access_token', { app_access_token: token, tenant_key: tenant }, signal)),
    )

  return {
    clientOf: (tenant) => {
      const tokens = (): ReturnType<typeof makeTokens> =>
        makeTokens({ now, fetchToken: (signal) => fetchTokenOf(tenant, signal) })
      const client = clients.get(tenant) ?? openClient(binding, deps, tokens())
      // The one that was used longest ago goes first.
      clients.delete(tenant)
      clients.set(tenant, client)
      const [oldest] = clients.size > mostTenants ? clients.keys() : []
      if (oldest !== undefined) clients.delete(oldest)
      return client
    },
    keepTicket: async (ticket, atMs) => {
      const known = installs.list().find(({ workspace }) => workspace === appId)
      // Tickets that were not confirmed come again for seven hours.
      if (known !== undefined && Number(known.facts.ticket_at_ms) > atMs) return
      const facts = { account, app_id: appId, domain, kind: 'app of the store', ticket_at_ms: String(atMs) }
      await installs.save({ workspace: appId, facts, secrets: { [ticketName]: ticket } })
      askedMs = Number.NEGATIVE_INFINITY
      log.debug({ account }, 'a ticket was kept')
    },
    check: async (signal) => void (await appTokens.get(signal)),
  }
}
