import type { Approval } from './approvals.ts'
import type { Clock, Gate } from './clock.ts'
import type { Files } from './files.ts'
import type { Ledger } from './ledger.ts'
import type { Life } from './life.ts'
import type { Preset } from './presets.ts'
import type { Run, Schedule } from './schedules.ts'
import type { Llm, Settings, TemplateSpec } from './types.ts'

/** What all routes share. Only `life` is lost in a crash; the rest is on the backend's disk. */
export interface World {
  readonly settings: Settings
  readonly clock: Clock
  readonly gate: Gate
  /** Aborts when the simulator is closed. */
  readonly closing: AbortSignal
  readonly files: Files
  readonly ledger: Ledger
  readonly life: () => Life
  readonly templates: () => readonly TemplateSpec[]
  readonly llm: () => Llm
  /** Trigger submissions by their key; a row is written before the submit and stays when that fails. */
  readonly submissions: Map<string, Submission>
  readonly approvals: Map<string, Approval>
  readonly schedules: Map<string, Schedule>
  readonly runs: Run[]
  readonly presets: Map<string, Preset>
  /** The next submits to ComfyUI fail with these statuses. */
  readonly submitFaults: number[]
  /** The tail of the server log. */
  readonly lines: string[]
}

export interface Submission {
  readonly at: number
  readonly promptId: string | null
}

const maxLines = 500

export function log(world: World, line: string): void {
  world.lines.push(line)
  if (world.lines.length > maxLines) world.lines.shift()
}

/** 32 hexadecimal digits. */
export const hexId = (world: World): string => world.settings.id().replaceAll('-', '')
