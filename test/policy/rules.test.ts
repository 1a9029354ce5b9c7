import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { commands, platformIds, read } from './commands.ts'

const variablesOf = (raw: Parameters<typeof read>[0]) => read(raw).problems.map((p) => p.variable)

describe('overrides', () => {
  const overridesOf = (json: string) => Object.fromEntries(read({ overridesJson: json }).rules.overrides)

  it('are matched by name or any alias, with or without slash, in any case', () => {
    expect(overridesOf('{" RUN ": "admin", "/cancel": "Public", "start": " run ", "queue": "public"}')).toEqual({
      '/run': 'admin',
      '/stop': 'public',
      '/help': 'run',
      '/jobs': 'public',
    })
  })

  it('are absent when the variable is missing, blank or an empty object', () => {
    for (const overridesJson of [undefined, '', '  ', '{}']) {
      expect(read({ overridesJson })).toMatchObject({ problems: [], warnings: [] })
      expect(read({ overridesJson }).rules.overrides.size).toBe(0)
    }
  })

  it.each([
    ['{"/approve": null}', '"/approve": null'],
    ['{"/approve": 0}', '"/approve": 0'],
    ['{"/approve": "pubic"}', '"/approve": "pubic"'],
    ['{"/approve": ["public"]}', '"/approve": ["public"]'],
    ['{"/approve": {"class": "public"}}', '"/approve": {"class":"public"}'],
    ['{"/aprove": "public"}', '"/aprove": "public"'],
    ['{"__proto__": "public"}', '"__proto__": "public"'],
    ['{"/stop": "public", "cancel": "admin"}', '"cancel": "admin"'],
    ['{"run": "admin", "run": "public"}', '"run": "public"'],
    ['["/approve"]', '"[\\"/approve\\"]"'],
    ['"admin"', '"\\"admin\\""'],
    ['null', '"null"'],
    ['{approve: public}', '"{approve: public}"'],
  ])('%s is one problem and opens nothing', (overridesJson, shown) => {
    const { problems, rules } = read({ overridesJson })
    expect(problems).toHaveLength(1)
    expect(problems[0]).toMatchObject({ variable: 'OPENCLAW_COMMAND_OVERRIDES', read: shown })
    expect(problems[0]?.cure).not.toBe('')
    expect(rules.overrides.get('/approve')).toBeUndefined()
  })

  it('may name one command twice with the same class', () => {
    expect(read({ overridesJson: '{"stop": "admin", "/cancel": "admin"}' }).problems).toEqual([])
  })

  it('are all reported together, and what was read is cut to a line', () => {
    const { problems } = read({ overridesJson: JSON.stringify({ a: 'run', b: 'run', run: 'x'.repeat(5000) }) })
    expect(problems).toHaveLength(3)
    for (const { read: shown } of problems) expect(shown.length).toBeLessThanOrEqual(62)
  })

  it('only ever hold known commands and classes, whatever the text', () => {
    const values = fc.oneof(fc.constantFrom('public', 'run', 'admin', 'ADMIN', 'none'), fc.jsonValue())
    const keys = fc.oneof(fc.constantFrom('/run', 'stop', '/cancel', 'QUEUE', '/nothing'), fc.string())
    const json = fc.oneof(
      fc.dictionary(keys, values).map((o) => JSON.stringify(o)),
      fc.string(),
      fc.json(),
    )
    fc.assert(
      fc.property(json, (overridesJson) => {
        for (const [name, of] of read({ overridesJson }).rules.overrides) {
          expect(commands.map((c) => c.name)).toContain(name)
          expect(['public', 'run', 'admin']).toContain(of)
        }
      }),
    )
  })
})

describe('id lists', () => {
  it('take bare and qualified ids, trim them and leave out blanks', () => {
    const { rules, problems } = read({ adminUsers: [' 123 ', 'Telegram:456', '', 'slack:U1', '-100987'] })
    expect(problems).toEqual([])
    expect([...rules.admins.bare]).toEqual(['123', '-100987'])
    expect([...rules.admins.qualified]).toEqual(['telegram:456', 'slack:U1'])
  })

  it('keep colons that follow no word as part of the id', () => {
    const { rules, problems } = read({ allowRun: ['8210:3@s.whatsapp.net', 'ou_ab:c'] })
    expect(problems).toEqual([])
    expect(rules.allowFrom.run?.bare.size).toBe(2)
  })

  it('are not configured when nothing but blanks is written', () => {
    expect(read({ allowRun: ['', '  '] }).rules.allowFrom.run).toBeNull()
  })

  it('name the variable of each mistake', () => {
    expect(
      variablesOf({
        adminUsers: ['telegramm:1'],
        allowPublic: ['["1"'],
        allowRun: ['*'],
        allowAdmin: ['slack:'],
        trust: [
          { platform: 'slack', users: ['telegram:1'], chats: ['C1;C2'] },
          {
            platform: 'kakao',
            users: ['foo:1'],
            chats: [],
            variables: { users: 'MY_USERS', chats: 'MY_CHATS' },
          },
        ],
      }),
    ).toEqual([
      'OPENCLAW_CONNECTOR_ADMIN_USERS',
      'OPENCLAW_COMMAND_ALLOW_FROM_PUBLIC',
      'OPENCLAW_COMMAND_ALLOW_FROM_RUN',
      'OPENCLAW_COMMAND_ALLOW_FROM_ADMIN',
      'OPENCLAW_CONNECTOR_SLACK_ALLOWED_USERS',
      'OPENCLAW_CONNECTOR_SLACK_ALLOWED_CHATS',
      'MY_USERS',
    ])
  })

  it('stay closed when they hold nothing but mistakes', () => {
    expect(read({ allowRun: ['telegramm:1'] }).rules.allowFrom.run).toMatchObject({ bare: new Set() })
  })

  it('of a platform take its own prefix and none of another', () => {
    const { rules, problems } = read({ trust: [{ platform: 'slack', users: ['slack:U1', 'U2'], chats: ['kakao:C'] }] })
    expect([...(rules.trust.get('slack')?.users ?? [])]).toEqual(['U1', 'U2'])
    expect(problems).toEqual([
      {
        variable: 'OPENCLAW_CONNECTOR_SLACK_ALLOWED_CHATS',
        read: '"kakao:C"',
        cure: 'This list is for slack only. Move the id to the list of kakao, or take it out.',
      },
    ])
  })

  it('of one platform given twice are joined', () => {
    const one = { platform: 'slack', chats: [] }
    const { rules } = read({
      trust: [
        { ...one, users: ['U1'] },
        { ...one, users: ['U2'] },
      ],
    })
    expect(rules.trust.get('slack')?.users).toEqual(new Set(['U1', 'U2']))
  })
})

describe('the warning about bare ids', () => {
  it('comes once, names the variables and a qualified form', () => {
    const { warnings } = read({ adminUsers: ['slack:U1', '123'], allowAdmin: ['456', '789'] })
    expect(warnings).toHaveLength(1)
    expect(warnings[0]).toContain('OPENCLAW_CONNECTOR_ADMIN_USERS, OPENCLAW_COMMAND_ALLOW_FROM_ADMIN')
    expect(warnings[0]).toContain(`${platformIds[0]}:123`)
  })

  it('does not come for qualified ids and for the lists of a platform', () => {
    const trust = [{ platform: 'slack', users: ['U1'], chats: ['C1'] }]
    expect(read({ adminUsers: ['slack:U1'], trust }).warnings).toEqual([])
  })
})
