import { randomBytes } from 'node:crypto'
import { chmodSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { secretKeyBytes, secretKeyForm } from '../config/secret-key.ts'
import type { Log } from '../contract/index.ts'
import { StateError } from '../store/open.ts'
import { type Key, keyFrom } from './seal.ts'

const variable = 'OPENCLAW_CONNECTOR_SECRET_KEY'
const keyFile = 'secret.key'

export interface Keys {
  /** The key new values are sealed with. Made and written when it is wanted for the first time. */
  readonly current: () => Key
  /** The current one, and the key file's where a configured one has taken its place. */
  readonly find: (id: string) => Key | null
  /** Whether there is any key yet. */
  readonly known: () => readonly Key[]
}

export interface KeysDeps {
  readonly stateDir: string
  /** OPENCLAW_CONNECTOR_SECRET_KEY, of the form above; null: a file in the state directory holds the key. */
  readonly configured: string | null
  readonly log: Log
}

/** Throws StateError when the key file is there and can't be used: another key would make every token unreadable. */
export const openKeys = ({ stateDir, configured, log }: KeysDeps): Keys => {
  const path = join(stateDir, keyFile)
  let fromFile = readKey(path, log)
  const own = configured === null ? null : keyFrom(secretKeyBytes(configured))
  const known = (): readonly Key[] => [own, fromFile].filter((key) => key !== null)
  return {
    current: () => {
      if (own) return own
      fromFile ??= makeKey(path)
      return fromFile
    },
    find: (id) => known().find((key) => key.id === id) ?? null,
    known,
  }
}

const readKey = (path: string, log: Log): Key | null => {
  let text: string
  try {
    text = readFileSync(path, 'utf8').trim()
  } catch (cause) {
    if ((cause as { code?: string }).code === 'ENOENT') return null
    throw new StateError(`${path} can't be read. Let this user read it, or set ${variable}.`, { cause })
  }
  if (!secretKeyForm.test(text))
    throw new StateError(`${path} holds no key of 32 bytes. Restore it from a backup, or remove it and install anew.`)
  if ((statSync(path).mode & 0o077) !== 0 && process.platform !== 'win32') {
    chmodSync(path, 0o600)
    log.warn({ path }, 'the key of installations could be read by others; it no longer can')
  }
  return keyFrom(secretKeyBytes(text))
}

const makeKey = (path: string): Key => {
  const bytes = randomBytes(32)
  // Whole or not at all: half a key would stop every start from then on. The state directory is ours alone.
  writeFileSync(`${path}.new`, `${bytes.toString('base64')}\n`, { mode: 0o600, flush: true })
  renameSync(`${path}.new`, path)
  return keyFrom(bytes)
}
