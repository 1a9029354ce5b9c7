import { readFileSync } from 'node:fs'

/** To be given to a node process, whose modules are then listed in `file` when it has ended. */
export const listing = (file: string): Readonly<Record<string, string>> => ({
  NODE_OPTIONS: `--import ${new URL('./loaded.ts', import.meta.url).href}`,
  LOADED_TO: file,
})

export interface Modules {
  /** How many of all files, ours and others'. */
  readonly count: number
  /** Names of packages of which something was loaded. */
  readonly packages: ReadonlySet<string>
}

export const modulesIn = (file: string): Modules => {
  const urls = readFileSync(file, 'utf8')
    .split('\n')
    .filter((url) => url.startsWith('file:'))
  const names = urls.flatMap((url) => /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(url)?.[1] ?? [])
  return { count: urls.length, packages: new Set(names) }
}
