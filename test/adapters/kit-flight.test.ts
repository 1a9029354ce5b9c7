import { expect, test } from 'vitest'
import { shared } from '../../adapters/kit/flight.ts'
import { trustedUrl } from '../../adapters/kit/hosts.ts'

const open = (): AbortSignal => new AbortController().signal

const fetching = () => {
  const calls: { readonly signal: AbortSignal; readonly answer: (word: string) => void }[] = []
  const ask = shared(
    (signal) =>
      new Promise<string>((resolve) => {
        calls.push({ signal, answer: resolve })
      }),
    () => new Error('stopped'),
  )
  return { calls, ask }
}

test('all who ask at the same time share one answer, and who comes later starts anew', async () => {
  const { calls, ask } = fetching()
  const both = Promise.all([ask(open()), ask(open())])
  expect(calls).toHaveLength(1)
  calls[0]?.answer('first')
  expect(await both).toEqual(['first', 'first'])
  const later = ask(open())
  calls[1]?.answer('second')
  expect(await later).toBe('second')
})

test('who is stopped leaves alone; the others get their answer', async () => {
  const { calls, ask } = fetching()
  const stopping = new AbortController()
  const [stopped, other] = [ask(stopping.signal), ask(open())]
  stopping.abort()
  await expect(stopped).rejects.toThrow('stopped')
  expect(calls[0]?.signal.aborted).toBe(false)
  calls[0]?.answer('there')
  expect(await other).toBe('there')
})

test('the work is aborted with its last asker, and nobody joins it any more', async () => {
  const { calls, ask } = fetching()
  const stopping = new AbortController()
  const stopped = ask(stopping.signal)
  stopping.abort()
  await expect(stopped).rejects.toThrow('stopped')
  expect(calls[0]?.signal.aborted).toBe(true)
  const next = ask(open())
  expect(calls).toHaveLength(2)
  calls[1]?.answer('fresh')
  expect(await next).toBe('fresh')
})

test('an address is trusted on its hosts over https, or on the origin of the operator, never with credentials', () => {
  const isOurs = (host: string): boolean => host === 'files.example.com'
  const trusted = (text: string): boolean => trustedUrl(text, isOurs, 'http://127.0.0.1:8000/base') !== null
  expect(trusted('https://files.example.com/a?b=c')).toBe(true)
  expect(trusted('http://127.0.0.1:8000/elsewhere')).toBe(true)
  for (const text of [
    'http://files.example.com/a',
    'https://files.example.com:8443/a',
    'https://user@files.example.com/a',
    'https://files.example.com.evil.example/a',
    'http://127.0.0.1:8001/',
    'http://user:word@127.0.0.1:8000/',
    `https://files.example.com/${'a'.repeat(2048)}`,
    'file:///etc/passwd',
    'nothing',
  ])
    expect(trusted(text), text).toBe(false)
})
