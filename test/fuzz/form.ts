import { mutateBytes } from './bytes.ts'
import { mutateJson, words } from './json.ts'
import type { Random } from './random.ts'

const oddNames = ['payload', 'command', 'ssl_check', '__proto__', 'constructor', 'toString', '', '0', 'a[b][c]']
const oddValues = ['', ' ', '\u0000', 'null', '{}', '[]', '%', '-1', '1e400', '긴'.repeat(5000), `/${'x'.repeat(300)}`]
const oddEnds = ['%', '%zz', '&&&', '=', '&=&=', '&%00=%00', '%ff%fe', '&payload', '&'.repeat(5000), ';a=b']

/** A form in which one to three things are not as they should be: in its fields, in the JSON of its `payload`, in how it
 *  is written. */
export const mutateForm = (seed: Buffer, random: Random): Buffer => {
  const fields: [string, string][] = [...new URLSearchParams(seed.toString('utf8'))]
  let end = ''
  for (let left = 1 + random.below(3); left > 0 && fields.length > 0; left--) {
    const at = random.below(fields.length)
    const [name, value] = fields[at]!
    const set = (key: string, text: string): void => {
      fields[at] = [key, text]
    }
    const kinds = [
      () => set(name, value.startsWith('{"') ? mutated(value, random) : random.pick(words)),
      () => set(name, random.pick(oddValues)),
      () => set(random.pick(oddNames), value),
      () => void fields.splice(at, 1),
      () => void fields.push([name, random.pick(oddValues)]),
      () => void fields.unshift([name, random.pick(oddValues)]),
      () => void fields.push([random.pick(oddNames), value]),
      () => {
        end = random.pick(oddEnds)
      },
    ]
    random.pick(kinds)()
  }
  const body = Buffer.from(new URLSearchParams(fields).toString() + end)
  return random.chance(0.1) ? mutateBytes(body, random) : body
}

/** What an earlier change has broken stays as it is. */
const mutated = (json: string, random: Random): string => {
  try {
    return mutateJson(JSON.parse(json) as object, random)
  } catch {
    return json
  }
}
