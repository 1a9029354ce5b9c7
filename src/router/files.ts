import type { MediaKind } from '../contract/index.ts'

/** An input of a template that takes a file. */
export interface FileInput {
  readonly key: string
  readonly kind: MediaKind
  /** Without it the template can't run: it has no default. */
  readonly needed: boolean
}

const words: readonly (readonly [MediaKind, RegExp])[] = [
  ['image', /^(image|img|picture|pic|photo|mask)$/],
  ['video', /^(video|movie)$/],
  ['audio', /^(audio|sound|voice|music|song)$/],
  ['file', /^(file|document)$/],
]

/** By the last word of its name, numbers aside: `image`, `image2`, `init_image`, `mask_image_1`, but not `image_width`. */
const kindOf = (key: string): MediaKind | null => {
  const last = key
    .replace(/([a-z])([A-Z])/g, '$1_$2')
    .toLowerCase()
    .split(/[^a-z]+/)
    .findLast((word) => word !== '')
  return words.find(([, pattern]) => pattern.test(last ?? ''))?.[0] ?? null
}

/** What of a template's inputs takes a file, in the order of the template; masks come behind what they cover. */
export const fileInputs = (
  allowedInputs: readonly string[],
  defaults: Readonly<Record<string, string | number | boolean>>,
): readonly FileInput[] => {
  const found = allowedInputs.flatMap((key): FileInput[] => {
    const kind = kindOf(key)
    const standard = defaults[key]
    // A number or a switch is no name of a file, whatever it is called.
    if (kind === null || (standard !== undefined && typeof standard !== 'string')) return []
    return [{ key, kind, needed: standard === undefined || standard === '' }]
  })
  const isMask = ({ key }: FileInput): boolean => /mask/i.test(key)
  return [...found.filter((one) => !isMask(one)), ...found.filter(isMask)]
}

/** Where files go when the template says nothing about its inputs: `image`, `image2` … */
export const guessedInputs = (kinds: readonly MediaKind[]): readonly FileInput[] =>
  kinds.map((kind, i) => {
    const nth = kinds.slice(0, i).filter((one) => one === kind).length + 1
    return { key: nth === 1 ? kind : `${kind}${nth}`, kind, needed: false }
  })

/** `image=@2`: the second of the files that came. */
export const referenceIn = (value: string): number | null => {
  const [, digits] = /^@(\d{1,2})$/.exec(value) ?? []
  return digits === undefined ? null : Number(digits)
}

export interface Placement {
  readonly key: string
  /** The file of the person, counted from 0. */
  readonly nth: number
  readonly kind: MediaKind
}

export type Placed =
  | { readonly ok: true; readonly places: readonly Placement[] }
  /** `nth` counts from 1, as people do. */
  | { readonly ok: false; readonly why: 'no_such'; readonly nth: number; readonly sent: number }
  | { readonly ok: false; readonly why: 'too_many'; readonly sent: number; readonly takes: number }
  | { readonly ok: false; readonly why: 'kind'; readonly is: MediaKind; readonly takes: readonly MediaKind[] }
  | { readonly ok: false; readonly why: 'too_few'; readonly missing: readonly FileInput[] }

/** What a file is said to be need not be true (pictures are often sent as files): the bytes decide later. */
const mayBe = (is: MediaKind, wanted: MediaKind): boolean => is === wanted || is === 'file' || wanted === 'file'

/** Gives every file that came an input: those that were named first, the others in order. */
export const placeFiles = (
  sent: readonly MediaKind[],
  references: Readonly<Record<string, number>>,
  inputs: readonly FileInput[],
): Placed => {
  const places: Placement[] = []
  for (const [key, nth] of Object.entries(references)) {
    const is = sent[nth - 1]
    if (is === undefined) return { ok: false, why: 'no_such', nth, sent: sent.length }
    const kind = inputs.find((input) => input.key === key)?.kind ?? is
    if (!mayBe(is, kind)) return { ok: false, why: 'kind', is, takes: [kind] }
    places.push({ key, nth: nth - 1, kind })
  }
  const open = inputs.filter(({ key }) => !Object.hasOwn(references, key))
  const named = new Set(places.map(({ nth }) => nth))
  for (const [nth, is] of sent.entries()) {
    if (named.has(nth)) continue
    const at = open.findIndex(({ kind }) => mayBe(is, kind))
    const [input] = at < 0 ? [] : open.splice(at, 1)
    if (input) places.push({ key: input.key, nth, kind: input.kind })
    else if (open.length > 0) return { ok: false, why: 'kind', is, takes: open.map(({ kind }) => kind) }
    else return { ok: false, why: 'too_many', sent: sent.length, takes: inputs.length }
  }
  const missing = open.filter(({ needed }) => needed)
  return missing.length > 0 ? { ok: false, why: 'too_few', missing } : { ok: true, places }
}
