import { existsSync, globSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { adapters } from '../../adapters/index.ts'
import { commands } from '../../src/commands/index.ts'
import {
  commandsText,
  envExampleText,
  fill,
  groupsOf,
  platformsText,
  reachableText,
  variablesText,
} from './docs-text.ts'

const root = new URL('../../', import.meta.url)

/** Files with generated parts: what they hold and what they should hold, by path from the project's root. */
export function generated(): ReadonlyMap<string, { readonly is: string; readonly should: string }> {
  const groups = groupsOf(adapters)
  const parts = {
    variables: variablesText(groups),
    platforms: platformsText(adapters),
    reachable: reachableText(adapters),
    commands: commandsText(commands),
  }
  const pages = globSync(['README.md', 'docs/*.md'], { cwd: fileURLToPath(root) }).sort()
  const files = new Map<string, { readonly is: string; readonly should: string }>()
  for (const path of pages) {
    const is = readFileSync(new URL(path, root), 'utf8')
    files.set(path, { is, should: fill(is, parts) })
  }
  const example = new URL('.env.example', root)
  const is = existsSync(example) ? readFileSync(example, 'utf8') : ''
  return files.set('.env.example', { is, should: envExampleText(groups) })
}

if (import.meta.main) {
  const write = process.argv.includes('--write')
  const stale = [...generated()].filter(([, { is, should }]) => is !== should)
  if (write) for (const [path, { should }] of stale) writeFileSync(new URL(path, root), should)
  const said =
    stale.length === 0 ? 'all up to date' : `${write ? 'written' : 'stale'}: ${stale.map(([p]) => p).join(' ')}`
  process.stdout.write(`${said}\n`)
  process.exitCode = write || stale.length === 0 ? 0 : 1
}
