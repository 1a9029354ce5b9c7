import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createLog, type LogOptions } from '../../src/log.ts'

const at = new Date(2026, 10, 21, 3, 14, 25).getTime()
const token = '123456:abcdefghijklmnopqrstuvwxyz'

function logWith(over: Partial<LogOptions> = {}) {
  const lines: string[] = []
  const destination = { write: (line: string) => lines.push(line) }
  const log = createLog({ level: 'debug', format: 'json', destination, secrets: [token], now: () => at, ...over })
  return { log, lines, records: () => lines.map((line): Record<string, unknown> => JSON.parse(line)) }
}

describe('JSON log lines', () => {
  it('carry level, time, fields and message', () => {
    const { log, lines, records } = logWith()
    log.info({ part: 'p1', via: 'push' }, 'sent')
    expect(records()).toEqual([
      { level: 'info', time: new Date(at).toISOString(), part: 'p1', via: 'push', msg: 'sent' },
    ])
    expect(lines[0]?.endsWith('}\n')).toBe(true)
  })

  it('begin at the level asked for', () => {
    const { log, records } = logWith({ level: 'warn' })
    log.debug({}, 'a')
    log.info({}, 'b')
    log.warn({}, 'c')
    log.error({}, 'd')
    expect(records().map((r) => r.msg)).toEqual(['c', 'd'])
  })

  it('of a child carry its fields too', () => {
    const { log, records } = logWith()
    log.child({ platform: 'parrot' }).child({ event: 'e1' }).info({ n: 1 }, 'kept')
    expect(records()[0]).toMatchObject({ platform: 'parrot', event: 'e1', n: 1, msg: 'kept' })
  })

  it('keep their own names for themselves', () => {
    const { log, records } = logWith()
    log.info({ level: 9, time: 'never', msg: 'no' }, 'yes')
    expect(records()[0]).toMatchObject({ level: 'info', level_: 9, time_: 'never', msg_: 'no', msg: 'yes' })
  })
})

describe('secrets in log lines', () => {
  it('are replaced wherever they stand', () => {
    const { log, lines } = logWith()
    log.info({ url: `https://api.example/bot${token}/send?x=1`, deep: { list: [token] }, [token]: 1 }, `got ${token}`)
    log.info({ body: JSON.stringify({ token }) }, encodeURIComponent(token))
    log.child({ who: token }).error({ err: new Error(`401 for ${token}`, { cause: new Error(token) }) }, 'failed')
    for (const line of lines) expect(line).not.toContain('abcdefghijklmnop')
    expect(lines).toHaveLength(3)
  })

  it('go by the name of their field, even when nobody configured them', () => {
    const { log, records } = logWith()
    log.info(
      { access_token: 'x1', Authorization: 'Bearer y', apiKey: ['z'], tokenMs: 5, hasSecret: true, key: 'p1' },
      'm',
    )
    expect(records()[0]).toMatchObject({
      access_token: '***',
      Authorization: '***',
      apiKey: '***',
      tokenMs: 5,
      hasSecret: true,
      key: 'p1',
    })
  })

  it('do not stay in URLs: no query, no credentials, no token in the path', () => {
    const { log, records } = logWith({ secrets: [] })
    const cause = new Error('GET https://ann:pw@api.example/bot99999:aaaaaaaaaaaaaaaaaaaaaaaa/x?sig=abc failed')
    log.warn({ err: new TypeError('fetch failed', { cause }) }, 'retry')
    const { err } = records()[0] as { err: { type: string; message: string; cause: { message: string } } }
    expect(err).toMatchObject({ type: 'TypeError', message: 'fetch failed' })
    expect(err.cause.message).toBe('GET https://api.example/bot***/x?… failed')
    expect(JSON.stringify(err.cause)).not.toContain('stack')
  })

  it('do not survive inside a number; the line is withheld', () => {
    const { log, records } = logWith({ secrets: ['987654321'] })
    log.info({ chat: 987_654_321 }, 'm')
    expect(records()).toEqual([{ level: 'warn', msg: expect.stringContaining('withheld') }])
  })

  it('never appear, whatever is logged and however', () => {
    const secret = fc.string({ unit: 'grapheme', minLength: 6, maxLength: 30 }).filter((s) => s.trim().length >= 6)
    const around = fc.string({ maxLength: 5000 })
    fc.assert(
      fc.property(secret, around, fc.constantFrom('json', 'pretty'), fc.jsonValue(), (s, text, format, value) => {
        fc.pre(!JSON.stringify({ text, value, more: 'level info time msg *** err type message stack' }).includes(s))
        const { log, lines } = logWith({ secrets: [s], format: format as 'json' | 'pretty' })
        log.info({ a: text + s + text, [s]: value, n: [{ u: `https://x/?q=${encodeURIComponent(s)}` }] }, `${text}${s}`)
        log.error({ err: new Error(s), body: JSON.stringify({ s }) }, 'm')
        for (const line of lines) {
          expect(line.includes(s)).toBe(false)
          expect(line.includes(JSON.stringify(s).slice(1, -1))).toBe(false)
        }
      }),
      { numRuns: 300 },
    )
  })
})

describe('bounds of log lines', () => {
  it('hold for long texts, wide and deep objects, cycles and odd values', () => {
    const { log, lines, records } = logWith()
    const loop: Record<string, unknown> = { name: 'loop' }
    loop.self = loop
    const wide = Object.fromEntries(Array.from({ length: 5000 }, (_, i) => [`k${i}`, { a: 'x'.repeat(9000) }]))
    log.info({ loop, wide, long: 'y'.repeat(1_000_000) }, 'z'.repeat(1_000_000))
    expect(lines[0]!.length).toBeLessThan(60_000)
    log.info({ big: 5n, fn: () => 1, none: undefined, when: new Date(Number.NaN), bytes: new Uint8Array(3) }, 'odd')
    expect(records()[1]).toMatchObject({ big: '5', fn: '[function]', when: 'no date', bytes: '[3 bytes]' })
  })
})

describe('pretty log lines', () => {
  it('are one readable line', () => {
    const { log, lines } = logWith({ format: 'pretty', level: 'info' })
    log.info({ part: 'p1', text: 'two words', n: 3, none: null }, 'sent')
    log.error({ err: Object.assign(new Error('no route'), { code: 'EHOSTUNREACH' }) }, 'lost')
    expect(lines).toEqual([
      '03:14:25 INFO  sent part=p1 text="two words" n=3 none=null\n',
      '03:14:25 ERROR lost err="Error: no route (EHOSTUNREACH)"\n',
    ])
  })

  it('show call stacks at level debug', () => {
    const { log, lines } = logWith({ format: 'pretty' })
    log.error({ err: new Error('no route') }, 'lost')
    expect(lines[0]).toMatch(/^03:14:25 ERROR lost err="Error: no route"\n {4}at /)
  })

  it('cannot be broken or coloured by what people write', () => {
    const { log, lines } = logWith({ format: 'pretty', level: 'info' })
    log.info({ text: 'a\nb\u001b[31m\u202eevil' }, 'got\n03:14:25 INFO fake')
    expect(lines[0]!.trimEnd()).toBe('03:14:25 INFO  got\\u000a03:14:25 INFO fake text="a\\nb\\u001b[31m\\u202eevil"')
  })
})
