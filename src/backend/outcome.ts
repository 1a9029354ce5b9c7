import type { MediaKind } from '../contract/index.ts'
import { isRecord } from './wire.ts'
import type { HistoryEntry } from './wire-jobs.ts'
import { firstLine, safeLine } from './wire-text.ts'

export interface OutcomeFile {
  readonly kind: MediaKind
  readonly filename: string
  readonly subfolder: string
  readonly type: 'output' | 'temp' | 'input'
  /** A picture that moves (GIF, animated WebP or PNG). */
  readonly animated: boolean
  readonly nodeId: string
}

/** What became of a job, in values that may be shown: no traceback, no inputs, no paths. */
export interface Outcome {
  readonly kind: 'done' | 'failed' | 'cancelled'
  readonly startedAtMs: number | null
  readonly finishedAtMs: number | null
  /** Also of failed and cancelled jobs: what finished before. */
  readonly files: readonly OutcomeFile[]
  readonly texts: readonly string[]
  readonly failure: {
    readonly nodeId: string | null
    readonly nodeType: string | null
    readonly exceptionType: string | null
    readonly firstLine: string
  } | null
  readonly traceId: string | null
}

const maxFiles = 1000
const maxTexts = 50
const maxTextLength = 20_000

const finals: Readonly<Record<string, Outcome['kind']>> = {
  execution_success: 'done',
  execution_error: 'failed',
  execution_interrupted: 'cancelled',
}

const extensions: Readonly<Record<Exclude<MediaKind, 'file'>, readonly string[]>> = {
  image: ['png', 'apng', 'jpg', 'jpeg', 'webp', 'gif', 'bmp', 'avif'],
  video: ['mp4', 'm4v', 'webm', 'mov', 'mkv', 'avi'],
  audio: ['mp3', 'wav', 'flac', 'ogg', 'oga', 'opus', 'm4a', 'aac'],
}
const kindByExtension = new Map<string, MediaKind>(
  Object.entries(extensions).flatMap(([kind, list]) => list.map((ext) => [ext, kind as MediaKind] as const)),
)

/** By extension: videos come under `images`, and under `gifs` comes whatever a video node made. */
function kindOf(filename: string, format: unknown): MediaKind {
  const extension = /\.([A-Za-z0-9]+)$/.exec(filename)?.[1]?.toLowerCase()
  if (extension !== undefined) return kindByExtension.get(extension) ?? 'file'
  const family = typeof format === 'string' ? /^(image|video|audio)\//.exec(format)?.[1] : undefined
  return (family as MediaKind | undefined) ?? 'file'
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: a file name with control characters is no file name
const unusableName = /[\u0000-\u001f\u007f/\\]|^\.{1,2}$/

function fileOf(value: unknown, nodeId: string, animatedHere: boolean): OutcomeFile | null {
  if (!isRecord(value) || typeof value.filename !== 'string') return null
  const { filename, subfolder = '', type = 'output' } = value
  if (filename === '' || filename.length > 512 || unusableName.test(filename)) return null
  if (typeof subfolder !== 'string' || subfolder.length > 1024) return null
  if (type !== 'output' && type !== 'temp' && type !== 'input') return null
  const kind = kindOf(filename, value.format)
  // A frame rate comes from video nodes, also when they make an animated WebP.
  const moves = animatedHere || typeof value.frame_rate === 'number' || /\.(?:gif|apng)$/i.test(filename)
  const animated = kind === 'image' && moves
  return { kind, filename, subfolder, type, animated, nodeId }
}

/** Everything of a node that is a list of file references, whatever the list is called (images, gifs, audio, 3d …). */
function filesOf(nodeId: string, output: Record<string, unknown>): OutcomeFile[] {
  const marks = Array.isArray(output.animated) ? output.animated : []
  return Object.values(output).flatMap((list) =>
    Array.isArray(list)
      ? list
          .slice(0, maxFiles)
          // One mark speaks for all pictures of the node; several go one by one.
          .map((value, index) => fileOf(value, nodeId, (marks.length > 1 ? marks[index] : marks[0]) === true))
          .filter((file) => file !== null)
      : [],
  )
}

const textsOf = (output: Record<string, unknown>): string[] =>
  [output.text, output.string]
    .flat(2)
    .filter((text): text is string => typeof text === 'string' && text.trim() !== '')
    .map((text) => text.slice(0, maxTextLength))

/** Previews and loaded inputs are only worth something when nothing was saved. */
function worthShowing(files: readonly OutcomeFile[]): readonly OutcomeFile[] {
  const unique = new Map(files.map((file) => [JSON.stringify([file.type, file.subfolder, file.filename]), file]))
  const all = [...unique.values()].slice(0, maxFiles)
  for (const type of ['output', 'temp'] as const) {
    const some = all.filter((file) => file.type === type)
    if (some.length > 0) return some
  }
  return all
}

const nameOf = (value: unknown): string | null => {
  if (typeof value === 'number') return String(value)
  return typeof value === 'string' && value !== '' ? safeLine(value, 100) : null
}

/** Whole milliseconds of a time that a calendar has: it is written down as such. */
const timeOf = (data: Readonly<Record<string, unknown>> | undefined): number | null =>
  typeof data?.timestamp === 'number' && Math.abs(data.timestamp) <= 8.64e15 ? Math.round(data.timestamp) : null

/** Why a job failed, in a line; null when the backend gave no reason. Each half of one may be missing. */
export const reasonOf = ({ failure }: Pick<Outcome, 'failure'>): string | null =>
  [failure?.exceptionType, failure?.firstLine].filter((word) => word).join(': ') || null

function failureOf(data: Readonly<Record<string, unknown>> | undefined): NonNullable<Outcome['failure']> {
  const message = typeof data?.exception_message === 'string' ? data.exception_message : ''
  return {
    nodeId: nameOf(data?.node_id),
    nodeType: nameOf(data?.node_type),
    exceptionType: nameOf(data?.exception_type),
    firstLine: firstLine(message, 200),
  }
}

/** An entry in the history means finished, and its last message says how: the status "error" covers failing and being
 *  cancelled, and outputs can be empty after a success (a cached preview) or present after an error. */
export function outcomeOf(entry: HistoryEntry): Outcome {
  const final = entry.messages.findLast((message) => Object.hasOwn(finals, message.type))
  const started = entry.messages.find((message) => message.type === 'execution_start')
  const kind = (final && finals[final.type]) ?? (entry.statusText === 'error' ? 'failed' : 'done')
  const nodes = Object.entries(entry.outputs).filter((pair): pair is [string, Record<string, unknown>] =>
    isRecord(pair[1]),
  )
  return {
    kind,
    startedAtMs: timeOf(started?.data),
    finishedAtMs: timeOf(final?.data),
    files: worthShowing(nodes.flatMap(([nodeId, output]) => filesOf(nodeId.slice(0, 128), output))),
    texts: [...new Set(nodes.flatMap(([, output]) => textsOf(output)))].slice(0, maxTexts),
    failure: kind === 'failed' ? failureOf(final?.data) : null,
    traceId: entry.traceId,
  }
}
