import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseRun, placeWords, wordsKey } from '../../src/router/inputs.ts'

const nothing = { templateId: null, inputs: {}, words: null, forceApproval: false }

describe('the arguments of /run', () => {
  it.each([
    [[], nothing],
    [['--approval'], { ...nothing, forceApproval: true }],
    [['Portrait_V1'], { ...nothing, templateId: 'Portrait_V1' }],
    [
      ['p', 'a', 'red', 'fox', 'steps=20'],
      { ...nothing, templateId: 'p', inputs: { steps: '20' }, words: 'a red fox' },
    ],
    [['steps=20', 'p', 'fox'], { ...nothing, templateId: 'p', inputs: { steps: '20' }, words: 'fox' }],
    [['-a', 'p', '--require-approval'], { ...nothing, templateId: 'p', forceApproval: true }],
    [['p', 'k=1', 'k=2'], { ...nothing, templateId: 'p', inputs: { k: '2' } }],
    [['p', ' k = a=b '], { ...nothing, templateId: 'p', inputs: { k: 'a=b' } }],
    [['p', 'k='], { ...nothing, templateId: 'p', inputs: { k: '' } }],
    [['p', '--input', 'k=1', '--input=l=2'], { ...nothing, templateId: 'p', inputs: { k: '1', l: '2' } }],
    [['p', '--input', 'fox'], { ...nothing, templateId: 'p', words: '--input fox' }],
    [['p', '1=2', '=x', 'a b=c'], { ...nothing, templateId: 'p', words: '1=2 =x a b=c' }],
    [['p', 'lora.strength-2=0.5'], { ...nothing, templateId: 'p', inputs: { 'lora.strength-2': '0.5' } }],
    [['template=p', 'prompt=fox'], { ...nothing, templateId: 'p', inputs: { prompt: 'fox' } }],
    [['p', 'template=x'], { ...nothing, templateId: 'p', inputs: { template: 'x' } }],
    [['p', '', ' '], { ...nothing, templateId: 'p' }],
  ])('%j', (args, expected) => {
    expect(parseRun(args)).toEqual(expected)
  })

  it('never lose a word, and reach no prototype', () => {
    const { inputs } = parseRun(['p', '__proto__=x', 'constructor=y'])
    expect(Object.entries(inputs)).toEqual([
      ['__proto__', 'x'],
      ['constructor', 'y'],
    ])
    const word = fc.stringMatching(/^[a-z0-9()]{1,8}$/)
    fc.assert(
      fc.property(word, fc.array(word, { minLength: 1 }), (template, words) => {
        expect(parseRun([template, ...words])).toMatchObject({ templateId: template, words: words.join(' ') })
      }),
    )
  })
})

describe('free words', () => {
  it.each([
    [['whatever'], 'whatever'],
    [['caption', 'text', 'seed'], 'text'],
    [['seed', 'prompt', 'positive_prompt'], 'positive_prompt'],
    [['seed', 'steps'], 'positive_prompt'],
    [[], 'positive_prompt'],
    [null, 'positive_prompt'],
  ])('of a template that takes %j go to %s', (allowed, key) => {
    expect(wordsKey(allowed)).toBe(key)
    expect(placeWords({ inputs: { seed2: '1' }, words: 'a fox' }, allowed)).toEqual({
      inputs: { seed2: '1', [key]: 'a fox' },
      dropped: null,
    })
  })

  it('never override what was given by key', () => {
    const run = { inputs: { prompt: 'cat' }, words: 'a fox' }
    expect(placeWords(run, ['prompt'])).toEqual({ inputs: { prompt: 'cat' }, dropped: 'a fox' })
  })

  it('that are not there change nothing', () => {
    expect(placeWords({ inputs: { a: '1' }, words: null }, ['b'])).toEqual({ inputs: { a: '1' }, dropped: null })
  })
})
