import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { isForeignPage } from './auth.ts'
import {
  type Answer,
  type Ask,
  crashed,
  empty,
  findRoute,
  notAllowed,
  notFound,
  parseJson,
  type Route,
} from './http.ts'
import type { Entrance } from './listener.ts'
import type { Mishaps } from './mishaps.ts'
import type { World } from './world.ts'
import { acceptWire } from './ws.ts'

/** One request as it came; `status` stays null when no answer left. */
export interface SeenRequest {
  readonly method: string
  /** As asked for, with query. */
  readonly path: string
  /** Lower-case names; tokens are masked. */
  readonly headers: Readonly<Record<string, string>>
  /** Parsed where it was JSON, else the text; null when there was none. */
  readonly body: unknown
  status: number | null
}

export interface ServerDeps {
  readonly world: World
  readonly routes: readonly Route[]
  readonly mishaps: Mishaps
  readonly seen: SeenRequest[]
  /** Where errors of the simulator itself go; a caller gets a 500, as from a crashed handler. */
  readonly faults: unknown[]
}

const maxBody = 110 * 1024 * 1024
const maxSeen = 10_000

export function createEntrance(deps: ServerDeps): Entrance {
  return {
    request: (request, response) => {
      serve(deps, request, response).catch((error: unknown) => {
        deps.faults.push(error)
        response.destroy()
      })
    },
    upgrade: (request, socket, head) => {
      upgrade(deps, request, socket, head).catch((error: unknown) => {
        deps.faults.push(error)
        socket.destroy()
      })
    },
  }
}

async function serve(deps: ServerDeps, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { world, mishaps } = deps
  const body = await readBody(request)
  if (body === null) return void request.socket.destroy()
  const { ask, legacy } = read(request, body)
  const seen = remember(deps, request, body)
  await world.gate.open()
  const mishap = mishaps.take(ask.method, ask.path)
  if (mishap?.kind === 'cut') return void request.socket.destroy()
  if (mishap?.kind === 'hang') await world.settings.sleep(mishap.ms, world.closing)

  const found = await answer(deps, ask, legacy)
  await world.gate.open()
  if (mishap?.kind === 'mute' || response.destroyed) return void request.socket.destroy()
  seen.status = found.status
  const { stream } = found
  if (stream === undefined) {
    const length = Buffer.byteLength(found.body)
    response.writeHead(found.status, { ...found.headers, 'Content-Length': String(length) })
    response.end(found.body)
    return
  }
  response.writeHead(found.status, found.headers)
  response.flushHeaders()
  const stop = stream.start((text) => response.write(text))
  const timer = setTimeout(() => response.end(), stream.ms)
  response.once('close', () => {
    clearTimeout(timer)
    stop()
  })
}

async function answer({ world, routes, faults }: ServerDeps, ask: Ask, legacy: string | null): Promise<Answer> {
  if (isForeignPage(world.settings, ask)) return empty(403)
  const found = findRoute(routes, ask.method, ask.path)
  if (found === null) return ask.method === 'GET' || ask.method === 'HEAD' ? notFound() : notAllowed()
  const [route, params] = found
  try {
    const given = await route.handle(ask, params)
    if (legacy === null || route.core !== true) return given
    const headers = {
      ...given.headers,
      Deprecation: 'true',
      'X-OpenClaw-Compatibility-Key': 'api-path-moltbot-prefix',
      'X-OpenClaw-Compatibility-Status': 'deprecated-observed',
      'X-OpenClaw-Canonical-Path': legacy,
    }
    return { ...given, headers }
  } catch (error) {
    faults.push(error)
    return crashed()
  }
}

async function upgrade(deps: ServerDeps, request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
  const { world } = deps
  const seen = remember(deps, request, Buffer.alloc(0))
  await world.gate.open()
  const { ask } = read(request, Buffer.alloc(0))
  if (ask.path !== '/ws' || isForeignPage(world.settings, ask)) {
    seen.status = ask.path === '/ws' ? 403 : 404
    socket.end(`HTTP/1.1 ${seen.status} Refused\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
    return
  }
  const life = world.life()
  const sid = ask.query.get('clientId') || world.settings.id().replaceAll('-', '')
  let client: { readonly onText: (message: string) => void; readonly onEnd: () => void } | null = null
  const wire = acceptWire(request, socket, head, {
    onText: (message) => client?.onText(message),
    onEnd: () => client?.onEnd(),
    ready: world.gate.open,
  })
  seen.status = wire === null ? 400 : 101
  if (wire === null) return
  client = life.sockets.attach(sid, wire)
  const exec_info = { queue_remaining: life.queue.remaining() }
  life.sockets.send(sid, 'status', { status: { exec_info }, sid })
  const here = life.executing()
  if (here?.clientId === sid) life.sockets.send(sid, 'executing', { node: here.node })
}

function read(request: IncomingMessage, body: Buffer): { readonly ask: Ask; readonly legacy: string | null } {
  const url = new URL(request.url ?? '/', 'http://simulator')
  const bare = url.pathname.startsWith('/api/jobs') ? url.pathname : url.pathname.replace(/^\/api(?=\/)/, '')
  const path = bare.replace(/^\/moltbot(?=\/)/, '/openclaw')
  const legacy = path === bare ? null : url.pathname.replace('/moltbot/', '/openclaw/')
  const header = (name: string): string | null => {
    const value = request.headers[name]
    return Array.isArray(value) ? value.join(', ') : (value ?? null)
  }
  return { ask: { method: request.method ?? 'GET', path, query: url.searchParams, header, body }, legacy }
}

/** Null when it is too long or the client left. */
async function readBody(request: IncomingMessage): Promise<Buffer | null> {
  const parts: Buffer[] = []
  let length = 0
  try {
    for await (const part of request as AsyncIterable<Buffer>) {
      length += part.length
      if (length > maxBody) return null
      parts.push(part)
    }
  } catch {
    // Only a client that went away breaks the stream.
    return null
  }
  return Buffer.concat(parts)
}

/** Longer bodies are kept as their beginning. */
const shownBytes = 1 << 17

function remember({ seen }: ServerDeps, request: IncomingMessage, body: Buffer): SeenRequest {
  const parsed = body.length <= shownBytes ? parseJson(body) : { ok: false as const }
  const text = body.length === 0 ? null : body.subarray(0, 2000).toString('utf8')
  const headers = Object.fromEntries(
    Object.entries(request.headers).map(([name, value]) => [name, name.endsWith('-token') ? '***' : String(value)]),
  )
  const entry: SeenRequest = {
    method: request.method ?? 'GET',
    path: request.url ?? '/',
    headers,
    body: parsed.ok ? parsed.value : text,
    status: null,
  }
  seen.push(entry)
  if (seen.length > maxSeen) seen.shift()
  return entry
}
