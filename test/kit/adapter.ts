import { readdirSync, readFileSync } from 'node:fs'
import type {
  Address,
  Artifact,
  InboundEvent,
  Part,
  PartButton,
  PartItem,
  RawRequest,
  SendReport,
  Verdict,
} from '../../src/contract/index.ts'
import type { RawCall, Wire } from '../platforms/platform.ts'

/** What the tests of one adapter alone share: requests in, parts out. */

export const never = new AbortController().signal

/** A request as the intake hands it over. */
export const requestOf = ({ method, path, headers, body }: RawCall): RawRequest => {
  const lower = new Map(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))
  const [bare = '', query = ''] = path.split('?')
  return {
    method,
    path: bare,
    query: new URLSearchParams(query),
    header: (name) => lower.get(name) ?? null,
    body: typeof body === 'string' ? Buffer.from(body) : body,
  }
}

export interface Kept {
  readonly events: InboundEvent[]
  readonly reports: SendReport[]
}

/** The smallest core behind webhooks that are acknowledged: everything is kept in `kept`. */
export const keepingWire = (
  receive: (request: RawRequest) => Promise<Verdict>,
): { readonly wire: Wire; readonly kept: Kept } => {
  const kept: Kept = { events: [], reports: [] }
  const wire: Wire = async (call) => {
    const verdict = await receive(requestOf(call))
    if (verdict.kind === 'reject') return { status: verdict.status, headers: {}, body: '' }
    if (verdict.kind === 'answer') return verdict.answer
    kept.events.push(...verdict.events)
    kept.reports.push(...(verdict.reports ?? []))
    return verdict.ack
  }
  return { wire, kept }
}

/** The event of a verdict that has one. */
export const eventOf = (verdict: Verdict): InboundEvent => {
  const event = verdict.kind === 'events' ? verdict.events[0] : undefined
  if (event === undefined) throw new Error(`no event but ${JSON.stringify(verdict)}`)
  return event
}

/** Recorded payloads, one JSON file each. */
export const goldensOf = <T>(platform: string) => {
  const folder = new URL(`../golden/${platform}/`, import.meta.url)
  return {
    names: (prefix = ''): string[] =>
      readdirSync(folder)
        .filter((name) => name.startsWith(prefix) && name.endsWith('.json'))
        .map((name) => name.slice(0, -'.json'.length)),
    read: (name: string): T => JSON.parse(readFileSync(new URL(`${name}.json`, folder), 'utf8')) as T,
  }
}

/** Recorded payloads that are not all JSON, by file name. */
export const golden = (platform: string, file: string): Buffer =>
  readFileSync(new URL(`../golden/${platform}/${file}`, import.meta.url))

/** Makes parts to an address. */
export const partTo =
  (to: Address, key = 'p1') =>
  (items: readonly PartItem[], more: Partial<Part> = {}): Part => ({
    key,
    to,
    audience: 'everyone',
    items,
    buttons: [],
    ...more,
  })

export const text = (words: string): PartItem => ({ kind: 'text', text: words })

export const file = (as: string, over: Partial<Artifact> = {}, caption?: string): PartItem => ({
  kind: 'media',
  as,
  media: { kind: 'image', blob: 'b1', name: 'fox.png', mime: 'image/png', bytes: 11, ...over },
  ...(caption === undefined ? {} : { caption }),
})

export const buttons = (...labels: readonly string[]): readonly PartButton[] =>
  labels.map((label, nth) => ({ label, action: `action-${nth}`, say: `/say ${label} ${nth}` }))
