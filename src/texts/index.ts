import { approvals } from './approvals.ts'
import { backend, chat } from './backend.ts'
import { common } from './common.ts'
import { files } from './files.ts'
import { help } from './help.ts'
import { jobs } from './jobs.ts'

/** Everything a person reads, by topic. */
export const texts = { ...common, approvals, backend, chat, files, help, jobs }
