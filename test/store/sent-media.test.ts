import { expect, test } from 'vitest'
import { type InboundEvent, laneOf, type MediaRef } from '../../src/contract/index.ts'
import { addSentMedia, latestMedia, mediaOfMessage, pruneSentMedia } from '../../src/store/sent-media.ts'
import { address, event, testStore } from '../kit/core.ts'

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
