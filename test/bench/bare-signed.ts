/** What (g) is compared with: the same server library as it is used by everybody, the same signature over the raw body
 *  checked in constant time, the body parsed, the same answer, and nothing else done. */
import { timingSafeEqual } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import { serve } from '@hono/node-server'
import { Hono } from 'hono'
import { digestOf, signedHooks } from './hooks.ts'

const app = new Hono()
for (const hook of signedHooks) {
  const { path, header, ack } = hook
  app.post(path, async (c) => {
    const bytes = Buffer.from(await c.req.arrayBuffer())
    const stamp = hook.stamp ? (c.req.header(hook.stamp.header) ?? '') : ''
    const expected = Buffer.from(digestOf(hook, stamp, bytes))
    const given = Buffer.from(c.req.header(header) ?? '')
    if (given.length !== expected.length || !timingSafeEqual(given, expected)) return c.body(null, 401)
    const body: unknown = JSON.parse(bytes.toString('utf8'))
    if (typeof body !== 'object' || body === null) return c.body(null, 400)
    return c.body(ack, 200, { 'content-length': String(ack.length) })
  })
}

serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }, ({ port }: AddressInfo) => {
  process.stdout.write(`${JSON.stringify({ msg: 'bare ready', port })}\n`)
})
process.once('SIGTERM', () => process.exit(0))
