import { describe, expect, it } from 'vitest'
import { posture } from '../../policy/posture.ts'

const relaxed = { deploymentProfile: undefined, runtimeProfile: undefined }
const open = {
  id: 'slack',
  active: true,
  hasAllowList: false,
  proven: true,
  proofVariable: null,
  variables: ['SLACK_ALLOWED_USERS', 'SLACK_ALLOWED_CHANNELS'],
}
const unproven = {
  id: 'kakao',
  active: true,
  hasAllowList: true,
  proven: false,
  proofVariable: 'KAKAO_WEBHOOK_SECRET',
  variables: ['KAKAO_ALLOWED_USERS'],
}
const good = {
  id: 'telegram',
  active: true,
  hasAllowList: true,
  proven: true,
  proofVariable: null,
  variables: ['TELEGRAM_ALLOWED_USERS'],
}
const off = { ...open, id: 'line', active: false, proven: false }

describe('under a strict profile', () => {
  it.each([
    { ...relaxed, deploymentProfile: 'public' },
    { ...relaxed, runtimeProfile: ' Hardened ' },
  ])('%o every gap of every active platform is a problem, all at once', (profiles) => {
    const { problems, warnings } = posture(profiles, [open, unproven, good, off])
    expect(warnings).toEqual([])
    expect(problems.map((p) => p.variable)).toEqual([
      'SLACK_ALLOWED_USERS or SLACK_ALLOWED_CHANNELS',
      'KAKAO_WEBHOOK_SECRET',
    ])
    for (const { read, cure } of problems) expect(`${read}${cure}`).toMatch(/(slack|kakao).*=(public|hardened) insists/)
  })
})

it('otherwise the same gaps are warnings', () => {
  const profiles = { deploymentProfile: 'local', runtimeProfile: 'minimal' }
  const { problems, warnings } = posture(profiles, [open, unproven, good, off])
  expect(problems).toEqual([])
  expect(warnings).toHaveLength(2)
  expect(warnings[0]).toContain('SLACK_ALLOWED_USERS or SLACK_ALLOWED_CHANNELS')
})

it('a sound setup has nothing to say', () => {
  expect(posture({ ...relaxed, deploymentProfile: 'public' }, [good, off])).toEqual({ problems: [], warnings: [] })
})
