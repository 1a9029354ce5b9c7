import { describe } from 'vitest'
import feishu from '../../adapters/feishu/index.ts'
import { startFeishu } from '../platforms/feishu.ts'
import { conformance } from './adapter.ts'

/** The connection is the default, and in the table of all. Whoever takes events by webhook gets the same promises. */
describe('by webhook, proven by the token', () => {
  conformance(feishu, () => startFeishu({ mode: 'webhook' }))
})
describe('by webhook, encrypted and signed', () => {
  conformance(feishu, () => startFeishu({ mode: 'webhook', encrypted: true }))
})
