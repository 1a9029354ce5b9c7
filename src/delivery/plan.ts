import type { Address, Button, Capabilities, Part, PartButton, Reply, ReplyHandle } from '../contract/index.ts'
import { fileNote, lines, type PlanTexts } from './captions.ts'
import { type Draft, isAlbum, layout, type Placed } from './layout.ts'
import { cut } from './measure.ts'
import { chooseRung } from './rungs.ts'

export type { PlanTexts } from './captions.ts'

export interface PlanContext {
  readonly to: Address
  /** The stable beginning of the part keys: the same reply under the same base gives the same keys. */
  readonly keyBase: string
  readonly replyTo?: string
  readonly handle?: ReplyHandle
  /** Whether signed links can be made (a public base is configured). */
  readonly canLink: boolean
  readonly maxLinkBytes?: number
  /** Opaque ids of actions. */
  readonly newId: () => string
  readonly nowMs: number
  readonly texts: PlanTexts
}

/** A stored action to be, for a button whose press brings back only its id. */
export interface ActionSeed {
  readonly id: string
  readonly say: string
  readonly only: string | null
  readonly once: string | null
  readonly expiresAtMs: number
  readonly platform: string
  readonly chat: string
}

export interface Planned {
  readonly parts: readonly Part[]
  readonly actions: readonly ActionSeed[]
}

/** What fetches the parts that could not be given at once. */
const fetchRest = '/inbox'
const fetchRestTtlMs = 24 * 3_600_000

interface MadeButton {
  readonly wish: Button
  readonly button: PartButton
}

/** Makes a reply fit a platform: calls with stable keys, each within its capabilities. What can't be handed over is
 *  said in words; nothing is dropped silently. A blank reply gives no part. */
export function plan(reply: Reply, ctx: PlanContext, caps: Capabilities): Planned {
  const { texts } = ctx
  const placed: Placed[] = []
  const notes: string[] = []
  for (const artifact of reply.media ?? []) {
    const rung = chooseRung(artifact, caps, ctx)
    if (rung) placed.push({ artifact, rung })
    else notes.push(fileNote(artifact, caps, ctx, texts))
  }
  const made = (reply.buttons ?? []).map((wish) => makeButton(wish, ctx, caps))

  /** Lays out with room for so many buttons; the others are named in the text. */
  const drafted = (room: number, hint: string | null): readonly Draft[] => {
    const buttons = made.slice(0, room).map(({ button }) => button)
    const typed = made.slice(room).map(({ wish }) => wish.say)
    const said = lines(hint, reply.text?.toWellFormed(), ...notes, typed.length > 0 ? texts.typeInstead(typed) : null)
    // Buttons need something to hang on: a text, or a file that comes alone.
    const text =
      said === '' && buttons.length > 0 && placed.length !== 1 ? texts.typeInstead(buttons.map(({ say }) => say)) : said
    const textAlone = reply.editableAs !== undefined || reply.edits !== undefined
    return layout({ text, media: placed, buttons, textAlone }, caps)
  }

  const room = caps.buttons?.max ?? 0
  const more = (n: number) =>
    makeButton({ label: texts.moreLabel(n), say: fetchRest, ttlMs: fetchRestTtlMs }, ctx, caps)
  const { drafts, extra } =
    caps.answer.push === 'never'
      ? withMore(drafted, { room, hint: texts.typeInstead([fetchRest]), more, caps })
      : { drafts: drafted(room, null), extra: null }

  return {
    parts: toParts(drafts, reply, ctx, caps),
    actions: seedsOf(drafts, extra ? [...made, extra] : made, ctx, caps),
  }
}

function makeButton(wish: Button, { newId }: PlanContext, { buttons, text }: Capabilities): MadeButton {
  const limit = { max: buttons?.labelMax ?? 0, unit: text.unit }
  const { say, style } = wish
  const label = cut(wish.label.trim().toWellFormed(), limit) || cut(say, limit)
  return { wish, button: { label, action: newId(), say, ...(style ? { style } : {}) } }
}

interface MoreOptions {
  readonly room: number
  readonly hint: string
  readonly more: (n: number) => MadeButton
  readonly caps: Capabilities
}

/** Where we may not speak first, only the first part arrives by itself: it tells how to get the others, by a button,
 *  or in words where no button can be had. */
function withMore(
  drafted: (room: number, hint: string | null) => readonly Draft[],
  { room, hint, more, caps }: MoreOptions,
): { readonly drafts: readonly Draft[]; readonly extra: MadeButton | null } {
  for (const shown of room > 0 ? [room, room - 1] : [room]) {
    const drafts = drafted(shown, null)
    const [first, ...rest] = drafts
    if (!first || rest.length === 0) return { drafts, extra: null }
    if (first.buttons.length >= room || isAlbum(first.items, caps)) continue
    const extra = more(rest.length)
    return { drafts: [{ ...first, buttons: [...first.buttons, extra.button] }, ...rest], extra }
  }
  return { drafts: drafted(room, hint), extra: null }
}

const toParts = (drafts: readonly Draft[], reply: Reply, ctx: PlanContext, caps: Capabilities): readonly Part[] =>
  drafts.map(({ items, buttons }, i) => {
    const handle = i === 0 || (reply.audience === 'asker' && ctx.handle?.several) ? ctx.handle : undefined
    return {
      key: i === 0 && reply.editableAs && items[0]?.kind === 'text' ? reply.editableAs : `${ctx.keyBase}#${i}`,
      to: ctx.to,
      // A one-time answer goes to whoever acted, so it may stay private where ordinary messages can't.
      audience: caps.audiences.includes(reply.audience) || handle ? reply.audience : 'everyone',
      items,
      buttons,
      ...(i === 0 && ctx.replyTo !== undefined && caps.quotes ? { replyTo: ctx.replyTo } : {}),
      ...(handle ? { handle } : {}),
      ...(reply.interim === undefined ? {} : { interim: reply.interim }),
    }
  })

/** Buttons that type their text need no action. */
const seedsOf = (
  drafts: readonly Draft[],
  made: readonly MadeButton[],
  { nowMs, to }: PlanContext,
  caps: Capabilities,
): readonly ActionSeed[] => {
  if (caps.buttons?.kind !== 'press') return []
  const shown = new Set(drafts.flatMap(({ buttons }) => buttons.map(({ action }) => action)))
  return made
    .filter(({ button }) => shown.has(button.action))
    .map(({ wish, button }) => ({
      id: button.action,
      say: wish.say,
      only: wish.only ?? null,
      once: wish.once ?? null,
      expiresAtMs: nowMs + wish.ttlMs,
      platform: to.platform,
      chat: to.chat,
    }))
}
