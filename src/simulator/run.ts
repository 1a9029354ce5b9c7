import type { Files } from './files.ts'
import type { Flow, Made, NodeKind } from './node-kind.ts'
import { nodes } from './nodes.ts'
import type { Item } from './queue.ts'
import { traceback } from './traceback.ts'
import type { Json, JsonObject, WorkflowNode } from './types.ts'
import { ancestors, linkOf } from './validate.ts'

export type Message = readonly [string, JsonObject]

export interface Finished {
  readonly outcome: 'success' | 'error' | 'interrupted'
  readonly outputs: JsonObject
  readonly messages: readonly Message[]
  readonly meta: JsonObject
}

export interface Cached {
  readonly flow: Partial<Flow>
  readonly ui: JsonObject | undefined
}

export interface RunDeps {
  readonly host: 'new' | 'old'
  readonly now: () => number
  readonly files: Files
  /** Results of the run before, by signature; ComfyUI remembers no further back. */
  readonly cache: ReadonlyMap<string, Cached>
  /** To the sockets of the job's client, if there are any. */
  readonly send: (type: string, data: JsonObject) => void
  /** A picture of the state of sampling goes out with `progress`; the order of both depends on the client. */
  readonly progress: (data: JsonObject, node: string, flow: Flow) => void
  /** One step's time; resolves to false when the job has to stop. */
  readonly step: () => Promise<boolean>
  /** Which node runs, for sockets that come late. */
  readonly at: (node: string | null) => void
}

export interface Ran extends Finished {
  readonly cache: ReadonlyMap<string, Cached>
}

const plain: Flow = { prompt: '', seed: '0', width: 512, height: 512, fox: 0.62, count: 1, source: '' }

/** Runs one prompt node by node and says what ComfyUI says, in its order. */
export async function runItem(item: Item, deps: RunDeps): Promise<Ran> {
  const id = item.promptId
  const order = item.outputs.reduce<string[]>((seen, end) => ancestors(item.prompt, end, seen), [])
  const results = new Map<string, Cached>()
  const kept = new Map<string, Cached>()
  const states: Record<string, JsonObject> = {}
  const outputs: Record<string, Json> = {}
  const meta: Record<string, Json> = {}
  const executed: string[] = []
  const messages: Message[] = []

  const tell = (type: string, data: JsonObject) => {
    const message = { prompt_id: id, ...data, timestamp: deps.now() }
    messages.push([type, message])
    deps.send(type, message)
  }
  const state = (node: string, value: number, max: number, word: 'running' | 'finished') => {
    const ids = { node_id: node, prompt_id: id, display_node_id: node, parent_node_id: null, real_node_id: node }
    states[node] = { value, max, state: word, ...ids }
    deps.send('progress_state', { prompt_id: id, nodes: { ...states } })
  }
  const show = (node: string, ui: JsonObject) => {
    outputs[node] = ui
    meta[node] = { node_id: node, display_node: node, parent_node: null, real_node_id: node }
    deps.send('executed', { node, display_node: node, output: ui, prompt_id: id })
  }
  const end = (outcome: Finished['outcome'], type: string, data: JsonObject): Ran => {
    tell(type, data)
    deps.at(null)
    return { outcome, outputs, messages, meta, cache: kept }
  }

  tell('execution_start', {})
  const signatures = new Map(order.map((node) => [node, signatureOf(item, node, deps.files)]))
  const known = order.filter((node) => deps.cache.has(signatures.get(node) as string))
  tell('execution_cached', { nodes: known })
  for (const node of known) {
    const cached = deps.cache.get(signatures.get(node) as string) as Cached
    results.set(node, cached)
    kept.set(signatures.get(node) as string, cached)
    if (cached.ui === undefined) continue
    show(node, cached.ui)
    state(node, 1, 1, 'finished')
  }

  for (const node of order) {
    if (results.has(node)) continue
    const { class_type: name, inputs } = item.prompt[node] as WorkflowNode
    const kind = nodes[name] as NodeKind
    state(node, 0, 1, 'running')
    deps.at(node)
    deps.send('executing', { node, display_node: node, prompt_id: id })
    const flow = flowInto(kind, inputs, results)
    const steps = kind.stepsFrom === undefined ? 0 : Number(inputs[kind.stepsFrom])
    const made: Made = kind.act?.({ ...plain, ...flow }, inputs, deps.files) ?? {}
    for (let step = 1; step <= steps; step++) {
      const go = await deps.step()
      if (!go) return end('interrupted', 'execution_interrupted', { node_id: node, node_type: name, executed })
      state(node, step, steps, 'running')
      deps.progress({ value: step, max: steps, prompt_id: id, node }, node, { ...plain, ...flow, ...made.flow })
    }
    if (made.failed !== undefined) {
      return end('error', 'execution_error', {
        node_id: node,
        node_type: name,
        executed,
        exception_message: made.failed.message,
        exception_type: made.failed.type,
        traceback: traceback(deps.host, made.failed),
        current_inputs: currentInputs(inputs),
        current_outputs: Object.keys(item.prompt),
      })
    }
    if (made.ui !== undefined) show(node, made.ui)
    state(node, Math.max(1, steps), Math.max(1, steps), 'finished')
    const result = { flow: { ...flow, ...made.flow }, ui: made.ui }
    results.set(node, result)
    executed.push(node)
    if (kind.restless !== true) kept.set(signatures.get(node) as string, result)
  }
  return end('success', 'execution_success', {})
}

/** What a node gets over its links; where two disagree, the later input wins. */
function flowInto(kind: NodeKind, inputs: JsonObject, results: ReadonlyMap<string, Cached>): Partial<Flow> {
  const flow: Partial<Flow> = {}
  for (const name of Object.keys(kind.inputs)) {
    const from = linkOf(inputs[name])
    if (from !== null) Object.assign(flow, results.get(from)?.flow)
  }
  return flow
}

/** Equal for nodes that would do the same: class, plain inputs, and the same of all they depend on. */
function signatureOf(item: Item, node: string, files: Files): string {
  return JSON.stringify(
    ancestors(item.prompt, node).map((id) => {
      const { class_type: name, inputs } = item.prompt[id] as WorkflowNode
      const { restless, version } = nodes[name] as NodeKind
      return [id, name, inputs, restless === true ? item.number : null, version?.(inputs, files) ?? null]
    }),
  )
}

const currentInputs = (inputs: JsonObject): JsonObject =>
  Object.fromEntries(
    Object.entries(inputs).map(([name, value]) => [
      name,
      [linkOf(value) === null ? value : 'tensor([[[[0., 0., 1.]]]])'],
    ]),
  )
