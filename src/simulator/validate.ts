import type { Files } from './files.ts'
import type { InputSpec, NodeKind } from './node-kind.ts'
import { nodes } from './nodes.ts'
import { isObject, type Json, type JsonObject, type Workflow, type WorkflowNode } from './types.ts'

export interface Fault {
  readonly type: string
  readonly message: string
  readonly details: string
  readonly extra_info: JsonObject
}

export type Checked =
  | {
      readonly ok: true
      /** Numbers given as text are numbers now. */
      readonly prompt: Workflow
      readonly outputs: readonly string[]
      readonly nodeErrors: JsonObject
    }
  | { readonly ok: false; readonly error: Fault; readonly nodeErrors: JsonObject }

const fault = (type: string, message: string, details = '', extra: JsonObject = {}): Fault => ({
  type,
  message,
  details,
  extra_info: extra,
})

/** What ComfyUI checks before it queues a prompt, in its order and words. */
export function checkPrompt(given: Readonly<Record<string, unknown>>, host: 'new' | 'old', files: Files): Checked {
  const prompt: Record<string, WorkflowNode> = {}
  for (const [id, node] of Object.entries(given)) {
    const error = unknownNode(id, node, host)
    if (error !== null) return { ok: false, error, nodeErrors: {} }
    const { class_type, inputs } = node as { class_type: string; inputs?: unknown }
    prompt[id] = { class_type, inputs: isObject(inputs) ? (inputs as JsonObject) : {} }
  }
  const ends = Object.keys(prompt).filter((id) => kindOf(prompt, id).output)
  if (ends.length === 0)
    return { ok: false, error: fault('prompt_no_outputs', 'Prompt has no outputs'), nodeErrors: {} }

  const faults = new Map<string, readonly Fault[]>()
  for (const [id, node] of Object.entries(prompt)) {
    const checked = checkInputs(prompt, node, kindOf(prompt, id), files)
    prompt[id] = { ...node, inputs: checked.inputs }
    if (checked.faults.length > 0) faults.set(id, checked.faults)
  }
  const outputs = ends.filter((end) => !ancestors(prompt, end).some((id) => faults.has(id)))
  const nodeErrors: Record<string, Json> = {}
  for (const [id, errors] of faults) {
    const dependents = ends.filter((end) => ancestors(prompt, end).includes(id))
    if (dependents.length === 0) continue
    const entry = { errors, dependent_outputs: dependents, class_type: (prompt[id] as WorkflowNode).class_type }
    nodeErrors[id] = entry as unknown as Json
  }
  if (outputs.length > 0) return { ok: true, prompt, outputs, nodeErrors }
  const error = fault('prompt_outputs_failed_validation', 'Prompt outputs failed validation')
  return { ok: false, error, nodeErrors }
}

const kindOf = (prompt: Workflow, id: string): NodeKind => nodes[(prompt[id] as WorkflowNode).class_type] as NodeKind

function unknownNode(id: string, node: unknown, host: 'new' | 'old'): Fault | null {
  const name = isObject(node) && typeof node.class_type === 'string' ? node.class_type : null
  if (name !== null && Object.hasOwn(nodes, name)) return null
  const details = `Node ID '#${id}'`
  if (host === 'old') {
    const message =
      name === null
        ? 'Cannot execute because a node is missing the class_type property.'
        : `Cannot execute because node ${name} does not exist.`
    return fault('invalid_prompt', message, details)
  }
  const message =
    name === null
      ? `Node 'ID #${id}' has no class_type. The workflow may be corrupted or a custom node is missing.`
      : `Node '${name}' not found. The custom node may not be installed.`
  return fault('missing_node_type', message, details, { node_id: id, class_type: name, node_title: name })
}

/** The node itself and everything it depends on, dependencies first. */
export function ancestors(prompt: Workflow, end: string, seen: string[] = [], open: readonly string[] = []): string[] {
  const node = prompt[end]
  if (node === undefined || seen.includes(end) || open.includes(end)) return seen
  for (const value of Object.values(node.inputs)) {
    const from = linkOf(value)
    if (from !== null) ancestors(prompt, from, seen, [...open, end])
  }
  seen.push(end)
  return seen
}

/** Where an input comes from, if it is a link `[node id, output index]`. */
export const linkOf = (value: Json | undefined): string | null =>
  Array.isArray(value) && value.length === 2 && typeof value[0] === 'string' && typeof value[1] === 'number'
    ? value[0]
    : null

function checkInputs(prompt: Workflow, node: WorkflowNode, kind: NodeKind, files: Files) {
  const faults: Fault[] = []
  const inputs: Record<string, Json> = { ...node.inputs }
  for (const [name, spec] of Object.entries(kind.inputs)) {
    const value = node.inputs[name]
    if (value === undefined) {
      const fallback = spec[1]?.default
      if (fallback !== undefined && node.class_type.startsWith('Simulator')) inputs[name] = fallback
      else faults.push(fault('required_input_missing', 'Required input is missing', name, { input_name: name }))
      continue
    }
    const from = linkOf(value)
    if (from !== null) {
      if (prompt[from] === undefined) {
        faults.push(
          fault('exception_during_validation', 'Exception when validating node', `'${from}'`, { input_name: name }),
        )
      }
      continue
    }
    const checked = convert(name, value, spec)
    if ('fault' in checked) faults.push(checked.fault)
    else inputs[name] = checked.value
  }
  if (node.class_type === 'LoadImage' && files.input(String(node.inputs.image)) === null) {
    const details = `image - Invalid image file: ${node.inputs.image}`
    faults.push(
      fault('custom_validation_failed', 'Custom validation failed for node', details, { input_name: 'image' }),
    )
  }
  return { inputs, faults }
}

function convert(name: string, value: Json, spec: InputSpec): { readonly value: Json } | { readonly fault: Fault } {
  const [type, limits = {}] = spec
  const info = (more: JsonObject): JsonObject => ({ input_name: name, input_config: spec as unknown as Json, ...more })
  if (typeof type !== 'string') {
    if (type.includes(String(value))) return { value }
    const details = `${name}: '${value}' not in [${type.map((one) => `'${one}'`).join(', ')}]`
    return { fault: fault('value_not_in_list', 'Value not in list', details, info({ received_value: value })) }
  }
  if (type === 'STRING') return { value: String(value) }
  if (type !== 'INT' && type !== 'FLOAT') {
    const details = `${name}, received ${typeof value}`
    return { fault: fault('return_type_mismatch', 'Return type mismatch between linked nodes', details, info({})) }
  }
  const wanted = type === 'INT' ? /^\s*[+-]?\d+\s*$/ : /^\s*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\s*$/i
  const number = typeof value === 'string' ? (wanted.test(value) ? Number(value) : Number.NaN) : Number(value)
  if (Number.isNaN(number)) {
    const why =
      type === 'INT'
        ? `invalid literal for int() with base 10: '${value}'`
        : `could not convert string to float: '${value}'`
    const extra = info({ received_value: value, exception_message: why })
    const message = `Failed to convert an input value to a ${type} value`
    return { fault: fault('invalid_input_type', message, `${name}, ${value}, ${why}`, extra) }
  }
  const whole = type === 'INT' ? Math.trunc(number) : number
  const [min, max] = [limits.min, limits.max]
  if (typeof min === 'number' && whole < min) {
    const message = `Value ${whole} smaller than min of ${min}`
    return { fault: fault('value_smaller_than_min', message, name, info({ received_value: whole })) }
  }
  if (typeof max === 'number' && whole > max) {
    const message = `Value ${whole} bigger than max of ${max}`
    return { fault: fault('value_bigger_than_max', message, name, info({ received_value: whole })) }
  }
  // Python keeps every digit of a 64-bit seed; here it stays text when a number could not.
  return { value: Number.isSafeInteger(whole) || type === 'FLOAT' ? whole : value }
}
