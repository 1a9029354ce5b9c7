import { behind, type Door } from './guard.ts'
import { type Answer, type Ask, json, type Route } from './http.ts'
import { pageOf } from './page.ts'
import type { World } from './world.ts'

const keepAliveMs = 15_000
const streamMs = 300_000

/** Only webhook and bridge jobs write events, so here the buffer is always empty. */
export function eventRoutes(world: World): readonly Route[] {
  const door: Door = { who: 'reader', rate: 'events', wording: 'ok' }
  return [
    { method: 'GET', path: '/openclaw/events', core: true, handle: behind(world, door, poll) },
    { method: 'GET', path: '/openclaw/events/stream', core: true, handle: behind(world, door, stream) },
  ]
}

function poll({ query }: Ask): Answer {
  const { limit } = pageOf(query, { limit: 50, maxLimit: 200, maxOffset: 0 })
  const raw = query.get('since') ?? '0'
  const since = /^\d+$/.test(raw) ? Number(raw) : 0
  const ahead = since > 0
  const cursor_status = ahead ? 'future_cursor_reset' : 'ok'
  const warnings = ahead ? [{ code: 'R95_STALE_CURSOR_FUTURE', field: 'since', raw, normalized: 0 }] : []
  const retained = { earliest_retained_seq: null, latest_retained_seq: null }
  return json(200, {
    ok: true,
    events: [],
    latest_seq: 0,
    pagination: { limit, since_requested: since, since_effective: 0, cursor_status, warnings },
    delta: {
      cursor_key: 'since',
      requested_since_seq: since,
      effective_since_seq: 0,
      next_since_seq: 0,
      latest_seq: 0,
      ...retained,
      cursor_status,
      snapshot: !ahead,
      truncated: false,
      warnings,
    },
    scan: { scanned: 0, scan_cap: 500, truncated: false, ...retained },
  })
}

const stream = (): Answer => ({
  status: 200,
  headers: { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache' },
  body: '',
  stream: {
    ms: streamMs,
    start: (write) => {
      const timer = setInterval(() => write(': keepalive\n\n'), keepAliveMs)
      return () => clearInterval(timer)
    },
  },
})
