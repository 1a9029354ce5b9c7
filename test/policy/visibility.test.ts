import { describe, expect, it } from 'vitest'
import { type Setting, settingOf, visibilityOf, visibilityRows } from '../../policy/visibility.ts'
import { eventOf, said } from './commands.ts'

const usual: Setting = { buttons: false, media: false, mode: null, kind: 'dm', addressed: true, thread: false }
const group: Setting = { ...usual, kind: 'group', addressed: false }

describe('an answer', () => {
  it.each([
    ['in a DM', usual, true, 'visible'],
    ['with buttons, whatever else', { ...group, buttons: true, mode: 'internal' }, true, 'interactive_action_required'],
    ['internal', { ...usual, mode: 'internal' }, false, 'internal_delivery'],
    ['internal with files', { ...usual, mode: 'internal', media: true }, false, 'internal_delivery'],
    ['silent with files', { ...group, mode: 'silent', media: true }, true, 'file_delivery_preserved'],
    ['silent text', { ...usual, mode: 'silent' }, false, 'text_reply_suppressed'],
    ['tool text', { ...usual, mode: 'tool' }, false, 'text_reply_suppressed'],
    ['in a group nobody addressed us in', group, false, 'group_no_mention'],
    ['in a thread of it', { ...group, thread: true }, true, 'visible'],
    ['in a group that addressed us', { ...group, addressed: true }, true, 'visible'],
  ] as const)('%s', (_what, setting, visible, reason) => {
    expect(visibilityOf(setting)).toEqual({ visible, reason })
  })

  it('is always covered by a row', () => {
    expect(visibilityRows.at(-1)).toMatchObject({ visible: true, reason: 'visible' })
  })
})

describe('the setting of an answer', () => {
  const reply = { text: 'done', audience: 'everyone' } as const

  it('counts an explicit command as addressed', () => {
    const event = said('/status', 'group')
    expect(visibilityOf(settingOf(reply, event, true)).visible).toBe(true)
    expect(visibilityOf(settingOf(reply, event, false))).toEqual({ visible: false, reason: 'group_no_mention' })
  })

  it('counts a press and a native command as addressed by themselves', () => {
    const where = { ...eventOf().where, kind: 'group' } as const
    const press = eventOf({ where, body: { kind: 'press', action: 'a1' } })
    const native = eventOf({ where, body: { kind: 'command', name: 'status', options: {} } })
    expect(settingOf(reply, press, false).addressed).toBe(true)
    expect(settingOf(reply, native, false).addressed).toBe(true)
  })

  it('reads buttons, files, mode and thread', () => {
    const button = { label: 'Approve', say: '/approve x', ttlMs: 1000 }
    const media = { kind: 'image', blob: 'b', name: 'b.png', mime: 'image/png', bytes: 1 } as const
    const event = eventOf({ where: { ...eventOf().where, thread: '7' } })
    expect(settingOf({ ...reply, buttons: [button], media: [media], visibility: 'tool' }, event, false)).toEqual({
      buttons: true,
      media: true,
      mode: 'tool',
      kind: 'dm',
      addressed: true,
      thread: true,
    })
  })
})
