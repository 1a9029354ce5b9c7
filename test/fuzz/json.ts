import type { Random } from './random.ts'

type Path = readonly (string | number)[]

/** Stands in a value for text that JSON.stringify could not produce. */
const mark = (n: number): string => `@@raw-${n}@@`

const nested = (depth: number): string => `${'['.repeat(depth)}${']'.repeat(depth)}`
const nestedObjects = (depth: number): string => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`

/** What no sane sender sends; as JSON text. */
const strange: readonly string[] = [
  'null',
  'true',
  '0',
  '-0',
  '-1',
  '1.5',
  '1e400',
  '-1e-400',
  '9007199254740993',
  `1${'0'.repeat(400)}`,
  '""',
  '" "',
  '"null"',
  '"\\u0000"',
  '"\\ud800"',
  '"\\udfff\\ud800"',
  '"\\u202e\\u200b\\ufeff"',
  '"__proto__"',
  '"constructor"',
  `"${'긴'.repeat(3000)}"`,
  `"${'/'.repeat(9000)}"`,
  '"http://169.254.169.254/latest/meta-data"',
  '"file:///etc/passwd"',
  '"../../../../etc/passwd"',
  '"\' OR 1=1 --"',
  '[]',
  '[[]]',
  '[null,null]',
  '{}',
  '{"length":-1}',
  '{"toString":null,"valueOf":1}',
  '{"__proto__":{"admin":true}}',
  '{"then":1}',
  nested(200),
  nested(8000),
  nestedObjects(3000),
  `[${'0,'.repeat(5000)}0]`,
]

export const words: readonly string[] = [
  '/help',
  '/status',
  '/run',
  '/run portrait',
  '/run "',
  '/run portrait \\',
  '/run __proto__ constructor=1 __proto__=2',
  '/approve ../../x',
  '/history %00',
  '/trace  ',
  '/whoami@',
  '/@@@',
  '／HELP',
  '/help\u0000',
  `/run ${'a=b '.repeat(2000)}`,
  '/inbox',
  '/jobs',
  '/stop all',
  '/chat run',
]

const badKeys: readonly string[] = ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', '', '0']

const pathsOf = (value: unknown, at: Path = []): Path[] =>
  typeof value === 'object' && value !== null
    ? Object.entries(value).flatMap(([key, inner]) => [[...at, key], ...pathsOf(inner, [...at, key])])
    : []

const parentOf = (root: unknown, path: Path): Record<string | number, unknown> =>
  path.slice(0, -1).reduce((at, key) => (at as Record<string | number, unknown>)[key], root) as Record<
    string | number,
    unknown
  >

/** JSON text in which one to three things are not as they should be. It is still JSON. */
export const mutateJson = (seed: object, random: Random): string => {
  const root = structuredClone(seed) as Record<string | number, unknown>
  const raw: string[] = []
  const put = (text: string): string => mark(raw.push(text) - 1)
  for (let left = 1 + random.below(3); left > 0; left--) {
    const paths = pathsOf(root)
    if (paths.length === 0) break
    const path = random.pick(paths)
    const key = path.at(-1) ?? ''
    const parent = parentOf(root, path)
    const value = parent[key]
    // Not by assignment, which would change the prototype here instead of the text there.
    const set = (name: string | number, to: unknown): void => {
      Object.defineProperty(parent, name, { value: to, enumerable: true, configurable: true, writable: true })
    }
    const kinds = [
      () => set(key, put(random.pick(strange))),
      () => set(key, typeof value === 'string' ? random.pick(words) : put(random.pick(strange))),
      () => void delete parent[key],
      () => {
        delete parent[key]
        set(random.pick(badKeys), value)
      },
      () => set(`${put('""')}${key}`, put(random.pick(strange))),
      () => set(key, [value]),
      () => set(key, { [String(key)]: value }),
      () => set(key, typeof value === 'string' ? value.repeat(1 + random.below(50)) : JSON.stringify(value)),
    ]
    random.pick(kinds)()
  }
  // A mark inside a key vanishes and leaves the key twice in its object; a mark as a value becomes what it stands for.
  return raw.reduce(
    (text, one, i) => text.replaceAll(`"${mark(i)}"`, () => one).replaceAll(mark(i), ''),
    JSON.stringify(root),
  )
}
