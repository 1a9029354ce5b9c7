/** What (a) is compared with: the same server library as it is used by everybody, the same body parsed, the same header
 *  checked in constant time, the same bytes answered, and nothing else done. */
import { createHash, timingSafeEqual } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { serve } from '@hono/node-server'
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

serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }, ({ port }: AddressInfo) => {
  process.stdout.write(`${JSON.stringify({ msg: 'bare ready', port })}\n`)
})
process.once('SIGTERM', () => process.exit(0))
