import type { HttpAnswer } from '../../src/contract/index.ts'

export type JsonObject = Readonly<Record<string, unknown>>

const utf8 = new TextDecoder('utf-8', { fatal: true })

/** The JSON object in a request body, a byte order mark in front tolerated; null when it is anything else, broken
 *  UTF-8 included (replacement characters would turn another encoding into a wrong command). */
export const jsonObject = (body: Uint8Array): JsonObject | null => {
  try {
    const value: unknown = JSON.parse(utf8.decode(body))
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
