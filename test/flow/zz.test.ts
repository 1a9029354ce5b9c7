import { test } from 'vitest'
import { openHouse } from './harness.ts'
import { carl, chatOf } from './telegram.ts'

const wait = (ms: number) => new Promise((r) => setTimeout(r, ms))
const out = (x: unknown) => process.stdout.write(`${typeof x === 'string' ? x : JSON.stringify(x, null, 1)}\n`)
test('x', async ({ onTestFinished }) => {
  const { telegram } = await openHouse(onTestFinished)
  const guest = chatOf(telegram, carl)
  const bob = chatOf(telegram, telegram.people.bob)
  const group = chatOf(telegram, carl, telegram.places.group)
  await group.say('/run portrait a red fox')
  await group.shows('[Approval')
  group.press('[Approval', 'Approve', carl)
  await wait(300)
  group.press('[Approval', 'Approve', telegram.people.bob)
  await group.shows(({ media }) => media.length > 0)
  await wait(9000)
  await guest.say('/run portrait a red fox')
  await bob.shows('[Approval Requested] by Carl')
  bob.press(/Approval Requested\] by Carl/, 'Approve')
  await guest.shows(({ media }) => media.length > 0)
  await wait(2000)
  for (const [n, c] of Object.entries({ group, guest, bob }))
    out(
      `=== ${n}\n` +
        c
          .seen()
          .map(
            (s) =>
              `[${s.id} reply ${s.replyTo} edits ${s.edits} only ${s.onlyFor}] ${s.media.length} {${s.buttons.map((b) => b.label)}}\n${s.text}`,
          )
          .join('\n---\n'),
    )
})
