import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { apiRig, recordedStock } from './kit.ts'

interface Recorded {
  readonly path: string
  readonly headers: Record<string, string>
  readonly status: number
  readonly body: { readonly installations?: unknown; readonly events?: unknown }
}

const recorded = JSON.parse(
  readFileSync(new URL('../../golden/admin/recorded.json', import.meta.url), 'utf8'),
) as Record<string, Recorded>

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

const inTenantMode = (name: string): boolean => name.startsWith('tenants-')
// The record depends on how the stock came to be; its shape is held by the schema.
const names = Object.keys(recorded).filter((name) => !name.includes('audit'))

test.each(names)('the backend’s recorded answer is ours too: %s', async (name) => {
  const { path, headers, status, body } = recorded[name]!
  const tenancy = inTenantMode(name) ? { header: 'X-OpenClaw-Tenant-Id', own: 'default' } : null
  const api = await apiRig({ tenancy })
  await recordedStock(api)
  const answer = await api.ask(path, { headers })
  expect(answer.status).toBe(status)
  expect(comparable(answer.body, body)).toEqual(body)
  expect(answer.text).not.toContain('a token nobody may see')
})
