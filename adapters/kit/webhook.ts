import { isUtf8 } from 'node:buffer'
import type { EnvTable, HttpAnswer, Webhook } from '../../src/contract/index.ts'

export type JsonObject = Readonly<Record<string, unknown>>

const byteOrderMark = '\ufeff'

/** The JSON object in a request body, a byte order mark in front tolerated; null when it is anything else, broken
 *  UTF-8 included (replacement characters would turn another encoding into a wrong command). */
export const jsonObject = (body: Uint8Array): JsonObject | null => {
  if (!isUtf8(body)) return null
  const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8')
  try {
    const value: unknown = JSON.parse(text.startsWith(byteOrderMark) ? text.slice(1) : text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : null
  } catch {
    return null
  }
}

export const jsonAnswer = (value: object): HttpAnswer => ({
  status: 200,
  headers: { 'content-type': 'application/json; charset=utf-8' },
  body: JSON.stringify(value),
})

/** The settings of an adapter's listener, beginning with its documented port and path. */
export const listenEnv = (port: number, path: string, aboutPath: string) =>
  ({
    BIND: { kind: 'text', about: 'Host to listen on', fallback: '127.0.0.1' },
    PORT: { kind: 'port', about: 'Port to listen on', fallback: port },
    PATH: { kind: 'text', about: aboutPath, fallback: path, matches: /^\// },
  }) as const satisfies EnvTable

interface ListenSettings {
  readonly BIND: string
  readonly PORT: number
  readonly PATH: string
}

/** A webhook intake where the settings say, for JSON unless it names other types. */
export const webhookAt = (
  { BIND, PORT, PATH }: ListenSettings,
  webhook: Pick<Webhook, 'methods' | 'maxBytes' | 'inlineMs' | 'receive'> & Partial<Pick<Webhook, 'types'>>,
): Webhook => ({ kind: 'webhook', host: BIND, port: PORT, path: PATH, types: ['application/json'], ...webhook })
