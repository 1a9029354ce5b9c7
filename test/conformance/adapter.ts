import { describe, it } from 'vitest'
import type { AdapterModule } from '../../src/contract/index.ts'
import { type Case, intakeCases } from './intake.ts'
import { outgoingCases } from './outgoing.ts'
import { openRig, Skipped, type Start } from './rig.ts'
import { troubleCases } from './trouble.ts'

export const cases: readonly Case[] = [...intakeCases, ...outgoingCases, ...troubleCases]

/**
 * Runs one case on a fresh platform and a fresh adapter; null when it held, the reason when the platform lacks what
 * it is about. Throws when the promise is broken, also when a secret got into a log line or an error on the way.
 */
export async function runCase(one: Case, module: AdapterModule, start: Start, hearMs?: number): Promise<string | null> {
  const rig = await openRig(module, start, hearMs)
  try {
    const lacking = one.needs?.(rig) ?? null
    if (lacking !== null) return lacking
    await one.run(rig)
    return null
  } catch (error) {
    if (error instanceof Skipped) return error.message
    throw error
  } finally {
    await rig.close()
  }
}

/** What every adapter promises, checked against a fake of its platform. What it lacks is skipped by its own data. */
export function conformance(module: AdapterModule, start: Start): void {
  describe(`the ${module.id} adapter`, () => {
    for (const one of cases) {
      it(one.name, async (context) => {
        const lacking = await runCase(one, module, start)
        if (lacking !== null) context.skip(lacking)
      })
    }
  })
}
