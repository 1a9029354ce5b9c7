import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import { decode } from '../../adapters/telegram/decode.ts'
import { bot, update } from '../../adapters/telegram/wire.ts'
import { vouch } from '../../src/contract/index.ts'
import { goldenNames, readGolden } from './telegram-kit.ts'

const nowMs = 1_767_300_000_000
const envelope = v.object({ result: bot })
const me = v.parse(envelope, readGolden('api.getme.json').response?.body).result

const decoded = (name: string) => decode(vouch(v.parse(update, readGolden(name).payload), 'tls'), me, nowMs)

const alice = { id: '501000111', name: 'Alice Example', self: false, bot: false }
const bob = { id: '501000222', name: 'Bob', self: false, bot: false }
const dm = { platform: 'telegram', account: '7000000001', chat: '501000111', kind: 'dm' }
const group = { platform: 'telegram', account: '7000000001', chat: '-1001900000001', kind: 'group' }
const forum = { ...group, chat: '-1001900000002' }
const said = (text: string, addressed: boolean) => ({ kind: 'text', text, addressed })
const photo = { kind: 'image', ref: 'FAKEFILEID-photo-x', mime: 'image/jpeg', bytes: 92_811 }

/** The whole event of each fixture; the id and `proof` are added below. */
const events: Record<string, object> = {
  'dm-text': { where: dm, from: alice, at: 1_767_225_600_000, message: '11', body: said('hello 🎨 bot', true) },
  'dm-command': {
    where: dm,
    from: alice,
    at: 1_767_225_605_000,
    message: '12',
    body: said('/run portrait steps=20 prompt="a red fox 🦊"', true),
  },
  'group-command-suffix': {
    where: group,
    from: alice,
    at: 1_767_225_610_000,
    message: '301',
    body: said('/status', true),
  },
  'group-mention': {
    where: group,
    from: bob,
    at: 1_767_225_612_000,
    message: '303',
    body: said('hey what is queued?', true),
  },
  'group-text-mention': {
    where: group,
    from: alice,
    at: 1_767_225_613_000,
    message: '304',
    body: said('Bob please look', false),
  },
  'group-reply-to-bot': {
    where: group,
    from: alice,
    at: 1_767_225_614_000,
    message: '305',
    body: said('approve this', true),
    replyTo: '290',
  },
  'forum-topic-command': {
    where: { ...forum, thread: '77' },
    from: alice,
    at: 1_767_225_620_000,
    message: '401',
    body: said('/jobs', false),
  },
  'forum-general-topic': {
    where: forum,
    from: alice,
    at: 1_767_225_621_000,
    message: '402',
    body: said('general chatter', false),
  },
  'supergroup-reply-thread-id': {
    where: group,
    from: bob,
    at: 1_767_225_622_000,
    message: '306',
    body: said('ok', true),
    replyTo: '290',
  },
  'photo-caption-command': {
    where: dm,
    from: alice,
    at: 1_767_225_630_000,
    message: '13',
    body: said('/run upscale strength=0.4', true),
    media: [photo],
  },
  document: {
    where: dm,
    from: alice,
    at: 1_767_225_631_000,
    message: '14',
    body: said('my workflow', true),
    media: [{ kind: 'file', ref: 'FAKEFILEID-doc', mime: 'application/json', bytes: 20_480, name: 'workflow.json' }],
  },
  'album-1': {
    where: dm,
    from: alice,
    at: 1_767_225_632_000,
    message: '15',
    body: said('two refs', true),
    media: [photo],
  },
  'album-2': { where: dm, from: alice, at: 1_767_225_632_000, message: '16', body: said('', true), media: [photo] },
  voice: {
    where: dm,
    from: alice,
    at: 1_767_225_633_000,
    message: '17',
    body: said('', true),
    media: [{ kind: 'audio', ref: 'FAKEFILEID-voice', mime: 'audio/ogg', bytes: 12_044 }],
  },
  'anonymous-admin': {
    where: group,
    // The chat itself, never the placeholder user nor a person.
    from: { id: '-1001900000001', name: 'Render Group', self: false, bot: false },
    at: 1_767_225_651_000,
    message: '307',
    body: said('/approve apr_12345', false),
  },
  'callback-query': {
    where: { ...forum, thread: '77' },
    from: alice,
    at: nowMs,
    body: { kind: 'press', action: 'a:apr_12345:9f2c', message: '410' },
    handle: { kind: 'token', value: '4382000000000000001', expiresAt: nowMs + 30_000 },
  },
  'callback-query-inaccessible': {
    where: group,
    from: alice,
    at: nowMs,
    body: { kind: 'press', action: 'a:apr_00001:1111', message: '88' },
    handle: { kind: 'token', value: '4382000000000000002', expiresAt: nowMs + 30_000 },
  },
}

const ignored = [
  'group-command-other-bot',
  'edited-message',
  'channel-post',
  'message-reaction',
  'ephemeral-message',
  'guest-message',
]

/** What the operator is told. */
const notes: Record<string, object> = {
  'my-chat-member-added': {
    fields: { chat: '-1001900000001', by: '501000111', status: 'member' },
    about: 'the bot is in a group',
  },
  'my-chat-member-kicked': {
    fields: { chat: '-1001900000001', by: '501000111', status: 'kicked' },
    about: 'the bot was removed from a group',
  },
  'my-chat-member-blocked': {
    fields: { chat: '501000111', by: '501000111', status: 'kicked' },
    about: 'a person blocked the chat with the bot',
  },
  'migrate-to-supergroup': {
    fields: { chat: '-4200000001', moved: '-1001900000009' },
    about: 'a group became a supergroup and has a new id: lists that name the old one need the new one',
  },
}

const fileOf = (name: string) => `update.${name}.json`

describe('recorded updates', () => {
  it.each(Object.keys(events))('%s becomes its event', (name) => {
    const result = decoded(fileOf(name))
    const want = { proof: 'tls', media: [], ...events[name] }
    expect(result).toEqual({ kind: 'event', event: { id: expect.stringMatching(/^telegram:7000000001:/), ...want } })
  })

  it.each(ignored)('%s is ignored', (name) => {
    expect(decoded(fileOf(name)).kind).toBe('ignored')
  })

  it.each(Object.keys(notes))('%s is told to the operator only', (name) => {
    expect(decoded(fileOf(name))).toEqual({ kind: 'note', ...notes[name] })
  })

  it('are all covered', () => {
    const covered = [...Object.keys(events), ...ignored, ...Object.keys(notes)].map(fileOf)
    expect(covered.toSorted()).toEqual(goldenNames('update.').toSorted())
  })

  it('survive being stored as JSON', () => {
    for (const name of Object.keys(events)) {
      const result = decoded(fileOf(name))
      expect(JSON.parse(JSON.stringify(result))).toEqual(result)
    }
  })

  it('have ids that name the act: the message, or the press', () => {
    const idOf = (name: string) => {
      const result = decoded(fileOf(name))
      return result.kind === 'event' ? result.event.id : null
    }
    expect(idOf('dm-text')).toBe('telegram:7000000001:message:501000111:11')
    expect(idOf('callback-query')).toBe(readGolden('update.callback-query.json').meta.idempotencyKey)
    const all = Object.keys(events).map(idOf)
    expect(new Set(all).size).toBe(all.length)
  })
})
