import { describe, expect, test } from 'vitest'
import { againButton, carriesButtons } from '../../src/jobs/again.ts'
import { parse } from '../../src/router/parse.ts'
import { capabilities } from '../delivery/plan-kit.ts'
import { templatesOf } from './jobs-kit.ts'

const signal = new AbortController().signal
const portrait = { id: 'portrait', allowedInputs: ['prompt', 'seed', 'hires'], defaults: {} }
const note = { id: 'note', allowedInputs: ['prompt'], defaults: {} }
const job = { id: 'j1', requester: 'fake:ann', template: 'portrait', inputs: { prompt: 'a "red" fox', hires: false } }
const press = { kind: 'press', max: 5, perRow: 5, labelMax: 40 } as const

let ids = 0
const deps = { templates: templatesOf([portrait, note]), newId: () => `id${ids++}` }
const argsOf = (say: string | undefined): readonly string[] => {
  const parsed = parse(say ?? '')
  return parsed.ok ? parsed.line.args : expect.fail(say)
}

describe('the button that makes the same once more', () => {
  test('says it as it was asked for, with another seed each time, for whoever asked, once', async () => {
    const [first, second] = [await againButton(job, deps, signal), await againButton(job, deps, signal)]
    expect(first).toMatchObject({ only: 'fake:ann', once: 'again:j1' })
    const [template, ...inputs] = argsOf(first?.say)
    expect([template, ...inputs.slice(0, 2)]).toEqual(['portrait', 'prompt=a "red" fox', 'hires=false'])
    expect(inputs[2]).toMatch(/^seed=\d+$/)
    expect(argsOf(second?.say)[3]).not.toBe(inputs[2])
  })

  test('takes the place of a seed that was given, and adds none where the template takes none', async () => {
    const seeded = await againButton({ ...job, inputs: { prompt: 'x', seed: 7 } }, deps, signal)
    expect(argsOf(seeded?.say)).toEqual(['portrait', 'prompt=x', expect.not.stringMatching(/^seed=7$/)])
    const plain = await againButton({ ...job, template: 'note', inputs: { prompt: 'x' } }, deps, signal)
    expect(argsOf(plain?.say)).toEqual(['note', 'prompt=x'])
  })

  test('is not there for a template nobody knows, for inputs no line can say, nor for very long ones', async () => {
    expect(await againButton({ ...job, template: 'gone' }, deps, signal)).toBeNull()
    expect(await againButton({ ...job, inputs: { prompt: { a: 1 } } }, deps, signal)).toBeNull()
    expect(await againButton({ ...job, inputs: { prompt: 'x'.repeat(2001) } }, deps, signal)).toBeNull()
  })

  test('stands only where a button beside files costs no message of its own', () => {
    expect(carriesButtons(capabilities({ buttons: press, call: { items: 10 } }))).toBe(true)
    expect(carriesButtons(capabilities({ buttons: press, call: { items: 1 } }))).toBe(false)
    expect(carriesButtons(capabilities({ buttons: { ...press, withFiles: true }, call: { items: 1 } }))).toBe(true)
    expect(carriesButtons(capabilities({ buttons: { ...press, kind: 'type' }, call: { items: 10 } }))).toBe(false)
    expect(carriesButtons(capabilities({ buttons: null, call: { items: 10 } }))).toBe(false)
  })
})
