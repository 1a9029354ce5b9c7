import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { apiRig, recordedStock } from './kit.ts'

interface Recorded {
  readonly request: { readonly path: string; readonly headers: Record<string, string> }
  readonly status: number
  readonly body: object
}

const folder = new URL('../../backend-samples/', import.meta.url)
const read = (file: string): Recorded => JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as Recorded
/** Our own contract says other things, and a record depends on how the stock came to be: the schema holds both. */
const elsewhere = /extraction-contract|audit/
const names = readdirSync(folder).filter(
  (file) =>
    /^openclaw-(connector|tenants)-/.test(file) &&
    !elsewhere.test(file) &&
    read(file).request.path.startsWith('/openclaw/connector/'),
)

/** The backend leaves out a health that was never noted, and counts the record's events of all tenants. */
const comparable = (value: unknown, like: unknown): unknown => {
  if (Array.isArray(value)) return value.map((one, i) => comparable(one, Array.isArray(like) ? like[i] : undefined))
  if (typeof value !== 'object' || value === null) return value
  const pattern = (typeof like === 'object' && like !== null ? like : {}) as Record<string, unknown>
  const entries = Object.entries(value).filter(
    ([key]) => key in pattern || (key !== 'health' && key !== 'audit_events'),
  )
  return Object.fromEntries(
    entries.map(([key, one]) => [key, key === 'audit_events' ? pattern[key] : comparable(one, pattern[key])]),
  )
}

const inTenantMode = (name: string): boolean => name.startsWith('openclaw-tenants-')

test('there are recorded answers to hold ours against', () => {
  expect(names.length).toBeGreaterThan(15)
})

test.each(names)('the backend’s recorded answer is ours too: %s', async (name) => {
  const { request, status, body } = read(name)
  const { path, headers } = request
  const tenancy = inTenantMode(name) ? { header: 'X-OpenClaw-Tenant-Id', own: 'default' } : null
  const api = await apiRig({ tenancy })
  await recordedStock(api)
  const answer = await api.ask(path, { headers })
  expect(answer.status).toBe(status)
  expect(comparable(answer.body, body)).toEqual(body)
  expect(answer.text).not.toContain('a token nobody may see')
})
