import { expect, test } from 'vitest'
import { laneOf } from '../src/contract/index.ts'
import { type Ports, work } from '../src/pipeline.ts'
import { eventState, type KeptEvent, keepEvent } from '../src/store/inbox.ts'
import { commandRig } from './commands/kit.ts'
import { capabilities } from './delivery/plan-kit.ts'
import { event, textOf } from './kit/core.ts'
import { keepingLog } from './kit/deps.ts'

const secretive = 'connect ECONNREFUSED 10.1.2.3:8188 at /srv/comfy/state with token s3cret'

test('a command that breaks answers with a reference alone; what happened is in the log under it', async () => {
  const asking = async () => {
    throw new Error(secretive)
  }
  const { performDeps, db, store, clock } = commandRig({ calls: { health: asking, promptInfo: asking } })
  const log = keepingLog()
  // The second half of the pipeline reads these besides what commands need.
  const ports: Partial<Ports> = {
    ...performDeps,
    log,
    newId: () => '0123456789abcdef',
    canLink: false,
    capabilities: () => capabilities(),
    slots: { open: () => false } as unknown as Ports['slots'],
    wake: () => {},
    typing: () => () => {},
    sleep: clock.sleep,
  }
  const status = event('e1', '/status', { at: clock.now() })
  const kept = keepEvent(db, status, laneOf(status.where), 'run', clock.now()) as KeptEvent
  await work(kept, capabilities(), ports as Ports, new AbortController().signal)
  const texts = store.read(() => db.sql('SELECT part FROM outbox').all()).map(({ part }) => JSON.parse(String(part)))
  expect(texts.map(textOf)).toEqual([expect.stringMatching(/^Something went wrong .* noted under 01234567;/)])
  expect(JSON.stringify(texts)).not.toMatch(/ECONN|comfy|s3cret|10\.1/)
  expect(log.lines.join()).toMatch(/"reference":"01234567".*ECONNREFUSED/)
  expect(eventState(db, 'e1')).toMatchObject({ state: 'settled' })
})
