import type { Probe } from '../../src/contract/index.ts'
import { SendError } from '../../src/contract/index.ts'
import type { Client } from './connect.ts'
import { noRight, sendErrorOf, WechatError } from './errors.ts'
import type { Rights } from './rights.ts'
import { windowMs } from './verify.ts'

export interface ProbedSettings {
  readonly APP_ID?: string | undefined
  readonly APP_SECRET?: string | undefined
  readonly ENCODING_AES_KEY?: string | undefined
  readonly BIND: string
  readonly PORT: number
  readonly PATH: string
}

const askMs = 10_000

const modeProbe = ({ ENCODING_AES_KEY }: ProbedSettings): Probe => ({
  name: 'encryption',
  ok: true,
  about:
    ENCODING_AES_KEY === undefined
      ? 'plain mode: the signature does not cover what is said, so whoever reads a request on its way can change it ' +
        'within five minutes. Set OPENCLAW_CONNECTOR_WECHAT_ENCODING_AES_KEY and choose the safe mode in the console'
      : 'messages are taken encrypted only: choose the safe or compatible mode in the console, with the same key',
})

const urlProbe = ({ BIND, PORT, PATH }: ProbedSettings): Probe => ({
  name: 'server URL',
  ok: true,
  about:
    `cannot be tested from here. Let a public address (https on 443 or http on 80) lead to ${BIND}:${PORT}, enter ` +
    `https://<public host>${PATH} as URL in the message push settings of the developer platform and submit: it is ` +
    'saved only when the connector answered',
})

const clockProbe = (aheadMs: number | null): readonly Probe[] => {
  if (aheadMs === null) return []
  const seconds = Math.round(Math.abs(aheadMs) / 1000)
  const ok = Math.abs(aheadMs) < windowMs / 2
  const off = `${seconds} s ${aheadMs > 0 ? 'ahead of' : 'behind'} Tencent's`
  const cure = ok ? '' : ': messages are refused as stale from five minutes on. Set the clock of this machine'
  return [{ name: 'clock', ok, about: `our clock is ${off}${cure}` }]
}

/** Asks for a sign in a chat that can't exist: whoever has the right is told that the person is unknown. */
const pushProbes = async (
  client: Client,
  rights: Rights,
  now: () => number,
  signal: AbortSignal,
): Promise<readonly Probe[]> => {
  const token: Probe = { name: 'access token', ok: true, about: 'AppID and AppSecret are taken' }
  try {
    await client.call('/cgi-bin/message/custom/typing', { touser: 'doctor', command: 'Typing' }, signal, askMs)
  } catch (error) {
    if (error instanceof SendError) return [{ ...token, ok: false, about: error.message }]
    if (!(error instanceof WechatError)) throw error
    const meaning = sendErrorOf(error, now(), false)
    if (meaning.code === 'auth') return [{ ...token, ok: false, about: meaning.message }]
    if (noRight.has(error.errcode)) {
      await rights.missing()
      const about =
        'the account may not send customer-service messages (48001), as unverified ones: answers go out within 15 s ' +
        'of a message, later ones wait for the next message'
      return [token, { name: 'speaking first', ok: true, about }]
    }
    // Busy, or a quota is used up: this says nothing about the right.
    if (meaning.code === 'unavailable' || meaning.code === 'rate_limited')
      return [token, { name: 'speaking first', ok: false, about: `${meaning.message}; ask again later` }]
  }
  await rights.granted()
  return [token, { name: 'speaking first', ok: true, about: '5 messages within 48 h of each message of a person' }]
}

const noKeys: Probe = {
  name: 'speaking first',
  ok: true,
  about:
    'OPENCLAW_CONNECTOR_WECHAT_APP_ID and _APP_SECRET are not both set: answers go out within 15 s of a message, later ' +
    'ones wait for the next message',
}

export const probeSetup = async (
  settings: ProbedSettings,
  client: Client | null,
  deps: { readonly rights: Rights; readonly now: () => number },
  signal: AbortSignal,
): Promise<readonly Probe[]> => {
  const asked = client ? await pushProbes(client, deps.rights, deps.now, signal) : [noKeys]
  return [modeProbe(settings), ...asked, ...clockProbe(client?.clockAheadMs() ?? null), urlProbe(settings)]
}
