import { describe, expect, test } from 'vitest'
import { StoreError } from '../../../src/store/store.ts'
import { type Answer, type Api, apiRig, root } from './kit.ts'
import { mistakes, type Schema } from './schema.ts'

interface Operation {
  readonly operationId: string
  readonly security?: readonly unknown[]
  readonly parameters?: readonly { readonly name: string; readonly in: string; readonly required: boolean }[]
  readonly responses: Readonly<
    Record<string, { readonly content: { readonly 'application/json': { readonly schema: Schema } } }>
  >
}

interface Document {
  readonly openapi: string
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> }
}

const documentOf = async (api: Api): Promise<Document> => (await api.ask('openapi.json', { headers: {} })).body
const operations = ({ paths }: Document) =>
  Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })),
  )

const stocked = async (over: Parameters<typeof apiRig>[0] = {}): Promise<Api & { readonly id: string }> => {
  const api = await apiRig({
    secretRefs: [{ path: 'fake.token', name: 'FAKE', source: 'env', status: 'portable', reason: 'fine' }],
    portable: ['FAKE'],
    ...over,
  })
  const { id } = await api.installs.save({
    workspace: 'W1',
    facts: { team: 'One' },
    secrets: { bot: 'not to be shown' },
  })
  await api.installs.save({ workspace: 'W2', facts: {}, secrets: { bot: 'not to be shown' } })
  await api.installs.note('W2', { status: { to: 'uninstalled', reason: 'left' } })
  await api.installs.note('W1', { health: { state: 'rate_limited', reason: 'ratelimited' } })
  return { ...api, id }
}

const broken = (): never => {
  throw new StoreError('nothing was kept: the disk is full')
}

/** A request for every answer the document promises: method, path, status, and what has to be the case before. */
const cases: readonly (readonly [string, string, number, ((api: Api) => string) | string])[] = [
  ['GET', '/installations', 200, 'installations'],
  ['GET', '/installations/resolve', 200, 'installations/resolve?platform=fake&workspace_id=W1'],
  ['GET', '/installations/resolve', 400, 'installations/resolve?platform=fake'],
  ['GET', '/installations/resolve', 409, 'installations/resolve?platform=FAKE&workspace_id=W2'],
  ['GET', '/installations/audit', 200, 'installations/audit?limit=3'],
  ['GET', '/installations/{installation_id}', 200, 'installations/ID'],
  ['GET', '/installations/{installation_id}', 404, 'installations/nope'],
  ['DELETE', '/installations/{installation_id}', 200, 'installations/ID'],
  ['DELETE', '/installations/{installation_id}', 404, 'installations/nope'],
  ['POST', '/installations/{installation_id}/activate', 200, 'installations/ID/activate'],
  ['POST', '/installations/{installation_id}/activate', 404, 'installations/nope/activate'],
  ['POST', '/installations/{installation_id}/activate', 409, 'installations/GONE/activate'],
  ['POST', '/installations/{installation_id}/deactivate', 200, 'installations/ID/deactivate'],
  ['POST', '/installations/{installation_id}/deactivate', 404, 'installations/nope/deactivate'],
  ['GET', '/secrets', 200, 'secrets'],
  ['GET', '/extraction-contract', 200, 'extraction-contract'],
  ['GET', '/openapi.json', 200, 'openapi.json'],
]

const isRight = (document: Document, method: string, path: string, answer: Answer): string[] => {
  const schema =
    document.paths[root + path]?.[method.toLowerCase()]?.responses[answer.status]?.content['application/json'].schema
  return schema ? mistakes(answer.body, schema, document.components.schemas) : [`${answer.status} is not documented`]
}

describe('the document', () => {
  test('lists exactly the routes there are', async () => {
    const api = await apiRig()
    const documented = operations(await documentOf(api)).map(
      ({ method, path }) => `${method} ${path.replaceAll(/\{\w+\}/g, ':id')}`,
    )
    expect(documented.toSorted()).toEqual(
      api
        .routes()
        .map(({ method, path }) => `${method} ${path}`)
        .toSorted(),
    )
  })

  test('names every part of a path, and every operation once', async () => {
    const all = operations(await documentOf(await apiRig()))
    expect(new Set(all.map(({ operation }) => operation.operationId)).size).toBe(all.length)
    for (const { path, operation } of all) {
      const inPath = (operation.parameters ?? []).filter((one) => one.in === 'path').map(({ name }) => name)
      expect(inPath).toEqual([...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name))
    }
  })

  test('promises no answer that the handlers are not asked for here', async () => {
    const promised = operations(await documentOf(await apiRig())).flatMap(({ method, path, operation }) =>
      Object.keys(operation.responses)
        .filter((status) => !['403', '429', '503'].includes(status))
        .map((status) => `${method} ${path.slice(root.length)} ${status}`),
    )
    expect(promised.toSorted()).toEqual(cases.map(([method, path, status]) => `${method} ${path} ${status}`).toSorted())
  })
})

describe('the handlers answer as documented', () => {
  test.each(cases)('%s %s with %i', async (method, path, status, ask) => {
    const api = await stocked()
    const gone = api.installs.list().find(({ workspace }) => workspace === 'W2')?.id ?? ''
    const url = String(ask).replace('ID', api.id).replace('GONE', gone)
    const answer = await api.ask(url, { method, headers: { 'X-OpenClaw-Admin-Token': 'test-admin-token' } })
    expect(answer.status).toBe(status)
    expect(isRight(await documentOf(api), method, path, answer)).toEqual([])
    expect(answer.text).not.toContain('not to be shown')
  })

  test.each(cases.filter(([, path]) => path !== '/openapi.json'))(
    '%s %s without a token with 403',
    async (method, path, _, ask) => {
      const api = await stocked()
      const answer = await api.ask(String(ask).replace('ID', api.id), { method, headers: {} })
      expect(answer.status).toBe(403)
      expect(isRight(await documentOf(api), method, path, answer)).toEqual([])
      expect(api.installs.list()).toHaveLength(2)
    },
  )

  test('with 429 when it is asked too often, and 503 when nothing can be written', async () => {
    const api = await stocked()
    const document = await documentOf(api)
    let last = await api.ask('secrets')
    for (let i = 0; i < 100 && last.status === 200; i++) last = await api.ask('secrets')
    expect(last.status).toBe(429)
    expect(isRight(document, 'GET', '/secrets', last)).toEqual([])

    const full = await stocked({ registry: { ...api.registry, remove: broken } })
    const answer = await full.ask('installations/x', { method: 'DELETE' })
    expect(answer.status).toBe(503)
    expect(isRight(document, 'DELETE', '/installations/{installation_id}', answer)).toEqual([])
  })
})

test('the check of shapes finds what is wrong', () => {
  const schema: Schema = {
    type: 'object',
    required: ['a'],
    properties: { a: { $ref: '#/components/schemas/A' }, b: { type: 'array', items: { type: 'integer', minimum: 1 } } },
    additionalProperties: false,
  }
  const all = { A: { enum: ['x'] } }
  expect(mistakes({ a: 'x', b: [1] }, schema, all)).toEqual([])
  expect(mistakes({ a: 'y', b: [0, 'z'], c: 1 }, schema, all)).toHaveLength(4)
  expect(mistakes({}, schema, all)).toEqual(['$: a is missing'])
  expect(() => mistakes(1, { maximum: 1 } as Schema, all)).toThrow('knows no maximum')
})
