import { enableCompileCache } from 'node:module'
import { fileURLToPath } from 'node:url'

/** Keeps what node makes of our files (types stripped, compiled) beside the packages: the next start is quicker and
 *  takes less memory. Where that folder can't be written, all goes on without. */
enableCompileCache(fileURLToPath(new URL('../node_modules/.cache/openclaw-connector', import.meta.url)))

/** Everything else is loaded behind the cache. */
const { main } = await import('./cli.ts')
await main(process.argv.slice(2))
