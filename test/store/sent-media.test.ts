import { expect, test } from 'vitest'
import { type InboundEvent, laneOf, type MediaRef, type Part, type Receipt } from '../../src/contract/index.ts'
import { addPart, markSent } from '../../src/store/outbox.ts'
import {
  addFurtherMessages,
  addSentMedia,
  latestMedia,
  mediaOfMessage,
  ownMediaOf,
  pruneSentMedia,
} from '../../src/store/sent-media.ts'
import { artifact } from '../delivery/plan-kit.ts'
import { address, event, part, testStore } from '../kit/core.ts'

const lane = laneOf(address())
const image = (ref: string): MediaRef => ({ kind: 'image', ref, bytes: 7 })
const sent = (id: string, refs: readonly string[], over: Partial<InboundEvent> = {}) =>
  event(id, '', { media: refs.map(image), ...over })
const refs = (media: readonly MediaRef[]) => media.map(({ ref }) => ref)

test('what came in a message is found by it, in order, as it was; a repeat changes nothing', () => {
  const { db } = testStore()
  for (let i = 0; i < 2; i++) addSentMedia(db, sent('1', ['a', 'b']), 1000)
  expect(mediaOfMessage(db, lane, 'msg-1')).toEqual([image('a'), image('b')])
  expect(mediaOfMessage(db, lane, 'msg-2')).toEqual([])
  expect(mediaOfMessage(db, laneOf(address({ chat: 'other' })), 'msg-1')).toEqual([])
})

test('the latest are those of one person in one chat since then, oldest first', () => {
  const { db } = testStore()
  addSentMedia(db, sent('1', ['old']), 1000)
  addSentMedia(db, sent('2', ['a']), 2000)
  addSentMedia(db, sent('3', ['not hers'], { from: { id: 'bob', self: false, bot: false } }), 2000)
  addSentMedia(db, sent('4', ['elsewhere'], { where: address({ chat: 'c2' }) }), 2000)
  addSentMedia(db, sent('5', ['b'], { message: undefined }), 2001)
  expect(refs(latestMedia(db, lane, 'fake:ann', 1000))).toEqual(['a', 'b'])
})

test('twenty of one person in one chat are remembered, and after a while none', () => {
  const { db } = testStore()
  for (let i = 0; i < 30; i++) addSentMedia(db, sent(String(i), [`r${i}`]), i)
  addSentMedia(db, sent('bob', ['bobs'], { from: { id: 'bob', self: false, bot: false } }), 5)
  const all = refs(latestMedia(db, lane, 'fake:ann', -1))
  expect([all.length, all[0], all.at(-1)]).toEqual([20, 'r10', 'r29'])
  expect(pruneSentMedia(db, 25, 4)).toBe(4)
  while (pruneSentMedia(db, 25, 4) > 0);
  expect(refs(latestMedia(db, lane, 'fake:ann', -1))).toEqual(['r25', 'r26', 'r27', 'r28', 'r29'])
  expect(latestMedia(db, lane, 'fake:bob', -1)).toEqual([])
})

test('what our own message carried is found by it, and by the further messages of its call', () => {
  const { db } = testStore()
  const media = (blob: string) => ({ kind: 'media' as const, media: artifact({ blob }), as: 'photo' })
  const words = { kind: 'text' as const, text: 'a result' }
  const sentAs = (key: string, items: Part['items'], receipt: Receipt): void => {
    const one = part(key, { items })
    addPart(db, { part: one }, 1)
    markSent(db, key, receipt, 1)
    addFurtherMessages(db, one, receipt, 1)
  }
  sentAs('k1', [words, media('b1'), media('b2')], { message: 'm1', more: ['m2', 'm3'], via: 'push' })
  sentAs('k2', [media('b3'), media('b4')], { message: 'm4', more: ['m5'], via: 'push' })
  sentAs('k3', [words], { message: 'm6', via: 'push' })
  const own = (message: string) => ownMediaOf(db, lane, message)?.map(({ blob }) => blob) ?? null
  expect([own('m1'), own('m4'), own('m6'), own('m9')]).toEqual([['b1', 'b2'], ['b3'], [], null])
  expect(ownMediaOf(db, laneOf(address({ chat: 'other' })), 'm1')).toBeNull()
  const further = (message: string) => mediaOfMessage(db, lane, message)
  expect([further('m2'), further('m3'), further('m5')]).toEqual(
    ['b1', 'b2', 'b4'].map((blob) => [{ kind: 'image', blob }]),
  )
  expect(latestMedia(db, lane, 'fake:ann', -1)).toEqual([])
})

test('a message that is only answered is not what came', () => {
  const { db } = testStore()
  addSentMedia(db, sent('1', ['m7', 'a'], { replyTo: 'm7' }), 1000)
  expect(refs(latestMedia(db, lane, 'fake:ann', -1))).toEqual(['a'])
})
