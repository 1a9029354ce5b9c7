import fc from 'fast-check'
import { expect, it } from 'vitest'
import { type Ask, decide } from '../../policy/decide.ts'
import { meaningOf } from '../../policy/explain.ts'
import { isProven, trustOf, type Who } from '../../policy/trust.ts'
import type { CommandClass, CommandInfo, Decision, Proof } from '../../src/contract/index.ts'
import { commands, rulesOf } from './commands.ts'

/** What an operator wrote and who comes along, as small as it can be: "me" in a list or not, others in it or not. */
interface World {
  readonly adminList: Membership
  readonly publicList: Membership
  readonly runList: Membership
  readonly allowAdminList: Membership
  readonly userList: Membership
  readonly chatList: Membership
  readonly overrides: Readonly<Record<string, CommandClass>>
  readonly proof: Proof
}
type Membership = 'empty' | 'others' | 'me' | 'me-qualified'

const membership = fc.constantFrom<Membership>('empty', 'others', 'me', 'me-qualified')
const worlds: fc.Arbitrary<World> = fc.record({
  adminList: membership,
  publicList: membership,
  runList: membership,
  allowAdminList: membership,
  userList: membership,
  chatList: membership,
  overrides: fc.dictionary(
    fc.constantFrom(...commands.map((c) => c.name)),
    fc.constantFrom<CommandClass>('public', 'run', 'admin'),
  ),
  proof: fc.constantFrom<Proof>('none', 'tls', 'secret', 'signature'),
})
const asks: fc.Arbitrary<Ask> = fc.record({ forceApproval: fc.boolean(), hasAdminToken: fc.boolean() })
const anyCommand = fc.constantFrom(...commands)

const listOf = (m: Membership, id = 'me'): string[] =>
  ({ empty: [], others: ['other'], me: ['other', id], 'me-qualified': ['other', `telegram:${id}`] })[m]

const rulesIn = (w: World) =>
  rulesOf({
    adminUsers: listOf(w.adminList),
    allowPublic: listOf(w.publicList),
    allowRun: listOf(w.runList),
    allowAdmin: listOf(w.allowAdminList),
    overridesJson: JSON.stringify(w.overrides),
    trust: [{ platform: 'telegram', users: listOf(w.userList), chats: listOf(w.chatList, 'here') }],
  })

const meIn = (w: World): Who => ({ platform: 'telegram', ids: ['me'], chat: 'here', proof: w.proof })
const decideIn = (w: World, command: CommandInfo, ask: Ask) => decide(rulesIn(w), command, meIn(w), ask)

const rank = (d: Decision): number => {
  if (d.kind === 'deny') return 0
  if (d.kind === 'approval') return 1
  return d.scope === 'own' ? 2 : 3
}

/** Every way to trust "me" more in this world. Writing a list where there was none is a new rule, not more trust. */
function raised(w: World): World[] {
  const more: World[] = w.proof === 'none' ? [{ ...w, proof: 'signature' }] : []
  const lists = ['adminList', 'userList', 'chatList', 'publicList', 'runList', 'allowAdminList'] as const
  for (const list of lists) {
    const gate = list === 'publicList' || list === 'runList' || list === 'allowAdminList'
    if (w[list] === 'others' || (!gate && w[list] === 'empty')) more.push({ ...w, [list]: 'me' })
    if (w[list] === 'me') more.push({ ...w, [list]: 'me-qualified' })
  }
  return more
}

const runs = { numRuns: 2000 }

it('more trust never lowers a decision', () => {
  fc.assert(
    fc.property(worlds, anyCommand, asks, (world, command, ask) => {
      const before = rank(decideIn(world, command, ask))
      for (const better of raised(world)) {
        expect(rank(decideIn(better, command, ask)), JSON.stringify(better)).toBeGreaterThanOrEqual(before)
      }
    }),
    runs,
  )
})

it('only admins and those in the admin allow-from list reach everybody’s things or the admin class', () => {
  fc.assert(
    fc.property(worlds, anyCommand, asks, (world, command, ask) => {
      const decision = decideIn(world, command, ask)
      const inForce = world.overrides[command.name] ?? command.class
      const powerful = trustOf(rulesIn(world), meIn(world)).trust === 'admin' || world.allowAdminList.startsWith('me')
      if (powerful && isProven(meIn(world))) return
      expect(rank(decision)).toBeLessThan(3)
      if (inForce === 'admin' && decision.kind === 'allow') expect(decision.rule).toBe('own')
    }),
    runs,
  )
})

it('an unproven sender passes neither run nor admin, whatever is configured', () => {
  fc.assert(
    fc.property(worlds, anyCommand, asks, (world, command, ask) => {
      const decision = decideIn({ ...world, proof: 'none' }, command, ask)
      const inForce = world.overrides[command.name] ?? command.class
      if (command.class === 'admin' || inForce === 'admin') expect(decision.kind).toBe('deny')
      else if (command.class === 'run' || inForce === 'run') expect(decision.kind).not.toBe('allow')
      if (decision.kind === 'allow') expect(decision.scope).toBe('own')
    }),
    runs,
  )
})

it('a run that is allowed at once is one by somebody trusted', () => {
  fc.assert(
    fc.property(worlds, asks, (world, ask) => {
      const run = commands.find((c) => c.class === 'run')!
      const { trust } = trustOf(rulesIn(world), meIn(world))
      if (trust === 'stranger') expect(decideIn(world, run, ask).kind).not.toBe('allow')
    }),
    runs,
  )
})

it('an unknown class never opens a command', () => {
  const junk = fc.oneof(fc.string(), fc.constant(null), fc.constant('__proto__'), fc.integer())
  const junkClass = junk.filter((c) => c !== 'public' && c !== 'run' && c !== 'admin') as fc.Arbitrary<unknown>
  fc.assert(
    fc.property(worlds, anyCommand, asks, junkClass, fc.boolean(), (world, command, ask, junk, inOverride) => {
      const rules = rulesIn(world)
      const strange = { ...command, class: junk as CommandClass }
      const overridden = { ...rules, overrides: new Map([[command.name, junk as CommandClass]]) }
      const decision = inOverride
        ? decide(overridden, command, meIn(world), ask)
        : decide(rules, strange, meIn(world), ask)
      if (inOverride && junk === null) return // absent, so the command's own class holds
      expect(decision.kind).toBe('deny')
    }),
    runs,
  )
})

it('every decision names a rule that has a meaning', () => {
  fc.assert(
    fc.property(worlds, anyCommand, asks, (world, command, ask) => {
      const { rule } = decideIn(world, command, ask)
      expect(rule).toMatch(/^[a-z]+(-[a-z]+)*$/)
      expect(meaningOf(rule)).not.toBe(rule)
    }),
    runs,
  )
})
