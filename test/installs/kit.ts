import type { Installs, Log } from '../../src/contract/index.ts'
import { openKeys } from '../../src/installs/keys.ts'
import { openRegistry, type Registry } from '../../src/installs/registry.ts'
import { makeClock, type TestStore, testStore } from '../kit/core.ts'
import { keepingLog } from '../kit/deps.ts'

export interface Rig extends TestStore {
  readonly registry: Registry
  readonly installs: Installs
  readonly clock: ReturnType<typeof makeClock>
  readonly log: Log & { readonly lines: string[] }
  /** Everything that lies on disk, as text: for "no secret in it". */
  readonly tables: () => string
}

interface Options {
  readonly dir?: string
  readonly key?: string | null
  readonly tenantOf?: (platform: string, workspace: string) => string
}

/** The registry on a real database, with the view of a platform called `fake`. */
export const installsRig = async ({ dir, key = null, tenantOf = () => 'default' }: Options = {}): Promise<Rig> => {
  const clock = makeClock()
  const rig = testStore(clock.now, dir)
  const log = keepingLog()
  let ids = 0
  const registry = await openRegistry({
    store: rig.store,
    keys: openKeys({ stateDir: rig.dir, configured: key, log }),
    tenantOf,
    now: clock.now,
    newId: () => `${++ids}`.padStart(16, '0'),
    log,
  })
  const tables = (): string =>
    ['installs', 'install_secrets', 'install_audit']
      .flatMap((table) => rig.db.sql(`SELECT * FROM ${table}`).all())
      .map((row) =>
        JSON.stringify(row, (_, value) =>
          value instanceof Uint8Array ? Buffer.from(value).toString('latin1') : value,
        ),
      )
      .join('\n')
  return { ...rig, registry, installs: registry.of('fake'), clock, log, tables }
}
