import { readdirSync, readFileSync } from 'node:fs'
import { webhook } from '../bench/daemon.ts'
import { secret } from '../bench/skill.ts'
import { readSkillResponse } from '../platforms/kakao-rules.ts'
import { damageJson } from './damage.ts'
import type { Target } from './target.ts'

const golden = new URL('../golden/kakao/', import.meta.url)

const bodies = readdirSync(golden)
  .filter((name) => name.startsWith('skill-') && name !== 'skill-cases.json' && name !== 'skill-huge-utterance.json')
  .map((name) => readFileSync(new URL(name, golden)))

const person = /"fa4efa4e\w{50,60}"/g

const target: Target = {
  name: 'kakao',
  settings: { ...webhook, KAKAO_RESPONSE_TIMEOUT_MS: '500' },
  secrets: [secret],
  maxBytes: 65_536,
  post: (body, n) => ({
    path: '/kakao/webhook',
    headers: {
      'Content-Type': 'application/json;charset=UTF-8',
      'X-Kakao-Webhook-Secret': secret,
      'X-Request-Id': `fuzz-${n}`,
    },
    proof: 'X-Kakao-Webhook-Secret',
    body,
  }),
  seeds: bodies,
  // Many people, or the rate limit would answer for everything behind it.
  vary: (body, random) => {
    if (!random.chance(0.8)) return body
    const id = `"${random.below(2000).toString(16).padStart(66, 'fa4e')}"`
    return Buffer.from(body.toString('latin1').replaceAll(person, id), 'latin1')
  },
  damage: damageJson,
  help: Buffer.from(
    JSON.stringify({ bot: { id: webhook.KAKAO_BOT_ID }, userRequest: { user: { id: 'helper' }, utterance: '/help' } }),
  ),
  helped: (answer) => answer.includes('/help'),
  wrong: (body) => {
    const reading = readSkillResponse(body, { promise: true })
    return reading.kind === 'error' ? reading.problems.join(', ') : null
  },
  calls: () => 0,
  close: async () => {},
}

export const openKakao = async (): Promise<Target> => target
