import { readFileSync } from 'node:fs'
import { type Heard, pick } from './kit.ts'
import { samples } from './replay.ts'
import { differences } from './shape.ts'

interface Recorded {
  readonly kind: string
  readonly type?: string
  readonly event?: number
  readonly data?: unknown
  readonly metadata?: unknown
}

/** One socket's part of a recorded transcript, in the form in which our own sockets hear. */
export function recording(name: string, socket: string): Heard[] {
  const sample: unknown = JSON.parse(readFileSync(new URL(`${name}.json`, samples), 'utf8'))
  return (pick(sample, socket) as Recorded[]).map(({ kind, type, event, data, metadata }) =>
    kind === 'binary'
      ? { type: `binary ${event}`, data: metadata === undefined ? {} : { metadata } }
      : { type: String(type), data },
  )
}

/** A line per message with everything that is not different from run to run. */
export const script = (messages: readonly Heard[]): string[] => messages.map(line)

function line({ type, data }: Heard): string {
  if (type === 'status') {
    const sid = pick(data, 'sid') === undefined ? '' : ' with sid'
    return `status ${pick(data, 'status.exec_info.queue_remaining')}${sid}`
  }
  if (type === 'progress_state') {
    const nodes = Object.entries(pick(data, 'nodes') as Record<string, unknown>)
    const state = ([id, node]: [string, unknown]) =>
      `${id}:${pick(node, 'value')}/${pick(node, 'max')} ${pick(node, 'state')}`
    return `progress_state ${nodes.map(state).toSorted().join(', ')}`
  }
  if (type === 'progress') return `progress ${pick(data, 'value')}/${pick(data, 'max')} of ${pick(data, 'node')}`
  if (type === 'execution_cached') return `execution_cached ${pick(data, 'nodes')}`
  if (type === 'executing' || type === 'executed') return `${type} ${pick(data, 'node')}`
  return type
}

/** Field by field over two transcripts of the same script. */
export const fieldDifferences = (recorded: readonly Heard[], heard: readonly Heard[]): string[] =>
  recorded.flatMap((message, i) => {
    if (!message.type.startsWith('binary'))
      return differences(message.data, heard[i]?.data, false, `${i} ${message.type}`)
    const [want, have] = [pick(message.data, 'metadata'), pick(heard[i]?.data, 'metadata')]
    return differences(want ?? null, have ?? null, false, `${i} ${message.type}`)
  })
