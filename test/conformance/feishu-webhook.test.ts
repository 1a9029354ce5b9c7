import { describe, it } from 'vitest'
import feishu from '../../adapters/feishu/index.ts'
import { startFeishu } from '../platforms/feishu.ts'
import { conformance, runCase } from './adapter.ts'
import { intakeCases } from './intake.ts'

/** The connection is the default, and in the table of all. Whoever takes events by webhook gets the same promises. */
describe('by webhook, encrypted and signed', () => {
  conformance(feishu, () => startFeishu({ mode: 'webhook', encrypted: true }))
})

/** Credentials that are refused are one organisation's there, and never `auth` for all. */
const ofOne = ['rate_limited', 'unavailable', 'answer_lost', 'hang', 'target_gone', 'media_rejected'] as const

describe('of the store, with a token for each organisation', () => {
  conformance(feishu, async () => ({
    ...(await startFeishu({ mode: 'webhook', encrypted: true, store: true })),
    failures: ofOne,
  }))
})

describe('by webhook, proven by the token alone', () => {
  for (const one of intakeCases) {
    it(one.name, async (context) => {
      const lacking = await runCase(one, feishu, () => startFeishu({ mode: 'webhook' }))
      if (lacking !== null) context.skip(lacking)
    })
  }
})
