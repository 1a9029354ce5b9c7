import type { Scene } from './art/picture.ts'
import type { Files } from './files.ts'
import type { JsonObject } from './types.ts'

/** As ComfyUI writes it in `/object_info`: `['INT', { default, min, max }]`, `['IMAGE']`, `[['a', 'b'], {}]`. */
export type InputSpec = readonly [string | readonly string[], JsonObject?]

/** What flows along the links: everything that will decide how the picture looks. */
export interface Flow extends Scene {
  readonly count: number
  /** Which picture it was made from, if any. */
  readonly source: string
}

export interface Made {
  readonly flow?: Partial<Flow>
  /** What an output node shows: the entry under `outputs` of the history. */
  readonly ui?: JsonObject
  readonly failed?: { readonly type: string; readonly message: string }
}

export interface NodeKind {
  readonly title: string
  readonly category: string
  readonly inputs: Readonly<Record<string, InputSpec>>
  readonly returns: readonly string[]
  readonly output?: boolean
  /** Input whose value is the number of sampling steps. */
  readonly stepsFrom?: string
  /** What its result depends on beside the inputs. */
  readonly version?: (inputs: JsonObject, files: Files) => string
  /** Runs anew every time, cached or not. */
  readonly restless?: boolean
  readonly act?: (flow: Flow, inputs: JsonObject, files: Files) => Made
}

export const int = (value: number, min: number, max: number): InputSpec => ['INT', { default: value, min, max }]
export const float = (value: number, min: number, max: number): InputSpec => [
  'FLOAT',
  { default: value, min, max, step: 0.01 },
]
export const words = (value: string, multiline = false): InputSpec => ['STRING', { default: value, multiline }]
export const image: InputSpec = ['IMAGE']
