import { globSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { type SourceFile, staleExceptions, violations } from './architecture.ts'

const root = new URL('..', import.meta.url)
const packages = Object.keys(
  (JSON.parse(readFileSync(new URL('package.json', root), 'utf8')) as { dependencies: object }).dependencies,
)

const sources = (): readonly SourceFile[] =>
  globSync('{src,adapters,policy}/**/*.ts', { cwd: root.pathname }).map((path) => ({
    path: path.replaceAll('\\', '/'),
    text: readFileSync(new URL(path, root), 'utf8'),
  }))

const found = (path: string, text: string): readonly string[] =>
  violations([{ path, text }], ['hono', '@hono/node-server'])

describe('the sources', () => {
  it('keep to the rules of the house', () => {
    const files = sources()
    expect(files.length).toBeGreaterThan(50)
    expect(violations(files, packages)).toEqual([])
  })

  it('need every exception that is made for them', () => {
    expect(staleExceptions(sources().map((file) => file.path))).toEqual([])
  })
})

describe('the rules notice', () => {
  it.each([
    ['src/contract/event.ts', "import { x } from '../store/open.ts'"],
    ['src/contract/event.ts', "import { x } from 'node:fs'"],
    ['policy/decide.ts', "import type { X } from '../src/store/open.ts'"],
    ['policy/decide.ts', "import { hash } from 'node:crypto'"],
    ['adapters/kit/http.ts', "import { x } from '../telegram/wire.ts'"],
    ['adapters/telegram/send.ts', "import { x } from '../kakao/wire.ts'"],
    ['adapters/telegram/send.ts', "import { x } from '../../src/store/open.ts'"],
    ['adapters/telegram/send.ts', "import { x } from '../index.ts'"],
    ['adapters/index.ts', "import { x } from './telegram/send.ts'"],
    ['src/store/open.ts', "import { x } from '../../adapters/index.ts'"],
    ['src/store/open.ts', "import { main } from '../main.ts'"],
    ['src/store/open.ts', "const late = await import('../daemon.ts')"],
    ['src/store/open.ts', "export { x } from '../../adapters/kit/http.ts'"],
    ['src/store/open.ts', "import {\n  a,\n  b,\n} from '../daemon.ts'"],
    ['src/store/open.ts', "import '../daemon.ts'"],
  ])('an import of %s the wrong way: %s', (path, text) => {
    expect(found(path, text)).toHaveLength(1)
  })

  it.each([
    ['src/router/route.ts', "if (event.where.platform === 'telegram') return"],
    ['src/delivery/plan.ts', 'const token = settings.KAKAO_TOKEN'],
    ['policy/rules.ts', 'const Discord = 1'],
  ])('a platform named in %s: %s', (path, text) => {
    expect(found(path, text)).toHaveLength(1)
  })

  it.each([
    ['src/store/open.ts', 'const path = process.env.HOME'],
    ['src/store/open.ts', 'if (broken) process.exit(1)'],
    ['adapters/kit/http.ts', "console.log('here')"],
    ['adapters/console/screen.ts', 'process.stdin.resume()'],
  ])('the edge of the process touched in %s: %s', (path, text) => {
    expect(found(path, text)).toHaveLength(1)
  })

  it('a file of more than 250 lines', () => {
    expect(found('src/store/open.ts', 'const x = 1\n'.repeat(250))).toEqual([])
    expect(found('src/store/open.ts', 'const x = 1\n'.repeat(251))).toEqual(['src/store/open.ts has 251 lines'])
  })

  it('default exports elsewhere, and an adapter without one', () => {
    expect(found('src/store/open.ts', 'export default 1')).toHaveLength(1)
    expect(found('adapters/kakao/index.ts', 'export const one = 1')).toHaveLength(1)
    expect(found('adapters/kakao/index.ts', 'export default one')).toEqual([])
  })

  it('barrels, classes that are no errors, and adapter files of unknown names', () => {
    expect(found('src/store/index.ts', "export * from './open.ts'")).toHaveLength(1)
    expect(found('src/store/open.ts', 'class Store {}')).toHaveLength(1)
    expect(found('src/store/open.ts', 'export class StoreError extends Error {}')).toEqual([])
    expect(found('adapters/kakao/utils.ts', 'export const one = 1')).toHaveLength(1)
  })

  it('packages that are no dependency of ours', () => {
    expect(found('src/store/open.ts', "import _ from 'lodash/fp'")).toHaveLength(1)
    expect(found('src/store/open.ts', "import { serve } from '@hono/node-server/conninfo'")).toEqual([])
  })

  it('files that import each other in a circle', () => {
    const one = { path: 'src/store/one.ts', text: "import { two } from './two.ts'" }
    const two = { path: 'src/store/two.ts', text: "import { one } from './one.ts'" }
    expect(violations([one, two], [])).toEqual(['circle: src/store/one.ts → src/store/two.ts → src/store/one.ts'])
    expect(violations([one, { ...two, text: two.text.replace('import', 'import type') }], [])).toEqual([])
  })

  it('nothing in comments and in words that only look alike', () => {
    expect(found('src/store/open.ts', '// as telegram does it\n/* process.env */\nconst larkspur = 1')).toEqual([])
  })
})
