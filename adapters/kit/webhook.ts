import { isUtf8 } from 'node:buffer'
import type { HttpAnswer } from '../../src/contract/index.ts'

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
