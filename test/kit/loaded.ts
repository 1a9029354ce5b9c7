/** Loaded before a program (`--import`): when it ends, it writes what it has loaded into the file that `LOADED_TO` names,
 *  one address a line. */
import { writeFileSync } from 'node:fs'
import { registerHooks } from 'node:module'

const seen = new Set<string>()
registerHooks({
  load: (url, context, next) => {
    seen.add(url)
    return next(url, context)
  },
})
const to = process.env.LOADED_TO
process.once('exit', () => {
  if (to !== undefined) writeFileSync(to, [...seen].join('\n'))
})
