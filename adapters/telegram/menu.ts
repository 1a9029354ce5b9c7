// A file of its own: registering the commands is no part of polling, and its failure never stops it.
import { createHash } from 'node:crypto'
import type { AdapterDeps, MenuEntry } from '../../src/contract/index.ts'
import type { Client } from './client.ts'

const callMs = 15_000
/** The Bot API takes at most this many commands and this long a description. */
const most = { commands: 100, about: 256 } as const

interface Scoped {
  readonly scope: object
  readonly entries: readonly MenuEntry[]
}

/** Pure. Which list belongs to which scope; the narrowest scope wins on Telegram's side. */
function menuScopes(menu: AdapterDeps['menu']): ReadonlyMap<string, Scoped> {
  const scopes = new Map<string, Scoped>()
  const put = (name: string, scope: object, entries: readonly MenuEntry[]) => {
    if (entries.length > 0) scopes.set(name, { scope, entries: entries.slice(0, most.commands) })
  }
  put('private', { type: 'all_private_chats' }, menu.everyone)
  put('groups', { type: 'all_group_chats' }, menu.everyone)
  // The private chat with a person has the person's id.
  for (const admin of menu.admins)
    if (/^\d{1,16}$/.test(admin)) put(`chat ${admin}`, { type: 'chat', chat_id: Number(admin) }, menu.admin)
  return scopes
}

const commandsOf = (entries: readonly MenuEntry[]) =>
  entries.map(({ command, about }) => ({ command, description: about.slice(0, most.about) }))

const hash = (account: string, entries: readonly MenuEntry[]): string =>
  createHash('sha256')
    .update(JSON.stringify([account, commandsOf(entries)]))
    .digest('base64url')
    .slice(0, 16)

/** Registers what changed since last time and takes back what is no longer wanted. Never throws. */
export async function registerMenu(
  client: Client,
  account: string,
  deps: Pick<AdapterDeps, 'log' | 'memo' | 'menu'>,
  signal: AbortSignal,
): Promise<void> {
  const known = remembered(deps.memo.get('menu'))
  const wanted = menuScopes(deps.menu)
  const now: Record<string, string> = {}
  for (const [name, { scope, entries }] of wanted) {
    const mark = hash(account, entries)
    const done = known[name] === mark || (await tried('setMyCommands', { commands: commandsOf(entries), scope }))
    if (done) now[name] = mark
  }
  for (const name of Object.keys(known).filter((name) => !wanted.has(name))) {
    const scope = scopeNamed(name)
    if (scope !== null && !(await tried('deleteMyCommands', { scope }))) now[name] = known[name] ?? ''
  }
  if (JSON.stringify(now) === JSON.stringify(known)) return
  await deps.memo.set('menu', JSON.stringify(now)).catch((error: unknown) => {
    deps.log.warn({ about: String(error) }, 'the registered commands could not be noted')
  })

  async function tried(method: 'setMyCommands' | 'deleteMyCommands', payload: object): Promise<boolean> {
    try {
      await client.call(method, payload, signal, callMs)
      return true
    } catch (error) {
      // An admin who never opened a chat with the bot has no menu yet: "chat not found".
      if (!signal.aborted) deps.log.warn({ about: String(error) }, 'the command menu could not be changed')
      return false
    }
  }
}

function scopeNamed(name: string): object | null {
  if (name === 'private') return { type: 'all_private_chats' }
  if (name === 'groups') return { type: 'all_group_chats' }
  const admin = /^chat (\d{1,16})$/.exec(name)?.[1]
  return admin === undefined ? null : { type: 'chat', chat_id: Number(admin) }
}

/** Scope name to hash, as noted last time; empty when nothing readable was. */
function remembered(note: string | null): Readonly<Record<string, string>> {
  try {
    const read: unknown = JSON.parse(note ?? '{}')
    if (typeof read !== 'object' || read === null) return {}
    return Object.fromEntries(
      Object.entries(read).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
    )
  } catch {
    // An unreadable note only costs registering again.
    return {}
  }
}
