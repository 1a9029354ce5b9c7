import type { Artifact, Capabilities } from '../contract/index.ts'
import { cut, measure } from '../delivery/measure.ts'
import { chooseRung } from '../delivery/rungs.ts'
import type { Blobs } from '../media/blobs.ts'
import { jobs as say } from '../texts/jobs.ts'

export interface LongTextDeps {
  readonly blobs: Blobs
  readonly capabilities: (platform: string) => Capabilities | null
  readonly canLink: boolean
  readonly maxLinkBytes?: number
}

/** The texts of a job as they go into its message, and the file that holds all of them where they are too long for that. */
export interface FittedTexts {
  readonly words: readonly string[]
  readonly file: Artifact | null
}

/** More than this nobody reads in a chat. */
const mostCharacters = 12_000
const mostMessages = 3
/** What is shown of a text that comes as a file. */
const firstCharacters = 600

/** A few messages hold what a model wrote; more would bury the chat, so that comes as one file. */
export const fitTexts = async (
  texts: readonly string[],
  { platform, id }: { readonly platform: string; readonly id: string },
  deps: LongTextDeps,
): Promise<FittedTexts> => {
  const caps = deps.capabilities(platform)
  const text = texts.join('\n').toWellFormed()
  if (!caps || isShort(text, caps)) return { words: texts, file: null }
  const bytes = Buffer.from(text)
  const name = `text-${id.slice(0, 8)}.txt`
  const plain = { kind: 'file', name, mime: 'text/plain', bytes: bytes.length } as const
  if (!chooseRung({ ...plain, blob: '' }, caps, deps))
    return { words: shortened(text, caps, say.textElsewhere), file: null }
  const put = await deps.blobs.put(chunks(bytes), { name, maxBytes: bytes.length })
  if (!put.ok) return { words: shortened(text, caps, () => say.diskFull(name)), file: null }
  return {
    words: [cut(text, { max: firstCharacters, unit: 'utf16' }), say.textInFile(name, text.length)],
    file: { ...plain, blob: put.blob.id },
  }
}

const isShort = (text: string, { text: { max, unit } }: Capabilities): boolean =>
  text.length <= mostCharacters && measure(text, unit) <= mostMessages * max

/** As much as is bearable, where there is no other way to hand it over. */
const shortened = (
  text: string,
  { text: { max, unit } }: Capabilities,
  note: (characters: number) => string,
): string[] => [
  cut(cut(text, { max: mostMessages * max, unit }), { max: mostCharacters, unit: 'utf16' }),
  note(text.length),
]

async function* chunks(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}
