import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test, vi } from 'vitest'
import type { Person } from '../platforms/platform.ts'
import { emptyMailbox, press, sayOnKakao, sayOnTelegram, settled, steps, wish } from './flows.ts'
import { type Crash, openStage, type Stage, until } from './harness.ts'
import { backendApprovals, bubbles, resultsFor, submissionsOf, unmarkedRepeats } from './seen.ts'
import { openRows } from './state.ts'

vi.setConfig({ maxConcurrency: 3, testTimeout: 60_000 })

const fire = 'POST /openclaw/triggers/fire'
const word = 'fox-in-trouble'
const nothingOpen = { events: 0, parts: 0, jobs: 0, approvals: 0, mailbox: 0 }

const onStage = async (play: (stage: Stage) => Promise<void>): Promise<void> => {
  const stage = await openStage()
  try {
    await play(stage)
    expect(unmarkedRepeats(bubbles(stage))).toEqual([])
  } finally {
    await stage.close()
  }
}

/** Starts a daemon, has the people act, and waits until it has killed itself. */
const dieAt = async (stage: Stage, crash: Crash, act: () => Promise<void>): Promise<void> => {
  const life = stage.start(crash)
  expect(await life.ready).toBe(true)
  await act()
  await until(`the daemon to die at ${crash.at}`, () => !life.alive())
}

const told = (stage: Stage, person: Person, words: RegExp): number =>
  bubbles(stage).filter(({ chat, text }) => chat === person.id && words.test(text)).length

const result = (stage: Stage, person: Person) => () => resultsFor(stage, person, word).length > 0

describe.concurrent('kill -9 while the backend is in trouble as well', () => {
  test('a submission whose answer was lost runs once', () =>
    onStage(async (stage) => {
      const { carl } = stage
      stage.simulator.control.dropAnswerOnce(fire)
      await dieAt(stage, { at: 'submit:fired' }, () => sayOnTelegram(stage, carl, wish(word)))
      stage.start()
      await until('the result', result(stage, carl))
      await settled(stage, null)
      expect(submissionsOf(stage, word)).toBe(1)
      expect(resultsFor(stage, carl, word)).toHaveLength(1)
    }))

  test('a request for approval whose answer was lost is made once', () =>
    onStage(async (stage) => {
      const { bob } = stage.telegram.people
      stage.simulator.control.dropAnswerOnce(fire)
      await dieAt(stage, { at: 'submit:fired' }, () => sayOnTelegram(stage, bob, wish(word)))
      stage.start()
      await press(stage, word, 'Approve')
      await until('the result', result(stage, bob))
      await settled(stage, null)
      expect((await backendApprovals(stage)).map(({ status }) => status)).toEqual(['approved'])
      expect(submissionsOf(stage, word)).toBe(1)
    }))

  test('an approval whose answer was lost runs once', () =>
    onStage(async (stage) => {
      const { bob } = stage.telegram.people
      stage.simulator.control.dropAnswerOnce('POST /openclaw/approvals')
      await dieAt(stage, { at: 'decide:told' }, async () => {
        await sayOnTelegram(stage, bob, wish(word))
        await press(stage, word, 'Approve')
      })
      stage.start()
      await until('the result', result(stage, bob))
      await settled(stage, null)
      expect(submissionsOf(stage, word)).toBe(1)
      expect(resultsFor(stage, bob, word)).toHaveLength(1)
    }))

  test('a submission marked while the backend was away runs once when it is back', () =>
    onStage(async (stage) => {
      const { carl } = stage
      await stage.simulator.control.setDown(true)
      await dieAt(stage, { at: 'submit:marked' }, () => sayOnTelegram(stage, carl, wish(word)))
      stage.start()
      await until('an answer', () => told(stage, carl, /submit/) > 0)
      expect(submissionsOf(stage, word)).toBe(0)
      await stage.simulator.control.setDown(false)
      await until('the result', result(stage, carl))
      await settled(stage, null)
      expect(submissionsOf(stage, word)).toBe(1)
    }))

  test('a job that ComfyUI forgot between acceptance and our note is told as lost, and not run again', () =>
    onStage(async (stage) => {
      const { carl } = stage
      stage.simulator.control.pause()
      await dieAt(stage, { at: 'submit:fired' }, () => sayOnTelegram(stage, carl, wish(word)))
      await stage.simulator.control.restart()
      stage.start()
      await until('the news', () => told(stage, carl, /^(Lost|Gone): /) > 0)
      await settled(stage, null)
      expect(submissionsOf(stage, word)).toBe(1)
      expect(openRows(stage.dir)).toEqual(nothingOpen)
    }))

  test('a job that ComfyUI forgot while its result was being fetched still brings its picture', () =>
    onStage(async (stage) => {
      const { carl } = stage
      await dieAt(stage, { at: 'finish:marked' }, () => sayOnTelegram(stage, carl, wish(word)))
      await stage.simulator.control.restart()
      stage.start()
      await until('the picture', () => resultsFor(stage, carl, word).length > 0)
      await settled(stage, null)
      expect(submissionsOf(stage, word)).toBe(1)
      expect(told(stage, carl, /^(Lost|Gone): /)).toBe(0)
    }))
})

describe.concurrent('kill -9 between a change and its announcement', () => {
  for (const at of ['decide:claimed', 'decide:told', 'decide:noted']) {
    test(`a rejection is told to the requester and on the card after ${at}`, () =>
      onStage(async (stage) => {
        const { ann, bob } = stage.telegram.people
        await dieAt(stage, { at }, async () => {
          await sayOnTelegram(stage, bob, wish(word))
          await press(stage, word, 'Reject')
        })
        stage.start()
        await until('the news', () => told(stage, bob, /^\[Rejected\]/) > 0)
        await until('the card', () => told(stage, ann, /^\[Rejected\] by Ann/) > 0)
        await settled(stage, null)
        expect(told(stage, bob, /^\[Rejected\]/)).toBe(1)
        expect(submissionsOf(stage, word)).toBe(0)
      }))
  }

  test('a cancellation is told, and the request can not be approved any more', () =>
    onStage(async (stage) => {
      const { bob } = stage.telegram.people
      await dieAt(stage, { at: 'cancel:noted' }, async () => {
        await sayOnTelegram(stage, bob, wish(word))
        await until('the request', () => told(stage, bob, /^\[Approval Requested\]/) > 0)
        await sayOnTelegram(stage, bob, '/cancel')
      })
      stage.start()
      await until('the news', () => told(stage, bob, /^Cancelled: /) > 0)
      await settled(stage, null)
      expect((await backendApprovals(stage)).map(({ status }) => status)).toEqual(['rejected'])
    }))
})

describe.concurrent('kill -9 again and again', () => {
  for (const at of ['run:row', 'submit:marked', 'submit:fired', 'submit:noted', 'work:ran', 'finish:collected']) {
    test(`dying twice at ${at} changes nothing`, () =>
      onStage(async (stage) => {
        const { carl } = stage
        await dieAt(stage, { at }, () => sayOnTelegram(stage, carl, wish(word)))
        const again = stage.start({ at })
        // Some steps are behind us for good after the first time.
        await Promise.race([again.ended, until('the result', result(stage, carl))])
        if (!again.alive()) stage.start()
        await until('the result', result(stage, carl))
        await settled(stage, null)
        expect(submissionsOf(stage, word)).toBe(1)
        expect(resultsFor(stage, carl, word)).toHaveLength(1)
      }))
  }

  test('an answer that may have arrived twice does not hold up those behind it', () =>
    onStage(async (stage) => {
      const { carl, telegram } = stage
      telegram.failNext({ kind: 'answer_lost' })
      await dieAt(stage, { at: 'send:marked' }, () => sayOnTelegram(stage, carl, '/whoami'))
      stage.start()
      await until('the answer', () => told(stage, carl, /^You are/) === 1)
      telegram.failNext({ kind: 'answer_lost' })
      await until('its repeat', () => told(stage, carl, /^You are/) === 2)
      await sayOnTelegram(stage, carl, wish(word))
      await until('the result', result(stage, carl))
      expect(bubbles(stage).filter(({ text, repeated }) => /^You are/.test(text) && !repeated)).toEqual([])
    }))

  test('a callback whose answer was lost is offered again in the mailbox, marked', () =>
    onStage(async (stage) => {
      const { ann } = stage.kakao.people
      stage.kakao.offerCallbacks(true)
      stage.kakao.failNext({ kind: 'answer_lost' })
      stage.start()
      await sayOnKakao(stage, ann, wish(word))
      stage.kakao.offerCallbacks(false)
      await until('the repeat', () => (openRows(stage.dir)?.mailbox ?? 0) > 0)
      await emptyMailbox(stage, stage.kakao, ann)
      expect(resultsFor(stage, ann, word).map(({ repeated }) => repeated)).toEqual([false, true])
    }))
})

test('every named step of the source is one of those the daemon dies at here', () => {
  const root = join(import.meta.dirname, '../..')
  const named = globSync('src/**/*.ts', { cwd: root })
    .flatMap((file) => [...readFileSync(join(root, file), 'utf8').matchAll(/\bstep\('([\w:]+)'\)/g)])
    .map(([, name = '']) => name)
  expect(named.filter((name) => !steps.includes(name))).toEqual([])
  expect(named.length).toBeGreaterThan(15)
})
