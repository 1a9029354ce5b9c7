import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Part, Reply } from '../../src/contract/index.ts'
import { downgrade } from '../../src/delivery/downgrade.ts'
import { plan } from '../../src/delivery/plan.ts'
import {
  anyCapabilities,
  anyReply,
  artifact,
  capabilities,
  context,
  mediaOf,
  texts,
  textsOf,
  violations,
} from './plan-kit.ts'

const ctx = { canLink: false, texts }
const planOf = (over: Partial<Reply>): Part => {
  const [first] = plan({ audience: 'everyone', ...over }, context(), capabilities()).parts
  if (!first) throw new Error('nothing was planned')
  return first
}

describe('downgrade of a refused file', () => {
  test('takes the next rung, with the same key, caption and buttons', () => {
    const part = planOf({ text: 'Fox', media: [artifact()], buttons: [{ label: 'Again', say: '/run', ttlMs: 1 }] })
    const parts = downgrade(part, capabilities(), ctx)
    expect(parts).toEqual([{ ...part, items: [{ kind: 'media', media: artifact(), as: 'document', caption: 'Fox' }] }])
  })

  test('ends in a text that keeps the caption and names the file', () => {
    const part = planOf({ text: 'Fox', media: [artifact({ bytes: 2000 })] })
    const parts = downgrade(part, capabilities(), ctx)
    expect(parts?.map(({ key, items }) => [key, items])).toEqual([
      ['k#0', [{ kind: 'text', text: 'Fox\n<fox.png 2000 > 0 link>' }]],
    ])
  })

  test('says why, where a person can do something about it', () => {
    const part = planOf({ text: 'Fox', media: [artifact({ bytes: 2000 })] })
    const parts = downgrade(part, capabilities(), { ...ctx, why: 'no_permission' })
    expect(parts?.flatMap(textsOf)).toEqual(['Fox\n<fox.png not allowed>'])
  })

  test('does not go back to a rung above, nor to an excluded one', () => {
    const part = planOf({ media: [artifact()] })
    const lower = downgrade(part, capabilities(), { ...ctx, canLink: true, exclude: ['document'] })
    expect(lower?.flatMap(mediaOf).map(({ as }) => as)).toEqual(['link'])
  })

  test('lowers an album together while there is a rung for each', () => {
    const part = planOf({ text: 'Foxes', media: [artifact(), artifact({ blob: 'b2' })] })
    const lower = downgrade(part, capabilities(), ctx)
    expect(lower?.map((one) => mediaOf(one).map(({ as }) => as))).toEqual([['document', 'document']])
  })

  test('takes an album apart before giving up a file, so that one bad file spoils no other', () => {
    const part = planOf({ text: 'Foxes', media: [artifact({ bytes: 2000 }), artifact({ blob: 'b2', bytes: 2000 })] })
    const lower = downgrade(part, capabilities(), ctx)
    expect(lower?.map((one) => [one.key, mediaOf(one).map(({ as }) => as)])).toEqual([
      ['k#0', ['document']],
      ['k#0~document/1', ['document']],
    ])
  })

  test('has nothing to offer for a part without files', () => {
    expect(downgrade(planOf({ text: 'hi' }), capabilities(), ctx)).toBeNull()
  })

  test('repeated for every file ends in words, within the capabilities, with unique keys and nothing lost', () => {
    fc.assert(
      fc.property(anyReply, anyCapabilities, fc.boolean(), (said, caps, canLink) => {
        let parts = plan(said, context({ canLink }), caps).parts
        // Three rungs at most, one step to take albums apart.
        for (let round = 0; round < 5; round++)
          parts = parts.flatMap((part) => downgrade(part, caps, { ...ctx, canLink }) ?? [part])
        expect(parts.flatMap((part) => violations(part, caps))).toEqual([])
        expect(parts.flatMap(mediaOf)).toEqual([])
        expect(new Set(parts.map(({ key }) => key)).size).toBe(parts.length)
        const words = parts.flatMap(textsOf).join('').replace(/\s+/g, '')
        for (const file of said.media ?? []) expect(words).toContain(file.name)
      }),
      { numRuns: 800 },
    )
  })
})
