import { start } from './001-start.ts'
import { reported } from './002-reported.ts'
import { usedIn } from './003-used-in.ts'

/** In order, never changed once released: the schema version is the number of those applied. */
export const migrations: readonly string[] = [start, reported, usedIn]
