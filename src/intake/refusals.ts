import type { HttpAnswer } from '../contract/index.ts'

/** As much as a caller may learn. */
const reasons: Readonly<Record<number, string>> = {
  400: 'bad request',
  401: 'unauthorized',
  403: 'forbidden',
  405: 'method not allowed',
  413: 'too large',
  415: 'unsupported media type',
}

export const nothing: HttpAnswer = { status: 404, headers: {}, body: '' }

export const refusal = (status: number): HttpAnswer => ({
  status,
  headers: { 'content-type': 'text/plain' },
  body: reasons[status] ?? '',
})

export const unavailable: HttpAnswer = { status: 503, headers: { 'retry-after': '5' }, body: '' }
