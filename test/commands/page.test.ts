import { expect, test } from 'vitest'
import { type Limits, newLimits } from '../../policy/limits.ts'
import type { Tenancy } from '../../policy/tenants.ts'
import { jobsSaid } from '../../src/commands/page.ts'
import type { Address } from '../../src/contract/index.ts'
import { capabilities } from '../delivery/plan-kit.ts'
import { address, flush } from '../kit/core.ts'
import { type CommandRig, commandRig } from './kit.ts'

const opens = async (
  rig: CommandRig & { readonly looks: Limits },
  id: string,
  more: { where?: Address; tenancy?: Tenancy } = {},
) => {
  const { where = address({ chat: id }), tenancy = null } = more
  const person = { from: { id, self: false, bot: false }, where, proof: 'signature' } as const
  const deps = { ...rig.performDeps, tenancy, looks: rig.looks }
  const [said] = await Promise.all([jobsSaid(person, capabilities({}), deps, new AbortController().signal), flush(40)])
  return said
}

const pageRig = (...given: Parameters<typeof commandRig>) => ({ ...commandRig(...given), looks: newLimits(10) })

test('who looks without a word is shown what /jobs would tell them, and no more', async () => {
  const rig = pageRig()
  await rig.say('ann', '/run portrait a fox')
  expect(await opens(rig, 'ann')).toBe(await rig.say('ann', '/jobs'))
  expect(await opens(rig, 'ann')).toContain('- prompt-1 portrait: ')
  expect(await opens(rig, 'eve')).toMatch(/^Queue: .*\nNone of your jobs/)
  expect(await opens(rig, 'boss')).toContain('- prompt-1 portrait by ANN: ')
})

test('whoever may not ask for it is shown nothing, and so is who looks too often', async () => {
  expect(await opens(pageRig({ rules: { overridesJson: '{"/jobs":"admin"}' } }), 'ann')).toBeNull()
  const rig = pageRig({ deps: { userRpm: 2 } })
  const looks = [await opens(rig, 'ann'), await opens(rig, 'ann'), await opens(rig, 'ann')]
  expect(looks.map((said) => said !== null)).toEqual([true, true, false])
  // And costs nobody a command.
  expect(await rig.say('ann', '/jobs')).toContain('Queue: ')
})

test('of each tenant only its own jobs are shown, by the workspace and by nothing else', async () => {
  const rig = pageRig()
  const tenancy: Tenancy = { own: 'acme', places: { 'fake:W2': 'umbrella' } }
  await rig.say('ann', '/run portrait a fox', { where: address({ chat: 'ann', tenant: 'acme' }) })
  const at = (workspace: string) => address({ chat: 'ann', workspace, tenant: 'acme' })
  expect(await opens(rig, 'ann', { tenancy, where: at('W1') })).toContain('prompt-1')
  expect(await opens(rig, 'ann', { tenancy, where: at('W2') })).not.toContain('prompt-1')
  expect(await opens(rig, 'boss', { tenancy, where: at('W2') })).not.toContain('prompt-1')
})
