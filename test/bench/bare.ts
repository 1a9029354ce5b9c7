/** What (a) is compared with: the same server library, the same body parsed, the same header checked in constant time,
 *  the same bytes answered, and nothing else done. */
import { createHash, timingSafeEqual } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createAdaptorServer } from '@hono/node-server'
import { Hono } from 'hono'

const secret = process.env.BENCH_SECRET ?? ''
const answer = readFileSync(process.env.BENCH_ANSWER ?? '', 'utf8')

const digest = (text: string): Buffer => createHash('sha256').update(text, 'utf8').digest()

const app = new Hono()
app.post('/kakao/webhook', async (c) => {
  if (!timingSafeEqual(digest(c.req.header('x-kakao-webhook-secret') ?? ''), digest(secret))) return c.body(null, 401)
  const body: unknown = await c.req.json()
  if (typeof body !== 'object' || body === null) return c.body(null, 400)
  return c.body(answer, 200, { 'content-type': 'application/json; charset=utf-8' })
})

const server = createAdaptorServer({ fetch: app.fetch, overrideGlobalObjects: false }) as Server
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`${JSON.stringify({ msg: 'bare ready', port: (server.address() as AddressInfo).port })}\n`)
})
process.once('SIGTERM', () => process.exit(0))
