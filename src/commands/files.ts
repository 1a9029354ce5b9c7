import type { Failure } from '../backend/http.ts'
import type { Template } from '../backend/wire.ts'
import { laneOf, type MediaKind, type MediaRef } from '../contract/index.ts'
import type { Handed } from '../jobs/hand-over.ts'
import { maxPixels } from '../jobs/hand-over.ts'
import { type FileInput, fileInputs, guessedInputs, type Placed, placeFiles, referenceIn } from '../router/files.ts'
import { type RunRequest, wordsKey } from '../router/inputs.ts'
import { latestMedia, mediaByRef, mediaOfMessage, type OwnMedia, ownMediaOf } from '../store/sent-media.ts'
import { texts } from '../texts/index.ts'
import { type Call, type CommandDeps, whyNot } from './command.ts'

/** The inputs that files fill, or why the job is not started. `note`: what the person should know about it. */
export type Supplied =
  | { readonly ok: true; readonly inputs: Readonly<Record<string, string>>; readonly note: string | null }
  | { readonly ok: false; readonly text: string }

/** How long after it came a picture is taken for a `/run` that names none. */
const recentMs = 10 * 60_000
const say = texts.files
const none: Supplied = { ok: true, inputs: {}, note: null }
const mostNamed = 3

/** Finds the files a `/run` is about (in the message itself, in the one it answers, or sent shortly before), gives each
 *  its input, and hands them to ComfyUI. Nothing is handed over unless all of them have their place. */
export const supplyFiles = async (
  asked: RunRequest,
  /** Null: not known, or the list could not be had (then `failure` says why). */
  template: Template | null,
  failure: Failure | null,
  call: Call,
  deps: CommandDeps,
): Promise<Supplied> => {
  const references = referencesOf(asked.inputs)
  const { files: came, perhaps } = cameWith(call, deps)
  const named = Object.keys(references).length > 0
  if (failure && (came.length > 0 || named)) return { ok: false, text: say.backend(whyNot(failure)) }

  const open = openInputs(asked, template, perhaps ? [] : came)
  // What was quoted may as well be words: a template that takes no file is not troubled by it.
  if (perhaps && open.length === 0 && !named) return none
  const sent = came.length > 0 ? came : recent(references, open, call, deps)
  if (sent.length === 0 && !named && !open.some(({ needed }) => needed)) return none

  const placed = placeFiles(
    sent.map(({ kind }) => kind),
    references,
    open,
  )
  if (!placed.ok) return { ok: false, text: await refusal(placed, asked.templateId ?? '', sent, call, deps) }
  const handed = await handAll(placed.places, sent, call, deps)
  if (!handed.ok) return perhaps && handed.gone && !named && !open.some(({ needed }) => needed) ? none : handed
  const kind = sent[0]?.kind ?? 'image'
  return { ...handed, note: came.length > 0 ? null : say.usedLatest(sent.length, kind) }
}

const referencesOf = (inputs: Readonly<Record<string, string>>): Record<string, number> =>
  Object.fromEntries(
    Object.entries(inputs).flatMap(([key, value]) => {
      const nth = referenceIn(value)
      return nth === null ? [] : [[key, nth]]
    }),
  )

type InputFile = MediaRef | OwnMedia

/** What came with the message, else what the message it answers carried: ours, or one we saw. Of others a platform may
 *  tell the id alone, as if a file had come: then `perhaps`. */
const cameWith = (
  { event }: Call,
  deps: CommandDeps,
): { readonly files: readonly InputFile[]; readonly perhaps: boolean } => {
  const { replyTo, media } = event
  if (replyTo === undefined || media.some(({ ref }) => ref !== replyTo)) return { files: media, perhaps: false }
  const lane = laneOf(event.where)
  return deps.store.read((db) => {
    const ours = ownMediaOf(db, lane, replyTo)
    if (ours) return { files: ours, perhaps: false }
    const byMessage = mediaOfMessage(db, lane, replyTo)
    const seen = byMessage.length > 0 || media.length === 0 ? byMessage : mediaByRef(db, lane, replyTo)
    return seen.length > 0 ? { files: seen, perhaps: false } : { files: media, perhaps: media.length > 0 }
  })
}

/** The inputs for files that the person has not filled by name, or by words where there is no other input. */
const openInputs = (asked: RunRequest, template: Template | null, came: readonly InputFile[]): readonly FileInput[] => {
  const allowed = template?.allowedInputs ?? []
  if (allowed.length === 0) return guessedInputs(came.map(({ kind }) => kind))
  const worded = came.length === 0 && asked.words !== null ? wordsKey(allowed) : null
  return fileInputs(allowed, template?.defaults ?? {}).filter(({ key }) => {
    const given = asked.inputs[key]
    return key !== worded && (given === undefined || referenceIn(given) !== null)
  })
}

/** As many of the latest as are needed; a template that can do without takes one. */
const recent = (
  references: Readonly<Record<string, number>>,
  open: readonly FileInput[],
  { event, asker }: Call,
  deps: CommandDeps,
): readonly MediaRef[] => {
  const needed = open.filter((input) => input.needed).length || Math.min(1, open.length)
  const wanted = Math.max(needed, ...Object.values(references))
  if (wanted === 0) return []
  const kinds = new Set<MediaKind>(open.map(({ kind }) => kind))
  const usable = ({ kind }: MediaRef): boolean => kinds.size === 0 || kinds.has(kind) || kind === 'file'
  const sinceMs = deps.now() - recentMs
  const latest = deps.store.read((db) => latestMedia(db, laneOf(event.where), asker.id, sinceMs))
  return latest.filter(usable).slice(-wanted)
}

type Handing =
  | Extract<Supplied, { ok: true }>
  | (Extract<Supplied, { ok: false }> & {
      /** The platform has no such file. */
      readonly gone: boolean
    })

const handAll = async (
  places: readonly { readonly key: string; readonly nth: number; readonly kind: MediaKind }[],
  sent: readonly InputFile[],
  call: Call,
  deps: CommandDeps,
): Promise<Handing> => {
  const inputs: Record<string, string> = {}
  const done = new Map<number, string>()
  for (const { key, nth, kind } of places) {
    const media = sent[nth]
    if (!media) continue
    const before = done.get(nth)
    const handed: Handed =
      before === undefined
        ? await deps.handOver(call.where.platform, media, kind, call.signal)
        : { ok: true, input: before }
    if (!handed.ok)
      return { ok: false, text: notHanded(handed, kind, deps), gone: handed.why === 'gone' || handed.why === 'refused' }
    done.set(nth, handed.input)
    inputs[key] = handed.input
  }
  return { ok: true, inputs, note: null }
}

const notHanded = (
  handed: Extract<Handed, { ok: false }>,
  wanted: MediaKind,
  { maxInputBytes }: CommandDeps,
): string => {
  switch (handed.why) {
    case 'kind':
      return say.format(handed.is.ext.toUpperCase(), wanted)
    case 'backend':
      return say.backend(whyNot(handed.failure))
    case 'too_large':
      return say.tooLarge(maxInputBytes)
    case 'too_many_pixels':
      return say.tooManyPixels(maxPixels / 1_000_000)
    case 'unreadable':
      return say.unreadable
    case 'late':
      return say.late
    case 'full':
      return say.full
    case 'refused':
      return say.refused
    case 'gone':
    case 'interrupted':
      return say.gone
  }
}

const refusal = async (
  placed: Extract<Placed, { ok: false }>,
  template: string,
  sent: readonly InputFile[],
  call: Call,
  deps: CommandDeps,
): Promise<string> => {
  const kind = sent[0]?.kind ?? 'image'
  if (placed.why === 'no_such') return say.noSuch(placed.nth, placed.sent, kind)
  if (placed.why === 'kind') return say.otherKind(template, placed.is, placed.takes)
  if (placed.why === 'too_few') {
    const keys = placed.missing.map(({ key }) => key)
    // Among people only what speaks to us is remembered, which a picture can't do everywhere.
    const inGroup = sent.length + keys.length === 1 ? 'answer' : 'direct'
    const way = call.where.kind === 'dm' ? 'here' : inGroup
    return say.tooFew(template, keys, placed.missing[0]?.kind ?? 'image', way)
  }
  if (placed.takes > 0) return say.tooMany(template, placed.sent, placed.takes)
  return say.takesNone(template, await templatesFor(kind, deps, call.signal))
}

/** A few templates that take such a file, to be named; none when nobody can say. */
export const templatesFor = async (
  kind: MediaKind,
  deps: Pick<CommandDeps, 'templates'>,
  signal: AbortSignal,
): Promise<readonly string[]> => {
  const list = await deps.templates.get({ signal })
  if (!list.ok) return []
  return list.value
    .filter((one) => fileInputs(one.allowedInputs, one.defaults).some((input) => input.kind === kind))
    .slice(0, mostNamed)
    .map(({ id }) => id)
}
