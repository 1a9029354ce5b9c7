import { describe, expect, it } from 'vitest'
import { editError, sendError, streamError, TelegramError } from '../../adapters/telegram/errors.ts'
import { goldenNames, readGolden } from './telegram-kit.ts'

interface Envelope {
  readonly error_code: number
  readonly description: string
  readonly parameters?: { readonly retry_after?: number; readonly migrate_to_chat_id?: number }
}

const recorded = (name: string): TelegramError => {
  const { response } = readGolden(name)
  if (!response) throw new Error(`${name} is no answer`)
  const { error_code, description, parameters } = response.body as Envelope
  return new TelegramError(response.forMethod, {
    status: error_code,
    description,
    retryAfterMs: parameters?.retry_after === undefined ? null : parameters.retry_after * 1000,
    movedTo: parameters?.migrate_to_chat_id === undefined ? null : String(parameters.migrate_to_chat_id),
  })
}

const refused = (status: number | null, description: string, more: object = {}) =>
  new TelegramError('sendMessage', { status, description, ...more })

describe('recorded refusals', () => {
  const sends: Record<string, object> = {
    'error.429.json': { code: 'rate_limited', delivered: 'no', retryAfterMs: 35_000 },
    'error.401.json': { code: 'auth', delivered: 'no' },
    'error.403-blocked.json': { code: 'target_gone', delivered: 'no' },
    'error.403-kicked.json': { code: 'target_gone', delivered: 'no' },
    'error.400-thread.json': { code: 'thread_gone', delivered: 'no' },
    'error.400-migrated.json': { code: 'target_gone', delivered: 'no' },
    'error.400-parse.json': { code: 'rejected', delivered: 'no' },
    'error.500.json': { code: 'unavailable', delivered: 'maybe' },
  }
  /** These answer other calls; the tests of those use them. */
  const others = [
    'error.400-not-modified.json',
    'error.400-query-old.json',
    'error.409-other-poller.json',
    'error.409-webhook-active.json',
  ]

  it.each(Object.keys(sends))('%s of a send means', (name) => {
    expect(sendError(recorded(name), false)).toMatchObject(sends[name] ?? {})
  })

  it('are all covered', () => {
    expect([...Object.keys(sends), ...others].toSorted()).toEqual(goldenNames('error.').toSorted())
  })

  it.each(['error.409-other-poller.json', 'error.409-webhook-active.json'])('%s stops polling for a while', (name) => {
    expect(streamError(recorded(name), 0)).toMatchObject({ fatal: false, retryAfterMs: 15_000 })
    expect(streamError(recorded(name), 1).retryAfterMs).toBe(60_000)
  })

  it('name the cure for each kind of conflict', () => {
    expect(streamError(recorded('error.409-other-poller.json'), 0).message).toContain('another program polls')
    expect(streamError(recorded('error.409-webhook-active.json'), 0).message).toContain('deleteWebhook')
  })

  it('of the token end polling for good', () => {
    expect(streamError(recorded('error.401.json'), 0)).toMatchObject({ fatal: true })
  })

  it('of the rate tell polling how long to wait', () => {
    expect(streamError(recorded('error.429.json'), 0)).toMatchObject({ fatal: false, retryAfterMs: 35_000 })
  })
})

describe('a refused send', () => {
  it.each([
    [400, 'Bad Request: chat not found', 'target_gone'],
    [400, 'Bad Request: have no rights to send a message', 'target_gone'],
    [400, 'Bad Request: TOPIC_CLOSED', 'thread_gone'],
    [400, 'Bad Request: message is too long', 'rejected'],
    [404, 'Not Found', 'auth'],
    [301, 'not a Bot API answer', 'unavailable'],
    [413, 'Request Entity Too Large', 'media_rejected'],
  ])('%i %s is %s', (status, description, code) => {
    expect(sendError(refused(status, description), false)).toMatchObject({ code, delivered: 'no' })
  })

  it.each([
    'Bad Request: PHOTO_INVALID_DIMENSIONS',
    'Bad Request: IMAGE_PROCESS_FAILED',
    'Bad Request: wrong file identifier/HTTP URL specified',
    'Bad Request: file of size 10668803 bytes is too big for a photo; the maximum size is 10485760 bytes',
    'Bad Request: VOICE_MESSAGES_FORBIDDEN',
    'Bad Request: not enough rights to send photos to the chat',
  ])('of a file goes one rung down: %s', (description) => {
    expect(sendError(refused(400, description), true)).toMatchObject({ code: 'media_rejected', delivered: 'no' })
  })

  it('of a file into a chat that is gone is about the chat', () => {
    expect(sendError(refused(400, 'Bad Request: chat not found'), true).code).toBe('target_gone')
  })

  it('of an album in its middle may have shown its beginning', () => {
    const limited = 'Bad Request: failed to send message #4 with the error message "Too Many Requests: retry after 8"'
    expect(sendError(refused(400, limited), true)).toMatchObject({
      code: 'rate_limited',
      delivered: 'maybe',
      retryAfterMs: 8000,
    })
    const wrong = 'Bad Request: failed to send message #2 with the error message "PHOTO_INVALID_DIMENSIONS"'
    expect(sendError(refused(400, wrong), true)).toMatchObject({ code: 'media_rejected', delivered: 'maybe' })
  })

  it.each(['no', 'maybe'] as const)('without any answer keeps whether it may have arrived: %s', (delivered) => {
    expect(sendError(refused(null, 'network trouble', { delivered }), false)).toMatchObject({
      code: 'unavailable',
      delivered,
    })
  })
})

describe('a refused edit', () => {
  it.each([
    'Bad Request: message to edit not found',
    "Bad Request: message can't be edited",
    'Bad Request: MESSAGE_ID_INVALID',
    'Bad Request: there is no text in the message to edit',
  ])('is gone: %s', (description) => {
    expect(editError(refused(400, description)).code).toBe('edit_gone')
  })

  it('in a group that moved is gone, because its ids mean other messages now', () => {
    expect(editError(recorded('error.400-migrated.json')).code).toBe('edit_gone')
  })

  it('is never doubtful: editing twice shows the same', () => {
    expect(editError(refused(500, 'Internal Server Error'))).toMatchObject({ code: 'unavailable', delivered: 'no' })
    expect(editError(refused(429, 'Too Many Requests', { retryAfterMs: 3000 }))).toMatchObject({
      code: 'rate_limited',
      retryAfterMs: 3000,
    })
  })
})
