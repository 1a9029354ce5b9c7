import { readFileSync } from 'node:fs'

/** The version in our package.json, which lies one folder up (sources) or two (compiled). Throws when it is gone. */
export function readVersion(): string {
  for (const place of ['../package.json', '../../package.json']) {
    const version = versionIn(new URL(place, import.meta.url))
    if (version !== null) return version
  }
  throw new Error('package.json of openclaw-connector is missing: install the package again')
}

function versionIn(file: URL): string | null {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch {
    return null
  }
  const manifest: unknown = JSON.parse(text)
  if (typeof manifest !== 'object' || manifest === null) return null
  if (!('name' in manifest) || manifest.name !== 'openclaw-connector') return null
  return 'version' in manifest && typeof manifest.version === 'string' ? manifest.version : null
}
