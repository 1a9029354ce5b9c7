import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { linkBackend } from '../../src/backend/connect.ts'
import { watchPresence } from '../../src/backend/presence.ts'
import { keepingLog } from '../kit/deps.ts'

const serving = async (status: number) => {
  const server = createServer((_request, response) => response.writeHead(status).end())
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    url,
    close: () => new Promise((resolve) => server.close(resolve)),
    [Symbol.asyncDispose]: async () => void server.close(),
  }
}

test('any answer is a sign of life, also a refusal', async () => {
  for (const status of [200, 403, 500]) {
    await using host = await serving(status)
    const presence = watchPresence(globalThis.fetch, () => 5)
    await presence.fetch(host.url)
    expect(presence.away()).toBeNull()
  }
})

test('nobody home is remembered since the first time, until somebody answers', async () => {
  const host = await serving(200)
  let nowMs = 100
  const presence = watchPresence(globalThis.fetch, () => nowMs)
  expect(presence.away()).toBeNull()
  await host.close()
  await expect(presence.fetch(host.url)).rejects.toThrow()
  nowMs = 200
  await expect(presence.fetch(host.url)).rejects.toThrow()
  expect(presence.away()).toEqual({ sinceMs: 100 })
  await using back = await serving(200)
  await presence.fetch(back.url)
  expect(presence.away()).toBeNull()
})

test('a call that its caller gave up says nothing about anybody', async () => {
  await using host = await serving(200)
  const presence = watchPresence(globalThis.fetch, () => 5)
  await expect(presence.fetch(host.url, { signal: AbortSignal.abort() })).rejects.toThrow()
  expect(presence.away()).toBeNull()
})

/** Takes requests and never answers. */
const silent = async () => {
  const server = createServer(() => {})
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const close = async (): Promise<void> => {
    server.close()
    server.closeAllConnections()
  }
  return { url, [Symbol.asyncDispose]: close }
}

const linkTo = (url: string) =>
  linkBackend(
    { url, adminToken: null, obsToken: null, tenant: null },
    { fetch: globalThis.fetch, now: () => 5, version: '0.0.0', log: keepingLog() },
    new AbortController().signal,
  )

test('neither a caller who stops nor a look that is allowed a moment only makes the backend count as away', async () => {
  await using host = await silent()
  const link = linkTo(host.url)
  const stop = new AbortController()
  const asked = link.backend.queue({ signal: stop.signal })
  setTimeout(() => stop.abort(), 10)
  expect(await asked).toMatchObject({ ok: false, kind: 'unanswered' })
  expect(await link.backend.queue({ timeoutMs: 20 })).toMatchObject({ ok: false, kind: 'unanswered' })
  expect(link.away()).toBeNull()
})

test('where nobody listens the backend is away', async () => {
  const host = await serving(200)
  await host.close()
  const link = linkTo(host.url)
  expect(await link.backend.queue()).toMatchObject({ ok: false, kind: 'down' })
  expect(link.away()).toEqual({ sinceMs: 5 })
})
