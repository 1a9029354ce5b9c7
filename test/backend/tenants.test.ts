import { expect, test } from 'vitest'
import { linkBackend } from '../../src/backend/connect.ts'
import { keepingLog } from '../kit/deps.ts'
import { openHost } from './host.ts'

const answering = () =>
  openHost({
    'GET /openclaw/templates': ({ headers }) => ({
      json: {
        ok: true,
        count: 1,
        templates: [{ id: String(headers['x-team'] ?? 'none'), allowed_inputs: [], defaults: {} }],
      },
    }),
  })

const deps = { fetch: globalThis.fetch, now: Date.now, version: '1', log: keepingLog() }
const never = new AbortController().signal
type Link = ReturnType<typeof linkBackend>
const templatesOf = async (link: Pick<Link, 'templates'>): Promise<string> => {
  const answer = await link.templates.get()
  return answer.ok ? (answer.value[0]?.id ?? '') : answer.detail
}

test('each tenant has its own view of the backend, made once, with its own templates', async () => {
  await using host = await answering()
  const tenant = { header: 'X-Team', id: 'house' }
  const link = linkBackend({ url: host.url, adminToken: null, obsToken: null, tenant }, deps, never)
  expect(await templatesOf(link)).toBe('house')
  expect(await templatesOf(link.asTenant('acme'))).toBe('acme')
  expect(await templatesOf(link.asTenant('house'))).toBe('house')
  expect(await templatesOf(link.asTenant('acme'))).toBe('acme')
  expect(host.seen).toHaveLength(2)
  expect(link.asTenant('acme')).toBe(link.asTenant('acme'))
})

test('outside multi-tenant mode nobody is named, whatever the tenant', async () => {
  await using host = await answering()
  const link = linkBackend({ url: host.url, adminToken: null, obsToken: null, tenant: null }, deps, never)
  expect(await templatesOf(link.asTenant('acme'))).toBe('none')
  expect(link.asTenant('acme').backend).toBe(link.backend)
})
