import type { Artifact, Capabilities, Part, PartItem, SendError } from '../contract/index.ts'
import { fileNote, lines, type PlanTexts } from './captions.ts'
import { type Draft, layout, type Placed } from './layout.ts'
import { type RungChoice, rungBelow } from './rungs.ts'

export interface DowngradeContext extends RungChoice {
  readonly texts: PlanTexts
  /** Why the file was refused, where it is known. */
  readonly why?: SendError['why']
}

type MediaItem = Extract<PartItem, { kind: 'media' }>

/**
 * What to send instead of a part whose file the platform refused: the files one rung lower, and at the bottom a text
 * that says so. Files that share a call go down together while each of them can; then they part, each on the rung it
 * had, so that one bad file takes no good one with it. The first part keeps the key (and quote and handle), further
 * ones get keys made from it; all of them have to be sent. Null when there is no file in the part.
 */
export function downgrade(part: Part, caps: Capabilities, ctx: DowngradeContext): readonly Part[] | null {
  const media = part.items.filter((item) => item.kind === 'media')
  const [first] = media
  if (!first) return null
  const lowered = media.map((item) => ({ item, rung: rungBelow(item.media, item.as, caps, ctx) }))
  const together = lowered.every(({ item, rung }) => item.as === first.as && rung !== null)
  if (media.length > 1 && !together) return toParts(part, apart(part, media), `~${first.as}/`)

  const placed = lowered.flatMap(({ item, rung }): Placed[] => (rung ? [{ artifact: item.media, rung }] : []))
  const notes = lowered.flatMap(({ item, rung }) => (rung ? [] : [refusedNote(item.media, item.as, caps, ctx)]))
  const text = lines(...part.items.map((item) => (item.kind === 'text' ? item.text : item.caption)), ...notes)
  return toParts(part, layout({ text, media: placed, buttons: part.buttons, textAlone: false }, caps), `~${first.as}.`)
}

const apart = (part: Part, media: readonly MediaItem[]): readonly Draft[] => {
  const texts = part.items.filter((item) => item.kind === 'text')
  const calls = [...(texts.length > 0 ? [texts] : []), ...media.map((item) => [item])]
  return calls.map((items, i) => ({ items, buttons: i === 0 ? part.buttons : [] }))
}

const refusedNote = (artifact: Artifact, refused: string, caps: Capabilities, ctx: DowngradeContext): string => {
  if (ctx.why === 'no_permission') return ctx.texts.notAllowed(artifact.name)
  const rungs = caps.media[artifact.kind].map(({ as }) => as)
  const tried = rungs.slice(0, rungs.indexOf(refused) + 1)
  return fileNote(artifact, caps, { ...ctx, exclude: [...(ctx.exclude ?? []), ...tried] }, ctx.texts)
}

/** A part leaves a rung once and is taken apart once, so that a mark made of both is never used twice. */
const toParts = (part: Part, drafts: readonly Draft[], mark: string): readonly Part[] =>
  drafts.map(({ items, buttons }, i) => ({
    key: i === 0 ? part.key : `${part.key}${mark}${i}`,
    to: part.to,
    audience: part.audience,
    items,
    buttons,
    ...(i === 0 && part.replyTo !== undefined ? { replyTo: part.replyTo } : {}),
    ...(i === 0 && part.handle ? { handle: part.handle } : {}),
    ...(part.interim === undefined ? {} : { interim: part.interim }),
  }))
