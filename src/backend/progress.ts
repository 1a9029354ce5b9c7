import { isRecord } from './wire.ts'

export interface Progress {
  /** Steps of the node that runs now. */
  readonly step: number
  readonly of: number
  /** 0 to 100: over the whole workflow when its number of nodes is known, else over the node that runs now. */
  readonly percent: number
  readonly node: string | null
}

/** What is known of one job. Plain data; fold the messages of its socket into it, in order. */
export interface ProgressState {
  readonly promptId: string
  /** Null when unknown. A cached node counts as done. */
  readonly nodeCount: number | null
  /** Nodes done and the running one, as fractions; one line per node seen. */
  readonly shares: Readonly<Record<string, number>>
  /** Null: nothing to show (not begun, or over). */
  readonly shown: Progress | null
}

const maxNodes = 5000

export const startProgress = (promptId: string, nodeCount: number | null): ProgressState => ({
  promptId,
  nodeCount: nodeCount !== null && nodeCount > 0 ? nodeCount : null,
  shares: {},
  shown: null,
})

const whole = (value: unknown): number | null =>
  typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : null

const text = (value: unknown): string | null => (typeof value === 'string' && value.length <= 128 ? value : null)

function percentOf(state: ProgressState, shares: ProgressState['shares'], share: number): number {
  if (state.nodeCount === null) return Math.floor(share * 100)
  const seen = Object.values(shares)
  const sum = seen.reduce((total, one) => total + one, 0)
  // Some nodes unfold into more than the workflow shows.
  return Math.floor((sum / Math.max(state.nodeCount, seen.length)) * 100)
}

/** `step` of `of` in `node`. Neither falls back within a node; the percentage over all nodes never does. */
function advance(state: ProgressState, node: string | null, step: number, of: number): ProgressState {
  if (of <= 0) return state
  const before = state.shown?.node === node ? state.shown : null
  const at = Math.min(of, before?.of === of ? Math.max(step, before.step) : step)
  const share = Math.max(at / of, node === null ? 0 : (state.shares[node] ?? 0))
  const shares = node === null ? state.shares : { ...state.shares, [node]: share }
  const percent = percentOf(state, shares, share)
  const floor = state.nodeCount === null ? (before?.percent ?? 0) : (state.shown?.percent ?? 0)
  return { ...state, shares, shown: { step: at, of, percent: Math.max(percent, floor), node } }
}

const finish = (state: ProgressState, nodes: readonly string[]): ProgressState => ({
  ...state,
  shares: { ...state.shares, ...Object.fromEntries(nodes.map((node) => [node, 1])) },
})

interface NodeState {
  readonly id: string
  readonly value: number
  readonly max: number
  readonly running: boolean
  readonly finished: boolean
}

/** Nodes that a node unfolded into have a parent and are left out: the parent speaks for them. */
function nodesIn(data: Readonly<Record<string, unknown>>): NodeState[] {
  const entries = Object.entries(isRecord(data.nodes) ? data.nodes : {}).slice(0, maxNodes)
  return entries.flatMap(([id, node]) => {
    if (!isRecord(node) || typeof node.parent_node_id === 'string') return []
    const value = whole(node.value)
    const max = whole(node.max)
    if (text(id) === null || value === null || max === null) return []
    return [{ id, value, max, running: node.state === 'running', finished: node.state === 'finished' }]
  })
}

/** Takes in one message of the socket; the same state when it says nothing new about this job. */
export function foldProgress(
  state: ProgressState,
  type: string,
  data: Readonly<Record<string, unknown>>,
): ProgressState {
  // A socket that joins late gets a first `executing` without a prompt id; it may speak of another job.
  if (data.prompt_id !== state.promptId) return state
  if (type === 'execution_cached') {
    const nodes = Array.isArray(data.nodes) ? data.nodes.slice(0, maxNodes).map(text) : []
    return finish(
      state,
      nodes.filter((node) => node !== null),
    )
  }
  if (type === 'progress') {
    const step = whole(data.value)
    const of = whole(data.max)
    return step === null || of === null ? state : advance(state, text(data.node), step, of)
  }
  if (type === 'progress_state') {
    const nodes = nodesIn(data)
    const done = finish(
      state,
      nodes.filter((node) => node.finished).map((node) => node.id),
    )
    const running = nodes.findLast((node) => node.running)
    return running === undefined ? done : advance(done, running.id, running.value, running.max)
  }
  if (type === 'executing') {
    const node = text(data.node)
    if (node === null) return { ...state, shown: null }
    return state.shown?.node === node ? state : advance(state, node, 0, 1)
  }
  return type.startsWith('execution_') && type !== 'execution_start' ? { ...state, shown: null } : state
}
