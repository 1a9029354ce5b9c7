import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Backend } from '../../src/backend/client.ts'
import type { Failure } from '../../src/backend/http.ts'
import { commands } from '../../src/commands/index.ts'
import { backendWith, failure, kinds, ok } from '../jobs/backend-kit.ts'
import { mute } from '../jobs/jobs-kit.ts'
import { commandRig, portrait } from './kit.ts'

/** What no answer may contain: holes in a sentence, and what belongs into a log. */
const holes = /\bundefined\b|\bNaN\b|\[object|\bnull\b|Infinity|GET \/|POST \/|\bat Object\b/
/** A few messages of any platform; lists are cut long before. */
const longest = 8000

const failureOf = fc.record({
  kind: fc.constantFrom(...kinds),
  retryAfterMs: fc.option(fc.nat({ max: 1e8 })),
  said: fc.option(fc.constantFrom('Template not found', 'in status: approved', '')),
  code: fc.option(
    fc.constantFrom(
      'route_missing',
      'budget_exceeded',
      'rendered_workflow_size',
      'already_approved',
      'llm_not_configured',
      'provider_error',
    ),
  ),
  effect: fc.constantFrom('none' as const, 'maybe' as const),
})

const names = Object.keys(backendWith()) as (keyof Backend)[]
const failing = (which: Failure): Partial<Backend> =>
  Object.fromEntries(names.filter((name) => name !== 'diagnose').map((name) => [name, async () => which]))

const lines = commands.flatMap(({ name }) => [
  name,
  ...[
    'portrait a fox steps=3',
    'apr_1 because',
    'run sched_1',
    'on sched_1',
    'prompt-1',
    'abcd',
    'run a fox',
    'template x',
    '"',
    'ü=ö',
  ].map((args) => `${name} ${args}`),
])

const check = (text: string, line: string): void => {
  expect(text, line).not.toMatch(holes)
  expect(text.length, line).toBeLessThanOrEqual(longest)
  expect(text.trim(), line).not.toBe('')
}

test('whatever the backend refuses, every command answers every person in a whole sentence', async () => {
  const { say, reset } = commandRig({ caps: mute })
  await fc.assert(
    fc.asyncProperty(
      failureOf,
      fc.constantFrom(...lines),
      fc.constantFrom('boss', 'ann', 'eve'),
      async (how, line, who) => {
        const all = failure(how.kind, how)
        reset(failing(all), all)
        check(await say(who, line), line)
      },
    ),
    { numRuns: 100 },
  )
})

const words = fc.oneof(fc.string({ maxLength: 400 }), fc.constant('x'.repeat(500)))
const anything = fc.oneof(fc.jsonValue(), fc.constant('x'.repeat(30_000)))
const inputs = fc.dictionary(fc.string({ minLength: 1, maxLength: 256 }), anything, { maxKeys: 60 })
const template = fc.record({
  id: fc.constantFrom('portrait', 'my style', 'スタイル'),
  allowedInputs: fc.array(fc.string({ maxLength: 128 }), { maxLength: 400 }),
  defaults: fc.dictionary(fc.string({ maxLength: 128 }), fc.oneof(words, fc.double(), fc.boolean()), { maxKeys: 300 }),
})
const time = fc.option(fc.integer({ min: -8.64e15, max: 8.64e15 }))
const wild = fc.record({
  inputs,
  name: fc.option(words.map((text) => text.slice(0, 256))),
  expiresAtMs: time,
  number: fc.double({ noNaN: true, noDefaultInfinity: true }),
  message: fc.record({
    type: words,
    timestamp: fc.double({ noNaN: true }),
    node_type: fc.oneof(words, fc.constant(7)),
  }),
  templates: fc.array(template, { maxLength: 40 }),
})

test('whatever a backend of good will says, every command answers in a whole sentence of bearable length', async () => {
  const { say, reset } = commandRig({ caps: mute })
  await fc.assert(
    fc.asyncProperty(wild, fc.constantFrom(...lines), async (said, line) => {
      const approval = {
        approvalId: 'apr_1',
        templateId: said.name,
        inputs: said.inputs,
        status: 'pending' as const,
        source: null,
        traceId: null,
        tenantId: null,
        requestedAtMs: null,
        expiresAtMs: said.expiresAtMs,
        decidedAtMs: null,
        decidedBy: said.name,
        executedPromptId: null,
      }
      const schedule = {
        scheduleId: 'sched_1',
        name: said.name,
        templateId: 'portrait',
        inputs: said.inputs,
        cron: said.name,
        intervalSec: said.number,
        timezone: null,
        enabled: true,
      }
      const { type, ...data } = said.message
      const history = {
        promptId: 'prompt-1',
        traceId: null,
        clientId: null,
        createdAtMs: null,
        outputs: { '1': { text: [said.name], images: [{ filename: 'a.png', subfolder: '', type: 'output' }] } },
        statusText: 'error',
        messages: [
          { type, data },
          { type: 'execution_error', data: {} },
        ],
      }
      const calls: Partial<Backend> = {
        approvals: async () => ok({ approvals: Array(30).fill(approval), pendingCount: 30 }),
        approval: async () => ok(approval),
        schedules: async () => ok(Array(60).fill(schedule)),
        schedule: async () => ok(schedule),
        setScheduleEnabled: async () => ok(schedule),
        history: async () => ok(history),
        interruptAll: async () => ok(true as const),
        chat: async () => ok(said.name ?? ''),
      }
      reset(calls, said.templates)
      const text = await say('boss', line)
      expect(text.length, line).toBeLessThanOrEqual(longest)
      // Values may hold any word, so only what no value is made of is looked for.
      expect(text, line).not.toMatch(/\[object|\bNaN\b/)
      expect(text.trim(), line).not.toBe('')
    }),
    { numRuns: 100 },
  )
})

test('wrong usage of a command that needs something shows its usage and an example that works', async () => {
  const { say } = commandRig({ templates: [portrait] })
  for (const name of ['/run', '/approve', '/reject', '/schedule', '/trace', '/chat']) {
    const text = await say('boss', name)
    expect(text).toMatch(new RegExp(`^Usage: ${name} .*\\nExample: ${name} `))
  }
})

test('the table of commands keeps its own promises', () => {
  const spellings = commands.flatMap(({ name, aliases }) => [name, ...aliases])
  expect(new Set(spellings).size).toBe(spellings.length)
  for (const { name, usage, example, about, aliases } of commands) {
    expect(name).toMatch(/^\/[a-z]+$/)
    expect(usage.startsWith(name)).toBe(true)
    expect([name, ...aliases].some((word) => example.startsWith(word))).toBe(true)
    expect(about.length).toBeLessThanOrEqual(120)
  }
})
