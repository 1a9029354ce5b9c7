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
