import type { Installation } from '../contract/index.ts'
import { installById, putSecrets, type SealedSecret, sealedOtherwise, secretsOf } from '../store/installs.ts'
import type { Db } from '../store/open.ts'
import type { Keys } from './keys.ts'
import { seal, unseal } from './seal.ts'

type Owner = Pick<Installation, 'platform' | 'id'>

/** Secrets of an installation in clear, and the first that is named but can't be read. */
export interface Opened {
  readonly secrets: Readonly<Record<string, string>>
  readonly unreadable: string | null
}

const labelOf = ({ platform, id }: Owner, name: string) => ({ platform, install: id, name })

export const openSecrets = (db: Db, owner: Owner, keys: Keys): Opened => {
  const values = secretsOf(db, owner.id).map(({ name, value }) => {
    const key = value && keys.find(value.keyId)
    return [name, key ? unseal(key, labelOf(owner, name), value.sealed) : null] as const
  })
  const unreadable = values.find(([, text]) => text === null)?.[0] ?? null
  return { secrets: Object.fromEntries(values.filter((one): one is [string, string] => one[1] !== null)), unreadable }
}

export const sealSecrets = (
  owner: Owner,
  secrets: Readonly<Record<string, string>>,
  keys: Keys,
): readonly SealedSecret[] =>
  Object.entries(secrets).map(([name, text]) => {
    const key = keys.current()
    return { name, value: { keyId: key.id, sealed: seal(key, labelOf(owner, name), text) } }
  })

/** Brings everything under the current key. Returns how many installations were moved, and how many can't be read. */
export const reseal = (db: Db, keys: Keys): { readonly moved: number; readonly lost: number } => {
  const [current] = keys.known()
  let moved = 0
  let lost = 0
  for (const id of sealedOtherwise(db, current?.id ?? '')) {
    const owner = installById(db, id)
    if (!owner) continue
    const { secrets, unreadable } = openSecrets(db, owner, keys)
    if (unreadable === null) {
      putSecrets(db, id, sealSecrets(owner, secrets, keys))
      moved++
    } else lost++
  }
  return { moved, lost }
}
