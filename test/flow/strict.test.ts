import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { adapters } from '../../adapters/index.ts'
import { runProgram } from './process.ts'

type Platform = (typeof adapters)[number]

const nameOf = ({ id }: Platform, key: string): string => `OPENCLAW_CONNECTOR_${id.toUpperCase()}_${key}`

/** Something that fits the row, so that the platform counts as configured. */
const fitting = ({ env }: Platform, key: string): string => {
  const row = env[key]
  if (row?.kind === 'flag') return 'true'
  const form = (row && 'matches' in row ? row.matches : undefined) ?? /^[a-z0-9]{32}$/
  // What makes texts of a form can't look ahead.
  const without = new RegExp(form.source.replaceAll(/\(\?[=!][^)]*\)/g, ''), form.flags)
  const made = fc.sample(fc.stringMatching(without), { numRuns: 500, seed: 7 })
  const fits = made.find((text) => form.test(text) && /^[\w:.-]+$/.test(text))
  if (fits === undefined) throw new Error(`no text was found for ${key}, which is like ${form}`)
  return fits
}

/** Every platform of this version, each with just what switches it on. */
const platforms = adapters.filter(({ operator }) => operator === null)
const everything = Object.fromEntries(
  platforms.flatMap((one) => (one.activation[0] ?? []).map((key) => [nameOf(one, key), fitting(one, key)])),
)

const listsOf = (one: Platform): readonly string[] => Object.keys(one.env).filter((key) => one.env[key]?.kind === 'ids')

/** What proves its senders, where that is a setting which does not switch it on already. */
const proofOf = (one: Platform): string | null =>
  one.provenBy !== null && !(nameOf(one, one.provenBy) in everything) ? one.provenBy : null

const start = async (env: Readonly<Record<string, string>>, args: readonly string[] = []) => {
  const dir = await mkdtemp(join(tmpdir(), 'openclaw-connector-flow-'))
  const state = join(dir, 'state')
  const ended = await runProgram(args, { ...everything, OPENCLAW_CONNECTOR_STATE_DIR: state, ...env }, dir)
  const touched = existsSync(state)
  await rm(dir, { recursive: true, force: true })
  return { ...ended, touched }
}

describe.concurrent('every platform without lists and proofs', () => {
  test.for([
    ['OPENCLAW_DEPLOYMENT_PROFILE', 'public'],
    ['OPENCLAW_RUNTIME_PROFILE', 'hardened'],
  ] as const)(
    'is refused by %s=%s with 78, each gap is named at once, and nothing is touched',
    async ([name, value]) => {
      const ended = await start({ [name]: value })
      expect(ended.status, ended.err + ended.out).toBe(78)
      expect(ended.touched).toBe(false)
      for (const one of platforms) {
        expect(ended.err).toContain(
          `${listsOf(one)
            .map((key) => nameOf(one, key))
            .join(' or ')}: empty`,
        )
        const proof = proofOf(one)
        if (proof) expect(ended.err).toContain(`${nameOf(one, proof)}: not set`)
      }
      const gaps = platforms.length + platforms.filter(proofOf).length
      expect(ended.err.match(new RegExp(`${name}=${value} insists`, 'g'))).toHaveLength(gaps)
    },
  )

  test('is refused by check as well under a strict profile, and warned about without one', async () => {
    const strict = await start({ OPENCLAW_DEPLOYMENT_PROFILE: 'public' }, ['check'])
    expect(strict.status).toBe(78)
    // Some do not start at all without what proves who writes.
    const relaxed = await start(
      Object.fromEntries(
        platforms.flatMap((one) => (one.provenBy ? [[nameOf(one, one.provenBy), fitting(one, one.provenBy)]] : [])),
      ),
      ['check'],
    )
    expect(relaxed.status, relaxed.err).toBe(0)
    for (const one of platforms) expect(relaxed.out).toMatch(new RegExp(`warning: ${nameOf(one, '')}\\w+.*: empty`))
  })

  test('is let through once each has a list and a proof', async () => {
    const closed = Object.fromEntries(
      platforms.flatMap((one) =>
        [...listsOf(one), ...(one.provenBy ? [one.provenBy] : [])].map((key) => [nameOf(one, key), fitting(one, key)]),
      ),
    )
    const ended = await start({ ...closed, OPENCLAW_RUNTIME_PROFILE: 'hardened' }, ['check'])
    expect(ended.status, ended.err).toBe(0)
  })
})
