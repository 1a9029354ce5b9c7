import type { Rules } from '../policy/rules.ts'
import type { BackendLink } from './backend/connect.ts'
import { makeHints } from './backend/hints.ts'
import type { Command } from './commands/command.ts'
import type { AdapterDeps, AdapterModule, Capabilities, Person } from './contract/index.ts'
import type { Edge } from './edge.ts'
import { menuFor } from './ops/menu.ts'
import type { State } from './state.ts'
import { memoFor } from './store/memo.ts'
import { adapterTexts } from './texts/help.ts'

export interface LendingDeps {
  readonly edge: Edge
  readonly state: State
  readonly link: BackendLink
  readonly commands: readonly Command[]
  readonly rules: Rules
  readonly jobsOf: (person: Person, capabilities: Capabilities, signal: AbortSignal) => Promise<string | null>
}

/** What the house lends an adapter: the world, its own corner of the store, and what it must know about commands. */
export const makeAdapterDeps = ({
  edge: { fetch, now, random, sleep, log },
  state: { store, blobs, links, installs },
  link,
  commands,
  rules,
  jobsOf,
}: LendingDeps): ((module: AdapterModule) => AdapterDeps) => {
  const templates = makeHints({ templates: link.templates, sleep })
  return (module) => ({
    fetch,
    now,
    random,
    sleep,
    log: log.child({ platform: module.id }),
    memo: memoFor(store, `adapter:${module.id}`),
    media: { open: blobs.open, link: links.link },
    installs: installs.of(module.id),
    templates,
    jobsOf: (person, signal) => jobsOf(person, module.capabilities, signal),
    say: (id) => adapterTexts[id],
    menu: menuFor(commands, rules, module),
  })
}
