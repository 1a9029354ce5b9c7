import { readdirSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Outcome, outcomeOf } from '../../src/backend/outcome.ts'
import { type HistoryEntry, readHistory } from '../../src/backend/wire-jobs.ts'
import { sample } from './host.ts'

const entriesOf = (name: string): readonly HistoryEntry[] => readHistory(sample(name).body) ?? []

const outcome = (name: string): Outcome => {
  const [entry] = entriesOf(name)
  if (entry === undefined) throw new Error(`${name} has no entry`)
  return outcomeOf(entry)
}

const entry = (outputs: object, more: object = {}): HistoryEntry => {
  const [made] =
    readHistory({ job: { prompt: [], outputs, status: { status_str: 'success', messages: [] }, ...more } }) ?? []
  if (made === undefined) throw new Error('no entry')
  return made
}

const shown = (outputs: object) =>
  outcomeOf(entry(outputs)).files.map((file) => [file.filename, file.kind, file.animated, file.type])

describe('the outcome of recorded jobs', () => {
  const expected: Readonly<Record<string, Partial<Outcome>>> = {
    'comfy-history-success-images': { kind: 'done', startedAtMs: 1795208084601, finishedAtMs: 1795208085807 },
    'comfy-history-success-images__comfy-0.3.64': { kind: 'done' },
    'comfy-history-success-cached-rerun': { kind: 'done' },
    'comfy-history-success-cached-rerun__comfy-0.3.64': { kind: 'done' },
    'comfy-history-animated-webp': { kind: 'done' },
    'comfy-history-savevideo': { kind: 'done' },
    'comfy-history-gifs-audio-text-files': { kind: 'done', texts: ['caption text'] },
    'comfy-history-loadimage-subfolder': { kind: 'done' },
    'comfy-history-preview-temp': { kind: 'done' },
    'comfy-history-list-max1': { kind: 'done' },
    'comfy-history-interrupted': { kind: 'cancelled', failure: null, traceId: 'trace-example' },
    'comfy-history-interrupted__comfy-0.3.64': { kind: 'cancelled', failure: null },
    'comfy-history-error': { kind: 'failed' },
    'comfy-history-error__comfy-0.3.64': { kind: 'failed' },
  }
  const none = [
    'comfy-history-after-delete',
    'comfy-history-of-deleted-pending',
    'comfy-history-unknown',
    'comfy-history-delete',
  ]

  it('is told for every one of them', () => {
    const names = readdirSync(new URL('../backend-samples/', import.meta.url))
      .filter((name) => name.startsWith('comfy-history-'))
      .map((name) => name.replace(/\.json$/, ''))
    expect(names.toSorted()).toEqual([...Object.keys(expected), ...none].toSorted())
    for (const name of none) expect(entriesOf(name)).toEqual([])
    for (const [name, value] of Object.entries(expected)) expect(outcome(name), name).toMatchObject(value)
  })

  it.each<[string, [string, string, boolean][]]>([
    [
      'comfy-history-success-images',
      [
        ['bench_00005_.png', 'image', false],
        ['bench_00006_.png', 'image', false],
      ],
    ],
    ['comfy-history-success-cached-rerun', [['cachetest_00001_.png', 'image', false]]],
    ['comfy-history-animated-webp', [['anim_00001_.webp', 'image', true]]],
    ['comfy-history-savevideo', [['bench_00001_.mp4', 'video', false]]],
    ['comfy-history-preview-temp', [['ComfyUI_temp_npryt_00001_.png', 'image', false]]],
    [
      'comfy-history-gifs-audio-text-files',
      [
        ['anim_1795208093351668487.gif', 'image', true],
        ['tone_1795208093351668487.wav', 'audio', false],
        ['note_1795208093351668487.txt', 'file', false],
      ],
    ],
    ['comfy-history-error', []],
    ['comfy-history-interrupted', []],
  ])('finds the files of %s', (name, files) => {
    expect(outcome(name).files.map((file) => [file.filename, file.kind, file.animated])).toEqual(files)
  })

  it('keeps subfolder, place and node of a file', () => {
    expect(outcome('comfy-history-savevideo').files).toEqual([
      { kind: 'video', filename: 'bench_00001_.mp4', subfolder: 'video', type: 'output', animated: false, nodeId: '2' },
    ])
    expect(outcome('comfy-history-preview-temp').files[0]?.type).toBe('temp')
  })

  it('tells why it failed without traceback, inputs and paths', () => {
    const failed = outcome('comfy-history-error')
    expect(failed.failure).toEqual({
      nodeId: '4',
      nodeType: 'BenchFail',
      exceptionType: 'RuntimeError',
      firstLine: 'deliberate failure',
    })
    expect(JSON.stringify(failed)).not.toMatch(/tensor|\.py|\/comfy/)
  })

  it('knows the trigger by its trace id, also of failed ones', () => {
    expect(outcome('openclaw-trigger-direct-history').traceId).toBe('09ad775c-558d-4a28-9c9f-0ae6df6e3c84')
    expect(outcome('openclaw-trigger-failed-job-history')).toMatchObject({
      kind: 'failed',
      traceId: expect.any(String),
    })
  })
})

describe('what decides', () => {
  const messages = (...list: unknown[]) => ({ status: { status_str: 'error', completed: false, messages: list } })

  it('is the last message that says how it ended', () => {
    const interrupted = ['execution_interrupted', { timestamp: 5 }]
    const error = ['execution_error', { exception_message: '\n  \nfirst\nsecond', node_id: 7 }]
    expect(outcomeOf(entry({}, messages(error, interrupted)))).toMatchObject({ kind: 'cancelled', finishedAtMs: 5 })
    expect(outcomeOf(entry({}, messages(interrupted, error)))).toMatchObject({
      kind: 'failed',
      failure: { firstLine: 'first', nodeId: '7' },
    })
    expect(outcomeOf(entry({}, messages(error, ['execution_success', {}])))).toMatchObject({
      kind: 'done',
      failure: null,
    })
  })

  it('is the status where no message does, and being there at all where nothing does', () => {
    expect(outcomeOf(entry({}, messages()))).toMatchObject({ kind: 'failed', failure: { firstLine: '' } })
    expect(outcomeOf(entry({}, { status: null }))).toMatchObject({ kind: 'done', startedAtMs: null })
  })

  it('is not what finished before: outputs of a failed job are kept', () => {
    const failed = outcomeOf(entry({ '9': { images: [{ filename: 'a.png' }] } }, messages(['execution_error', {}])))
    expect(failed).toMatchObject({ kind: 'failed', files: [{ filename: 'a.png', type: 'output', subfolder: '' }] })
  })
})

describe('which files', () => {
  it('shows previews only when nothing was saved, and inputs only when there is nothing else', () => {
    const images = ['input', 'temp', 'output'].map((type) => ({ filename: `${type}.png`, subfolder: '', type }))
    expect(shown({ '1': { images } })).toEqual([['output.png', 'image', false, 'output']])
    expect(shown({ '1': { images: images.slice(0, 2) } })).toEqual([['temp.png', 'image', false, 'temp']])
    expect(shown({ '1': { images: images.slice(0, 1) } })).toEqual([['input.png', 'image', false, 'input']])
  })

  it('names each file once, and tells equal names in different folders apart', () => {
    const images = ['', '', 'b'].map((subfolder) => ({ filename: 'a.png', subfolder, type: 'output' }))
    expect(outcomeOf(entry({ '1': { images }, '2': { images } })).files.map((file) => file.subfolder)).toEqual([
      '',
      'b',
    ])
  })

  it('goes by extension, and by format where there is none', () => {
    const gifs = [
      { filename: 'a.mp4', format: 'video/h264-mp4', frame_rate: 8 },
      { filename: 'b.webp', format: 'image/webp', frame_rate: 8 },
      { filename: 'c', format: 'video/webm' },
      { filename: 'd.GIF' },
    ]
    expect(shown({ '1': { gifs, '3d': [{ filename: 'e.glb' }], audio: [{ filename: 'f.flac' }] } })).toEqual([
      ['a.mp4', 'video', false, 'output'],
      ['b.webp', 'image', true, 'output'],
      ['c', 'video', false, 'output'],
      ['d.GIF', 'image', true, 'output'],
      ['e.glb', 'file', false, 'output'],
      ['f.flac', 'audio', false, 'output'],
    ])
  })

  it('takes several marks of movement one by one', () => {
    const images = ['a.webp', 'b.webp'].map((filename) => ({ filename }))
    expect(shown({ '1': { images, animated: [false, true] } }).map((file) => file[2])).toEqual([false, true])
    expect(shown({ '1': { images, animated: [true] } }).map((file) => file[2])).toEqual([true, true])
    expect(shown({ '1': { images, animated: [false] } }).map((file) => file[2])).toEqual([false, false])
  })

  it('leaves out what is no file name', () => {
    const images = ['', '..', 'a/b.png', 'a\\b.png', 'a\u0000.png', 7, null].map((filename) => ({ filename }))
    expect(shown({ '1': { images }, '2': 'text', '3': { images: [null, 'x'] } })).toEqual([])
  })

  it('collects texts, nested ones too, each once', () => {
    const nested = outcomeOf(
      entry({ '1': { text: ['a', ['b', 'a']] }, '2': { text: 'c', string: ['d'] }, '3': { text: [1, ''] } }),
    )
    expect(nested.texts).toEqual(['a', 'b', 'c', 'd'])
  })

  it('never throws, whatever the history holds', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), fc.jsonValue(), (outputs, status, prompt) => {
        const entries = readHistory({ job: { outputs, status, prompt } }) ?? []
        expect(['done', 'failed', 'cancelled']).toContain(entries.map(outcomeOf)[0]?.kind)
      }),
    )
  })
})
