// A file of its own: who a text speaks to is decided by pure text rules, for messages and captions alike.
import type { Bot, Entity } from './wire.ts'

export interface Spoken {
  /** Our mentions and our command suffix cut off. */
  readonly text: string
  readonly toUs: boolean
  /** A command for another bot (`/status@other_bot`): not ours to answer. */
  readonly toOther: boolean
}

const isOurs = (text: string, entity: Entity, me: Bot): boolean =>
  (entity.type === 'text_mention' && entity.user?.id === me.id) ||
  (entity.type === 'mention' &&
    text.slice(entity.offset, entity.offset + entity.length).toLowerCase() === `@${me.username.toLowerCase()}`)

const isInside = (text: string, { offset, length }: Entity): boolean =>
  offset >= 0 && length > 0 && offset + length <= text.length

/** Entity offsets count UTF-16 code units, which is what `slice` does. */
function cut(text: string, { offset, length }: Entity): string {
  const before = text.slice(0, offset)
  const after = text.slice(offset + length)
  if (before.trim() === '') return after.replace(/^[\s,:]+/, '')
  return /\s$/.test(before) ? before + after.replace(/^[ \t]+/, '') : before + after
}

const command = /^\/([a-z0-9_]{1,64})@([a-z0-9_]{1,64})(?=\s|$)/i

/** Pure. `entities` belong to `text`. */
export function spoken(text: string, entities: readonly Entity[], me: Bot): Spoken {
  const ours = entities.filter((entity) => isInside(text, entity) && isOurs(text, entity, me))
  // From the last to the first, so that the offsets of those still to come stay right.
  const bare = ours.toSorted((a, b) => b.offset - a.offset).reduce(cut, text)
  const found = command.exec(bare)
  if (!found) return { text: bare.trim(), toUs: ours.length > 0, toOther: false }
  const named = found[2]?.toLowerCase() === me.username.toLowerCase()
  return { text: `/${found[1]}${bare.slice(found[0].length)}`.trim(), toUs: named || ours.length > 0, toOther: !named }
}
