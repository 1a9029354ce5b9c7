import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { networkFault, readText, redactor, retryAfterMs, statusError, withDeadline } from '../../adapters/kit/http.ts'

const listening = (server: Server): Promise<string> =>
  new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`))
  })
const closed = (server: Server): Promise<void> =>
  new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
const faultOf = async (url: string) =>
  fetch(url, { method: 'POST', body: 'x' }).then(
    () => null,
    (error: unknown) => networkFault(error),
  )

describe('network trouble', () => {
  it('before the connection stood can not have delivered anything', async () => {
    const server = createServer()
    const url = await listening(server)
    await closed(server)
    expect(await faultOf(url)).toEqual({ code: 'ECONNREFUSED', delivered: 'no' })
  })

  it('of an unknown name can not have delivered anything', async () => {
    expect(await faultOf('http://no-such-host.invalid/')).toMatchObject({ delivered: 'no' })
  })

  it('after the request was read is doubtful', async () => {
    const server = createServer((request) => {
      request.resume().on('end', () => request.socket.destroy())
    })
    expect(await faultOf(await listening(server))).toMatchObject({ delivered: 'maybe' })
    await closed(server)
  })

  it('is doubtful whenever nothing is known', () => {
    fc.assert(
      fc.property(fc.anything(), (thrown) => {
        const { code, delivered } = networkFault(thrown)
        expect([typeof code, delivered]).toEqual(['string', 'maybe'])
      }),
    )
  })

  it('survives a chain of causes that bites its tail', () => {
    const error = new Error('a')
    error.cause = error
    expect(networkFault(error)).toEqual({ code: 'Error', delivered: 'maybe' })
  })
})

describe('a deadline', () => {
  const waiting = (signal: AbortSignal) =>
    new Promise<never>((_, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason as Error))
    })

  it('ends the work when the time is over', async () => {
    await expect(withDeadline(new AbortController().signal, 5, waiting)).rejects.toMatchObject({ name: 'TimeoutError' })
  })

  it('ends the work when the caller stops', async () => {
    const stop = new AbortController()
    const work = withDeadline(stop.signal, 60_000, waiting)
    stop.abort(new Error('enough'))
    await expect(work).rejects.toThrow('enough')
  })

  it('is over from the start when the caller had stopped', async () => {
    const seen = await withDeadline(AbortSignal.abort(), 60_000, async (signal) => signal.aborted)
    expect(seen).toBe(true)
  })
})

describe('reading an answer', () => {
  it('gives the text up to the limit', async () => {
    expect(await readText(new Response('aü🦊'), 7)).toBe('aü🦊')
    expect(await readText(new Response(null), 0)).toBe('')
  })

  it('stops behind the limit and lets go of the stream', async () => {
    let cancelled = false
    const endless = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(new Uint8Array(1024)),
      cancel: () => {
        cancelled = true
      },
    })
    await expect(readText(new Response(endless), 4096)).rejects.toThrow('larger than 4096')
    expect(cancelled).toBe(true)
  })
})

describe('Retry-After', () => {
  const now = Date.parse('2026-01-01T00:00:00Z')
  it.each([
    ['35', 35_000],
    ['1.5', 1500],
    ['0.0001', 1],
    ['-1', null],
    ['1.5.2026', null],
    ['Thu, 01 Jan 2026 00:01:00 GMT', 60_000],
    ['Wed, 31 Dec 2025 00:00:00 GMT', 0],
    ['soon', null],
    ['', null],
    [null, null],
  ])('%j is %s ms', (header, ms) => {
    expect(retryAfterMs(header, now)).toBe(ms)
  })
})

describe('a status', () => {
  it.each([
    [429, { code: 'rate_limited', delivered: 'no', retryAfterMs: 9 }],
    [408, { code: 'unavailable', delivered: 'maybe' }],
    [500, { code: 'unavailable', delivered: 'maybe' }],
    [502, { code: 'unavailable', delivered: 'maybe' }],
    [503, { code: 'unavailable', delivered: 'no', retryAfterMs: 9 }],
    [504, { code: 'unavailable', delivered: 'maybe' }],
    [401, { code: 'auth', delivered: 'no' }],
    [413, { code: 'media_rejected', delivered: 'no' }],
    [302, { code: 'unavailable', delivered: 'no' }],
    [400, { code: 'rejected', delivered: 'no' }],
  ])('%i means', (status, want) => {
    expect(statusError('about', status, 9)).toMatchObject(want)
  })
})

describe('a redactor', () => {
  it('takes secrets out, also in the form they have inside a URL', () => {
    const redact = redactor(['12:se/cret', ''])
    expect(redact('at 12:se/cret and 12%3Ase%2Fcret.')).toBe('at [secret] and [secret].')
  })
})
