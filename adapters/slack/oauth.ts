// A file of its own: installing the app into workspaces, in a browser.
import { createHmac } from 'node:crypto'
import * as v from 'valibot'
import type { AdapterDeps, HttpAnswer, Installation, RawRequest, Verdict } from '../../src/contract/index.ts'
import { sameSecret } from '../kit/hmac.ts'
import type { SlackClient } from './client.ts'
import { SlackError } from './errors.ts'
import { grantOf, type OauthKeys, secretsOf } from './grant.ts'
import { granted, whoami } from './wire.ts'

export interface OauthDeps extends Pick<AdapterDeps, 'installs' | 'memo' | 'now' | 'log'> {
  readonly client: SlackClient
  readonly keys: OauthKeys
  /** Where people agree: Slack's own page. */
  readonly authorizeUrl: string
  readonly scopes: string
  /** As it is entered in the app's settings; null: the first one that stands there. */
  readonly redirectUri: string | null
  readonly stateTtlMs: number
  readonly randomBytes: (count: number) => Uint8Array
}

export interface Oauth {
  readonly install: (request: RawRequest) => Promise<Verdict>
  readonly callback: (request: RawRequest) => Promise<Verdict>
}

const nonceBytes = 16
const expiryBytes = 6
const macBytes = 24
/** States that came back are remembered until they expire, the last so many: who lets states come back on purpose must
 *  not keep others from installing. One that is forgotten is of no use: its browser gave the cookie back, and its code
 *  works once. */
const mostUsed = 500
const usedKey = 'used install states'
const usedForm = v.pipe(v.string(), v.parseJson(), v.record(v.string(), v.number()))

const page = (status: number, body: string, headers: Readonly<Record<string, string>> = {}): Verdict => ({
  kind: 'answer',
  answer: {
    status,
    headers: {
      'content-type': 'text/plain; charset=utf-8',
      'x-content-type-options': 'nosniff',
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
      ...headers,
    } satisfies HttpAnswer['headers'],
    body,
  },
})

/** What went wrong is in the log; a browser learns nothing. */
const failed = (headers: Readonly<Record<string, string>> = {}): Verdict =>
  page(400, 'This did not work. Please start the installation again.\n', headers)

const installed = 'Installed. You can close this page and write to the app in Slack.\n'
const installedButOff =
  'Installed, but switched off for this workspace. Please ask whoever runs the connector to switch it on.\n'

interface State {
  readonly nonce: string
  readonly expiresAtMs: number
}

export const makeOauth = (deps: OauthDeps): Oauth => {
  const { installs, memo, now, log, client, keys } = deps
  const macOf = (what: string, bytes: Uint8Array): Buffer =>
    createHmac('sha256', keys.signingKey).update(`slack install ${what}\0`).update(bytes).digest().subarray(0, macBytes)

  /** Carries its own expiry and proof, so that nobody's visit leaves a row behind. */
  const newState = (): { readonly state: string; readonly nonce: string } => {
    const payload = Buffer.alloc(nonceBytes + expiryBytes)
    payload.set(deps.randomBytes(nonceBytes))
    payload.writeUIntBE(now() + deps.stateTtlMs, nonceBytes, expiryBytes)
    const state = Buffer.concat([payload, macOf('state', payload)]).toString('base64url')
    return { state, nonce: payload.toString('hex', 0, nonceBytes) }
  }

  const readState = (text: string): State | null => {
    const bytes = Buffer.from(text, 'base64url')
    const payload = bytes.subarray(0, nonceBytes + expiryBytes)
    if (bytes.length !== payload.length + macBytes || bytes.toString('base64url') !== text) return null
    if (!sameSecret(bytes.toString('hex', payload.length), macOf('state', payload).toString('hex'))) return null
    const expiresAtMs = payload.readUIntBE(nonceBytes, expiryBytes)
    return expiresAtMs <= now() ? null : { nonce: payload.toString('hex', 0, nonceBytes), expiresAtMs }
  }

  /** The browser that began has to be the one that ends it: its cookie can't be made from the state. */
  const cookieName = (nonce: string): string => `slack_install_${nonce.slice(0, 8)}`
  // Where a browser comes back by plain HTTP (this machine alone may), it would not bring a secure one.
  const secure = deps.redirectUri?.startsWith('http:') === true ? '' : ' Secure;'
  const cookie = (nonce: string, value: string, seconds: number): Readonly<Record<string, string>> => ({
    'set-cookie': `${cookieName(nonce)}=${value}; Max-Age=${seconds}; Path=/; HttpOnly;${secure} SameSite=Lax`,
  })
  const cookieValue = (nonce: string): string => macOf('cookie', Buffer.from(nonce, 'hex')).toString('base64url')
  const hasCookie = (request: RawRequest, nonce: string): boolean =>
    (request.header('cookie') ?? '')
      .split(';')
      .map((one) => one.trim().split('='))
      .some(([name, value = '']) => name === cookieName(nonce) && sameSecret(value, cookieValue(nonce)))

  const usedStates = new Map<string, number>()
  let loaded = false

  /** True the first time only, also after a restart. Decided before anything is awaited. */
  const use = async ({ nonce, expiresAtMs }: State): Promise<boolean> => {
    if (!loaded) {
      const read = v.safeParse(usedForm, memo.get(usedKey))
      for (const [one, until] of Object.entries(read.success ? read.output : {})) usedStates.set(one, until)
      loaded = true
    }
    for (const [one, until] of usedStates) if (until <= now()) usedStates.delete(one)
    if (usedStates.has(nonce)) return false
    usedStates.set(nonce, expiresAtMs)
    const [oldest] = usedStates.keys()
    if (usedStates.size > mostUsed && oldest !== undefined) usedStates.delete(oldest)
    await memo.set(usedKey, JSON.stringify(Object.fromEntries(usedStates)))
    return true
  }

  const exchange = async (code: string, signal: AbortSignal): Promise<Installation> => {
    const args = { ...keys.args, code, ...(deps.redirectUri === null ? {} : { redirect_uri: deps.redirectUri }) }
    const read = v.safeParse(granted, await client.call({ method: 'oauth.v2.access', args }, signal))
    if (!read.success) throw new SlackError('oauth.v2.access', { words: 'answered in an unknown form' })
    const { workspace, facts } = grantOf(read.output, now())
    if (workspace === null) throw new SlackError('oauth.v2.access', { words: 'named no workspace' })
    const token = read.output.access_token
    const me = v.safeParse(whoami, await client.call({ method: 'auth.test', token, workspace }, signal))
    // The organisation may not be told there; whatever is told has to fit.
    const { team_id: team, enterprise_id: organisation = facts.enterprise } = me.success ? me.output : {}
    if (!me.success || ![team, organisation].includes(workspace))
      throw new SlackError('auth.test', { words: 'the new token is not of the workspace it was given for' })
    const { bot_id: botId, user_id: botUser } = me.output
    const more = { botUser, ...(botId === undefined ? {} : { botId }) }
    return installs.save({ workspace, facts: { ...facts, ...more }, secrets: secretsOf(read.output) })
  }

  return {
    install: async () => {
      const { state, nonce } = newState()
      const url = new URL(deps.authorizeUrl)
      url.searchParams.set('client_id', keys.args.client_id)
      url.searchParams.set('scope', deps.scopes)
      url.searchParams.set('state', state)
      if (deps.redirectUri !== null) url.searchParams.set('redirect_uri', deps.redirectUri)
      const seconds = Math.ceil(deps.stateTtlMs / 1000)
      return page(302, '', { location: url.href, ...cookie(nonce, cookieValue(nonce), seconds) })
    },
    callback: async (request) => {
      const { query } = request
      const state = readState(query.get('state') ?? '')
      if (state === null || !hasCookie(request, state.nonce)) {
        log.warn({}, 'an installation came back with a wrong, old or foreign state')
        return failed()
      }
      const gone = cookie(state.nonce, '', 0)
      if (!(await use(state))) {
        log.warn({}, 'an installation came back a second time')
        return failed(gone)
      }
      const code = query.get('code') ?? ''
      if (query.get('error') !== null || !/^[!-~]{1,500}$/.test(code)) {
        log.info({}, 'an installation was called off')
        return page(200, 'Nothing was installed.\n', gone)
      }
      try {
        const { workspace, status } = await exchange(code, AbortSignal.timeout(20_000))
        log.info({ workspace, status }, 'the app was installed')
        return page(200, status === 'deactivated' ? installedButOff : installed, gone)
      } catch (error) {
        if (!(error instanceof SlackError)) throw error
        log.warn({ about: error.message }, 'an installation failed')
        return failed(gone)
      }
    },
  }
}
