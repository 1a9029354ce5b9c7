import { globSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { adapters } from '../adapters/index.ts'
import { commands } from '../src/commands/index.ts'
import { readConfig } from '../src/config/read.ts'
import { mayComeFromFile } from '../src/config/source.ts'
import { generated } from './tools/docs.ts'
import { groupsOf } from './tools/docs-text.ts'

const rows = groupsOf(adapters).flatMap((group) => Object.entries(group.rows))
const pages = ['README.md', ...globSync('docs/*.md'), 'Dockerfile', '.env.example']
const textOf = (path: string): string => readFileSync(path, 'utf8')

describe('the documents', () => {
  it('hold the tables that the data gives (if not: node test/tools/docs.ts --write)', () => {
    for (const [path, { is, should }] of generated()) expect(is, path).toBe(should)
  })

  it('have a place for every generated table, and commands and platforms to fill them', () => {
    const all = pages.map(textOf).join('\n')
    for (const name of ['variables', 'platforms', 'reachable', 'commands'])
      expect(all).toContain(`<!-- generated:${name} -->`)
    expect(commands.length).toBeGreaterThan(10)
    expect(adapters.length).toBeGreaterThan(2)
  })

  it('name no variable that does not exist', () => {
    const known = new Set(rows.flatMap(([name, row]) => (mayComeFromFile(name, row) ? [name, `${name}_FILE`] : [name])))
    for (const path of pages) {
      const named = textOf(path).match(/OPENCLAW_(?:CONNECTOR|COMMAND)_[A-Z0-9_]*[A-Z0-9](?![A-Z0-9_]*[<*])/g) ?? []
      expect(named.filter((name) => !known.has(name), path)).toEqual([])
    }
  })
})

describe('the list of what the predecessor got wrong', () => {
  const rows = textOf('docs/predecessor.md')
    .split('\n')
    .filter((line) => /^\| \d/.test(line))
    .map((line) => line.split(' | '))
  const cases = String.raw`(?: \((?:\`[^\`]+\`(?:, )?)+\))?`
  const proofForm = new RegExp(String.raw`^\`test/[\w/-]+(?:\.test)?\.ts\`(?: “[^”]+”${cases})+$`)

  it('has every row from 1 to 67 once, in order, with what is different and a proof', () => {
    expect(rows.map(([nr]) => nr)).toEqual(Array.from({ length: 67 }, (_, i) => `| ${i + 1}`))
    for (const [nr, ...cells] of rows) {
      expect(cells, nr).toHaveLength(3)
      for (const cell of cells) expect(cell.length, nr).toBeGreaterThan(10)
    }
  })

  it.each(rows.map(([nr = '', , , proofs = '']) => [nr.slice(2), proofs.replace(/ \|$/, '')]))(
    'names tests that exist for row %s',
    (_, proofs) => {
      for (const proof of proofs.split('<br>')) {
        expect(proof).toMatch(proofForm)
        const [, path = '', titles = ''] = /^`([^`]+)`(.*)$/.exec(proof) ?? []
        const source = textOf(path)
        for (const [, title = ''] of titles.matchAll(/“([^”]+)”/g))
          expect(isNamed(source, title), `${path}: ${title}`).toBe(true)
        for (const [, one = ''] of titles.matchAll(/`([^`]+)`/g)) expect(source, path).toContain(one)
      }
    },
  )

  it('knows a title only where a test or a case bears it, and none that is skipped', () => {
    expect(isNamed("it('is so', () => {})", 'is so')).toBe(true)
    expect(isNamed("test.each([1])(\n  'is so', () => {})", 'is so')).toBe(true)
    expect(isNamed("{ name: 'is so' }", 'is so')).toBe(true)
    expect(isNamed("// it was 'is so' once\nconst text = ['is so']", 'is so')).toBe(false)
    expect(isNamed("it('is so not', () => {})", 'is so')).toBe(false)
    expect(isNamed("it.skip('is so', () => {})", 'is so')).toBe(false)
    expect(isNamed("expect(text).toBe('is so')", 'is so')).toBe(false)
  })
})

/** Whether a test (or a case of a table that is made into tests) of this file bears the title, and is run. */
function isNamed(source: string, title: string): boolean {
  const escaped = title.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
  const before = String.raw`(?:\b(?:it|test)(?:\.(?:each|for|concurrent))?\(|\)\(|\bname:)`
  return new RegExp(`${before}\\s*(['"\`])${escaped}\\1`).test(source)
}

describe('.env.example', () => {
  const lines = textOf('.env.example').split('\n')
  const uncommented = lines.map((line) => line.replace(/^# (?=OPENCLAW_\w+=(?!\/run\/secrets))/, '')).join('\n')
  const readFile = (path: string): string => {
    if (path === '.env') return uncommented
    throw Object.assign(new Error('missing'), { code: 'ENOENT' })
  }
  const deps = { readFile, isTty: false, homeDir: '/home/ann', platform: 'linux' }
  const nothing = { ...deps, readFile: () => readFile('') }

  it('lists every variable once', () => {
    const listed = lines.flatMap((line) => /^# (OPENCLAW_\w+)=(?!\/run\/secrets)/.exec(line)?.[1] ?? [])
    expect(listed).toEqual(rows.map(([name]) => name))
  })

  it('means the same as nothing when all of it is used as it stands', () => {
    const used = readConfig({}, adapters, deps)
    expect({ ...used, warnings: [] }).toEqual({ ...readConfig({}, adapters, nothing), warnings: [] })
    expect(used.platforms.some((platform) => platform.active)).toBe(false)
  })
})
